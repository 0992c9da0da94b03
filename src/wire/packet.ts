/**
 * A packet being decoded: a cursor over its bytes and the facts that the layers leave for those above.
 *
 * @module
 */

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
} as const;
export type Layer = typeof Layer[keyof typeof Layer];

/** TCP flags (RFC 9293 section 3.1). */
export const Flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

/**
 * The one packet that is being decoded. Each layer reads at `at`, never past `end`, and moves `at` behind its
 * header; `wireEnd` is where the layer's payload ends on the wire, behind `end` when the capture was cut by
 * the snaplen. Reused for each packet.
 */
export class Packet {
  bytes: Uint8Array = new Uint8Array(0);
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
  /** Tells apart flows that share addresses and ports but not a network: made from all VLAN identifiers. */
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
  /** Payload bytes on the wire; those that were captured are `bytes[at, end)`. */
  payloadLength = 0;

  /** Begins a frame. */
  reset(bytes: Uint8Array, start: number, end: number, wireLength: number, time: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.wireEnd = start + Math.max(wireLength, end - start);
    this.time = time;
    this.sourceMac = -1;
    this.destinationMac = -1;
    this.vlan = -1;
    this.network = 0;
    this.mixesNetworks = false;
  }

  /** Trims what follows the payload of a layer: `wireEnd` and with it `end`. */
  trim(wireEnd: number): void {
    this.wireEnd = wireEnd;
    if (wireEnd < this.end) this.end = wireEnd;
  }
}
