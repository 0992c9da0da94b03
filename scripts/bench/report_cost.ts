/**
 * What a report costs after a minute and after an hour of packet time, measured in one process: prints JSON. Hosts,
 * sections, paths and clients are at their caps from the first minute on.
 *
 * @module
 */

import { Aggregate } from "../../src/stats/aggregate.ts";
import { EMPTY_CAPTURE, makeExchange, NO_LOSSES } from "../../test/stats/exchanges.ts";
import { median } from "./statistics.ts";

const KEYS = 100_000, REQUESTS_PER_SECOND = 2000, REPORTS = 50;
/** Every so many requests, one goes to one of a few busy hosts; the rest go to all in turn. */
const BUSY_EVERY = 11, BUSY = 1000;

const exchanges = Array.from({ length: KEYS }, (_, key) =>
  makeExchange({
    client: `10.${key >> 16}.${key >> 8 & 255}.${key & 255}`,
    host: `www${key}.example`,
    path: `/section${key % 10}/items/${key}`,
  }));
const aggregate = new Aggregate({
  threshold: 10,
  windowMicros: 120_000_000,
  top: 10,
  losses: () => NO_LOSSES,
});
const source = { file: "bench.pcap", filter: "", linkType: "EN10MB" };
let requests = 0;

/** Makes requests until so many seconds of packet time have gone by. */
function runUntil(seconds: number): void {
  for (; requests < seconds * REQUESTS_PER_SECOND; requests++) {
    const before = Math.floor(requests / BUSY_EVERY);
    const key = requests % BUSY_EVERY === 0 ? before % BUSY : (requests - before) % KEYS;
    const exchange = exchanges[key]!;
    exchange.time = requests * (1e6 / REQUESTS_PER_SECOND);
    aggregate.request(exchange);
    aggregate.exchange(exchange);
  }
}

function reportCost(): { medianMilliseconds: number; greatestMilliseconds: number } {
  const milliseconds = Array.from({ length: REPORTS }, () => {
    const begin = performance.now();
    aggregate.report(source, EMPTY_CAPTURE, 0);
    return performance.now() - begin;
  });
  return { medianMilliseconds: median(milliseconds), greatestMilliseconds: Math.max(...milliseconds) };
}

runUntil(60);
// Not counted: its code is not compiled yet.
reportCost();
const minute = reportCost();
runUntil(3600);
const hour = reportCost();
console.log(JSON.stringify({ minute, hour }));
