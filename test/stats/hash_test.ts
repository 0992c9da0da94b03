import { assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { type Bits64, hash, randomHashKey } from "../../src/stats/hash.ts";

const KEY: Bits64 = [0x01234567, 0x09abcdef];

Deno.test("hash is HalfSipHash-1-3 as another implementation of it computes", () => {
  assertEquals(hash("", KEY), [195544505, 2105983511]);
  assertEquals(hash("a", KEY), [606182216, 143179264]);
  assertEquals(hash("example.com", KEY), [-1341173798, -60234257]);
  assertEquals(hash("/café", KEY), [-1256756962, -1157643004]);
});

Deno.test("hash gives the same bits for the same text and key only", () => {
  assertEquals(hash("example.com", KEY), hash(["example", "com"].join("."), KEY));
  assertNotEquals(hash("example.com", KEY), hash("example.com", [KEY[0], KEY[1] + 1]));
  assertNotEquals(hash("example.com", KEY), hash("example.com", [KEY[0] + 1, KEY[1]]));
});

Deno.test("hash tells texts apart that differ in length, order or a trailing zero", () => {
  const texts = ["", "\0", "\0\0", "\0\0\0", "a", "a\0", "ab", "ba", "aba", "ab\0", "\u0100", "Ā\0"];
  const hashes = new Set(texts.map((text) => hash(text, KEY).join()));
  assertEquals(hashes.size, new Set(texts).size);
});

Deno.test("hash has no collision among 200 000 similar texts", () => {
  const seen = new Set<string>();
  for (let index = 0; index < 200_000; index++) seen.add(hash(`/items/${index}`, KEY).join());
  assertEquals(seen.size, 200_000);
});

Deno.test("hash changes about half its bits with one bit of text", () => {
  const changed = new Array<number>(64).fill(0);
  const trials = 4000;
  for (let index = 0; index < trials; index++) {
    const text = `/path/${index}/x`;
    const at = index % text.length;
    const other = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
    const [a, b] = [hash(text, KEY), hash(other, KEY)];
    for (let bit = 0; bit < 64; bit++) {
      const word = bit >> 5 as 0 | 1;
      changed[bit] = (changed[bit] ?? 0) + ((a[word] ^ b[word]) >>> (bit & 31) & 1);
    }
  }
  // Five standard deviations of a fair coin.
  for (const count of changed) assertLess(Math.abs(count - trials / 2), 5 * Math.sqrt(trials) / 2);
});

Deno.test("randomHashKey makes a new key each time", () => {
  assertNotEquals(randomHashKey(), randomHashKey());
});
