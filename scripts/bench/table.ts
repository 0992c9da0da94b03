/**
 * The benchmark's table: rows of figures, and of results that are held to a target.
 *
 * @module
 */

/** What a result must be. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

/** What a result is counted in; `x` for a ratio. */
export type Unit = "x" | "ms" | "MiB" | "packets" | "requests";

export interface Row {
  readonly section: string;
  readonly name: string;
  /** By names that end in their unit, such as `wallSeconds` or `peakMiB`; plain counts have none. */
  readonly figures?: Readonly<Record<string, number>>;
  /** What the row is about, when that is one number. */
  readonly result?: number;
  readonly unit?: Unit;
  readonly target?: Target;
  /** True where missing the target is a failure of the whole run. */
  readonly gate?: boolean;
}

export type Verdict = "ok" | "misses";

/** Whether a row's result meets its target, `undefined` without one. A result that could not be measured misses. */
export function verdict({ result, target }: Row): Verdict | undefined {
  if (target === undefined) return undefined;
  if (result === undefined) return "misses";
  const met = "atMost" in target ? result <= target.atMost : result >= target.atLeast;
  return met ? "ok" : "misses";
}

/** The rows as one text, a line each under a line of headings. */
export function formatTable(rows: readonly Row[]): string {
  const cells = [
    ["section", "what", "result", "target", "", "figures"],
    ...rows.map((row) => [
      row.section,
      row.name,
      row.result === undefined ? "" : formatResult(row.result, row.unit),
      formatTarget(row),
      verdict(row) ?? "",
      Object.entries(row.figures ?? {}).map(([name, value]) => formatFigure(name, value)).join(", "),
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells.map((line) =>
    line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd() + "\n"
  )
    .join("");
}

/** The rows with their verdicts, as they go into JSON. What could not be measured is null. */
export function tableAsJson(rows: readonly Row[]): object[] {
  return rows.map((row) => ({ ...row, verdict: verdict(row) }));
}

/** How the ends of figures' names are shown. */
const UNITS: readonly (readonly [ending: string, shown: string])[] = [
  ["PerSecond", "/s"],
  ["Seconds", " s"],
  ["Milliseconds", " ms"],
  ["Microseconds", " µs"],
  ["MiB", " MiB"],
];

/** A figure in words: `wallSeconds` 1.234 is `wall 1.23 s`. */
export function formatFigure(name: string, value: number): string {
  const [ending, shown] = UNITS.find(([ending]) => name.endsWith(ending)) ?? ["", ""];
  const words = name.slice(0, name.length - ending.length).replace(
    /[A-Z]/g,
    (letter) => ` ${letter.toLowerCase()}`,
  );
  return `${words} ${formatNumber(value)}${shown}`;
}

function formatResult(value: number, unit: Unit | undefined): string {
  return `${formatNumber(value)}${unit === "x" || unit === undefined ? "" : ` ${unit}`}`;
}

function formatTarget({ target, unit }: Row): string {
  if (target === undefined) return "";
  return "atMost" in target
    ? `≤ ${formatResult(target.atMost, unit)}`
    : `≥ ${formatResult(target.atLeast, unit)}`;
}

/** Three digits, or all that stand before the point. */
function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "?";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 6) });
}
