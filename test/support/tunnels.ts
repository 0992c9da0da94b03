/**
 * Encapsulations for tests: link layers besides those of `frames.ts`, and tunnels, each a function of what it carries.
 *
 * @module
 */

import { addressBytes, CLIENT_MAC, concat, ethernet, ipv4, SERVER_MAC, udp } from "./frames.ts";

/** LINKTYPE_ values. */
export const TUNNEL_LINK_TYPES = {
  ppp: 9,
  pppHdlc: 50,
  pppEther: 51,
  ciscoHdlc: 104,
  ieee80211: 105,
  prism: 119,
  radiotap: 127,
  arcnet: 129,
  avs: 163,
  ppi: 192,
  nflog: 239,
  netlink: 253,
} as const;

/** The bytes of big-endian numbers, each given with its width in bytes. */
export function numbers(...values: readonly [width: 1 | 2 | 3 | 4, value: number][]): Uint8Array {
  return Uint8Array.from(
    values.flatMap(([width, value]) =>
      Array.from({ length: width }, (_, i) => (value >>> (8 * (width - 1 - i))) & 0xff)
    ),
  );
}

/** The same, little-endian. */
export function littleEndian(...values: readonly [width: 1 | 2 | 3 | 4, value: number][]): Uint8Array {
  return concat(...values.map((value) => numbers(value).reverse()));
}

function isIpv6(packet: Uint8Array): boolean {
  return packet[0]! >> 4 === 6;
}

/** EtherType of an IP packet. */
function etherTypeOf(packet: Uint8Array): number {
  return isIpv6(packet) ? 0x86dd : 0x0800;
}

/** LLC and SNAP. */
export function llc(packet: Uint8Array, etherType = etherTypeOf(packet)): Uint8Array {
  return concat(Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0), numbers([2, etherType]), packet);
}

/** An IEEE 802.3 frame: its length in the place of the type. */
export function ieee8023(body: Uint8Array): Uint8Array {
  return ethernet(body, { etherType: body.length });
}

/** Options of an 802.11 data frame. */
export interface DataFrameOptions {
  toDs?: boolean;
  fromDs?: boolean;
  qos?: boolean;
  htControl?: boolean;
  /** The body is an A-MSDU. */
  aggregated?: boolean;
  /** Pad the header to 4 bytes. */
  padded?: boolean;
  /** Bits besides, of the second byte of frame control. */
  flags?: number;
  fragmentNumber?: number;
  /** Instead of that of data. */
  control?: number;
}

/** An 802.11 data frame from `CLIENT_MAC` to `SERVER_MAC`. */
export function ieee80211(body: Uint8Array, options: DataFrameOptions = {}): Uint8Array {
  const { toDs = false, fromDs = false, htControl = false } = options;
  const qos = options.qos ?? (options.aggregated || htControl);
  const other = addressBytes("02:00:00:00:00:99");
  const [client, server] = [addressBytes(CLIENT_MAC), addressBytes(SERVER_MAC)];
  const first = toDs ? other : server;
  const second = fromDs ? other : client;
  const third = toDs ? server : fromDs ? client : other;
  const header = concat(
    Uint8Array.of(
      options.control ?? (qos ? 0x88 : 0x08),
      (toDs ? 1 : 0) | (fromDs ? 2 : 0) | (htControl ? 0x80 : 0) | (options.flags ?? 0),
    ),
    new Uint8Array(2),
    first,
    second,
    third,
    Uint8Array.of(options.fragmentNumber ?? 0, 0),
    toDs && fromDs ? client : new Uint8Array(0),
    qos ? Uint8Array.of(options.aggregated ? 0x80 : 0, 0) : new Uint8Array(0),
    new Uint8Array(htControl ? 4 : 0),
  );
  const padding = new Uint8Array(options.padded ? (4 - header.length % 4) % 4 : 0);
  return concat(header, padding, body);
}

/** An A-MSDU of LLC bodies. */
export function aggregatedMsdu(bodies: readonly Uint8Array[]): Uint8Array {
  return concat(...bodies.map((body, i) => {
    const frame = concat(
      addressBytes(SERVER_MAC),
      addressBytes(CLIENT_MAC),
      numbers([2, body.length]),
      body,
    );
    return concat(frame, new Uint8Array(i < bodies.length - 1 ? (4 - frame.length % 4) % 4 : 0));
  }));
}

/** A radiotap header. `flags` undefined leaves the field out. `words` is how many presence words there are. */
export function radiotap(
  frame: Uint8Array,
  options: { flags?: number; timer?: boolean; words?: number } = {},
): Uint8Array {
  const { flags, timer = true, words = 1 } = options;
  const presence = (timer ? 1 : 0) | (flags === undefined ? 0 : 2);
  const present = Array.from({ length: words }, (_, i) => {
    const more = i < words - 1 ? 0x8000_0000 : 0;
    return littleEndian([4, (i === 0 ? presence : 0) | more]);
  });
  const start = 4 + 4 * words;
  const fields = concat(
    new Uint8Array(timer ? (8 - start % 8) % 8 + 8 : 0),
    flags === undefined ? new Uint8Array(0) : Uint8Array.of(flags),
  );
  return concat(
    Uint8Array.of(0, 0),
    littleEndian([2, start + fields.length]),
    ...present,
    fields,
    frame,
  );
}

/** A PPI header with one field of `fieldLength` bytes. */
export function ppi(frame: Uint8Array, linkType: number = TUNNEL_LINK_TYPES.ieee80211): Uint8Array {
  const field = concat(littleEndian([2, 2], [2, 20]), new Uint8Array(20));
  return concat(
    Uint8Array.of(0, 0),
    littleEndian([2, 8 + field.length], [4, linkType]),
    field,
    frame,
  );
}

/** A Prism header of 144 bytes. */
export function prism(frame: Uint8Array, isLittleEndian = true): Uint8Array {
  const write = isLittleEndian ? littleEndian : numbers;
  return concat(write([4, 0x44], [4, 144]), new Uint8Array(136), frame);
}

/** An AVS header. */
export function avs(frame: Uint8Array): Uint8Array {
  return concat(numbers([4, 0x8021_1001], [4, 64]), new Uint8Array(56), frame);
}

/** PPP. `compressed` makes the protocol field one byte, `framed` puts address and control before it. */
export function ppp(
  packet: Uint8Array,
  options: { compressed?: boolean; framed?: boolean; protocol?: number } = {},
): Uint8Array {
  const protocol = options.protocol ?? (isIpv6(packet) ? 0x57 : 0x21);
  return concat(
    options.framed ? Uint8Array.of(0xff, 3) : new Uint8Array(0),
    numbers([options.compressed ? 1 : 2, protocol]),
    packet,
  );
}

/** Cisco HDLC. */
export function ciscoHdlc(packet: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x0f, 0), numbers([2, etherTypeOf(packet)]), packet);
}

/** PPPoE session data. */
export function pppoe(
  frame: Uint8Array,
  options: { session?: number; code?: number; version?: number; length?: number } = {},
): Uint8Array {
  return concat(
    Uint8Array.of(options.version ?? 0x11, options.code ?? 0),
    numbers([2, options.session ?? 1], [2, options.length ?? frame.length]),
    frame,
  );
}

/** An MPLS label stack. */
export function mpls(payload: Uint8Array, labels: readonly number[] = [16000]): Uint8Array {
  const stack = labels.map((label, i) =>
    numbers([4, (label << 12) | (i === labels.length - 1 ? 0x100 : 0) | 64])
  );
  return concat(...stack, payload);
}

/** Options of GRE. */
export interface GreOptions {
  type?: number;
  checksum?: boolean;
  key?: number;
  sequence?: number;
  /** Bits of the first two bytes besides. */
  flags?: number;
}

/** GRE version 0. */
export function gre(payload: Uint8Array, options: GreOptions = {}): Uint8Array {
  const { checksum, key, sequence } = options;
  const flags = (checksum ? 0x8000 : 0) | (key === undefined ? 0 : 0x2000) |
    (sequence === undefined ? 0 : 0x1000) | (options.flags ?? 0);
  return concat(
    numbers([2, flags], [2, options.type ?? etherTypeOf(payload)]),
    new Uint8Array(checksum ? 4 : 0),
    key === undefined ? new Uint8Array(0) : numbers([4, key]),
    sequence === undefined ? new Uint8Array(0) : numbers([4, sequence]),
    payload,
  );
}

/** A frame mirrored by ERSPAN of a type. */
export function erspan(
  frame: Uint8Array,
  type: 1 | 2 | 3,
  options: { subheader?: boolean } = {},
): Uint8Array {
  switch (type) {
    case 1:
      return gre(frame, { type: 0x88be });
    case 2:
      return gre(concat(numbers([4, 0x1005_0064], [4, 0]), frame), { type: 0x88be, sequence: 7 });
    case 3: {
      const { subheader = false } = options;
      const header = numbers([4, 0x2005_0064], [4, 0], [2, 0], [2, subheader ? 1 : 0]);
      return gre(concat(header, new Uint8Array(subheader ? 8 : 0), frame), { type: 0x22eb, sequence: 7 });
    }
  }
}

/** Enhanced GRE: PPP of PPTP, or Ethernet over IP. */
export function enhancedGre(
  payload: Uint8Array,
  options: { type?: number; acknowledgement?: boolean; identifier?: number; length?: number } = {},
): Uint8Array {
  const { type = 0x880b, acknowledgement = false } = options;
  return concat(
    numbers([2, 0x3001 | (acknowledgement ? 0x80 : 0)], [2, type]),
    numbers([2, options.length ?? payload.length], [2, options.identifier ?? 1], [4, 1]),
    new Uint8Array(acknowledgement ? 4 : 0),
    payload,
  );
}

/** VXLAN. */
export function vxlan(frame: Uint8Array, vni = 100, flags = 8): Uint8Array {
  return concat(numbers([1, flags], [3, 0], [3, vni], [1, 0]), frame);
}

/** Geneve; `options` are bytes, a multiple of 4. */
export function geneve(
  payload: Uint8Array,
  { type = 0x6558, vni = 100, options = new Uint8Array(0), version = 0 } = {},
): Uint8Array {
  const header = numbers([1, (version << 6) | (options.length / 4)], [1, 0], [2, type], [3, vni], [1, 0]);
  return concat(header, options, payload);
}

/** GTP-U user data. `extensions` are whole extension headers, of type 0x85 each. */
export function gtp(
  packet: Uint8Array,
  options: { extensions?: number; sequence?: boolean; teid?: number; message?: number; length?: number } = {},
): Uint8Array {
  const { extensions = 0, sequence = false } = options;
  const optional = extensions > 0 || sequence
    ? concat(
      Uint8Array.of(0, 1, 0, extensions > 0 ? 0x85 : 0),
      ...Array.from({ length: extensions }, (_, i) => Uint8Array.of(1, 0, 0, i < extensions - 1 ? 0x85 : 0)),
    )
    : new Uint8Array(0);
  return concat(
    Uint8Array.of(0x30 | (extensions > 0 ? 4 : 0) | (sequence ? 2 : 0), options.message ?? 255),
    numbers([2, options.length ?? optional.length + packet.length], [4, options.teid ?? 1]),
    optional,
    packet,
  );
}

/** Teredo, with the indications asked for. */
export function teredo(
  packet: Uint8Array,
  options: { authentication?: boolean; origin?: boolean } = {},
): Uint8Array {
  return concat(
    options.authentication ? concat(Uint8Array.of(0, 1, 2, 3), new Uint8Array(2 + 3 + 9)) : new Uint8Array(0),
    options.origin ? concat(Uint8Array.of(0, 0), new Uint8Array(6)) : new Uint8Array(0),
    packet,
  );
}

/** AYIYA with an identity of 16 bytes and a signature of 20. */
export function ayiya(packet: Uint8Array, operation = 1): Uint8Array {
  const next = isIpv6(packet) ? 41 : 4;
  return concat(Uint8Array.of(0x42, 0x52, 0x10 | operation, next), new Uint8Array(4 + 16 + 20), packet);
}

/** An L2TP data message. */
export function l2tp(
  frame: Uint8Array,
  options: { length?: boolean; sequence?: boolean; offset?: number; flags?: number } = {},
): Uint8Array {
  const { length = true, sequence = false, offset } = options;
  const flags = 2 | (length ? 0x4000 : 0) | (sequence ? 0x0800 : 0) | (offset === undefined ? 0 : 0x0200) |
    (options.flags ?? 0);
  const rest = concat(
    numbers([2, 5], [2, 6]),
    new Uint8Array(sequence ? 4 : 0),
    offset === undefined ? new Uint8Array(0) : concat(numbers([2, offset]), new Uint8Array(offset)),
    frame,
  );
  return concat(numbers([2, flags]), length ? numbers([2, 4 + rest.length]) : new Uint8Array(0), rest);
}

/** Attributes of netfilter's log, among them the packet as type `payload`. */
function attributes(packet: Uint8Array, payload: number, isLittleEndian: boolean): Uint8Array {
  const write = isLittleEndian ? littleEndian : numbers;
  const attribute = (type: number, value: Uint8Array) =>
    concat(write([2, 4 + value.length], [2, type]), value, new Uint8Array((4 - value.length % 4) % 4));
  return concat(
    attribute(1, new Uint8Array(4)),
    attribute(10, new Uint8Array(1)),
    attribute(payload, packet),
  );
}

/** An NFLOG frame. */
export function nflog(packet: Uint8Array, isLittleEndian = true): Uint8Array {
  return concat(Uint8Array.of(isIpv6(packet) ? 10 : 2, 0, 0, 0), attributes(packet, 9, isLittleEndian));
}

/** A netlink frame of netfilter log messages, one a packet. */
export function netlink(packets: readonly Uint8Array[], isLittleEndian = true): Uint8Array {
  const write = isLittleEndian ? littleEndian : numbers;
  const messages = packets.map((packet) => {
    const body = concat(Uint8Array.of(2, 0, 0, 0), attributes(packet, 9, isLittleEndian));
    return concat(write([4, 16 + body.length], [2, 0x0400], [2, 0], [4, 0], [4, 0]), body);
  });
  return concat(numbers([2, 4], [2, 824]), new Uint8Array(10), numbers([2, 12]), ...messages);
}

/** An ARCNET frame with IP, by RFC 1051 or RFC 1201. */
export function arcnet(packet: Uint8Array, rfc: 1051 | 1201 = 1051): Uint8Array {
  return rfc === 1051
    ? concat(Uint8Array.of(1, 2, 0, 0, 240), packet)
    : concat(Uint8Array.of(1, 2, 0, 0, 212, 0, 0, 1), packet);
}

/** An Ethernet frame with an IPv4 packet of some protocol between two other hosts. */
export function underlay(payload: Uint8Array, protocol: number): Uint8Array {
  return ethernet(ipv4(payload, { protocol, source: "192.0.2.1", destination: "192.0.2.2" }));
}

/** The same with UDP to a port. */
export function inUdp(payload: Uint8Array, port: number, from = 55555): Uint8Array {
  return underlay(udp(payload, { sourcePort: from, destinationPort: port }), 17);
}
