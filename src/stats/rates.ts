/**
 * Requests a second over the last seconds and minutes.
 *
 * @module
 */

import type { Holders, Places } from "./places.ts";
import type { Rates } from "./report.ts";
import { round } from "./round.ts";

const SECOND = 1_000_000;

/** Lengths of the windows in seconds. */
const WINDOWS: readonly (readonly [keyof Rates, number])[] = [["now", 5], ["1m", 60], ["5m", 300], [
  "15m",
  900,
]];
/** Samples kept: one for each second of the longest window and of the moment. */
const SAMPLES = 901;

/**
 * Rates of all requests, and of those of each holder that has a place. Counting costs nothing: once a second of the
 * caller's time, when the first request or `advance` of a new second comes, the counts so far are written down; 1.8 MiB
 * for 512 places. Seconds without requests need no sample, so time may jump.
 *
 * A window begins on a whole second: its rate is exact for a time that is up to a second longer than its name says, or
 * for the time since the start if that is shorter. The rates of a holder that took over a place are those since then.
 * A request whose time lies before the latest seen counts at the latest.
 */
export class RateSampler {
  /** When a sample is due, in microseconds. */
  due = -Infinity;
  readonly #places: Places;
  readonly #holders: Holders;
  /** A sample has the second of its time and all requests before that second, and those of each place in a row. */
  readonly #seconds = new Float64Array(SAMPLES);
  readonly #totals = new Float64Array(SAMPLES);
  /** Counts modulo 2³². */
  readonly #rows: Uint32Array<ArrayBuffer>;
  readonly #rowLength: number;
  /** Samples ever taken. Number `n` is at `n` modulo `SAMPLES`. */
  #taken = 0;
  /** By place: when its figures began, if not with all others', and its owner's count then. */
  readonly #began: Float64Array<ArrayBuffer>;
  readonly #countsBefore: Float64Array<ArrayBuffer>;

  /** `cap` is the highest place there can be. */
  constructor(places: Places, holders: Holders, cap: number) {
    this.#places = places;
    this.#holders = holders;
    this.#rowLength = cap + 1;
    this.#rows = new Uint32Array(SAMPLES * this.#rowLength);
    this.#began = new Float64Array(this.#rowLength).fill(-Infinity);
    this.#countsBefore = new Float64Array(this.#rowLength);
  }

  /** Takes a sample at `now`, before the first request of a new second is counted. `total` is all requests so far. */
  sample(now: number, total: number): void {
    const second = Math.floor(now / SECOND);
    this.due = (second + 1) * SECOND;
    const at = this.#taken++ % SAMPLES;
    this.#seconds[at] = second;
    this.#totals[at] = total;
    const row = at * this.#rowLength;
    for (let place = 1; place < this.#places.end; place++) {
      this.#rows[row + place] = this.#holders.count(this.#places.owner(place));
    }
  }

  /** Begins anew with a place that has another owner, or whose owner stands for something else. */
  restart(place: number, now: number): void {
    this.#began[place] = now;
    this.#countsBefore[place] = this.#holders.count(this.#places.owner(place));
  }

  /** Rates of all requests, of which there were `total` from `start` to `now`. */
  all(start: number, now: number, total: number): Rates {
    return rates(start, now, (from) => total - (from === start ? 0 : this.#totals[this.#sampleAt(from)]!));
  }

  /** Rates of the requests of a place's owner. */
  of(place: number, start: number, now: number): Rates {
    const count = this.#holders.count(this.#places.owner(place));
    const began = Math.max(start, this.#began[place]!);
    return rates(began, now, (from) => {
      if (from === began) return count - this.#countsBefore[place]!;
      return (count - this.#rows[this.#sampleAt(from) * this.#rowLength + place]!) >>> 0;
    });
  }

  /**
   * Where the first sample is that was taken at a whole second or later. As every second with requests has a sample from
   * before them, it has the count at that second.
   */
  #sampleAt(time: number): number {
    const second = time / SECOND;
    let low = Math.max(0, this.#taken - SAMPLES), high = this.#taken - 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#seconds[middle % SAMPLES]! < second) low = middle + 1;
      else high = middle;
    }
    return low % SAMPLES;
  }
}

/** The rates of each window, given how many requests came from a moment on: `start` or a whole second after it. */
function rates(start: number, now: number, since: (from: number) => number): Rates {
  const figures: Rates = { now: 0, "1m": 0, "5m": 0, "15m": 0 };
  const second = Math.floor(now / SECOND);
  for (const [name, length] of WINDOWS) {
    const from = Math.max((second - length) * SECOND, start);
    if (from < now) figures[name] = round(since(from) / (now - from) * SECOND, 3);
  }
  return figures;
}
