/**
 * Percentiles of durations in bounded memory.
 *
 * @module
 */

import type { Percentiles } from "./report.ts";

/** A value is told with at most this relative error, between `LOWEST` and `HIGHEST` milliseconds. */
const RELATIVE_ERROR = 0.02;
const LOWEST = 0.01;
const HIGHEST = 1_000_000;

/** Ratio of a bucket's upper bound to its lower one. */
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const BUCKETS_PER_E = 1 / Math.log(GAMMA);
/** Bucket 0 is for all up to `LOWEST`, the last also for all above `HIGHEST`. */
const BUCKETS = Math.ceil(Math.log(HIGHEST / LOWEST) * BUCKETS_PER_E) + 1;

/**
 * A histogram of milliseconds with logarithmic buckets: percentiles from 10 µs to 1000 s with a relative error
 * of at most 2 %, in 2 KiB. Values outside count as the nearest end of that range.
 */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #lowest = Infinity;
  #highest = -Infinity;

  /** Number of values added. */
  get count(): number {
    return this.#count;
  }

  add(milliseconds: number): void {
    const value = milliseconds > LOWEST ? Math.min(milliseconds, HIGHEST) : LOWEST;
    const index = Math.ceil(Math.log(value / LOWEST) * BUCKETS_PER_E);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count++;
    if (value < this.#lowest) this.#lowest = value;
    if (value > this.#highest) this.#highest = value;
  }

  /** Moves all values of this histogram to another, leaving this one empty. */
  moveTo(other: Histogram): void {
    for (let index = 0; index < BUCKETS; index++) {
      other.#counts[index] = (other.#counts[index] ?? 0) + (this.#counts[index] ?? 0);
    }
    other.#count += this.#count;
    other.#lowest = Math.min(other.#lowest, this.#lowest);
    other.#highest = Math.max(other.#highest, this.#highest);
    this.#counts.fill(0);
    this.#count = 0;
    this.#lowest = Infinity;
    this.#highest = -Infinity;
  }

  /** The smallest value that at least the part `q` (0 to 1) of all values does not exceed; `NaN` of none. */
  quantile(q: number): number {
    if (this.#count === 0) return NaN;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let index = 0;
    for (let seen = this.#counts[0] ?? 0; seen < rank; seen += this.#counts[index] ?? 0) index++;
    // The point of the bucket from which both its bounds are equally far, relative to themselves.
    const value = LOWEST * GAMMA ** index * 2 / (1 + GAMMA);
    return Math.min(Math.max(value, this.#lowest), this.#highest);
  }

  /** The median and the tail to the microsecond, `undefined` of no values. */
  percentiles(): Percentiles | undefined {
    if (this.#count === 0) return undefined;
    const at = (q: number) => Math.round(this.quantile(q) * 1000) / 1000;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}

/** What a pool gives histograms to. */
export interface HistogramHolder {
  /** How busy it is: the higher, the more it deserves a histogram. */
  readonly count: number;
  /** Set by the pool alone. */
  histogram: Histogram | undefined;
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
  /** The values of holders without a histogram. */
  readonly pooled = new Histogram();
  readonly #cap: number;
  readonly #holders: HistogramHolder[] = [];
  /** The next holder to be compared with. */
  #hand = 0;

  constructor(cap = 512) {
    this.#cap = cap;
  }

  /** Adds a value for `holder`. Constant time. */
  add(holder: HistogramHolder, milliseconds: number): void {
    const histogram = holder.histogram ?? this.#claim(holder);
    (histogram ?? this.pooled).add(milliseconds);
  }

  #claim(newcomer: HistogramHolder): Histogram | undefined {
    if (this.#holders.length < this.#cap) {
      this.#holders.push(newcomer);
      return newcomer.histogram = new Histogram();
    }
    const slot = this.#hand;
    this.#hand = (slot + 1) % this.#cap;
    const holder = this.#holders[slot];
    if (holder?.histogram === undefined || newcomer.count <= holder.count * 1.25) return undefined;
    holder.histogram.moveTo(this.pooled);
    newcomer.histogram = holder.histogram;
    holder.histogram = undefined;
    this.#holders[slot] = newcomer;
    return newcomer.histogram;
  }
}
