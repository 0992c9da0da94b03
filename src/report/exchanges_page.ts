/**
 * The page of single exchanges: a list of them, and all that is known of the selected one.
 *
 * @module
 */

import type { TerminalSize } from "../app/ports.ts";
import { PHASES } from "../network/opening.ts";
import type { ExchangeFigures, Report } from "../stats/report.ts";
import { footerLine, headerLine } from "./edges.ts";
import { type Clean, column, span, type Table } from "./elements.ts";
import { describeExchange, requestOf, statusOf, tabulateExchanges } from "./exchange_view.ts";
import { count, decimal } from "./format.ts";
import { sizeOrFallback } from "./layout.ts";
import {
  beside,
  clip,
  ends,
  firstFitting,
  flow,
  indented,
  type Line,
  line,
  type Look,
  paint,
  tableLines,
} from "./lines.ts";
import { marksFor } from "./marks.ts";
import { sanitize } from "./sanitize.ts";
import { makeHeading, type RunStatus, today } from "./view.ts";
import { mostWaterfallLines, waterfall } from "./waterfall.ts";

/** Which exchanges are listed: the newest first, or the slowest. */
type Order = "recent" | "slowest";

/** From this width on, facts stand beside the waterfall, in this part of the width. */
const besideColumns = 120;
const factsPart = 0.4;
const betweenParts = 3;
const indent = 1;
/** Lines that are kept for facts below the waterfall: the list stays as high whichever exchange is selected. */
const factLines = 5;
/** Lines of the list that are kept as long as there are, its headings included. */
const fewestListLines = 4;

/** Lists exchanges, of which one is selected and stays so whatever comes in, and draws them. */
export class ExchangesPage {
  #order: Order = "recent";
  #lists: Record<Order, readonly ExchangeFigures[]> = { recent: [], slowest: [] };
  /** The list as shown: it ends with the selected exchange when that was pushed out. */
  #shown: readonly ExchangeFigures[] = [];
  #index = 0;
  /** How far below the first line of the list the selected one is. */
  #depth = 0;
  /** Exchanges in sight. */
  #height = 1;

  /** Takes what there is to list. */
  update(recent: readonly ExchangeFigures[], slowest: readonly ExchangeFigures[]): void {
    this.#lists = { recent, slowest };
    this.#list();
  }

  /** Lists the slowest instead of the newest, or the other way round. */
  toggleOrder(): void {
    this.#order = this.#order === "recent" ? "slowest" : "recent";
    const selected = this.#shown[this.#index];
    this.#shown = this.#lists[this.#order];
    this.#index = Math.max(this.#shown.findIndex((one) => selected && isSame(one, selected)), 0);
  }

  /** Selects another one, so many further down, up to either end. */
  move(by: number): void {
    const index = Math.max(Math.min(this.#index + by, this.#shown.length - 1), 0);
    this.#depth += index - this.#index;
    this.#index = index;
  }

  /** Moves by as many as are in sight. */
  page(direction: 1 | -1): void {
    this.move(direction * this.#height);
  }

  /** Lays the page out as exactly as many lines as the terminal has rows, none wider than its columns. */
  layOut(report: Report, status: RunStatus, size: TerminalSize, look: Look): string[] {
    const { columns, rows } = sizeOrFallback(size);
    const clean: Clean = (text) => sanitize(text, { unicode: look.unicode });
    const header = headerLine(makeHeading(report, status, look.unicode), columns, look);
    const footer = footerLine(this.#keys(look), "", columns);
    const body = Math.max(rows - 2, 0);
    const selected = this.#shown[this.#index];
    const place = line(`${count(this.#index + 1)} of ${count(this.#shown.length)}`, "faint");
    const detail = selected ? detailLines(selected, place, clean, columns, look) : [];
    const detailHeight = 1 + mostWaterfallLines + (columns < besideColumns ? factLines : 0);
    const listHeight = Math.max(body - detailHeight, Math.min(fewestListLines, Math.ceil(body / 2)));
    const lines = [
      header,
      ...padded(this.#listLines(listHeight, today(report), clean, columns, look), listHeight),
      ...detail,
    ];
    return [...padded(lines, rows - 1), footer]
      .slice(-rows)
      .map((line) => paint(clip(line, columns, look), look));
  }

  /** Lists anew what there is, with the same exchange selected in the same place of the screen. */
  #list(): void {
    const selected = this.#shown[this.#index];
    const list = this.#lists[this.#order];
    const index = selected ? list.findIndex((one) => isSame(one, selected)) : 0;
    this.#shown = selected && index < 0 ? [...list, selected] : list;
    this.#index = index < 0 ? list.length : index;
  }

  #keys(look: Look): string[] {
    const other = this.#order === "recent" ? "slowest" : "recent";
    return [
      "q quit",
      `${marksFor(look.unicode).arrows} select`,
      "w back",
      `s ${other}`,
      "PgUp PgDn Home End",
    ];
  }

  #listLines(height: number, today: string, clean: Clean, columns: number, look: Look): Line[] {
    const title = this.#order === "recent" ? "Newest" : "Slowest";
    const total = this.#shown.length;
    if (total === 0) {
      return [line(title, "heading"), ...indented([line("No exchange has ended yet.", "faint")], indent)];
    }
    this.#height = Math.max(height - 1, 1);
    const highest = Math.max(total - this.#height, 0);
    const depth = Math.max(Math.min(this.#depth, this.#height - 1), 0);
    const top = Math.min(Math.max(this.#index - depth, 0), highest);
    this.#depth = this.#index - top;
    const visible = this.#shown.slice(top, top + this.#height);
    // In little room the waterfall says enough of the phases.
    const phases = columns < besideColumns ? [] : PHASES;
    const exchanges = tabulateExchanges(title, visible, today, clean, phases);
    const table = withMark(exchanges, this.#depth, look);
    const { heading, rows } = tableLines(table, columns, look);
    return [heading, ...rows];
  }
}

/** Whether two figures are of the same exchange. */
function isSame(a: ExchangeFigures, b: ExchangeFigures): boolean {
  return a === b ||
    a.startedAt === b.startedAt && a.clientPort === b.clientPort && a.path === b.path && a.host === b.host &&
      a.client === b.client && a.server === b.server && a.serverPort === b.serverPort &&
      a.method === b.method && a.totalMs === b.totalMs;
}

/** The table with a mark before its row `selected`, which stands out. */
function withMark(table: Table, selected: number, look: Look): Table {
  const { selected: mark } = marksFor(look.unicode);
  return {
    columns: [column("", "left", 0), ...table.columns],
    rows: table.rows.map((row, index) =>
      index === selected
        ? [span(mark, "heading"), ...row.map(({ text }) => span(text, "heading"))]
        : [span(""), ...row]
    ),
  };
}

/** The first line says which exchange it is; then its waterfall, and what else is known of it beside or below. */
function detailLines(
  exchange: ExchangeFigures,
  place: Line,
  clean: Clean,
  columns: number,
  look: Look,
): Line[] {
  const facts = describeExchange(exchange, clean);
  const request: Line = [
    span(`${statusOf(exchange)}  ${decimal(exchange.totalMs)} ms  `),
    span(requestOf(exchange, clean), "heading"),
  ];
  const title = firstFitting([ends(request, place, columns), request], columns);
  if (columns < besideColumns) {
    const bars = waterfall(exchange, columns - indent, look);
    return [title, ...indented([...bars, ...flow(facts, columns - indent)], indent)];
  }
  const right = Math.floor(columns * factsPart);
  const left = columns - right - betweenParts - indent;
  const bars = waterfall(exchange, left, look);
  const notes = facts.flatMap((fact) => flow([fact], right));
  const height = Math.max(bars.length, notes.length);
  const lines = Array.from(
    { length: height },
    (_, row) => beside(bars[row] ?? [], left + betweenParts, clip(notes[row] ?? [], right, look)),
  );
  return [title, ...indented(lines, indent)];
}

function padded(lines: readonly Line[], height: number): Line[] {
  return Array.from({ length: Math.max(height, 0) }, (_, row) => lines[row] ?? []);
}
