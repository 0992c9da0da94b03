/**
 * TCP (RFC 9293 section 3.1): ports, sequence numbers, flags, window, and where the payload is.
 *
 * @module
 */

import { i32, u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

const SMALLEST_HEADER = 20;

export function decodeTcp(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < SMALLEST_HEADER) return Layer.malformed;
  const headerLength = (bytes[at + 12]! >> 4) * 4;
  if (headerLength < SMALLEST_HEADER || packet.wireEnd - at < headerLength) return Layer.malformed;
  packet.sourcePort = u16(bytes, at);
  packet.destinationPort = u16(bytes, at + 2);
  packet.sequence = i32(bytes, at + 4);
  packet.acknowledgement = i32(bytes, at + 8);
  packet.flags = bytes[at + 13]!;
  packet.window = u16(bytes, at + 14);
  // The capture may be cut within the options: then the payload is known by its length alone.
  packet.at = Math.min(at + headerLength, packet.end);
  packet.payloadLength = packet.wireEnd - at - headerLength;
  return Layer.segment;
}
