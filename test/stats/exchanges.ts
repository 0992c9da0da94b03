/**
 * Exchanges for the tests of the statistics.
 *
 * @module
 */

import { Endpoints, Exchange } from "../../src/http/exchange.ts";
import { Authority } from "../../src/http/target.ts";
import type { AlertLosses, CaptureFigures } from "../../src/stats/report.ts";

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
  const exchange = Exchange.make(endpointsOf(fields.client ?? "192.0.2.1"), { time: fields.time ?? 0 });
  exchange.method = "GET";
  exchange.version = "1.1";
  exchange.authority = authorityOf(fields.host ?? "example.com");
  const path = utf8.encode(fields.path ?? "/");
  exchange.target.take(path, 0, path.length);
  exchange.status = fields.status ?? 200;
  exchange.requestBodyBytes = fields.requestBodyBytes ?? 0;
  exchange.responseBodyBytes = fields.responseBodyBytes ?? 0;
  if (fields.wait !== undefined) {
    exchange.sentAt = exchange.time;
    exchange.answeredAt = exchange.time + Math.round(fields.wait * 1000);
  }
  return exchange;
}

export const NO_LOSSES: AlertLosses = {
  droppedByKernel: 0,
  droppedByInterface: 0,
  tcpGaps: 0,
  unparsed: 0,
  unpaired: 0,
  evicted: 0,
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
