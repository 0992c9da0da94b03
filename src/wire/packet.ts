/**
 * A packet being decoded: a cursor over its bytes and the facts that the layers leave for those above.
 *
 * @module
 */

import { FragmentTable } from "./fragments.ts";

/**
 * What a layer says comes next: a layer to decode, or how decoding ended.
 * `other`: something that is not TCP over IP, of no interest here. `malformed`: something that breaks its own
 * format, is cut off within a header, or is of a kind that cannot be decoded; it counts as a loss.
 */
export const Layer = {
  ethernet: 0,
  vlan: 1,
  linuxSll: 2,
  linuxSll2: 3,
  nullLoopback: 4,
  rawIp: 5,
  ipv4: 6,
  ipv6: 7,
  tcp: 8,
  /** Ends: a TCP segment, its facts in the packet. */
  segment: 9,
  other: 10,
  malformed: 11,
  llc: 12,
  udp: 13,
  gre: 14,
  authentication: 15,
  mpls: 16,
  pppoe: 17,
  ppp: 18,
  hdlc: 19,
  vxlan: 20,
  geneve: 21,
  gtp: 22,
  greInUdp: 23,
  l2tp: 24,
  teredo: 25,
  ayiya: 26,
  ieee80211: 27,
  aggregatedMsdu: 28,
  radiotap: 29,
  ppi: 30,
  prism: 31,
  nflog: 32,
  netlink: 33,
  netfilterMessage: 34,
  arcnet: 35,
  /** Ends: ARP for IPv4 over Ethernet, whose header begins at `at`; see arp.ts. */
  arp: 36,
  /** Ends: a UDP datagram of name resolution: its ports and payload in the packet, as of a segment. */
  datagram: 37,
  icmp: 38,
  icmp6: 39,
  /** Ends: an ICMP error of IPv4 or IPv6, whose header begins at `at`; see icmp.ts. */
  icmpError: 40,
  /** Ends: an IPv6 neighbour discovery message, whose header begins at `at`; see ndp.ts. */
  ndp: 41,
} as const;
export type Layer = typeof Layer[keyof typeof Layer];

/** What a network inside another is known by. */
export const Network = { vlan: 1, virtualNetwork: 2, greKey: 3, pppoeSession: 4 } as const;
export type Network = typeof Network[keyof typeof Network];

/** TCP flags (RFC 9293 section 3.1). */
export const Flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

/**
 * The one packet that is being decoded. Each layer reads at `at`, never past `end`, and moves `at` behind its
 * header; `wireEnd` is where the layer's payload ends on the wire, behind `end` when the capture was cut by
 * the snaplen. Reused for each packet.
 */
export class Packet {
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the frame begins. */
  start = 0;
  at = 0;
  end = 0;
  wireEnd = 0;
  /** Microseconds since the epoch. */
  time = 0;

  /** Offset of the 6-byte source and destination link layer addresses, -1 when there is none. */
  sourceMac = -1;
  destinationMac = -1;
  /** Outermost 802.1Q VLAN identifier, -1 when untagged. */
  vlan = -1;
  /**
   * Tells apart flows that share addresses and ports but not a network: made from all that {@link enterNetwork} was told.
   */
  network = 0;
  /** True where the device shows one packet with and without its tag, so that tags do not tell flows apart. */
  mixesNetworks = false;

  /** Length of an IP address, 4 or 16, and the offsets of both. */
  addressLength = 0;
  source = 0;
  destination = 0;

  sourcePort = 0;
  destinationPort = 0;
  /** Sequence and acknowledgement number as signed integers; compare with `(a - b) | 0`. */
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  /** As in the TCP header, without the scale that the handshake may have agreed on. */
  window = 0;
  /** Payload bytes on the wire; those that were captured are `bytes[at, end)`. */
  payloadLength = 0;

  /** Fragments of earlier packets that wait for the rest. */
  readonly fragments = new FragmentTable();

  /** Where the next packet of a frame with several begins, -1 when there is none; and its layer. */
  #restAt = -1;
  #restLayer: Layer = Layer.other;
  #restBytes = this.bytes;
  #restEnd = 0;
  #restWireEnd = 0;

  /** Begins a frame. */
  reset(bytes: Uint8Array, start: number, end: number, wireLength: number, time: number): void {
    this.bytes = bytes;
    this.start = start;
    this.at = start;
    this.end = end;
    this.wireEnd = start + Math.max(wireLength, end - start);
    this.time = time;
    this.sourceMac = -1;
    this.destinationMac = -1;
    this.vlan = -1;
    this.network = 0;
    this.mixesNetworks = false;
    this.#restAt = -1;
  }

  /** Trims what follows the payload of a layer: `wireEnd` and with it `end`. */
  trim(wireEnd: number): void {
    this.wireEnd = wireEnd;
    if (wireEnd < this.end) this.end = wireEnd;
  }

  /**
   * Notes that what follows is in a network of its own. Only what both directions of a flow have in common may be its
   * identifier.
   */
  enterNetwork(kind: Network, identifier: number): void {
    if (this.mixesNetworks) return;
    this.network = (Math.imul(this.network, 0x9e3779b1) + ((kind << 28) ^ identifier)) | 0;
  }

  /**
   * Puts the payload of several packets in the place of this one's. `bytes` begins with this packet's headers up to `at`, so
   * that what they said still holds; the payload goes on to `wireEnd`.
   */
  replacePayload(bytes: Uint8Array, wireEnd: number): void {
    const { start } = this;
    if (this.sourceMac >= 0) this.sourceMac -= start;
    if (this.destinationMac >= 0) this.destinationMac -= start;
    this.source -= start;
    this.destination -= start;
    this.at -= start;
    this.start = 0;
    this.bytes = bytes;
    this.end = bytes.length;
    this.wireEnd = wireEnd;
  }

  /** Leaves what begins at `at`, in the same frame, to be decoded as a packet after this one. */
  leaveRest(at: number, layer: Layer): void {
    this.#restAt = at;
    this.#restLayer = layer;
    this.#restBytes = this.bytes;
    this.#restEnd = this.end;
    this.#restWireEnd = this.wireEnd;
  }

  /** Goes on to what {@link leaveRest} left and returns its layer; `undefined` when there is nothing. */
  takeRest(): Layer | undefined {
    if (this.#restAt < 0) return undefined;
    const { mixesNetworks } = this;
    this.reset(this.#restBytes, this.#restAt, this.#restEnd, this.#restWireEnd - this.#restAt, this.time);
    this.mixesNetworks = mixesNetworks;
    return this.#restLayer;
  }
}
