/**
 * Percentiles of durations in bounded memory.
 *
 * @module
 */

import type { Percentiles } from "./report.ts";

/** A value is told with at most this relative error, between `LOWEST` and `HIGHEST` microseconds. */
const RELATIVE_ERROR = 0.02;
const LOWEST = 10;
const HIGHEST = 1_000_000_000;

/** Ratio of a bucket's upper bound to its lower one. */
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const BUCKETS_PER_E = 1 / Math.log(GAMMA);
/** Bucket 0 is for 0, bucket 1 for the rest up to `LOWEST`. */
export const BUCKETS = bucketByFormula(HIGHEST) + 1;

/** The bucket of what {@link wholeMicros} gives. */
export function bucketByFormula(micros: number): number {
  return micros === 0 ? 0 : Math.ceil(Math.log(Math.max(micros, LOWEST) / LOWEST) * BUCKETS_PER_E) + 1;
}

/** Whole microseconds that the next bucket begins with, by bucket. */
const BUCKET_ENDS = new Int32Array(BUCKETS).map((_, bucket) => {
  // The logarithm's rounding decides on which side of the bound a number is.
  let end = Math.max(1, Math.floor(LOWEST * GAMMA ** (bucket - 1)) - 1);
  while (end <= HIGHEST && bucketByFormula(end) <= bucket) end++;
  return end;
});

/**
 * The bucket of the least number that has a given highest bit and the same five bits behind it. Numbers with these
 * bits in common differ by less than a bucket is wide.
 */
const BUCKETS_BY_BITS = new Uint16Array(32 * 31).map((_, bits) =>
  bucketByFormula((32 | bits & 31) * 2 ** (bits >> 5) / 32)
);

/** The same bucket, without a logarithm. */
export function bucketOf(micros: number): number {
  if (micros <= LOWEST) return micros === 0 ? 0 : 1;
  const highest = 31 - Math.clz32(micros);
  const behind = (highest >= 5 ? micros >> highest - 5 : micros << 5 - highest) & 31;
  const bucket = BUCKETS_BY_BITS[highest << 5 | behind]!;
  return micros < BUCKET_ENDS[bucket]! ? bucket : bucket + 1;
}

/** A duration as histograms count it: whole microseconds, at least 0 and at most 1000 s; -1 for `NaN`, not observed. */
export function wholeMicros(micros: number): number {
  const whole = micros | 0;
  if (whole === micros && whole >= 0 && whole <= HIGHEST) return whole;
  return micros !== micros ? -1 : Math.round(Math.min(Math.max(micros, 0), HIGHEST));
}

// A range's words. Those of an empty one are 0.
/** How far the lowest value is below `HIGHEST`, and the highest value. */
const LOW = 0, HIGH = 1;
export const RANGE_WORDS = 2;

/** Widens the range that begins at `start` by a value as {@link wholeMicros} gives it. */
export function widenRange(ranges: Uint32Array, start: number, micros: number): void {
  if (HIGHEST - micros > ranges[start + LOW]!) ranges[start + LOW] = HIGHEST - micros;
  if (micros > ranges[start + HIGH]!) ranges[start + HIGH] = micros;
}

/**
 * A histogram of microseconds with logarithmic buckets: percentiles from 10 µs to 1000 s with a relative error
 * of at most 2 %, in 2 KiB. Values outside count as the nearest end of that range, but 0 and less as 0.
 */
export class Histogram {
  readonly #counts: Uint32Array;
  readonly #range: Uint32Array;

  /** An empty one, or a view of one whose counts by bucket and whose range are held elsewhere. */
  constructor(counts = new Uint32Array(BUCKETS), range = new Uint32Array(RANGE_WORDS)) {
    this.#counts = counts;
    this.#range = range;
  }

  /** Number of values added. */
  get count(): number {
    const counts = this.#counts;
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) sum += counts[bucket]!;
    return sum;
  }

  add(micros: number): void {
    const whole = wholeMicros(micros);
    this.#counts[bucketOf(whole)]!++;
    widenRange(this.#range, 0, whole);
  }

  /** Adds so many zeros. */
  addZeros(count: number): void {
    if (count === 0) return;
    this.#counts[0]! += count;
    widenRange(this.#range, 0, 0);
  }

  /** Forgets all values. */
  clear(): void {
    if (this.#isEmpty) return;
    this.#counts.fill(0);
    this.#range.fill(0);
  }

  /** The smallest value that at least the part `q` (0 to 1) of all values does not exceed; `NaN` of none. */
  quantile(q: number): number {
    return this.#quantile(q, this.count);
  }

  /** The median and the tail in milliseconds, to the microsecond, `undefined` of no values. */
  percentiles(): Percentiles | undefined {
    if (this.#isEmpty) return undefined;
    const { count } = this;
    const at = (q: number) => Math.round(this.#quantile(q, count)) / 1000;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }

  #quantile(q: number, count: number): number {
    if (count === 0) return NaN;
    const counts = this.#counts;
    const rank = Math.max(1, Math.ceil(q * count));
    let bucket = 0;
    for (let seen = counts[0]!; seen < rank; seen += counts[bucket]!) bucket++;
    if (bucket === 0) return 0;
    // The point of the bucket from which both its bounds are equally far, relative to themselves.
    const value = LOWEST * GAMMA ** (bucket - 1) * 2 / (1 + GAMMA);
    const lowest = Math.max(LOWEST, HIGHEST - this.#range[LOW]!),
      highest = Math.max(LOWEST, this.#range[HIGH]!);
    return Math.min(Math.max(value, lowest), highest);
  }

  get #isEmpty(): boolean {
    return this.#range[LOW] === 0 && this.#range[HIGH] === 0;
  }
}
