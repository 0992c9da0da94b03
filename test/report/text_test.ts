/** The text is kept in screens/text.txt; `deno test -A test/report/text_test.ts -- --update` writes it anew. */

import { assertEquals, assertLessOrEqual, assertMatch, assertNotMatch } from "@std/assert";
import stringWidth from "string-width";
import { textReport } from "../../src/report/text.ts";
import { liveStatus, sampleAlert, sampleReport } from "./sample_report.ts";

const plain = { color: false, unicode: true };

Deno.test("textReport writes the sample report as kept in screens/text.txt", () => {
  const file = new URL("screens/text.txt", import.meta.url);
  const text = textReport(sampleReport(), { ...liveStatus, state: "ended" }, plain);
  if (Deno.args.includes("--update")) Deno.writeTextFileSync(file, text);
  assertEquals(text, Deno.readTextFileSync(file));
});

Deno.test("textReport has every alert on a line of its own", () => {
  const report = sampleReport();
  report.alerts = Array.from(
    { length: 50 },
    (_, second) => sampleAlert(`08:00:${String(second).padStart(2, "0")}`, "09:00:00", 1, 3, 11),
  );
  const lines = textReport(report, liveStatus, plain).split("\n");
  assertEquals(
    lines.filter((line) => /resolved +08:00:\d\d +→ 09:00:00 .* shop\.example 9/.test(line)).length,
    50,
  );
});

Deno.test("textReport has escape sequences only in colour, and never those of the network", () => {
  const report = sampleReport();
  report.hosts[0]!.host = "\x1b[31mred";
  // deno-lint-ignore no-control-regex -- what is looked for
  assertNotMatch(textReport(report, liveStatus, plain), /\x1b/);
  const colored = textReport(report, liveStatus, { color: true, unicode: true });
  assertMatch(colored, /\\x1b\[31mred/);
  // deno-lint-ignore no-control-regex -- what is looked for
  assertMatch(colored, /\x1b\[1;31m▲ firing/);
});

Deno.test("textReport without UTF-8 is ASCII", () => {
  assertNotMatch(textReport(sampleReport(), liveStatus, { color: false, unicode: false }), /[^\n -~]/);
});

Deno.test("textReport fits a terminal's columns and still has every alert", () => {
  const whole = textReport(sampleReport(), liveStatus, plain);
  for (const columns of [40, 80]) {
    const lines = textReport(sampleReport(), liveStatus, plain, columns).split("\n");
    for (const line of lines) assertLessOrEqual(stringWidth(line), columns);
    assertEquals(lines.filter((line) => /09:31:10|→ 09:25:31|→ 09:04:20/.test(line)).length, 3);
  }
  const widest = Math.max(...whole.split("\n").map((line) => stringWidth(line)));
  assertEquals(textReport(sampleReport(), liveStatus, plain, widest), whole);
});
