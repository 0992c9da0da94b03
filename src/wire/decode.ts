/**
 * Frames to TCP segments, and to what else tells of how connections come about: chains the layers from the link type up.
 *
 * @module
 */

import { decodeArcnet } from "./arcnet.ts";
import { decodeArp } from "./arp.ts";
import { decodeAuthentication } from "./authentication.ts";
import { decodeAyiya } from "./ayiya.ts";
import { decodeEthernet } from "./ethernet.ts";
import { decodeGeneve } from "./geneve.ts";
import { decodeGre, decodeGreInUdp } from "./gre.ts";
import { decodeGtp } from "./gtp.ts";
import { decodeIcmp, decodeIcmp6 } from "./icmp.ts";
import {
  decodeAggregatedMsdu,
  decodeIeee80211,
  decodePpi,
  decodePrism,
  decodeRadiotap,
} from "./ieee80211.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { decodeL2tp } from "./l2tp.ts";
import { decodeLinuxSll, decodeLinuxSll2 } from "./linux_sll.ts";
import { decodeLlc } from "./llc.ts";
import { decodeMpls } from "./mpls.ts";
import { decodeNetfilterMessage, decodeNetlink, decodeNflog } from "./nflog.ts";
import { decodeNullLoopback } from "./null_loopback.ts";
import { Layer, type Packet } from "./packet.ts";
import { decodeHdlc, decodePpp } from "./ppp.ts";
import { decodePppoe } from "./pppoe.ts";
import { decodeTcp } from "./tcp.ts";
import { decodeTeredo } from "./teredo.ts";
import { decodeUdp } from "./udp.ts";
import { decodeVlan } from "./vlan.ts";
import { decodeVxlan } from "./vxlan.ts";

/** Layers in one frame at most: what nests deeper is somebody's trick. */
const MOST_LAYERS = 32;

/**
 * Decodes a frame that `packet` was reset to.
 *
 * @param linkType LINKTYPE_ or DLT_ value.
 * @returns `Layer.segment`, with the segment's facts in `packet`; `Layer.datagram`, `Layer.arp`, `Layer.icmpError` or `Layer.ndp`, to be
 *   read by those who know them; `Layer.other` or `Layer.malformed`.
 */
export function decodeFrame(packet: Packet, linkType: number): Layer {
  return decodeFrom(packet, linkLayer(linkType));
}

/**
 * Decodes the next packet of a frame that holds several.
 *
 * @returns as {@link decodeFrame}; `undefined` when there is none.
 */
export function decodeRest(packet: Packet): Layer | undefined {
  const layer = packet.takeRest();
  return layer === undefined ? undefined : decodeFrom(packet, layer);
}

function decodeFrom(packet: Packet, first: Layer): Layer {
  let layer = first;
  for (let layers = 0; layers < MOST_LAYERS; layers++) {
    switch (layer) {
      case Layer.ethernet:
        layer = decodeEthernet(packet);
        break;
      case Layer.vlan:
        layer = decodeVlan(packet);
        break;
      case Layer.linuxSll:
        layer = decodeLinuxSll(packet);
        break;
      case Layer.linuxSll2:
        layer = decodeLinuxSll2(packet);
        break;
      case Layer.nullLoopback:
        layer = decodeNullLoopback(packet);
        break;
      case Layer.rawIp:
        layer = packet.end > packet.at && packet.bytes[packet.at]! >> 4 === 6 ? Layer.ipv6 : Layer.ipv4;
        break;
      case Layer.ipv4:
        layer = decodeIpv4(packet);
        break;
      case Layer.ipv6:
        layer = decodeIpv6(packet);
        break;
      case Layer.tcp:
        layer = decodeTcp(packet);
        break;
      case Layer.llc:
        layer = decodeLlc(packet);
        break;
      case Layer.udp:
        layer = decodeUdp(packet);
        break;
      case Layer.gre:
        layer = decodeGre(packet);
        break;
      case Layer.authentication:
        layer = decodeAuthentication(packet);
        break;
      case Layer.mpls:
        layer = decodeMpls(packet);
        break;
      case Layer.pppoe:
        layer = decodePppoe(packet);
        break;
      case Layer.ppp:
        layer = decodePpp(packet);
        break;
      case Layer.hdlc:
        layer = decodeHdlc(packet);
        break;
      case Layer.vxlan:
        layer = decodeVxlan(packet);
        break;
      case Layer.geneve:
        layer = decodeGeneve(packet);
        break;
      case Layer.gtp:
        layer = decodeGtp(packet);
        break;
      case Layer.greInUdp:
        layer = decodeGreInUdp(packet);
        break;
      case Layer.l2tp:
        layer = decodeL2tp(packet);
        break;
      case Layer.teredo:
        layer = decodeTeredo(packet);
        break;
      case Layer.ayiya:
        layer = decodeAyiya(packet);
        break;
      case Layer.ieee80211:
        layer = decodeIeee80211(packet);
        break;
      case Layer.aggregatedMsdu:
        layer = decodeAggregatedMsdu(packet);
        break;
      case Layer.radiotap:
        layer = decodeRadiotap(packet);
        break;
      case Layer.ppi:
        layer = decodePpi(packet);
        break;
      case Layer.prism:
        layer = decodePrism(packet);
        break;
      case Layer.nflog:
        layer = decodeNflog(packet);
        break;
      case Layer.netlink:
        layer = decodeNetlink(packet);
        break;
      case Layer.netfilterMessage:
        layer = decodeNetfilterMessage(packet);
        break;
      case Layer.arcnet:
        layer = decodeArcnet(packet);
        break;
      case Layer.icmp:
        layer = decodeIcmp(packet);
        break;
      case Layer.icmp6:
        layer = decodeIcmp6(packet);
        break;
      case Layer.arp:
        // Nothing comes behind it, and that it is ARP indeed is told by the same layer.
        return decodeArp(packet);
      default:
        return layer;
    }
  }
  return Layer.malformed;
}

/** The first layer of a link type; frames of one that is not known cannot be decoded. */
function linkLayer(linkType: number): Layer {
  switch (linkType) {
    case 0: // NULL
    case 108: // LOOP
      return Layer.nullLoopback;
    case 1: // EN10MB
      return Layer.ethernet;
    case 9: // PPP
      return Layer.ppp;
    case 12: // RAW in memory, and in files of some systems
    case 14:
    case 101: // RAW in files
    case 228: // IPV4
    case 229: // IPV6
      return Layer.rawIp;
    case 50: // PPP_HDLC
    case 104: // C_HDLC
      return Layer.hdlc;
    case 51: // PPP_ETHER
      return Layer.pppoe;
    case 105: // IEEE802_11
      return Layer.ieee80211;
    case 113: // LINUX_SLL
      return Layer.linuxSll;
    case 119: // IEEE802_11_PRISM
    case 163: // IEEE802_11_AVS
      return Layer.prism;
    case 127: // IEEE802_11_RADIOTAP
      return Layer.radiotap;
    case 129: // ARCNET_LINUX
      return Layer.arcnet;
    case 192: // PPI
      return Layer.ppi;
    case 239: // NFLOG
      return Layer.nflog;
    case 253: // NETLINK
      return Layer.netlink;
    case 276: // LINUX_SLL2
      return Layer.linuxSll2;
    default:
      return Layer.malformed;
  }
}
