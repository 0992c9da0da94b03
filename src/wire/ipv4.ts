/**
 * IPv4 (RFC 791) with its fragments.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { endOfFragment } from "./fragments.ts";
import { isWorthPuttingTogether, layerOfProtocol, Protocol } from "./ip_protocol.ts";
import { Layer, type Packet } from "./packet.ts";

const SMALLEST_HEADER = 20;
const MORE_FRAGMENTS = 0x2000, OFFSET = 0x1fff;
const MORE_FRAGMENTS_OR_OFFSET = MORE_FRAGMENTS | OFFSET;

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
  const protocol = bytes[at + 9]!;
  const next = protocol === Protocol.tcp ? Layer.tcp : layerOfProtocol(protocol);
  if (next === Layer.other) return Layer.other;
  packet.addressLength = 4;
  packet.source = at + 12;
  packet.destination = at + 16;
  packet.at = at + headerLength;
  const fragment = u16(bytes, at + 6);
  if ((fragment & MORE_FRAGMENTS_OR_OFFSET) === 0) return next;
  if (!isWorthPuttingTogether(protocol)) return Layer.other;
  const offset = (fragment & OFFSET) * 8, more = (fragment & MORE_FRAGMENTS) !== 0;
  const whole = packet.fragments.add(packet, protocol, u16(bytes, at + 4), offset, more);
  return whole < 0 ? endOfFragment(whole) : next;
}
