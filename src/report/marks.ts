/**
 * The marks that are drawn beyond letters and figures, which differ with what the terminal can show.
 *
 * @module
 */

import { ellipsis } from "./sanitize.ts";

export interface Marks {
  readonly firing: string;
  readonly resolved: string;
  readonly until: string;
  readonly atMost: string;
  readonly dash: string;
  /** What stands where text was cut. */
  readonly ellipsis: string;
  /** The keys that move up and down. */
  readonly arrows: string;
  readonly selected: string;
  /** One cell of a bar: whole, too short for a cell, estimated, and of time in which nothing was seen. */
  readonly bar: string;
  readonly thinBar: string;
  readonly estimatedBar: string;
  readonly idleBar: string;
}

const unicodeMarks: Marks = {
  firing: "▲",
  resolved: "✓",
  until: "→",
  atMost: "≤",
  dash: "–",
  ellipsis: ellipsis(true),
  arrows: "↑↓",
  selected: "▶",
  bar: "█",
  thinBar: "▏",
  estimatedBar: "▒",
  idleBar: "·",
};

const asciiMarks: Marks = {
  firing: "!",
  resolved: "-",
  until: "to",
  atMost: "<=",
  dash: "-",
  ellipsis: ellipsis(false),
  arrows: "up/down",
  selected: ">",
  bar: "#",
  thinBar: "|",
  estimatedBar: "=",
  idleBar: ".",
};

/** The marks of a terminal that shows Unicode, or ASCII alone. */
export function marksFor(unicode: boolean): Marks {
  return unicode ? unicodeMarks : asciiMarks;
}
