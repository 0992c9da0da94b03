import { assertEquals } from "@std/assert";
import { decodeNullLoopback } from "../../src/wire/null_loopback.ts";
import { Layer } from "../../src/wire/packet.ts";
import { ipv4, ipv6, LINK_TYPES, nullLoopback, tcp } from "../support/frames.ts";
import { assertCutAnywhere, decode, decodeWhole } from "./support.ts";

Deno.test("decodeNullLoopback reads the address family in both byte orders, whatever the link type promises", () => {
  for (const linkType of [LINK_TYPES.null, LINK_TYPES.loop]) {
    for (const littleEndian of [true, false]) {
      const v4 = nullLoopback(ipv4(tcp("payload")), { littleEndian });
      assertEquals(decodeWhole(linkType, v4).payload, "payload");
      for (const family of [10, 24, 28, 30]) {
        const v6 = nullLoopback(ipv6(tcp("payload")), { family, littleEndian });
        assertEquals(decodeWhole(linkType, v6).payload, "payload");
      }
    }
  }
});

Deno.test("decodeNullLoopback leaves other families alone", () => {
  for (const family of [0, 1, 7, 0x0201, 0x01020304]) {
    assertEquals(decode(decodeNullLoopback, nullLoopback(ipv4(tcp("")), { family })).next, Layer.other);
  }
});

Deno.test("decodeNullLoopback calls every frame cut within its header malformed", () => {
  assertCutAnywhere(LINK_TYPES.null, nullLoopback(ipv4(tcp("payload"))), 4 + 20 + 20);
});
