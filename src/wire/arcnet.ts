/**
 * ARCNET as Linux captures it: addresses of one byte, and IP in the framing of RFC 1201 or RFC 1051.
 *
 * @module
 */

import { Layer, type Packet } from "./packet.ts";

/** Source, destination, offset, protocol. */
const HEADER = 5;
/** Split flag and sequence number, of RFC 1201 alone. */
const SPLIT_HEADER = 3;
const IP_RFC_1201 = 212, IP_RFC_1051 = 240;

export function decodeArcnet(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  packet.at = at + HEADER;
  switch (bytes[at + 4]) {
    case IP_RFC_1051:
      return Layer.ipv4;
    case IP_RFC_1201:
      // Split packets are not put together.
      if (packet.end - packet.at < SPLIT_HEADER || bytes[packet.at] !== 0) return Layer.malformed;
      packet.at += SPLIT_HEADER;
      return Layer.ipv4;
    default:
      return Layer.other;
  }
}
