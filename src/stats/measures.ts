/**
 * How long each phase takes, by host or section.
 *
 * @module
 */

import { PHASES } from "../network/opening.ts";
import { BUCKETS, Histogram, RANGE_WORDS, widenRange } from "./quantile.ts";
import type { KeyFigures } from "./report.ts";

/** What is measured, in the order of the report. */
const MEASURES = [...PHASES, "server"] as const;

/** The numbers of the measures. */
export const DNS = 0, ARP = 1, CONNECT = 2, SEND = 3, WAIT = 4, RECEIVE = 5, SERVER = 6;

/** Percentiles by measure. */
export type MeasureFigures = Pick<KeyFigures, `${typeof MEASURES[number]}Ms`>;

/** Histograms of all measures for those who have places. They cover the time since their owner got its place. */
export class Measures {
  readonly #cap: number;
  // All histograms, so that a value is added without a look at any object. Those of a measure are next to each other, as
  // most measures are used by few or by none.
  readonly #counts: Uint32Array<ArrayBuffer>;
  readonly #ranges: Uint32Array<ArrayBuffer>;
  /** By place: exchanges that took no time to send nor to receive, whose zeros are not in the histograms yet. */
  readonly #momentary: Float64Array<ArrayBuffer>;

  /** For places up to `cap`. */
  constructor(cap: number) {
    this.#cap = cap;
    // Room for all: the system gives memory only to what is used of it.
    this.#counts = new Uint32Array(cap * MEASURES.length * BUCKETS);
    this.#ranges = new Uint32Array(cap * MEASURES.length * RANGE_WORDS);
    this.#momentary = new Float64Array(cap + 1);
  }

  /** Adds a value, unless it is -1, as `wholeMicros` gives it; its bucket is `bucket`. */
  add(place: number, measure: number, micros: number, bucket: number): void {
    if (micros < 0) return;
    const histogram = this.#numberOf(place, measure);
    this.#counts[histogram * BUCKETS + bucket]!++;
    widenRange(this.#ranges, histogram * RANGE_WORDS, micros);
  }

  /** Adds a 0 to what is sent and to what is received: so most exchanges are, as each message is one segment. */
  addMomentary(place: number): void {
    this.#momentary[place]!++;
  }

  /** Forgets the values of a place. */
  clear(place: number): void {
    for (let measure = 0; measure < MEASURES.length; measure++) {
      this.#histogram(place, measure).clear();
    }
    this.#momentary[place] = 0;
  }

  /** Percentiles of what was observed. */
  figures(place: number): MeasureFigures {
    const zeros = this.#momentary[place]!;
    this.#momentary[place] = 0;
    this.#histogram(place, SEND).addZeros(zeros);
    this.#histogram(place, RECEIVE).addZeros(zeros);
    const figures: MeasureFigures = {};
    for (let measure = 0; measure < MEASURES.length; measure++) {
      const percentiles = this.#histogram(place, measure).percentiles();
      if (percentiles) figures[`${MEASURES[measure]!}Ms`] = percentiles;
    }
    return figures;
  }

  /** A view of a histogram. */
  #histogram(place: number, measure: number): Histogram {
    const number = this.#numberOf(place, measure);
    return new Histogram(
      this.#counts.subarray(number * BUCKETS, (number + 1) * BUCKETS),
      this.#ranges.subarray(number * RANGE_WORDS, (number + 1) * RANGE_WORDS),
    );
  }

  #numberOf(place: number, measure: number): number {
    return measure * this.#cap + place - 1;
  }
}
