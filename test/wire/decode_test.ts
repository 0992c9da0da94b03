import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ArpField } from "../../src/wire/arp.ts";
import { DnsMessage } from "../../src/wire/dns.ts";
import { readQuoted } from "../../src/wire/icmp.ts";
import { NdpMessage } from "../../src/wire/ndp.ts";
import { Layer, type Packet } from "../../src/wire/packet.ts";
import { cname, dnsMessage } from "../support/dns.ts";
import {
  arp,
  authentication,
  ETHER_TYPES,
  ethernet,
  hopByHop,
  icmpError,
  ipv4,
  ipv6,
  link,
  LINK_TYPES,
  linuxSll2,
  neighbourAdvertisement,
  PROTOCOLS,
  tcp,
  udp,
} from "../support/frames.ts";
import { decodeWhole } from "./support.ts";

Deno.test("decodeFrame reads TCP over both versions of IP from every link type", () => {
  for (const linkType of Object.values(LINK_TYPES)) {
    for (const packet of [ipv4(tcp("payload")), ipv6(tcp("payload"))]) {
      const { layer, payload } = decodeWhole(linkType, link(linkType, packet));
      assertEquals([layer, payload], [Layer.segment, "payload"]);
    }
  }
});

Deno.test("decodeFrame knows raw IP by all its numbers and takes an empty frame for malformed", () => {
  for (const linkType of [12, 14, 101, 228, 229]) {
    for (const packet of [ipv4(tcp("payload")), ipv6(tcp("payload"))]) {
      assertEquals(decodeWhole(linkType, packet).payload, "payload");
    }
    assertEquals(decodeWhole(linkType, new Uint8Array(0)).layer, Layer.malformed);
    assertEquals(decodeWhole(linkType, new Uint8Array(60)).layer, Layer.malformed);
  }
});

Deno.test("decodeFrame counts frames of a link type it does not know as malformed", () => {
  for (const linkType of [-1, 105, 127, 65535]) {
    assertEquals(decodeWhole(linkType, ethernet(ipv4(tcp("payload")))).layer, Layer.malformed);
  }
});

Deno.test("decodeFrame forgets the frame before", () => {
  const { packet } = decodeWhole(LINK_TYPES.ethernet, ethernet(ipv4(tcp("")), { vlans: [7] }));
  packet.reset(ipv4(tcp("")), 0, 40, 40, 5);
  assertEquals(
    [packet.vlan, packet.network, packet.mixesNetworks, packet.sourceMac, packet.destinationMac, packet.time],
    [-1, 0, false, -1, -1, 5],
  );
});

Deno.test("decodeFrame and the readers of what it ends with read nothing outside the frame and never throw, whatever the bytes", () => {
  const message = dnsMessage({
    isResponse: true,
    questions: [{ name: "a.test" }],
    answers: [cname("a.test", "b.test")],
  });
  const frames = [
    { linkType: LINK_TYPES.ethernet, bytes: ethernet(ipv4(tcp("payload")), { vlans: [1, 2] }) },
    {
      linkType: LINK_TYPES.linuxSll2,
      bytes: linuxSll2(ipv6(tcp("x"), { extensions: [hopByHop(), authentication()] })),
    },
    { linkType: LINK_TYPES.null, bytes: link(LINK_TYPES.null, ipv4(tcp("payload"))) },
    { linkType: LINK_TYPES.ethernet, bytes: ethernet(arp(), { etherType: ETHER_TYPES.arp }) },
    { linkType: LINK_TYPES.raw, bytes: ipv4(udp(message), { protocol: PROTOCOLS.udp }) },
    { linkType: LINK_TYPES.raw, bytes: ipv4(icmpError(3, 1, ipv4(tcp("x"))), { protocol: PROTOCOLS.icmp }) },
    {
      linkType: LINK_TYPES.raw,
      bytes: ipv6(icmpError(1, 1, ipv6(tcp("x"), { extensions: [hopByHop()] })), {
        protocol: PROTOCOLS.icmp6,
      }),
    },
    { linkType: LINK_TYPES.raw, bytes: neighbourAdvertisement() },
  ];
  const ends = new Set<Layer>();
  fc.assert(
    fc.property(
      fc.constantFrom(...frames),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.oneof(fc.constant(200), fc.nat(120)),
      fc.nat(3000),
      ({ linkType, bytes }, changes, cut, wireLength) => {
        const mutated = bytes.slice(0, cut);
        for (const [at, value] of changes) if (mutated.length > 0) mutated[at % mutated.length] = value;
        const { layer, packet } = decodeWhole(linkType, mutated, wireLength);
        readFurther(layer, packet);
        ends.add(layer);
      },
    ),
    { numRuns: 4000, seed: 1 },
  );
  const { segment, datagram, icmpError: error, ndp, other, malformed } = Layer;
  assertEquals(ends, new Set<Layer>([segment, datagram, Layer.arp, error, ndp, other, malformed]));
});

/** Reads on what a frame ended with. */
function readFurther(layer: Layer, packet: Packet): void {
  const { at, end } = packet;
  const assertInside = (offset: number, length: number) => assert(offset >= at && offset + length <= end);
  switch (layer) {
    case Layer.arp:
      return assertInside(at + ArpField.targetAddress, packet.addressLength);
    case Layer.datagram:
      new DnsMessage().read(packet.bytes, at, end);
      return;
    case Layer.icmpError:
      if (!readQuoted(packet)) return;
      assertInside(packet.source, packet.addressLength);
      assertInside(packet.destination, packet.addressLength);
      return;
    case Layer.ndp: {
      const message = new NdpMessage();
      message.read(packet);
      if (message.targetAt >= 0) assertInside(message.targetAt, 16);
      if (message.sourceLinkAt >= 0) assertInside(message.sourceLinkAt, 6);
      if (message.targetLinkAt >= 0) assertInside(message.targetLinkAt, 6);
    }
  }
}
