/**
 * Telling layers by their looks, where nothing names them or what names them proves nothing, as a UDP port.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { Layer, type Packet } from "./packet.ts";

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

/** True when what comes next looks like the layer that was named. */
export function looksLike(packet: Packet, layer: Layer): boolean {
  switch (layer) {
    case Layer.ethernet:
      return guessEthernet(packet, packet.at);
    case Layer.ipv4:
    case Layer.ipv6:
      return guessIp(packet) === layer;
    default:
      return layer !== Layer.other;
  }
}
