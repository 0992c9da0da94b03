import { assertEquals } from "@std/assert";
import { formatAddress } from "../../src/bytes.ts";
import { decodeIpv6 } from "../../src/wire/ipv6.ts";
import { Layer } from "../../src/wire/packet.ts";
import {
  authentication,
  concat,
  destinationOptions,
  fragment,
  hopByHop,
  ipv6,
  type Ipv6Extension,
  LINK_TYPES,
  PROTOCOLS,
  routing,
  tcp,
} from "../support/frames.ts";
import { assertCutAnywhere, decode, decodeWhole } from "./support.ts";

const SEGMENT = tcp("payload");

Deno.test("decodeIpv6 passes on TCP and where the addresses are", () => {
  const { packet, next, offset } = decode(decodeIpv6, ipv6(SEGMENT, { source: "fe80::1" }));
  assertEquals([next, offset, packet.addressLength], [Layer.tcp, 40, 16]);
  assertEquals(formatAddress(packet.bytes, packet.source, 16), "fe80::1");
  assertEquals(formatAddress(packet.bytes, packet.destination, 16), "2001:db8::2");
});

Deno.test("decodeIpv6 passes over extension headers in any order", () => {
  const extensions = [
    hopByHop(16),
    destinationOptions(24),
    routing(),
    authentication(),
    destinationOptions(),
  ];
  for (const chosen of [extensions, extensions.toReversed(), ...extensions.map((one) => [one])]) {
    const { layer, payload } = decodeWhole(LINK_TYPES.raw, ipv6(SEGMENT, { extensions: chosen }));
    assertEquals([layer, payload], [Layer.segment, "payload"]);
  }
});

Deno.test("decodeIpv6 reads an atomic fragment, lets real ones wait and calls one beyond 64 KiB malformed", () => {
  assertEquals(
    decodeWhole(LINK_TYPES.raw, ipv6(SEGMENT, { extensions: [fragment()] })).payload,
    "payload",
  );
  const next = (piece: Ipv6Extension, payload = SEGMENT) =>
    decode(decodeIpv6, ipv6(payload, { extensions: [piece] })).next;
  assertEquals(next(fragment({ more: true }), SEGMENT.subarray(0, 24)), Layer.other);
  assertEquals(next(fragment({ offset: 8 })), Layer.other);
  // Only the last may be of a length that is no multiple of 8, and none may end behind 65,535 bytes.
  assertEquals(next(fragment({ more: true })), Layer.malformed);
  assertEquals(next(fragment({ offset: 0xfff8 })), Layer.malformed);
});

Deno.test("decodeIpv6 leaves other protocols alone", () => {
  for (const protocol of [PROTOCOLS.noNext, 50, 132, 255]) {
    assertEquals(decode(decodeIpv6, ipv6(SEGMENT, { protocol })).next, Layer.other);
    assertEquals(decode(decodeIpv6, ipv6(SEGMENT, { protocol, extensions: [hopByHop()] })).next, Layer.other);
  }
});

Deno.test("decodeIpv6 trims what follows the payload length, and takes a length of 0 for all there is", () => {
  assertEquals(decodeWhole(LINK_TYPES.raw, concat(ipv6(SEGMENT), new Uint8Array(9))).payload, "payload");
  const jumbo = ipv6(tcp("x".repeat(70_000)), { payloadLength: 0, extensions: [hopByHop()] });
  assertEquals(decodeWhole(LINK_TYPES.raw, jumbo).payloadLength, 70_000);
  const beyond = decodeWhole(LINK_TYPES.raw, ipv6(SEGMENT, { payloadLength: 9000 }));
  assertEquals([beyond.payload, beyond.payloadLength], ["payload", 7]);
});

Deno.test("decodeIpv6 calls headers malformed whose numbers cannot be", () => {
  const wrongVersion = ipv6(SEGMENT);
  wrongVersion[0] = 0x45;
  assertEquals(decode(decodeIpv6, wrongVersion).next, Layer.malformed);
  const long = hopByHop();
  long.bytes[1] = 255;
  assertEquals(decode(decodeIpv6, ipv6(SEGMENT, { extensions: [long] })).next, Layer.malformed);
  assertEquals(decodeWhole(LINK_TYPES.raw, ipv6(SEGMENT, { payloadLength: 19 })).layer, Layer.malformed);
  const endless = Array.from({ length: 200 }, () => destinationOptions());
  assertEquals(decode(decodeIpv6, ipv6(SEGMENT, { extensions: endless })).next, Layer.malformed);
});

Deno.test("decodeIpv6 calls every packet cut within its headers malformed", () => {
  const packet = ipv6(SEGMENT, { extensions: [hopByHop(), authentication(), fragment()] });
  assertCutAnywhere(LINK_TYPES.raw, packet, 40 + 8 + 24 + 8 + 20);
});
