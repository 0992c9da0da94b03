/**
 * A report as a busy machine would make it, for the tests of the views.
 *
 * @module
 */

import type {
  AlertFigures,
  HostFigures,
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
    ...(waitMs ? { waitMs } : {}),
  };
}

const hosts: HostFigures[] = [
  { host: "shop.example", ...figures(4_321, 12, { p50: 12.4, p95: 88.1, p99: 310.9 }) },
  { host: "api.example", ...figures(3_100, 0, { p50: 3.2, p95: 9.8, p99: 14.3 }) },
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
