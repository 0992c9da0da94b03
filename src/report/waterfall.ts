/**
 * The waterfall of one exchange: a bar for each of its phases on a common axis of time.
 *
 * @module
 */

import { PHASES } from "../network/opening.ts";
import type { ExchangeFigures } from "../stats/report.ts";
import type { Tone } from "./elements.ts";
import { beside, type Line, type Look } from "./lines.ts";
import { marksFor } from "./marks.ts";
import { fit } from "./sanitize.ts";

/** A line of the waterfall. Times are milliseconds; without `startMs` only the length is known. */
interface Row {
  readonly label: string;
  readonly startMs?: number;
  readonly ms: number;
  readonly bars: readonly Bar[];
}

interface Bar {
  readonly startMs: number;
  readonly ms: number;
  readonly kind: "seen" | "untrusted" | "estimated" | "idle";
}

/** Lines of a waterfall at most: the axis, the phases, the server's part, and the time in which nothing was seen. */
export const mostWaterfallLines = PHASES.length + 3;

const labelColumns = 9;
const gap = "  ";
/** Bars in less room than this show nothing. */
const fewestBarCells = 12;
/** From so many on, the middle of the axis is labelled, too. */
const cellsWithMiddle = 40;

const tones: Record<Bar["kind"], Tone> = {
  seen: "good",
  untrusted: "warning",
  estimated: "faint",
  idle: "faint",
};

/**
 * The lines of an exchange's waterfall, at most `columns` cells wide: the axis, and a line a phase with its start, its
 * length and its bar. Phases whose times are not to be trusted have a question mark. Then the server's part of `wait`,
 * of which only the length is known and the place is taken to be the middle, and the time in which nothing was seen.
 */
export function waterfall(exchange: ExchangeFigures, columns: number, look: Look): Line[] {
  const rows = rowsOf(exchange);
  const end = endOf(exchange);
  const decimals = end < 10 ? 3 : end < 1000 ? 2 : 1;
  const number = (ms: number | undefined) => ms === undefined ? "" : ms.toFixed(decimals);
  const numberColumns = Math.max(number(end).length, "start ms".length);
  const figures = (label: string, start: string, length: string) =>
    fit(label, labelColumns) + fit(start, numberColumns, "right") + gap + fit(length, numberColumns, "right");
  const barStart = labelColumns + 2 * numberColumns + 2 * gap.length;
  const cells = columns - barStart;
  const heading: Line = [{ text: figures("", "start ms", "ms"), tone: "faint" }];
  if (cells < fewestBarCells) {
    return [
      heading,
      ...rows.map((row): Line => [
        { text: figures(row.label, number(row.startMs), number(row.ms)), tone: rowTone(row) },
      ]),
    ];
  }
  return [
    beside(heading, barStart, [{ text: axis(number, end, cells), tone: "faint" }]),
    ...rows.map((row) =>
      beside(
        [{ text: figures(row.label, number(row.startMs), number(row.ms)), tone: rowTone(row) }],
        barStart,
        drawBars(row.bars, end, cells, look),
      )
    ),
  ];
}

function rowsOf(exchange: ExchangeFigures): Row[] {
  const rows: Row[] = exchange.phases.map(({ phase, startMs, ms }) => {
    const untrusted = exchange.untrusted.includes(phase);
    return {
      label: untrusted ? `${phase}?` : phase,
      startMs,
      ms,
      bars: [{ startMs, ms, kind: untrusted ? "untrusted" : "seen" }],
    };
  });
  const { serverMs } = exchange;
  const wait = exchange.phases.find(({ phase }) => phase === "wait");
  if (serverMs !== undefined && wait) {
    const startMs = wait.startMs + Math.max(wait.ms - serverMs, 0) / 2;
    rows.push({ label: "server", ms: serverMs, bars: [{ startMs, ms: serverMs, kind: "estimated" }] });
  }
  const idle = idleTimes(exchange);
  if (idle.length > 0) {
    rows.push({ label: "blocked", ms: idle.reduce((sum, { ms }) => sum + ms, 0), bars: idle });
  }
  return rows;
}

/** Where the axis ends. */
function endOf({ totalMs, phases }: ExchangeFigures): number {
  return Math.max(totalMs, ...phases.map(({ startMs, ms }) => startMs + ms));
}

/** The times between phases, which may overlap, down to a microsecond. */
function idleTimes(exchange: ExchangeFigures): Bar[] {
  const idle: Bar[] = [];
  let covered = 0;
  for (const { startMs, ms } of exchange.phases.toSorted((a, b) => a.startMs - b.startMs)) {
    if (startMs - covered >= 0.001) idle.push({ startMs: covered, ms: startMs - covered, kind: "idle" });
    covered = Math.max(covered, startMs + ms);
  }
  return idle;
}

function rowTone({ bars }: Row): Tone {
  const kind = bars[0]?.kind;
  return kind === "seen" || kind === undefined ? "plain" : tones[kind];
}

/** The axis' labels in `cells` cells: its start, and its end and its middle if there is room. */
function axis(number: (ms: number) => string, end: number, cells: number): string {
  const label = `${number(end)} ms`;
  if (label.length > cells - 3) return "0";
  const last = fit(label, cells - 1, "right");
  if (cells < cellsWithMiddle) return `0${last}`;
  const middle = Math.floor(cells / 2);
  const half = number(end / 2);
  return `0${" ".repeat(middle - 1)}${half}${last.slice(middle + half.length - 1)}`;
}

/** Bars in ascending order that do not overlap. One that is too short for a cell is drawn thin. */
function drawBars(bars: readonly Bar[], end: number, cells: number, look: Look): Line {
  const marks = marksFor(look.unicode);
  const fills = { seen: marks.bar, untrusted: marks.bar, estimated: marks.estimatedBar, idle: marks.idleBar };
  const cell = (ms: number) => end > 0 ? Math.min(Math.round(ms / end * cells), cells) : 0;
  return bars.reduce<Line>((line, { startMs, ms, kind }) => {
    const from = cell(startMs);
    const length = cell(startMs + ms) - from;
    const text = length > 0 ? fills[kind].repeat(length) : kind === "idle" ? "" : marks.thinBar;
    return beside(line, Math.min(from, cells - 1), [{ text, tone: tones[kind] }]);
  }, []);
}
