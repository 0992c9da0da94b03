import { assertEquals } from "@std/assert";
import { formatMac } from "../../src/bytes.ts";
import { decodeEthernet } from "../../src/wire/ethernet.ts";
import { Layer } from "../../src/wire/packet.ts";
import { CLIENT_MAC, concat, ethernet, ipv4, ipv6, LINK_TYPES, SERVER_MAC, tcp } from "../support/frames.ts";
import { assertCutAnywhere, decode, decodeWhole } from "./support.ts";

/** An IEEE 802.3 frame: a length in place of the type, then LLC. */
function ieee8023(llc: readonly number[], packet: Uint8Array): Uint8Array {
  return ethernet(concat(Uint8Array.from(llc), packet), { etherType: llc.length + packet.length });
}

Deno.test("decodeEthernet passes on the layer of the type and where the addresses are", () => {
  const { packet, next, offset } = decode(decodeEthernet, ethernet(ipv4(tcp(""))));
  assertEquals([next, offset], [Layer.ipv4, 14]);
  assertEquals(formatMac(packet.bytes, packet.sourceMac), CLIENT_MAC);
  assertEquals(formatMac(packet.bytes, packet.destinationMac), SERVER_MAC);
  assertEquals(decode(decodeEthernet, ethernet(ipv6(tcp("")))).next, Layer.ipv6);
  assertEquals(decode(decodeEthernet, ethernet(ipv4(tcp("")), { vlans: [1] })).next, Layer.vlan);
});

Deno.test("decodeEthernet leaves alone what is neither IP nor ARP", () => {
  for (const etherType of [0x8035, 0x88cc, 0xffff, 0x0600]) {
    assertEquals(decode(decodeEthernet, ethernet(new Uint8Array(50), { etherType })).next, Layer.other);
  }
});

Deno.test("decodeEthernet reads the type behind LLC and SNAP of an 802.3 frame", () => {
  const snap = ieee8023([0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ipv4(tcp("payload")));
  assertEquals(decodeWhole(LINK_TYPES.ethernet, snap).payload, "payload");
  assertEquals(
    decodeWhole(LINK_TYPES.ethernet, ieee8023([0x42, 0x42, 3], new Uint8Array(40))).layer,
    Layer.other,
  );
  assertEquals(
    decodeWhole(LINK_TYPES.ethernet, ieee8023([0xaa, 0xaa, 3, 0], new Uint8Array(0))).layer,
    Layer.other,
  );
});

Deno.test("decodeEthernet calls every frame cut within its header malformed", () => {
  assertCutAnywhere(LINK_TYPES.ethernet, ethernet(ipv4(tcp("payload"))), 14 + 20 + 20);
});

Deno.test("decodeEthernet lets the IP length trim the padding of short frames", () => {
  for (const payload of ["", "a"]) {
    const v4 = decodeWhole(LINK_TYPES.ethernet, ethernet(ipv4(tcp(payload)), { padTo: 60 }));
    assertEquals([v4.layer, v4.payload, v4.payloadLength], [Layer.segment, payload, payload.length]);
    const v6 = decodeWhole(LINK_TYPES.ethernet, ethernet(ipv6(tcp(payload)), { padTo: 90 }));
    assertEquals([v6.layer, v6.payload, v6.payloadLength], [Layer.segment, payload, payload.length]);
  }
});
