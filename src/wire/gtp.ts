/**
 * GTP-U version 1 (3GPP TS 29.281): the IP packets of mobile subscribers in UDP. Tunnel endpoint identifiers are not kept, as
 * each direction of a flow has its own.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { guessIp } from "./guess.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 8;
/** Sequence number, N-PDU number and type of the first extension header; all of them when any is flagged. */
const OPTIONAL = 4;
/** Version 1, protocol type GTP, the spare bit 0. */
const FIXED_BITS = 0xf8, FIXED_VALUE = 0x30;
const OPTIONAL_FLAGS = 0x07, HAS_EXTENSIONS = 0x04;
const USER_DATA = 255;

export function decodeGtp(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.wireEnd - at < HEADER) return Layer.other;
  if (packet.end - at < HEADER) return Layer.malformed;
  const flags = bytes[at]!;
  const length = u16(bytes, at + 2);
  const isUserData = (flags & FIXED_BITS) === FIXED_VALUE && bytes[at + 1] === USER_DATA;
  if (!isUserData || length > packet.wireEnd - at - HEADER) return Layer.other;
  packet.trim(at + HEADER + length);

  let payload = at + HEADER;
  if (flags & OPTIONAL_FLAGS) {
    payload += OPTIONAL;
    if (payload > packet.end) return Layer.malformed;
    // Each extension begins with its length in words and ends with the type of the next.
    let next = flags & HAS_EXTENSIONS ? bytes[payload - 1]! : 0;
    while (next !== 0) {
      const words = payload < packet.end ? bytes[payload]! : 0;
      payload += words * 4;
      if (words === 0 || payload > packet.end) return Layer.malformed;
      next = bytes[payload - 1]!;
    }
  }
  packet.at = payload;
  return guessIp(packet);
}
