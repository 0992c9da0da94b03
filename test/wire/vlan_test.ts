import { assert, assertEquals } from "@std/assert";
import { Layer } from "../../src/wire/packet.ts";
import { concat, ethernet, ipv4, LINK_TYPES, linuxSll, tcp } from "../support/frames.ts";
import { assertCutAnywhere, decodeWhole } from "./support.ts";

const PACKET = ipv4(tcp("payload"));

function network(vlans: readonly number[]): number {
  return decodeWhole(LINK_TYPES.ethernet, ethernet(PACKET, { vlans })).packet.network;
}

Deno.test("decodeVlan keeps the outermost identifier and goes on to what is tagged", () => {
  for (const vlans of [[5], [5, 6], [5, 6, 7]]) {
    const { layer, payload, packet } = decodeWhole(LINK_TYPES.ethernet, ethernet(PACKET, { vlans }));
    assertEquals([layer, payload, packet.vlan], [Layer.segment, "payload", 5]);
  }
  assertEquals(decodeWhole(LINK_TYPES.ethernet, ethernet(PACKET)).packet.vlan, -1);
});

Deno.test("decodeVlan reads the identifier without priority and drop bits", () => {
  const tagged = ethernet(PACKET, { vlans: [0xf005] });
  assertEquals(decodeWhole(LINK_TYPES.ethernet, tagged).packet.vlan, 5);
});

Deno.test("decodeVlan knows the tag of QinQ before 802.1ad", () => {
  const frame = concat(new Uint8Array(12), Uint8Array.of(0x91, 0, 0, 9, 8, 0), PACKET);
  const { payload, packet } = decodeWhole(LINK_TYPES.ethernet, frame);
  assertEquals([payload, packet.vlan], ["payload", 9]);
});

Deno.test("decodeVlan tells networks apart by all identifiers and takes a priority tag for none", () => {
  const networks = [[], [5], [6], [5, 6], [6, 5], [5, 5]].map(network);
  assertEquals(new Set(networks).size, networks.length);
  assertEquals(network([0]), network([]));
});

Deno.test("decodeVlan does not tell flows of the any device apart by tags", () => {
  const tagged = linuxSll(concat(Uint8Array.of(0, 5, 8, 0), PACKET), { etherType: 0x8100 });
  const { payload, packet } = decodeWhole(LINK_TYPES.linuxSll, tagged);
  assertEquals([payload, packet.vlan, packet.network], ["payload", 5, 0]);
});

Deno.test("decodeVlan calls every frame cut within its tags malformed", () => {
  assertCutAnywhere(LINK_TYPES.ethernet, ethernet(PACKET, { vlans: [5, 6] }), 14 + 8 + 20 + 20);
});

Deno.test("decodeFrame gives up a frame of endless tags", () => {
  const endless = concat(new Uint8Array(12), ...Array<Uint8Array>(400).fill(Uint8Array.of(0x81, 0, 0, 1)));
  const { layer, packet } = decodeWhole(LINK_TYPES.ethernet, endless);
  assertEquals(layer, Layer.malformed);
  assert(Number.isInteger(packet.network));
});
