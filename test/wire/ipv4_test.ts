import { assertEquals } from "@std/assert";
import { formatAddress } from "../../src/bytes.ts";
import { decodeIpv4 } from "../../src/wire/ipv4.ts";
import { Layer } from "../../src/wire/packet.ts";
import { concat, fragmentIpv4, ipv4, LINK_TYPES, PROTOCOLS, tcp, udp } from "../support/frames.ts";
import { assertCutAnywhere, decode, decodeWhole } from "./support.ts";

const SEGMENT = tcp("payload");

/** A packet with one byte replaced. */
function bent(at: number, value: number): Uint8Array {
  const packet = ipv4(SEGMENT);
  packet[at] = value;
  return packet;
}

Deno.test("decodeIpv4 passes on TCP and where the addresses are", () => {
  const { packet, next, offset } = decode(
    decodeIpv4,
    ipv4(SEGMENT, { source: "1.2.3.4", destination: "5.6.7.8" }),
  );
  assertEquals([next, offset, packet.addressLength], [Layer.tcp, 20, 4]);
  assertEquals(formatAddress(packet.bytes, packet.source, 4), "1.2.3.4");
  assertEquals(formatAddress(packet.bytes, packet.destination, 4), "5.6.7.8");
});

Deno.test("decodeIpv4 passes over header options of every length", () => {
  for (let length = 0; length <= 40; length += 4) {
    const packet = ipv4(SEGMENT, { options: new Uint8Array(length).fill(1) });
    assertEquals(decodeWhole(LINK_TYPES.raw, packet).payload, "payload");
  }
});

Deno.test("decodeIpv4 leaves other protocols alone, in fragments too", () => {
  const datagram = ipv4(udp("x", { destinationPort: 123 }), { protocol: PROTOCOLS.udp });
  assertEquals(decodeWhole(LINK_TYPES.raw, datagram).layer, Layer.other);
  const fragment = ipv4(new Uint8Array(8), { protocol: PROTOCOLS.udp, fragmentOffset: 8 });
  assertEquals(decode(decodeIpv4, fragment).next, Layer.other);
});

Deno.test("decodeIpv4 trims what follows the total length, and takes a total length of 0 for all there is", () => {
  const trailing = concat(ipv4(SEGMENT), new Uint8Array(9));
  assertEquals(decodeWhole(LINK_TYPES.raw, trailing).payload, "payload");
  const offloaded = decodeWhole(LINK_TYPES.raw, ipv4(tcp("x".repeat(70_000)), { totalLength: 0 }));
  assertEquals([offloaded.payload.length, offloaded.payloadLength], [70_000, 70_000]);
});

Deno.test("decodeIpv4 takes a total length beyond the frame for the frame's", () => {
  const { layer, payload, payloadLength } = decodeWhole(LINK_TYPES.raw, ipv4(SEGMENT, { totalLength: 9000 }));
  assertEquals([layer, payload, payloadLength], [Layer.segment, "payload", 7]);
});

Deno.test("decodeIpv4 calls a header malformed whose numbers cannot be", () => {
  for (const version of [0, 5, 6, 15]) {
    assertEquals(decode(decodeIpv4, bent(0, (version << 4) | 5)).next, Layer.malformed);
  }
  for (const words of [0, 4]) assertEquals(decode(decodeIpv4, bent(0, 0x40 | words)).next, Layer.malformed);
  const short = ipv4(new Uint8Array(0));
  short[0] = 0x4f;
  assertEquals(decode(decodeIpv4, short).next, Layer.malformed);
  for (const totalLength of [1, 19]) {
    assertEquals(decode(decodeIpv4, ipv4(SEGMENT, { totalLength })).next, Layer.malformed);
  }
  assertEquals(decodeWhole(LINK_TYPES.raw, ipv4(SEGMENT, { totalLength: 39 })).layer, Layer.malformed);
});

Deno.test("decodeIpv4 lets fragments wait for the others and passes whole packets on", () => {
  for (const fragment of fragmentIpv4(ipv4(tcp("x".repeat(64))), 24)) {
    assertEquals(decode(decodeIpv4, fragment).next, Layer.other);
  }
  assertEquals(decode(decodeIpv4, ipv4(SEGMENT, { dontFragment: true })).next, Layer.tcp);
  assertEquals(decode(decodeIpv4, bent(6, 0x80)).next, Layer.tcp);
});

Deno.test("decodeIpv4 calls every packet cut within its header malformed", () => {
  const options = Uint8Array.of(1, 1, 1, 0);
  assertCutAnywhere(LINK_TYPES.raw, ipv4(SEGMENT, { options }), 24 + 20);
});
