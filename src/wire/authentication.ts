/**
 * IP authentication header (RFC 4302) behind IPv4; behind IPv6 it is one of the extension headers.
 *
 * @module
 */

import { layerOfProtocol } from "./ip_protocol.ts";
import { Layer, type Packet } from "./packet.ts";

const SMALLEST_HEADER = 12;

export function decodeAuthentication(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < SMALLEST_HEADER) return Layer.malformed;
  const length = (bytes[at + 1]! + 2) * 4;
  if (length < SMALLEST_HEADER || packet.end - at < length) return Layer.malformed;
  packet.at = at + length;
  return layerOfProtocol(bytes[at]!);
}
