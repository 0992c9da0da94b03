/**
 * Requests by key, and what became of them.
 *
 * @module
 */

import { Measures } from "./measures.ts";
import { Places } from "./places.ts";
import type { StatusCounts, TrafficFigures } from "./report.ts";
import { round } from "./round.ts";
import { TopTable, type TopTableOptions } from "./top.ts";

// Words of a slot's figures: of one line of the processor's cache.
/** Of request and response bodies. */
const BYTES = 0;
/** Outcomes by class. */
const OUTCOMES = 1;
const CLASSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx", "other"] as const;
const FIRST_ERROR_CLASS = 4, OTHER = 6;
const WORDS = 8;

/** The class of a status, which is 100 or above, or of 0 for no response. */
export function statusClassOf(status: number): number {
  return status < 600 ? status / 100 | 0 : OTHER;
}

/** A table of requests, and by its slots what became of these. */
export class Counted {
  readonly table: TopTable;
  #figures = new Float64Array(0);

  constructor(options: TopTableOptions) {
    this.table = new TopTable(options);
  }

  /** Begins anew with the slot that was just given to a key. Returns it. */
  restart(slot: number): number {
    const length = this.table.slots * WORDS;
    if (length > this.#figures.length) {
      const figures = new Float64Array(length);
      figures.set(this.#figures);
      this.#figures = figures;
    }
    const start = slot * WORDS;
    for (let word = 0; word < WORDS; word++) this.#figures[start + word] = 0;
    return slot;
  }

  /** Counts the outcome of a request: the class of its status, and the bytes of both bodies. */
  countOutcome(slot: number, statusClass: number, bytes: number): void {
    const start = slot * WORDS;
    this.#figures[start + OUTCOMES + statusClass]!++;
    this.#figures[start + BYTES]! += bytes;
  }

  /** A slot's figures, when there were so many requests in so many seconds. */
  figures(slot: number, allRequests: number, seconds: number): TrafficFigures {
    const requests = this.table.count(slot);
    const start = slot * WORDS;
    const status: StatusCounts = {};
    let responses = 0, errors = 0;
    for (let index = 1; index < CLASSES.length; index++) {
      const count = this.#figures[start + OUTCOMES + index]!;
      if (count === 0) continue;
      status[CLASSES[index] as keyof StatusCounts] = count;
      responses += count;
      if (index >= FIRST_ERROR_CLASS) errors += count;
    }
    return {
      requests,
      share: round(requests / allRequests, 4),
      requestsPerSecond: perSecond(requests, seconds),
      status,
      errorRate: errorRate(errors, responses),
      bytes: this.#figures[start + BYTES]!,
    };
  }
}

/** A table of requests whose busiest keys have places for what cannot be kept of all. */
export class Measured extends Counted {
  readonly places: Places;
  readonly measures: Measures;

  /** With `cap` places. `onVacated` is told of a place that stands for something else from now on. */
  constructor(options: TopTableOptions, cap: number, onVacated: (place: number) => void = () => {}) {
    super(options);
    const measures = this.measures = new Measures(cap);
    this.places = new Places(this.table, cap, (place) => {
      measures.clear(place);
      onVacated(place);
    });
  }

  override restart(slot: number): number {
    super.restart(slot);
    this.places.restart(slot);
    return slot;
  }
}

/** 0 for no time. */
export function perSecond(count: number, seconds: number): number {
  return seconds > 0 ? round(count / seconds, 3) : 0;
}

/** The part of the responses that are errors, 0 without any. */
export function errorRate(errors: number, responses: number): number {
  return responses > 0 ? round(errors / responses, 4) : 0;
}
