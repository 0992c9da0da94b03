/**
 * The screen's lines: what is shown, and how much of it, in a terminal of a given size.
 *
 * @module
 */

import type { TerminalSize } from "../app/ports.ts";
import type { Table } from "./elements.ts";
import { footerLine, headerLine } from "./edges.ts";
import {
  beside,
  clip,
  ends,
  firstFitting,
  flow,
  grid,
  indented,
  type Line,
  line,
  type Look,
  paint,
  tableLines,
} from "./lines.ts";
import { marksFor } from "./marks.ts";
import { TABLE_COLUMNS } from "./traffic_view.ts";
import type { NetworkView } from "./network_view.ts";
import type { View } from "./view.ts";

/** A screen, and where in the list of alerts it is. */
export interface Layout {
  /** Exactly as many as the terminal has rows, none wider than its columns. */
  readonly lines: string[];
  /** Alerts scrolled past: as asked for, or the most there can be. */
  readonly alertOffset: number;
  /** Alerts in sight. */
  readonly alertsShown: number;
}

/** What a terminal that does not know its size is taken for. */
const fallback: TerminalSize = { columns: 80, rows: 24 };
/** From these widths on, two tables stand side by side: the narrow ones, and all. */
const narrowPairColumns = 76;
const widePairColumns = 140;
/** From this height on, blocks stand apart. */
const spaciousRows = 30;
const indent = 1;
const betweenTables = 3;
/** Lines of an extra block that are worth showing it for: a heading and two rows. */
const fewestExtraLines = 3;

/** A part of the screen: its lines at a given height, at most that many. */
interface Block {
  /** Lines it has in all. */
  readonly wanted: number;
  height: number;
  render(height: number): Line[];
}

/** A terminal's size, or what is taken for it when it does not know. */
export function sizeOrFallback(size: TerminalSize): TerminalSize {
  return {
    columns: size.columns > 0 ? size.columns : fallback.columns,
    rows: size.rows > 0 ? size.rows : fallback.rows,
  };
}

/**
 * Lays a view out. Rows are given to the essentials first, then shared out among the tables, then to the extras one
 * after the other.
 */
export function layOut(view: View, size: TerminalSize, alertOffset: number, look: Look): Layout {
  const { columns, rows } = sizeOrFallback(size);

  const header = block(1, () => [headerLine(view, columns, look)]);
  const totals = fixedBlock(grid(view.totals, columns - indent, look));
  const highlights = fixedBlock(flow(view.highlights, columns - indent));
  const alerts = new AlertsBlock(view, columns, alertOffset, look);
  const capture = captureBlock(view, columns, look);
  const footer = block(1, () => [overviewFooter(view, columns, look)]);
  const tables = tableBlocks(view, columns, look);
  const rates = fixedBlock(flow(view.rates, columns - indent));
  const extras = extraBlocks(view, columns, look);

  let left = rows;
  const grow = (block: Block, height: number) => {
    const added = Math.min(Math.max(Math.min(height, block.wanted) - block.height, 0), left);
    block.height += added;
    left -= added;
  };
  // A table's heading without a row says nothing.
  const growTable = (block: Block, height: number) => {
    if (block.height > 0 || left >= 2) grow(block, height);
  };

  for (const essential of [header, totals, alerts, capture, footer]) grow(essential, 1);
  const blank = rows >= spaciousRows ? 1 : 0;
  left -= Math.min(blank * (4 + tables.length), left);
  grow(alerts, 2);
  grow(totals, 3);
  grow(highlights, 1);
  // The alert that was over before the newest one.
  grow(alerts, 3);
  grow(highlights, Infinity);
  grow(alerts, 4);
  grow(totals, Infinity);
  // In part it shows no more than in one line.
  if (left >= capture.wanted - capture.height) grow(capture, capture.wanted);
  for (const table of tables) growTable(table, 3);
  grow(alerts, Math.floor(rows / 5));
  const tallest = Math.max(...tables.map((table) => table.wanted));
  for (let height = 4; height <= tallest; height++) {
    for (const table of tables) growTable(table, height);
  }
  if (left >= rates.wanted) grow(rates, Infinity);
  for (const extra of extras) {
    if (left - blank < Math.min(extra.wanted, fewestExtraLines)) continue;
    left -= blank;
    grow(extra, Infinity);
  }
  grow(alerts, Infinity);

  const lines: Line[] = [];
  for (const part of [header, totals, highlights, rates, alerts, capture, ...tables, ...extras]) {
    if (part.height === 0) continue;
    if (lines.length > 0 && part !== highlights && part !== rates) lines.push(...Array<Line>(blank).fill([]));
    lines.push(...part.render(part.height).slice(0, part.height));
  }
  const body = rows - footer.height;
  while (lines.length < body) lines.push([]);
  lines.length = body;
  if (footer.height > 0) lines.push(...footer.render(1));
  return {
    lines: lines.map((line) => paint(clip(line, columns, look), look)),
    alertOffset: alerts.offset,
    alertsShown: alerts.shown,
  };
}

function block(wanted: number, render: (height: number) => Line[]): Block {
  return { wanted, height: 0, render };
}

/** Lines that are the same at every height, as far as there is room. */
function fixedBlock(content: readonly Line[]): Block {
  const lines = indented(content, indent);
  return block(lines.length, (height) => lines.slice(0, height));
}

function overviewFooter(view: View, columns: number, look: Look): Line {
  const next = TABLE_COLUMNS[TABLE_COLUMNS.indexOf(view.columns) + 1] ?? "traffic";
  const keys = [
    "q quit",
    `${marksFor(look.unicode).arrows} alerts`,
    `t ${view.columns === "traffic" ? "timings" : next}`,
    "w exchanges",
    "Ctrl-Z suspend",
  ];
  return footerLine(keys, view.approximate ? "~ estimate, a table was full" : "", columns);
}

/** The alerts' summary and as many of them as there is room for, from the offset on. */
class AlertsBlock implements Block {
  readonly wanted: number;
  height = 0;
  #offset: number;
  readonly #rows: Line[];

  constructor(
    readonly view: View,
    readonly columns: number,
    offset: number,
    readonly look: Look,
  ) {
    this.#rows = indented(tableLines(view.alerts, columns - indent, look).rows, indent);
    this.#offset = offset;
    this.wanted = 1 + this.#rows.length;
  }

  get shown(): number {
    return Math.max(Math.min(this.height, this.wanted) - 1, 0);
  }

  get offset(): number {
    return Math.max(Math.min(this.#offset, this.#rows.length - this.shown), 0);
  }

  render(): Line[] {
    const { offset, shown } = this;
    const total = this.#rows.length;
    const summary: Line = [{ text: "Alerts  ", tone: "heading" }, ...this.view.alertSummary];
    const { dash } = marksFor(this.look.unicode);
    const place = shown < total && shown > 0 ? `${offset + 1}${dash}${offset + shown} of ${total}` : "";
    return [
      firstFitting([ends(summary, line(place, "faint"), this.columns), summary], this.columns),
      ...this.#rows.slice(offset, offset + shown),
    ];
  }
}

function captureBlock(view: View, columns: number, look: Look): Block {
  const losses = grid(view.losses, columns - indent, look);
  const full: Line[] = [
    [{ text: "Capture  ", tone: "heading" }, { text: view.captured, tone: "plain" }],
    ...indented(losses, indent),
  ];
  return block(full.length, (height) => height < full.length ? [lossesLine(view, columns)] : full);
}

/** The losses that there were in one line, with what was captured if it fits. */
function lossesLine(view: View, columns: number): Line {
  const some = view.losses.filter(({ value }) => value.tone === "warning");
  const text = some.map(({ label, value }) => `${label} ${value.text}`).join(", ");
  const losses: Line = [
    { text: "Losses  ", tone: "heading" },
    some.length > 0 ? { text, tone: "warning" } : { text: "none", tone: "faint" },
  ];
  return firstFitting([ends(losses, line(view.captured, "faint"), columns), losses], columns);
}

/** The tables from top to bottom, the most important first. */
function tableBlocks(view: View, columns: number, look: Look): Block[] {
  const one = (table: Table) => tableBlock([table], columns, look);
  const two = (left: Table, right: Table) => tableBlock([left, right], columns, look);
  const { hosts, topHostSections, sections, paths } = view;
  if (columns >= widePairColumns) return [two(hosts, sections), two(topHostSections, paths)];
  if (columns >= narrowPairColumns) return [one(hosts), two(topHostSections, paths), one(sections)];
  return [one(hosts), one(topHostSections), one(sections), one(paths)];
}

/** What is shown where there is room left, the most important first. */
function extraBlocks(view: View, columns: number, look: Look): Block[] {
  const { clients, slowest, network } = view;
  const pair = (left: Table, right: Table) =>
    columns >= widePairColumns
      ? [tableBlock([left, right], columns, look)]
      : [tableBlock([left], columns, look), tableBlock([right], columns, look)];
  const extras = network
    ? [
      networkBlock(network, columns),
      ...pair(clients, slowest),
      ...pair(network.dnsServers, network.gateways),
    ]
    : pair(clients, slowest);
  return extras.filter((extra) => extra.wanted > 0);
}

function networkBlock({ summary }: NetworkView, columns: number): Block {
  const lines: Line[] = [line("Network", "heading"), ...indented(flow(summary, columns - indent), indent)];
  return block(lines.length, (height) => lines.slice(0, height));
}

/** One table, or several side by side. */
function tableBlock(tables: readonly Table[], columns: number, look: Look): Block {
  const each = Math.floor((columns - (tables.length - 1) * betweenTables) / tables.length);
  const rendered = tables.map((table) => {
    const { heading, rows } = tableLines(table, each - indent, look);
    return [heading, ...indented(rows, indent)];
  });
  const wanted = Math.max(...rendered.map((lines) => lines.length));
  return block(
    wanted > 1 ? wanted : 0,
    (height) =>
      Array.from({ length: height }, (_, row) =>
        rendered.reduce<Line>(
          (whole, lines, place) => beside(whole, place * (each + betweenTables), lines[row] ?? []),
          [],
        )),
  );
}
