import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import type { Bits64 } from "../../src/stats/hash.ts";
import { HostName, TopTable, type TopTableOptions } from "../../src/stats/top.ts";
import { seededRandom } from "./exchanges.ts";

const KEY: Bits64 = [1, 2];
const utf8 = new TextEncoder();
const names = new Map<string, HostName>();

function nameOf(name: string, hashKey: Bits64): HostName {
  const id = `${hashKey} ${name}`;
  let known = names.get(id);
  if (known === undefined) {
    if (names.size > 10_000) names.clear();
    names.set(id, known = new HostName(name, hashKey));
  }
  return known;
}

/** Bytes behind a key that are none of it. */
const padding = 0xaa;

function wordsOf(key: string): [words: Int32Array, length: number] {
  const bytes = utf8.encode(key);
  const padded = new Uint8Array(bytes.length + 3 & ~3).fill(padding);
  padded.set(bytes);
  return [new Int32Array(padded.buffer), bytes.length];
}

/** A table that is given text. */
class TextTable extends TopTable {
  readonly #hashKey: Bits64;

  constructor(options: TopTableOptions) {
    const hashKey = options.hashKey ?? KEY;
    super({ ...options, hashKey });
    this.#hashKey = hashKey;
  }

  hashOf(key: string, host: string): number {
    return this.hash(nameOf(host, this.#hashKey), ...wordsOf(key));
  }

  slot(key: string, host = ""): number {
    return this.find(this.hashOf(key, host), nameOf(host, this.#hashKey), ...wordsOf(key));
  }

  add(key: string, host = ""): number {
    let slot = this.slot(key, host);
    if (slot < 0) slot = this.insert(this.hashOf(key, host), nameOf(host, this.#hashKey), ...wordsOf(key));
    this.hit(slot);
    return slot;
  }

  ranked(n: number, host?: string): [string, string, number][] {
    const name = host === undefined ? undefined : nameOf(host, this.#hashKey);
    return this.top(n, name).map((slot) => [this.name(slot), this.key(slot), this.count(slot)]);
  }
}

function newTable(cap: number): TextTable {
  return new TextTable({ cap });
}

Deno.test("TopTable counts hits and ranks them, ties by host and key", () => {
  const table = newTable(100);
  const hits = [["b", "/x"], ["a", "/y"], ["a", "/x"], ["c", "/z"], ["c", "/z"], ["b", "/w"]] as const;
  for (const [host, key] of hits) table.add(key, host);
  const ranked = [["c", "/z", 2], ["a", "/x", 1], ["a", "/y", 1], ["b", "/w", 1], ["b", "/x", 1]];
  for (let n = 0; n <= 6; n++) assertEquals<unknown>(table.ranked(n), ranked.slice(0, n));
  assertEquals([table.size, table.distinct, table.errorBound, table.approximate], [5, 5, 0, false]);
});

Deno.test("TopTable ranks within one host", () => {
  const table = newTable(100);
  for (const key of ["/a", "/b", "/b"]) table.add(key, "one");
  for (const key of ["/c", "/c", "/c"]) table.add(key, "two");
  assertEquals(table.ranked(10, "one"), [["one", "/b", 2], ["one", "/a", 1]]);
  assertEquals(table.ranked(10, "two"), [["two", "/c", 3]]);
  assertEquals(table.ranked(10, "three"), []);
});

Deno.test("TopTable keeps apart pairs that would be equal when joined, and names of built-in properties", () => {
  const table = newTable(100);
  const pairs = [["a", "bc"], ["ab", "c"], ["__proto__", "constructor"], ["constructor", "__proto__"], [
    "",
    "abc",
  ], ["abc", ""]];
  for (const [host = "", key = ""] of pairs) table.add(key, host);
  assertEquals(table.size, 6);
  for (const [host = "", key = ""] of pairs) assertEquals(table.count(table.slot(key, host)), 1);
});

Deno.test("TopTable keeps apart keys of all lengths that differ in their last byte or a zero behind it", () => {
  const table = newTable(10_000);
  const lengths = [
    0,
    1,
    2,
    3,
    4,
    5,
    63,
    64,
    65,
    66,
    67,
    68,
    127,
    128,
    129,
    191,
    192,
    193,
    1000,
    5000,
    65_535,
  ];
  const keys = lengths.flatMap((length) => {
    const start = "/".repeat(length);
    return [start + "a", start + "b", start + "a\0", start + "\0\0"];
  });
  for (const round of [1, 2]) {
    for (const key of keys) table.add(key);
    assertEquals(table.size, keys.length);
    for (const key of keys) {
      assertEquals([table.count(table.slot(key)), table.key(table.slot(key))], [round, key]);
    }
  }
});

Deno.test("TopTable compares whole keys, whatever their hash", () => {
  const long = "x".repeat(500);
  const keys = ["", "/a", "/b", "/ab", "/abcdefgh", "/abcdefgx", `${long}a`, `${long}b`, `x${long}`];
  const hosts = ["h", "i", "hi", "www.example.com", "www.example.net", long, `${long}i`];
  const table = newTable(100);
  const find = (host: string, key: string) => table.find(7, nameOf(host, KEY), ...wordsOf(key));
  for (const host of hosts) {
    for (const key of keys) {
      assertEquals(find(host, key), -1, `${host}${key}`);
      table.hit(table.insert(7, nameOf(host, KEY), ...wordsOf(key)));
    }
  }
  const slots = hosts.flatMap((host) => keys.map((key) => find(host, key)));
  assertEquals(new Set(slots).size, hosts.length * keys.length);
  for (const host of hosts) {
    assertEquals(new Set(table.ranked(99, host).map(([, key]) => key)), new Set(keys));
  }
});

Deno.test("TopTable tells bytes that are not UTF-8 apart, and shows them", () => {
  const table = newTable(10);
  for (const byte of [0xfe, 0xff]) {
    const words = new Int32Array(new Uint8Array([0x2f, byte, 0, 0]).buffer);
    const name = nameOf("h", KEY);
    table.hit(table.insert(table.hash(name, words, 2), name, words, 2));
  }
  assertEquals(table.ranked(9), [["h", "/\ufffd", 1], ["h", "/\ufffd", 1]]);
});

Deno.test("TopTable.top agrees with sorting everything", () => {
  const long = "x".repeat(70);
  const keys = [
    "",
    "1",
    "10",
    "\0",
    "é",
    "~",
    long,
    `${long}1`,
    `${long}2`,
    `${long}${long}1`,
    `${long}${long}2`,
  ];
  const hits = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom(...keys)));
  fc.assert(fc.property(hits, fc.integer({ min: 1, max: 20 }), (hits, n) => {
    const table = newTable(100);
    const exact = new Map<string, number>();
    for (const [host, key] of hits) {
      table.add(key, host);
      exact.set(host + key, (exact.get(host + key) ?? 0) + 1);
    }
    const sorted = [...exact].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, n);
    assertEquals(table.ranked(n).map(([host, key, count]) => [host + key, count]), sorted);
  }));
});

Deno.test("TopTable stays exact with as many keys as its cap", () => {
  for (const cap of [50, 256, 1000]) {
    const table = newTable(cap);
    for (let hit = 0; hit < 10 * cap; hit++) table.add(`${hit % cap}`);
    assertEquals([table.size, table.approximate, table.errorBound], [cap, false, 0]);
    assert(table.ranked(cap).every(([, , count]) => count === 10));
  }
});

Deno.test("TopTable gives a new key the place of one with the least hits, and what that had as missed", () => {
  const table = newTable(4);
  for (const key of ["a", "a", "a", "b", "b", "c", "c", "d", "d", "d"]) table.add(key);
  const taken = table.slot("b");
  assertEquals(table.add("e"), taken);
  assertEquals(table.ranked(9), [["", "a", 3], ["", "d", 3], ["", "c", 2], ["", "e", 1]]);
  assertEquals([table.size, table.approximate, table.errorBound, table.missed(taken)], [4, true, 2, 2]);
  assertEquals(table.slot("b"), -1);
  // The next that had 2, then the least is what the newcomers can have had.
  for (const key of ["f", "g"]) table.add(key);
  assertEquals([table.slot("c"), table.errorBound], [-1, 3]);
});

Deno.test("TopTable keeps a slot of another table with a key for as long as both are held", () => {
  const table = newTable(2), other = newTable(2);
  const slot = table.add("a");
  assertEquals(table.linked(slot, other), -1);
  other.add("x");
  const otherSlot = other.add("y");
  table.link(slot, other, otherSlot);
  assertEquals(table.linked(table.add("a"), other), otherSlot);
  // Another key has that slot.
  for (const key of ["x", "x", "z"]) other.add(key);
  assertEquals([other.slot("y"), other.slot("z")], [-1, otherSlot]);
  assertEquals(table.linked(slot, other), -1);
  table.link(slot, other, otherSlot);
  // A new key begins without.
  for (const key of ["b", "b", "b", "c"]) table.add(key);
  assertEquals([table.slot("a"), table.slot("c")], [-1, slot]);
  assertEquals(table.linked(slot, other), -1);
});

Deno.test("TopTable keeps no slot of another table that was freed and not given to another key", () => {
  const table = newTable(2), other = newTable(100);
  for (let index = 0; index < 100; index++) other.add(`${index}`);
  table.link(table.add("a"), other, 50);
  // Two of these fill the store, and a third drops the others one by one before the two.
  for (let index = 0; index < 3; index++) other.add(`${index}${"x".repeat(65_000)}`);
  assertLess(other.size, 3);
  assertEquals(table.linked(table.slot("a"), other), -1);
});

Deno.test("TopTable works with a cap of one", () => {
  const table = newTable(1);
  for (const key of ["a", "a", "b", "a"]) table.add(key, key);
  assertEquals(table.ranked(5), [["a", "a", 1]]);
  assertEquals(table.errorBound, 2 + 1);
});

type Stream = Iterable<readonly [host: string, key: string]>;

/** Checks a table that is given `stream` against exact counts: never over, under by the bound at most. */
function assertBoundHolds(stream: Stream, options: TopTableOptions & { cap: number }): TextTable {
  const { cap } = options;
  const table = new TextTable(options);
  const exact = new Map<string, number>();
  let hits = 0;
  for (const [host, key] of stream) {
    table.add(key, host);
    hits++;
    const joined = `${host}\n${key}`;
    exact.set(joined, (exact.get(joined) ?? 0) + 1);
    assertLessOrEqual(table.size, cap);
  }
  let held = 0;
  for (const [joined, count] of exact) {
    const [host = "", key = ""] = joined.split("\n");
    const slot = table.slot(key, host);
    const counted = slot < 0 ? 0 : table.count(slot);
    const missed = slot < 0 ? table.errorBound : table.missed(slot);
    if (slot >= 0) held++;
    assert(counted <= count, `${joined}: ${counted} counted of ${count}`);
    assert(count <= counted + missed, `${joined}: ${counted} counted of ${count}, ${missed} missed`);
    assertLessOrEqual(missed, table.errorBound);
  }
  assertEquals(table.size, held);
  assertEquals(table.top(Infinity).length, held);
  const tolerance = table.approximate ? 4 * 0.0081 * exact.size + 1 : 0;
  assert(Math.abs(table.distinct - exact.size) <= tolerance, `${table.distinct} for ${exact.size} keys`);
  return table;
}

/** The same for keys that need no more than their own places, of which more can be promised. */
function assertShortBoundHolds(
  stream: (readonly [string, string])[],
  options: TopTableOptions & { cap: number },
) {
  const table = assertBoundHolds(stream, options);
  assertLessOrEqual(table.errorBound, stream.length / options.cap);
  const keys = new Set(stream.map(([host, key]) => `${host}\n${key}`)).size;
  assertEquals([table.approximate, table.size], [keys > options.cap, Math.min(keys, options.cap)]);
  return table;
}

Deno.test("TopTable holds its bound on any small stream", () => {
  const name = fc.integer({ min: 0, max: 12 }).map(String);
  const stream = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), name), { maxLength: 200 });
  fc.assert(fc.property(stream, fc.integer({ min: 1, max: 20 }), (stream, cap) => {
    assertShortBoundHolds(stream, { cap });
  }));
});

/** Hits of keys of Zipf's distribution, `/1` the most frequent. */
function zipf(hits: number, keys: number, exponent: number, seed: number): [string, string][] {
  const random = seededRandom(seed);
  const sums = new Float64Array(keys);
  for (let rank = 0, sum = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  return Array.from({ length: hits }, () => {
    const at = random() * sums[keys - 1]!;
    let low = 0, high = keys - 1;
    while (low < high) {
      const middle = low + high >> 1;
      if (sums[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return [`host${low % 7}`, `/${low + 1}`];
  });
}

for (const exponent of [0.8, 1, 1.3]) {
  Deno.test(`TopTable holds its bound on a skewed stream (Zipf, ${exponent}) and lists its true top 10`, () => {
    const stream = zipf(200_000, 50_000, exponent, 11);
    const table = assertShortBoundHolds(stream, { cap: 2000 });
    const exact = [...Map.groupBy(stream, ([, key]) => key)].map(([key, { length }]) =>
      [key, length] as const
    )
      .sort(([, a], [, b]) => b - a);
    const top = exact.slice(0, 10).map(([key]) => key);
    // More than the 10th can have had is more than any key that is not held can have had.
    assertLess(table.errorBound, exact[9]![1]);
    assertEquals(new Set(table.ranked(10).map(([, key]) => key)), new Set(top));
  });
}

Deno.test("TopTable holds its bound on a uniform stream", () => {
  const random = seededRandom(12);
  const stream = Array.from({ length: 100_000 }, () => ["h", `${Math.floor(random() * 5000)}`] as const);
  assertShortBoundHolds(stream, { cap: 1000 });
});

Deno.test("TopTable holds its bound when every key is new, and that is the hits by the cap", () => {
  const stream = Array.from({ length: 100_000 }, (_, hit) => [`${hit}.example`, "/"] as const);
  assertEquals(assertShortBoundHolds(stream, { cap: 1000 }).errorBound, 99);
});

Deno.test("TopTable keeps busy keys, exactly, through a flood of new keys", () => {
  const stream = Array.from({ length: 100_000 }, (_, hit) => {
    return hit % 10 === 0 ? ["busy", `${hit / 10 % 20}`] as const : [`${hit}.example`, "/"] as const;
  });
  const table = assertShortBoundHolds(stream, { cap: 1000 });
  assertEquals(table.ranked(20).map(([host, , count]) => [host, count]), new Array(20).fill(["busy", 500]));
});

Deno.test("TopTable holds its bound when heavy keys come after a flood of new ones, and lists them", () => {
  const flood = Array.from({ length: 50_000 }, (_, hit) => [`${hit}.example`, "/"] as const);
  const heavy = Array.from({ length: 10_000 }, (_, hit) => ["heavy", `${hit % 20}`] as const);
  const table = assertShortBoundHolds([...flood, ...heavy], { cap: 1000 });
  assertEquals(table.ranked(20).map(([host, , count]) => [host, count]), new Array(20).fill(["heavy", 500]));
});

Deno.test("TopTable holds its bound when heavy keys are hidden between floods, and lists them", () => {
  const stream: [string, string][] = [];
  for (let round = 0; round < 50; round++) {
    for (let hit = 0; hit < 3000; hit++) stream.push([`${round}.example`, `${hit}`]);
    // In a burst each, so that all but one are gone for a whole flood.
    for (let hit = 0; hit < 5 * 60; hit++) stream.push(["heavy", `${Math.floor(hit / 60)}`]);
  }
  const table = assertShortBoundHolds(stream, { cap: 1000 });
  assertEquals(table.ranked(5).map(([host]) => host), new Array(5).fill("heavy"));
});

Deno.test("TopTable holds its bound when keys are made to come back just after they were dropped", () => {
  const stream: [string, string][] = [];
  for (let round = 0; round < 200; round++) {
    for (let victim = 0; victim < 10; victim++) stream.push(["v", `${victim}`]);
    for (let filler = 0; filler < 300; filler++) {
      for (let hit = 0; hit <= round % 3; hit++) stream.push(["f", `${round}-${filler}`]);
    }
  }
  assertShortBoundHolds(stream, { cap: 250 });
});

Deno.test("TopTable spreads keys that were chosen to collide under another key, and holds its bound", () => {
  const attacked = new TextTable({ hashKey: [3, 4] }), table = new TextTable({ hashKey: [5, 6] });
  const keys: string[] = [];
  for (let index = 0; keys.length < 2000; index++) {
    const key = `/${index.toString(36)}`;
    if (attacked.hashOf(key, "h") >>> 22 === 0) keys.push(key);
  }
  const buckets = new Uint16Array(2 ** 10);
  for (const key of keys) buckets[table.hashOf(key, "h") >>> 22]!++;
  assertLess(Math.max(...buckets), 20);
  const stream = [...keys, ...keys.slice(0, 300), ...keys].map((key) => ["h", key] as const);
  assertShortBoundHolds(stream, { cap: 1000, hashKey: [5, 6] });
  // Where they do collide, it takes longer and counts as well.
  assertShortBoundHolds(stream, { cap: 1000, hashKey: [3, 4] });
});

Deno.test("TopTable holds its bound when long keys fill the common store, and goes on", () => {
  const random = seededRandom(13);
  const stream = Array.from({ length: 20_000 }, (_, hit) => {
    const length = Math.floor(10 ** (random() * 4.5));
    return hit % 3 === 0 ? ["busy", `${hit % 30}`] as const : ["h", "x".repeat(length) + hit] as const;
  });
  const table = assertBoundHolds(stream, { cap: 3000 });
  assert(table.approximate);
  assertLess(table.size, 3000);
  assertEquals(
    table.ranked(10).map(([host, , count]) => [host, Math.round(count / 100)]),
    new Array(10).fill(["busy", 7]),
  );
});

Deno.test("TopTable takes names of any length and language, the longest cut", () => {
  const table = newTable(100);
  const hosts = [
    "",
    "a",
    "bücher.example",
    "日本語.example",
    "x".repeat(1022),
    "é".repeat(511),
    "x".repeat(1023),
  ];
  for (const round of [1, 2]) {
    for (const host of hosts) assertEquals(table.count(table.add("/p", host)), round);
  }
  assertEquals(table.ranked(9, "日本語.example"), [["日本語.example", "/p", 2]]);
  assertEquals(new Set(table.ranked(99).map(([host]) => host)), new Set(hosts));
  table.add("/p", "x".repeat(5000));
  table.add("/p", "é".repeat(5000));
  assertEquals(table.ranked(1), [["x".repeat(1023), "/p", 3]]);
  assertEquals(table.ranked(1, "é".repeat(5000)), [["é".repeat(511), "/p", 3]]);
});

Deno.test("TopTable shows a key of no hits never, however it was dropped", () => {
  const long = (index: number) => `${index}${"x".repeat(60_000)}`;
  const table = newTable(100);
  for (let index = 0; index < 100; index++) table.add(`${index}`);
  for (let index = 0; index < 10; index++) table.add(long(index));
  assertLess(table.size, 10);
  assertEquals(table.ranked(200).length, table.size);
  for (let index = 0; index < 100; index++) table.add(`${index}`);
  assert(table.ranked(200).every(([, key, count]) => key !== "" && count > 0));
});
