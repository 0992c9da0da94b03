/**
 * L2TP version 2 data messages (RFC 2661): PPP in UDP. Tunnel and session numbers are not kept, as each direction of a
 * flow has its own.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

const FLAGS = 2, LENGTH = 2, TUNNEL_AND_SESSION = 4, SEQUENCE = 4, OFFSET_SIZE = 2;
const Flag = { control: 0x8000, length: 0x4000, sequence: 0x0800, offset: 0x0200 } as const;
/** Bits that must be 0, and the version, which must be 2. */
const FIXED_BITS = 0x34ff, VERSION_2 = 0x0002;

export function decodeL2tp(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.wireEnd - at < FLAGS + TUNNEL_AND_SESSION) return Layer.other;
  if (packet.end - at < FLAGS + LENGTH) return Layer.malformed;
  const flags = u16(bytes, at);
  if ((flags & FIXED_BITS) !== VERSION_2 || flags & Flag.control) return Layer.other;
  let payload = at + FLAGS;
  if (flags & Flag.length) {
    const length = u16(bytes, payload);
    if (length > packet.wireEnd - at) return Layer.other;
    packet.trim(at + length);
    payload += LENGTH;
  }
  payload += TUNNEL_AND_SESSION + (flags & Flag.sequence ? SEQUENCE : 0);
  if (flags & Flag.offset) {
    payload += OFFSET_SIZE;
    if (payload > packet.end) return Layer.malformed;
    payload += u16(bytes, payload - OFFSET_SIZE);
  }
  if (payload >= packet.wireEnd) return Layer.other;
  if (payload >= packet.end) return Layer.malformed;
  packet.at = payload;
  return Layer.ppp;
}
