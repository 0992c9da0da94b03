import { assert, assertEquals } from "@std/assert";
import { formatAddress, formatMac, text } from "../../src/bytes.ts";
import { decodeFrame, decodeRest } from "../../src/wire/decode.ts";
import { Layer, Packet } from "../../src/wire/packet.ts";
import {
  authentication,
  CLIENT_MAC,
  concat,
  destinationOptions,
  ethernet,
  ipv4,
  ipv6,
  LINK_TYPES,
  linuxSll2,
  SERVER_MAC,
  tcp,
} from "../support/frames.ts";
import {
  aggregatedMsdu,
  arcnet,
  avs,
  ayiya,
  ciscoHdlc,
  enhancedGre,
  erspan,
  geneve,
  gre,
  gtp,
  ieee80211,
  ieee8023,
  inUdp,
  l2tp,
  llc,
  mpls,
  netlink,
  nflog,
  numbers,
  ppi,
  ppp,
  pppoe,
  prism,
  radiotap,
  teredo,
  TUNNEL_LINK_TYPES,
  underlay,
  vxlan,
} from "../support/tunnels.ts";

const PAYLOAD = "GET / HTTP/1.1\r\n\r\n";
const FOUR = ipv4(tcp(PAYLOAD, { seq: 7 }));
const SIX = ipv6(tcp(PAYLOAD, { seq: 7 }));
const FRAME = ethernet(FOUR);

const { ethernet: ETHERNET, linuxSll2: SLL2 } = LINK_TYPES;
const LINK = TUNNEL_LINK_TYPES;

/** Every encapsulation around a TCP segment, by name: link type and frame. */
const CASES: Record<string, [linkType: number, frame: Uint8Array]> = {
  "802.3 with SNAP": [ETHERNET, ieee8023(llc(FOUR))],
  "802.11": [LINK.ieee80211, ieee80211(llc(FOUR))],
  "802.11 to the distribution system": [LINK.ieee80211, ieee80211(llc(SIX), { toDs: true })],
  "802.11 from the distribution system": [LINK.ieee80211, ieee80211(llc(FOUR), { fromDs: true })],
  "802.11 with four addresses": [
    LINK.ieee80211,
    ieee80211(llc(FOUR), { toDs: true, fromDs: true, qos: true }),
  ],
  "802.11 with QoS and HT control": [LINK.ieee80211, ieee80211(llc(FOUR), { htControl: true })],
  "802.11 A-MSDU of one": [LINK.ieee80211, ieee80211(aggregatedMsdu([llc(FOUR)]), { aggregated: true })],
  "radiotap": [LINK.radiotap, radiotap(ieee80211(llc(FOUR)), { flags: 0 })],
  "radiotap without flags": [LINK.radiotap, radiotap(ieee80211(llc(FOUR)), { timer: false })],
  "radiotap with check sequence, padding and presence words": [
    LINK.radiotap,
    concat(
      radiotap(ieee80211(llc(FOUR), { qos: true, padded: true }), { flags: 0x30, words: 3 }),
      new Uint8Array(4),
    ),
  ],
  "PPI with 802.11": [LINK.ppi, ppi(ieee80211(llc(FOUR)))],
  "PPI with Ethernet": [LINK.ppi, ppi(FRAME, 1)],
  "Prism": [LINK.prism, prism(ieee80211(llc(FOUR)))],
  "Prism, big-endian": [LINK.prism, prism(ieee80211(llc(FOUR)), false)],
  "AVS": [LINK.avs, avs(ieee80211(llc(FOUR)))],
  "PPP": [LINK.ppp, ppp(FOUR)],
  "PPP with address, control and a short protocol": [LINK.ppp, ppp(SIX, { framed: true, compressed: true })],
  "PPP in HDLC": [LINK.pppHdlc, ppp(FOUR, { framed: true })],
  "Cisco HDLC": [LINK.ciscoHdlc, ciscoHdlc(SIX)],
  "Cisco HDLC on a PPP line": [LINK.pppHdlc, ciscoHdlc(FOUR)],
  "PPPoE as link type": [LINK.pppEther, pppoe(ppp(FOUR))],
  "PPPoE": [ETHERNET, ethernet(pppoe(ppp(FOUR)), { etherType: 0x8864 })],
  "PPPoE in two VLANs, padded": [
    ETHERNET,
    concat(ethernet(pppoe(ppp(SIX)), { etherType: 0x8864, vlans: [3, 4] }), new Uint8Array(6)),
  ],
  "MPLS": [ETHERNET, ethernet(mpls(FOUR), { etherType: 0x8847 })],
  "MPLS with three labels and IPv6": [ETHERNET, ethernet(mpls(SIX, [1, 2, 3]), { etherType: 0x8848 })],
  "MPLS with an Ethernet pseudowire": [ETHERNET, ethernet(mpls(FRAME), { etherType: 0x8847 })],
  "MPLS with an Ethernet pseudowire and control word": [
    ETHERNET,
    ethernet(mpls(concat(numbers([4, 9]), FRAME)), { etherType: 0x8847 }),
  ],
  "MPLS with an Ethernet pseudowire to an address that looks like IP": [
    ETHERNET,
    ethernet(mpls(ethernet(FOUR, { destination: "45:00:ff:ff:00:01" })), { etherType: 0x8847 }),
  ],
  "PPP with MPLS": [LINK.ppp, ppp(mpls(FOUR), { protocol: 0x281 })],
  "Linux cooked with MPLS": [SLL2, linuxSll2(mpls(FOUR), { etherType: 0x8847 })],
  "IPv4 in IPv4": [ETHERNET, underlay(FOUR, 4)],
  "IPv6 in IPv4": [ETHERNET, underlay(SIX, 41)],
  "IPv4 in IPv6": [ETHERNET, ethernet(ipv6(FOUR, { protocol: 4, extensions: [destinationOptions()] }))],
  "IPv6 in IPv6": [ETHERNET, ethernet(ipv6(SIX, { protocol: 41 }))],
  "authentication header in IPv4": [
    ETHERNET,
    underlay(concat(Uint8Array.of(4), authentication().bytes.subarray(1), FOUR), 51),
  ],
  "GRE": [ETHERNET, underlay(gre(FOUR), 47)],
  "GRE with all fields and IPv6": [ETHERNET, underlay(gre(SIX, { checksum: true, key: 5, sequence: 6 }), 47)],
  "GRE with Ethernet": [ETHERNET, underlay(gre(FRAME, { type: 0x6558, key: 0x500 }), 47)],
  "GRE with MPLS": [ETHERNET, underlay(gre(mpls(FOUR), { type: 0x8847 }), 47)],
  "GRE with 802.11": [
    ETHERNET,
    underlay(gre(ieee80211(llc(FOUR), { qos: true, toDs: true }), { type: 0x8210 }), 47),
  ],
  "ERSPAN I": [ETHERNET, underlay(erspan(FRAME, 1), 47)],
  "ERSPAN II": [ETHERNET, underlay(erspan(FRAME, 2), 47)],
  "ERSPAN III": [ETHERNET, underlay(erspan(FRAME, 3), 47)],
  "ERSPAN III with subheader": [ETHERNET, underlay(erspan(FRAME, 3, { subheader: true }), 47)],
  "PPTP": [ETHERNET, underlay(enhancedGre(ppp(FOUR, { framed: true }), { acknowledgement: true }), 47)],
  "Ethernet over IP": [ETHERNET, underlay(enhancedGre(FRAME, { type: 0x6400 }), 47)],
  "GRE in UDP": [ETHERNET, inUdp(gre(FOUR), 4754)],
  "VXLAN": [ETHERNET, inUdp(vxlan(FRAME), 4789)],
  "VXLAN on Linux's port, with reserved bits": [ETHERNET, inUdp(vxlan(FRAME, 5, 0xff), 8472)],
  "VXLAN with a VLAN in it": [ETHERNET, inUdp(vxlan(ethernet(SIX, { vlans: [9] })), 4789)],
  "Geneve": [ETHERNET, inUdp(geneve(FRAME), 6081)],
  "Geneve with options and IPv6": [
    ETHERNET,
    inUdp(geneve(SIX, { type: 0x86dd, options: new Uint8Array(60) }), 6081),
  ],
  "GTP-U": [ETHERNET, inUdp(gtp(FOUR), 2152, 2152)],
  "GTP-U with sequence number": [ETHERNET, inUdp(gtp(SIX, { sequence: true }), 2152)],
  "GTP-U with extension headers": [ETHERNET, inUdp(gtp(FOUR, { extensions: 3 }), 2152)],
  "Teredo": [ETHERNET, inUdp(teredo(SIX), 3544)],
  "Teredo with both indications, from the server": [
    ETHERNET,
    inUdp(teredo(SIX, { authentication: true, origin: true }), 55555, 3544),
  ],
  "AYIYA": [ETHERNET, inUdp(ayiya(SIX), 5072)],
  "AYIYA with IPv4, from the server": [ETHERNET, inUdp(ayiya(FOUR), 55555, 5072)],
  "L2TP": [ETHERNET, inUdp(l2tp(ppp(FOUR, { framed: true })), 1701, 1701)],
  "L2TP with sequence and offset, without length": [
    ETHERNET,
    inUdp(l2tp(ppp(FOUR, { compressed: true }), { length: false, sequence: true, offset: 6 }), 1701),
  ],
  "NFLOG": [LINK.nflog, nflog(FOUR)],
  "NFLOG, big-endian": [LINK.nflog, nflog(SIX, false)],
  "netlink": [LINK.netlink, netlink([FOUR])],
  "netlink, big-endian": [LINK.netlink, netlink([SIX], false)],
  "ARCNET by RFC 1051": [LINK.arcnet, arcnet(FOUR)],
  "ARCNET by RFC 1201": [LINK.arcnet, arcnet(FOUR, 1201)],
  "GTP-U in VXLAN in GRE in PPPoE in MPLS": [
    ETHERNET,
    ethernet(
      mpls(ethernet(
        pppoe(ppp(ipv4(gre(inUdp(vxlan(inUdp(gtp(FOUR), 2152)), 4789), { type: 0x6558 }), { protocol: 47 }))),
        { etherType: 0x8864 },
      )),
      { etherType: 0x8847 },
    ),
  ],
};

/** Decodes `frame` as it lies in the middle of other bytes. */
function decode(
  frame: Uint8Array,
  linkType: number,
  wireLength = frame.length,
): { layer: Layer; packet: Packet } {
  const around = new Uint8Array(frame.length + 64).fill(0x45);
  around.set(frame, 32);
  const packet = new Packet();
  packet.reset(around, 32, 32 + frame.length, wireLength, 0);
  return { layer: decodeFrame(packet, linkType), packet };
}

for (const [name, [linkType, frame]] of Object.entries(CASES)) {
  Deno.test(`a TCP segment is found in ${name}`, () => {
    const { layer, packet } = decode(frame, linkType);
    assertEquals(layer, Layer.segment);
    assertEquals(packet.sequence, 7);
    assertEquals(packet.payloadLength, PAYLOAD.length);
    assertEquals(text(packet.bytes, packet.at, packet.end), PAYLOAD);
    const source = formatAddress(packet.bytes, packet.source, packet.addressLength);
    assertEquals(source, packet.addressLength === 4 ? "10.0.0.1" : "2001:db8::1");
    assertEquals(decodeRest(packet), undefined);
  });

  Deno.test(`${name} cut by the snaplen at any byte before the segment's header ends is malformed`, () => {
    const { packet } = decode(frame, linkType);
    const headers = packet.at - 32;
    for (let length = 0; length < frame.length; length++) {
      const cut = decode(frame.subarray(0, length), linkType, frame.length);
      if (length >= headers) {
        assertEquals(
          [cut.layer, cut.packet.payloadLength],
          [Layer.segment, PAYLOAD.length],
          `cut at ${length}`,
        );
      } else {
        assertEquals(cut.layer, Layer.malformed, `cut at ${length}`);
      }
    }
  });

  Deno.test(`${name} that ends on the wire at any byte before the segment's header does is no segment`, () => {
    const { packet } = decode(frame, linkType);
    for (let length = 0; length < packet.at - 32; length++) {
      const { layer } = decode(frame.subarray(0, length), linkType);
      assert(layer === Layer.malformed || layer === Layer.other, `ended at ${length}`);
    }
  });

  Deno.test(`${name} with any byte changed to anything stays within the frame`, () => {
    for (let at = 0; at < frame.length; at++) {
      for (const value of [0x00, 0x01, 0x45, 0x60, 0x7f, 0x80, 0xff]) {
        const changed = frame.slice();
        changed[at] = value;
        const { layer, packet } = decode(changed, linkType);
        const ends: Layer[] = [Layer.segment, Layer.icmpError, Layer.other, Layer.malformed];
        assert(ends.includes(layer));
        assert(packet.bytes.length !== frame.length + 64 || packet.end <= 32 + frame.length);
      }
    }
  });
}

Deno.test("encapsulations nested without end are malformed", () => {
  let packet = FOUR;
  for (let depth = 0; depth < 40; depth++) packet = ipv4(packet, { protocol: 4 });
  assertEquals(decode(packet, LINK_TYPES.raw).layer, Layer.malformed);
});

Deno.test("802.11 tells the addresses of the ends in all four forms", () => {
  for (const toDs of [false, true]) {
    for (const fromDs of [false, true]) {
      const { packet } = decode(ieee80211(llc(FOUR), { toDs, fromDs }), LINK.ieee80211);
      assertEquals(formatMac(packet.bytes, packet.sourceMac), CLIENT_MAC);
      assertEquals(formatMac(packet.bytes, packet.destinationMac), SERVER_MAC);
    }
  }
});

Deno.test("frames that hold no data that could be read are other, and what cannot be put together is malformed", () => {
  const layerOf = (frame: Uint8Array, linkType: number = ETHERNET) => decode(frame, linkType).layer;
  const wifi = (options: Parameters<typeof ieee80211>[1]) =>
    layerOf(ieee80211(llc(FOUR), options), LINK.ieee80211);
  assertEquals(wifi({ flags: 0x40 }), Layer.other, "protected");
  assertEquals(wifi({ control: 0x80 }), Layer.other, "beacon");
  assertEquals(wifi({ control: 0x48 }), Layer.other, "null data");
  assertEquals(
    layerOf(Uint8Array.of(0xd4, 0, 0, 0, 1, 2, 3, 4, 5, 6), LINK.ieee80211),
    Layer.other,
    "acknowledgement",
  );
  assertEquals(wifi({ control: 0x09 }), Layer.malformed, "version 1");
  assertEquals(wifi({ fragmentNumber: 1 }), Layer.malformed, "fragment");
  assertEquals(wifi({ flags: 0x04 }), Layer.malformed, "first fragment");
  assertEquals(layerOf(ppi(FOUR, 101), LINK.ppi), Layer.other, "PPI with another link type");
  assertEquals(layerOf(ppp(FOUR, { protocol: 0xc021 }), LINK.ppp), Layer.other, "LCP");
  assertEquals(layerOf(pppoe(ppp(FOUR), { code: 0x09 }), LINK.pppEther), Layer.other, "PPPoE discovery");
  assertEquals(
    layerOf(pppoe(ppp(FOUR), { version: 0x21 }), LINK.pppEther),
    Layer.malformed,
    "PPPoE version 2",
  );
  assertEquals(layerOf(pppoe(ppp(FOUR), { length: 999 }), LINK.pppEther), Layer.malformed, "PPPoE too long");
  assertEquals(layerOf(underlay(gre(FOUR, { flags: 2 }), 47)), Layer.malformed, "GRE version 2");
  assertEquals(layerOf(underlay(gre(FOUR, { flags: 0x4000 }), 47)), Layer.other, "GRE source routing");
  assertEquals(layerOf(underlay(gre(FOUR, { type: 0x1234 }), 47)), Layer.other, "GRE with something else");
  assertEquals(layerOf(underlay(gre(FRAME, { type: 0x22eb }), 47)), Layer.malformed, "ERSPAN of no version");
  assertEquals(
    layerOf(underlay(enhancedGre(ppp(FOUR), { length: 0 }), 47)),
    Layer.other,
    "PPTP acknowledgement",
  );
  assertEquals(
    layerOf(underlay(enhancedGre(ppp(FOUR), { length: 999 }), 47)),
    Layer.malformed,
    "PPTP too long",
  );
  assertEquals(
    layerOf(ethernet(mpls(new Uint8Array(40)), { etherType: 0x8847 })),
    Layer.other,
    "MPLS with something else",
  );
  assertEquals(layerOf(inUdp(gtp(FOUR, { message: 1 }), 2152)), Layer.other, "GTP echo");
  assertEquals(layerOf(inUdp(l2tp(ppp(FOUR), { flags: 0x8000 }), 1701)), Layer.other, "L2TP control");
  assertEquals(layerOf(inUdp(ayiya(SIX, 0), 5072)), Layer.other, "AYIYA heartbeat");
  assertEquals(
    layerOf(Uint8Array.of(0, 4, 3, 56, ...new Uint8Array(10), 0, 0, 1, 2), LINK.netlink),
    Layer.other,
    "rtnetlink",
  );
  assertEquals(
    layerOf(arcnet(FOUR, 1201).fill(5, 5, 6), LINK.arcnet),
    Layer.malformed,
    "split ARCNET packet",
  );
});

/** What other protocols send, some of it to look like as many tunnels as can be. */
const NOT_TUNNELS: Record<string, Uint8Array> = {
  "a DNS answer": concat(
    numbers([2, 0x0800], [2, 0x8180], [2, 1], [2, 1], [2, 0], [2, 0]),
    Uint8Array.of(
      3,
      119,
      119,
      119,
      4,
      116,
      101,
      115,
      116,
      0,
      0,
      1,
      0,
      1,
      0xc0,
      12,
      0,
      1,
      0,
      1,
      0,
      0,
      0,
      60,
      0,
      4,
      10,
      0,
      0,
      1,
    ),
  ),
  "a QUIC short header packet": Uint8Array.from({ length: 60 }, (_, i) => i === 0 ? 0x40 : (i * 37) & 0xff),
  "a QUIC Initial": concat(Uint8Array.of(0xc3, 0, 0, 0, 1, 8), new Uint8Array(1194).fill(0xa7)),
  "an RTP packet": concat(
    Uint8Array.of(0x80, 0xff),
    numbers([2, 50], [4, 1], [4, 2]),
    new Uint8Array(160).fill(0xd5),
  ),
  "STUN": concat(numbers([2, 1], [2, 8], [4, 0x2112_a442]), new Uint8Array(20).fill(3)),
  "text": new TextEncoder().encode("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n"),
  "something like VXLAN as far as the type of a frame": vxlan(
    ethernet(new Uint8Array(40).fill(0x99), { etherType: 0x0800 }),
  ),
  "something like Geneve as far as the type": geneve(new Uint8Array(40).fill(0x99), { type: 0x0800 }),
  "something like GTP-U, but longer than the datagram": gtp(FOUR, { length: 999 }),
  "something like L2TP, but longer than the datagram": concat(
    numbers([2, 0x4002], [2, 999], [2, 5], [2, 6]),
    ppp(FOUR),
  ),
  "nothing": new Uint8Array(0),
  "one byte": Uint8Array.of(0x30),
};

Deno.test("what is no tunnel, from or to a tunnel's port, is neither decoded nor a loss", () => {
  for (const port of [1701, 2152, 3544, 4754, 4789, 5072, 6081, 8472]) {
    for (const [name, payload] of Object.entries(NOT_TUNNELS)) {
      assertEquals(decode(inUdp(payload, port), ETHERNET).layer, Layer.other, `${name} to ${port}`);
      assertEquals(decode(inUdp(payload, 40000, port), ETHERNET).layer, Layer.other, `${name} from ${port}`);
    }
  }
});

Deno.test("a tunnel through a port of another is not decoded", () => {
  assertEquals(decode(inUdp(vxlan(FRAME), 6000), ETHERNET).layer, Layer.other);
  assertEquals(decode(inUdp(gtp(FOUR), 4789), ETHERNET).layer, Layer.other);
});

/** What tells apart the flow that a frame belongs to from others with the same addresses and ports. */
function networkOf(frame: Uint8Array, linkType: number = ETHERNET): number {
  const { layer, packet } = decode(frame, linkType);
  assertEquals(layer, Layer.segment);
  return packet.network;
}

Deno.test("VLANs, virtual networks, keys and PPPoE sessions are networks of their own", () => {
  const session = (id: number) => ethernet(pppoe(ppp(FOUR), { session: id }), { etherType: 0x8864 });
  const networks = [
    FRAME,
    ethernet(FOUR, { vlans: [5] }),
    ethernet(FOUR, { vlans: [6] }),
    ethernet(FOUR, { vlans: [5, 6] }),
    ethernet(FOUR, { vlans: [6, 5] }),
    ethernet(FOUR, { vlans: [5, 5] }),
    inUdp(vxlan(FRAME, 5), 4789),
    inUdp(vxlan(FRAME, 6), 4789),
    inUdp(vxlan(ethernet(FOUR, { vlans: [5] }), 5), 4789),
    underlay(gre(FOUR, { key: 5 }), 47),
    underlay(gre(FOUR, { key: 6 }), 47),
    session(5),
    session(6),
  ].map((frame) => networkOf(frame));
  assertEquals(new Set(networks).size, networks.length);
});

Deno.test("what differs between the directions of a flow is no network of its own", () => {
  const plain = networkOf(FRAME);
  assertEquals(networkOf(ethernet(FOUR, { vlans: [0] })), plain);
  assertEquals(networkOf(ethernet(mpls(FOUR, [1]), { etherType: 0x8847 })), plain);
  assertEquals(networkOf(inUdp(gtp(FOUR, { teid: 7 }), 2152)), plain);
  assertEquals(networkOf(inUdp(l2tp(ppp(FOUR)), 1701)), plain);
  assertEquals(networkOf(underlay(FOUR, 4)), plain);
  assertEquals(networkOf(underlay(erspan(FRAME, 2), 47)), plain);
  assertEquals(networkOf(underlay(enhancedGre(ppp(FOUR), { identifier: 9 }), 47)), plain);
  for (const key of [0, 0x0200_0000]) {
    assertEquals(networkOf(underlay(gre(FRAME, { type: 0x6558, key }), 47)), plain);
  }
});

Deno.test("a device that shows packets with and without their tunnel knows no networks", () => {
  const tunnel = inUdp(vxlan(FRAME, 5), 4789).subarray(14);
  assertEquals(networkOf(linuxSll2(tunnel), SLL2), networkOf(linuxSll2(FOUR), SLL2));
});

Deno.test("an A-MSDU and a netlink frame give all their packets", () => {
  const packets = ["a", "bb", "ccc"].map((payload) => ipv4(tcp(payload)));
  const frames: [Uint8Array, number][] = [
    [ieee80211(aggregatedMsdu(packets.map((packet) => llc(packet))), { aggregated: true }), LINK.ieee80211],
    [netlink(packets), LINK.netlink],
  ];
  for (const [frame, linkType] of frames) {
    const { layer, packet } = decode(frame, linkType);
    const found: string[] = [];
    for (let next: Layer | undefined = layer; next !== undefined; next = decodeRest(packet)) {
      assertEquals(next, Layer.segment);
      found.push(text(packet.bytes, packet.at, packet.end));
    }
    assertEquals(found, ["a", "bb", "ccc"]);
  }
});

Deno.test("a check sequence that radiotap tells of is no payload, where IP does not tell its length", () => {
  const offloaded = ipv4(tcp(PAYLOAD), { totalLength: 0 });
  const frame = concat(radiotap(ieee80211(llc(offloaded)), { flags: 0x10 }), new Uint8Array(4));
  const { packet } = decode(frame, LINK.radiotap);
  assertEquals(packet.payloadLength, PAYLOAD.length);
});

Deno.test("a packet that the netfilter log was told to cut is known by its length on the wire", () => {
  const { layer, packet } = decode(nflog(FOUR.subarray(0, 50)), LINK.nflog);
  assertEquals(layer, Layer.segment);
  assertEquals([packet.end - packet.at, packet.payloadLength], [10, PAYLOAD.length]);
});
