/**
 * ICMP of IPv4 (RFC 792) and IPv6 (RFC 4443): errors, each with the beginning of the packet that it is about, and the
 * messages of neighbour discovery.
 *
 * @module
 */

import { i32, u16 } from "../bytes.ts";
import { Protocol } from "./ip_protocol.ts";
import { extensionLength, isExtension } from "./ipv6.ts";
import { decodeNdp, isNdpType } from "./ndp.ts";
import { Layer, type Packet } from "./packet.ts";

/** Type, code, checksum, and 4 bytes whose meaning depends on the type; of an error the quoted packet follows. */
const HEADER = 8;

/** Ends with `Layer.icmpError` and `at` at the header of an error, which is there; other messages are `Layer.other`. */
export function decodeIcmp(packet: Packet): Layer {
  if (packet.addressLength !== 4) return Layer.other;
  if (packet.end === packet.at) return Layer.malformed;
  switch (packet.bytes[packet.at]) {
    case 3: // destination unreachable
    case 4: // source quench
    case 5: // redirect
    case 11: // time exceeded
    case 12: // parameter problem
      return endOfError(packet);
    default:
      return Layer.other;
  }
}

/** The same of ICMPv6; a message of neighbour discovery ends as {@link decodeNdp} says. */
export function decodeIcmp6(packet: Packet): Layer {
  if (packet.addressLength !== 16) return Layer.other;
  if (packet.end === packet.at) return Layer.malformed;
  const type = packet.bytes[packet.at]!;
  switch (type) {
    case 1: // destination unreachable
    case 2: // packet too big
    case 3: // time exceeded
    case 4: // parameter problem
      return endOfError(packet);
    default:
      return isNdpType(type) ? decodeNdp(packet) : Layer.other;
  }
}

function endOfError(packet: Packet): Layer {
  return packet.end - packet.at < HEADER ? Layer.malformed : Layer.icmpError;
}

/**
 * Puts the addresses, ports and sequence number of the TCP segment that an ICMP error quotes in the place of the
 * packet's own: `source` is who sent the segment. Needs the segment's first 8 bytes.
 *
 * @returns false, with the packet as it was, when the quoted packet is not TCP, cut before that, or a fragment other than the first.
 */
export function readQuoted(packet: Packet): boolean {
  const quoted = packet.at + HEADER;
  return packet.addressLength === 4 ? readQuotedIpv4(packet, quoted) : readQuotedIpv6(packet, quoted);
}

function readQuotedIpv4(packet: Packet, at: number): boolean {
  const SMALLEST_HEADER = 20, FRAGMENT_OFFSET = 0x1fff;
  const { bytes, end } = packet;
  if (end - at < SMALLEST_HEADER || bytes[at]! >> 4 !== 4) return false;
  const headerLength = (bytes[at]! & 0x0f) * 4;
  if (headerLength < SMALLEST_HEADER || bytes[at + 9] !== Protocol.tcp) return false;
  if ((u16(bytes, at + 6) & FRAGMENT_OFFSET) !== 0) return false;
  return readQuotedTcp(packet, at + 12, at + headerLength);
}

function readQuotedIpv6(packet: Packet, at: number): boolean {
  const HEADER = 40, MOST_EXTENSIONS = 16, FRAGMENT = 44, FRAGMENT_OFFSET = 0xfff8;
  const { bytes, end } = packet;
  if (end - at < HEADER || bytes[at]! >> 4 !== 6) return false;
  let next = bytes[at + 6]!, header = at + HEADER;
  for (let extensions = 0; isExtension(next); extensions++) {
    if (extensions === MOST_EXTENSIONS || end - header < 8) return false;
    if (next === FRAGMENT && (u16(bytes, header + 2) & FRAGMENT_OFFSET) !== 0) return false;
    const length = extensionLength(next, bytes, header);
    next = bytes[header]!;
    header += length;
  }
  return next === Protocol.tcp && readQuotedTcp(packet, at + 8, header);
}

/** @param addresses Where the source's address is; the destination's follows. */
function readQuotedTcp(packet: Packet, addresses: number, at: number): boolean {
  const PORTS_AND_SEQUENCE = 8;
  const { bytes } = packet;
  if (packet.end - at < PORTS_AND_SEQUENCE) return false;
  packet.source = addresses;
  packet.destination = addresses + packet.addressLength;
  packet.sourcePort = u16(bytes, at);
  packet.destinationPort = u16(bytes, at + 2);
  packet.sequence = i32(bytes, at + 4);
  return true;
}
