/**
 * The report as lines of text: for pipes and logs, and for the main screen once the live one is closed.
 *
 * @module
 */

import type { Report } from "../stats/report.ts";
import type { Table } from "./elements.ts";
import {
  clip,
  flow,
  grid,
  indented,
  type Line,
  line,
  lineWidth,
  type Look,
  paint,
  tableLines,
} from "./lines.ts";
import type { NetworkView } from "./network_view.ts";
import { makeView, type RunStatus, type View } from "./view.ts";

/** Width that figures are grouped to where there is room. */
const gridColumns = 100;
const margin = 2;

/**
 * The whole report as text: each alert and each row of a table on one line. Tables are as wide as they need;
 * in a terminal of `columns` cells those that do not fit leave out columns and cut keys. Ends with an empty line.
 */
export function textReport(report: Report, status: RunStatus, look: Look, columns = Infinity): string {
  const view = makeView(report, status, look);
  const room = columns - margin;
  const figures = Math.min(room, gridColumns);
  const fitted = (table: Table) => {
    const whole = tableLines(table, Infinity, look);
    const fits = [whole.heading, ...whole.rows].every((line) => lineWidth(line) <= room);
    return fits ? whole : tableLines(table, room, look);
  };
  const table = (table: Table): Line[] => {
    const { heading, rows } = fitted(table);
    return rows.length === 0 ? [] : [heading, ...indented(rows, margin)];
  };
  const network = ({ summary, dnsServers, gateways }: NetworkView): Line[] => [
    line("Network", "heading"),
    ...indented(flow(summary, figures), margin),
    ...table(dnsServers),
    ...table(gateways),
  ];
  const lines: Line[] = [
    [
      { text: `${view.date} ${view.time} UTC`, tone: "heading" },
      {
        text: [view.source, ...view.status, view.filter].filter(Boolean).map((word) => `  ${word}`).join(""),
        tone: "plain",
      },
    ],
    ...indented(grid(view.totals, figures, look), margin),
    ...indented(flow(view.highlights, figures), margin),
    ...indented(flow(view.rates, figures), margin),
    [{ text: "Alerts  ", tone: "heading" }, ...view.alertSummary],
    ...indented(fitted(view.alerts).rows, margin),
    [{ text: "Capture  ", tone: "heading" }, { text: view.captured, tone: "plain" }],
    ...indented(flow(view.losses, figures), margin),
    ...table(view.hosts),
    ...table(view.timings),
    ...table(view.topHostSections),
    ...table(view.sections),
    ...table(view.paths),
    ...table(view.clients),
    ...table(view.slowest),
    ...(view.network ? network(view.network) : []),
    ...(view.approximate ? [line(estimateNote(view), "faint")] : []),
  ];
  return lines.map((line) => paint(clip(line, columns, look), look) + "\n").join("") + "\n";
}

function estimateNote({ distinctError }: View): string {
  const note = "~ marks an estimate: a table was full.";
  return distinctError === "" ? note : `${note} The standard error of totals so marked is ${distinctError}.`;
}
