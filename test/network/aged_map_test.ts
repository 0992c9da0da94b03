import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { AgedMap } from "../../src/network/aged_map.ts";

/** All entries from the oldest on, by taking them out. */
function emptied(map: AgedMap<number, number>): [number, number][] {
  const entries: [number, number][] = [];
  for (let oldest = map.oldest; oldest; oldest = map.oldest) {
    entries.push([oldest.key, oldest.value]);
    map.delete(oldest.key);
  }
  return entries;
}

Deno.test("AgedMap: what is set again is the newest", () => {
  const map = new AgedMap<number, number>();
  for (const key of [1, 2, 3]) map.set(key, key * 10);
  map.set(1, 11);
  assertEquals([map.size, map.get(1), map.get(2), map.get(4)], [3, 11, 20, undefined]);
  assertEquals(emptied(map), [[2, 20], [3, 30], [1, 11]]);
  assertEquals([map.size, map.oldest, map.get(1)], [0, undefined, undefined]);
});

Deno.test("AgedMap has the order of a map whose entries are deleted before they are set", () => {
  const step = fc.record({ key: fc.nat(5), value: fc.nat(9), isDeletion: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const map = new AgedMap<number, number>(), expected = new Map<number, number>();
    for (const { key, value, isDeletion } of steps) {
      expected.delete(key);
      map.delete(isDeletion ? key : -1);
      if (isDeletion) continue;
      expected.set(key, value);
      map.set(key, value);
    }
    assertEquals(map.size, expected.size);
    assertEquals(emptied(map), [...expected]);
  }));
});
