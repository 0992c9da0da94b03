import { assertEquals } from "@std/assert";
import { text } from "../../src/bytes.ts";
import { Layer } from "../../src/wire/packet.ts";
import { decodeUdp } from "../../src/wire/udp.ts";
import { concat, ipv4, LINK_TYPES, udp } from "../support/frames.ts";
import { decode, decodeWhole } from "./support.ts";

const QUESTION = udp("payload", { sourcePort: 40000, destinationPort: 53 });

Deno.test("decodeUdp gives datagrams from and to the ports of name resolution, with ports and payload", () => {
  for (const port of [53, 5353, 5355]) {
    for (const [sourcePort, destinationPort] of [[port, 40000], [40000, port], [port, port]] as const) {
      const { packet, next } = decode(decodeUdp, udp("payload", { sourcePort, destinationPort }));
      assertEquals(next, Layer.datagram);
      assertEquals([packet.sourcePort, packet.destinationPort], [sourcePort, destinationPort]);
      assertEquals([text(packet.bytes, packet.at, packet.end), packet.payloadLength], ["payload", 7]);
    }
  }
});

Deno.test("decodeUdp leaves other ports alone", () => {
  for (const destinationPort of [0, 54, 123, 443, 5354, 65535]) {
    assertEquals(decode(decodeUdp, udp("payload", { destinationPort })).next, Layer.other);
  }
});

Deno.test("decodeUdp trims what follows its length, and takes a length of 0 for all there is", () => {
  const { packet } = decode(decodeUdp, concat(QUESTION, new Uint8Array(5)));
  assertEquals(packet.payloadLength, 7);
  const jumbo = QUESTION.slice();
  jumbo.set([0, 0], 4);
  assertEquals(decode(decodeUdp, jumbo).packet.payloadLength, 7);
  const beyond = QUESTION.slice();
  beyond.set([9, 9], 4);
  assertEquals(decode(decodeUdp, beyond).packet.payloadLength, 7);
  const impossible = QUESTION.slice();
  impossible.set([0, 7], 4);
  assertEquals(decode(decodeUdp, impossible).next, Layer.malformed);
});

Deno.test("decodeUdp knows a cut payload by its length, and calls what is cut in the header malformed", () => {
  const packet = ipv4(QUESTION, { protocol: 17 });
  for (let cut = 20; cut < packet.length; cut++) {
    const { layer, packet: cutPacket } = decodeWhole(LINK_TYPES.raw, packet.subarray(0, cut), packet.length);
    assertEquals(layer, cut < 28 ? Layer.malformed : Layer.datagram, `cut at ${cut}`);
    if (cut >= 28) assertEquals([cutPacket.end - cutPacket.at, cutPacket.payloadLength], [cut - 28, 7]);
  }
});
