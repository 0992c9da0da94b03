import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Endpoints, type Exchange } from "../../src/http/exchange.ts";
import { Authority } from "../../src/http/target.ts";
import { Aggregate, type AggregateOptions } from "../../src/stats/aggregate.ts";
import type { KeyFigures, Report, TrafficFigures } from "../../src/stats/report.ts";
import { exchangeFigures } from "../../src/stats/exchange_figures.ts";
import {
  EMPTY_CAPTURE,
  makeExchange,
  makeOpening,
  NO_LOSSES,
  NO_NETWORK,
  seededRandom,
} from "./exchanges.ts";

const SECOND = 1_000_000;
const START = 1_700_000_000 * SECOND;
const NO_RATES = { now: 0, "1m": 0, "5m": 0, "15m": 0 };
const SOURCE = { file: "test.pcap", filter: "tcp port 80", linkType: "EN10MB" };

function newAggregate(options: Partial<AggregateOptions> = {}): Aggregate {
  return new Aggregate({
    threshold: 10,
    windowMicros: 120 * SECOND,
    top: 10,
    losses: () => NO_LOSSES,
    hashKey: [1, 2],
    ...options,
  });
}

function reportOf(aggregate: Aggregate): Report {
  return aggregate.report(SOURCE, EMPTY_CAPTURE, START);
}

/** Counts whole exchanges: request and outcome. */
function countAll(aggregate: Aggregate, exchanges: Exchange[]): void {
  for (const exchange of exchanges) {
    aggregate.request(exchange);
    aggregate.exchange(exchange);
  }
}

Deno.test("a report before any traffic has its whole shape and zeros", () => {
  assertEquals(reportOf(newAggregate()), {
    source: SOURCE,
    generatedAt: "2023-11-14T22:13:20.000000Z",
    period: { start: null, end: null, seconds: 0 },
    totals: {
      requests: 0,
      responses: 0,
      errors: 0,
      hosts: 0,
      sections: 0,
      paths: 0,
      clients: 0,
      requestsPerSecond: 0,
      requestsPerHost: 0,
      bytes: 0,
      errorRate: 0,
      rates: NO_RATES,
      approximate: [],
    },
    hosts: [],
    topHostSections: [],
    sections: [],
    paths: [],
    clients: [],
    slowest: [],
    alerts: [],
    capture: EMPTY_CAPTURE,
  });
});

Deno.test("a report tells all figures of some traffic, in a stable order of keys", () => {
  const aggregate = newAggregate();
  const requests: Parameters<typeof makeExchange>[0][] = [
    { host: "a.example", path: "/api/1", status: 200, wait: 10, receive: 0, responseBodyBytes: 100 },
    { host: "a.example", path: "/api/2", status: 503, wait: 10, receive: 0, requestBodyBytes: 7 },
    { host: "b.example", path: "/", status: 304 },
    { host: "a.example", path: "", status: 0, client: "2001:db8::1" },
  ];
  const exchanges = requests.map((fields, index) =>
    makeExchange({ time: START + index * SECOND, ...fields })
  );
  countAll(aggregate, exchanges);
  const capture = { ...EMPTY_CAPTURE, packets: 12, droppedByKernel: 3 };
  const ten = { p50: 10, p95: 10, p99: 10 }, nothing = { p50: 0, p95: 0, p99: 0 };
  const times = { sendMs: nothing, waitMs: ten, receiveMs: nothing };
  const api = {
    requests: 2,
    share: 0.5,
    requestsPerSecond: 0.667,
    status: { "2xx": 1, "5xx": 1 },
    errorRate: 0.5,
    bytes: 107,
    ...times,
  };
  const one = { requests: 1, share: 0.25, requestsPerSecond: 0.333 };
  const unanswered = { ...one, status: {}, errorRate: 0, bytes: 0 };
  const unchanged = { ...one, status: { "3xx": 1 }, errorRate: 0, bytes: 0 };
  const ratesOf = (rate: number) => ({ now: rate, "1m": rate, "5m": rate, "15m": rate });
  const expected: Report = {
    source: SOURCE,
    generatedAt: "2023-11-14T22:13:24.500000Z",
    period: { start: "2023-11-14T22:13:20.000000Z", end: "2023-11-14T22:13:23.000000Z", seconds: 3 },
    totals: {
      requests: 4,
      responses: 3,
      errors: 1,
      hosts: 2,
      sections: 3,
      paths: 4,
      clients: 2,
      requestsPerSecond: 1.333,
      requestsPerHost: 2,
      bytes: 107,
      errorRate: 0.3333,
      rates: ratesOf(1.333),
      approximate: [],
    },
    hosts: [
      { host: "a.example", ...api, requests: 3, share: 0.75, requestsPerSecond: 1, rates: ratesOf(1) },
      { host: "b.example", ...unchanged, rates: ratesOf(0.333) },
    ],
    topHostSections: [
      { host: "a.example", section: "/api", requests: 2 },
      { host: "a.example", section: "/", requests: 1 },
    ],
    sections: [
      { host: "a.example", section: "/api", ...api },
      { host: "a.example", section: "/", ...unanswered },
      { host: "b.example", section: "/", ...unchanged },
    ],
    paths: [
      { host: "a.example", path: "", requests: 1 },
      { host: "a.example", path: "/api/1", requests: 1 },
      { host: "a.example", path: "/api/2", requests: 1 },
      { host: "b.example", path: "/", requests: 1 },
    ],
    clients: [
      {
        client: "192.0.2.1",
        requests: 3,
        share: 0.75,
        requestsPerSecond: 1,
        status: { "2xx": 1, "3xx": 1, "5xx": 1 },
        errorRate: 0.3333,
        bytes: 107,
      },
      { client: "2001:db8::1", ...unanswered },
    ],
    slowest: [exchangeFigures(exchanges[0]!), exchangeFigures(exchanges[1]!)],
    alerts: [],
    capture,
  };
  const report = aggregate.report(SOURCE, capture, START + 4.5 * SECOND);
  assertEquals(JSON.stringify(report, null, 1), JSON.stringify(expected, null, 1));
});

Deno.test("a report is a snapshot: traffic that follows does not change it", () => {
  const aggregate = newAggregate({ threshold: 0 });
  const capture = { ...EMPTY_CAPTURE };
  countAll(aggregate, [makeExchange({ time: START, wait: 1 })]);
  const report = aggregate.report(SOURCE, capture, START);
  const before = structuredClone(report);
  capture.packets = 9;
  countAll(aggregate, [makeExchange({ time: START + 600 * SECOND, status: 500, wait: 99 })]);
  assertEquals(report, before);
});

Deno.test("a request is counted at once, its outcome when the exchange has ended", () => {
  const aggregate = newAggregate();
  const exchange = makeExchange({ status: 0, wait: undefined });
  aggregate.request(exchange);
  assertEquals([reportOf(aggregate).totals.requests, reportOf(aggregate).totals.responses], [1, 0]);
  Object.assign(exchange, { status: 404, sentAt: 5000, answeredAt: 8000 });
  aggregate.exchange(exchange);
  const { totals, hosts } = reportOf(aggregate);
  assertEquals([totals.requests, totals.responses, totals.errors], [1, 1, 1]);
  assertEquals([hosts[0]?.status, hosts[0]?.waitMs?.p50], [{ "4xx": 1 }, 3]);
});

Deno.test("status codes from 600 on count as other, and 400 is the first error", () => {
  const aggregate = newAggregate();
  countAll(aggregate, [101, 200, 399, 400, 599, 600, 999].map((status) => makeExchange({ status })));
  const { totals, hosts } = reportOf(aggregate);
  assertEquals(hosts[0]?.status, { "1xx": 1, "2xx": 1, "3xx": 1, "4xx": 1, "5xx": 1, other: 2 });
  assertEquals([totals.responses, totals.errors, hosts[0]?.errorRate], [7, 4, 0.5714]);
});

Deno.test("the period runs from the earliest to the latest time of requests and advances", () => {
  const aggregate = newAggregate();
  aggregate.advance(START);
  aggregate.request(makeExchange({ time: START + 4 * SECOND }));
  aggregate.request(makeExchange({ time: START - 1 }));
  aggregate.advance(START + 10 * SECOND);
  aggregate.advance(START + 9 * SECOND);
  const { period, totals } = reportOf(aggregate);
  assertEquals(period, {
    start: "2023-11-14T22:13:19.999999Z",
    end: "2023-11-14T22:13:30.000000Z",
    seconds: 10.000001,
  });
  assertEquals(totals.requestsPerSecond, 0.2);
});

Deno.test("rates are 0 when all traffic has one time", () => {
  const aggregate = newAggregate();
  countAll(aggregate, [makeExchange({ time: START }), makeExchange({ time: START })]);
  const { period, totals, hosts } = reportOf(aggregate);
  assertEquals([period.seconds, totals.requestsPerSecond, hosts[0]?.requestsPerSecond], [0, 0, 0]);
  assertEquals([totals.rates, hosts[0]?.rates], [NO_RATES, NO_RATES]);
});

Deno.test("an alert fires from requests and resolves by advance alone", () => {
  const aggregate = newAggregate();
  for (let index = 0; index < 11; index++) aggregate.request(makeExchange({ time: START + index * SECOND }));
  assertEquals(reportOf(aggregate).alerts.map(({ state }) => state), ["firing"]);
  aggregate.advance(START + 3600 * SECOND);
  const [alert] = reportOf(aggregate).alerts;
  assertEquals([alert?.state, alert?.durationSeconds], ["resolved", 110]);
});

Deno.test("evicted alerts make the list of alerts approximate", () => {
  const aggregate = newAggregate({ threshold: 0, alertCap: 1 });
  aggregate.request(makeExchange({ time: START }));
  assertEquals(reportOf(aggregate).totals.approximate, []);
  aggregate.request(makeExchange({ time: START + 3600 * SECOND }));
  assertEquals(reportOf(aggregate).totals.approximate, ["alerts"]);
  assertEquals(reportOf(aggregate).alerts.length, 1);
});

Deno.test("lists are as long as asked for and the sections listed are those of the busiest host", () => {
  const aggregate = newAggregate({ top: 2 });
  for (const host of ["a", "b", "b", "b", "c", "c"]) {
    for (const section of ["/x", "/y", "/z"]) {
      countAll(aggregate, [makeExchange({ host, path: section })]);
    }
  }
  const report = reportOf(aggregate);
  assertEquals(report.hosts.map(({ host }) => host), ["b", "c"]);
  assertEquals(report.topHostSections.map(({ host, section }) => host + section), ["b/x", "b/y"]);
  assertEquals(report.sections.map(({ host, section }) => host + section), ["b/x", "b/y"]);
  assertEquals(report.paths.map(({ host, path }) => host + path), ["b/x", "b/y"]);
});

Deno.test("only the busiest hosts have percentiles of their own", () => {
  const aggregate = newAggregate({ percentileCap: 1 });
  countAll(aggregate, ["a", "b", "b"].map((host) => makeExchange({ host, wait: 5 })));
  assertEquals(reportOf(aggregate).hosts.map(({ host, waitMs }) => [host, waitMs?.p50]), [["b", 5], [
    "a",
    undefined,
  ]]);
});

Deno.test("past a cap the report names each estimated figure, and the busy stay exact", () => {
  const aggregate = newAggregate({ keyCap: 100 });
  const busy = makeExchange({ host: "busy", path: "/s/p", client: "192.0.2.9" });
  for (let index = 0; index < 5000; index++) {
    countAll(aggregate, [
      busy,
      makeExchange({ host: "busy", path: `/s/${index}`, client: "192.0.2.9" }),
    ]);
  }
  const few = reportOf(aggregate).totals;
  // What one more of a hundred keys can have had: the others came in turn.
  assertEquals([few.approximate, few.errorBounds, few.distinctError], [["paths"], { paths: 50 }, 0.0081]);
  for (let index = 0; index < 5000; index++) {
    const name = `${index}.example`;
    countAll(aggregate, [
      busy,
      makeExchange({ host: name, path: `/${name}`, client: name }),
    ]);
  }
  const { totals, hosts, sections, paths, clients } = reportOf(aggregate);
  assertEquals(totals.approximate, ["hosts", "sections", "paths", "clients"]);
  assertEquals(totals.errorBounds, { hosts: 50, sections: 50, paths: 101, clients: 50 });
  assertEquals(totals.requests, 20_000);
  assertEquals([hosts[0]?.host, hosts[0]?.requests], ["busy", 15_000]);
  assertEquals([sections[0]?.section, sections[0]?.requests], ["/s", 15_000]);
  assertEquals([paths[0]?.path, paths[0]?.requests], ["/s/p", 10_000]);
  assertEquals([clients[0]?.client, clients[0]?.requests], ["192.0.2.9", 15_000]);
  const estimates = [[totals.hosts, 5001], [totals.sections, 5001], [totals.paths, 10_001], [
    totals.clients,
    5001,
  ]];
  for (const [estimate = 0, exact = 0] of estimates) {
    assert(Math.abs(estimate - exact) <= 4 * 0.0081 * exact, `${estimate} for ${exact}`);
  }
});

Deno.test("an outcome whose host is no longer held still counts in the totals", () => {
  const aggregate = newAggregate({ keyCap: 2 });
  const slow = makeExchange({ host: "slow", status: 500, wait: 5, responseBodyBytes: 10 });
  aggregate.request(slow);
  for (let index = 0; index < 20; index++) countAll(aggregate, [makeExchange({ host: `h${index}` })]);
  aggregate.exchange(slow);
  const { totals } = reportOf(aggregate);
  assertEquals([totals.requests, totals.responses, totals.errors, totals.bytes], [21, 21, 1, 10]);
});

/** Any exchange over few names, so that they repeat. */
const anyExchange = fc.record({
  host: fc.constantFrom("a", "b", "b.c", "__proto__"),
  path: fc.constantFrom(
    "",
    "*",
    "/",
    "//",
    "/x",
    "/x/1",
    "/x/2",
    "/constructor",
    "/constructor/1",
    `/${"x".repeat(200)}/1`,
  ),
  client: fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1"),
  time: fc.integer({ min: 0, max: 600 * SECOND }),
  status: fc.constantFrom(0, 101, 200, 204, 302, 404, 500, 999),
  requestBodyBytes: fc.nat(5000),
  responseBodyBytes: fc.nat(5000),
  wait: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
  send: fc.constantFrom(0, 0, 3),
  receive: fc.constantFrom(0, 0, 1, 40, undefined),
  opening: fc.option(fc.record({
    synAt: fc.constant(0),
    connect: fc.constantFrom(undefined, 0.5, 20),
    network: fc.constantFrom(undefined, 0.3, 15, 2000),
    retransmissions: fc.constantFrom(0, 0, 1),
    dns: fc.option(fc.nat(100), { nil: undefined }),
    arp: fc.option(fc.nat(3), { nil: undefined }),
  })),
}).map(({ opening, receive, ...fields }) =>
  makeExchange({
    ...fields,
    ...(receive !== undefined && { receive }),
    ...(opening && { opening: makeOpening(opening) }),
  })
);

const MEASURES = ["dns", "arp", "connect", "send", "wait", "receive", "server"] as const;

/** Checks what is told of some key against its exchanges. */
function assertFigures(figures: TrafficFigures & Partial<KeyFigures>, own: Exchange[], all: number): void {
  const answered = own.filter(({ status }) => status !== 0);
  const errors = answered.filter(({ status }) => status >= 400).length;
  assertEquals(figures.requests, own.length);
  assertEquals(figures.share, Math.round(own.length / all * 1e4) / 1e4);
  assertEquals(Object.values(figures.status).reduce((sum, count) => sum + count, 0), answered.length);
  assertEquals(figures.status["5xx"] ?? 0, answered.filter(({ status }) => status / 100 >>> 0 === 5).length);
  assertEquals(figures.errorRate, answered.length && Math.round(errors / answered.length * 1e4) / 1e4);
  assertEquals(figures.bytes, bytesOf(own));
}

/** Checks the percentiles told of some key against its exchanges. */
function assertPercentiles(figures: KeyFigures, own: Exchange[]): void {
  for (const measure of MEASURES) {
    const values = own.flatMap((exchange) => exchange[measure] ?? []).sort((a, b) => a - b);
    const percentiles = figures[`${measure}Ms`];
    assertEquals(percentiles === undefined, values.length === 0, measure);
    if (percentiles === undefined) continue;
    for (const [name, q] of [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]] as const) {
      const exact = values[Math.ceil(q * values.length) - 1] ?? NaN;
      const told = percentiles[name];
      assert(Math.abs(told - exact) <= 0.02 * exact + 0.001, `${measure} ${name}: ${told} for ${exact}`);
    }
  }
}

function bytesOf(exchanges: Exchange[]): number {
  return exchanges.reduce((sum, { requestBodyBytes, responseBodyBytes }) => {
    return sum + requestBodyBytes + responseBodyBytes;
  }, 0);
}

Deno.test("all figures agree with counting a list of the exchanges afresh", () => {
  fc.assert(fc.property(fc.array(anyExchange, { minLength: 1, maxLength: 80 }), (exchanges) => {
    const aggregate = newAggregate({ top: 100 });
    countAll(aggregate, exchanges);
    const report = reportOf(aggregate);

    const answered = exchanges.filter(({ status }) => status !== 0);
    const errors = answered.filter(({ status }) => status >= 400).length;
    const times = exchanges.map(({ time }) => time);
    const seconds = (Math.max(...times) - Math.min(...times)) / SECOND;
    const grouped = (keyOf: (exchange: Exchange) => string) => Map.groupBy(exchanges, keyOf);
    const hosts = grouped(({ host }) => host);
    const sections = grouped(({ host, section }) => `${host} ${section}`);
    const paths = grouped(({ host, path }) => `${host} ${path}`);
    const clients = grouped(({ endpoints }) => endpoints.clientAddress);
    assertEquals(report.period.seconds, seconds);
    assertEquals(report.totals, {
      requests: exchanges.length,
      responses: answered.length,
      errors,
      hosts: hosts.size,
      sections: sections.size,
      paths: paths.size,
      clients: clients.size,
      requestsPerSecond: seconds > 0 ? Math.round(exchanges.length / seconds * 1000) / 1000 : 0,
      requestsPerHost: Math.round(exchanges.length / hosts.size * 1000) / 1000,
      bytes: bytesOf(exchanges),
      errorRate: answered.length && Math.round(errors / answered.length * 1e4) / 1e4,
      rates: report.totals.rates,
      approximate: [],
    });

    const listed = (groups: Map<string, Exchange[]>) =>
      [...groups].map(([key, { length }]) => [key, length] as const)
        .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    assertEquals(report.hosts.map(({ host, requests }) => [host, requests] as const), listed(hosts));
    assertEquals(
      report.sections.map(({ host, section, requests }) => [`${host} ${section}`, requests] as const),
      listed(sections),
    );
    assertEquals(
      report.paths.map(({ host, path, requests }) => [`${host} ${path}`, requests] as const),
      listed(paths),
    );
    assertEquals(
      report.clients.map(({ client, requests }) => [client, requests] as const),
      listed(clients),
    );
    for (const figures of report.hosts) {
      const own = hosts.get(figures.host)!;
      assertFigures(figures, own, exchanges.length);
      assertPercentiles(figures, own);
    }
    for (const figures of report.sections) {
      const own = sections.get(`${figures.host} ${figures.section}`)!;
      assertFigures(figures, own, exchanges.length);
      assertPercentiles(figures, own);
    }
    for (const figures of report.clients) {
      assertFigures(figures, clients.get(figures.client)!, exchanges.length);
    }
  }));
});

Deno.test("percentiles of each phase of very many exchanges keep within 2 % of the exact ones", () => {
  const aggregate = newAggregate();
  const random = seededRandom(11);
  const exponential = (mean: number) => 0.1 - mean * Math.log(1 - random());
  const exchanges = Array.from({ length: 20_000 }, (_, index) => {
    const time = START + index * 1000;
    const opening = makeOpening({
      synAt: time - 50,
      connect: exponential(5) + 3,
      network: random() * 3,
      dns: exponential(20),
      arp: exponential(0.4),
    });
    return makeExchange({
      time,
      send: random() < 0.7 ? 0 : exponential(2),
      wait: exponential(40),
      receive: random() < 0.6 ? 0 : exponential(10),
      ...(index % 4 === 0 && { opening }),
    });
  });
  countAll(aggregate, exchanges);
  const { hosts, sections } = reportOf(aggregate);
  for (const figures of [hosts[0]!, sections[0]!]) assertPercentiles(figures, exchanges);
});

Deno.test("server is the wait without the way to the server, also on later exchanges of the connection", () => {
  const aggregate = newAggregate();
  const first = makeExchange({ wait: 50, opening: makeOpening({ synAt: 0, connect: 21, network: 20 }) });
  const [second, third] = [30, 5].map((wait) => makeExchange({ wait }));
  second!.endpoints = third!.endpoints = first.endpoints;
  countAll(aggregate, [first, second!, third!]);
  const [host] = reportOf(aggregate).hosts;
  assertAlmostEquals(host?.serverMs?.p50 ?? NaN, 10, 0.2);
  assertEquals(host?.serverMs?.p99, 30);
  assertEquals([host?.connectMs?.p99, host?.dnsMs], [21, undefined]);
});

Deno.test("server is absent when the handshake was not seen or a part of it was sent again", () => {
  const aggregate = newAggregate();
  countAll(aggregate, [
    makeExchange({ wait: 50 }),
    makeExchange({ wait: 50, opening: makeOpening({ synAt: 0, connect: 21, retransmissions: 1 }) }),
  ]);
  assertEquals(reportOf(aggregate).hosts[0]?.serverMs, undefined);
});

Deno.test("rates tell the last seconds and minutes, of all requests and by host", () => {
  const aggregate = newAggregate({ percentileCap: 2 });
  for (let second = 0; second < 1200; second++) {
    const time = START + second * SECOND;
    countAll(aggregate, [makeExchange({ host: "steady", time })]);
    if (second >= 1190) countAll(aggregate, [1, 2, 3].map(() => makeExchange({ host: "new", time })));
    if (second >= 1190) countAll(aggregate, [makeExchange({ host: "pooled", time })]);
  }
  aggregate.advance(START + 1200 * SECOND);
  const { totals, hosts } = reportOf(aggregate);
  assertEquals(totals.rates, { now: 5, "1m": 1.667, "5m": 1.133, "15m": 1.044 });
  assertEquals(hosts.map(({ host, rates }) => [host, rates]), [
    ["steady", { now: 1, "1m": 1, "5m": 1, "15m": 1 }],
    ["new", { now: 3, "1m": 0.5, "5m": 0.1, "15m": 0.033 }],
    ["pooled", undefined],
  ]);
  aggregate.advance(START + 3600 * SECOND);
  assertEquals(reportOf(aggregate).totals.rates, NO_RATES);
  assertEquals(reportOf(aggregate).hosts[0]?.rates, NO_RATES);
});

Deno.test("the slowest exchanges are listed, as many as other lists have", () => {
  const aggregate = newAggregate({ top: 2 });
  countAll(aggregate, [5, 90, 70, 80].map((wait) => makeExchange({ path: `/${wait}`, wait, receive: 0 })));
  assertEquals(reportOf(aggregate).slowest.map(({ path, totalMs }) => [path, totalMs]), [["/90", 90], [
    "/80",
    80,
  ]]);
});

Deno.test("the network is told of when its counts are given", () => {
  const aggregate = newAggregate();
  const gateway = { mac: "02:00:00:00:00:80", address: "192.0.2.254" };
  const serverLocation = { onLink: false, gateway };
  countAll(aggregate, [makeExchange({ serverLocation }), makeExchange(), makeExchange({ serverLocation })]);
  aggregate.dns({
    protocol: "dns",
    client: "192.0.2.1",
    server: "192.0.2.53",
    name: "example.com",
    type: 1,
    askedAt: START,
    roundTrip: 1000,
    rcode: 0,
    retries: 0,
  });
  aggregate.addressChange({
    time: START,
    address: "192.0.2.1",
    from: "02:00:00:00:00:01",
    to: "02:00:00:00:00:02",
  });
  assertEquals(reportOf(aggregate).network, undefined);
  const report = aggregate.report(SOURCE, EMPTY_CAPTURE, START, NO_NETWORK);
  const { dns, gateways, addressChanges } = report.network!;
  assertEquals([dns.servers[0]?.server, addressChanges], ["192.0.2.53", 1]);
  assertEquals(gateways, [{ ...gateway, connections: 2 }]);
  assertEquals(report.alerts.map(({ metric }) => metric), ["addressChanges"]);
});

Deno.test("an exchange without a response counts its bytes and what was seen of its phases", () => {
  const aggregate = newAggregate();
  const exchange = makeExchange({
    status: 0,
    requestBodyBytes: 9,
    opening: makeOpening({ synAt: 0, connect: 4 }),
  });
  exchange.sentAt = exchange.time + 7000;
  countAll(aggregate, [exchange]);
  const { totals, hosts, clients } = reportOf(aggregate);
  assertEquals([totals.responses, totals.errorRate, totals.bytes], [0, 0, 9]);
  assertEquals([hosts[0]?.bytes, clients[0]?.bytes, hosts[0]?.errorRate], [9, 9, 0]);
  assertEquals([hosts[0]?.connectMs?.p50, hosts[0]?.sendMs?.p50, hosts[0]?.waitMs], [4, 7, undefined]);
});

Deno.test("an outcome counts in the totals only when its host and section were dropped meanwhile, come back or not", () => {
  const aggregate = newAggregate({ keyCap: 2 });
  const open = makeExchange({ host: "a", path: "/a", status: 404, wait: 500 });
  aggregate.request(open);
  // Their places go to others, and they come back to one of the two.
  for (const host of ["b", "c", "d", "e", "a", "a"]) {
    countAll(aggregate, [makeExchange({ host, path: `/${host}`, wait: 1 })]);
  }
  aggregate.exchange(open);
  const { totals, hosts, sections } = reportOf(aggregate);
  assertEquals([totals.responses, totals.errors], [7, 1]);
  for (const list of [hosts, sections]) {
    assertEquals(list.map(({ host, status, waitMs }) => [host, status, waitMs?.p99]), [
      ["a", { "2xx": 2 }, 1],
      [
        "e",
        { "2xx": 1 },
        1,
      ],
    ]);
  }
});

Deno.test("a host and section that take the place of others begin without their figures", () => {
  const aggregate = newAggregate({ keyCap: 1 });
  countAll(aggregate, [makeExchange({ host: "a", path: "/a", status: 500, wait: 500 })]);
  countAll(aggregate, [makeExchange({ host: "b", path: "/b", wait: 1 })]);
  const { hosts, sections } = reportOf(aggregate);
  for (const list of [hosts, sections]) {
    assertEquals(list.map(({ host, status, waitMs }) => [host, status, waitMs?.p99]), [[
      "b",
      { "2xx": 1 },
      1,
    ]]);
  }
});

Deno.test("exchanges may end in any order, and many be open at once", () => {
  const aggregate = newAggregate();
  const exchanges = Array.from({ length: 100 }, (_, index) => {
    return makeExchange({ host: `${index % 7}`, path: `/${index % 3}`, status: 200 + 100 * (index % 4) });
  });
  for (const exchange of exchanges) aggregate.request(exchange);
  for (const exchange of exchanges.toReversed()) aggregate.exchange(exchange);
  const again = newAggregate();
  countAll(again, exchanges);
  assertEquals(reportOf(aggregate), reportOf(again));
});

Deno.test("authorities of one host, and connections of one client, count as one", () => {
  const aggregate = newAggregate();
  const exchanges = [80, 8080].map((port) => {
    const exchange = makeExchange({ path: `/${port}` });
    exchange.authority = new Authority("example.com", port);
    exchange.endpoints = new Endpoints("192.0.2.1", port, "192.0.2.80", 80, undefined, undefined, undefined);
    return exchange;
  });
  countAll(aggregate, [...exchanges, ...exchanges]);
  const { totals, hosts } = reportOf(aggregate);
  assertEquals([totals.hosts, totals.clients, totals.paths, hosts[0]?.requests], [1, 1, 2, 4]);
});

Deno.test("aggregates that share exchanges do not see each other's hosts", () => {
  const [one, other] = [newAggregate(), newAggregate()];
  const exchange = makeExchange({ host: "a" });
  countAll(one, [makeExchange({ host: "b" }), exchange]);
  countAll(other, [exchange, exchange]);
  assertEquals(reportOf(one).hosts.map(({ host, requests }) => [host, requests]), [["a", 1], ["b", 1]]);
  assertEquals(reportOf(other).hosts.map(({ host, requests }) => [host, requests]), [["a", 2]]);
  assertEquals(reportOf(other).totals.clients, 1);
});

Deno.test("figures hold their bounds against exact counts on any traffic past the cap", () => {
  const stream = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
    { maxLength: 300 },
  );
  fc.assert(fc.property(stream, fc.integer({ min: 1, max: 12 }), (stream, keyCap) => {
    const aggregate = newAggregate({ keyCap, top: 1000 });
    const exchanges = stream.map(([host, section, path]) =>
      makeExchange({ host: `h${host}`, path: `/s${section}/${path}` })
    );
    countAll(aggregate, exchanges);
    const { totals, hosts, sections, paths } = reportOf(aggregate);
    const check = (
      name: "hosts" | "sections" | "paths",
      keyOf: (exchange: Exchange) => string,
      listed: Map<string, number>,
    ) => {
      const exact = Map.groupBy(exchanges, keyOf);
      const bound = totals.errorBounds?.[name] ?? 0;
      assertEquals(totals.approximate.includes(name), exact.size > keyCap);
      for (const [key, { length }] of exact) {
        const counted = listed.get(key) ?? 0;
        assert(
          counted <= length && length <= counted + bound,
          `${key}: ${counted} of ${length}, bound ${bound}`,
        );
      }
      for (const key of listed.keys()) assert(exact.has(key), key);
    };
    check("hosts", ({ host }) => host, new Map(hosts.map(({ host, requests }) => [host, requests])));
    check(
      "sections",
      ({ host, section }) => host + section,
      new Map(sections.map(({ host, section, requests }) => [host + section, requests])),
    );
    check(
      "paths",
      ({ host, path }) => host + path,
      new Map(paths.map(({ host, path, requests }) => [host + path, requests])),
    );
  }));
});

Deno.test("an exchange that is counted twice is the caller's mistake", () => {
  const aggregate = newAggregate();
  const exchange = makeExchange();
  countAll(aggregate, [exchange]);
  assertThrows(() => aggregate.exchange(exchange), TypeError);
});
