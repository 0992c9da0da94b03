import { assertEquals } from "@std/assert";
import { formatAddress, formatMac, text } from "../../src/bytes.ts";
import { decodeFrame } from "../../src/wire/decode.ts";
import { FragmentTable } from "../../src/wire/fragments.ts";
import { Layer, Packet } from "../../src/wire/packet.ts";
import {
  CLIENT_MAC,
  concat,
  destinationOptions,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  icmpError,
  ipv4,
  ipv6,
  tcp,
  udp,
} from "../support/frames.ts";
import { erspan, gre, gtp, underlay, vxlan } from "../support/tunnels.ts";

const SECOND = 1_000_000;
const PAYLOAD = "GET /a/rather/long/path/to/be/cut HTTP/1.1\r\nHost: a.test\r\n\r\n";
const FOUR = fragmentIpv4(ipv4(tcp(PAYLOAD, { seq: 7 })), 24).map((packet) => ethernet(packet));
const SIX = fragmentIpv6(ipv6(tcp(PAYLOAD, { seq: 7 })), 24).map((packet) => ethernet(packet));

/** Decodes frames one after the other, with one table for the fragments of all. */
class Decoder {
  readonly packet = new Packet();
  time = 0;

  /** How each frame ended, a segment as its payload. */
  decode(frames: readonly Uint8Array[], snaplen = 65536): (Layer | string)[] {
    return frames.map((frame) => {
      const { packet } = this;
      // Somewhere in other bytes, as in a batch.
      const around = new Uint8Array(frame.length + 20);
      around.set(frame, 10);
      const captured = Math.min(snaplen, frame.length);
      packet.reset(around, 10, 10 + captured, frame.length, this.time);
      const layer = decodeFrame(packet, 1);
      return layer === Layer.segment ? text(packet.bytes, packet.at, packet.end) : layer;
    });
  }

  /** Datagrams lost. */
  get losses(): [incomplete: number, overlapping: number] {
    const { incomplete, overlapping } = this.packet.fragments.losses;
    return [incomplete, overlapping];
  }
}

const { other, malformed } = Layer;

/** All orders of some things. */
function orders<T>(things: readonly T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((thing, i) =>
    orders([...things.slice(0, i), ...things.slice(i + 1)]).map((rest) => [thing, ...rest])
  );
}

for (const [version, frames] of [["IPv4", FOUR], ["IPv6", SIX]] as const) {
  Deno.test(`the fragments of an ${version} packet give its segment in whatever order they come`, () => {
    for (const order of orders(frames)) {
      const decoder = new Decoder();
      const ends = decoder.decode(order);
      assertEquals(ends, [...Array(frames.length - 1).fill(other), PAYLOAD]);
      const { packet } = decoder;
      assertEquals([packet.sequence, packet.payloadLength], [7, PAYLOAD.length]);
      assertEquals(formatMac(packet.bytes, packet.sourceMac), CLIENT_MAC);
      const source = formatAddress(packet.bytes, packet.source, packet.addressLength);
      assertEquals(source, version === "IPv4" ? "10.0.0.1" : "2001:db8::1");
      decoder.packet.fragments.flush(0);
      assertEquals(decoder.losses, [0, 0]);
      assertEquals(decoder.packet.fragments.size, { datagrams: 0, bytes: 0 });
    }
  });

  Deno.test(`${version} fragments that are all seen twice give one segment`, () => {
    const decoder = new Decoder();
    const ends = decoder.decode(frames.flatMap((frame) => [frame, frame]));
    assertEquals(ends.filter((end) => end !== other), [PAYLOAD]);
    assertEquals(decoder.decode(frames).filter((end) => end !== other), []);
    decoder.packet.fragments.flush(0);
    assertEquals(decoder.losses, [0, 0]);
  });

  Deno.test(`${version} fragments of two packets with different numbers do not mix`, () => {
    const cut = version === "IPv4" ? fragmentIpv4 : fragmentIpv6;
    const whole = version === "IPv4" ? ipv4(tcp("x".repeat(60))) : ipv6(tcp("x".repeat(60)));
    const others = cut(whole, 24, 2).map((packet) => ethernet(packet));
    const decoder = new Decoder();
    const ends = decoder.decode(frames.flatMap((frame, i) => others[i] ? [frame, others[i]!] : [frame]));
    assertEquals(new Set(ends), new Set([other, PAYLOAD, "x".repeat(60)]));
  });

  Deno.test(`${version} fragments cut by the snaplen give what was captured and the length on the wire`, () => {
    const decoder = new Decoder();
    const headers = version === "IPv4" ? 14 + 20 : 14 + 40 + 8;
    const ends = decoder.decode(frames, headers + 22);
    // 22 bytes of the first fragment: the TCP header and two bytes.
    assertEquals(ends.at(-1), PAYLOAD.slice(0, 2));
    assertEquals(decoder.packet.payloadLength, PAYLOAD.length);
  });
}

Deno.test("fragments that overlap drop the packet and count once, and so do its later fragments", () => {
  const packet = ipv4(tcp(PAYLOAD));
  const piece = (start: number, end: number, more = true) =>
    ethernet(
      ipv4(packet.subarray(20 + start, 20 + end), { id: 9, fragmentOffset: start, moreFragments: more }),
    );
  const end = packet.length - 20;
  const overlaps: Record<string, Uint8Array[]> = {
    "into the one before": [piece(0, 32), piece(24, 56), piece(56, end, false)],
    "into the one after": [piece(24, 56), piece(0, 32), piece(56, end, false)],
    "covering another": [piece(24, 32), piece(0, 56), piece(56, end, false)],
    "behind the end": [piece(24, 32, false), piece(32, 40), piece(0, 24)],
    "with another end": [piece(0, 24), piece(56, end, false), piece(24, 48, false)],
    "the same bytes, others in them": [piece(0, 24), piece(0, 24).fill(0x55, 50), piece(24, end, false)],
  };
  for (const [name, frames] of Object.entries(overlaps)) {
    const decoder = new Decoder();
    assertEquals(decoder.decode(frames), [other, other, other], name);
    assertEquals(decoder.decode(frames), [other, other, other], name);
    decoder.packet.fragments.flush(0);
    assertEquals(decoder.losses, [0, 1], name);
  }
});

Deno.test("a number that is used again a moment later is another packet", () => {
  const decoder = new Decoder();
  decoder.decode(FOUR);
  decoder.time = 2 * SECOND;
  assertEquals(decoder.decode(FOUR).at(-1), PAYLOAD);
});

Deno.test("a first fragment whose rest does not come is lost once its time is up", () => {
  const decoder = new Decoder();
  decoder.decode(FOUR.slice(0, 2));
  decoder.packet.fragments.advance(30 * SECOND);
  assertEquals(decoder.losses, [0, 0]);
  decoder.packet.fragments.advance(30 * SECOND + 1);
  assertEquals(decoder.losses, [1, 0]);
  assertEquals(decoder.packet.fragments.size, { datagrams: 0, bytes: 0 });
});

Deno.test("later fragments without the first are no loss, as a filter may have kept the first back", () => {
  const decoder = new Decoder();
  decoder.decode(FOUR.slice(1));
  decoder.packet.fragments.flush(0);
  assertEquals(decoder.losses, [0, 0]);
});

Deno.test("fragments of what is of no interest are neither held nor a loss", () => {
  const decoder = new Decoder();
  const ntp = ipv4(udp("x".repeat(100), { destinationPort: 123 }), { protocol: 17 });
  const frames = [
    ...fragmentIpv4(ntp, 48),
    ...fragmentIpv4(ipv4(icmpError(3, 1, ipv4(tcp(PAYLOAD))), { protocol: 1 }), 48),
    ...fragmentIpv6(ipv6(icmpError(1, 1, ipv6(tcp(PAYLOAD))), { protocol: 58 }), 48),
  ].map((packet) => ethernet(packet));
  assertEquals(new Set(decoder.decode(frames)), new Set([other]));
  assertEquals(decoder.packet.fragments.size.bytes, 0);
  decoder.packet.fragments.flush(0);
  assertEquals(decoder.losses, [0, 0]);
});

Deno.test("fragments of name resolution are put together, in both versions of IP", () => {
  const message = udp("x".repeat(100), { sourcePort: 53, destinationPort: 40000 });
  for (
    const fragments of [
      fragmentIpv4(ipv4(message, { protocol: 17 }), 48),
      fragmentIpv6(ipv6(message, { protocol: 17 }), 48),
    ]
  ) {
    const decoder = new Decoder();
    const { packet } = decoder;
    assertEquals(decoder.decode(fragments.map((one) => ethernet(one))), [other, other, Layer.datagram]);
    assertEquals([text(packet.bytes, packet.at, packet.end), packet.sourcePort], ["x".repeat(100), 53]);
  }
});

Deno.test("fragments of a tunnel are put together, and fragments in it, and both", () => {
  const inner = ethernet(ipv4(tcp(PAYLOAD)));
  const inUdp = (payload: Uint8Array, port: number, id: number) =>
    fragmentIpv4(ipv4(udp(payload, { destinationPort: port }), { protocol: 17 }), 40, id);
  const cases: Record<string, Uint8Array[]> = {
    "VXLAN in fragments": inUdp(vxlan(inner), 4789, 3).map((packet) => ethernet(packet)),
    "fragments in GRE": FOUR.map((frame) => underlay(gre(frame.subarray(14)), 47)),
    "fragments in ERSPAN": FOUR.map((frame) => underlay(erspan(frame, 2), 47)),
    "fragments in GTP-U in fragments": FOUR.flatMap((frame, i) =>
      inUdp(gtp(frame.subarray(14)), 2152, 100 + i).map((packet) => ethernet(packet))
    ),
    "TCP behind options in fragments of IPv6": fragmentIpv6(
      ipv6(concat(Uint8Array.of(6), destinationOptions().bytes.subarray(1), tcp(PAYLOAD)), { protocol: 60 }),
      24,
    ).map((packet) => ethernet(packet)),
  };
  for (const [name, frames] of Object.entries(cases)) {
    const decoder = new Decoder();
    const ends = decoder.decode(frames);
    assertEquals(ends.filter((end) => end !== other), [PAYLOAD], name);
    decoder.packet.fragments.flush(0);
    assertEquals(decoder.losses, [0, 0], name);
  }
});

Deno.test("fragments in different VLANs do not mix", () => {
  const decoder = new Decoder();
  const frames = fragmentIpv4(ipv4(tcp(PAYLOAD)), 40).map((packet, i) =>
    ethernet(packet, { vlans: [5 + i] })
  );
  assertEquals(new Set(decoder.decode(frames)), new Set([other]));
});

Deno.test("impossible fragments are malformed", () => {
  const fragment = (length: number, options: Parameters<typeof ipv4>[1]) =>
    new Decoder().decode([ethernet(ipv4(new Uint8Array(length), options))])[0];
  assertEquals(fragment(0, { moreFragments: true }), malformed);
  assertEquals(fragment(13, { moreFragments: true }), malformed, "not a multiple of 8");
  assertEquals(fragment(64, { fragmentOffset: 65528 }), malformed, "behind the longest packet");
  assertEquals(fragment(16, { moreFragments: true }), other);
});

/** A packet whose payload `table` may take. */
function fragmentOf(number: number, length: number): Packet {
  const packet = new Packet();
  const bytes = new Uint8Array(20 + length);
  packet.reset(bytes, 0, bytes.length, bytes.length, number);
  packet.addressLength = 4;
  packet.source = 12;
  packet.destination = 16;
  packet.at = 20;
  return packet;
}

Deno.test("FragmentTable gives up the oldest packets at its limit of packets and of bytes", () => {
  const table = new FragmentTable({ datagrams: 3, bytes: 5000 });
  for (let i = 0; i < 10; i++) table.add(fragmentOf(i, 8), 6, i, 0, true);
  assertEquals([table.size.datagrams, table.losses.incomplete], [3, 7]);
  for (let i = 10; i < 20; i++) table.add(fragmentOf(i, 1600), 6, i, 0, true);
  assertEquals([table.size.datagrams, table.losses.incomplete], [2, 18]);
  // What waits longest has gone: its rest comes too late.
  assertEquals(table.add(fragmentOf(20, 8), 6, 19, 1600, false), 6);
});

Deno.test("FragmentTable does not remember without limit what is over", () => {
  const table = new FragmentTable({ datagrams: 3, bytes: 5000 });
  for (let i = 0; i < 10; i++) {
    const datagram = fragmentOf(i, 16);
    table.add(datagram, 17, i, 0, true);
    table.add(fragmentOf(i, 16), 17, i, 0, true);
  }
  assertEquals(table.size.datagrams <= 3, true);
});

Deno.test("FragmentTable gives up a packet in too many pieces", () => {
  const table = new FragmentTable();
  for (let i = 0; i < 600; i++) table.add(fragmentOf(0, 8), 6, 1, 8 * i, true);
  assertEquals([table.losses.incomplete, table.size.bytes], [1, 0]);
});
