/**
 * The report as lines of text: for pipes and logs, and for the main screen once the live one is closed.
 *
 * @module
 */

import type { Report } from "../stats/report.ts";
import { clip, flow, grid, type Line, line, lineWidth, type Look, paint, tableLines } from "./lines.ts";
import { makeView, type RunStatus, type Table, type View } from "./view.ts";

/** Width that figures are grouped to where there is room. */
const gridColumns = 100;
const margin = "  ";

/**
 * The whole report as text: each alert and each row of a table on one line. Tables are as wide as they need;
 * in a terminal of `columns` cells those that do not fit leave out columns and cut keys. Ends with an empty line.
 */
export function textReport(report: Report, status: RunStatus, look: Look, columns = Infinity): string {
  const view = makeView(report, status, look);
  const room = columns - margin.length;
  const figures = Math.min(room, gridColumns);
  const fitted = (table: Table) => {
    const whole = tableLines(table, Infinity, look);
    const fits = [whole.heading, ...whole.rows].every((line) => lineWidth(line) <= room);
    return fits ? whole : tableLines(table, room, look);
  };
  const table = (table: Table): Line[] => {
    const { heading, rows } = fitted(table);
    return rows.length === 0 ? [] : [heading, ...rows.map(indent)];
  };
  const lines: Line[] = [
    [
      { text: `${view.date} ${view.time} UTC`, tone: "heading" },
      {
        text: [view.source, ...view.status, view.filter].filter(Boolean).map((word) => `  ${word}`).join(""),
        tone: "plain",
      },
    ],
    ...grid(view.totals, figures, look).map(indent),
    ...flow(view.highlights, figures).map(indent),
    [{ text: "Alerts  ", tone: "heading" }, ...view.alertSummary],
    ...fitted(view.alerts).rows.map(indent),
    [{ text: "Capture  ", tone: "heading" }, { text: view.captured, tone: "plain" }],
    ...flow(view.losses, figures).map(indent),
    ...table(view.hosts),
    ...table(view.topHostSections),
    ...table(view.sections),
    ...table(view.paths),
    ...(view.approximate ? [line(estimateNote(view), "faint")] : []),
  ];
  return lines.map((line) => paint(clip(line, columns, look), look) + "\n").join("") + "\n";
}

function estimateNote({ distinctError }: View): string {
  const note = "~ marks an estimate: a table was full.";
  return distinctError === "" ? note : `${note} The standard error of totals so marked is ${distinctError}.`;
}

function indent(content: Line): Line {
  return [{ text: margin, tone: "plain" }, ...content];
}
