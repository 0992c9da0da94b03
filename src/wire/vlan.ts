/**
 * IEEE 802.1Q tags, any number of them (802.1ad).
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, Network, type Packet } from "./packet.ts";

const TAG = 4;

export function decodeVlan(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < TAG) return Layer.malformed;
  const identifier = u16(bytes, at) & 0x0fff;
  if (packet.vlan < 0) packet.vlan = identifier;
  // 0 is no VLAN: such a tag only says how urgent the frame is.
  if (identifier !== 0) packet.enterNetwork(Network.vlan, identifier);
  packet.at = at + TAG;
  return layerOf(u16(bytes, at + 2));
}
