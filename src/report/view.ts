/**
 * The report as what a reader sees: labelled figures and tables, with nothing yet said about room. All text is
 * sanitised here and in the views that this one is made of; what comes after may draw it as it is.
 *
 * @module
 */

import { formatDuration } from "../duration.ts";
import type { CaptureFigures, ErrorBounds, Report } from "../stats/report.ts";
import { summarizeAlerts, tabulateAlerts } from "./alerts_view.ts";
import { type Clean, type Field, field, type Span, type Table } from "./elements.ts";
import { tabulateExchanges } from "./exchange_view.ts";
import { bytes, count, decimal, duration, percent, timeOfDay, timeSeenFrom } from "./format.ts";
import { marksFor } from "./marks.ts";
import { makeNetworkView, type NetworkView } from "./network_view.ts";
import { sanitize } from "./sanitize.ts";
import {
  type Accuracy,
  type Keyed,
  share,
  type TableColumns,
  tabulatePercentile,
  tabulateRequests,
  tabulateSpreads,
  tabulateTraffic,
} from "./traffic_view.ts";

/** How the run stands, beside its figures. */
export interface RunStatus {
  readonly state: "live" | "reading" | "ended";
  readonly elapsedSeconds: number;
  readonly intervalSeconds: number;
  /** What will end the run besides the user, such as `until 10,000 packets`; `""` for nothing. */
  readonly until: string;
}

/** What a view is made for. */
export interface ViewOptions {
  /** When false, all text is ASCII. */
  readonly unicode: boolean;
  /** What the tables of hosts and sections show; their traffic by default. */
  readonly columns?: TableColumns;
}

/** What every page says at its top. */
export interface Heading {
  /** When the report was made, UTC: `2026-01-31` and `12:34:56`. */
  readonly date: string;
  readonly time: string;
  readonly source: string;
  readonly filter: string;
  /** How the run stands, the most important first. */
  readonly status: readonly string[];
}

/** Everything there is to show. */
export interface View extends Heading {
  readonly columns: TableColumns;
  readonly totals: readonly Field[];
  /** The period of a run that is not live, the busiest host and path. */
  readonly highlights: readonly Field[];
  /** Bytes, and requests a second in the windows that end now. */
  readonly rates: readonly Field[];
  readonly alertSummary: readonly Span[];
  /** Newest first, one row each; without headings. */
  readonly alerts: Table;
  readonly captured: string;
  readonly losses: readonly Field[];
  readonly hosts: Table;
  readonly topHostSections: Table;
  readonly sections: Table;
  readonly paths: Table;
  readonly clients: Table;
  /** All percentiles of the hosts' phases. */
  readonly timings: Table;
  readonly slowest: Table;
  /** `undefined` when nothing below HTTP is watched. */
  readonly network: NetworkView | undefined;
  /** Whether some figure is marked `~`. */
  readonly approximate: boolean;
  /** Standard error of the totals that are marked `~`, such as `0.8%`; `""` when none is. */
  readonly distinctError: string;
}

/** A built filter is long, and its beginning says what it is for. */
const longestFilter = 40;

/** Makes the view of a report. */
export function makeView(report: Report, status: RunStatus, options: ViewOptions): View {
  const { unicode, columns = "traffic" } = options;
  const clean: Clean = (text) => sanitize(text, { unicode });
  const marks = marksFor(unicode);
  const { totals, capture } = report;
  const estimated = (name: string) => totals.approximate.includes(name) ? "~" : "";
  const accuracy = (name: keyof ErrorBounds): Accuracy => {
    const bound = totals.errorBounds?.[name] ?? 0;
    const most = `up to ${count(bound)} too low`;
    const notes = [`counts may be ${most}`, most, `${marks.atMost}${count(bound)} too low`];
    return { mark: estimated(name), notes: bound > 0 ? notes : [] };
  };
  const figure = (name: keyof typeof totals & string, label: string, format: (value: number) => string) =>
    field(label, `${estimated(name)}${format(totals[name] as number)}`);
  const tabulate = (title: string, keyed: readonly Keyed[], accuracy: Accuracy) =>
    columns === "traffic"
      ? tabulateTraffic(title, keyed, totals.requests, accuracy)
      : tabulatePercentile(title, keyed, totals.requests, accuracy, columns);
  const hosts = report.hosts.map((row): Keyed => [clean(row.host), row]);
  const [host] = report.hosts;

  return {
    ...makeHeading(report, status, unicode),
    columns,
    totals: [
      figure("requests", "Requests", count),
      figure("hosts", "Hosts", count),
      figure("sections", "Sections", count),
      figure("paths", "Paths", count),
      figure("requestsPerSecond", "Per second", decimal),
      figure("requestsPerHost", "Per host", decimal),
      figure("clients", "Clients", count),
      field("Errors", count(totals.errors) + (totals.errors > 0 ? ` (${percent(totals.errorRate)})` : "")),
    ],
    highlights: highlight(report, status, estimated, clean),
    rates: [
      field("Bodies", bytes(totals.bytes)),
      field("Per second now", decimal(totals.rates.now)),
      field("1m", decimal(totals.rates["1m"])),
      field("5m", decimal(totals.rates["5m"])),
      field("15m", decimal(totals.rates["15m"])),
    ],
    alertSummary: summarizeAlerts(report.alerts),
    alerts: tabulateAlerts(report, marks, clean),
    captured: `${count(capture.packets)} packets, ${bytes(capture.bytes)}`,
    losses: lossLabels.map(([key, label]) =>
      field(label, count(capture[key]), capture[key] > 0 ? "warning" : "faint")
    ),
    hosts: tabulate("Hosts", hosts, accuracy("hosts")),
    topHostSections: tabulateRequests(
      host ? `Sections of ${clean(host.host)}` : "Sections of the busiest host",
      report.topHostSections.map((row) => [clean(row.section), row.requests]),
      host?.requests ?? 0,
      accuracy("sections"),
    ),
    sections: tabulate(
      "Sections",
      report.sections.map((row) => [clean(row.host + row.section), row]),
      accuracy("sections"),
    ),
    paths: tabulateRequests(
      "Paths",
      report.paths.map((row) => [clean(row.host + row.path), row.requests]),
      totals.requests,
      accuracy("paths"),
    ),
    clients: tabulateTraffic(
      "Clients",
      report.clients.map((row) => [clean(row.client), row]),
      totals.requests,
      accuracy("clients"),
    ),
    timings: tabulateSpreads("Timings", hosts),
    slowest: tabulateExchanges("Slowest", report.slowest, today(report), clean),
    network: report.network && makeNetworkView(report.network, clean),
    approximate: totals.approximate.length > 0,
    distinctError: totals.distinctError === undefined ? "" : percent(totals.distinctError),
  };
}

/** Makes what every page says at its top. */
export function makeHeading(report: Report, status: RunStatus, unicode: boolean): Heading {
  const clean: Clean = (text) => sanitize(text, { unicode });
  return {
    date: report.generatedAt.slice(0, 10),
    time: timeOfDay(report.generatedAt),
    source: clean(report.source.interface ?? report.source.file ?? ""),
    filter: sanitize(report.source.filter, { unicode, limit: longestFilter }),
    status: describeStatus(status, clean),
  };
}

/** The time whose day goes without saying. */
export function today(report: Report): string {
  return report.period.end ?? report.generatedAt;
}

const lossLabels: readonly [keyof CaptureFigures, string][] = [
  ["droppedByKernel", "Kernel drops"],
  ["droppedByInterface", "Interface drops"],
  ["tcpGaps", "TCP gaps"],
  ["unparsed", "Unparsed"],
  ["unpaired", "Unpaired"],
  ["evicted", "Evicted"],
];

function highlight(
  report: Report,
  status: RunStatus,
  estimated: (name: string) => string,
  clean: Clean,
): Field[] {
  const highlights: Field[] = [];
  const whole = report.totals.requests;
  const { start, end, seconds } = report.period;
  if (status.state !== "live" && start !== null && end !== null) {
    const from = `${start.slice(0, 10)} ${timeOfDay(start)}`;
    highlights.push(field("Period", `${from} to ${timeSeenFrom(start, end)} UTC (${duration(seconds)})`));
  }
  const [host] = report.hosts;
  if (host) {
    const figures = `${estimated("hosts")}${count(host.requests)} (${share(host.requests, whole)})`;
    highlights.push(field("Busiest host", `${clean(host.host)}  ${figures}`));
  }
  const [path] = report.paths;
  if (path) {
    const figures = `${estimated("paths")}${count(path.requests)} (${share(path.requests, whole)})`;
    highlights.push(field("Busiest path", `${clean(path.host + path.path)}  ${figures}`));
  }
  return highlights;
}

function describeStatus(status: RunStatus, clean: Clean): string[] {
  const elapsed = duration(status.elapsedSeconds);
  switch (status.state) {
    case "live": {
      const words = [`live ${elapsed}`, `every ${formatDuration(status.intervalSeconds * 1_000_000)}`];
      if (status.until !== "") words.push(clean(status.until));
      return words;
    }
    case "reading":
      return [`reading, ${elapsed}`];
    case "ended":
      return [`ended after ${elapsed}`];
  }
}
