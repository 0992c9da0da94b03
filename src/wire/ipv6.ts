/**
 * IPv6 (RFC 8200) with its extension headers and fragments.
 *
 * @module
 */

import { i32, u16 } from "../bytes.ts";
import { endOfFragment } from "./fragments.ts";
import { isWorthPuttingTogether, layerOfProtocol, Protocol } from "./ip_protocol.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 40;
/** More extension headers than this are somebody's trick. */
const MOST_EXTENSIONS = 16;

/** Fields of the fragment header: the offset in bytes and whether more follow. */
const OFFSET = 0xfff8, MORE_FRAGMENTS = 1;
const OFFSET_OR_MORE = OFFSET | MORE_FRAGMENTS;

const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60;

export function decodeIpv6(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER || bytes[at]! >> 4 !== 6) return Layer.malformed;
  packet.addressLength = 16;
  packet.source = at + 8;
  packet.destination = at + 24;
  packet.at = at + HEADER;
  // A payload length of 0 is a jumbogram's or segmentation offload's: on to the end of the frame.
  const payloadLength = u16(bytes, at + 4);
  if (payloadLength !== 0) packet.trim(Math.min(packet.wireEnd, at + HEADER + payloadLength));

  let next = bytes[at + 6]!;
  for (let extensions = 0; extensions < MOST_EXTENSIONS; extensions++) {
    if (next === Protocol.tcp) return Layer.tcp;
    if (!isExtension(next)) return layerOfProtocol(next);
    const { bytes, at: header } = packet;
    if (packet.end - header < 8) return Layer.malformed;
    const length = extensionLength(next, bytes, header);
    if (packet.end - header < length) return Layer.malformed;
    packet.at = header + length;
    const isFragment = next === FRAGMENT && (u16(bytes, header + 2) & OFFSET_OR_MORE) !== 0;
    next = bytes[header]!;
    if (!isFragment) continue;
    if (!isExtension(next) && !isWorthPuttingTogether(next)) return Layer.other;
    const offset = u16(bytes, header + 2) & OFFSET, more = (bytes[header + 3]! & MORE_FRAGMENTS) !== 0;
    // What the whole packet carries, the first fragment says.
    next = packet.fragments.add(packet, next, i32(bytes, header + 4), offset, more);
    if (next < 0) return endOfFragment(next);
  }
  return Layer.malformed;
}

/** True for the number of an extension header that something may follow. */
export function isExtension(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === DESTINATION ||
    protocol === FRAGMENT || protocol === Protocol.authentication;
}

/** Length in bytes of the extension header at `at`, of which 2 bytes must be there. */
export function extensionLength(protocol: number, bytes: Uint8Array, at: number): number {
  switch (protocol) {
    case FRAGMENT:
      return 8;
    case Protocol.authentication:
      return (bytes[at + 1]! + 2) * 4;
    default:
      return (bytes[at + 1]! + 1) * 8;
  }
}
