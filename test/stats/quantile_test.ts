import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { bucketByFormula, bucketOf, Histogram, wholeMicros } from "../../src/stats/quantile.ts";
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
  uniform: () => 1000 + Math.floor(random() * 1e6),
  exponential: () => Math.round(50 - 30_000 * Math.log(1 - random())),
  "log-uniform over the whole range": () => Math.floor(10 ** (1 + random() * 8)),
  "two far modes": () => Math.floor(random() < 0.9 ? 100 + random() * 10 : 30e6 + random() * 1e6),
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
  const values = fc.array(fc.integer({ min: 10, max: 1e9 }), { minLength: 1, maxLength: 50 });
  fc.assert(fc.property(values, assertWithinTwoPercent));
});

Deno.test("bucketOf gives a value the bucket that the formula gives it", () => {
  const check = (micros: number) => {
    if (bucketOf(micros) !== bucketByFormula(micros)) {
      assertEquals(bucketOf(micros), bucketByFormula(micros), `${micros} µs`);
    }
  };
  for (let micros = 0; micros < 2 ** 20; micros++) check(micros);
  for (let trial = 0; trial < 1e6; trial++) check(Math.floor(10 ** (random() * 9)));
  for (let bits = 0; bits < 30; bits++) for (const offset of [-1, 0, 1]) check(2 ** bits + offset);
  for (const micros of [1e9 - 1, 1e9]) check(micros);
});

Deno.test("wholeMicros rounds, keeps within the range of histograms, and makes NaN -1", () => {
  const values = [0, -0, 7, 1e9, 0.4, 99.5, -1, -Infinity, 1e9 + 1, 2 ** 32, 1e15, Infinity, NaN];
  assertEquals(values.map(wholeMicros), [0, 0, 7, 1e9, 0, 100, 0, 0, 1e9, 1e9, 1e9, 1e9, -1]);
});

Deno.test("Histogram is exact when all values are equal", () => {
  assertEquals(histogramOf([5004, 5004, 5004]).percentiles(), { p50: 5.004, p95: 5.004, p99: 5.004 });
});

Deno.test("Histogram counts values outside its range as the nearest end", () => {
  assertEquals(histogramOf([1, 3]).quantile(1), 10);
  assertEquals(histogramOf([2e9, 1e12, Infinity]).quantile(0), 1e9);
});

Deno.test("Histogram tells 0 as 0, and what is less as well", () => {
  const histogram = histogramOf([0, -3, 0, 700]);
  assertEquals([0, 0.5, 0.75, 0.76].map((q) => histogram.quantile(q)), [0, 0, 0, 700]);
  assertEquals(histogramOf([-3]).percentiles(), { p50: 0, p95: 0, p99: 0 });
});

Deno.test("Histogram.addZeros adds so many", () => {
  const histogram = histogramOf([900]);
  histogram.addZeros(99);
  assertEquals([histogram.count, histogram.quantile(0.99), histogram.quantile(1)], [100, 0, 900]);
  const empty = new Histogram();
  empty.addZeros(0);
  assertEquals(empty.percentiles(), undefined);
  empty.addZeros(2);
  assertEquals(empty.percentiles(), { p50: 0, p95: 0, p99: 0 });
});

Deno.test("Histogram has no percentiles of no values", () => {
  assertEquals(new Histogram().percentiles(), undefined);
  assertEquals(new Histogram().quantile(0.5), NaN);
});
