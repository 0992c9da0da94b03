/**
 * IP protocol numbers, by which IPv4 and IPv6 name what they carry.
 *
 * @module
 */

import { Layer } from "./packet.ts";

/** IP protocol numbers that are decoded. */
export const Protocol = {
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  authentication: 51,
  icmp6: 58,
  mpls: 137,
} as const;

/** The layer that an IP protocol number stands for. */
export function layerOfProtocol(protocol: number): Layer {
  switch (protocol) {
    case Protocol.tcp:
      return Layer.tcp;
    case Protocol.udp:
      return Layer.udp;
    case Protocol.ipv4:
      return Layer.ipv4;
    case Protocol.ipv6:
      return Layer.ipv6;
    case Protocol.gre:
      return Layer.gre;
    case Protocol.authentication:
      return Layer.authentication;
    case Protocol.icmp:
      return Layer.icmp;
    case Protocol.icmp6:
      return Layer.icmp6;
    case Protocol.mpls:
      return Layer.mpls;
    default:
      return Layer.other;
  }
}

/** True for what is of interest when it comes in fragments. ICMP errors are small, and neighbours ignore such (RFC 6980). */
export function isWorthPuttingTogether(protocol: number): boolean {
  return protocol !== Protocol.icmp && protocol !== Protocol.icmp6 &&
    layerOfProtocol(protocol) !== Layer.other;
}
