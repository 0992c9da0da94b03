/**
 * The aggregate: running totals of all traffic seen, from which a report can be made at any moment. Nothing
 * here looks at past requests again, and memory does not grow with traffic.
 *
 * @module
 */

import type { Endpoints, Exchange } from "../http/exchange.ts";
import type { Authority, PathBytes } from "../http/target.ts";
import type { AddressChange, DnsOutcome, NetworkHandler } from "../network/events.ts";
import type { Opening } from "../network/opening.ts";
import { rfc3339 } from "../time.ts";
import { Alerts } from "./alerts.ts";
import { Counted, errorRate, Measured, perSecond, statusClassOf } from "./counted.ts";
import { STANDARD_ERROR } from "./distinct.ts";
import { type Bits64, randomHashKey } from "./hash.ts";
import { ARP, CONNECT, DNS, RECEIVE, SEND, SERVER, WAIT } from "./measures.ts";
import { NetworkStats } from "./network.ts";
import { bucketOf, wholeMicros } from "./quantile.ts";
import { RateSampler } from "./rates.ts";
import type {
  AlertLosses,
  CaptureFigures,
  ErrorBounds,
  KeyFigures,
  NetworkCounts,
  Report,
} from "./report.ts";
import { round } from "./round.ts";
import { Slowest } from "./slowest.ts";
import { HostName, TopTable } from "./top.ts";

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
  /** Most hosts and sections, each, with percentiles and rates of their own; default 512. */
  percentileCap?: number;
  /** Most alerts kept; default 1000. */
  alertCap?: number;
  /** Key of the hash that estimates use; random by default. */
  hashKey?: Bits64;
}

/** Most of the slowest exchanges, which are kept whole. */
const SLOWEST = 100;

/** Clients that are remembered from one connection to the next. */
const KNOWN_CLIENTS = 4096;

/** What an authority remembers of its host, and the ends of a connection of their client: a name and its slot in a table. */
class KnownName {
  slot = 0;
  /** Of the slot when it had the name; no slot's before that. */
  generation = -1;

  constructor(readonly table: TopTable, readonly name: HostName) {}
}

/** True when the table still has the name in that slot. */
function isHeld(known: KnownName | undefined, table: TopTable): known is KnownName {
  return known !== undefined && known.table === table && table.generation(known.slot) === known.generation;
}

/** What an exchange remembers from its request until it ends: the slots that its host, section and client had. */
class Ticket {
  host = 0;
  hostGeneration = 0;
  section = 0;
  sectionGeneration = 0;
  client = 0;
  clientGeneration = 0;
  /** The ticket behind in the list of those that are not in use. */
  next: Ticket | undefined = undefined;
}

/** The key of a host or client is its name alone. */
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
export class Aggregate implements NetworkHandler {
  readonly #top: number;
  readonly #hashKey: Bits64;
  readonly #hosts: Measured;
  readonly #sections: Measured;
  /** Linked to the sections. */
  readonly #paths: TopTable;
  readonly #clients: Counted;
  /** By address. */
  readonly #knownClients = new Map<string, KnownName>();
  readonly #rates: RateSampler;
  readonly #slowest: Slowest;
  readonly #network: NetworkStats;
  readonly #alerts: Alerts;
  /** Tickets that are not in use: as many as were once in use together. */
  #freeTicket: Ticket | undefined = undefined;
  #requests = 0;
  #responses = 0;
  #errors = 0;
  #bytes = 0;
  #start = Infinity;

  constructor(options: AggregateOptions) {
    const { threshold, windowMicros, losses, keyCap: cap = 100_000, percentileCap = 512, alertCap } = options;
    const hashKey = options.hashKey ?? randomHashKey();
    this.#top = options.top;
    this.#hashKey = hashKey;
    this.#hosts = new Measured({ cap, hashKey, ownWords: 9 }, percentileCap, (place) => {
      this.#rates.restart(place, this.#alerts.now);
    });
    this.#rates = new RateSampler(this.#hosts.places, this.#hosts.table, percentileCap);
    this.#sections = new Measured({ cap, hashKey, ownWords: 13 }, percentileCap);
    this.#paths = new TopTable({ cap, hashKey });
    this.#clients = new Counted({ cap, hashKey, ownWords: 9 });
    this.#slowest = new Slowest(Math.min(options.top, SLOWEST));
    this.#network = new NetworkStats(hashKey);
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
    if (exchange.time >= this.#rates.due) this.#rates.sample(exchange.time, this.#requests);
    if (exchange.time < this.#start) this.#start = exchange.time;
    this.#requests++;
    this.#alerts.request(exchange);
    if (exchange.isFirst) this.#network.opened(endpoints);

    const hosts = this.#hosts.table, sections = this.#sections.table, paths = this.#paths;
    const clients = this.#clients.table;
    let client = endpoints.memo as KnownName | undefined;
    if (!isHeld(client, clients)) client = this.#lookUpClient(endpoints);
    let host = exchange.authority.memo as KnownName | undefined;
    if (!isHeld(host, hosts)) host = this.#lookUpHost(exchange.authority);
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
    clients.hit(client.slot);

    const ticket = this.#freeTicket ?? new Ticket();
    this.#freeTicket = ticket.next;
    ticket.host = host.slot;
    ticket.hostGeneration = host.generation;
    ticket.section = section;
    ticket.sectionGeneration = sections.generation(section);
    ticket.client = client.slot;
    ticket.clientGeneration = client.generation;
    exchange.memo = ticket;
  }

  /**
   * Counts the outcome of an exchange that has ended: once, after its `request`. That of a host, section or client which
   * its table has dropped meanwhile does not count there.
   */
  exchange(exchange: Exchange): void {
    const ticket = exchange.memo as Ticket;
    exchange.memo = undefined;
    ticket.next = this.#freeTicket;
    this.#freeTicket = ticket;

    const bytes = exchange.requestBodyBytes + exchange.responseBodyBytes;
    this.#bytes += bytes;
    const status = exchange.status;
    if (status !== 0) this.#responses++;
    if (status >= 400) this.#errors++;
    const statusClass = statusClassOf(status);
    const hosts = this.#hosts, sections = this.#sections, clients = this.#clients;
    let hostPlace = 0, sectionPlace = 0;
    if (hosts.table.generation(ticket.host) === ticket.hostGeneration) {
      hosts.countOutcome(ticket.host, statusClass, bytes);
      hostPlace = hosts.places.claim(ticket.host);
    }
    if (sections.table.generation(ticket.section) === ticket.sectionGeneration) {
      sections.countOutcome(ticket.section, statusClass, bytes);
      sectionPlace = sections.places.claim(ticket.section);
    }
    if (clients.table.generation(ticket.client) === ticket.clientGeneration) {
      clients.countOutcome(ticket.client, statusClass, bytes);
    }
    this.#slowest.offer(exchange);
    this.#measure(exchange, hostPlace, sectionPlace);
  }

  /** Adds how long the phases of an exchange took, for the host and section that have places. */
  #measure(exchange: Exchange, hostPlace: number, sectionPlace: number): void {
    const { time, sentAt, answeredAt, endedAt } = exchange;
    const wait = wholeMicros(answeredAt - sentAt), server = wholeMicros(exchange.serverMicros);
    const waitBucket = bucketOf(wait), serverBucket = bucketOf(server);
    const isMomentary = sentAt === time && answeredAt === endedAt;
    if (hostPlace > 0) {
      const { measures } = this.#hosts;
      if (isMomentary) measures.addMomentary(hostPlace);
      measures.add(hostPlace, WAIT, wait, waitBucket);
      measures.add(hostPlace, SERVER, server, serverBucket);
    }
    if (sectionPlace > 0) {
      const { measures } = this.#sections;
      if (isMomentary) measures.addMomentary(sectionPlace);
      measures.add(sectionPlace, WAIT, wait, waitBucket);
      measures.add(sectionPlace, SERVER, server, serverBucket);
    }
    if (!isMomentary) {
      this.#addDuration(SEND, sentAt - time, hostPlace, sectionPlace);
      this.#addDuration(RECEIVE, endedAt - answeredAt, hostPlace, sectionPlace);
    }
    if (exchange.isFirst) this.#measureOpening(exchange.opening, hostPlace, sectionPlace);
  }

  /** Adds how long it took to open a connection. */
  #measureOpening(opening: Opening | undefined, hostPlace: number, sectionPlace: number): void {
    if (opening === undefined) return;
    const { lookup, resolution, handshake } = opening;
    if (lookup) this.#addDuration(DNS, lookup.answeredAt - lookup.startedAt, hostPlace, sectionPlace);
    if (resolution) {
      this.#addDuration(ARP, resolution.answeredAt - resolution.askedAt, hostPlace, sectionPlace);
    }
    this.#addDuration(CONNECT, handshake.ackAt - handshake.synAt, hostPlace, sectionPlace);
  }

  #addDuration(measure: number, micros: number, hostPlace: number, sectionPlace: number): void {
    const whole = wholeMicros(micros), bucket = bucketOf(whole);
    if (hostPlace > 0) this.#hosts.measures.add(hostPlace, measure, whole, bucket);
    if (sectionPlace > 0) this.#sections.measures.add(sectionPlace, measure, whole, bucket);
  }

  /** Counts a query for a name. */
  dns(outcome: DnsOutcome): void {
    this.#network.dns(outcome);
  }

  /** Counts a change of an address, which fires an alert. */
  addressChange(change: AddressChange): void {
    this.#network.addressChange(change);
    this.#alerts.addressChange(change);
  }

  /** The client of a connection, which is added if it is not held; the connection's ends remember it. */
  #lookUpClient(endpoints: Endpoints): KnownName {
    const { table } = this.#clients, address = endpoints.clientAddress;
    let known = this.#knownClients.get(address);
    if (known === undefined) {
      known = new KnownName(table, new HostName(address, this.#hashKey));
      if (this.#knownClients.size === KNOWN_CLIENTS) this.#knownClients.clear();
      this.#knownClients.set(address, known);
    }
    endpoints.memo = known;
    return isHeld(known, table) ? known : hold(known, this.#clients);
  }

  /** The host of an authority, which is added if it is not held; the authority remembers it. */
  #lookUpHost(authority: Authority): KnownName {
    const { table } = this.#hosts;
    let known = authority.memo as KnownName | undefined;
    if (known === undefined || known.table !== table) {
      authority.memo = known = new KnownName(table, new HostName(authority.host, this.#hashKey));
    }
    return hold(known, this.#hosts);
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
    if (now >= this.#rates.due) this.#rates.sample(now, this.#requests);
    if (now < this.#start) this.#start = now;
    this.#alerts.advance(now);
  }

  /**
   * All figures as they are now. Shares nothing with the aggregate. `network` is what was counted below HTTP, without
   * which the report does not speak of it.
   */
  report(
    source: Report["source"],
    capture: CaptureFigures,
    generatedAtMicros: number,
    network?: NetworkCounts,
  ): Report {
    const start = this.#start, end = this.#alerts.now;
    const seen = start <= end;
    const seconds = seen ? (end - start) / 1e6 : 0;
    const figures = (measured: Measured, slot: number): KeyFigures => {
      const place = measured.places.of(slot);
      return {
        ...measured.figures(slot, this.#requests, seconds),
        ...(place > 0 && measured.measures.figures(place)),
      };
    };
    const ratesOf = (slot: number) => {
      const place = this.#hosts.places.of(slot);
      return place > 0 ? { rates: this.#rates.of(place, start, end) } : {};
    };
    const hosts = this.#hosts.table, sections = this.#sections.table, paths = this.#paths;
    const topHosts = hosts.top(this.#top);
    const busiest = topHosts[0];
    const distinctHosts = hosts.distinct;
    const clients = this.#clients.table;
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
        clients: clients.distinct,
        requestsPerSecond: perSecond(this.#requests, seconds),
        requestsPerHost: distinctHosts > 0 ? round(this.#requests / distinctHosts, 3) : 0,
        bytes: this.#bytes,
        errorRate: errorRate(this.#errors, this.#responses),
        rates: this.#rates.all(start, end, this.#requests),
        ...this.#accuracy(),
      },
      hosts: topHosts.map((slot) => ({
        host: hosts.name(slot),
        ...figures(this.#hosts, slot),
        ...ratesOf(slot),
      })),
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
      clients: clients.top(this.#top).map((slot) => ({
        client: clients.name(slot),
        ...this.#clients.figures(slot, this.#requests, seconds),
      })),
      slowest: this.#slowest.top(this.#top),
      ...(network && { network: this.#network.figures(network, this.#top) }),
      alerts: this.#alerts.figures(capture),
      capture: { ...capture },
    };
  }

  /** Which figures are estimates, and how good they are. */
  #accuracy(): Pick<Report["totals"], "approximate" | "errorBounds" | "distinctError"> {
    const approximate: string[] = [];
    const errorBounds: ErrorBounds = {};
    const tables = {
      hosts: this.#hosts.table,
      sections: this.#sections.table,
      paths: this.#paths,
      clients: this.#clients.table,
    };
    for (const name of ["hosts", "sections", "paths", "clients"] as const) {
      if (!tables[name].approximate) continue;
      approximate.push(name);
      errorBounds[name] = tables[name].errorBound;
    }
    const distinct = approximate.length > 0;
    if (this.#alerts.evicted > 0) approximate.push("alerts");
    return {
      approximate,
      ...(Object.keys(errorBounds).length > 0 && { errorBounds }),
      ...(distinct && { distinctError: STANDARD_ERROR }),
    };
  }
}

/** Notes where a name is in the table of those counted, and adds it if it is not held. */
function hold(known: KnownName, counted: Counted): KnownName {
  const { table } = counted, { name } = known;
  const held = table.find(name.hash, name, NO_WORDS, 0);
  known.slot = held >= 0 ? held : counted.restart(table.insert(name.hash, name, NO_WORDS, 0));
  known.generation = table.generation(known.slot);
  return known;
}
