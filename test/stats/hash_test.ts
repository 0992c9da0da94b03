import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { type Bits64, hash, randomHashKey, WordHash } from "../../src/stats/hash.ts";

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

const utf8 = new TextEncoder();

/** A text's bytes in whole words, with `filler` behind them, and how many they are. */
function wordsOf(text: string, filler = 0): [words: Int32Array, length: number] {
  const bytes = utf8.encode(text);
  const padded = new Uint8Array((bytes.length + 3 & ~3) + 4).fill(filler);
  padded.set(bytes);
  return [new Int32Array(padded.buffer), bytes.length];
}

Deno.test("WordHash looks at a key's bytes only, and at each of them", () => {
  const hasher = new WordHash(KEY, "a");
  for (let length = 0; length < 600; length++) {
    const text = "x".repeat(length);
    assertEquals(hasher.of(7, ...wordsOf(text)), hasher.of(7, ...wordsOf(text, 255)));
    for (let at = Math.max(0, length - 9); at < length; at++) {
      const other = text.slice(0, at) + "y" + text.slice(at + 1);
      assertNotEquals(hasher.of(7, ...wordsOf(text)), hasher.of(7, ...wordsOf(other)));
    }
  }
});

Deno.test("WordHash tells keys apart that differ in length, name, key or start", () => {
  const hasher = new WordHash(KEY, "a");
  const hashes = ["", "\0", "\0\0", "\0\0\0\0", "a", "a\0", "a\0\0\0\0"].map((text) =>
    hasher.of(7, ...wordsOf(text))
  );
  const other = [
    hasher.of(8, ...wordsOf("a")),
    new WordHash(KEY, "b").of(7, ...wordsOf("a")),
    new WordHash([KEY[0] ^ 1, KEY[1]], "a").of(7, ...wordsOf("a")),
  ];
  assertEquals(new Set([...hashes, ...other]).size, hashes.length + other.length);
});

Deno.test("WordHash gives two keys the same highest 17 bits under one key in 2 ** 17", () => {
  // Keys that a hash with known factors would find hard: they differ in one bit, or in sums that stay the same.
  const pairs = [["aaaa", "aaab"], ["aaaa", "aaaaaaaa"], ["abcdefgh", "badcfehg"], [
    "/1/22222",
    "/2/11111",
  ]] as const;
  for (const [one, other] of pairs) {
    let same = 0;
    for (let trial = 0; trial < 20_000; trial++) {
      const hasher = new WordHash([trial, ~trial], "a");
      if (hasher.of(0, ...wordsOf(one)) >>> 15 === hasher.of(0, ...wordsOf(other)) >>> 15) same++;
    }
    assert(same <= 4, `${one} and ${other}: ${same} of 20,000`);
  }
});

Deno.test("WordHash spreads similar keys over buckets, few in the fullest", () => {
  for (let seed = 0; seed < 10; seed++) {
    const hasher = new WordHash([seed, 99], "a");
    for (const prefix of ["/", "/items/", "/a/rather/long/path/that/all/have/in/common/"]) {
      const buckets = new Uint16Array(2 ** 17);
      for (let index = 0; index < 100_000; index++) {
        buckets[hasher.of(seed, ...wordsOf(`${prefix}${index}`)) >>> 15]!++;
      }
      // Of a random function it would be 8 or 9.
      assertLess(buckets.reduce((most, count) => Math.max(most, count)), 40);
      const steps = buckets.reduce((sum, count) => sum + count * (count - 1) / 2, 0);
      assertLess(steps / 100_000, 2);
    }
  }
});
