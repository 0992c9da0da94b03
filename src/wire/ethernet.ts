/**
 * Ethernet II and IEEE 802.3 with SNAP.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 14;
/** LLC (DSAP, SSAP, control) and SNAP (OUI) before the EtherType of an 802.3 frame. */
const SNAP = 6;
/** Smaller values of the type field are the length of an 802.3 frame. */
const SMALLEST_ETHERTYPE = 0x0600;

export function decodeEthernet(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  packet.destinationMac = at;
  packet.sourceMac = at + 6;
  const type = u16(bytes, at + 12);
  packet.at = at + HEADER;
  if (type >= SMALLEST_ETHERTYPE) return layerOf(type);

  const snap = packet.at;
  if (packet.end - snap < SNAP + 2) return Layer.other;
  const isSnap = bytes[snap] === 0xaa && bytes[snap + 1] === 0xaa && bytes[snap + 2] === 3;
  if (!isSnap) return Layer.other;
  packet.at = snap + SNAP + 2;
  return layerOf(u16(bytes, snap + SNAP));
}
