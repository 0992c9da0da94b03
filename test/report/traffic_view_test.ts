import { assertEquals } from "@std/assert";
import type { Table } from "../../src/report/elements.ts";
import {
  type Keyed,
  tabulatePercentile,
  tabulateSpreads,
  tabulateTraffic,
} from "../../src/report/traffic_view.ts";

const exact = { mark: "", notes: [] };
const host: Keyed = ["a", {
  requests: 8,
  share: 0.8,
  requestsPerSecond: 2,
  status: { "2xx": 6, "5xx": 2 },
  errorRate: 0.25,
  bytes: 2048,
  rates: { now: 4, "1m": 3, "5m": 2, "15m": 1 },
  dnsMs: { p50: 0.4, p95: 1.2, p99: 310.4 },
  waitMs: { p50: 5, p95: 6, p99: 7 },
}];
const silent: Keyed = ["b", {
  requests: 2,
  share: 0.2,
  requestsPerSecond: 0.5,
  status: {},
  errorRate: 0,
  bytes: 0,
}];

/** Rows as text by the headings of their columns. */
function records(table: Table): Record<string, string>[] {
  return table.rows.map((row) =>
    Object.fromEntries(row.map(({ text }, index) => [table.columns[index]!.heading, text]))
  );
}

Deno.test("tabulateTraffic has rates, error share and bytes of the keys that have any", () => {
  const [first, second] = records(tabulateTraffic("Hosts", [host, silent], 10, exact));
  assertEquals(first, {
    Hosts: "a",
    requests: "8",
    share: "80.0%",
    "per s": "2.0",
    now: "4.0",
    "1m": "3.0",
    "5m": "2.0",
    "15m": "1.0",
    "2xx": "6",
    "5xx": "2",
    errors: "25.0%",
    bytes: "2 KiB",
    "p50 ms": "5.0",
    "p95 ms": "6.0",
    "p99 ms": "7.0",
  });
  assertEquals([second?.now, second?.errors, second?.bytes, second?.["p50 ms"]], ["", "", "", ""]);
});

Deno.test("tabulatePercentile has the phases that were observed before everything else", () => {
  const table = tabulatePercentile("Hosts", [host, silent], 10, exact, "p95");
  assertEquals(records(table)[0], {
    "Hosts, p95 ms": "a",
    dns: "1.2",
    wait: "6.0",
    requests: "8",
    share: "80.0%",
    "2xx": "6",
    "5xx": "2",
  });
  const priorities = table.columns.map(({ priority }) => priority);
  assertEquals(Math.max(...priorities.slice(0, 3)) < Math.min(...priorities.slice(3)), true);
});

Deno.test("tabulateSpreads has all percentiles in a cell and leaves out keys without any", () => {
  assertEquals(records(tabulateSpreads("Timings", [host, silent])), [
    { "Timings, p50/p95/p99 ms": "a", dns: "0.4/1.2/310", wait: "5.0/6.0/7.0" },
  ]);
});
