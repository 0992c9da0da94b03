/**
 * Alerts: rules that watch the traffic, and one alert for each time that a rule's condition held.
 *
 * @module
 */

import { formatDuration } from "../duration.ts";
import type { AddressChange } from "../network/events.ts";
import { rfc3339 } from "../time.ts";
import type { AlertFigures, AlertLosses } from "./report.ts";
import { SlidingWindow } from "./window.ts";

/** Durations in messages are told to the second from here on. */
const SECOND = 1_000_000;

/** What alerts are made of. */
export interface AlertOptions {
  /** An alert fires when the requests in the window exceed this. */
  threshold: number;
  /** Length of the window of all rules in microseconds. */
  windowMicros: number;
  /** Most alerts kept; default 1000. */
  cap?: number;
  /** The capture's losses so far. Called only when an alert fires or resolves. */
  losses: () => AlertLosses;
}

/** What rules look at. Handed on whole: a number that is no small integer would be copied to the heap for each call. */
export interface Timed {
  /** When it was made, or happened. */
  readonly time: number;
}

/** Most contributors told of an alert. */
const CONTRIBUTORS = 10;

/** One time that more hits than a rule's threshold fell into its window, still going on or over. */
class Alert {
  value: number;
  peak: number;
  resolvedAt: number | undefined;
  /** What happened, in the rule's words. */
  event = "";
  readonly #contributors = new Map<string, AlertFigures["contributors"][number]>();
  readonly #lossesAtStart: AlertLosses;
  #lossesAtEnd: AlertLosses | undefined;
  /** The figures once they no longer change. */
  #final: AlertFigures | undefined;

  constructor(
    readonly rule: CountRule,
    readonly startedAt: number,
    value: number,
    losses: AlertLosses,
  ) {
    this.value = this.peak = value;
    this.#lossesAtStart = { ...losses };
  }

  /** Notes that it goes on with this many hits in the window. */
  goOn(value: number): void {
    this.value = value;
    if (value > this.peak) this.peak = value;
  }

  /** Counts a contributor. Those that come when there are as many as are told are left out. */
  contribute(by: string, key: string): void {
    const id = `${by} ${key}`;
    const known = this.#contributors.get(id);
    if (known) known.value++;
    else if (this.#contributors.size < CONTRIBUTORS) this.#contributors.set(id, { by, key, value: 1 });
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
    const { rule } = this;
    const duration = (this.resolvedAt ?? now) - this.startedAt;
    const time = formatDuration(duration < SECOND ? duration : Math.round(duration / SECOND) * SECOND);
    return {
      rule: rule.text,
      state: this.resolvedAt === undefined ? "firing" : "resolved",
      metric: rule.metric,
      unit: rule.unit,
      value: this.value,
      threshold: rule.threshold,
      peak: this.peak,
      window: rule.window,
      startedAt: rfc3339(this.startedAt),
      ...(this.resolvedAt !== undefined && { resolvedAt: rfc3339(this.resolvedAt) }),
      durationSeconds: duration / SECOND,
      message: this.resolvedAt === undefined
        ? rule.firingMessage(this, time)
        : rule.resolvedMessage(this, time),
      contributors: [...this.#contributors.values()].map((contributor) => ({ ...contributor }))
        .sort((a, b) => b.value - a.value),
      losses: difference(this.#lossesAtEnd ?? losses, this.#lossesAtStart),
    };
  }
}

/** What a rule is made of. */
interface RuleOptions {
  readonly threshold: number;
  readonly windowMicros: number;
  readonly losses: () => AlertLosses;
  readonly onFire: (alert: Alert) => void;
}

/** A rule that fires while the hits in a sliding window exceed a threshold. What a hit is, its kinds say. */
abstract class CountRule {
  abstract readonly text: string;
  abstract readonly metric: string;
  abstract readonly unit: string;
  readonly threshold: number;
  readonly window: string;
  readonly #hits: SlidingWindow;
  readonly #losses: () => AlertLosses;
  readonly #onFire: (alert: Alert) => void;
  #firing: Alert | undefined;

  constructor({ threshold, windowMicros, losses, onFire }: RuleOptions) {
    this.threshold = threshold;
    this.window = formatDuration(windowMicros);
    this.#hits = new SlidingWindow(windowMicros, (time, count) => this.#fall(time, count));
    this.#losses = losses;
    this.#onFire = onFire;
  }

  /** What an alert says after so long. */
  abstract firingMessage(alert: Alert, duration: string): string;
  abstract resolvedMessage(alert: Alert, duration: string): string;

  /** Latest time seen. */
  get now(): number {
    return this.#hits.now;
  }

  /** Counts a hit. Returns the alert that is firing then. */
  hit(event: Timed): Alert | undefined {
    const hits = this.#hits;
    hits.add(event.time);
    const count = hits.count;
    if (count <= this.threshold) return undefined;
    if (this.#firing !== undefined) {
      this.#firing.goOn(count);
    } else {
      this.#firing = new Alert(this, hits.now, count, this.#losses());
      this.#onFire(this.#firing);
    }
    return this.#firing;
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

/** The rule for too many requests. */
class RequestRule extends CountRule {
  readonly text: string;
  readonly metric = "requests";
  readonly unit = "requests";

  constructor(options: RuleOptions) {
    super(options);
    this.text = `requests>${this.threshold} over ${this.window}`;
  }

  firingMessage({ value, peak }: Alert, duration: string): string {
    const { threshold } = this;
    return `High traffic: ${
      this.#inWindow(value)
    } (threshold ${threshold}), firing for ${duration}, peak ${peak}`;
  }

  resolvedMessage({ value, peak }: Alert, duration: string): string {
    return `Recovered after ${duration}: ${this.#inWindow(value)}, peak ${peak}`;
  }

  #inWindow(value: number): string {
    return `${value} ${value === 1 ? "request" : "requests"} in ${this.window}`;
  }
}

/** The rule for addresses that change their link layer address: its alert tells of the latest change. */
class AddressChangeRule extends CountRule {
  readonly text = "address changed its link layer address";
  readonly metric = "addressChanges";
  readonly unit = "changes";

  change(change: AddressChange): void {
    const alert = this.hit(change);
    if (alert === undefined) return;
    const { address, from, to } = change;
    alert.event = `${address} changed from ${from} to ${to}: a possible spoof`;
    alert.contribute("address", `${address} ${from} → ${to}`);
  }

  firingMessage({ event, value, peak }: Alert, duration: string): string {
    return `${event}, ${this.#inWindow(value)}, firing for ${duration}, peak ${peak}`;
  }

  resolvedMessage({ event, value, peak }: Alert, duration: string): string {
    return `${event}, over after ${duration}: ${this.#inWindow(value)}, peak ${peak}`;
  }

  #inWindow(value: number): string {
    return `${value} ${value === 1 ? "change" : "changes"} in ${this.window}`;
  }
}

/**
 * The rules and all alerts they made, oldest first. At the cap the oldest resolved alert gives way to a new
 * one and is counted in `evicted`. Time is the caller's, packet time or wall time, in microseconds since the
 * epoch; time that goes backwards is taken as the latest seen.
 */
export class Alerts {
  readonly #requests: RequestRule;
  readonly #addressChanges: AddressChangeRule;
  readonly #rules: readonly CountRule[];
  readonly #alerts: Alert[] = [];
  readonly #cap: number;
  #evicted = 0;

  constructor({ threshold, windowMicros, cap = 1000, losses }: AlertOptions) {
    this.#cap = cap;
    const options = { windowMicros, losses, onFire: (alert: Alert) => this.#keep(alert) };
    this.#requests = new RequestRule({ ...options, threshold });
    this.#addressChanges = new AddressChangeRule({ ...options, threshold: 0 });
    this.#rules = [this.#requests, this.#addressChanges];
  }

  /** Latest time of requests and advances, `-Infinity` before the first. */
  get now(): number {
    return this.#requests.now;
  }

  /** Resolved alerts that are no longer kept. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Counts a request. */
  request(request: Timed): void {
    this.#requests.hit(request);
  }

  /** Fires, as no change of an address is expected. */
  addressChange(change: AddressChange): void {
    this.#addressChanges.change(change);
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
