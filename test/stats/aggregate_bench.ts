/**
 * What counting costs: `request` and `exchange` of 100 000 requests an iteration, and a report.
 *
 * @module
 */

import type { Exchange } from "../../src/http/exchange.ts";
import { Aggregate } from "../../src/stats/aggregate.ts";
import { EMPTY_CAPTURE, makeExchange, NO_LOSSES, seededRandom } from "./exchanges.ts";

const BATCH = 100_000;
const source = { file: "bench.pcap", filter: "", linkType: "EN10MB" };

function newAggregate(): Aggregate {
  return new Aggregate({ threshold: 10, windowMicros: 120_000_000, top: 10, losses: () => NO_LOSSES });
}

function run(aggregate: Aggregate, exchanges: Exchange[]): void {
  for (const exchange of exchanges) {
    aggregate.request(exchange);
    aggregate.exchange(exchange);
  }
}

/** 50 hosts with 10 sections and 800 paths each, 1000 clients, in random order, strings shared as in life. */
function usualTraffic(): Exchange[] {
  const random = seededRandom(1);
  const pick = <T>(items: T[]) => items[Math.floor(random() * items.length)] as T;
  const clients = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  const hosts = Array.from({ length: 50 }, (_, index) => ({
    host: `www${index}.example.com`,
    pages: Array.from({ length: 800 }, (_, page) => ({
      section: `/section${page % 10}`,
      path: `/section${page % 10}/items/${page}.html`,
    })),
  }));
  return Array.from({ length: BATCH }, (_, index) => {
    const { host, pages } = pick(hosts);
    return makeExchange({
      client: pick(clients),
      time: index * 10,
      host,
      ...pick(pages),
      wait: 1 + random() * 100,
    });
  });
}

const usual = newAggregate();
const traffic = usualTraffic();
run(usual, traffic);

Deno.bench("100 000 requests: 50 hosts, 40 000 paths", () => run(usual, traffic));

Deno.bench("report: 50 hosts, 40 000 paths", () => {
  usual.report(source, EMPTY_CAPTURE, 0);
});

let flooded = 0;
const flood = newAggregate();
function floodBatch(): void {
  for (let index = 0; index < BATCH; index++) {
    const id = flooded++;
    const exchange = makeExchange({
      client: `2001:db8::${id.toString(16)}`,
      time: id * 10,
      host: `${id}.example.com`,
      section: `/${id}`,
      path: `/${id}/x`,
      wait: 1,
    });
    flood.request(exchange);
    flood.exchange(exchange);
  }
}
for (let batch = 0; batch < 3; batch++) floodBatch();

Deno.bench("100 000 requests: each of a new client, host, section and path", floodBatch);

Deno.bench("report: tables at their caps", () => {
  flood.report(source, EMPTY_CAPTURE, 0);
});
