/**
 * The report as what a reader sees: labelled figures and tables, with nothing yet said about room. All text is
 * sanitised here; what comes after may draw it as it is.
 *
 * @module
 */

import { formatDuration } from "../duration.ts";
import type {
  AlertFigures,
  CaptureFigures,
  ErrorBounds,
  KeyFigures,
  Report,
  StatusCounts,
} from "../stats/report.ts";
import { bytes, count, decimal, duration, percent, timeOfDay, timeSeenFrom } from "./format.ts";
import { sanitize } from "./sanitize.ts";

/** How the run stands, beside its figures. */
export interface RunStatus {
  readonly state: "live" | "reading" | "ended";
  readonly elapsedSeconds: number;
  readonly intervalSeconds: number;
  /** What will end the run besides the user, such as `until 10,000 packets`; `""` for nothing. */
  readonly until: string;
}

/** What a piece of text means to the eye; the colours are chosen where it is drawn. */
export type Tone = "plain" | "heading" | "faint" | "good" | "warning" | "alarm";

/** Text of one tone. A line is a run of these. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** A labelled figure. */
export interface Field {
  readonly label: string;
  readonly value: Span;
}

export interface Column {
  readonly heading: string;
  readonly align: "left" | "right";
  /** 0 is always shown, the others while there is room, lower ones first. */
  readonly priority: number;
  /** Takes the room that the others leave. */
  readonly flexible: boolean;
  /** What to say behind the heading: the first of these that there is room for. */
  readonly notes: readonly string[];
}

/** Each row has one cell a column. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Span[])[];
}

/** Everything there is to show. */
export interface View {
  /** When the report was made, UTC: `2026-01-31` and `12:34:56`. */
  readonly date: string;
  readonly time: string;
  readonly source: string;
  readonly filter: string;
  /** How the run stands, the most important first. */
  readonly status: readonly string[];
  readonly totals: readonly Field[];
  /** The period of a run that is not live, the busiest host and path. */
  readonly highlights: readonly Field[];
  readonly alertSummary: readonly Span[];
  /** Newest first, one row each; without headings. */
  readonly alerts: Table;
  readonly captured: string;
  readonly losses: readonly Field[];
  readonly hosts: Table;
  readonly topHostSections: Table;
  readonly sections: Table;
  readonly paths: Table;
  /** Whether some figure is marked `~`. */
  readonly approximate: boolean;
  /** Standard error of the totals that are marked `~`, such as `0.8%`; `""` when none is. */
  readonly distinctError: string;
}

/** Marks that differ with what the terminal can draw. */
interface Marks {
  readonly firing: string;
  readonly resolved: string;
  readonly until: string;
  readonly atMost: string;
}

/** A built filter is long, and its beginning says what it is for. */
const longestFilter = 40;

const unicodeMarks: Marks = { firing: "▲", resolved: "✓", until: "→", atMost: "≤" };
const asciiMarks: Marks = { firing: "!", resolved: "-", until: "to", atMost: "<=" };

/** Makes the view of a report. With `unicode` false all text is ASCII. */
export function makeView(report: Report, status: RunStatus, options: { unicode: boolean }): View {
  const clean = (text: string) => sanitize(text, options);
  const marks = options.unicode ? unicodeMarks : asciiMarks;
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

  const highlights: Field[] = [];
  const { start, end, seconds } = report.period;
  if (status.state !== "live" && start !== null && end !== null) {
    const from = `${start.slice(0, 10)} ${timeOfDay(start)}`;
    highlights.push(field("Period", `${from} to ${timeSeenFrom(start, end)} UTC (${duration(seconds)})`));
  }
  const [host] = report.hosts;
  if (host) {
    const figures = `${estimated("hosts")}${count(host.requests)} (${share(host.requests, totals.requests)})`;
    highlights.push(field("Busiest host", `${clean(host.host)}  ${figures}`));
  }
  const [path] = report.paths;
  if (path) {
    const figures = `${estimated("paths")}${count(path.requests)} (${share(path.requests, totals.requests)})`;
    highlights.push(field("Busiest path", `${clean(path.host + path.path)}  ${figures}`));
  }

  return {
    date: report.generatedAt.slice(0, 10),
    time: timeOfDay(report.generatedAt),
    source: clean(report.source.interface ?? report.source.file ?? ""),
    filter: sanitize(report.source.filter, { ...options, limit: longestFilter }),
    status: describeStatus(status, clean),
    totals: [
      figure("requests", "Requests", count),
      figure("hosts", "Hosts", count),
      figure("sections", "Sections", count),
      figure("paths", "Paths", count),
      figure("requestsPerSecond", "Per second", decimal),
      figure("requestsPerHost", "Per host", decimal),
      figure("clients", "Clients", count),
      figure("errors", "Errors", count),
    ],
    highlights,
    alertSummary: summarizeAlerts(report.alerts),
    alerts: tabulateAlerts(report, marks, clean),
    captured: `${count(capture.packets)} packets, ${bytes(capture.bytes)}`,
    losses: lossLabels.map(([key, label]) =>
      field(label, count(capture[key]), capture[key] > 0 ? "warning" : "faint")
    ),
    hosts: tabulateFigures(
      "Hosts",
      report.hosts.map((row) => [clean(row.host), row]),
      totals.requests,
      accuracy("hosts"),
    ),
    topHostSections: tabulateRequests(
      host ? `Sections of ${clean(host.host)}` : "Sections of the busiest host",
      report.topHostSections.map((row) => [clean(row.section), row.requests]),
      host?.requests ?? 0,
      accuracy("sections"),
    ),
    sections: tabulateFigures(
      "Sections",
      report.sections.map((row) => [clean(row.host + row.section), row]),
      totals.requests,
      accuracy("sections"),
    ),
    paths: tabulateRequests(
      "Paths",
      report.paths.map((row) => [clean(row.host + row.path), row.requests]),
      totals.requests,
      accuracy("paths"),
    ),
    approximate: totals.approximate.length > 0,
    distinctError: totals.distinctError === undefined ? "" : percent(totals.distinctError),
  };
}

const lossLabels: readonly [keyof CaptureFigures, string][] = [
  ["droppedByKernel", "Kernel drops"],
  ["droppedByInterface", "Interface drops"],
  ["tcpGaps", "TCP gaps"],
  ["unparsed", "Unparsed"],
  ["unpaired", "Unpaired"],
  ["evicted", "Evicted"],
];

function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

function field(label: string, value: string, tone: Tone = "plain"): Field {
  return { label, value: span(value, tone) };
}

function share(part: number, whole: number): string {
  return percent(whole > 0 ? part / whole : 0);
}

function describeStatus(status: RunStatus, clean: (text: string) => string): string[] {
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

function summarizeAlerts(alerts: readonly AlertFigures[]): Span[] {
  if (alerts.length === 0) return [span("none", "faint")];
  const firing = alerts.filter((alert) => alert.state === "firing").length;
  const resolved = alerts.length - firing;
  const summary: Span[] = [];
  if (firing > 0) summary.push(span(`${count(firing)} firing`, "alarm"));
  if (firing > 0 && resolved > 0) summary.push(span(", "));
  if (resolved > 0) summary.push(span(`${count(resolved)} resolved`));
  return summary;
}

/** State, start, end, length, metric, window, peak, losses, rule and contributors, which need no headings. */
function tabulateAlerts(report: Report, marks: Marks, clean: (text: string) => string): Table {
  const today = report.period.end ?? report.generatedAt;
  const newestFirst = report.alerts.toSorted((a, b) =>
    Number(a.startedAt < b.startedAt) - Number(a.startedAt > b.startedAt)
  );
  const rows = newestFirst.map((alert) => {
    const firing = alert.state === "firing";
    const ended = alert.resolvedAt === undefined
      ? ""
      : `${marks.until} ${timeSeenFrom(today, alert.resolvedAt)}`;
    const sign = firing ? ">" : marks.atMost;
    const contributors = alert.contributors.map(({ key, value }) => `${key} ${count(value)}`).join(", ");
    const lost = Object.values(alert.losses).reduce((sum, losses) => sum + losses, 0);
    return [
      firing ? span(`${marks.firing} firing`, "alarm") : span(`${marks.resolved} resolved`, "good"),
      span(timeSeenFrom(today, alert.startedAt)),
      span(ended),
      span(duration(alert.durationSeconds)),
      span(`${clean(alert.metric)} ${count(alert.value)} ${sign} ${count(alert.threshold)}`),
      span(`in ${clean(alert.window)}`),
      span(`peak ${count(alert.peak)}`),
      span(lost > 0 ? `losses ${count(lost)}` : "", "warning"),
      span(clean(alert.rule)),
      span(clean(contributors), "faint"),
    ];
  });
  return withoutEmptyColumns({
    columns: [
      column("", "left", 0),
      column("", "left", 0),
      column("", "left", 1),
      column("", "right", 3),
      column("", "left", 2),
      column("", "left", 4),
      column("", "left", 5),
      column("", "left", 6),
      column("", "left", 8),
      column("", "left", 7, true),
    ],
    rows,
  });
}

/** How far the requests of a list can be trusted: the mark of an estimate, and by how many it can be too low. */
interface Accuracy {
  readonly mark: string;
  readonly notes: readonly string[];
}

type StatusClass = keyof StatusCounts;

/** Requests, their share of `whole`, rate, status classes and wait by host or section. */
function tabulateFigures(
  title: string,
  keyed: (readonly [string, KeyFigures])[],
  whole: number,
  accuracy: Accuracy,
): Table {
  const statuses: [string, readonly StatusClass[], number][] = [
    ["2xx", ["2xx"], 5],
    ["3xx", ["3xx"], 6],
    ["4xx", ["4xx"], 3],
    ["5xx", ["5xx"], 2],
    ["other", ["1xx", "other"], 7],
  ];
  const rows = keyed.map(([key, figures]) => {
    const { requests, requestsPerSecond, status, waitMs } = figures;
    const wait = (value: number | undefined) => span(value === undefined ? "" : decimal(value));
    return [
      span(key),
      span(`${accuracy.mark}${count(requests)}`),
      // Not the report's share, which is rounded: rounded again it would differ from that of a path.
      span(share(requests, whole)),
      span(decimal(requestsPerSecond)),
      ...statuses.map(([name, classes]) => {
        const total = classes.reduce((sum, key) => sum + (status[key] ?? 0), 0);
        return span(total === 0 ? "" : count(total), name === "5xx" ? "warning" : "plain");
      }),
      wait(waitMs?.p50),
      wait(waitMs?.p95),
      wait(waitMs?.p99),
    ];
  });
  return withoutEmptyColumns({
    columns: [
      { ...column(title, "left", 0, true), notes: accuracy.notes },
      column("requests", "right", 0),
      column("share", "right", 1),
      column("per s", "right", 4),
      ...statuses.map(([name, , priority]) => column(name, "right", priority)),
      column("p50 ms", "right", 4),
      column("p95 ms", "right", 3),
      column("p99 ms", "right", 5),
    ],
    rows,
  });
}

/** Requests alone, with their share of `whole`. */
function tabulateRequests(
  title: string,
  keyed: (readonly [string, number])[],
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
      [key, requests],
    ) => [span(key), span(`${accuracy.mark}${count(requests)}`), span(share(requests, whole))]),
  };
}

function column(heading: string, align: "left" | "right", priority: number, flexible = false): Column {
  return { heading, align, priority, flexible, notes: [] };
}

/** Leaves out the columns that may be dropped and say nothing. */
function withoutEmptyColumns(table: Table): Table {
  const kept = table.columns.map((column, index) =>
    column.priority === 0 || table.rows.some((row) => row[index]?.text !== "")
  );
  return {
    columns: table.columns.filter((_, index) => kept[index]),
    rows: table.rows.map((row) => row.filter((_, index) => kept[index])),
  };
}
