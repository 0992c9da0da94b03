/**
 * Lines of text in tones, and the blocks that are made of them: grids of figures and tables.
 *
 * @module
 */

import type { Column, Field, Span, Table, Tone } from "./elements.ts";
import { cut, ellipsis, fit, width } from "./sanitize.ts";

/** One line of the screen or of text output. */
export type Line = readonly Span[];

/** What the reader's end can show. */
export interface Look {
  /** Whether to send colours and other attributes. */
  readonly color: boolean;
  /** Whether characters beyond ASCII can be drawn. */
  readonly unicode: boolean;
}

/** Cells between two columns. */
const gap = 2;
/** The least that a flexible column is worth showing with. */
const flexibleMinimum = 22;

const attributes: Record<Tone, string> = {
  plain: "",
  heading: "1",
  faint: "2",
  good: "32",
  warning: "33",
  alarm: "1;31",
};

/** A line of one span. */
export function line(text: string, tone: Tone = "plain"): Line {
  return [{ text, tone }];
}

/** Cells that a line takes. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, span) => sum + width(span.text), 0);
}

/** The line in at most `columns` cells. */
export function clip(line: Line, columns: number, look: Look): Line {
  if (lineWidth(line) <= columns) return line;
  const result: Span[] = [];
  let left = columns;
  for (const span of line) {
    const text = cut(span.text, left, ellipsis(look.unicode));
    result.push({ text, tone: span.tone });
    if (text !== span.text) break;
    left -= width(text);
  }
  return result;
}

/** `left`, then `right` from cell `column` on. */
export function beside(left: Line, column: number, right: Line): Line {
  return [...left, { text: " ".repeat(Math.max(column - lineWidth(left), 0)), tone: "plain" }, ...right];
}

/** `left` and `right` at the two ends of a line of `columns` cells. */
export function ends(left: Line, right: Line, columns: number): Line {
  const start = Math.max(columns - lineWidth(right), lineWidth(left) + gap);
  return beside(left, start, right);
}

/** The first of `candidates` that fits, or the last. */
export function firstFitting(candidates: readonly Line[], columns: number): Line {
  return candidates.find((candidate) => lineWidth(candidate) <= columns) ?? candidates.at(-1) ?? [];
}

/** The lines moved to the right by so many cells. */
export function indented(lines: readonly Line[], cells: number): Line[] {
  return lines.map((content) => [{ text: " ".repeat(cells), tone: "plain" }, ...content]);
}

/** The line as text, with SGR attributes if the look has colour, without trailing spaces. */
export function paint(line: Line, look: Look): string {
  if (!look.color) return line.map((span) => span.text).join("").trimEnd();
  return line.map(({ text, tone }) => {
    const attribute = attributes[tone];
    return attribute === "" || text.trim() === "" ? text : `\x1b[${attribute}m${text}\x1b[0m`;
  }).join("").trimEnd();
}

/**
 * Labelled figures in aligned columns, as few lines as they fit in, figures to the right of their labels.
 * Reading order is by line.
 */
export function grid(fields: readonly Field[], columns: number, look: Look): Line[] {
  for (let perLine = fields.length; perLine > 1; perLine--) {
    const lines = Math.ceil(fields.length / perLine);
    if (perLine > 1 && Math.ceil(fields.length / (perLine - 1)) === lines) continue;
    const widths = gridWidths(fields, perLine);
    const total = widths.reduce((sum, { label, value }) => sum + label + 1 + value, 0);
    if (total + (perLine - 1) * (gap + 1) <= columns) return gridLines(fields, widths, look);
  }
  return gridLines(fields, gridWidths(fields, 1), look);
}

function gridWidths(fields: readonly Field[], perLine: number): { label: number; value: number }[] {
  const widths = Array.from({ length: Math.min(perLine, fields.length) }, () => ({ label: 0, value: 0 }));
  fields.forEach(({ label, value }, index) => {
    const cell = widths[index % perLine]!;
    cell.label = Math.max(cell.label, width(label));
    cell.value = Math.max(cell.value, width(value.text));
  });
  return widths;
}

function gridLines(
  fields: readonly Field[],
  widths: readonly { label: number; value: number }[],
  look: Look,
): Line[] {
  const lines: Span[][] = [];
  fields.forEach((field, index) => {
    const cell = index % widths.length;
    if (cell === 0) lines.push([]);
    const { label, value } = widths[cell]!;
    const before = " ".repeat(cell === 0 ? 0 : gap + 1);
    lines.at(-1)!.push(
      { text: `${before}${fit(field.label, label)} `, tone: "faint" },
      { text: fit(field.value.text, value, "right", ellipsis(look.unicode)), tone: field.value.tone },
    );
  });
  return lines;
}

/** The fields in a row, as many on a line as fit. */
export function flow(fields: readonly Field[], columns: number): Line[] {
  const lines: Span[][] = [];
  for (const { label, value } of fields) {
    const spans: Span[] = [{ text: `${label} `, tone: "faint" }, value];
    const last = lines.at(-1);
    if (last && lineWidth(last) + gap + 1 + lineWidth(spans) <= columns) {
      last.push({ text: " ".repeat(gap + 1), tone: "plain" }, ...spans);
    } else {
      lines.push(spans);
    }
  }
  return lines;
}

/** A table's lines: its heading, and then its rows. */
export interface TableLines {
  readonly heading: Line;
  readonly rows: Line[];
}

/**
 * A table in `columns` cells. The columns that fit are shown, by priority; the flexible one takes the room that
 * is left, or what it needs where there is no limit (`Infinity`). Notes stand behind headings where there is room.
 */
export function tableLines(table: Table, columns: number, look: Look): TableLines {
  const natural = table.columns.map((column, index) => {
    const heading = columns === Infinity ? headingIn(column, Infinity) : column.heading;
    return table.rows.reduce((most, row) => Math.max(most, width(row[index]!.text)), width(heading));
  });
  const kept = chooseColumns(table.columns, natural, columns);
  const flexible = kept.find((index) => table.columns[index]!.flexible);
  const fixed = kept.reduce((sum, index) => sum + (index === flexible ? 0 : natural[index]!), 0);
  const room = columns - fixed - (kept.length - 1) * gap;
  const widths = kept.map((index) =>
    index === flexible && room !== Infinity ? Math.max(room, 1) : natural[index]!
  );
  const toLine = (cells: readonly Span[]): Line =>
    kept.map((index, place) => ({
      text: " ".repeat(place === 0 ? 0 : gap) +
        fit(cells[index]!.text, widths[place]!, table.columns[index]!.align, ellipsis(look.unicode)),
      tone: cells[index]!.tone,
    }));
  return {
    heading: toLine(
      table.columns.map((column, index) => ({
        text: headingIn(column, widths[kept.indexOf(index)] ?? 0),
        tone: "heading",
      })),
    ),
    rows: table.rows.map(toLine),
  };
}

/** A column's heading with the first of its notes that fits. */
function headingIn({ heading, notes }: Column, columns: number): string {
  return notes.map((note) => `${heading} (${note})`).find((text) => width(text) <= columns) ?? heading;
}

/** Indices of the columns that are shown in `room` cells: by priority, each that still fits. */
function chooseColumns(columns: readonly Column[], natural: readonly number[], room: number): number[] {
  const byPriority = columns.map((_, index) => index)
    .sort((a, b) => columns[a]!.priority - columns[b]!.priority);
  const kept: number[] = [];
  let left = room + gap;
  for (const index of byPriority) {
    const { priority, flexible } = columns[index]!;
    const least = gap + (flexible ? Math.min(natural[index]!, flexibleMinimum) : natural[index]!);
    if (priority > 0 && least > left) continue;
    kept.push(index);
    left -= least;
  }
  return kept.sort((a, b) => a - b);
}
