/**
 * Frames as the escape sequences that turn the one on the screen into the next.
 *
 * @module
 */

/** Between these a terminal that knows them shows nothing: the frame appears at once. */
const beginSynchronized = "\x1b[?2026h";
const endSynchronized = "\x1b[?2026l";
/** Without wrapping, a frame made for a wider terminal is cut at the edge and nothing scrolls. */
const wrapOff = "\x1b[?7l";
const wrapOn = "\x1b[?7h";
const eraseToEndOfLine = "\x1b[K";
const eraseScreen = "\x1b[2J";

/**
 * The text that turns the frame `previous` into `next`, rewriting only the lines that differ; `""` when none
 * does. Without `previous`, or when it had another number of lines, everything is redrawn.
 *
 * A line is erased before it is written: after a line as wide as the terminal the cursor still stands on its
 * last character, and erasing would take that.
 */
export function patch(previous: readonly string[] | undefined, next: readonly string[]): string {
  const known = previous?.length === next.length ? previous : undefined;
  const changes = next
    .map((line, row) => line === known?.[row] ? "" : `\x1b[${row + 1};1H${eraseToEndOfLine}${line}`)
    .join("");
  if (changes === "") return "";
  const erase = known ? "" : eraseScreen;
  return `${beginSynchronized}${wrapOff}${erase}${changes}${wrapOn}${endSynchronized}`;
}
