/**
 * The aggregate: running totals of all traffic seen, from which a report can be made at any moment. Nothing
 * here looks at past requests again, and memory does not grow with traffic.
 *
 * @module
 */

import type { Exchange } from "../http/exchange.ts";
import { rfc3339 } from "../time.ts";
import type { Authority, PathBytes } from "../http/target.ts";
import { Alerts } from "./alerts.ts";
import { DistinctCounter, STANDARD_ERROR } from "./distinct.ts";
import { type Bits64, randomHashKey } from "./hash.ts";
import { bucketOf, HistogramPool } from "./quantile.ts";
import type {
  AlertLosses,
  CaptureFigures,
  ErrorBounds,
  KeyFigures,
  Percentiles,
  Report,
  StatusCounts,
} from "./report.ts";
import { HostName, TopTable, type TopTableOptions } from "./top.ts";

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

/** Status classes that are told apart, in the order in which they are counted. */
const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"] as const;
const OTHER = 5;

/** Hosts or sections: a table of their requests, and by its slots what became of these. */
class Counted {
  readonly table: TopTable;
  readonly #waits: HistogramPool;
  /** As many numbers a slot as there are classes. */
  #statuses = new Float64Array(0);

  constructor(options: TopTableOptions, percentileCap: number | undefined) {
    this.table = new TopTable(options);
    this.#waits = new HistogramPool(this.table, percentileCap);
  }

  /** Begins anew with the slot that was just given to a key. Returns it. */
  restart(slot: number): number {
    const length = this.table.slots * STATUS_CLASSES.length;
    if (length > this.#statuses.length) {
      const statuses = new Float64Array(length);
      statuses.set(this.#statuses);
      this.#statuses = statuses;
    }
    const from = slot * STATUS_CLASSES.length;
    for (let index = 0; index < STATUS_CLASSES.length; index++) this.#statuses[from + index] = 0;
    this.#waits.restart(slot);
    return slot;
  }

  /** Counts a response by the place of its class. */
  countStatus(slot: number, statusClass: number): void {
    this.#statuses[slot * STATUS_CLASSES.length + statusClass]!++;
  }

  /** Counts a wait in microseconds and its bucket, of a slot or with -1 of none. */
  countWait(slot: number, wait: number, bucket: number): void {
    this.#waits.add(slot, wait, bucket);
  }

  status(slot: number): StatusCounts {
    const counts: StatusCounts = {};
    STATUS_CLASSES.forEach((name, index) => {
      const count = this.#statuses[slot * STATUS_CLASSES.length + index]!;
      if (count > 0) counts[name] = count;
    });
    return counts;
  }

  waitMs(slot: number): Percentiles | undefined {
    return this.#waits.of(slot)?.percentiles();
  }
}

/** What an authority remembers: its host's name and the slot that the host had in a table. */
class KnownHost {
  slot = 0;
  generation = 0;

  constructor(readonly table: TopTable, readonly name: HostName) {}
}

/** What an exchange remembers from its request until it ends: the slots that its host and section had. */
class Ticket {
  host = 0;
  hostGeneration = 0;
  section = 0;
  sectionGeneration = 0;
  /** The ticket behind in the list of those that are not in use. */
  next: Ticket | undefined = undefined;
}

/** The key of a host in the table of hosts is its name alone. */
const NO_WORDS = new Int32Array(0);
/** The section of a path without a segment. */
const ROOT = new Int32Array(new Uint8Array([0x2f, 0, 0, 0]).buffer);

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
  readonly #hashKey: Bits64;
  readonly #hosts: Counted;
  readonly #sections: Counted;
  /** Linked to the sections. */
  readonly #paths: TopTable;
  readonly #clients: DistinctCounter;
  readonly #alerts: Alerts;
  /** Tickets that are not in use: as many as were once in use together. */
  #freeTicket: Ticket | undefined = undefined;
  #requests = 0;
  #responses = 0;
  #errors = 0;
  #bytes = 0;
  #start = Infinity;

  constructor(options: AggregateOptions) {
    const { threshold, windowMicros, losses, keyCap: cap = 100_000, percentileCap, alertCap } = options;
    const hashKey = options.hashKey ?? randomHashKey();
    this.#top = options.top;
    this.#hashKey = hashKey;
    this.#hosts = new Counted({ cap, hashKey, ownWords: 8 }, percentileCap);
    this.#sections = new Counted({ cap, hashKey, ownWords: 12 }, percentileCap);
    this.#paths = new TopTable({ cap, hashKey });
    this.#clients = new DistinctCounter(cap, hashKey);
    this.#alerts = new Alerts({
      threshold,
      windowMicros,
      losses,
      ...(alertCap !== undefined && { cap: alertCap }),
    });
  }

  /**
   * Counts a request, once its header is complete. Remembers in the exchange, its authority and its endpoints what
   * was looked up for them; since then a slot may have been given to another key, so each is looked at first.
   */
  request(exchange: Exchange): void {
    const { target, endpoints } = exchange;
    if (exchange.time < this.#start) this.#start = exchange.time;
    this.#requests++;
    this.#alerts.request(exchange);
    if (endpoints.memo !== this.#clients) {
      this.#clients.add(endpoints.clientAddress);
      endpoints.memo = this.#clients;
    }

    const hosts = this.#hosts.table, sections = this.#sections.table, paths = this.#paths;
    let host = exchange.authority.memo as KnownHost | undefined;
    if (host === undefined || host.table !== hosts || hosts.generation(host.slot) !== host.generation) {
      host = this.#lookUpHost(exchange.authority);
    }
    const name = host.name;
    const hash = paths.hash(name, target.words, target.length);
    let path = paths.find(hash, name, target.words, target.length);
    let section = -1;
    if (path >= 0) section = paths.linked(path, sections);
    else path = paths.insert(hash, name, target.words, target.length);
    if (section < 0) {
      section = this.#lookUpSection(name, target);
      paths.link(path, sections, section);
    }
    hosts.hit(host.slot);
    sections.hit(section);
    paths.hit(path);

    const ticket = this.#freeTicket ?? new Ticket();
    this.#freeTicket = ticket.next;
    ticket.host = host.slot;
    ticket.hostGeneration = host.generation;
    ticket.section = section;
    ticket.sectionGeneration = sections.generation(section);
    exchange.memo = ticket;
  }

  /**
   * Counts the outcome of an exchange that has ended: once, after its `request`. That of a host or section which its
   * table has dropped meanwhile counts in the totals only.
   */
  exchange(exchange: Exchange): void {
    const ticket = exchange.memo as Ticket;
    exchange.memo = undefined;
    ticket.next = this.#freeTicket;
    this.#freeTicket = ticket;

    this.#bytes += exchange.requestBodyBytes + exchange.responseBodyBytes;
    const status = exchange.status;
    if (status === 0) return;
    this.#responses++;
    if (status >= 400) this.#errors++;
    const hosts = this.#hosts, sections = this.#sections;
    const host = hosts.table.generation(ticket.host) === ticket.hostGeneration ? ticket.host : -1;
    const section = sections.table.generation(ticket.section) === ticket.sectionGeneration
      ? ticket.section
      : -1;
    const statusClass = status >= 100 && status < 600 ? (status / 100 | 0) - 1 : OTHER;
    if (host >= 0) hosts.countStatus(host, statusClass);
    if (section >= 0) sections.countStatus(section, statusClass);
    const wait = exchange.answeredAt - exchange.sentAt;
    if (wait !== wait) return;
    const bucket = bucketOf(wait);
    hosts.countWait(host, wait, bucket);
    sections.countWait(section, wait, bucket);
  }

  /** The host of an authority, which is added if it is not held; the authority remembers it. */
  #lookUpHost(authority: Authority): KnownHost {
    const { table } = this.#hosts;
    let known = authority.memo as KnownHost | undefined;
    if (known === undefined || known.table !== table) {
      authority.memo = known = new KnownHost(table, new HostName(authority.host, this.#hashKey));
    }
    const { name } = known;
    const held = table.find(name.hash, name, NO_WORDS, 0);
    known.slot = held >= 0 ? held : this.#hosts.restart(table.insert(name.hash, name, NO_WORDS, 0));
    known.generation = table.generation(known.slot);
    return known;
  }

  /** The slot of a path's section, which is added if it is not held. */
  #lookUpSection(name: HostName, target: PathBytes): number {
    const { table } = this.#sections;
    const words = target.sectionLength === 0 ? ROOT : target.words;
    const length = target.sectionLength || 1;
    const hash = table.hash(name, words, length);
    const held = table.find(hash, name, words, length);
    return held >= 0 ? held : this.#sections.restart(table.insert(hash, name, words, length));
  }

  /** Lets time pass up to `now`: windows move and alerts resolve. */
  advance(now: number): void {
    if (now < this.#start) this.#start = now;
    this.#alerts.advance(now);
  }

  /** All figures as they are now. Shares nothing with the aggregate. */
  report(source: Report["source"], capture: CaptureFigures, generatedAtMicros: number): Report {
    const start = this.#start, end = this.#alerts.now;
    const seen = start <= end;
    const seconds = seen ? (end - start) / 1e6 : 0;
    const perSecond = (requests: number) => seconds > 0 ? round(requests / seconds, 3) : 0;
    const figures = (counted: Counted, slot: number): KeyFigures => {
      const requests = counted.table.count(slot);
      const waitMs = counted.waitMs(slot);
      return {
        requests,
        share: round(requests / this.#requests, 4),
        requestsPerSecond: perSecond(requests),
        status: counted.status(slot),
        ...(waitMs !== undefined && { waitMs }),
      };
    };
    const hosts = this.#hosts.table, sections = this.#sections.table, paths = this.#paths;
    const topHosts = hosts.top(this.#top);
    const busiest = topHosts[0];
    const distinctHosts = hosts.distinct;
    return {
      source: { ...source },
      generatedAt: rfc3339(generatedAtMicros),
      period: {
        start: seen ? rfc3339(start) : null,
        end: seen ? rfc3339(end) : null,
        seconds,
      },
      totals: {
        requests: this.#requests,
        responses: this.#responses,
        errors: this.#errors,
        hosts: distinctHosts,
        sections: sections.distinct,
        paths: paths.distinct,
        clients: this.#clients.count,
        requestsPerSecond: perSecond(this.#requests),
        requestsPerHost: distinctHosts > 0 ? round(this.#requests / distinctHosts, 3) : 0,
        bytes: this.#bytes,
        ...this.#accuracy(),
      },
      hosts: topHosts.map((slot) => ({ host: hosts.name(slot), ...figures(this.#hosts, slot) })),
      topHostSections: busiest === undefined
        ? []
        : sections.top(this.#top, new HostName(hosts.name(busiest), this.#hashKey)).map((slot) => ({
          host: sections.name(slot),
          section: sections.key(slot),
          requests: sections.count(slot),
        })),
      sections: sections.top(this.#top).map((slot) => ({
        host: sections.name(slot),
        section: sections.key(slot),
        ...figures(this.#sections, slot),
      })),
      paths: paths.top(this.#top).map((slot) => ({
        host: paths.name(slot),
        path: paths.key(slot),
        requests: paths.count(slot),
      })),
      alerts: this.#alerts.figures(capture),
      capture: { ...capture },
    };
  }

  /** Which figures are estimates, and how good they are. */
  #accuracy(): Pick<Report["totals"], "approximate" | "errorBounds" | "distinctError"> {
    const approximate: string[] = [];
    const errorBounds: ErrorBounds = {};
    const tables = { hosts: this.#hosts.table, sections: this.#sections.table, paths: this.#paths };
    for (const name of ["hosts", "sections", "paths"] as const) {
      if (!tables[name].approximate) continue;
      approximate.push(name);
      errorBounds[name] = tables[name].errorBound;
    }
    if (this.#clients.approximate) approximate.push("clients");
    const distinct = approximate.length > 0;
    if (this.#alerts.evicted > 0) approximate.push("alerts");
    return {
      approximate,
      ...(Object.keys(errorBounds).length > 0 && { errorBounds }),
      ...(distinct && { distinctError: STANDARD_ERROR }),
    };
  }
}

function round(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}
