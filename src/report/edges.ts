/**
 * The first and the last line of every page.
 *
 * @module
 */

import type { Span } from "./elements.ts";
import { clip, ends, firstFitting, type Line, line, lineWidth, type Look } from "./lines.ts";
import type { Heading } from "./view.ts";

/** Less of a filter than this says nothing. */
const shortestFilter = 20;

/** What is watched, and how the run stands. */
export function headerLine(heading: Heading, columns: number, look: Look): Line {
  const name: Span = { text: "trafficsniffer", tone: "heading" };
  const source: Span = { text: `  ${heading.source}`, tone: "plain" };
  const filter: Span = { text: heading.filter === "" ? "" : `  ${heading.filter}`, tone: "faint" };
  const status = line([...heading.status, `${heading.time} UTC`].join("  "));
  const shortStatus = line(heading.status.slice(0, 1).join());
  const room = columns - lineWidth(status) - 2;
  const showsFilter = room - lineWidth([name, source]) >= Math.min(lineWidth([filter]), shortestFilter);
  return firstFitting([
    ends(showsFilter ? clip([name, source, filter], room, look) : [name, source], status, columns),
    ends([name, source], shortStatus, columns),
    ends(line(heading.source), shortStatus, columns),
    [name],
  ], columns);
}

/**
 * The keys that do something, the most important first, and a note, `""` for none. What there is no room for is left
 * out: the last key, then the note, then the other keys from the last to the first.
 */
export function footerLine(keys: readonly string[], note: string, columns: number): Line {
  const first = (count: number) => line(keys.slice(0, count).join("  "), "faint");
  const withNote = (count: number) => ends(first(count), line(note, "faint"), columns);
  const fewer = keys.map((_, index) => first(keys.length - index));
  const candidates = note === "" ? fewer : [withNote(keys.length), withNote(keys.length - 1), ...fewer];
  return firstFitting(candidates, columns);
}
