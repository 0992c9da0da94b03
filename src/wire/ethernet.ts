/**
 * Ethernet II and IEEE 802.3.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 14;
/** Smaller values of the type field are the length of an 802.3 frame. */
const SMALLEST_ETHERTYPE = 0x0600;

export function decodeEthernet(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  packet.destinationMac = at;
  packet.sourceMac = at + 6;
  const type = u16(bytes, at + 12);
  packet.at = at + HEADER;
  return type >= SMALLEST_ETHERTYPE ? layerOf(type) : Layer.llc;
}
