/**
 * IP protocol numbers, by which IPv4 and IPv6 name what they carry.
 *
 * @module
 */

import { Layer } from "./packet.ts";

/** IP protocol numbers that are decoded. */
export const Protocol = {
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  authentication: 51,
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
    case Protocol.mpls:
      return Layer.mpls;
    default:
      return Layer.other;
  }
}
