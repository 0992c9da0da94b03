/**
 * IPv6 (RFC 8200) with its extension headers.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { TCP } from "./ipv4.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 40;
/** More extension headers than this are somebody's trick. */
const MOST_EXTENSIONS = 16;

const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60;

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
    if (next === TCP) return Layer.tcp;
    const isExtension = next === HOP_BY_HOP || next === ROUTING || next === DESTINATION ||
      next === FRAGMENT || next === AUTHENTICATION;
    if (!isExtension) return Layer.other;
    const header = packet.at;
    if (packet.end - header < 8) return Layer.malformed;
    // Offset or more-fragments set: not the whole packet. Fragments are not put together.
    if (next === FRAGMENT && (u16(bytes, header + 2) & 0xfff9) !== 0) return Layer.malformed;
    const length = next === FRAGMENT
      ? 8
      : next === AUTHENTICATION
      ? (bytes[header + 1]! + 2) * 4
      : (bytes[header + 1]! + 1) * 8;
    if (packet.end - header < length) return Layer.malformed;
    packet.at = header + length;
    next = bytes[header]!;
  }
  return Layer.malformed;
}
