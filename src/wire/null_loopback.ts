/**
 * BSD loopback: a 4-byte address family. LINKTYPE_NULL has it in the byte order of the capturing machine,
 * LINKTYPE_LOOP in network order; some writers mix the two up, so both orders are read for both.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 4;

export function decodeNullLoopback(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  packet.at = at + HEADER;
  // Families are small numbers: one of the two halves is zero and tells the byte order.
  const high = u16(bytes, at), low = u16(bytes, at + 2);
  const family = high === 0 ? low : low === 0 ? (high >> 8) | ((high & 0xff) << 8) : -1;
  switch (family) {
    case 2: // AF_INET everywhere
      return Layer.ipv4;
    case 10: // AF_INET6 on Linux
    case 24: // NetBSD, OpenBSD
    case 28: // FreeBSD
    case 30: // macOS
      return Layer.ipv6;
    default:
      return Layer.other;
  }
}
