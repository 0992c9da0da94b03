/**
 * A report as a busy machine would make it, for the tests of the views.
 *
 * @module
 */

import type {
  AlertFigures,
  ClientFigures,
  ExchangeFigures,
  HostFigures,
  Measure,
  NetworkFigures,
  Percentiles,
  Report,
  SectionFigures,
} from "../../src/stats/report.ts";
import type { RunStatus } from "../../src/report/view.ts";

export const liveStatus: RunStatus = { state: "live", elapsedSeconds: 130, intervalSeconds: 10, until: "" };

const noLosses = {
  droppedByKernel: 0,
  droppedByInterface: 0,
  tcpGaps: 0,
  unparsed: 0,
  unpaired: 0,
  evicted: 0,
};

/** An alert of the default rule. Times are of the day of the sample. */
export function sampleAlert(
  started: string,
  resolved: string | undefined,
  durationSeconds: number,
  value: number,
  peak: number,
): AlertFigures {
  return {
    rule: "traffic",
    state: resolved === undefined ? "firing" : "resolved",
    metric: "requests",
    unit: "requests",
    value,
    threshold: 10,
    peak,
    window: "2m",
    startedAt: `2026-03-14T${started}.250000Z`,
    ...(resolved === undefined ? {} : { resolvedAt: `2026-03-14T${resolved}.500000Z` }),
    durationSeconds,
    message: `requests in 2m: ${value}`,
    contributors: [{ by: "host", key: "shop.example", value: 9 }, {
      by: "host",
      key: "api.example",
      value: 3,
    }],
    losses: noLosses,
  };
}

/** An alert of an address that changed, as of one moment. */
export function sampleAddressAlert(started: string, changes: readonly string[]): AlertFigures {
  return {
    ...sampleAlert(started, undefined, 12, changes.length, changes.length),
    rule: "address changed its link layer address",
    metric: "addressChanges",
    unit: "changes",
    threshold: 0,
    message: "192.0.2.1 changed from 02:00:5e:00:53:01 to 02:00:5e:00:53:66: a possible spoof",
    contributors: changes.map((key) => ({ by: "address", key, value: 1 })),
  };
}

const totalRequests = 12_345;

function figures(requests: number, failed: number, waitMs: Percentiles | undefined) {
  return {
    requests,
    share: requests / totalRequests,
    requestsPerSecond: requests / 130,
    status: {
      "2xx": requests - failed - 40,
      "3xx": 30,
      "4xx": 10,
      ...(failed > 0 ? { "5xx": failed } : {}),
    },
    errorRate: (failed + 10) / requests,
    bytes: requests * 7_900,
    ...(waitMs ? phasesAround(waitMs) : {}),
  };
}

/** All phases but ARP of a host behind a gateway, in proportion to its wait. */
function phasesAround(waitMs: Percentiles): Partial<Record<`${Measure}Ms`, Percentiles>> {
  const times = (factor: number): Percentiles => ({
    p50: waitMs.p50 * factor,
    p95: waitMs.p95 * factor,
    p99: waitMs.p99 * factor,
  });
  return {
    dnsMs: times(0.3),
    connectMs: times(0.1),
    sendMs: times(0.004),
    waitMs,
    receiveMs: times(0.2),
    serverMs: times(0.9),
  };
}

function rates(now: number) {
  return { now, "1m": now * 0.8, "5m": now * 0.7, "15m": now * 0.7 };
}

const hosts: HostFigures[] = [
  {
    host: "shop.example",
    ...figures(4_321, 12, { p50: 12.4, p95: 88.1, p99: 310.9 }),
    arpMs: { p50: 0.021, p95: 0.2, p99: 0.4 },
    rates: rates(41.2),
  },
  {
    host: "api.example",
    ...figures(3_100, 0, { p50: 3.2, p95: 9.8, p99: 14.3 }),
    rates: rates(26),
  },
  {
    host: "static.cdn.a-rather-long-name.example.org",
    ...figures(2_204, 0, { p50: 0.8, p95: 2.1, p99: 4.4 }),
  },
  { host: "192.0.2.17", ...figures(1_015, 3, { p50: 45.7, p95: 1_204.6, p99: 2_950.2 }) },
  { host: "2001:db8::80", ...figures(640, 0, { p50: 5.1, p95: 7.7, p99: 8 }) },
  { host: "intranet", ...figures(410, 0, undefined) },
  { host: "bücher.example", ...figures(300, 0, { p50: 20, p95: 31.5, p99: 60.1 }) },
  { host: "日本語.example", ...figures(180, 0, { p50: 151.3, p95: 210, p99: 244.9 }) },
  { host: "metrics.example", ...figures(95, 0, { p50: 1.1, p95: 1.9, p99: 2.6 }) },
  { host: "old.example", ...figures(80, 1, { p50: 9.9, p95: 12, p99: 15.8 }) },
];

const sections: SectionFigures[] = [
  { host: "shop.example", section: "/cart", ...figures(2_010, 12, { p50: 25.8, p95: 120.4, p99: 402.2 }) },
  { host: "api.example", section: "/v2", ...figures(1_950, 0, { p50: 3.1, p95: 9.1, p99: 13.9 }) },
  { host: "shop.example", section: "/", ...figures(1_400, 0, { p50: 8.8, p95: 30.2, p99: 71.4 }) },
  { host: "static.cdn.a-rather-long-name.example.org", section: "/images", ...figures(1_210, 0, undefined) },
  { host: "api.example", section: "/v1", ...figures(1_150, 0, { p50: 3.4, p95: 10.2, p99: 15 }) },
  { host: "192.0.2.17", section: "/health", ...figures(1_000, 3, { p50: 45.7, p95: 1_204.6, p99: 2_950.2 }) },
  { host: "shop.example", section: "/search", ...figures(811, 0, { p50: 60.3, p95: 212.7, p99: 333.3 }) },
];

const clients: ClientFigures[] = [
  { client: "192.0.2.10", ...figures(8_120, 11, undefined) },
  { client: "2001:db8::4:10", ...figures(3_004, 5, undefined) },
  { client: "198.51.100.7", ...figures(1_221, 0, undefined) },
];

/** A first request of a browser: everything was seen, and the handshake took a second try. */
export function sampleExchange(changes: Partial<ExchangeFigures> = {}): ExchangeFigures {
  return {
    startedAt: "2026-03-14T09:31:50.120400Z",
    totalMs: 1_402.9,
    client: "192.0.2.10",
    clientPort: 51_234,
    server: "198.51.100.80",
    serverPort: 80,
    method: "GET",
    host: "shop.example",
    path: "/cart/items",
    status: 200,
    requestBytes: 0,
    responseBytes: 48_213,
    phases: [
      { phase: "dns", startMs: 0, ms: 31.4 },
      { phase: "arp", startMs: 31.9, ms: 0.6 },
      { phase: "connect", startMs: 32.6, ms: 1_043.2 },
      { phase: "send", startMs: 1_076.1, ms: 0.1 },
      { phase: "wait", startMs: 1_076.2, ms: 288.3 },
      { phase: "receive", startMs: 1_364.5, ms: 38.4 },
    ],
    serverMs: 246.1,
    dnsServer: "192.0.2.53",
    dnsName: "shop.example",
    clientMac: "02:00:5e:00:53:10",
    serverMac: "02:00:5e:00:53:01",
    serverGateway: "192.0.2.1",
    clientOnLink: true,
    serverOnLink: false,
    reused: false,
    untrusted: ["connect"],
    retransmissions: 1,
    gaps: 0,
    ...changes,
  };
}

/** One on a connection that had carried others, so that only the request and its response took time. */
export function sampleReusedExchange(changes: Partial<ExchangeFigures> = {}): ExchangeFigures {
  const { serverMs: _, dnsServer: __, dnsName: ___, ...first } = sampleExchange();
  return {
    ...first,
    startedAt: "2026-03-14T09:31:52.000100Z",
    totalMs: 3.75,
    method: "POST",
    path: "/cart/items/17",
    status: 503,
    requestBytes: 312,
    responseBytes: 0,
    phases: [
      { phase: "send", startMs: 0, ms: 0 },
      { phase: "wait", startMs: 0, ms: 3.75 },
      { phase: "receive", startMs: 3.75, ms: 0 },
    ],
    reused: true,
    untrusted: [],
    retransmissions: 0,
    ...changes,
  };
}

/** So many exchanges, the newest first, each of its own second and path. */
export function sampleExchanges(number: number, newest = number): ExchangeFigures[] {
  return Array.from({ length: number }, (_, index) => {
    const age = newest - index;
    const second = String(age % 60).padStart(2, "0");
    const minute = String(Math.floor(age / 60) % 60).padStart(2, "0");
    const make = age % 3 === 0 ? sampleExchange : sampleReusedExchange;
    return make({ startedAt: `2026-03-14T08:${minute}:${second}.000000Z`, path: `/item/${age}` });
  });
}

const network: NetworkFigures = {
  dns: {
    queries: 812,
    failures: 14,
    timeouts: 3,
    retries: 5,
    servers: [
      {
        server: "192.0.2.53",
        protocol: "dns",
        queries: 790,
        failures: 14,
        nxdomain: 12,
        timeouts: 1,
        retries: 3,
        roundTripMs: { p50: 4.2, p95: 31.4, p99: 80.5 },
        topNames: [{ name: "shop.example", queries: 401 }, { name: "api.example", queries: 260 }],
      },
      {
        server: "224.0.0.251",
        protocol: "mdns",
        queries: 22,
        failures: 0,
        nxdomain: 0,
        timeouts: 2,
        retries: 2,
        topNames: [{ name: "printer.local", queries: 22 }],
      },
    ],
  },
  gateways: [
    { mac: "02:00:5e:00:53:01", address: "192.0.2.1", connections: 512 },
    { mac: "02:00:5e:00:53:02", address: "fe80::1", connections: 77 },
  ],
  arp: { requests: 40, replies: 38, unanswered: 2 },
  neighbourDiscovery: { requests: 12, replies: 12, unanswered: 0 },
  addressChanges: 1,
  tcp: {
    handshakes: 1_204,
    refused: 2,
    unanswered: 1,
    synRetransmissions: 3,
    retransmissions: 44,
    resets: 7,
    zeroWindows: 0,
  },
  icmpErrors: 4,
};

/** 12,345 requests of 130 seconds, one alert firing and two resolved. */
export function sampleReport(): Report {
  return {
    source: { interface: "eth0", filter: "tcp port 80", linkType: "EN10MB" },
    generatedAt: "2026-03-14T09:31:55.000000Z",
    period: { start: "2026-03-14T09:29:45.000000Z", end: "2026-03-14T09:31:54.871000Z", seconds: 129.871 },
    totals: {
      requests: totalRequests,
      responses: 12_331,
      errors: 116,
      hosts: 12,
      sections: 34,
      paths: 20_118,
      clients: 48,
      requestsPerSecond: 94.96,
      requestsPerHost: 1028.75,
      bytes: 97_000_000,
      errorRate: 0.0094,
      rates: rates(98.2),
      approximate: ["paths"],
      errorBounds: { paths: 12 },
      distinctError: 0.0081,
    },
    hosts,
    topHostSections: [
      { host: "shop.example", section: "/cart", requests: 2_010 },
      { host: "shop.example", section: "/", requests: 1_400 },
      { host: "shop.example", section: "/search", requests: 811 },
      { host: "shop.example", section: "/account", requests: 100 },
    ],
    sections,
    paths: [
      { host: "shop.example", path: "/cart/items", requests: 1_203 },
      { host: "192.0.2.17", path: "/health", requests: 1_000 },
      { host: "api.example", path: "/v2/orders/search", requests: 931 },
      { host: "shop.example", path: "/", requests: 877 },
      { host: "static.cdn.a-rather-long-name.example.org", path: "/images/logo-large@2x.png", requests: 640 },
      { host: "api.example", path: "/v1/status", requests: 512 },
    ],
    clients,
    slowest: [sampleExchange(), sampleReusedExchange()],
    network,
    alerts: [
      sampleAlert("08:59:58", "09:04:20", 262.25, 10, 18),
      sampleAlert("09:21:02", "09:25:31", 269.25, 0, 4_310),
      sampleAlert("09:31:10", undefined, 44.75, 2_914, 3_022),
    ],
    capture: {
      packets: 181_234,
      bytes: 97_812_345,
      ...noLosses,
      tcpGaps: 2,
      unpaired: 14,
    },
  };
}
