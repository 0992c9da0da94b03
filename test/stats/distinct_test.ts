import { assert, assertEquals } from "@std/assert";
import { HyperLogLog, STANDARD_ERROR } from "../../src/stats/distinct.ts";
import { type Bits64, hash, WordHash } from "../../src/stats/hash.ts";

const KEYS: Bits64[] = [[1, 2], [-123456, 987654321], [0x7fffffff, -0x80000000]];

for (const size of [0, 1, 10, 1000, 16_384, 40_000, 60_000, 200_000, 500_000]) {
  Deno.test(`HyperLogLog estimates ${size} different texts within four standard errors`, () => {
    for (const key of KEYS) {
      const sketch = new HyperLogLog();
      for (let index = 0; index < size; index++) sketch.add(...hash(`host${index}.example.com`, key));
      const error = Math.abs(sketch.count - size);
      assert(error <= 4 * 0.0081 * size, `${sketch.count} for ${size} with key ${key}`);
    }
  });
}

Deno.test("HyperLogLog estimates a million and ten million keys of words within four standard errors", () => {
  for (const key of KEYS) {
    const first = new WordHash(key, "first"), second = new WordHash(key, "second");
    const sketch = new HyperLogLog();
    const words = new Int32Array(2);
    for (let size = 0; size < 1e7;) {
      words[0] = ++size;
      sketch.add(first.of(0, words, 8), second.of(0, words, 8));
      if (size !== 1e6 && size !== 1e7) continue;
      assert(Math.abs(sketch.count - size) <= 4 * STANDARD_ERROR * size, `${sketch.count} for ${size}`);
    }
  }
});

Deno.test("HyperLogLog is not moved by adding the same texts again", () => {
  const sketch = new HyperLogLog();
  const add = () => {
    for (let index = 0; index < 5000; index++) sketch.add(...hash(`${index}`, [1, 2]));
  };
  add();
  const { count } = sketch;
  add();
  assertEquals(sketch.count, count);
});
