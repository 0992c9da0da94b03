/**
 * What views are made of: text in tones, labelled figures, and tables, with nothing yet said about room.
 *
 * @module
 */

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

/** Makes text of the network safe to draw. */
export type Clean = (text: string) => string;

export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

export function field(label: string, value: string, tone: Tone = "plain"): Field {
  return { label, value: span(value, tone) };
}

export function column(
  heading: string,
  align: "left" | "right",
  priority: number,
  flexible = false,
): Column {
  return { heading, align, priority, flexible, notes: [] };
}

/** Leaves out the columns that may be dropped and say nothing. */
export function withoutEmptyColumns(table: Table): Table {
  const kept = table.columns.map((column, index) =>
    column.priority === 0 || table.rows.some((row) => row[index]?.text !== "")
  );
  return {
    columns: table.columns.filter((_, index) => kept[index]),
    rows: table.rows.map((row) => row.filter((_, index) => kept[index])),
  };
}
