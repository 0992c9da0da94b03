/**
 * Durations as users write and read them: `500ms`, `10s`, `1m30s`, `2h5m`, `7d`. In the program a duration
 * is a number of microseconds.
 *
 * @module
 */

const MILLISECOND = 1_000;
const SECOND = 1_000 * MILLISECOND;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const NUMBER = String.raw`(\d+(?:\.\d+)?)`;
const PATTERN = new RegExp(
  `^(?:${NUMBER}d)?(?:${NUMBER}h)?(?:${NUMBER}m)?(?:${NUMBER}s)?(?:${NUMBER}ms)?$`,
);
/** The units in the order of the pattern's groups. */
const UNITS = [DAY, HOUR, MINUTE, SECOND, MILLISECOND];

/**
 * Reads a duration and returns it in microseconds, rounded to whole ones. Units are `d`, `h`, `m`, `s` and
 * `ms`, largest first, each with a whole or decimal number before it. Returns `undefined` for anything else:
 * no unit, a sign, spaces, or more than a number holds exactly (285 years).
 *
 * @example
 * ```ts
 * parseDuration("1m30s"); // 90_000_000
 * parseDuration("10"); // undefined
 * ```
 */
export function parseDuration(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null || text === "") return undefined;
  let total = 0;
  UNITS.forEach((unit, index) => total += Number(match[index + 1] ?? 0) * unit);
  const micros = Math.round(total);
  return Number.isSafeInteger(micros) ? micros : undefined;
}

/**
 * Writes a duration of `micros` microseconds, 0 or more, the way `parseDuration` reads it: to the microsecond
 * below one second, to the millisecond from there on.
 *
 * @example
 * ```ts
 * formatDuration(120_000_000); // "2m"
 * formatDuration(1_500_000); // "1.5s"
 * ```
 */
export function formatDuration(micros: number): string {
  if (micros > 0 && micros < SECOND) return `${micros / MILLISECOND}ms`;
  let rest = Math.round(micros / MILLISECOND) * MILLISECOND;
  let text = "";
  for (const [unit, name] of [[DAY, "d"], [HOUR, "h"], [MINUTE, "m"]] as const) {
    if (rest < unit) continue;
    text += `${Math.floor(rest / unit)}${name}`;
    rest %= unit;
  }
  return rest > 0 || text === "" ? `${text}${rest / SECOND}s` : text;
}
