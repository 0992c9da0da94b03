/**
 * What counting costs: `request` and `exchange` of 100,000 requests an iteration, and a report. Making the requests
 * costs something, too: a benchmark of that alone stands before each.
 *
 * @module
 */

import { Endpoints, Exchange } from "../../src/http/exchange.ts";
import { Authority } from "../../src/http/target.ts";
import { Aggregate } from "../../src/stats/aggregate.ts";
import { EMPTY_CAPTURE, makeOpening, NO_LOSSES, seededRandom } from "./exchanges.ts";

const BATCH = 100_000;
const source = { file: "bench.pcap", filter: "", linkType: "EN10MB" };
const utf8 = new TextEncoder();
const random = seededRandom(1);

function newAggregate(windowMicros = 120_000_000): Aggregate {
  return new Aggregate({ threshold: 10, windowMicros, top: 10, losses: () => NO_LOSSES });
}

function randomBelow(end: number): Uint16Array {
  return new Uint16Array(BATCH).map(() => random() * end);
}

const clients = Array.from({ length: 1000 }, (_, index) => {
  const address = `10.0.${index >> 8}.${index & 255}`;
  const ends = new Endpoints(address, 1, "10.9.9.9", 80, undefined, undefined, undefined);
  ends.opening = makeOpening({ synAt: 0, connect: 0.2, network: 0.1 });
  return ends;
});
const hosts = Array.from({ length: 50 }, (_, index) => new Authority(`www${index}.example.com`, undefined));
const paths = Array.from(
  { length: 800 },
  (_, index) => utf8.encode(`/section${index % 10}/items/${1000 + index}.html`),
);
const clientOf = randomBelow(clients.length);
const hostOf = randomBelow(hosts.length);
const pathOf = randomBelow(paths.length);
const waitOf = randomBelow(5000);

/** Makes a batch of exchanges, one after the other, as the HTTP layer does, and has them counted. */
function run(
  aggregate: Aggregate | undefined,
  fillIn: (exchange: Exchange, index: number) => void,
): void {
  const start = { time: 0 };
  for (let index = 0; index < BATCH; index++) {
    start.time += 10;
    const exchange = Exchange.make(clients[clientOf[index]!]!, start);
    fillIn(exchange, index);
    exchange.sentAt = exchange.time;
    aggregate?.request(exchange);
    exchange.answeredAt = exchange.endedAt = exchange.time + waitOf[index]!;
    exchange.status = 200;
    aggregate?.exchange(exchange);
    exchange.release();
  }
}

function usual(exchange: Exchange, index: number): void {
  const path = paths[pathOf[index]!]!;
  exchange.authority = hosts[hostOf[index]!]!;
  exchange.target.take(path, 0, path.length);
}

/** `/00000000/items.html` and so on, each new. */
const serialPath = utf8.encode("/00000000/items.html");
let serial = 0;

function takeNextPath(exchange: Exchange): void {
  for (let place = 8, rest = serial++; place > 0; place--, rest = Math.floor(rest / 10)) {
    serialPath[place] = 0x30 + rest % 10;
  }
  exchange.target.take(serialPath, 0, serialPath.length);
}

/** As many paths of one section, which have their number behind it. */
const flatPath = utf8.encode("/items/00000000.html");

function newPath(exchange: Exchange, index: number): void {
  exchange.authority = hosts[hostOf[index]!]!;
  for (let place = 14, rest = serial++; place > 6; place--, rest = Math.floor(rest / 10)) {
    flatPath[place] = 0x30 + rest % 10;
  }
  exchange.target.take(flatPath, 0, flatPath.length);
}

function newSection(exchange: Exchange, index: number): void {
  exchange.authority = hosts[hostOf[index]!]!;
  takeNextPath(exchange);
}

function newHost(exchange: Exchange): void {
  exchange.authority = new Authority(`www${serial}.example.com`, undefined);
  takeNextPath(exchange);
}

const kinds = {
  "50 hosts, 40,000 paths": usual,
  "each of a new path": newPath,
  "each of a new section and path": newSection,
  "each of a new host, section and path": newHost,
};

for (const [group, fillIn] of Object.entries(kinds)) {
  const aggregate = newAggregate();
  // Until the tables are full, if they will be.
  for (let batch = 0; batch < 3; batch++) run(aggregate, fillIn);
  Deno.bench(
    `100,000 requests made, not counted: ${group}`,
    { group, baseline: true },
    () => run(undefined, fillIn),
  );
  Deno.bench(`100,000 requests: ${group}`, { group }, () => run(aggregate, fillIn));
}

/** An aggregate with all tables at their caps, and 1,000 alerts. */
function full(): Aggregate {
  const aggregate = newAggregate(1_000_000);
  for (let alert = 0; alert < 1000; alert++) {
    for (let request = 0; request < 11; request++) {
      const exchange = Exchange.make(clients[0]!, { time: alert * 10_000_000 });
      usual(exchange, request);
      aggregate.request(exchange);
    }
  }
  for (let batch = 0; batch < 3; batch++) run(aggregate, newHost);
  return aggregate;
}

const early = newAggregate();
run(early, usual);
const late = full();
late.advance(3600e6 * 24);
Deno.bench("report: 50 hosts, 40,000 paths", { group: "report" }, () => {
  early.report(source, EMPTY_CAPTURE, 0);
});
Deno.bench(
  "report: 100,000 hosts, sections and paths of the same counts, 1,000 alerts",
  { group: "report" },
  () => {
    late.report(source, EMPTY_CAPTURE, 0);
  },
);
