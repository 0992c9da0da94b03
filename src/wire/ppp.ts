/**
 * PPP (RFC 1661): the protocol field, of one or two bytes, behind the address and control bytes of HDLC-like framing
 * (RFC 1662) where they are not left out; and Cisco's own HDLC framing.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, type Packet } from "./packet.ts";

/** All stations, unnumbered information. No protocol number begins with the former. */
const ADDRESS = 0xff, CONTROL = 0x03;
const CISCO_HEADER = 4;
const CISCO_UNICAST = 0x0f, CISCO_BROADCAST = 0x8f;

export function decodePpp(packet: Packet): Layer {
  const { bytes, end } = packet;
  let { at } = packet;
  if (end > at && bytes[at] === ADDRESS) {
    if (end - at < 2 || bytes[at + 1] !== CONTROL) return Layer.malformed;
    at += 2;
  }
  if (end === at) return Layer.malformed;
  // Protocol numbers are odd and their upper byte is even: an odd first byte is a field of one byte.
  const length = bytes[at]! & 1 ? 1 : 2;
  if (end - at < length) return Layer.malformed;
  packet.at = at + length;
  switch (length === 1 ? bytes[at]! : u16(bytes, at)) {
    case 0x21:
      return Layer.ipv4;
    case 0x57:
      return Layer.ipv6;
    case 0x281:
    case 0x283:
      return Layer.mpls;
    default:
      return Layer.other;
  }
}

/** Frames of a serial line: PPP in HDLC-like framing, or Cisco's, told by the first byte. */
export function decodeHdlc(packet: Packet): Layer {
  const { bytes, at } = packet;
  const address = packet.end > at ? bytes[at] : undefined;
  if (address !== CISCO_UNICAST && address !== CISCO_BROADCAST) return decodePpp(packet);
  if (packet.end - at < CISCO_HEADER) return Layer.malformed;
  packet.at = at + CISCO_HEADER;
  return layerOf(u16(bytes, at + 2));
}
