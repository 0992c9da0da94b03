/**
 * IPv6 neighbour discovery (RFC 4861): how addresses are bound to link layer addresses, and who the routers are.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

/** ICMPv6 types of the messages. */
export const NdpType = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const;

/** What every message has before its options, by type. */
const FIXED_LENGTHS: Readonly<Record<number, number>> = {
  [NdpType.routerSolicitation]: 8,
  [NdpType.routerAdvertisement]: 16,
  [NdpType.neighbourSolicitation]: 24,
  [NdpType.neighbourAdvertisement]: 24,
  [NdpType.redirect]: 40,
};

/** Nobody beyond the link can send this one: each router on the way makes it less. */
const HOP_LIMIT = 255;

/** True for the ICMPv6 types of neighbour discovery. */
export function isNdpType(type: number): boolean {
  return type >= NdpType.routerSolicitation && type <= NdpType.redirect;
}

/**
 * Leaves `at` at the ICMPv6 header, for {@link NdpMessage}. A message that hosts must ignore, as its hop limit shows that it came
 * from beyond the link or its code is not 0, is `Layer.other`; one that is cut before its options `Layer.malformed`.
 */
export function decodeNdp(packet: Packet): Layer {
  const { bytes, at } = packet;
  const hopLimit = bytes[packet.source - 1];
  if (packet.end - at < 2) return Layer.malformed;
  if (hopLimit !== HOP_LIMIT || bytes[at + 1] !== 0) return Layer.other;
  return packet.end - at < FIXED_LENGTHS[bytes[at]!]! ? Layer.malformed : Layer.ndp;
}

/** A neighbour discovery message. Reused: {@link read} gives it another. Offsets are into the packet's bytes, -1 for what is not there. */
export class NdpMessage {
  /** One of {@link NdpType}. */
  type = 0;
  /** The 16-byte address that a neighbour solicitation or advertisement is about, or that a redirect leads to. */
  targetAt = -1;
  /** The 6-byte link layer addresses of the sender and of the target, from the options. */
  sourceLinkAt = -1;
  targetLinkAt = -1;
  /** Flags of a neighbour advertisement: its sender is a router; it answers a solicitation; it replaces what was known. */
  isRouter = false;
  isSolicited = false;
  isOverride = false;
  /** Seconds for which the sender of a router advertisement is a default router, 0 when it is none. */
  routerLifetime = 0;

  /** Reads a message that ended with `Layer.ndp`. Options that are cut or make no sense end the list. */
  read(packet: Packet): void {
    const { bytes, at } = packet;
    const type = bytes[at]!;
    const isNeighbour = type === NdpType.neighbourSolicitation || type === NdpType.neighbourAdvertisement;
    const flags = type === NdpType.neighbourAdvertisement ? bytes[at + 4]! : 0;
    this.type = type;
    this.targetAt = isNeighbour || type === NdpType.redirect ? at + 8 : -1;
    this.isRouter = (flags & 0x80) !== 0;
    this.isSolicited = (flags & 0x40) !== 0;
    this.isOverride = (flags & 0x20) !== 0;
    this.routerLifetime = type === NdpType.routerAdvertisement ? u16(bytes, at + 6) : 0;
    this.#readOptions(bytes, at + FIXED_LENGTHS[type]!, packet.end);
  }

  /** Options: type, length in units of 8 bytes, value. Ethernet's addresses make one unit. */
  #readOptions(bytes: Uint8Array, start: number, end: number): void {
    const UNIT = 8, SOURCE_LINK = 1, TARGET_LINK = 2;
    this.sourceLinkAt = -1;
    this.targetLinkAt = -1;
    for (let at = start; end - at >= UNIT;) {
      const type = bytes[at], units = bytes[at + 1]!;
      if (units === 0) return;
      if (units === 1 && type === SOURCE_LINK) this.sourceLinkAt = at + 2;
      if (units === 1 && type === TARGET_LINK) this.targetLinkAt = at + 2;
      at += units * UNIT;
    }
  }
}
