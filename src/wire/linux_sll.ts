/**
 * Linux cooked captures, versions 1 and 2: what the `any` device gives in place of a link layer header.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 16;
const HEADER_2 = 20;
const MAC_LENGTH = 6;

export function decodeLinuxSll(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  if (u16(bytes, at + 4) === MAC_LENGTH) packet.sourceMac = at + 6;
  packet.mixesNetworks = true;
  packet.at = at + HEADER;
  return layerOf(u16(bytes, at + 14));
}

export function decodeLinuxSll2(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER_2) return Layer.malformed;
  if (bytes[at + 11] === MAC_LENGTH) packet.sourceMac = at + 12;
  packet.mixesNetworks = true;
  packet.at = at + HEADER_2;
  return layerOf(u16(bytes, at));
}
