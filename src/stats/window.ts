/**
 * How many hits fell into the last stretch of time.
 *
 * @module
 */

/** Buckets of a window: enough for steps of 100 ms in 2 minutes, in 10 KiB. */
const BUCKETS = 1200;

/**
 * Counts the hits of the last `lengthMicros` in a ring of buckets. Time is in microseconds and comes from
 * the caller only.
 *
 * A bucket leaves the window as a whole, so a hit is forgotten up to one bucket (1/1200 of the length) before
 * it is `lengthMicros` old. (A length that is no multiple of 1200 µs is first rounded up to whole buckets.) Time
 * that goes backwards is taken as the latest time seen.
 */
export class SlidingWindow {
  readonly #onExpire: ((time: number, count: number) => void) | undefined;
  /** Length of a bucket in microseconds. */
  readonly #width: number;
  readonly #hits: Float64Array;
  /** Number of the current bucket, counted from the epoch, its place in the ring, and when it ends. */
  #bucket = -Infinity;
  #slot = 0;
  #bucketEnd = -Infinity;
  #now = -Infinity;
  #count = 0;

  /**
   * `onExpire` is told of each moment at which hits left the window, in order, with the count from then on.
   * Throws a `RangeError` for a length that is not a positive whole number.
   */
  constructor(lengthMicros: number, onExpire?: (time: number, count: number) => void) {
    if (!Number.isSafeInteger(lengthMicros) || lengthMicros <= 0) {
      throw new RangeError(
        `A window's length must be a positive number of microseconds, got ${lengthMicros}`,
      );
    }
    this.#onExpire = onExpire;
    this.#width = Math.ceil(lengthMicros / BUCKETS);
    this.#hits = new Float64Array(Math.ceil(lengthMicros / this.#width));
  }

  /** Hits in the window that ends now. */
  get count(): number {
    return this.#count;
  }

  /** Latest time seen, `-Infinity` before the first. */
  get now(): number {
    return this.#now;
  }

  /** Moves the window's end to `now`. Costs at most one round of the ring, however long the gap. */
  advance(now: number): void {
    if (now > this.#now) this.#now = now;
    if (now >= this.#bucketEnd) this.#expire(now);
  }

  /** Moves the window's end to `now` and counts `hits` there. */
  add(now: number, hits = 1): void {
    this.advance(now);
    this.#hits[this.#slot]! += hits;
    this.#count += hits;
  }

  #expire(now: number): void {
    // Beyond these, which a damaged capture can name, buckets can no longer be counted one by one.
    const time = Math.min(Math.max(now, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
    const target = Math.floor(time / this.#width);
    // Once the count is 0 every bucket is empty, so what is left of the gap can be skipped.
    for (let bucket = this.#bucket + 1; bucket <= target && this.#count > 0; bucket++) {
      const slot = this.#slotOf(bucket);
      const expired = this.#hits[slot] ?? 0;
      if (expired === 0) continue;
      this.#hits[slot] = 0;
      this.#count -= expired;
      this.#onExpire?.(bucket * this.#width, this.#count);
    }
    this.#bucket = target;
    this.#slot = this.#slotOf(target);
    this.#bucketEnd = (target + 1) * this.#width;
  }

  /** A bucket's place in the ring. Before 1970 buckets have negative numbers. */
  #slotOf(bucket: number): number {
    const rest = bucket % this.#hits.length;
    return rest < 0 ? rest + this.#hits.length : rest;
  }
}
