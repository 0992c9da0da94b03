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
/** Bucket 0 is for all up to `LOWEST`, the last also for all above `HIGHEST`. */
const BUCKETS = bucketByFormula(HIGHEST) + 1;

/** The bucket of a number of microseconds. */
export function bucketByFormula(micros: number): number {
  return Math.ceil(Math.log(inRange(micros) / LOWEST) * BUCKETS_PER_E);
}

function inRange(micros: number): number {
  return Math.min(Math.max(micros, LOWEST), HIGHEST);
}

/** Whole microseconds that the next bucket begins with, by bucket. */
const BUCKET_ENDS = new Int32Array(BUCKETS).map((_, bucket) => {
  // The logarithm's rounding decides on which side of the bound a number is.
  let end = Math.floor(LOWEST * GAMMA ** bucket) - 1;
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

/** The same bucket, without a logarithm for whole microseconds, which is what most captures have. */
export function bucketOf(micros: number): number {
  const whole = micros | 0;
  if (whole !== micros || whole > HIGHEST) return bucketByFormula(micros);
  if (whole <= LOWEST) return 0;
  const highest = 31 - Math.clz32(whole);
  const behind = (highest >= 5 ? whole >> highest - 5 : whole << 5 - highest) & 31;
  const bucket = BUCKETS_BY_BITS[highest << 5 | behind]!;
  return whole < BUCKET_ENDS[bucket]! ? bucket : bucket + 1;
}

/**
 * A histogram of microseconds with logarithmic buckets: percentiles from 10 µs to 1000 s with a relative error
 * of at most 2 %, in 2 KiB. Values outside count as the nearest end of that range.
 */
export class Histogram {
  readonly #counts: Uint32Array;
  /** The lowest and the highest value. */
  readonly #range: Float64Array;

  /** `counts` has a place for each bucket, `range` two; both are empty. */
  constructor(counts = new Uint32Array(BUCKETS), range = new Float64Array(2)) {
    this.#counts = counts;
    this.#range = range;
    this.#clear();
  }

  /** Number of values added. */
  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  add(micros: number): void {
    this.#counts[bucketOf(micros)]!++;
    this.#range[0] = Math.min(this.#range[0]!, micros);
    this.#range[1] = Math.max(this.#range[1]!, micros);
  }

  /** Moves all values of this histogram to another, leaving this one empty. */
  moveTo(other: Histogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) other.#counts[bucket]! += this.#counts[bucket]!;
    other.#range[0] = Math.min(other.#range[0]!, this.#range[0]!);
    other.#range[1] = Math.max(other.#range[1]!, this.#range[1]!);
    this.#clear();
  }

  #clear(): void {
    this.#counts.fill(0);
    this.#range[0] = Infinity;
    this.#range[1] = -Infinity;
  }

  /** The smallest value that at least the part `q` (0 to 1) of all values does not exceed; `NaN` of none. */
  quantile(q: number): number {
    const count = this.count;
    if (count === 0) return NaN;
    const rank = Math.max(1, Math.ceil(q * count));
    let index = 0;
    for (let seen = this.#counts[0]!; seen < rank; seen += this.#counts[index]!) index++;
    // The point of the bucket from which both its bounds are equally far, relative to themselves.
    const value = LOWEST * GAMMA ** index * 2 / (1 + GAMMA);
    return Math.min(Math.max(value, inRange(this.#range[0]!)), inRange(this.#range[1]!));
  }

  /** The median and the tail in milliseconds, to the microsecond, `undefined` of no values. */
  percentiles(): Percentiles | undefined {
    if (this.count === 0) return undefined;
    const at = (q: number) => Math.round(this.quantile(q)) / 1000;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}

/** How busy each of many holders is: the higher, the more it deserves a histogram. Holders are small numbers. */
export interface Holders {
  count(holder: number): number;
}

/**
 * Keeps histograms for the busiest of many holders and pools the values of all others in one.
 *
 * A holder without a histogram that brings a value is compared with one that has one, in turn, and takes it over
 * when it is busier by a quarter; the values that were in it go to the pool. So a flood of holders with one
 * value each, early or late, keeps no histogram from a busy one, and holders of about the same count do not
 * push each other out. A histogram covers the time since its holder got it.
 */
export class HistogramPool {
  readonly #cap: number;
  readonly #holders: Holders;
  /** All histograms, one behind the other in two blocks, so that a value is added without a look at any object. */
  readonly #counts: Uint32Array<ArrayBuffer>;
  readonly #ranges: Float64Array<ArrayBuffer>;
  /** By place. The one at place 0 is pooled. */
  readonly #histograms: Histogram[] = [];
  /** Who has the histogram at each place. */
  readonly #owners: number[] = [];
  /** By holder: the place of its histogram, 0 for none. */
  #places = new Int32Array(256);
  /** The place whose owner was last compared with. */
  #hand = 0;

  constructor(holders: Holders, cap = 512) {
    this.#holders = holders;
    this.#cap = cap;
    // Room for all: the system gives memory only to what is used of it.
    this.#counts = new Uint32Array((cap + 1) * BUCKETS);
    this.#ranges = new Float64Array((cap + 1) * 2);
    this.#append(-1);
  }

  /** The values of holders without a histogram. */
  get pooled(): Histogram {
    return this.#histograms[0]!;
  }

  /** The histogram that the holder has. */
  of(holder: number): Histogram | undefined {
    const place = this.#places[holder] ?? 0;
    return place > 0 ? this.#histograms[place] : undefined;
  }

  /** Adds a value, whose bucket is `bucket`, for `holder`, or with -1 for nobody. Constant time. */
  add(holder: number, micros: number, bucket = bucketOf(micros)): void {
    let place = 0;
    if (holder >= 0) {
      if (holder >= this.#places.length) this.#grow(holder);
      place = this.#places[holder]! || this.#claim(holder);
    }
    this.#counts[place * BUCKETS + bucket]!++;
    const ranges = this.#ranges;
    if (micros < ranges[2 * place]!) ranges[2 * place] = micros;
    if (micros > ranges[2 * place + 1]!) ranges[2 * place + 1] = micros;
  }

  /**
   * Says that `holder` stands for something else from now on. It keeps its histogram, without the values, until
   * one that is busier brings a value.
   */
  restart(holder: number): void {
    this.of(holder)?.moveTo(this.pooled);
  }

  /** The place of the newcomer's histogram, 0 if it gets none. */
  #claim(newcomer: number): number {
    if (this.#histograms.length <= this.#cap) return this.#places[newcomer] = this.#append(newcomer);
    if (this.#cap === 0) return 0;
    this.#hand = this.#hand < this.#cap ? this.#hand + 1 : 1;
    const place = this.#hand, owner = this.#owners[place]!;
    if (this.#holders.count(newcomer) <= this.#holders.count(owner) * 1.25) return 0;
    this.#histograms[place]!.moveTo(this.pooled);
    this.#places[owner] = 0;
    this.#owners[place] = newcomer;
    return this.#places[newcomer] = place;
  }

  /** Makes one more histogram and returns its place. */
  #append(owner: number): number {
    const place = this.#histograms.length;
    const counts = this.#counts.subarray(place * BUCKETS, (place + 1) * BUCKETS);
    this.#histograms.push(new Histogram(counts, this.#ranges.subarray(2 * place, 2 * place + 2)));
    this.#owners.push(owner);
    return place;
  }

  #grow(holder: number): void {
    const places = new Int32Array(Math.max(2 * this.#places.length, holder + 1));
    places.set(this.#places);
    this.#places = places;
  }
}
