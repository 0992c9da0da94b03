/**
 * Hosts, sections, paths and clients as tables.
 *
 * @module
 */

import type { KeyFigures, Measure, Percentiles, Rates, StatusCounts } from "../stats/report.ts";
import { column, span, type Table, withoutEmptyColumns } from "./elements.ts";
import { bytes, count, decimal, percent, shortDecimal } from "./format.ts";

/** How far the requests of a list can be trusted: the mark of an estimate, and by how many it can be too low. */
export interface Accuracy {
  readonly mark: string;
  readonly notes: readonly string[];
}

/** What the tables of hosts and sections show: their traffic, or this percentile of each phase. */
export type TableColumns = "traffic" | keyof Percentiles;

/** All of these, in the order in which they follow each other. */
export const TABLE_COLUMNS: readonly TableColumns[] = ["traffic", "p50", "p95", "p99"];

/** The figures of a host, section or client, with the name it is shown by. */
export type Keyed = readonly [name: string, figures: KeyFigures & { readonly rates?: Rates }];

type StatusClass = keyof StatusCounts;

const statuses: readonly [heading: string, classes: readonly StatusClass[], priority: number][] = [
  ["2xx", ["2xx"], 5],
  ["3xx", ["3xx"], 6],
  ["4xx", ["4xx"], 3],
  ["5xx", ["5xx"], 2],
  ["other", ["1xx", "other"], 7],
];

const rates: readonly [key: keyof Rates, priority: number][] = [["now", 10], ["1m", 11], ["5m", 12], [
  "15m",
  12,
]];

/** What is measured, in the order of the columns, with their priorities. */
const measures: readonly [measure: Measure, priority: number][] = [
  ["dns", 2],
  ["arp", 5],
  ["connect", 2],
  ["send", 6],
  ["wait", 1],
  ["receive", 4],
  ["server", 3],
];

/** A part of `whole` as a percentage. */
export function share(part: number, whole: number): string {
  return percent(whole > 0 ? part / whole : 0);
}

/** Requests, their share of `whole`, rates, status classes, bytes and wait. */
export function tabulateTraffic(
  title: string,
  keyed: readonly Keyed[],
  whole: number,
  accuracy: Accuracy,
): Table {
  const rows = keyed.map(([name, figures]) => [
    span(name),
    span(`${accuracy.mark}${count(figures.requests)}`),
    // Not the report's share, which is rounded: rounded again it would differ from that of a path.
    span(share(figures.requests, whole)),
    span(decimal(figures.requestsPerSecond)),
    ...rates.map(([key]) => span(figures.rates ? decimal(figures.rates[key]) : "")),
    ...statusCells(figures.status),
    span(figures.errorRate > 0 ? percent(figures.errorRate) : ""),
    span(figures.bytes > 0 ? bytes(figures.bytes) : ""),
    span(time(figures.waitMs?.p50)),
    span(time(figures.waitMs?.p95)),
    span(time(figures.waitMs?.p99)),
  ]);
  return withoutEmptyColumns({
    columns: [
      { ...column(title, "left", 0, true), notes: accuracy.notes },
      column("requests", "right", 0),
      column("share", "right", 1),
      column("per s", "right", 4),
      ...rates.map(([key, priority]) => column(key, "right", priority)),
      ...statuses.map(([heading, , priority]) => column(heading, "right", priority)),
      column("errors", "right", 8),
      column("bytes", "right", 9),
      column("p50 ms", "right", 4),
      column("p95 ms", "right", 3),
      column("p99 ms", "right", 5),
    ],
    rows,
  });
}

/** One percentile of each phase, in milliseconds; then what else there is room for. */
export function tabulatePercentile(
  title: string,
  keyed: readonly Keyed[],
  whole: number,
  accuracy: Accuracy,
  percentile: keyof Percentiles,
): Table {
  const rows = keyed.map(([name, figures]) => [
    span(name),
    ...measures.map(([measure]) => span(time(figures[`${measure}Ms`]?.[percentile]))),
    span(`${accuracy.mark}${count(figures.requests)}`),
    span(share(figures.requests, whole)),
    ...statusCells(figures.status),
  ]);
  return withoutEmptyColumns({
    columns: [
      { ...column(`${title}, ${percentile} ms`, "left", 0, true), notes: accuracy.notes },
      ...measures.map(([measure, priority]) => column(measure, "right", priority)),
      column("requests", "right", 7),
      column("share", "right", 8),
      ...statuses.map(([heading, , priority]) => column(heading, "right", 8 + priority)),
    ],
    rows,
  });
}

/** All percentiles of each phase that was observed, in milliseconds: a row for each key that has any. */
export function tabulateSpreads(title: string, keyed: readonly Keyed[]): Table {
  const rows = keyed.map(([name, figures]) => [
    span(name),
    ...measures.map(([measure]) => span(spread(figures[`${measure}Ms`]))),
  ]);
  return withoutEmptyColumns({
    columns: [
      column(`${title}, p50/p95/p99 ms`, "left", 0, true),
      ...measures.map(([measure, priority]) => column(measure, "right", priority)),
    ],
    rows: rows.filter(([, ...cells]) => cells.some((cell) => cell.text !== "")),
  });
}

/** Requests alone, with their share of `whole`. */
export function tabulateRequests(
  title: string,
  keyed: readonly (readonly [name: string, requests: number])[],
  whole: number,
  accuracy: Accuracy,
): Table {
  return {
    columns: [
      { ...column(title, "left", 0, true), notes: accuracy.notes },
      column("requests", "right", 0),
      column("share", "right", 1),
    ],
    rows: keyed.map((
      [name, requests],
    ) => [span(name), span(`${accuracy.mark}${count(requests)}`), span(share(requests, whole))]),
  };
}

function statusCells(status: StatusCounts) {
  return statuses.map(([heading, classes]) => {
    const total = classes.reduce((sum, key) => sum + (status[key] ?? 0), 0);
    return span(total === 0 ? "" : count(total), heading === "5xx" ? "warning" : "plain");
  });
}

function time(value: number | undefined): string {
  return value === undefined ? "" : decimal(value);
}

function spread(value: Percentiles | undefined): string {
  return value ? [value.p50, value.p95, value.p99].map(shortDecimal).join("/") : "";
}
