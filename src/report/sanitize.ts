/**
 * Text from the network, made safe to draw: nothing that a terminal would act on, and nothing whose width
 * terminals disagree about.
 *
 * @module
 */

import { eastAsianWidth } from "get-east-asian-width";

/** What `sanitize` may let through. */
export interface SanitizeOptions {
  /** Whether the terminal takes UTF-8; when not, the result is ASCII. Default true. */
  unicode?: boolean;
  /** Longest result in UTF-16 units, without the mark of the cut. Default 256. */
  limit?: number;
}

/**
 * Controls, format characters (bidi, zero width), surrogates, private and unassigned characters, spaces other
 * than the space, and characters that some terminals join to their neighbour and others do not.
 */
const unsafe = /[[\p{C}\p{Z}\p{DI}\p{Mc}\p{Me}\p{RI}\p{Emoji_Modifier}\u1160-\u11ff\ud7b0-\ud7ff]--[ ]]/v;
const nonspacingMark = /\p{Mn}/v;
const printableAscii = /^[ -~]*$/;

/** Marks that are drawn over one character; names need two at most. */
const marksPerCharacter = 2;

/**
 * Makes text safe to draw. Unsafe characters become `\x1b` or `\u{202e}`, unpaired surrogates and marks that
 * stand alone or in a crowd become one `�`; what exceeds the limit becomes `…`.
 */
export function sanitize(text: string, options: SanitizeOptions = {}): string {
  const { unicode = true, limit = 256 } = options;
  if (text.length <= limit && printableAscii.test(text)) return text;
  let result = "";
  let marksLeft = 0;
  let inCrowd = false;
  for (const character of text) {
    if (result.length >= limit) return result + ellipsis(unicode);
    const code = character.codePointAt(0)!;
    if (unicode && nonspacingMark.test(character) && !unsafe.test(character)) {
      if (marksLeft > 0) {
        marksLeft--;
        result += character;
      } else if (!inCrowd) {
        inCrowd = true;
        result += "\ufffd";
      }
      continue;
    }
    inCrowd = false;
    const drawable = unicode ? !unsafe.test(character) : code >= 0x20 && code < 0x7f;
    marksLeft = drawable ? marksPerCharacter : 0;
    result += drawable ? character : escape(code, unicode);
  }
  return result;
}

function escape(code: number, unicode: boolean): string {
  if (unicode && code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  const hex = code.toString(16);
  return code <= 0xff ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
}

/** What stands where text was cut. */
export function ellipsis(unicode: boolean): string {
  return unicode ? "…" : "...";
}

/**
 * Cells that sanitised text takes. Terminals advance by code point, so it is measured by code point; of what is left
 * in it, only marks take none.
 */
export function width(text: string): number {
  if (printableAscii.test(text)) return text.length;
  let cells = 0;
  for (const character of text) {
    if (!nonspacingMark.test(character)) cells += eastAsianWidth(character.codePointAt(0)!);
  }
  return cells;
}

/** Sanitised text in at most `columns` cells, ending in `mark` when it was cut. */
export function cut(text: string, columns: number, mark = "…"): string {
  if (width(text) <= columns) return text;
  const markWidth = width(mark);
  if (columns < markWidth) return mark.slice(0, Math.max(columns, 0));
  let result = "";
  let left = columns - markWidth;
  for (const character of text) {
    left -= width(character);
    if (left < 0) break;
    result += character;
  }
  return result + mark;
}

/** Sanitised text in exactly `columns` cells: padded on the side away from `align`, or cut with `mark`. */
export function fit(text: string, columns: number, align: "left" | "right" = "left", mark = "…"): string {
  const shown = cut(text, columns, mark);
  const padding = " ".repeat(Math.max(columns - width(shown), 0));
  return align === "left" ? shown + padding : padding + shown;
}
