/**
 * Exchanges for the tests of the statistics.
 *
 * @module
 */

import { Endpoints, Exchange } from "../../src/http/exchange.ts";
import { Authority } from "../../src/http/target.ts";
import { type Location, type Lookup, Opening, type Resolution } from "../../src/network/opening.ts";
import type { AlertLosses, CaptureFigures, NetworkCounts } from "../../src/stats/report.ts";

/** What tests say of an exchange; all else is that of an answered GET request. */
export interface ExchangeFields {
  /** The client's address. */
  client?: string;
  /** Microseconds since the epoch. */
  time?: number;
  host?: string;
  path?: string;
  status?: number;
  requestBodyBytes?: number;
  responseBodyBytes?: number;
  /** Milliseconds between the request and the response; without it neither time was observed. */
  wait?: number | undefined;
  /** Milliseconds that request and response took; only with `wait`. Without `receive` the end was not seen. */
  send?: number;
  receive?: number;
  /** What came before it: it is then the first on a connection of its own. */
  opening?: Opening | undefined;
  clientLocation?: Location;
  serverLocation?: Location;
}

/** What tests say of how a connection came about: times in microseconds, durations in milliseconds. */
export interface OpeningFields {
  synAt: number;
  /** From SYN to acknowledgement; without it there was none. */
  connect?: number | undefined;
  /** From SYN to SYN-ACK; the same by default. */
  network?: number | undefined;
  retransmissions?: number;
  /** How long the lookup took, which began 100 ms before the SYN. */
  dns?: number | undefined;
  /** How long the address resolution took, which began 50 ms before the SYN. */
  arp?: number | undefined;
}

const MILLISECOND = 1000;

/** How a connection came about. */
export function makeOpening(fields: OpeningFields): Opening {
  const { synAt, connect = NaN, network = connect, retransmissions = 0, dns, arp } = fields;
  const after = (start: number, milliseconds: number) => start + Math.round(milliseconds * MILLISECOND);
  const startedAt = synAt - 100 * MILLISECOND, askedAt = synAt - 50 * MILLISECOND;
  const lookup: Lookup | undefined = dns === undefined ? undefined : {
    name: "www.example.com",
    protocol: "dns",
    server: "192.0.2.53",
    startedAt,
    answeredAt: after(startedAt, dns),
    retries: 0,
  };
  const resolution: Resolution | undefined = arp === undefined
    ? undefined
    : { askedAt, answeredAt: after(askedAt, arp), requests: 1 };
  const handshake = {
    synAt,
    lastSynAt: synAt,
    synAckAt: after(synAt, network),
    ackAt: after(synAt, connect),
    retransmissions,
  };
  return new Opening(handshake, lookup, resolution);
}

const utf8 = new TextEncoder();
/** The same objects for the same names, as the HTTP layer makes them, as long as there are not many. */
const authorities = new Map<string, Authority>();
const endpoints = new Map<string, Endpoints>();

function interned<T>(objects: Map<string, T>, name: string, make: () => T): T {
  const known = objects.get(name);
  if (known !== undefined) return known;
  if (objects.size >= 4096) objects.clear();
  const made = make();
  objects.set(name, made);
  return made;
}

/** An authority of a host without a port. */
export function authorityOf(host: string): Authority {
  return interned(authorities, host, () => new Authority(host, undefined));
}

/** The ends of a client's connection. */
export function endpointsOf(client: string): Endpoints {
  return interned(
    endpoints,
    client,
    () => new Endpoints(client, 50_000, "192.0.2.80", 80, undefined, undefined, undefined),
  );
}

/** An answered GET request, unless `fields` say otherwise. */
export function makeExchange(fields: ExchangeFields = {}): Exchange {
  const { client = "192.0.2.1", send = 0 } = fields;
  const isFirst = "opening" in fields || "clientLocation" in fields || "serverLocation" in fields;
  const ends = isFirst ? connectionOf(client, fields) : endpointsOf(client);
  const exchange = Exchange.make(ends, { time: fields.time ?? 0 });
  exchange.isFirst = isFirst;
  exchange.method = "GET";
  exchange.version = "1.1";
  exchange.authority = authorityOf(fields.host ?? "example.com");
  const path = utf8.encode(fields.path ?? "/");
  exchange.target.take(path, 0, path.length);
  exchange.status = fields.status ?? 200;
  exchange.requestBodyBytes = fields.requestBodyBytes ?? 0;
  exchange.responseBodyBytes = fields.responseBodyBytes ?? 0;
  if (fields.wait !== undefined) {
    exchange.sentAt = exchange.time + Math.round(send * MILLISECOND);
    exchange.answeredAt = exchange.sentAt + Math.round(fields.wait * MILLISECOND);
    if (fields.receive !== undefined) {
      exchange.endedAt = exchange.answeredAt + Math.round(fields.receive * MILLISECOND);
    }
  }
  return exchange;
}

/** The ends of a connection that an exchange is the first on. */
function connectionOf(client: string, fields: ExchangeFields): Endpoints {
  const ends = new Endpoints(
    client,
    50_000,
    "192.0.2.80",
    80,
    "02:00:00:00:00:01",
    "02:00:00:00:00:80",
    undefined,
  );
  ends.opening = fields.opening;
  ends.clientLocation = fields.clientLocation;
  ends.serverLocation = fields.serverLocation;
  return ends;
}

export const NO_LOSSES: AlertLosses = {
  droppedByKernel: 0,
  droppedByInterface: 0,
  tcpGaps: 0,
  unparsed: 0,
  unpaired: 0,
  evicted: 0,
};

/** Counts of what is below HTTP, when there was nothing. */
export const NO_NETWORK: NetworkCounts = {
  arp: { requests: 0, replies: 0, unanswered: 0 },
  neighbourDiscovery: { requests: 0, replies: 0, unanswered: 0 },
  tcp: {
    handshakes: 0,
    refused: 0,
    unanswered: 0,
    synRetransmissions: 0,
    retransmissions: 0,
    resets: 0,
    zeroWindows: 0,
  },
  icmpErrors: 0,
};

export const EMPTY_CAPTURE: CaptureFigures = { packets: 0, bytes: 0, ...NO_LOSSES };

/** A repeatable source of numbers from 0 to 1 (xorshift32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
