import { assert, assertEquals, assertGreater, assertLess, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import {
  ByteCache,
  equalsBytes,
  findLineFeed,
  finishHash,
  formatAddress,
  formatMac,
  hashBytes,
  hashWord,
  i32,
  text,
  u16,
  viewOf,
} from "../src/bytes.ts";
import { addressBytes, concat, payloadBytes } from "./support/frames.ts";

Deno.test("u16 and i32 read big-endian numbers, i32 with its sign", () => {
  const bytes = Uint8Array.of(0x12, 0x34, 0xff, 0xff, 0xff, 0xfe, 0x7f, 0xff, 0xff, 0xff);
  assertEquals(u16(bytes, 0), 0x1234);
  assertEquals(u16(bytes, 2), 0xffff);
  assertEquals(i32(bytes, 2), -2);
  assertEquals(i32(bytes, 6), 0x7fffffff);
});

Deno.test("text replaces what is not UTF-8 and reads only its range", () => {
  assertEquals(text(payloadBytes("a·b"), 1, 3), "·");
  assertEquals(text(Uint8Array.of(0x61, 0xff, 0x62), 0, 3), "a\ufffdb");
  assertEquals(text(new Uint8Array(0), 0, 0), "");
});

Deno.test("viewOf sees the memory of the bytes with their offsets, and is the same for the same bytes", () => {
  const memory = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);
  const bytes = memory.subarray(3, 7);
  const view = viewOf(bytes);
  assertEquals([view.byteLength, view.getUint16(0), view.getUint16(2)], [4, 0x0304, 0x0506]);
  assertStrictEquals(viewOf(bytes), view);
  assertEquals(viewOf(memory).getUint16(0), 1);
  assertEquals(viewOf(memory.subarray(1)).getUint8(0), 1);
  assertEquals(viewOf(bytes).getUint8(0), 3);
});

Deno.test("findLineFeed finds the first line feed of the range alone, whatever is around it", () => {
  // What the arithmetic on whole words could take for a line feed, beside what looks like one in each bit but one.
  const byte = fc.constantFrom(10, 10, 11, 9, 8, 0, 1, 0x0a ^ 0x80, 0x8b, 0xff, 0x7f, 0x80, 0x41);
  fc.assert(
    fc.property(
      fc.array(byte, { maxLength: 40 }),
      fc.nat(40),
      fc.nat(40),
      fc.nat(7),
      (list, a, b, offset) => {
        const memory = concat(
          new Uint8Array(offset).fill(10),
          Uint8Array.from(list),
          new Uint8Array(9).fill(10),
        );
        const bytes = memory.subarray(offset);
        const [start, end] = [Math.min(a, b, list.length), Math.min(Math.max(a, b), list.length)];
        const expected = list.slice(start, end).indexOf(10);
        assertEquals(findLineFeed(bytes, viewOf(bytes), start, end), expected < 0 ? end : start + expected);
      },
    ),
    { numRuns: 5000, seed: 1 },
  );
  for (let length = 0; length < 40; length++) {
    for (let at = 0; at < length; at++) {
      const bytes = new Uint8Array(length).fill(11);
      bytes.fill(10, at);
      assertEquals(findLineFeed(bytes, viewOf(bytes), 0, length), at);
    }
  }
});

Deno.test("hashBytes is the same wherever the bytes lie, also when they are many", () => {
  for (const length of [0, 1, 2, 3, 4, 5, 255, 256, 257, 5000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
    for (const offset of [1, 2, 3, 4]) {
      const memory = concat(new Uint8Array(offset).fill(0xff), bytes, new Uint8Array(5).fill(0xff));
      assertEquals(
        hashBytes(memory, offset, offset + length),
        hashBytes(bytes, 0, length),
        `${length} bytes`,
      );
    }
  }
});

Deno.test("hashBytes depends on the bytes of the range and its length alone", () => {
  const bytes = payloadBytes("xabcx");
  assertEquals(hashBytes(bytes, 1, 4), hashBytes(payloadBytes("abc"), 0, 3));
  assert(hashBytes(new Uint8Array(1), 0, 1) !== hashBytes(new Uint8Array(2), 0, 2));
  const hashes = new Set<number>();
  for (let i = 0; i < 10_000; i++) {
    const name = payloadBytes(`/path/${i}`);
    hashes.add(hashBytes(name, 0, name.length));
  }
  assertGreater(hashes.size, 9_990);
});

Deno.test("finishHash spreads neighbouring words over the low bits", () => {
  const buckets = new Int32Array(1024);
  for (let i = 0; i < 102_400; i++) buckets[finishHash(hashWord(0, i)) & 1023]!++;
  for (const count of buckets) {
    assertGreater(count, 20);
    assertLess(count, 250);
  }
});

Deno.test("equalsBytes compares length and bytes", () => {
  const bytes = payloadBytes("xabcx");
  assert(equalsBytes(bytes, 1, 4, payloadBytes("abc")));
  assert(!equalsBytes(bytes, 1, 4, payloadBytes("abd")));
  assert(!equalsBytes(bytes, 1, 4, payloadBytes("ab")));
  assert(equalsBytes(bytes, 2, 2, new Uint8Array(0)));
});

Deno.test("ByteCache gives the value of the bytes, the same object for bytes seen shortly before", () => {
  const cache = new ByteCache((bytes, start, end) => ({ name: text(bytes, start, end) }), 8);
  const first = cache.get(payloadBytes("a.test"), 0, 6);
  assertEquals(first, { name: "a.test" });
  assertStrictEquals(cache.get(payloadBytes("xa.test"), 1, 7), first);
});

Deno.test("ByteCache never gives the value of other bytes, however many compete for its slots", () => {
  const cache = new ByteCache((bytes, start, end) => text(bytes, start, end), 4);
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 50 }), (names) => {
      for (const name of names) {
        const bytes = payloadBytes(name);
        assertEquals(cache.get(bytes, 0, bytes.length), text(bytes, 0, bytes.length));
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});

Deno.test("ByteCache tells bytes apart that differ in zeros at their end alone, or in their last byte", () => {
  const cache = new ByteCache((bytes, start, end) => bytes.slice(start, end).join(), 8, 5000);
  const ranges = ["", "a", "abc", "abcd", "x".repeat(300), "y".repeat(4999)].flatMap((name) =>
    ["", "\0", "\0\0", "\0\0\0", "\0\0\0\0", "\0\0\0\0\0", "b"].map((tail) => payloadBytes(name + tail))
  );
  for (const range of [...ranges, ...ranges.toReversed(), ...ranges]) {
    const memory = concat(Uint8Array.of(0xff), range, Uint8Array.of(0xff));
    assertEquals(cache.get(memory, 1, memory.length - 1), range.join());
  }
});

Deno.test("ByteCache remembers long ranges as well, up to its limit", () => {
  let made = 0;
  const cache = new ByteCache(() => ++made, 8, 2000);
  const long = new Uint8Array(2000).fill(0x61), other = long.slice();
  other[1999] = 0x62;
  assertEquals([cache.get(long, 0, 2000), cache.get(other, 0, 2000)], [1, 2]);
  assertEquals([cache.get(long, 0, 2000), cache.get(other, 0, 2000)], [1, 2]);
});

Deno.test("ByteCache may be asked while it makes a value", () => {
  const inner = new ByteCache(text, 4);
  const outer = new ByteCache((bytes, start, end) => inner.get(bytes, start + 1, end) + "!", 4);
  const bytes = payloadBytes("abcdef");
  for (let i = 0; i < 2; i++) {
    assertEquals(outer.get(bytes, 0, 6), "bcdef!");
    assertEquals(inner.get(bytes, 0, 6), "abcdef");
  }
});

Deno.test("ByteCache keeps its own copy of the bytes and does not remember long ones", () => {
  let made = 0;
  const cache = new ByteCache((bytes, start, end) => (made++, text(bytes, start, end)), 4, 5);
  const bytes = payloadBytes("hello!");
  assertEquals(cache.get(bytes, 0, 5), "hello");
  bytes[0] = 0x6a;
  assertEquals(cache.get(bytes, 0, 5), "jello");
  assertEquals(made, 2);
  cache.get(bytes, 0, 6);
  cache.get(bytes, 0, 6);
  assertEquals(made, 4);
});

Deno.test("formatAddress writes IPv4 with dots and IPv6 as RFC 5952 has it", () => {
  const cases: Record<string, string> = {
    "10.0.0.255": "10.0.0.255",
    "2001:db8::1": "2001:db8::1",
    "::": "::",
    "::1": "::1",
    "fe80::": "fe80::",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "0:1:0:0:0:0:0:0": "0:1::",
    "ABCD:0:1:2:3:4:5:6": "abcd:0:1:2:3:4:5:6",
    "0:0:0:0:0:ffff:102:304": "::ffff:1.2.3.4",
  };
  for (const [address, expected] of Object.entries(cases)) {
    const bytes = concat(Uint8Array.of(9), addressBytes(address), Uint8Array.of(9));
    assertEquals(formatAddress(bytes, 1, bytes.length - 2), expected);
  }
});

Deno.test("formatAddress of IPv6 reads back as the same bytes", () => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const bytes = Uint8Array.from(groups.flatMap((value) => [value >> 8, value & 0xff]));
      const written = formatAddress(bytes, 0, 16);
      if (!written.includes(".")) assertEquals(addressBytes(written), bytes);
    }),
    { numRuns: 500, seed: 1 },
  );
});

Deno.test("formatMac writes six bytes in lower case", () => {
  assertEquals(formatMac(Uint8Array.of(1, 0x02, 0xab, 0, 0xff, 9, 8), 1), "02:ab:00:ff:09:08");
});
