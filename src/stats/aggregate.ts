/**
 * The aggregate: running totals of all traffic seen, from which a report can be made at any moment. Nothing
 * here looks at past requests again, and memory does not grow with traffic.
 *
 * @module
 */

import type { Exchange } from "../http/exchange.ts";
import { rfc3339 } from "../time.ts";
import { Alerts } from "./alerts.ts";
import { DistinctCounter } from "./distinct.ts";
import { type Bits64, randomHashKey } from "./hash.ts";
import { type Histogram, type HistogramHolder, HistogramPool } from "./quantile.ts";
import type { AlertLosses, CaptureFigures, KeyFigures, Report, StatusCounts } from "./report.ts";
import { TopEntry, TopTable } from "./top.ts";

/** What an aggregate is made of. */
export interface AggregateOptions {
  /** An alert fires when the requests in the window exceed this. */
  threshold: number;
  /** Length of the alert's window in microseconds. */
  windowMicros: number;
  /** Longest list in a report. */
  top: number;
  /** The capture's losses so far. Called only when an alert fires or resolves. */
  losses: () => AlertLosses;
  /** Most hosts, sections, paths and clients counted exactly, each; default 100 000. */
  keyCap?: number;
  /** Most hosts and sections, each, with percentiles of their own; default 512. */
  percentileCap?: number;
  /** Most alerts kept; default 1000. */
  alertCap?: number;
  /** Key of the hash that estimates use; random by default. */
  hashKey?: Bits64;
}

/** The counters of a host or section. */
class Counters extends TopEntry implements HistogramHolder {
  informational = 0;
  successful = 0;
  redirection = 0;
  clientError = 0;
  serverError = 0;
  otherStatus = 0;
  histogram: Histogram | undefined = undefined;

  countStatus(status: number): void {
    switch (Math.floor(status / 100)) {
      case 1:
        this.informational++;
        break;
      case 2:
        this.successful++;
        break;
      case 3:
        this.redirection++;
        break;
      case 4:
        this.clientError++;
        break;
      case 5:
        this.serverError++;
        break;
      default:
        this.otherStatus++;
    }
  }

  get status(): StatusCounts {
    return {
      ...(this.informational > 0 && { "1xx": this.informational }),
      ...(this.successful > 0 && { "2xx": this.successful }),
      ...(this.redirection > 0 && { "3xx": this.redirection }),
      ...(this.clientError > 0 && { "4xx": this.clientError }),
      ...(this.serverError > 0 && { "5xx": this.serverError }),
      ...(this.otherStatus > 0 && { other: this.otherStatus }),
    };
  }
}

/**
 * Counts requests when they are made and exchanges when they have ended. Times are microseconds since the
 * epoch; packet time when a file is read.
 *
 * The report's period runs from the earliest to the latest time given to `request` or `advance`. So when
 * reading a file, `advance` is given packet time, from the first packet on; live, it is given wall time, and
 * the period goes on while there is no traffic.
 *
 * Hosts, sections, paths and clients are exact up to a cap each. Past it, their numbers are estimates
 * (standard error 0.8 %), counts in lists are lower bounds, and the report names them in `approximate`.
 */
export class Aggregate {
  readonly #top: number;
  readonly #hosts: TopTable<Counters>;
  /** Sections, with their host as the group. */
  readonly #sections: TopTable<Counters>;
  /** Paths, with their host as the group. */
  readonly #paths: TopTable<TopEntry>;
  readonly #clients: DistinctCounter;
  readonly #hostWaits: HistogramPool;
  readonly #sectionWaits: HistogramPool;
  readonly #alerts: Alerts;
  #requests = 0;
  #responses = 0;
  #errors = 0;
  #bytes = 0;
  #start = Infinity;
  #end = -Infinity;

  constructor(options: AggregateOptions) {
    const { threshold, windowMicros, losses, keyCap: cap = 100_000, percentileCap, alertCap } = options;
    const hashKey = options.hashKey ?? randomHashKey();
    this.#top = options.top;
    this.#hosts = new TopTable(Counters, { cap, hashKey });
    this.#sections = new TopTable(Counters, { cap, hashKey });
    this.#paths = new TopTable(TopEntry, { cap, hashKey });
    this.#clients = new DistinctCounter(cap, hashKey);
    this.#hostWaits = new HistogramPool(percentileCap);
    this.#sectionWaits = new HistogramPool(percentileCap);
    this.#alerts = new Alerts({
      threshold,
      windowMicros,
      losses,
      ...(alertCap !== undefined && { cap: alertCap }),
    });
  }

  /** Counts a request, once its header is complete. */
  request({ time, host, section, path, endpoints }: Exchange): void {
    this.#see(time);
    this.#requests++;
    this.#hosts.add(host);
    this.#sections.add(section, host);
    this.#paths.add(path, host);
    this.#clients.add(endpoints.clientAddress);
    this.#alerts.request(time);
  }

  /** Counts the outcome of an exchange that has ended, after its `request`. */
  exchange({ host, section, status, requestBodyBytes, responseBodyBytes, wait }: Exchange): void {
    this.#bytes += requestBodyBytes + responseBodyBytes;
    if (status === 0) return;
    this.#responses++;
    if (status >= 400) this.#errors++;
    count(this.#hosts.get(host), this.#hostWaits, status, wait);
    count(this.#sections.get(section, host), this.#sectionWaits, status, wait);
  }

  /** Lets time pass up to `now`: windows move and alerts resolve. */
  advance(now: number): void {
    this.#see(now);
    this.#alerts.advance(now);
  }

  /** All figures as they are now. Shares nothing with the aggregate. */
  report(source: Report["source"], capture: CaptureFigures, generatedAtMicros: number): Report {
    const seen = this.#start <= this.#end;
    const seconds = seen ? (this.#end - this.#start) / 1e6 : 0;
    const perSecond = (requests: number) => seconds > 0 ? round(requests / seconds, 3) : 0;
    const figures = (entry: Counters): KeyFigures => {
      const waitMs = entry.histogram?.percentiles();
      return {
        requests: entry.count,
        share: round(entry.count / this.#requests, 4),
        requestsPerSecond: perSecond(entry.count),
        status: entry.status,
        ...(waitMs !== undefined && { waitMs }),
      };
    };
    const hosts = this.#hosts.top(this.#top);
    const busiest = hosts[0];
    const distinctHosts = this.#hosts.distinct;
    return {
      source: { ...source },
      generatedAt: rfc3339(generatedAtMicros),
      period: {
        start: seen ? rfc3339(this.#start) : null,
        end: seen ? rfc3339(this.#end) : null,
        seconds,
      },
      totals: {
        requests: this.#requests,
        responses: this.#responses,
        errors: this.#errors,
        hosts: distinctHosts,
        sections: this.#sections.distinct,
        paths: this.#paths.distinct,
        clients: this.#clients.count,
        requestsPerSecond: perSecond(this.#requests),
        requestsPerHost: distinctHosts > 0 ? round(this.#requests / distinctHosts, 3) : 0,
        bytes: this.#bytes,
        approximate: this.#approximate(),
      },
      hosts: hosts.map((entry) => ({ host: entry.key, ...figures(entry) })),
      topHostSections: busiest === undefined
        ? []
        : this.#sections.top(this.#top, busiest.key).map(({ group, key, count }) => ({
          host: group,
          section: key,
          requests: count,
        })),
      sections: this.#sections.top(this.#top).map((entry) => ({
        host: entry.group,
        section: entry.key,
        ...figures(entry),
      })),
      paths: this.#paths.top(this.#top).map(({ group, key, count }) => ({
        host: group,
        path: key,
        requests: count,
      })),
      alerts: this.#alerts.figures(capture),
      capture: { ...capture },
    };
  }

  #see(time: number): void {
    if (time < this.#start) this.#start = time;
    if (time > this.#end) this.#end = time;
  }

  #approximate(): string[] {
    const names: string[] = [];
    if (this.#hosts.approximate) names.push("hosts");
    if (this.#sections.approximate) names.push("sections");
    if (this.#paths.approximate) names.push("paths");
    if (this.#clients.approximate) names.push("clients");
    if (this.#alerts.evicted > 0) names.push("alerts");
    return names;
  }
}

/** Counts an outcome for a host or section; one that its table has dropped has only its wait pooled. */
function count(entry: Counters | undefined, waits: HistogramPool, status: number, wait: number | undefined) {
  entry?.countStatus(status);
  if (wait === undefined) return;
  if (entry === undefined) waits.pooled.add(wait);
  else waits.add(entry, wait);
}

function round(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}
