/**
 * EtherTypes, by which several link layers name what they carry.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

/** The layer that an EtherType stands for. */
export function layerOf(etherType: number): Layer {
  switch (etherType) {
    case 0x0800:
      return Layer.ipv4;
    case 0x86dd:
      return Layer.ipv6;
    case 0x8100: // 802.1Q
    case 0x88a8: // 802.1ad
    case 0x9100: // QinQ before 802.1ad
      return Layer.vlan;
    case 0x6558: // transparent Ethernet bridging, in tunnels
      return Layer.ethernet;
    case 0x880b:
      return Layer.ppp;
    case 0x8847: // MPLS unicast
    case 0x8848: // MPLS with upstream labels, once multicast
      return Layer.mpls;
    case 0x8864: // PPPoE session
      return Layer.pppoe;
    default:
      return Layer.other;
  }
}

/**
 * True when an Ethernet frame with something of interest in it begins at `at`, by its type and the version of IP. One that
 * the capture cut before its type is believed to be.
 */
export function guessEthernet(packet: Packet, at: number): boolean {
  const HEADER = 14;
  const { bytes, end } = packet;
  if (packet.wireEnd - at < HEADER) return false;
  if (end - at < HEADER) return true;
  const layer = layerOf(u16(bytes, at + HEADER - 2));
  const version = layer === Layer.ipv4 ? 4 : layer === Layer.ipv6 ? 6 : 0;
  if (version === 0) return layer !== Layer.other;
  return end - at === HEADER || bytes[at + HEADER]! >> 4 === version;
}
