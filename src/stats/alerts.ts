/**
 * Alerts: rules that watch the traffic, and one alert for each time that a rule's condition held.
 *
 * @module
 */

import { formatDuration } from "../duration.ts";
import { rfc3339 } from "../time.ts";
import type { AlertFigures, AlertLosses } from "./report.ts";
import { SlidingWindow } from "./window.ts";

/** Durations in messages are told to the second from here on. */
const SECOND = 1_000_000;

/** What alerts are made of. */
export interface AlertOptions {
  /** An alert fires when the requests in the window exceed this. */
  threshold: number;
  /** Length of the window in microseconds. */
  windowMicros: number;
  /** Most alerts kept; default 1000. */
  cap?: number;
  /** The capture's losses so far. Called only when an alert fires or resolves. */
  losses: () => AlertLosses;
}

/** What rules look at. Handed on whole: a number that is no small integer would be copied to the heap for each call. */
export interface TimedRequest {
  /** When it was made. */
  readonly time: number;
}

/** One time that more requests than the threshold fell into the window, still going on or over. */
class Alert {
  value: number;
  peak: number;
  resolvedAt: number | undefined;
  readonly #lossesAtStart: AlertLosses;
  #lossesAtEnd: AlertLosses | undefined;
  /** The figures once they no longer change. */
  #final: AlertFigures | undefined;

  constructor(
    readonly rule: RequestThreshold,
    readonly startedAt: number,
    value: number,
    losses: AlertLosses,
  ) {
    this.value = this.peak = value;
    this.#lossesAtStart = { ...losses };
  }

  /** Notes that it goes on with this many requests in the window. */
  goOn(value: number): void {
    this.value = value;
    if (value > this.peak) this.peak = value;
  }

  resolve(time: number, value: number, losses: AlertLosses): void {
    this.resolvedAt = time;
    this.value = value;
    this.#lossesAtEnd = { ...losses };
  }

  /** `now` and `losses` count while it is firing only. */
  figures(now: number, losses: AlertLosses): AlertFigures {
    if (this.resolvedAt === undefined) return this.#figures(now, losses);
    const { ...figures } = this.#final ??= this.#figures(now, losses);
    figures.losses = { ...figures.losses };
    figures.contributors = figures.contributors.map((contributor) => ({ ...contributor }));
    return figures;
  }

  #figures(now: number, losses: AlertLosses): AlertFigures {
    const { threshold, window, text } = this.rule;
    const resolved = this.resolvedAt !== undefined;
    const duration = (this.resolvedAt ?? now) - this.startedAt;
    const requests = `${this.value} ${this.value === 1 ? "request" : "requests"} in ${window}`;
    const time = formatDuration(duration < SECOND ? duration : Math.round(duration / SECOND) * SECOND);
    return {
      rule: text,
      state: resolved ? "resolved" : "firing",
      metric: "requests",
      unit: "requests",
      value: this.value,
      threshold,
      peak: this.peak,
      window,
      startedAt: rfc3339(this.startedAt),
      ...(this.resolvedAt !== undefined && { resolvedAt: rfc3339(this.resolvedAt) }),
      durationSeconds: duration / SECOND,
      message: resolved
        ? `Recovered after ${time}: ${requests}, peak ${this.peak}`
        : `High traffic: ${requests} (threshold ${threshold}), firing for ${time}, peak ${this.peak}`,
      contributors: [],
      losses: difference(this.#lossesAtEnd ?? losses, this.#lossesAtStart),
    };
  }
}

/** The rule that fires while the requests in a sliding window exceed a threshold. */
class RequestThreshold {
  readonly text: string;
  readonly window: string;
  readonly #hits: SlidingWindow;
  readonly #losses: () => AlertLosses;
  readonly #onFire: (alert: Alert) => void;
  #firing: Alert | undefined;

  constructor(
    readonly threshold: number,
    windowMicros: number,
    losses: () => AlertLosses,
    onFire: (alert: Alert) => void,
  ) {
    this.window = formatDuration(windowMicros);
    this.text = `requests>${threshold} over ${this.window}`;
    this.#hits = new SlidingWindow(windowMicros, (time, count) => this.#fall(time, count));
    this.#losses = losses;
    this.#onFire = onFire;
  }

  /** Latest time seen. */
  get now(): number {
    return this.#hits.now;
  }

  request(request: TimedRequest): void {
    const hits = this.#hits;
    hits.add(request.time);
    const count = hits.count;
    if (count <= this.threshold) return;
    if (this.#firing !== undefined) return this.#firing.goOn(count);
    this.#firing = new Alert(this, hits.now, count, this.#losses());
    this.#onFire(this.#firing);
  }

  advance(now: number): void {
    this.#hits.advance(now);
  }

  #fall(time: number, count: number): void {
    if (this.#firing === undefined) return;
    if (count > this.threshold) return this.#firing.goOn(count);
    this.#firing.resolve(time, count, this.#losses());
    this.#firing = undefined;
  }
}

/**
 * The rules and all alerts they made, oldest first. At the cap the oldest resolved alert gives way to a new
 * one and is counted in `evicted`. Time is the caller's, packet time or wall time, in microseconds since the
 * epoch; time that goes backwards is taken as the latest seen.
 */
export class Alerts {
  readonly #rules: RequestThreshold[];
  readonly #alerts: Alert[] = [];
  readonly #cap: number;
  #evicted = 0;

  constructor({ threshold, windowMicros, cap = 1000, losses }: AlertOptions) {
    this.#cap = cap;
    this.#rules = [new RequestThreshold(threshold, windowMicros, losses, (alert) => this.#keep(alert))];
  }

  /** Latest time seen, `-Infinity` before the first. */
  get now(): number {
    return this.#rules[0]!.now;
  }

  /** Resolved alerts that are no longer kept. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Counts a request. */
  request(request: TimedRequest): void {
    for (let rule = 0; rule < this.#rules.length; rule++) this.#rules[rule]!.request(request);
  }

  /** Lets time pass: an alert resolves at the moment its condition ended, without any traffic. */
  advance(now: number): void {
    for (const rule of this.#rules) rule.advance(now);
  }

  /** All alerts kept. `losses` are the capture's losses so far, for alerts that are firing. */
  figures(losses: AlertLosses): AlertFigures[] {
    return this.#alerts.map((alert) => alert.figures(alert.rule.now, losses));
  }

  #keep(alert: Alert): void {
    if (this.#alerts.length >= this.#cap) {
      const oldest = this.#alerts.findIndex(({ resolvedAt }) => resolvedAt !== undefined);
      if (oldest >= 0) {
        this.#alerts.splice(oldest, 1);
        this.#evicted++;
      }
    }
    this.#alerts.push(alert);
  }
}

/** What was lost between two moments. A capture's counters may lag, but never count backwards here. */
function difference(end: AlertLosses, start: AlertLosses): AlertLosses {
  const lost = (name: keyof AlertLosses) => Math.max(0, end[name] - start[name]);
  return {
    droppedByKernel: lost("droppedByKernel"),
    droppedByInterface: lost("droppedByInterface"),
    tcpGaps: lost("tcpGaps"),
    unparsed: lost("unparsed"),
    unpaired: lost("unpaired"),
    evicted: lost("evicted"),
  };
}
