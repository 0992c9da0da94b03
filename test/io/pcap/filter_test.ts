import { assertEquals } from "@std/assert";
import { cString } from "../../../src/io/libc.ts";
import { defaultFilter, wantedFilter } from "../../../src/io/pcap/filter.ts";
import { libpcap } from "../../../src/io/pcap/library.ts";
import {
  arp,
  ETHER_TYPES,
  ethernet,
  fragmentIpv4,
  icmp,
  icmp6,
  icmpError,
  ipv4,
  ipv6,
  link,
  LINK_TYPES,
  linuxSll,
  linuxSll2,
  tcp,
  udp,
} from "../../support/frames.ts";
import {
  erspan,
  gtp,
  ieee80211,
  inUdp,
  llc,
  mpls,
  ppp,
  pppoe,
  radiotap,
  underlay,
  vxlan,
} from "../../support/tunnels.ts";
import "../../support/libraries.ts";

/** True when the built filter for port 80 lets a frame through. */
function passes(frame: Uint8Array, linkType: number = LINK_TYPES.ethernet, lifecycle = true): boolean {
  const pcap = libpcap();
  const handle = pcap.pcap_open_dead(DEAD_LINK_TYPES[linkType] ?? linkType, 262_144);
  const program = new Uint8Array(16);
  const filter = defaultFilter([80], linkType, lifecycle);
  const status = pcap.pcap_compile(handle, program, cString(filter), 1, 0);
  pcap.pcap_close(handle);
  assertEquals(status, 0, `link type ${linkType}`);
  const header = new Uint8Array(24);
  new Uint32Array(header.buffer).set([frame.length, frame.length], 4);
  const result = pcap.pcap_offline_filter(program, header, frame.slice());
  pcap.pcap_freecode(program);
  return result !== 0;
}

/** libpcap's number where it is not the LINKTYPE_ value. */
const DEAD_LINK_TYPES: Partial<Record<number, number>> = { [LINK_TYPES.raw]: 12 };

const HTTP = ipv4(tcp("x"));
const HTTP6 = ipv6(tcp("x"));
const FRAME = ethernet(HTTP);

Deno.test("the default filter compiles for every link type that is decoded, with and without the lifecycle", () => {
  const types = [0, 1, 9, 12, 50, 51, 104, 105, 108, 113, 119, 127, 129, 163, 192, 228, 229, 239, 253, 276];
  for (const type of types) {
    for (const lifecycle of [true, false]) passes(new Uint8Array(100), type, lifecycle);
  }
});

Deno.test("the default filter lets tunnels through, in VLANs too", () => {
  const tunnels: [Uint8Array, number?][] = [
    [pppoe(ppp(HTTP)), 0x8864],
    [mpls(HTTP), 0x8847],
    [underlay(HTTP, 4).subarray(14)],
    [underlay(erspan(FRAME, 2), 47).subarray(14)],
    [inUdp(vxlan(FRAME), 4789).subarray(14)],
    [inUdp(gtp(HTTP), 2152).subarray(14)],
  ];
  for (const [packet, etherType] of tunnels) {
    const type = etherType === undefined ? {} : { etherType };
    for (const vlans of [[], [5], [5, 6]]) {
      assertEquals(passes(ethernet(packet, { vlans, ...type })), true);
    }
    assertEquals(passes(linuxSll(packet, type), LINK_TYPES.linuxSll), true);
  }
  assertEquals(passes(radiotap(ieee80211(llc(HTTP), { toDs: true })), 127), true);
});

/** IP packets that belong to the lifecycle of a request. */
const LIFECYCLE: Record<string, Uint8Array> = {
  "DNS query over UDP": inIpv4(udp("x", { destinationPort: 53 }), 17),
  "DNS response over UDP": inIpv4(udp("x", { sourcePort: 53, destinationPort: 40000 }), 17),
  "DNS over TCP": ipv4(tcp("x", { destinationPort: 53 })),
  "DNS over UDP and IPv6": inIpv6(udp("x", { sourcePort: 53, destinationPort: 40000 }), 17),
  "DNS over TCP and IPv6": ipv6(tcp("x", { sourcePort: 53, destinationPort: 40000 })),
  "multicast DNS": inIpv4(udp("x", { sourcePort: 5353, destinationPort: 5353 }), 17),
  "multicast DNS over IPv6": inIpv6(udp("x", { sourcePort: 5353, destinationPort: 5353 }), 17),
  "LLMNR query": inIpv4(udp("x", { destinationPort: 5355 }), 17),
  "LLMNR response over IPv6": inIpv6(udp("x", { sourcePort: 5355, destinationPort: 40000 }), 17),
  ...named([3, 4, 5, 11, 12], (type) => [`ICMP ${type}`, inIpv4(icmpError(type, 0, HTTP), 1)]),
  ...named([1, 2, 3, 4], (type) => [`ICMPv6 ${type}`, inIpv6(icmpError(type, 0, HTTP6), 58)]),
  ...named(
    [133, 134, 135, 136, 137],
    (type) => [`ICMPv6 ${type}`, inIpv6(icmp6(type, 0, new Uint8Array(40)), 58)],
  ),
};

/** IP packets of neither HTTP nor its lifecycle. */
const OTHERS: Record<string, Uint8Array> = {
  "TCP to port 443": ipv4(tcp("x", { destinationPort: 443 })),
  "TCP to port 5353": ipv4(tcp("x", { destinationPort: 5353 })),
  "TCP to port 443 in IPv6": ipv6(tcp("x", { destinationPort: 443 })),
  "UDP to port 80": inIpv4(udp("x", { destinationPort: 80 }), 17),
  "UDP to port 123": inIpv4(udp("x", { destinationPort: 123 }), 17),
  "UDP to port 123 in IPv6": inIpv6(udp("x", { destinationPort: 123 }), 17),
  "SCTP to port 53": inIpv4(udp("x", { destinationPort: 53 }), 132),
  "IGMP": inIpv4(new Uint8Array(9), 2),
  ...named([0, 8, 13], (type) => [`ICMP ${type}`, inIpv4(icmp(type, 0, new Uint8Array(40)), 1)]),
  ...named([0, 5, 128, 129, 132, 138, 143], (type) => [
    `ICMPv6 ${type}`,
    inIpv6(icmp6(type, 0, new Uint8Array(40)), 58),
  ]),
};

function inIpv4(payload: Uint8Array, protocol: number): Uint8Array {
  return ipv4(payload, { protocol });
}

function inIpv6(payload: Uint8Array, protocol: number): Uint8Array {
  return ipv6(payload, { protocol });
}

function named<T>(list: readonly T[], entry: (item: T) => [string, Uint8Array]): Record<string, Uint8Array> {
  return Object.fromEntries(list.map(entry));
}

for (const [name, linkType] of Object.entries(LINK_TYPES)) {
  Deno.test(`the default filter on ${name} lets the lifecycle through when asked to, and nothing else`, () => {
    const vlans = linkType === LINK_TYPES.ethernet ? [[], [5], [5, 6]] : [[]];
    for (const tags of vlans) {
      const wrap = (packet: Uint8Array) => link(linkType, packet, { vlans: tags });
      for (const [what, packet] of Object.entries(LIFECYCLE)) {
        assertEquals(passes(wrap(packet), linkType), true, `${what} in ${tags}`);
        assertEquals(passes(wrap(packet), linkType, false), false, `${what} in ${tags}`);
      }
      for (const [what, packet] of Object.entries(OTHERS)) {
        assertEquals(passes(wrap(packet), linkType), false, `${what} in ${tags}`);
      }
      for (const lifecycle of [true, false]) {
        for (const packet of [HTTP, HTTP6]) assertEquals(passes(wrap(packet), linkType, lifecycle), true);
      }
    }
  });
}

Deno.test("the default filter lets ARP through in Ethernet, tagged too, in cooked and in 802.11 frames", () => {
  const ofType = (etherType: number): [Uint8Array, number][] => [
    ...[[], [5], [5, 6]].map((vlans): [Uint8Array, number] => [ethernet(arp(), { etherType, vlans }), 1]),
    [linuxSll(arp(), { etherType }), LINK_TYPES.linuxSll],
    [linuxSll2(arp(), { etherType }), LINK_TYPES.linuxSll2],
    [radiotap(ieee80211(llc(arp(), etherType), { toDs: true })), 127],
  ];
  const REVERSE_ARP = 0x8035;
  for (const [frame, linkType] of ofType(ETHER_TYPES.arp)) {
    assertEquals(
      [passes(frame, linkType), passes(frame, linkType, false)],
      [true, false],
      `link type ${linkType}`,
    );
  }
  for (const [frame, linkType] of ofType(REVERSE_ARP)) assertEquals(passes(frame, linkType), false);
});

Deno.test("the default filter lets fragments of DNS through, the first and the others", () => {
  const fragments = fragmentIpv4(inIpv4(udp("x".repeat(100), { destinationPort: 53 }), 17), 48);
  assertEquals(fragments.map((packet) => passes(ethernet(packet))), [true, true, true]);
});

Deno.test("wantedFilter takes the filter that was asked for, else builds one for the ports, else none", () => {
  const RAW = LINK_TYPES.raw;
  assertEquals(wantedFilter({ filter: "udp", ports: [80] }, RAW), "udp");
  assertEquals(wantedFilter({ ports: [80], lifecycle: false }, RAW), defaultFilter([80], RAW, false));
  assertEquals(wantedFilter({ ports: [80], lifecycle: true }, RAW), defaultFilter([80], RAW, true));
  assertEquals(wantedFilter({ lifecycle: true }, RAW), "");
});
