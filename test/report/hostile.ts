/**
 * What the network could send to break a screen, and the sizes that a screen can have.
 *
 * @module
 */

import { assertEquals, assertLessOrEqual, assertNotMatch } from "@std/assert";
import fc from "fast-check";
import stringWidth from "string-width";
import type { TerminalSize } from "../../src/app/ports.ts";

// deno-lint-ignore no-control-regex -- SGR sequences
const sgr = /\x1b\[[0-9;]*m/g;

export function withoutSgr(line: string): string {
  return line.replaceAll(sgr, "");
}

/** Escape sequences, bidi and zero-width characters, clusters, and text that is too long. */
export const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(
    fc.constantFrom(
      "\x1b[2J",
      "\x1b]0;title\x07",
      "\x9b1;1H",
      "\u202e",
      "\u200b",
      "日本語",
      "👩‍👩‍👧",
      "🇩🇪",
      "👍🏽",
      "a\u0301\u0302\u0303\u0304",
      "हिन्दी",
      "각",
      "กำ",
      "\r\n",
      "\ud83d",
      "x".repeat(300),
      "\u2028",
    ),
    { maxLength: 12 },
  ).map((parts) => parts.join("")),
);

/** From one cell up, small ones more often. */
export const anySize = fc.record({
  columns: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 220 })),
  rows: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 70 })),
});

/** Asserts that lines fill a terminal exactly and have nothing in them that a terminal would act on. */
export function assertFills(lines: readonly string[], size: TerminalSize, unicode: boolean): void {
  assertEquals(lines.length, size.rows);
  for (const line of lines.map(withoutSgr)) {
    assertLessOrEqual(stringWidth(line), size.columns);
    assertNotMatch(line, unicode ? /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u : /[^ -~]/);
  }
}
