import { assertEquals } from "@std/assert";
import { formatMac } from "../../src/bytes.ts";
import { decodeLinuxSll, decodeLinuxSll2 } from "../../src/wire/linux_sll.ts";
import { Layer } from "../../src/wire/packet.ts";
import { CLIENT_MAC, ipv4, ipv6, LINK_TYPES, linuxSll, linuxSll2, tcp } from "../support/frames.ts";
import { assertCutAnywhere, decode, decodeWhole } from "./support.ts";

const FORMS = [
  { linkType: LINK_TYPES.linuxSll, cooked: linuxSll, layer: decodeLinuxSll, header: 16, addressLength: 5 },
  {
    linkType: LINK_TYPES.linuxSll2,
    cooked: linuxSll2,
    layer: decodeLinuxSll2,
    header: 20,
    addressLength: 11,
  },
];

for (const { linkType, cooked, layer, header, addressLength } of FORMS) {
  const name = layer.name;

  Deno.test(`${name} passes on the protocol and the sender's address`, () => {
    const { packet, next, offset } = decode(layer, cooked(ipv4(tcp(""))));
    assertEquals([next, offset, packet.mixesNetworks], [Layer.ipv4, header, true]);
    assertEquals(formatMac(packet.bytes, packet.sourceMac), CLIENT_MAC);
    assertEquals(packet.destinationMac, -1);
    assertEquals(decode(layer, cooked(ipv6(tcp("")))).next, Layer.ipv6);
    assertEquals(decode(layer, cooked(ipv4(tcp("")), { etherType: 4 })).next, Layer.other);
    assertEquals(decodeWhole(linkType, cooked(ipv6(tcp("payload")), { packetType: 4 })).payload, "payload");
  });

  Deno.test(`${name} has no address where the device's is not of six bytes`, () => {
    for (const length of [0, 4, 20]) {
      const frame = cooked(ipv4(tcp("")));
      frame[addressLength] = length;
      assertEquals(decode(layer, frame).packet.sourceMac, -1);
    }
  });

  Deno.test(`${name} calls every frame cut within its header malformed`, () => {
    assertCutAnywhere(linkType, cooked(ipv4(tcp("payload"))), header + 20 + 20);
  });
}
