/**
 * IEEE 802.2 LLC with SNAP, which names what it carries by an EtherType.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, type Packet } from "./packet.ts";

/** DSAP, SSAP, control, OUI, EtherType. */
const HEADER = 8;

export function decodeLlc(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return packet.wireEnd - at < HEADER ? Layer.other : Layer.malformed;
  const isSnap = bytes[at] === 0xaa && bytes[at + 1] === 0xaa && bytes[at + 2] === 3;
  if (!isSnap) return Layer.other;
  packet.at = at + HEADER;
  return layerOf(u16(bytes, at + 6));
}
