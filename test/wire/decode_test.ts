import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Layer } from "../../src/wire/packet.ts";
import {
  authentication,
  ethernet,
  hopByHop,
  ipv4,
  ipv6,
  link,
  LINK_TYPES,
  linuxSll2,
  tcp,
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

Deno.test("decodeFrame reads nothing outside the frame and never throws, whatever the bytes", () => {
  const frames = [
    { linkType: LINK_TYPES.ethernet, bytes: ethernet(ipv4(tcp("payload")), { vlans: [1, 2] }) },
    {
      linkType: LINK_TYPES.linuxSll2,
      bytes: linuxSll2(ipv6(tcp("x"), { extensions: [hopByHop(), authentication()] })),
    },
    { linkType: LINK_TYPES.null, bytes: link(LINK_TYPES.null, ipv4(tcp("payload"))) },
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...frames),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.nat(120),
      fc.nat(3000),
      ({ linkType, bytes }, changes, cut, wireLength) => {
        const mutated = bytes.slice(0, cut);
        for (const [at, value] of changes) if (mutated.length > 0) mutated[at % mutated.length] = value;
        decodeWhole(linkType, mutated, wireLength);
      },
    ),
    { numRuns: 3000, seed: 1 },
  );
});
