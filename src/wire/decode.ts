/**
 * Frames to TCP segments: chains the layers from the link type up.
 *
 * @module
 */

import { decodeEthernet } from "./ethernet.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { decodeLinuxSll, decodeLinuxSll2 } from "./linux_sll.ts";
import { decodeNullLoopback } from "./null_loopback.ts";
import { Layer, type Packet } from "./packet.ts";
import { decodeTcp } from "./tcp.ts";
import { decodeVlan } from "./vlan.ts";

/** Layers in one frame at most: what nests deeper is somebody's trick. */
const MOST_LAYERS = 16;

/**
 * Decodes a frame that `packet` was reset to.
 *
 * @param linkType LINKTYPE_ or DLT_ value.
 * @returns `Layer.segment`, with the segment's facts in `packet`, `Layer.other` or `Layer.malformed`.
 */
export function decodeFrame(packet: Packet, linkType: number): Layer {
  let layer = linkLayer(linkType);
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
    case 12: // RAW in memory, and in files of some systems
    case 14:
    case 101: // RAW in files
    case 228: // IPV4
    case 229: // IPV6
      return Layer.rawIp;
    case 113: // LINUX_SLL
      return Layer.linuxSll;
    case 276: // LINUX_SLL2
      return Layer.linuxSll2;
    default:
      return Layer.malformed;
  }
}
