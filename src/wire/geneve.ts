/**
 * Geneve (RFC 8926): Ethernet or IP in UDP, behind options of any length.
 *
 * @module
 */

import { i32, u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { looksLike } from "./guess.ts";
import { Layer, Network, type Packet } from "./packet.ts";

const HEADER = 8;

export function decodeGeneve(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.wireEnd - at < HEADER) return Layer.other;
  if (packet.end - at < HEADER) return Layer.malformed;
  const version = bytes[at]! >> 6, optionsLength = (bytes[at]! & 0x3f) * 4;
  const inner = layerOf(u16(bytes, at + 2));
  const payload = at + HEADER + optionsLength;
  if (version !== 0 || inner === Layer.other || payload >= packet.wireEnd) return Layer.other;
  if (payload >= packet.end) return Layer.malformed;
  packet.at = payload;
  if (!looksLike(packet, inner)) return Layer.other;
  packet.enterNetwork(Network.virtualNetwork, i32(bytes, at + 4) >>> 8);
  return inner;
}
