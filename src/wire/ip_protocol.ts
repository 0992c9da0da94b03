/**
 * IP protocol numbers, by which IPv4 and IPv6 name what they carry, and telling IP by its looks where nothing names it.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

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

/**
 * `Layer.ipv4` or `Layer.ipv6` when what comes next is such a packet by its version and lengths, else `Layer.other`. Of one
 * that the capture cut within these fields the version is believed; one that it cut off whole is `Layer.malformed`.
 */
export function guessIp(packet: Packet): Layer {
  const { bytes, at, end, wireEnd } = packet;
  if (end === at) return wireEnd === at ? Layer.other : Layer.malformed;
  switch (bytes[at]! >> 4) {
    case 4: {
      const headerLength = (bytes[at]! & 0x0f) * 4;
      if (headerLength < 20 || wireEnd - at < headerLength) return Layer.other;
      if (end - at < 4) return Layer.ipv4;
      const totalLength = u16(bytes, at + 2);
      const fits = totalLength === 0 || (totalLength >= headerLength && totalLength <= wireEnd - at);
      return fits ? Layer.ipv4 : Layer.other;
    }
    case 6:
      if (wireEnd - at < 40) return Layer.other;
      return end - at < 6 || 40 + u16(bytes, at + 4) <= wireEnd - at ? Layer.ipv6 : Layer.other;
    default:
      return Layer.other;
  }
}
