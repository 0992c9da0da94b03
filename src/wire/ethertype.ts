/**
 * EtherTypes, by which several link layers name what they carry.
 *
 * @module
 */

import { Layer } from "./packet.ts";

/** The layer that an EtherType stands for. */
export function layerOf(etherType: number): Layer {
  switch (etherType) {
    case 0x0800:
      return Layer.ipv4;
    case 0x86dd:
      return Layer.ipv6;
    case 0x0806:
      return Layer.arp;
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
