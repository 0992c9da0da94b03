/**
 * Frames for tests, made in code: link layers, ARP, IP, ICMP, neighbour discovery, TCP and UDP with right lengths and
 * checksums, and whole TCP conversations. DNS messages are made by dns.ts.
 *
 * Each protocol is a function of its payload, so that a test can bend any layer:
 *
 * ```ts
 * const frame = ethernet(ipv4(tcp("GET / HTTP/1.1", { flags: "PA" }), { id: 7 }), { vlans: [5] });
 * ```
 *
 * @module
 */

import { Frame as CapturedFrame, type FrameHandler } from "../../src/frame.ts";

/** A captured frame as tests hold it. */
export interface Frame {
  /** The bytes captured: fewer than `wireLength` when cut by the snaplen. */
  readonly bytes: Uint8Array;
  /** Microseconds since the epoch. */
  readonly time: number;
  readonly wireLength: number;
  /** LINKTYPE_ value. */
  readonly linkType: number;
}

/** LINKTYPE_ values that frames can be made for. */
export const LINK_TYPES = {
  null: 0,
  ethernet: 1,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  linuxSll2: 276,
} as const;

/** EtherType values. */
export const ETHER_TYPES = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const;

/** IP protocol numbers. */
export const PROTOCOLS = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  authentication: 51,
  icmp6: 58,
  noNext: 59,
  destinationOptions: 60,
} as const;

/** Gives each frame to `handler`, as a frame source does. */
export function deliver(frames: Iterable<Frame>, handler: FrameHandler): void {
  const captured = new CapturedFrame();
  for (const { bytes, wireLength, time, linkType } of frames) {
    captured.setMemory(bytes);
    Object.assign(captured, { start: 0, end: bytes.length, wireLength, time, linkType });
    handler(captured);
  }
}

/** A frame of `bytes`, cut to `snaplen` if that is less. */
export function frameOf(
  bytes: Uint8Array,
  options: { time?: number; linkType?: number; snaplen?: number } = {},
): Frame {
  return {
    bytes: bytes.subarray(0, options.snaplen ?? bytes.length),
    time: options.time ?? 0,
    wireLength: bytes.length,
    linkType: options.linkType ?? LINK_TYPES.ethernet,
  };
}

/** Bytes of a payload: text is written as UTF-8. */
export function payloadBytes(payload: string | Uint8Array): Uint8Array {
  return typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
}

/** One array of all parts. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** 4 or 16 bytes of an address such as `10.0.0.1` or `2001:db8::1`; 6 of `02:00:00:00:00:01`. */
export function addressBytes(address: string): Uint8Array {
  if (address.includes(".")) return Uint8Array.from(address.split("."), Number);
  if (/^(..:){5}..$/.test(address)) return Uint8Array.from(address.split(":"), (part) => parseInt(part, 16));
  const [head, tail] = address.split("::").map((half) => half === "" ? [] : half.split(":"));
  const groups = tail === undefined
    ? head!
    : [...head!, ...Array<string>(8 - head!.length - tail.length).fill("0"), ...tail];
  return concat(...groups.map((group) => uint16(parseInt(group, 16))));
}

/** The Internet checksum (RFC 1071) over the parts joined. */
export function checksum(...parts: readonly Uint8Array[]): number {
  const bytes = concat(...parts);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function uint16(value: number, littleEndian = false): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value, littleEndian);
  return bytes;
}

function uint32(value: number, littleEndian = false): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, littleEndian);
  return bytes;
}

/** `bytes` with zeros after them up to a multiple of `unit`. */
function padded(bytes: Uint8Array, unit: number): Uint8Array {
  return concat(bytes, new Uint8Array((unit - bytes.length % unit) % unit));
}

/** The EtherType of an IP packet, by its version. */
function etherTypeOf(packet: Uint8Array): number {
  return packet[0]! >>> 4 === 6 ? ETHER_TYPES.ipv6 : ETHER_TYPES.ipv4;
}

export const CLIENT_MAC = "02:00:00:00:00:01";
export const SERVER_MAC = "02:00:00:00:00:02";

/** An Ethernet II frame. `vlans` are 802.1Q identifiers, outermost first; the outer of several has type 88a8. */
export function ethernet(
  packet: Uint8Array,
  options: {
    source?: string;
    destination?: string;
    etherType?: number;
    vlans?: readonly number[];
    /** Pad with zeros to this length, as cards do to 60. */
    padTo?: number;
  } = {},
): Uint8Array {
  const vlans = options.vlans ?? [];
  const tags = vlans.map((id, i) =>
    concat(uint16(i < vlans.length - 1 ? ETHER_TYPES.qinq : ETHER_TYPES.vlan), uint16(id))
  );
  const frame = concat(
    addressBytes(options.destination ?? SERVER_MAC),
    addressBytes(options.source ?? CLIENT_MAC),
    ...tags,
    uint16(options.etherType ?? etherTypeOf(packet)),
    packet,
  );
  return concat(frame, new Uint8Array(Math.max(0, (options.padTo ?? 0) - frame.length)));
}

/** Options of both Linux cooked forms. `packetType` 0 is "to us", 4 "sent by us". */
interface CookedOptions {
  source?: string;
  etherType?: number;
  packetType?: number;
}

/** A Linux cooked frame, version 1. */
export function linuxSll(packet: Uint8Array, options: CookedOptions = {}): Uint8Array {
  return concat(
    uint16(options.packetType ?? 0),
    uint16(1),
    uint16(6),
    padded(addressBytes(options.source ?? CLIENT_MAC), 8),
    uint16(options.etherType ?? etherTypeOf(packet)),
    packet,
  );
}

/** A Linux cooked frame, version 2. */
export function linuxSll2(
  packet: Uint8Array,
  options: CookedOptions & { interfaceIndex?: number } = {},
): Uint8Array {
  return concat(
    uint16(options.etherType ?? etherTypeOf(packet)),
    uint16(0),
    uint32(options.interfaceIndex ?? 1),
    uint16(1),
    Uint8Array.of(options.packetType ?? 0, 6),
    padded(addressBytes(options.source ?? CLIENT_MAC), 8),
    packet,
  );
}

/**
 * A BSD loopback frame: the address family in 4 bytes, in the writer's byte order for LINKTYPE_NULL and
 * big-endian for LINKTYPE_LOOP. The family of IPv6 is 30 unless said, as on macOS (others: 24, 28).
 */
export function nullLoopback(
  packet: Uint8Array,
  options: { family?: number; littleEndian?: boolean } = {},
): Uint8Array {
  const family = options.family ?? (etherTypeOf(packet) === ETHER_TYPES.ipv6 ? 30 : 2);
  return concat(uint32(family, options.littleEndian ?? true), packet);
}

/** Link layer of an IP packet, by LINKTYPE_ value. Addresses and VLANs are left out where the type has none. */
export function link(
  linkType: number,
  packet: Uint8Array,
  options: { source?: string; destination?: string; vlans?: readonly number[] } = {},
): Uint8Array {
  switch (linkType) {
    case LINK_TYPES.ethernet:
      return ethernet(packet, options);
    case LINK_TYPES.linuxSll:
      return linuxSll(packet, options);
    case LINK_TYPES.linuxSll2:
      return linuxSll2(packet, options);
    case LINK_TYPES.null:
      return nullLoopback(packet);
    case LINK_TYPES.loop:
      return nullLoopback(packet, { littleEndian: false });
    case LINK_TYPES.raw:
      return packet;
    default:
      throw new RangeError(`No frames are made for link type ${linkType}`);
  }
}

/** An IPv4 packet (RFC 791). */
export function ipv4(
  payload: Uint8Array,
  options: {
    source?: string;
    destination?: string;
    protocol?: number;
    id?: number;
    moreFragments?: boolean;
    dontFragment?: boolean;
    /** In bytes, a multiple of 8. */
    fragmentOffset?: number;
    /** Header options, padded here to a multiple of 4. */
    options?: Uint8Array;
    /** Instead of the true one: 0 is what segmentation offload writes. */
    totalLength?: number;
  } = {},
): Uint8Array {
  const headerOptions = padded(options.options ?? new Uint8Array(0), 4);
  const headerLength = 20 + headerOptions.length;
  const fragment = (options.dontFragment ? 0x4000 : 0) | (options.moreFragments ? 0x2000 : 0) |
    ((options.fragmentOffset ?? 0) >>> 3);
  const header = concat(
    Uint8Array.of(0x40 | (headerLength >>> 2), 0),
    uint16(options.totalLength ?? headerLength + payload.length),
    uint16(options.id ?? 0),
    uint16(fragment),
    Uint8Array.of(64, options.protocol ?? PROTOCOLS.tcp, 0, 0),
    addressBytes(options.source ?? "10.0.0.1"),
    addressBytes(options.destination ?? "10.0.0.2"),
    headerOptions,
  );
  header.set(uint16(checksum(header)), 10);
  return concat(header, payload);
}

/** Cuts an IPv4 packet without options into fragments of `size` bytes of payload, a multiple of 8. */
export function fragmentIpv4(packet: Uint8Array, size: number, id = 1): Uint8Array[] {
  const fragments: Uint8Array[] = [];
  for (let offset = 20; offset < packet.length; offset += size) {
    fragments.push(ipv4(packet.subarray(offset, offset + size), {
      source: packet.subarray(12, 16).join("."),
      destination: packet.subarray(16, 20).join("."),
      protocol: packet[9]!,
      id,
      fragmentOffset: offset - 20,
      moreFragments: offset + size < packet.length,
    }));
  }
  return fragments;
}

/** An IPv6 extension header: its own protocol number and its bytes, the first of which is filled in by `ipv6`. */
export interface Ipv6Extension {
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

/** Hop-by-hop or destination options of `length` bytes (a multiple of 8) that hold padding alone. */
function paddingOptions(protocol: number, length: number): Ipv6Extension {
  const bytes = new Uint8Array(length);
  bytes.set([0, length / 8 - 1, 1, length - 4]);
  return { protocol, bytes };
}

export function hopByHop(length = 8): Ipv6Extension {
  return paddingOptions(PROTOCOLS.hopByHop, length);
}

export function destinationOptions(length = 8): Ipv6Extension {
  return paddingOptions(PROTOCOLS.destinationOptions, length);
}

/** A routing header of type 4 (RFC 8754) with no segments left, through `address`. */
export function routing(address = "2001:db8::99"): Ipv6Extension {
  return {
    protocol: PROTOCOLS.routing,
    bytes: concat(Uint8Array.of(0, 2, 4, 0, 0, 0, 0, 0), addressBytes(address)),
  };
}

/** A fragment header; `offset` in bytes, a multiple of 8. */
export function fragment(options: { offset?: number; more?: boolean; id?: number } = {}): Ipv6Extension {
  return {
    protocol: PROTOCOLS.fragment,
    bytes: concat(
      Uint8Array.of(0, 0),
      uint16((options.offset ?? 0) | (options.more ? 1 : 0)),
      uint32(options.id ?? 1),
    ),
  };
}

/** An authentication header (RFC 4302) with a check value of 12 bytes. */
export function authentication(): Ipv6Extension {
  return {
    protocol: PROTOCOLS.authentication,
    bytes: concat(Uint8Array.of(0, 4, 0, 0), uint32(0x100), uint32(1), new Uint8Array(12)),
  };
}

/** An IPv6 packet (RFC 8200) with the extension headers given, in order. */
export function ipv6(
  payload: Uint8Array,
  options: {
    source?: string;
    destination?: string;
    /** Of the payload. */
    protocol?: number;
    extensions?: readonly Ipv6Extension[];
    /** Instead of the true one. */
    payloadLength?: number;
    /** 64 unless said. */
    hopLimit?: number;
  } = {},
): Uint8Array {
  const extensions = options.extensions ?? [];
  const protocols = [...extensions.map(({ protocol }) => protocol), options.protocol ?? PROTOCOLS.tcp];
  const body = concat(
    ...extensions.map(({ bytes }, i) => concat(Uint8Array.of(protocols[i + 1]!), bytes.subarray(1))),
    payload,
  );
  return concat(
    uint32(0x6000_0000),
    uint16(options.payloadLength ?? body.length),
    Uint8Array.of(protocols[0]!, options.hopLimit ?? 64),
    addressBytes(options.source ?? "2001:db8::1"),
    addressBytes(options.destination ?? "2001:db8::2"),
    body,
  );
}

/** Cuts the payload of an IPv6 packet without extensions into fragments of `size` bytes, a multiple of 8. */
export function fragmentIpv6(packet: Uint8Array, size: number, id = 1): Uint8Array[] {
  const fragments: Uint8Array[] = [];
  for (let offset = 40; offset < packet.length; offset += size) {
    const extension = fragment({ offset: offset - 40, more: offset + size < packet.length, id });
    const piece = ipv6(packet.subarray(offset, offset + size), {
      protocol: packet[6]!,
      extensions: [extension],
    });
    piece.set(packet.subarray(8, 40), 8);
    fragments.push(piece);
  }
  return fragments;
}

/** Addresses and ports of a segment or datagram. */
export interface TransportOptions {
  /** For the checksum alone; must be those of the IP header. */
  source?: string;
  destination?: string;
  sourcePort?: number;
  destinationPort?: number;
}

function transportChecksum(bytes: Uint8Array, protocol: number, options: TransportOptions): number {
  return checksum(
    addressBytes(options.source ?? "10.0.0.1"),
    addressBytes(options.destination ?? "10.0.0.2"),
    uint32(bytes.length),
    uint32(protocol),
    bytes,
  );
}

/** Bits of the TCP flags, by the letters that tcpdump and others use. */
const TCP_FLAGS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 };

/** Options of `tcp`. */
export interface TcpOptions extends TransportOptions {
  seq?: number;
  ack?: number;
  /** Letters out of `FSRPAUEC`; `A` unless said. */
  flags?: string;
  window?: number;
  /** Header options, padded here to a multiple of 4. */
  options?: Uint8Array;
}

/** A TCP segment (RFC 9293). Sequence numbers are taken modulo 2^32. */
export function tcp(payload: string | Uint8Array, options: TcpOptions = {}): Uint8Array {
  const headerOptions = padded(options.options ?? new Uint8Array(0), 4);
  const flags = [...options.flags ?? "A"].reduce((bits, letter) => bits | TCP_FLAGS[letter]!, 0);
  const segment = concat(
    uint16(options.sourcePort ?? 40000),
    uint16(options.destinationPort ?? 80),
    uint32(options.seq ?? 0),
    uint32(options.ack ?? 0),
    Uint8Array.of(((20 + headerOptions.length) >>> 2) << 4, flags),
    uint16(options.window ?? 65535),
    uint32(0),
    headerOptions,
    payloadBytes(payload),
  );
  segment.set(uint16(transportChecksum(segment, PROTOCOLS.tcp, options)), 16);
  return segment;
}

/** A UDP datagram (RFC 768). */
export function udp(payload: string | Uint8Array, options: TransportOptions = {}): Uint8Array {
  const data = payloadBytes(payload);
  const datagram = concat(
    uint16(options.sourcePort ?? 40000),
    uint16(options.destinationPort ?? 53),
    uint16(8 + data.length),
    uint16(0),
    data,
  );
  datagram.set(uint16(transportChecksum(datagram, PROTOCOLS.udp, options) || 0xffff), 6);
  return datagram;
}

/**
 * An ARP packet for IPv4 over Ethernet (RFC 826), 28 bytes: a request of {@link CLIENT_MAC} at 10.0.0.1 for 10.0.0.2 unless said. To be
 * wrapped with its EtherType:
 *
 * ```ts
 * const question = ethernet(arp(), { etherType: ETHER_TYPES.arp, destination: "ff:ff:ff:ff:ff:ff" });
 * const answer = ethernet(
 *   arp({ operation: 2, senderMac: SERVER_MAC, senderAddress: "10.0.0.2", targetMac: CLIENT_MAC, targetAddress: "10.0.0.1" }),
 *   { etherType: ETHER_TYPES.arp, source: SERVER_MAC, destination: CLIENT_MAC },
 * );
 * ```
 */
export function arp(
  options: {
    /** 1 for a request, 2 for a reply. */
    operation?: number;
    senderMac?: string;
    senderAddress?: string;
    targetMac?: string;
    targetAddress?: string;
  } = {},
): Uint8Array {
  return concat(
    uint16(1),
    uint16(ETHER_TYPES.ipv4),
    Uint8Array.of(6, 4),
    uint16(options.operation ?? 1),
    addressBytes(options.senderMac ?? CLIENT_MAC),
    addressBytes(options.senderAddress ?? "10.0.0.1"),
    addressBytes(options.targetMac ?? "00:00:00:00:00:00"),
    addressBytes(options.targetAddress ?? "10.0.0.2"),
  );
}

/**
 * An ICMP message of IPv4 (RFC 792); `body` follows the first 4 bytes. An error has 4 bytes more of header and the packet that
 * it is about, of which some hosts quote the IP header and 8 bytes only:
 *
 * ```ts
 * const unreachable = ipv4(icmp(3, 1, concat(new Uint8Array(4), quoted.subarray(0, 28))), { protocol: PROTOCOLS.icmp });
 * ```
 */
export function icmp(type: number, code: number, body: Uint8Array): Uint8Array {
  const message = concat(Uint8Array.of(type, code, 0, 0), body);
  message.set(uint16(checksum(message)), 2);
  return message;
}

/** An ICMP error of IPv4 or IPv6 that quotes `packet`, the whole of it unless cut by the caller. Addresses as of {@link icmp6}. */
export function icmpError(
  type: number,
  code: number,
  packet: Uint8Array,
  addresses: { source?: string; destination?: string } = {},
): Uint8Array {
  const body = concat(new Uint8Array(4), packet);
  return packet[0]! >>> 4 === 6 ? icmp6(type, code, body, addresses) : icmp(type, code, body);
}

/**
 * An ICMPv6 message (RFC 4443); `body` follows the first 4 bytes. The addresses are those of the IPv6 header, for the checksum
 * alone: 2001:db8::1 to 2001:db8::2 unless said.
 */
export function icmp6(
  type: number,
  code: number,
  body: Uint8Array,
  addresses: { source?: string; destination?: string } = {},
): Uint8Array {
  const message = concat(Uint8Array.of(type, code, 0, 0), body);
  const { source = "2001:db8::1", destination = "2001:db8::2" } = addresses;
  message.set(uint16(transportChecksum(message, PROTOCOLS.icmp6, { source, destination })), 2);
  return message;
}

/** An option of neighbour discovery (RFC 4861 section 4.6.1) with an Ethernet address: 1 for the source's, 2 for the target's. */
export function linkLayerAddress(type: 1 | 2, mac: string): Uint8Array {
  return concat(Uint8Array.of(type, 1), addressBytes(mac));
}

/** Wraps a neighbour discovery message in IPv6 as it must be: with hop limit 255. */
function neighbourDiscovery(type: number, body: Uint8Array, source: string, destination: string): Uint8Array {
  return ipv6(icmp6(type, 0, body, { source, destination }), {
    source,
    destination,
    protocol: PROTOCOLS.icmp6,
    hopLimit: 255,
  });
}

/** The multicast address to which a host listens whose address ends as this one (RFC 4291 section 2.7.1). */
export function solicitedNode(address: string): string {
  const [high, middle, low] = addressBytes(address).slice(13);
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return `ff02::1:ff${hex(high!, 2)}:${hex((middle! << 8) | low!, 4)}`;
}

/**
 * A neighbour solicitation (RFC 4861 section 4.3) in IPv6: of 2001:db8::1 for 2001:db8::2 unless said, with the source's link layer
 * address except from `::`, as in duplicate address detection.
 */
export function neighbourSolicitation(
  options: { source?: string; destination?: string; target?: string; mac?: string | null } = {},
): Uint8Array {
  const { source = "2001:db8::1", target = "2001:db8::2" } = options;
  const mac = options.mac === undefined ? (source === "::" ? null : CLIENT_MAC) : options.mac;
  const body = concat(
    uint32(0),
    addressBytes(target),
    mac === null ? new Uint8Array(0) : linkLayerAddress(1, mac),
  );
  return neighbourDiscovery(135, body, source, options.destination ?? solicitedNode(target));
}

/**
 * A neighbour advertisement (RFC 4861 section 4.4) in IPv6: the solicited answer of 2001:db8::2 at {@link SERVER_MAC} to 2001:db8::1 unless said.
 * `mac: null` leaves the target's link layer address out.
 */
export function neighbourAdvertisement(
  options: {
    source?: string;
    destination?: string;
    target?: string;
    mac?: string | null;
    isRouter?: boolean;
    isSolicited?: boolean;
    isOverride?: boolean;
  } = {},
): Uint8Array {
  const { target = "2001:db8::2", mac = SERVER_MAC } = options;
  const flags = (options.isRouter ? 0x80 : 0) | (options.isSolicited ?? true ? 0x40 : 0) |
    (options.isOverride ?? true ? 0x20 : 0);
  const body = concat(
    Uint8Array.of(flags, 0, 0, 0),
    addressBytes(target),
    mac === null ? new Uint8Array(0) : linkLayerAddress(2, mac),
  );
  return neighbourDiscovery(136, body, options.source ?? target, options.destination ?? "2001:db8::1");
}

/** A router solicitation (RFC 4861 section 4.1) in IPv6, of fe80::1 at {@link CLIENT_MAC} unless said. */
export function routerSolicitation(options: { source?: string; mac?: string | null } = {}): Uint8Array {
  const { source = "fe80::1", mac = CLIENT_MAC } = options;
  const body = concat(uint32(0), mac === null ? new Uint8Array(0) : linkLayerAddress(1, mac));
  return neighbourDiscovery(133, body, source, "ff02::2");
}

/** A router advertisement (RFC 4861 section 4.2) in IPv6, of fe80::ff at {@link SERVER_MAC} for half an hour unless said. */
export function routerAdvertisement(
  options: { source?: string; mac?: string | null; lifetime?: number } = {},
): Uint8Array {
  const { source = "fe80::ff", mac = SERVER_MAC } = options;
  const body = concat(
    Uint8Array.of(64, 0),
    uint16(options.lifetime ?? 1800),
    uint32(0),
    uint32(0),
    mac === null ? new Uint8Array(0) : linkLayerAddress(1, mac),
  );
  return neighbourDiscovery(134, body, source, "ff02::1");
}

/** One end of a conversation. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly mac: string;
  /** First sequence number, that of the SYN. */
  readonly isn: number;
}

/** Options of a conversation; what is not given has the defaults of `Conversation`. */
export interface ConversationOptions {
  client?: Partial<Peer>;
  server?: Partial<Peer>;
  /** IPv6 addresses by default instead of IPv4. */
  ipv6?: boolean;
  linkType?: number;
  /** 802.1Q identifiers, outermost first; Ethernet only. */
  vlans?: readonly number[];
  /** Time of the first frame in µs. */
  time?: number;
  /** Time between frames in µs. */
  step?: number;
  /** Most bytes of payload in a segment. */
  segmentSize?: number;
  /** Frames are cut to this length. */
  snaplen?: number;
  /** Whether each message is acknowledged by an empty segment of the other side. */
  acknowledge?: boolean;
}

/** The state of one end: `seq` is the next sequence number it sends. */
interface End extends Peer {
  seq: number;
}

/**
 * A TCP connection, seen from between its ends. Each method adds to `frames`, in the order of the calls, with
 * sequence and acknowledgement numbers that are right, and returns what it added, so that a test can drop,
 * repeat or reorder it:
 *
 * ```ts
 * const c = new Conversation({ segmentSize: 10 });
 * c.handshake();
 * c.client("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
 * c.server("HTTP/1.1 204 No Content\r\n\r\n");
 * c.close();
 * deliver(c.frames, handler);
 * ```
 *
 * Defaults: 10.0.0.1:40000 to 10.0.0.2:80 (2001:db8::1 and ::2), Ethernet, from 2024-01-01 00:00:00 UTC on, a
 * frame a millisecond, segments of 1460 bytes, acknowledged.
 */
export class Conversation {
  readonly frames: Frame[] = [];
  readonly #options: ConversationOptions;
  readonly #client: End;
  readonly #server: End;
  #time: number;

  constructor(options: ConversationOptions = {}) {
    this.#options = options;
    this.#time = options.time ?? 1_704_067_200_000_000;
    this.#client = this.#end(options.client, "1", 40000, CLIENT_MAC, 1000);
    this.#server = this.#end(options.server, "2", 80, SERVER_MAC, 5000);
  }

  #end(peer: Partial<Peer> | undefined, last: string, port: number, mac: string, isn: number): End {
    const address = (this.#options.ipv6 ? "2001:db8::" : "10.0.0.") + last;
    const whole = { address, port, mac, isn, ...peer };
    return { ...whole, seq: whole.isn };
  }

  /** Time of the next frame in µs. */
  get time(): number {
    return this.#time;
  }

  /** Lets `microseconds` pass before the next frame. */
  wait(microseconds: number): void {
    this.#time += microseconds;
  }

  /** SYN, SYN and ACK, ACK. */
  handshake(): Frame[] {
    const options = Uint8Array.of(2, 4, 0x05, 0xb4);
    const syn = this.#send(this.#client, this.#server, "", "S", options);
    this.#client.seq++;
    const accept = this.#send(this.#server, this.#client, "", "SA", options);
    this.#server.seq++;
    return [syn, accept, this.#send(this.#client, this.#server, "", "A")];
  }

  /** The client sends `data` in segments of `segmentSize` bytes. */
  client(data: string | Uint8Array, segmentSize?: number): Frame[] {
    return this.#sendData(this.#client, this.#server, data, segmentSize);
  }

  /** The server sends `data` in segments of `segmentSize` bytes. */
  server(data: string | Uint8Array, segmentSize?: number): Frame[] {
    return this.#sendData(this.#server, this.#client, data, segmentSize);
  }

  /** `from` sends `length` bytes that were not captured. */
  lose(from: "client" | "server", length: number): void {
    (from === "client" ? this.#client : this.#server).seq += length;
  }

  /** FIN from `first`, FIN and ACK from the other, ACK. */
  close(first: "client" | "server" = "client"): Frame[] {
    const [a, b] = this.#ends(first);
    const fin = this.#send(a, b, "", "FA");
    a.seq++;
    const answer = this.#send(b, a, "", "FA");
    b.seq++;
    return [fin, answer, this.#send(a, b, "", "A")];
  }

  /** FIN from `from` alone: half closed. */
  finish(from: "client" | "server"): Frame {
    const [a, b] = this.#ends(from);
    const fin = this.#send(a, b, "", "FA");
    a.seq++;
    return fin;
  }

  /** RST from `from`. */
  reset(from: "client" | "server" = "client"): Frame {
    const [a, b] = this.#ends(from);
    return this.#send(a, b, "", "RA");
  }

  /** An empty segment with ACK from `from`. */
  acknowledge(from: "client" | "server"): Frame {
    const [a, b] = this.#ends(from);
    return this.#send(a, b, "", "A");
  }

  #ends(first: "client" | "server"): [End, End] {
    return first === "client" ? [this.#client, this.#server] : [this.#server, this.#client];
  }

  #sendData(from: End, to: End, data: string | Uint8Array, segmentSize?: number): Frame[] {
    const bytes = payloadBytes(data);
    const size = segmentSize ?? this.#options.segmentSize ?? 1460;
    const sent: Frame[] = [];
    for (let offset = 0; offset < bytes.length; offset += size) {
      const segment = bytes.subarray(offset, offset + size);
      const last = offset + size >= bytes.length;
      sent.push(this.#send(from, to, segment, last ? "PA" : "A"));
      from.seq += segment.length;
    }
    if (this.#options.acknowledge ?? true) sent.push(this.#send(to, from, "", "A"));
    return sent;
  }

  #send(from: End, to: End, payload: string | Uint8Array, flags: string, options?: Uint8Array): Frame {
    const addresses = { source: from.address, destination: to.address };
    const segment = tcp(payload, {
      ...addresses,
      sourcePort: from.port,
      destinationPort: to.port,
      seq: from.seq,
      ack: flags.includes("A") ? to.seq : 0,
      flags,
      options: options ?? new Uint8Array(0),
    });
    const packet = from.address.includes(":") ? ipv6(segment, addresses) : ipv4(segment, addresses);
    const linkType = this.#options.linkType ?? LINK_TYPES.ethernet;
    const bytes = link(linkType, packet, {
      source: from.mac,
      destination: to.mac,
      vlans: this.#options.vlans ?? [],
    });
    const snaplen = this.#options.snaplen ?? bytes.length;
    const frame = frameOf(bytes, { time: this.#time, linkType, snaplen });
    this.#time += this.#options.step ?? 1000;
    this.frames.push(frame);
    return frame;
  }
}
