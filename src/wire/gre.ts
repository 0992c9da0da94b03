/**
 * GRE (RFC 2784 and 2890), with the Ethernet frames of mirror sessions (ERSPAN types I to III) and the IEEE 802.11
 * frames of Aruba's access points in it, and enhanced GRE with the PPP of PPTP (RFC 2637) or Ethernet (EoIP).
 *
 * @module
 */

import { i32, u16 } from "../bytes.ts";
import { layerOf } from "./ethertype.ts";
import { looksLike } from "./guess.ts";
import { Layer, Network, type Packet } from "./packet.ts";

const HEADER = 4;
const WORD = 4;
/** Flags of the first two bytes. */
const Flag = {
  checksum: 0x8000,
  routing: 0x4000,
  key: 0x2000,
  sequence: 0x1000,
  acknowledgement: 0x0080,
} as const;
const VERSION = 0x0007;
/** What RFC 2784 leaves reserved in version 0, the flag of source routing (RFC 1701) among it. */
const RESERVED = 0x4ff8;

const TRANSPARENT_ETHERNET = 0x6558,
  PPP = 0x880b,
  ETHERNET_OVER_IP = 0x6400,
  ERSPAN_I_OR_II = 0x88be,
  ERSPAN_III = 0x22eb;
/** Aruba's, one for each tunnel of an access point. */
const FIRST_IEEE80211 = 0x8200, LAST_IEEE80211 = 0x83ff;

export function decodeGre(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  const flags = u16(bytes, at), type = u16(bytes, at + 2);
  switch (flags & VERSION) {
    case 0:
      return decodeVersion0(packet, flags, type);
    case 1:
      return decodeEnhanced(packet, flags, type);
    default:
      return Layer.malformed;
  }
}

/** GRE in UDP (RFC 8086): only what surely is it. */
export function decodeGreInUdp(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.wireEnd - at < HEADER) return Layer.other;
  if (packet.end - at < HEADER) return Layer.malformed;
  const flags = u16(bytes, at), type = u16(bytes, at + 2);
  if (flags & (RESERVED | VERSION) || layerOf(type) === Layer.other) return Layer.other;
  const inner = decodeVersion0(packet, flags, type);
  if (inner === Layer.malformed || packet.at === packet.end) return Layer.malformed;
  return looksLike(packet, inner) ? inner : Layer.other;
}

function decodeVersion0(packet: Packet, flags: number, type: number): Layer {
  const { bytes, at } = packet;
  // Source routing was given up with RFC 1701.
  if (flags & Flag.routing) return Layer.other;
  const key = at + HEADER + (flags & Flag.checksum ? WORD : 0);
  const sequence = key + (flags & Flag.key ? WORD : 0);
  const payload = sequence + (flags & Flag.sequence ? WORD : 0);
  if (payload > packet.end) return Layer.malformed;
  // Mirror sessions number the two directions of an Ethernet by it, and NVGRE (RFC 7637) has a hash of the flow in it.
  if (flags & Flag.key && type !== TRANSPARENT_ETHERNET) packet.enterNetwork(Network.greKey, i32(bytes, key));
  packet.at = payload;
  if (type === ERSPAN_III) return decodeErspan3(packet);
  if (type >= FIRST_IEEE80211 && type <= LAST_IEEE80211) return Layer.ieee80211;
  if (type !== ERSPAN_I_OR_II) return layerOf(type);
  // Type I has no header of its own, and no sequence number before it.
  return flags & Flag.sequence ? decodeErspan2(packet) : Layer.ethernet;
}

function decodeErspan2(packet: Packet): Layer {
  const HEADER = 8, VERSION = 1;
  const { bytes, at } = packet;
  if (packet.end - at < HEADER || bytes[at]! >> 4 !== VERSION) return Layer.malformed;
  packet.at = at + HEADER;
  return Layer.ethernet;
}

function decodeErspan3(packet: Packet): Layer {
  const HEADER = 12, SUBHEADER = 8, VERSION = 2, ETHERNET = 0, IP = 2;
  const { bytes, at } = packet;
  if (packet.end - at < HEADER || bytes[at]! >> 4 !== VERSION) return Layer.malformed;
  const last = u16(bytes, at + 10);
  packet.at = at + HEADER + (last & 1 ? SUBHEADER : 0);
  if (packet.at > packet.end) return Layer.malformed;
  switch ((last >> 10) & 0x1f) {
    case ETHERNET:
      return Layer.ethernet;
    case IP:
      return Layer.rawIp;
    default:
      return Layer.other;
  }
}

/**
 * The key holds the payload's length and, with PPP, the number of the call, which is another one in each direction; with
 * Ethernet, that of the tunnel.
 */
function decodeEnhanced(packet: Packet, flags: number, type: number): Layer {
  const { bytes, at } = packet;
  if (type !== PPP && type !== ETHERNET_OVER_IP) return Layer.other;
  const acknowledgement = at + HEADER + WORD + (flags & Flag.sequence ? WORD : 0);
  const payload = acknowledgement + (flags & Flag.acknowledgement ? WORD : 0);
  if (!(flags & Flag.key) || payload > packet.end) return Layer.malformed;
  const length = u16(bytes, at + HEADER);
  if (length > packet.wireEnd - payload) return Layer.malformed;
  // Without a payload it only acknowledges, or keeps the tunnel alive.
  if (length === 0) return Layer.other;
  packet.trim(payload + length);
  packet.at = payload;
  if (type === PPP) return Layer.ppp;
  packet.enterNetwork(Network.greKey, u16(bytes, at + HEADER + 2));
  return Layer.ethernet;
}
