/**
 * MPLS label stacks (RFC 3032). Nothing says what lies under them: it is told by its looks. Labels are not kept, as
 * each direction of a flow has its own.
 *
 * @module
 */

import { guessEthernet, guessIp } from "./guess.ts";
import { Layer, type Packet } from "./packet.ts";

const ENTRY = 4;
/** The bit that marks the bottom of the stack, in the third byte of an entry. */
const BOTTOM = 1;
/** Precedes the frame of an Ethernet pseudowire (RFC 4448), if both ends agreed on it; begins with four zero bits. */
const CONTROL_WORD = 4;

export function decodeMpls(packet: Packet): Layer {
  const { bytes, end } = packet;
  let isBottom = false;
  while (!isBottom) {
    if (end - packet.at < ENTRY) return Layer.malformed;
    isBottom = (bytes[packet.at + 2]! & BOTTOM) !== 0;
    packet.at += ENTRY;
  }
  const ip = guessIp(packet);
  if (ip !== Layer.other || guessEthernet(packet, packet.at)) return ip === Layer.other ? Layer.ethernet : ip;
  const payload = packet.at + CONTROL_WORD;
  if (end <= packet.at || bytes[packet.at]! >> 4 !== 0 || !guessEthernet(packet, payload)) return Layer.other;
  packet.at = payload;
  return Layer.ethernet;
}
