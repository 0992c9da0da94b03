/** Whole screens are kept in screens/; `deno test -A test/report/layout_test.ts -- --update` writes them anew. */

import { assert, assertEquals, assertLessOrEqual, assertMatch, assertNotMatch } from "@std/assert";
import fc from "fast-check";
import stringWidth from "string-width";
import type { TerminalSize } from "../../src/app/ports.ts";
import { layOut } from "../../src/report/layout.ts";
import { makeView } from "../../src/report/view.ts";
import type { Report } from "../../src/stats/report.ts";
import { liveStatus, sampleAlert, sampleReport } from "./sample_report.ts";

const plain = { color: false, unicode: true };

function screen(report: Report, size: TerminalSize, look = plain, alertOffset = 0): string[] {
  return layOut(makeView(report, liveStatus, look), size, alertOffset, look).lines;
}

const kept: [string, TerminalSize, typeof plain][] = [
  ["80x24", { columns: 80, rows: 24 }, plain],
  ["200x50", { columns: 200, rows: 50 }, plain],
  ["40x10", { columns: 40, rows: 10 }, plain],
  ["80x40_ascii", { columns: 80, rows: 40 }, { color: false, unicode: false }],
];

for (const [name, size, look] of kept) {
  Deno.test(`layOut draws the sample report as kept in screens/${name}.txt`, () => {
    const file = new URL(`screens/${name}.txt`, import.meta.url);
    const shown = screen(sampleReport(), size, look).join("\n") + "\n";
    if (Deno.args.includes("--update")) Deno.writeTextFileSync(file, shown);
    assertEquals(shown, Deno.readTextFileSync(file));
  });
}

Deno.test("layOut takes a terminal of unknown size for 80 by 24", () => {
  assertEquals(
    screen(sampleReport(), { columns: 0, rows: 0 }),
    screen(sampleReport(), { columns: 80, rows: 24 }),
  );
});

Deno.test("layOut shows header, totals, alerts and losses before anything else", () => {
  const lines = screen(sampleReport(), { columns: 40, rows: 5 });
  assertMatch(lines[0]!, /^trafficsniffer +eth0 +live/);
  assertMatch(lines[1]!, /Requests +12,345/);
  assertMatch(lines[2]!, /^Alerts +1 firing, 2 resolved/);
  assertMatch(lines[3]!, /^Losses +TCP gaps 2, Unpaired 14/);
  assertMatch(lines[4]!, /^q quit/);
});

Deno.test("layOut says how low a list's counts may be as far as there is room, and never cuts it", () => {
  for (let columns = 30; columns < 220; columns++) {
    const lines = screen(sampleReport(), { columns, rows: 60 });
    const heading = lines.find((line) => /Paths( \(| +requests)/.test(line))!;
    assertMatch(heading, /Paths( \(((counts may be )?up to |≤)12 too low\))? +requests/);
    if (columns >= 80) assertMatch(heading, /12 too low/);
    if (columns >= 140) assertMatch(heading, /counts may be/);
  }
});

Deno.test("layOut scrolls to the oldest alert and no further", () => {
  const report = sampleReport();
  for (let minute = 10; minute < 40; minute++) {
    report.alerts.push(sampleAlert(`07:${minute}:00`, "08:00:00", 1, 1, 11));
  }
  const view = makeView(report, liveStatus, plain);
  const size = { columns: 80, rows: 24 };
  const top = layOut(view, size, 0, plain);
  const bottom = layOut(view, size, Infinity, plain);
  const shown = top.alertsShown;
  assert(shown >= 3);
  assertEquals(bottom.alertOffset, 33 - shown);
  assertEquals(bottom.lines.filter((line) => line.includes("07:10:00")).length, 1);
  assert(top.lines.some((line) => line.endsWith(`1–${shown} of 33`)));
  assert(bottom.lines.some((line) => line.endsWith(`${34 - shown}–33 of 33`)));
});

Deno.test("layOut marks firing alerts and losses in colour and is the same text without", () => {
  const size = { columns: 80, rows: 24 };
  const colored = screen(sampleReport(), size, { color: true, unicode: true });
  assert(colored.some((line) => line.includes("\x1b[1;31m▲ firing")));
  assert(colored.some((line) => line.includes("\x1b[33m14\x1b[0m")));
  assertEquals(colored.map((line) => withoutSgr(line).trimEnd()), screen(sampleReport(), size));
});

// deno-lint-ignore no-control-regex -- SGR sequences
const sgr = /\x1b\[[0-9;]*m/g;

function withoutSgr(line: string): string {
  return line.replaceAll(sgr, "");
}

const hostileText = fc.oneof(
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

/** The sample with hostile text wherever text of the network is, and any number of alerts. */
const hostileReport = fc.record({
  texts: fc.array(hostileText, { minLength: 1, maxLength: 8 }),
  number: fc.constantFrom(0, 3, 1e6, 1e12),
  alerts: fc.nat(40),
}).map(({ texts, number, alerts }) => {
  const report = sampleReport();
  let next = 0;
  const text = () => texts[next++ % texts.length]!;
  report.source = { file: text(), filter: text(), linkType: text() };
  for (const row of report.hosts) Object.assign(row, { host: text(), requests: number });
  for (const row of report.sections) Object.assign(row, { host: text(), section: text() });
  for (const row of report.topHostSections) row.section = text();
  for (const row of report.paths) Object.assign(row, { host: text(), path: text() });
  report.capture.evicted = number;
  report.alerts = Array.from({ length: alerts }, () => ({
    ...sampleAlert("08:00:00", undefined, 1, number, 11),
    rule: text(),
    contributors: [{ by: "path", key: text(), value: number }],
  }));
  return report;
});

const anySize = fc.record({
  columns: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 220 })),
  rows: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 70 })),
});

Deno.test("layOut fills any terminal exactly, whatever the text", () => {
  fc.assert(
    fc.property(hostileReport, anySize, fc.nat(50), fc.boolean(), (report, size, offset, unicode) => {
      const lines = screen(report, size, { color: true, unicode }, offset).map(withoutSgr);
      assertEquals(lines.length, size.rows);
      for (const line of lines) {
        assertLessOrEqual(stringWidth(line), size.columns);
        assertNotMatch(line, unicode ? /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u : /[^ -~]/);
      }
    }),
    { numRuns: 150 },
  );
});
