import { assert, assertEquals, assertGreater, assertLessOrEqual, assertNotMatch, fail } from "@std/assert";
import fc from "fast-check";
import stringWidth from "string-width";
import { cut, fit, sanitize, width } from "../../src/report/sanitize.ts";

Deno.test("sanitize leaves printable ASCII, letters and wide characters as they are", () => {
  for (const text of ["/a b?c=~", "bücher.example", "日本語", "пример", "e\u0301"]) {
    assertEquals(sanitize(text), text);
  }
});

Deno.test("sanitize shows C0, DEL and C1 controls as their code", () => {
  assertEquals(sanitize("a\x1b[2J\x07\x7f\x9bm\n"), "a\\x1b[2J\\x07\\x7f\\x9bm\\x0a");
});

Deno.test("sanitize shows bidi, zero-width, separator and odd space characters as their code", () => {
  assertEquals(sanitize("a\u202eb\u2066"), "a\\u{202e}b\\u{2066}");
  assertEquals(sanitize("\u200b\u200d\ufeff\u00ad"), "\\u{200b}\\u{200d}\\u{feff}\\xad");
  assertEquals(sanitize("\u2028\u2029\u00a0\u3000"), "\\u{2028}\\u{2029}\\xa0\\u{3000}");
  assertEquals(sanitize("\ufe0f\u{e0041}\u3164"), "\\u{fe0f}\\u{e0041}\\u{3164}");
});

Deno.test("sanitize replaces unpaired surrogates", () => {
  assertEquals(sanitize("a\ud800b\udc00"), "a\ufffdb\ufffd");
});

Deno.test("sanitize keeps two marks on a character and makes a crowd one replacement", () => {
  assertEquals(sanitize("a" + "\u0301".repeat(50) + "b"), "a\u0301\u0301\ufffdb");
  assertEquals(sanitize("\u0301a"), "\ufffda");
  assertEquals(sanitize("\x1b\u0301"), "\\x1b\ufffd");
});

Deno.test("sanitize cuts text at its limit", () => {
  assertEquals(sanitize("abcdef", { limit: 3 }), "abc…");
  assertEquals(sanitize("abc", { limit: 3 }), "abc");
  assertLessOrEqual(sanitize("\u202e".repeat(100_000)).length, 256 + 10);
});

Deno.test("sanitize gives ASCII alone to a terminal without UTF-8", () => {
  assertEquals(sanitize("ü日\x9b\ud800", { unicode: false }), "\\xfc\\u{65e5}\\x9b\\u{d800}");
  assertEquals(sanitize("aaaa", { unicode: false, limit: 2 }), "aa...");
});

Deno.test("sanitize lets nothing through that a terminal acts on, whatever the text", () => {
  const forbidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|\p{M}{3}/u;
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => assertNotMatch(sanitize(text), forbidden)));
});

Deno.test("width counts cells of wide and combining characters", () => {
  assertEquals(["", "abc", "日本", "e\u0301", "…"].map(width), [0, 3, 4, 1, 1]);
});

Deno.test("width is that of string-width for every character that sanitize leaves as it is", () => {
  let count = 0;
  for (let code = 0; code <= 0x10ffff; code++) {
    // Behind a letter, where a mark may stand.
    const text = `a${String.fromCodePoint(code)}`;
    if (sanitize(text) !== text) continue;
    count++;
    if (width(text) !== stringWidth("a") + stringWidth(text.slice(1))) fail(`U+${code.toString(16)}`);
  }
  assertGreater(count, 100_000);
});

Deno.test("fit pads on the side away from the alignment", () => {
  assertEquals(fit("ab", 4), "ab  ");
  assertEquals(fit("ab", 4, "right"), "  ab");
  assertEquals(fit("日", 4, "right"), "  日");
});

Deno.test("fit marks a cut and pads when a wide character does not fit by half", () => {
  assertEquals(fit("abcdef", 4), "abc…");
  assertEquals(fit("日本語", 4), "日… ");
  assertEquals(fit("abcdef", 4, "left", "..."), "a...");
});

Deno.test("cut in less room than its mark leaves what fits of the mark", () => {
  assertEquals(cut("abcdef", 2, "..."), "..");
  assertEquals(cut("abcdef", 0), "");
});

Deno.test("fit is as wide as asked, whatever the text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, columns) => {
    const clean = sanitize(text);
    assertEquals(width(fit(clean, columns)), columns);
    assert(width(cut(clean, columns)) <= columns);
  }));
});
