import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { bucketByFormula, bucketOf, Histogram, HistogramPool } from "../../src/stats/quantile.ts";
import { seededRandom } from "./exchanges.ts";

const QUANTILES = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

function histogramOf(values: number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

function assertWithinTwoPercent(values: number[]): void {
  const histogram = histogramOf(values);
  const sorted = values.toSorted((a, b) => a - b);
  for (const q of QUANTILES) {
    const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
    const error = Math.abs(histogram.quantile(q) - exact) / exact;
    assert(error <= 0.02 + 1e-9, `q=${q} of ${values.length}: ${histogram.quantile(q)} for ${exact}`);
  }
}

const random = seededRandom(7);
const streams: Record<string, () => number> = {
  uniform: () => 1000 + random() * 1e6,
  "whole exponential": () => Math.round(50 - 30_000 * Math.log(1 - random())),
  "log-uniform over the whole range": () => 10 ** (1 + random() * 8),
  "two far modes": () => random() < 0.9 ? 100 + random() * 10 : 30e6 + random() * 1e6,
  constant: () => 12_340,
};
for (const [name, next] of Object.entries(streams)) {
  for (const size of [1, 2, 10, 1000, 50_000]) {
    Deno.test(`Histogram tells quantiles of ${size} ${name} values within 2 %`, () => {
      assertWithinTwoPercent(Array.from({ length: size }, next));
    });
  }
}

Deno.test("Histogram tells quantiles of any values in its range within 2 %", () => {
  const values = fc.array(fc.double({ min: 10, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(fc.property(values, assertWithinTwoPercent));
});

Deno.test("bucketOf gives whole microseconds the bucket that the formula gives them", () => {
  const check = (micros: number) => {
    if (bucketOf(micros) !== bucketByFormula(micros)) {
      assertEquals(bucketOf(micros), bucketByFormula(micros), `${micros} µs`);
    }
  };
  for (let micros = -5; micros < 2 ** 20; micros++) check(micros);
  for (let trial = 0; trial < 1e6; trial++) check(Math.floor(10 ** (random() * 9.5)));
  for (let bits = 0; bits < 34; bits++) for (const offset of [-1, 0, 1]) check(2 ** bits + offset);
  for (const micros of [1e9 - 1, 1e9, 1e9 + 1, 1e15, Infinity, -1e15, 10.5, 99.99]) check(micros);
});

Deno.test("Histogram is exact when all values are equal", () => {
  assertEquals(histogramOf([5004, 5004, 5004]).percentiles(), { p50: 5.004, p95: 5.004, p99: 5.004 });
});

Deno.test("Histogram counts values outside its range as the nearest end", () => {
  assertEquals(histogramOf([0, -3, 0.001]).quantile(1), 10);
  assertEquals(histogramOf([2e9, 1e12, Infinity]).quantile(0), 1e9);
});

Deno.test("Histogram has no percentiles of no values", () => {
  assertEquals(new Histogram().percentiles(), undefined);
  assertEquals(new Histogram().quantile(0.5), NaN);
});

Deno.test("Histogram.moveTo adds all values to the other and empties itself", () => {
  const low = histogramOf([1000, 1000, 1000]);
  const high = histogramOf([100_000]);
  low.moveTo(high);
  assertEquals([low.count, high.count], [0, 4]);
  assertEquals(low.percentiles(), undefined);
  assertAlmostEquals(high.quantile(0.75), 1000, 20);
  assertEquals(high.quantile(1), 100_000);
  low.add(700);
  assertEquals(low.quantile(1), 700);
});

/** A pool whose holders are as busy as `counts` says. */
function newPool(cap: number): { pool: HistogramPool; counts: number[]; add(holder: number): void } {
  const counts: number[] = [];
  const pool = new HistogramPool({ count: (holder) => counts[holder] ?? 0 }, cap);
  const add = (holder: number) => {
    counts[holder] = (counts[holder] ?? 0) + 1;
    pool.add(holder, 5000);
  };
  return { pool, counts, add };
}

const range = (from: number, length: number) => Array.from({ length }, (_, index) => from + index);

Deno.test("HistogramPool gives each holder a histogram of its own up to the cap", () => {
  const { pool } = newPool(2);
  pool.add(0, 10);
  pool.add(7, 100);
  assertEquals([0, 7, 3].map((holder) => pool.of(holder)?.quantile(1)), [10, 100, undefined]);
  assertEquals(pool.pooled.count, 0);
});

Deno.test("HistogramPool pools the values of nobody, and all with a cap of 0", () => {
  const { pool, add } = newPool(0);
  add(1);
  pool.add(-1, 7000);
  assertEquals([pool.of(1), pool.of(-1), pool.pooled.count], [undefined, undefined, 2]);
});

Deno.test("HistogramPool keeps the busiest after an early flood of one-value holders", () => {
  const { pool, add } = newPool(512);
  range(0, 20_000).forEach(add);
  const busy = range(20_000, 500);
  for (let round = 0; round < 20; round++) {
    busy.forEach(add);
    add(30_000 + round);
  }
  assert(
    busy.every((holder) => (pool.of(holder)?.count ?? 0) >= 18),
    "their values are in their histograms",
  );
});

Deno.test("HistogramPool lets a flood take no histogram from busy holders and loses no value", () => {
  const { pool, counts, add } = newPool(4);
  const busy = range(0, 4);
  for (let round = 0; round < 10; round++) busy.forEach(add);
  range(4, 10_000).forEach(add);
  assertEquals(busy.map((holder) => pool.of(holder)?.count), [10, 10, 10, 10]);

  const busier = 20_000;
  counts[busier] = 100;
  add(busier);
  assertEquals(pool.of(busier)?.count, 1);
  assertEquals(busy.filter((holder) => pool.of(holder) === undefined).length, 1);
  const held = [...busy, busier].reduce((sum, holder) => sum + (pool.of(holder)?.count ?? 0), 0);
  assertEquals(held + pool.pooled.count, 40 + 10_000 + 1);
});

Deno.test("HistogramPool does not let holders of about the same count push each other out", () => {
  const { pool, add } = newPool(10);
  const holders = range(0, 100);
  for (let added = 0; added < 100_000; added++) add(Math.floor(random() * holders.length));
  const counts = holders.flatMap((holder) => pool.of(holder)?.count ?? []);
  assertEquals(counts.length, 10);
  for (const count of counts) assertLessOrEqual(500, count);
});

Deno.test("HistogramPool.restart takes the values of what the holder stood for, and loses none", () => {
  const { pool, counts, add } = newPool(1);
  add(0);
  pool.restart(0);
  counts[0] = 0;
  assertEquals([pool.of(0)?.count, pool.pooled.count], [0, 1]);
  pool.restart(5);
  add(1);
  assertEquals([pool.of(0), pool.of(1)?.count, pool.pooled.count], [undefined, 1, 1]);
});
