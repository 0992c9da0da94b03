/** Whole pages are kept in screens/; `deno test -A test/report/exchanges_page_test.ts -- --update` writes them anew. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { TerminalSize } from "../../src/app/ports.ts";
import { ExchangesPage } from "../../src/report/exchanges_page.ts";
import type { ExchangeFigures } from "../../src/stats/report.ts";
import { anySize, assertFills, hostileText, withoutSgr } from "./hostile.ts";
import {
  liveStatus,
  sampleExchange,
  sampleExchanges,
  sampleReport,
  sampleReusedExchange,
} from "./sample_report.ts";

const plain = { color: false, unicode: true };
const usual: TerminalSize = { columns: 80, rows: 24 };

function pageOf(recent: readonly ExchangeFigures[], slowest: readonly ExchangeFigures[] = []): ExchangesPage {
  const page = new ExchangesPage();
  page.update(recent, slowest);
  return page;
}

function draw(page: ExchangesPage, size = usual, look = plain): string[] {
  return page.layOut(sampleReport(), liveStatus, size, look);
}

/** The path of the exchange whose details are shown, the row of the mark, and the place in the list. */
function selection(page: ExchangesPage, size = usual) {
  const lines = draw(page, size);
  const row = lines.findIndex((line) => line.startsWith("▶"));
  const detail = lines.find((line) => / \d+ of \d+$/.test(line)) ?? "";
  const path = / shop\.example(\S+)/.exec(detail)?.[1];
  assertStringIncludes(lines[row]!, path!);
  return { path, row, place: / (\d+ of \d+)$/.exec(detail)?.[1] };
}

const kept: [string, TerminalSize, typeof plain][] = [
  ["exchanges_80x24", { columns: 80, rows: 24 }, plain],
  ["exchanges_200x50", { columns: 200, rows: 50 }, plain],
  ["exchanges_60x16_ascii", { columns: 60, rows: 16 }, { color: false, unicode: false }],
];

for (const [name, size, look] of kept) {
  Deno.test(`ExchangesPage draws exchanges as kept in screens/${name}.txt`, () => {
    const file = new URL(`screens/${name}.txt`, import.meta.url);
    const page = pageOf(sampleExchanges(200));
    page.move(2);
    const shown = draw(page, size, look).join("\n") + "\n";
    if (Deno.args.includes("--update")) Deno.writeTextFileSync(file, shown);
    assertEquals(shown, Deno.readTextFileSync(file));
  });
}

Deno.test("ExchangesPage begins with the newest exchange and moves to either end and no further", () => {
  const page = pageOf(sampleExchanges(30));
  assertEquals(selection(page), { path: "/item/30", row: 2, place: "1 of 30" });
  page.move(-1);
  assertEquals(selection(page).place, "1 of 30");
  page.move(3);
  assertEquals(selection(page), { path: "/item/27", row: 5, place: "4 of 30" });
  page.move(Infinity);
  assertEquals(selection(page).place, "30 of 30");
  page.move(1);
  assertEquals(selection(page).path, "/item/1");
  page.move(-Infinity);
  assertEquals(selection(page), { path: "/item/30", row: 2, place: "1 of 30" });
});

Deno.test("ExchangesPage pages by as many exchanges as are in sight", () => {
  const page = pageOf(sampleExchanges(90));
  const size = { columns: 130, rows: 24 };
  const inSight = draw(page, size).filter((line) => line.includes("/item/")).length - 1;
  page.page(1);
  assertEquals(selection(page, size).place, `${inSight + 1} of 90`);
  page.page(-1);
  assertEquals(selection(page, size).place, "1 of 90");
});

Deno.test("ExchangesPage lists as many exchanges whichever is selected", () => {
  const page = pageOf(sampleExchanges(90));
  const detailRow = () => draw(page).findIndex((line) => / of 90$/.test(line));
  const rows = [0, 1, 1, 1].map((by) => (page.move(by), detailRow()));
  assertEquals(new Set(rows).size, 1);
});

Deno.test("ExchangesPage keeps the selected exchange in its row while others come in", () => {
  const page = pageOf(sampleExchanges(50));
  page.move(3);
  const before = selection(page);
  page.update(sampleExchanges(50, 57), []);
  assertEquals(selection(page), { ...before, place: "11 of 50" });
});

Deno.test("ExchangesPage keeps the selected exchange when the list no longer has it, until another is selected", () => {
  const page = pageOf(sampleExchanges(50));
  page.move(3);
  const { path } = selection(page);
  page.update(sampleExchanges(50, 500), []);
  assertEquals([selection(page).path, selection(page).place], [path, "51 of 51"]);
  page.update(sampleExchanges(50, 600), []);
  assertEquals([selection(page).path, selection(page).place], [path, "51 of 51"]);
  page.move(-1);
  page.update(sampleExchanges(50, 600), []);
  assertEquals(selection(page).place, "50 of 50");
});

Deno.test("ExchangesPage selects another one of exchanges that look the same", () => {
  const page = pageOf([sampleExchange(), sampleExchange(), sampleReusedExchange()]);
  page.move(1);
  assertEquals(selection(page).place, "2 of 3");
  page.move(1);
  assertEquals(selection(page).place, "3 of 3");
});

Deno.test("ExchangesPage turns to the slowest and back, with the same one selected where both have it", () => {
  const exchanges = sampleExchanges(9);
  const page = pageOf(exchanges, [exchanges[3]!, exchanges[0]!]);
  page.move(3);
  page.toggleOrder();
  assertMatch(draw(page)[1]!, /Slowest/);
  assertMatch(draw(page).at(-1)!, /s recent/);
  assertEquals([selection(page).path, selection(page).place], ["/item/6", "1 of 2"]);
  page.toggleOrder();
  assertMatch(draw(page)[1]!, /Newest/);
  assertEquals(selection(page).place, "4 of 9");
});

Deno.test("ExchangesPage without exchanges says so, and selects the first that comes", () => {
  const page = pageOf([]);
  page.move(1);
  page.move(-Infinity);
  page.toggleOrder();
  page.toggleOrder();
  assert(draw(page).some((line) => line.includes("No exchange has ended yet.")));
  page.update(sampleExchanges(3), []);
  assertEquals(selection(page).place, "1 of 3");
});

Deno.test("ExchangesPage has facts beside the waterfall where it is wide, below where it is not", () => {
  const page = pageOf([sampleExchange()]);
  const rowOf = (columns: number, text: RegExp) =>
    draw(page, { columns, rows: 40 }).findIndex((line) => text.test(line));
  assertEquals(rowOf(160, /Server 198/), rowOf(160, /^ dns/));
  assert(rowOf(80, /Server 198/) > rowOf(80, /^ receive/));
});

Deno.test("ExchangesPage is the same text with and without colour", () => {
  const page = pageOf(sampleExchanges(20));
  const colored = draw(page, usual, { color: true, unicode: true });
  assertEquals(colored.map((line) => withoutSgr(line).trimEnd()), draw(page));
  assert(colored.some((line) => line.includes("\x1b[1m▶")));
});

const hostileExchange = fc.record({
  client: hostileText,
  server: hostileText,
  method: hostileText,
  host: hostileText,
  path: hostileText,
  dnsServer: hostileText,
  dnsName: hostileText,
  serverMac: hostileText,
  serverGateway: hostileText,
  untrusted: fc.array(hostileText, { maxLength: 3 }),
  totalMs: fc.constantFrom(0, 0.001, 99.9, 1e7),
  status: fc.constantFrom(0, 200, 599),
}).map((changes) => sampleExchange(changes));

Deno.test("ExchangesPage fills any terminal exactly, whatever the text", () => {
  const exchanges = fc.array(hostileExchange, { maxLength: 12 });
  fc.assert(
    fc.property(exchanges, anySize, fc.nat(12), fc.boolean(), (exchanges, size, down, unicode) => {
      const page = pageOf(exchanges);
      page.move(down);
      assertFills(page.layOut(sampleReport(), liveStatus, size, { color: true, unicode }), size, unicode);
    }),
    { numRuns: 150 },
  );
});
