/** Whole screens are kept in screens/; `deno test -A test/report/layout_test.ts -- --update` writes them anew. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import type { TerminalSize } from "../../src/app/ports.ts";
import { layOut } from "../../src/report/layout.ts";
import { makeView } from "../../src/report/view.ts";
import type { Report } from "../../src/stats/report.ts";
import { anySize, assertFills, hostileText, withoutSgr } from "./hostile.ts";
import { liveStatus, sampleAddressAlert, sampleAlert, sampleReport } from "./sample_report.ts";

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

Deno.test("layOut shows network, clients and slowest exchanges once every table is whole", () => {
  const shown = (rows: number, columns: number) => {
    const text = screen(sampleReport(), { columns, rows }).join("\n");
    const titles = [/^Network$/m, /Clients +requests/, /Slowest +ms/, /DNS servers/, /Gateways/];
    return titles.map((title) => title.test(text));
  };
  assertEquals(shown(24, 80), [false, false, false, false, false]);
  assertEquals(shown(50, 200), [true, true, true, true, true]);
  assertEquals(shown(58, 80), [true, true, false, false, false]);
  const wholeTables = screen(sampleReport(), { columns: 80, rows: 58 }).join("\n");
  assert(wholeTables.includes("old.example") && wholeTables.includes("shop.example/search"));
});

Deno.test("layOut shows no extra block without rows that say something", () => {
  const begun: [columns: number, title: RegExp, last: string][] = [
    [200, /Clients +requests/, "2001:db8::4:10"],
    [200, /Gateways/, "fe80::1"],
    [40, /Bodies/, "15m"],
  ];
  for (const [columns, title, last] of begun) {
    const shown = Array.from(
      { length: 60 },
      (_, rows) => screen(sampleReport(), { columns, rows: rows + 30 }).join("\n"),
    )
      .filter((text) => title.test(text));
    assert(shown.length > 0);
    for (const text of shown) assert(text.includes(last));
  }
});

Deno.test("layOut without network figures has no network block", () => {
  const report = sampleReport();
  delete report.network;
  const text = screen(report, { columns: 200, rows: 60 }).join("\n");
  assert(text.includes("Slowest") && !text.includes("Network") && !text.includes("DNS servers"));
});

Deno.test("layOut shows the percentile of every phase before status columns at 80 columns", () => {
  const view = makeView(sampleReport(), liveStatus, { unicode: true, columns: "p95" });
  const { lines } = layOut(view, { columns: 80, rows: 24 }, 0, plain);
  const heading = lines.find((line) => line.startsWith("Hosts"))!;
  assertMatch(heading, /^Hosts, p95 ms +dns +arp +connect +send +wait +receive +server$/);
  assertMatch(lines.at(-1)!, /t p99/);
});

Deno.test("layOut gives the room of an address that changed back to the other alerts", () => {
  const report = sampleReport();
  report.alerts.push(
    sampleAddressAlert("09:31:30", ["2001:db8:1234:5678:9abc:def0:1234:5678 a → b", "x a → b"]),
  );
  const text = screen(report, { columns: 80, rows: 24 }).join("\n");
  assertMatch(text, /▲ firing +09:31:30 .* 2001:db8:1234:5678:… \+1 changed MAC/);
  assertMatch(text, /▲ firing +09:31:10 .* requests 2,914 > 10/);
});

Deno.test("layOut marks firing alerts and losses in colour and is the same text without", () => {
  const size = { columns: 80, rows: 24 };
  const colored = screen(sampleReport(), size, { color: true, unicode: true });
  assert(colored.some((line) => line.includes("\x1b[1;31m▲ firing")));
  assert(colored.some((line) => line.includes("\x1b[33m14\x1b[0m")));
  assertEquals(colored.map((line) => withoutSgr(line).trimEnd()), screen(sampleReport(), size));
});

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
  for (const row of report.clients) row.client = text();
  for (const row of report.slowest) Object.assign(row, { client: text(), path: text(), totalMs: number });
  for (const row of report.network!.dns.servers) Object.assign(row, { server: text(), queries: number });
  for (const row of report.network!.gateways) Object.assign(row, { address: text(), mac: text() });
  report.capture.evicted = number;
  report.alerts = Array.from({ length: alerts }, () => ({
    ...sampleAlert("08:00:00", undefined, 1, number, 11),
    rule: text(),
    contributors: [{ by: "path", key: text(), value: number }],
  }));
  if (alerts > 0) report.alerts.push(sampleAddressAlert("08:00:00", [text(), text()]));
  return report;
});

Deno.test("layOut fills any terminal exactly, whatever the text", () => {
  fc.assert(
    fc.property(hostileReport, anySize, fc.nat(50), fc.boolean(), (report, size, offset, unicode) => {
      assertFills(screen(report, size, { color: true, unicode }, offset), size, unicode);
    }),
    { numRuns: 150 },
  );
});
