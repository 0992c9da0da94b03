import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { TopEntry, TopTable } from "../../src/stats/top.ts";
import { seededRandom } from "./exchanges.ts";

const counts = (entries: TopEntry[]) => entries.map(({ group, key, count }) => [group, key, count]);

function newTable(cap: number): TopTable<TopEntry> {
  return new TopTable(TopEntry, { cap, hashKey: [1, 2] });
}

Deno.test("TopTable counts hits and ranks them, ties by group and key", () => {
  const table = newTable(100);
  const hits = [["b", "/x"], ["a", "/y"], ["a", "/x"], ["c", "/z"], ["c", "/z"], ["b", "/w"]] as const;
  for (const [group, key] of hits) table.add(key, group);
  const ranked = [["c", "/z", 2], ["a", "/x", 1], ["a", "/y", 1], ["b", "/w", 1], ["b", "/x", 1]];
  for (let n = 0; n <= 6; n++) assertEquals(counts(table.top(n)), ranked.slice(0, n));
  assertEquals([table.size, table.distinct, table.errorBound, table.approximate], [5, 5, 0, false]);
});

Deno.test("TopTable ranks within one group", () => {
  const table = newTable(100);
  for (const key of ["/a", "/b", "/b"]) table.add(key, "one");
  for (const key of ["/c", "/c", "/c"]) table.add(key, "two");
  assertEquals(counts(table.top(10, "one")), [["one", "/b", 2], ["one", "/a", 1]]);
  assertEquals(counts(table.top(10, "two")), [["two", "/c", 3]]);
  assertEquals(table.top(10, "three"), []);
});

Deno.test("TopTable keeps apart pairs that would be equal when joined, and names of built-in properties", () => {
  const table = newTable(100);
  const pairs = [["a", "bc"], ["ab", "c"], ["__proto__", "constructor"], ["constructor", "__proto__"], [
    "",
    "abc",
  ]];
  for (const [group = "", key = ""] of pairs) table.add(key, group);
  assertEquals(table.size, 5);
  for (const [group = "", key = ""] of pairs) assertEquals(table.get(key, group)?.count, 1);
});

Deno.test("TopTable.top agrees with sorting everything", () => {
  const hits = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2", "3", "4", "5")));
  fc.assert(fc.property(hits, fc.integer({ min: 1, max: 20 }), (hits, n) => {
    const table = newTable(100);
    const exact = new Map<string, number>();
    for (const [group, key] of hits) {
      table.add(key, group);
      exact.set(group + key, (exact.get(group + key) ?? 0) + 1);
    }
    const sorted = [...exact].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, n);
    assertEquals(table.top(n).map(({ group, key, count }) => [group + key, count]), sorted);
  }));
});

Deno.test("TopTable stays exact with as many keys as its cap", () => {
  const table = newTable(50);
  for (let hit = 0; hit < 500; hit++) table.add(`${hit % 50}`);
  assertEquals([table.size, table.approximate, table.errorBound], [50, false, 0]);
  assert(table.top(50).every(({ count }) => count === 10));
});

Deno.test("TopTable drops the lower half when a key more than its cap comes", () => {
  const table = newTable(4);
  for (const key of ["a", "a", "a", "b", "c", "c", "d"]) table.add(key);
  const dropped = table.get("b");
  table.add("e");
  assertEquals(counts(table.top(10)), [["", "a", 3], ["", "c", 2], ["", "e", 1]]);
  assertEquals([table.size, table.approximate, table.errorBound], [3, true, 1]);
  assertEquals(dropped?.count, 0);
});

Deno.test("TopTable drops no more than half when all counts are equal", () => {
  const table = newTable(100);
  for (let key = 0; key < 101; key++) table.add(`${key}`);
  assertEquals(table.size, 51);
});

Deno.test("TopTable holds no group without an entry", () => {
  const table = newTable(10);
  for (let hit = 0; hit < 1000; hit++) table.add(`${hit % 2}`, `${hit >> 1}`);
  assertLessOrEqual(table.groups, table.size);
});

Deno.test("TopTable works with a cap of one", () => {
  const table = newTable(1);
  for (const key of ["a", "a", "b", "a"]) table.add(key, key);
  assertEquals(counts(table.top(5)), [["a", "a", 1]]);
  assertEquals(table.errorBound, 2 + 1);
});

/** Checks a table that was given `stream` against exact counts: never over, under by the bound at most. */
function assertBoundHolds(
  stream: Iterable<readonly [group: string, key: string]>,
  cap: number,
): TopTable<TopEntry> {
  const table = newTable(cap);
  const exact = new Map<string, number>();
  for (const [group, key] of stream) {
    table.add(key, group);
    const joined = `${group}\n${key}`;
    exact.set(joined, (exact.get(joined) ?? 0) + 1);
    assertLessOrEqual(table.size, cap);
  }
  let held = 0;
  for (const [joined, count] of exact) {
    const [group = "", key = ""] = joined.split("\n");
    const entry = table.get(key, group);
    const counted = entry?.count ?? 0;
    if (entry !== undefined) held++;
    assert(counted <= count, `${joined}: ${counted} counted of ${count}`);
    assert(
      count <= counted + table.errorBound,
      `${joined}: ${counted} counted of ${count}, ±${table.errorBound}`,
    );
    if (entry !== undefined) assert(count <= counted + entry.missed, `${joined}: more missed than it says`);
  }
  assertEquals(table.size, held);
  assertEquals(table.top(Infinity).length, held);
  assertEquals(table.approximate, exact.size > cap);
  const tolerance = table.approximate ? 4 * 0.0081 * exact.size + 1 : 0;
  assert(Math.abs(table.distinct - exact.size) <= tolerance, `${table.distinct} for ${exact.size} keys`);
  return table;
}

Deno.test("TopTable never overstates and holds its bound on any small stream", () => {
  const name = fc.integer({ min: 0, max: 12 }).map(String);
  const stream = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), name), { maxLength: 200 });
  fc.assert(fc.property(stream, fc.integer({ min: 1, max: 20 }), (stream, cap) => {
    assertBoundHolds(stream, cap);
  }));
});

Deno.test("TopTable never overstates and holds its bound on a skewed stream, and keeps the busiest", () => {
  const random = seededRandom(11);
  const stream = Array.from({ length: 100_000 }, () => {
    const rank = Math.floor(Math.exp(random() * Math.log(50_000)));
    return [`host${rank % 7}`, `/${rank}`] as const;
  });
  const table = assertBoundHolds(stream, 1000);
  assertEquals(table.top(5).map(({ key }) => key), ["/1", "/2", "/3", "/4", "/5"]);
  assertLess(table.errorBound, 100_000 / 500);
});

Deno.test("TopTable never overstates and holds its bound on a uniform stream", () => {
  const random = seededRandom(12);
  const stream = Array.from({ length: 100_000 }, () => ["h", `${Math.floor(random() * 5000)}`] as const);
  assertLess(assertBoundHolds(stream, 1000).errorBound, 100_000 / 500);
});

Deno.test("TopTable keeps busy keys, exactly, through a flood of new keys", () => {
  const stream = Array.from({ length: 100_000 }, (_, hit) => {
    return hit % 10 === 0 ? ["busy", `${hit / 10 % 20}`] as const : [`${hit}.example`, "/"] as const;
  });
  const table = assertBoundHolds(stream, 1000);
  assertEquals(table.top(20).map(({ group, count }) => [group, count]), new Array(20).fill(["busy", 500]));
});

Deno.test("TopTable holds its bound when keys are made to come back just after they were dropped", () => {
  const stream: [string, string][] = [];
  for (let round = 0; round < 200; round++) {
    for (let victim = 0; victim < 10; victim++) stream.push(["v", `${victim}`]);
    for (let filler = 0; filler < 300; filler++) {
      for (let hit = 0; hit <= round % 3; hit++) stream.push(["f", `${round}-${filler}`]);
    }
  }
  assertBoundHolds(stream, 250);
});
