import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { Histogram, type HistogramHolder, HistogramPool } from "../../src/stats/quantile.ts";
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
  uniform: () => 1 + random() * 1000,
  exponential: () => 0.05 - 30 * Math.log(1 - random()),
  "log-uniform over the whole range": () => 0.01 * 10 ** (random() * 8),
  "two far modes": () => random() < 0.9 ? 0.1 + random() * 0.01 : 30_000 + random() * 1000,
  constant: () => 12.34,
};
for (const [name, next] of Object.entries(streams)) {
  for (const size of [1, 2, 10, 1000, 50_000]) {
    Deno.test(`Histogram tells quantiles of ${size} ${name} values within 2 %`, () => {
      assertWithinTwoPercent(Array.from({ length: size }, next));
    });
  }
}

Deno.test("Histogram tells quantiles of any values in its range within 2 %", () => {
  const values = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(fc.property(values, assertWithinTwoPercent));
});

Deno.test("Histogram is exact when all values are equal", () => {
  assertEquals(histogramOf([5, 5, 5]).percentiles(), { p50: 5, p95: 5, p99: 5 });
});

Deno.test("Histogram counts values outside its range as the nearest end", () => {
  assertEquals(histogramOf([0, -3, 0.001, NaN]).quantile(1), 0.01);
  assertEquals(histogramOf([1e9, Infinity]).quantile(0), 1e6);
});

Deno.test("Histogram has no percentiles of no values", () => {
  assertEquals(new Histogram().percentiles(), undefined);
  assertEquals(new Histogram().quantile(0.5), NaN);
});

Deno.test("Histogram.moveTo adds all values to the other and empties itself", () => {
  const low = histogramOf([1, 1, 1]);
  const high = histogramOf([100]);
  low.moveTo(high);
  assertEquals([low.count, high.count], [0, 4]);
  assertEquals(low.percentiles(), undefined);
  assertAlmostEquals(high.quantile(0.75), 1, 0.02);
  assertEquals(high.quantile(1), 100);
  low.add(7);
  assertEquals(low.quantile(1), 7);
});

function newHolder(): HistogramHolder & { count: number } {
  return { count: 0, histogram: undefined };
}

Deno.test("HistogramPool gives each holder a histogram of its own up to the cap", () => {
  const pool = new HistogramPool(2);
  const holders = [newHolder(), newHolder()];
  holders.forEach((holder, index) => {
    holder.count++;
    pool.add(holder, 10 ** index);
  });
  assertEquals(holders.map(({ histogram }) => histogram?.quantile(1)), [1, 10]);
  assertEquals(pool.pooled.count, 0);
});

Deno.test("HistogramPool keeps the busiest after an early flood of one-value holders", () => {
  const pool = new HistogramPool(512);
  const add = (holder: ReturnType<typeof newHolder>) => {
    holder.count++;
    pool.add(holder, 5);
  };
  for (let index = 0; index < 20_000; index++) add(newHolder());
  const busy = Array.from({ length: 500 }, newHolder);
  for (let round = 0; round < 20; round++) {
    busy.forEach(add);
    add(newHolder());
  }
  assertEquals(busy.filter(({ histogram }) => histogram === undefined).length, 0);
  assert(
    busy.every(({ histogram }) => (histogram?.count ?? 0) >= 18),
    "their values are in their histograms",
  );
});

Deno.test("HistogramPool lets a flood take no histogram from busy holders and loses no value", () => {
  const pool = new HistogramPool(4);
  const busy = Array.from({ length: 4 }, newHolder);
  let added = 0;
  const add = (holder: ReturnType<typeof newHolder>) => {
    holder.count++;
    added++;
    pool.add(holder, 5);
  };
  for (let round = 0; round < 10; round++) busy.forEach(add);
  for (let index = 0; index < 10_000; index++) add(newHolder());
  assertEquals(busy.map(({ histogram }) => histogram?.count), [10, 10, 10, 10]);

  const busier = newHolder();
  busier.count = 100;
  add(busier);
  assertEquals(busier.histogram?.count, 1);
  assertEquals(busy.filter(({ histogram }) => histogram === undefined).length, 1);
  const held = [...busy, busier].reduce((sum, { histogram }) => sum + (histogram?.count ?? 0), 0);
  assertEquals(held + pool.pooled.count, added);
});

Deno.test("HistogramPool does not let holders of about the same count push each other out", () => {
  const pool = new HistogramPool(10);
  const holders = Array.from({ length: 100 }, newHolder);
  for (let added = 0; added < 100_000; added++) {
    const holder = holders[Math.floor(random() * holders.length)] as ReturnType<typeof newHolder>;
    holder.count++;
    pool.add(holder, 5);
  }
  const counts = holders.flatMap(({ histogram }) => histogram === undefined ? [] : [histogram.count]);
  assertEquals(counts.length, 10);
  for (const count of counts) assertLessOrEqual(500, count);
});
