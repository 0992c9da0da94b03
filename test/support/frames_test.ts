import { assert, assertEquals } from "@std/assert";
import {
  addressBytes,
  authentication,
  checksum,
  concat,
  Conversation,
  deliver,
  destinationOptions,
  ETHER_TYPES,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  type Frame,
  hopByHop,
  ipv4,
  ipv6,
  LINK_TYPES,
  linuxSll,
  linuxSll2,
  nullLoopback,
  payloadBytes,
  PROTOCOLS,
  routing,
  tcp,
  udp,
} from "./frames.ts";

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sequence number, acknowledgement number, flags and payload of a TCP segment in IPv4 in Ethernet. */
function segmentOf(frame: Frame): { seq: number; ack: number; flags: number; payload: string } {
  const view = new DataView(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.byteLength);
  const start = 14 + 20;
  return {
    seq: view.getUint32(start + 4),
    ack: view.getUint32(start + 8),
    flags: view.getUint8(start + 13),
    payload: new TextDecoder().decode(frame.bytes.subarray(start + 4 * (view.getUint8(start + 12) >>> 4))),
  };
}

Deno.test("addressBytes reads IPv4, IPv6 and hardware addresses", () => {
  assertEquals(hex(addressBytes("10.0.0.255")), "0a0000ff");
  assertEquals(hex(addressBytes("2001:db8::1")), "20010db8000000000000000000000001");
  assertEquals(hex(addressBytes("::")), "0".repeat(32));
  assertEquals(hex(addressBytes("1:2:3:4:5:6:7:8")), "00010002000300040005000600070008");
  assertEquals(hex(addressBytes("02:00:00:00:00:01")), "020000000001");
});

Deno.test("checksum gives the value of the example in RFC 1071", () => {
  assertEquals(checksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)), 0x220d);
});

Deno.test("ipv4 makes a header that sums to nothing and tells its lengths", () => {
  const packet = ipv4(payloadBytes("abc"), { options: Uint8Array.of(1) });
  assertEquals(checksum(packet.subarray(0, 24)), 0);
  assertEquals(hex(packet.subarray(0, 4)), "4600001b");
  assertEquals(hex(ipv4(payloadBytes("abc"), { totalLength: 0 }).subarray(2, 4)), "0000");
});

Deno.test("tcp and udp make checksums that hold over the pseudo header", () => {
  const addresses = concat(addressBytes("10.0.0.1"), addressBytes("10.0.0.2"));
  const segment = tcp("abc", { options: Uint8Array.of(1, 1) });
  assertEquals(segment.length, 27);
  assertEquals(checksum(addresses, Uint8Array.of(0, PROTOCOLS.tcp, 0, segment.length), segment), 0);
  const datagram = udp("abcd");
  assertEquals(checksum(addresses, Uint8Array.of(0, PROTOCOLS.udp, 0, datagram.length), datagram), 0);
});

Deno.test("link layers put the type where their formats have it", () => {
  const packet = ipv4(new Uint8Array(0));
  assertEquals(hex(ethernet(packet).subarray(12, 15)), "080045");
  assertEquals(hex(ethernet(packet, { vlans: [5] }).subarray(12, 19)), "81000005080045");
  assertEquals(hex(ethernet(packet, { vlans: [5, 6] }).subarray(12, 23)), "88a8000581000006080045");
  assertEquals(ethernet(packet, { padTo: 60 }).length, 60);
  assertEquals(hex(linuxSll(packet).subarray(0, 17)), "00000001000602000000000100000800" + "45");
  assertEquals(hex(linuxSll2(packet).subarray(0, 21)), "0800000000000001000100060200000000010000" + "45");
  assertEquals(hex(nullLoopback(packet).subarray(0, 5)), "0200000045");
  assertEquals(hex(nullLoopback(ipv6(packet), { littleEndian: false }).subarray(0, 5)), "0000001e60");
});

Deno.test("ipv6 chains the extension headers given", () => {
  const extensions = [hopByHop(), destinationOptions(16), routing(), authentication()];
  const packet = ipv6(payloadBytes("x"), { extensions });
  assertEquals(packet.length, 40 + 8 + 16 + 24 + 24 + 1);
  assertEquals([packet[6], packet[40], packet[48], packet[64], packet[88]], [0, 60, 43, 51, 6]);
});

Deno.test("fragmentIpv4 and fragmentIpv6 cut a packet into pieces that make it up again", () => {
  const payload = payloadBytes("The quick brown fox jumps over the lazy dog");
  const four = fragmentIpv4(ipv4(payload), 16, 7);
  assertEquals(four.map((piece) => hex(piece.subarray(4, 8))), ["00072000", "00072002", "00070004"]);
  assertEquals(concat(...four.map((piece) => piece.subarray(20))), concat(payload));
  const six = fragmentIpv6(ipv6(payload), 16, 7);
  assertEquals(six.map((piece) => hex(piece.subarray(40, 44))), ["06000001", "06000011", "06000020"]);
  assertEquals(concat(...six.map((piece) => piece.subarray(48))), concat(payload));
});

Deno.test("Conversation numbers segments right across the wrap of sequence numbers", () => {
  const c = new Conversation({ client: { isn: 0xffff_fffd }, server: { isn: 100 }, segmentSize: 2 });
  c.handshake();
  c.client("abcde");
  c.server("xyz");
  c.lose("server", 10);
  c.close("server");
  assertEquals(c.frames.map(segmentOf), [
    { seq: 0xffff_fffd, ack: 0, flags: 0x02, payload: "" },
    { seq: 100, ack: 0xffff_fffe, flags: 0x12, payload: "" },
    { seq: 0xffff_fffe, ack: 101, flags: 0x10, payload: "" },
    { seq: 0xffff_fffe, ack: 101, flags: 0x10, payload: "ab" },
    { seq: 0, ack: 101, flags: 0x10, payload: "cd" },
    { seq: 2, ack: 101, flags: 0x18, payload: "e" },
    { seq: 101, ack: 3, flags: 0x10, payload: "" },
    { seq: 101, ack: 3, flags: 0x10, payload: "xy" },
    { seq: 103, ack: 3, flags: 0x18, payload: "z" },
    { seq: 3, ack: 104, flags: 0x10, payload: "" },
    { seq: 114, ack: 3, flags: 0x11, payload: "" },
    { seq: 3, ack: 115, flags: 0x11, payload: "" },
    { seq: 115, ack: 4, flags: 0x10, payload: "" },
  ]);
});

Deno.test("Conversation lets time advance and cuts frames to the snaplen", () => {
  const c = new Conversation({ time: 10, step: 5, snaplen: 60, linkType: LINK_TYPES.raw, ipv6: true });
  c.handshake();
  c.wait(100);
  c.client("abc");
  c.reset();
  assertEquals(c.frames.map(({ time }) => time), [10, 15, 20, 125, 130, 135]);
  assertEquals(c.frames.map(({ wireLength }) => wireLength), [64, 64, 60, 63, 60, 60]);
  assert(c.frames.every(({ bytes, linkType }) => bytes.length === 60 && linkType === LINK_TYPES.raw));
});

Deno.test("deliver gives every frame to the handler whole", () => {
  const c = new Conversation({ linkType: LINK_TYPES.linuxSll });
  c.handshake();
  const seen: Frame[] = [];
  deliver(c.frames, ({ bytes, start, end, wireLength, time, linkType }) => {
    seen.push({ bytes: bytes.slice(start, end), wireLength, time, linkType });
  });
  assertEquals(seen, c.frames.map((frame) => ({ ...frame, bytes: frame.bytes.slice() })));
  assertEquals(hex(seen[0]!.bytes.subarray(14, 16)), ETHER_TYPES.ipv4.toString(16).padStart(4, "0"));
});
