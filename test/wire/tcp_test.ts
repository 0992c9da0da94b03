import { assertEquals } from "@std/assert";
import { Flag, Layer } from "../../src/wire/packet.ts";
import { decodeTcp } from "../../src/wire/tcp.ts";
import { ipv4, LINK_TYPES, tcp } from "../support/frames.ts";
import { assertCutAnywhere, decode, decodeWhole } from "./support.ts";

Deno.test("decodeTcp reads ports, numbers, flags, window and the payload's length", () => {
  const segment = tcp("payload", {
    sourcePort: 65535,
    destinationPort: 80,
    seq: 0xffff_fffe,
    ack: 0x8000_0000,
    flags: "SFRPA",
    window: 0xfffe,
  });
  const { packet, next, offset } = decode(decodeTcp, segment);
  assertEquals([next, offset, packet.payloadLength], [Layer.segment, 20, 7]);
  assertEquals([packet.sourcePort, packet.destinationPort], [65535, 80]);
  assertEquals([packet.sequence, packet.acknowledgement], [-2, -(2 ** 31)]);
  assertEquals(packet.window, 0xfffe);
  assertEquals(packet.flags, Flag.syn | Flag.fin | Flag.rst | Flag.psh | Flag.ack);
});

Deno.test("decodeTcp passes over options of every length", () => {
  for (let length = 0; length <= 40; length += 4) {
    const { payload } = decodeWhole(
      LINK_TYPES.raw,
      ipv4(tcp("payload", { options: new Uint8Array(length).fill(1) })),
    );
    assertEquals(payload, "payload");
  }
});

Deno.test("decodeTcp calls a data offset malformed that is too small or beyond the segment", () => {
  for (const words of [0, 4]) {
    const segment = tcp("payload");
    segment[12] = words << 4;
    assertEquals(decode(decodeTcp, segment).next, Layer.malformed);
  }
  const beyond = tcp("");
  beyond[12] = 15 << 4;
  assertEquals(decode(decodeTcp, beyond).next, Layer.malformed);
  const exact = tcp("x".repeat(40));
  exact[12] = 15 << 4;
  const { packet, next } = decode(decodeTcp, exact);
  assertEquals([next, packet.payloadLength], [Layer.segment, 0]);
});

Deno.test("decodeTcp knows the payload by its length when the capture was cut within options or payload", () => {
  const packet = ipv4(tcp("payload", { options: new Uint8Array(12).fill(1) }));
  assertCutAnywhere(LINK_TYPES.raw, packet, 20 + 20);
  const inOptions = decodeWhole(LINK_TYPES.raw, packet.subarray(0, 45), packet.length);
  assertEquals([inOptions.payload, inOptions.payloadLength], ["", 7]);
  const inPayload = decodeWhole(LINK_TYPES.raw, packet.subarray(0, 55), packet.length);
  assertEquals([inPayload.payload, inPayload.payloadLength], ["pay", 7]);
});
