/**
 * IEEE 802.1Q tags, any number of them (802.1ad).
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, type Packet } from "./packet.ts";

const TAG = 4;

export function decodeVlan(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < TAG) return Layer.malformed;
  const identifier = u16(bytes, at) & 0x0fff;
  if (packet.vlan < 0) packet.vlan = identifier;
  if (!packet.mixesNetworks) packet.network = Math.imul(packet.network, 4096) + identifier;
  packet.at = at + TAG;
  return layerOf(u16(bytes, at + 2));
}
