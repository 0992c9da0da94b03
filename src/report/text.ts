/**
 * The report as lines of text: for pipes and logs, and for the main screen once the live one is closed.
 *
 * @module
 */

import type { Report } from "../stats/report.ts";
import { flow, grid, type Line, line, type Look, paint, tableLines } from "./lines.ts";
import { makeView, type RunStatus, type Table } from "./view.ts";

/** Width that figures are grouped to; tables are as wide as they need. */
const gridColumns = 100;

/**
 * The whole report as text: each alert and each row of a table on one line, nothing left out for want of
 * room. Ends with an empty line.
 */
export function textReport(report: Report, status: RunStatus, look: Look): string {
  const view = makeView(report, status, look);
  const table = (table: Table): Line[] => {
    const { heading, rows } = tableLines(table, Infinity, look);
    return rows.length === 0 ? [] : [heading, ...rows.map(indent)];
  };
  const lines: Line[] = [
    [
      { text: `${view.date} ${view.time} UTC`, tone: "heading" },
      {
        text: ["", view.source, view.filter, ...view.status].filter(Boolean).map((word) => `  ${word}`).join(
          "",
        ),
        tone: "plain",
      },
    ],
    ...grid(view.totals, gridColumns, look).map(indent),
    ...flow(view.highlights, gridColumns).map(indent),
    [{ text: "Alerts  ", tone: "heading" }, ...view.alertSummary],
    ...tableLines(view.alerts, Infinity, look).rows.map(indent),
    [{ text: "Capture  ", tone: "heading" }, { text: view.captured, tone: "plain" }],
    ...flow(view.losses, gridColumns).map(indent),
    ...table(view.hosts),
    ...table(view.topHostSections),
    ...table(view.sections),
    ...table(view.paths),
    ...(view.approximate ? [line("~ marks an estimate: a table was full.", "faint")] : []),
  ];
  return lines.map((line) => paint(line, look) + "\n").join("") + "\n";
}

function indent(content: Line): Line {
  return [{ text: "  ", tone: "plain" }, ...content];
}
