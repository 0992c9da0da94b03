import { assertEquals } from "@std/assert";
import { formatAddress, formatMac, u16 } from "../../src/bytes.ts";
import { ArpField, ArpOperation, decodeArp } from "../../src/wire/arp.ts";
import { Layer, type Packet } from "../../src/wire/packet.ts";
import {
  arp,
  concat,
  ETHER_TYPES,
  ethernet,
  LINK_TYPES,
  linuxSll,
  linuxSll2,
  SERVER_MAC,
} from "../support/frames.ts";
import { ieee80211, llc } from "../support/tunnels.ts";
import { decode, decodeWhole } from "./support.ts";

const REPLY = arp({
  operation: 2,
  senderMac: SERVER_MAC,
  senderAddress: "10.0.0.2",
  targetMac: "02:00:00:00:00:09",
  targetAddress: "10.0.0.9",
});

/** All fields of a packet that ended with `Layer.arp`. */
function fieldsOf({ bytes, at, addressLength }: Packet): (string | number)[] {
  return [
    u16(bytes, at + ArpField.operation),
    formatMac(bytes, at + ArpField.senderMac),
    formatAddress(bytes, at + ArpField.senderAddress, addressLength),
    formatMac(bytes, at + ArpField.targetMac),
    formatAddress(bytes, at + ArpField.targetAddress, addressLength),
  ];
}

const FIELDS = [ArpOperation.reply, SERVER_MAC, "10.0.0.2", "02:00:00:00:00:09", "10.0.0.9"];

Deno.test("decodeArp tells where the fields of requests and replies are", () => {
  const { packet, next, offset } = decode(decodeArp, REPLY);
  assertEquals([next, offset], [Layer.arp, 0]);
  assertEquals(fieldsOf(packet), FIELDS);
  const request = decode(decodeArp, arp());
  assertEquals(fieldsOf(request.packet)[0], ArpOperation.request);
});

Deno.test("decodeFrame finds ARP in Ethernet, padded or tagged, in cooked and in 802.11 frames", () => {
  const etherType = ETHER_TYPES.arp;
  const frames: [number, Uint8Array][] = [
    [LINK_TYPES.ethernet, ethernet(REPLY, { etherType, padTo: 60 })],
    [LINK_TYPES.ethernet, ethernet(REPLY, { etherType, vlans: [5, 6] })],
    [LINK_TYPES.linuxSll, linuxSll(REPLY, { etherType })],
    [LINK_TYPES.linuxSll2, linuxSll2(REPLY, { etherType })],
    [105, ieee80211(llc(REPLY, etherType))],
  ];
  for (const [linkType, bytes] of frames) {
    const { layer, packet } = decodeWhole(linkType, bytes);
    assertEquals(layer, Layer.arp, `link type ${linkType}`);
    assertEquals(fieldsOf(packet), FIELDS, `link type ${linkType}`);
  }
});

Deno.test("decodeArp leaves ARP for other link layers and protocols alone", () => {
  const others = { "hardware type": [1, 7], "protocol type": [3, 1], "lengths": [4, 8], "length": [5, 16] };
  for (const [what, [at, value]] of Object.entries(others)) {
    const packet = REPLY.slice();
    packet[at!] = value!;
    assertEquals(decode(decodeArp, packet).next, Layer.other, what);
  }
});

Deno.test("decodeArp calls every packet malformed that is cut short", () => {
  for (let cut = 0; cut < REPLY.length; cut++) {
    assertEquals(
      decode(decodeArp, REPLY.subarray(0, cut), REPLY.length).next,
      Layer.malformed,
      `cut at ${cut}`,
    );
  }
  assertEquals(decode(decodeArp, concat(REPLY, new Uint8Array(18))).next, Layer.arp);
});
