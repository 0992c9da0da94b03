/**
 * IPv4 (RFC 791).
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

const SMALLEST_HEADER = 20;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;

/** IP protocol number of TCP, for IPv6 too. */
export const TCP = 6;

export function decodeIpv4(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < SMALLEST_HEADER) return Layer.malformed;
  const headerLength = (bytes[at]! & 0x0f) * 4;
  if (bytes[at]! >> 4 !== 4 || headerLength < SMALLEST_HEADER || packet.end - at < headerLength) {
    return Layer.malformed;
  }
  // A total length of 0 is segmentation offload's: the packet goes on to the end of the frame.
  const totalLength = u16(bytes, at + 2);
  if (totalLength !== 0) {
    if (totalLength < headerLength) return Layer.malformed;
    packet.trim(Math.min(packet.wireEnd, at + totalLength));
  }
  if (bytes[at + 9] !== TCP) return Layer.other;
  // Fragments are not put together: they count as unreadable.
  if ((u16(bytes, at + 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0) return Layer.malformed;
  packet.addressLength = 4;
  packet.source = at + 12;
  packet.destination = at + 16;
  packet.at = at + headerLength;
  return Layer.tcp;
}
