import { assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import fc from "fast-check";
import { PHASES } from "../../src/network/opening.ts";
import { lineWidth, paint } from "../../src/report/lines.ts";
import { waterfall } from "../../src/report/waterfall.ts";
import type { ExchangeFigures } from "../../src/stats/report.ts";
import { sampleExchange, sampleReusedExchange } from "./sample_report.ts";

const plain = { color: false, unicode: true };

function draw(exchange: ExchangeFigures, columns: number, look = plain): string[] {
  return waterfall(exchange, columns, look).map((line) => paint(line, look));
}

/** A lookup, a pause, and a response; 100 ms. */
const simple = sampleExchange({
  totalMs: 100,
  phases: [
    { phase: "dns", startMs: 0, ms: 25 },
    { phase: "wait", startMs: 50, ms: 40 },
    { phase: "receive", startMs: 90, ms: 10 },
  ],
  serverMs: 20,
  untrusted: [],
});

Deno.test("waterfall draws bars to scale on one axis, and the gaps between them", () => {
  assertEquals(draw(simple, 69), [
    "         start ms        ms  0                   50.00      100.00 ms",
    "dns          0.00     25.00  ██████████",
    "wait        50.00     40.00                      ████████████████",
    "receive     90.00     10.00                                      ████",
    "server                20.00                          ▒▒▒▒▒▒▒▒",
    "blocked               25.00            ··········",
  ]);
});

Deno.test("waterfall is ASCII where that is all that can be shown", () => {
  const lines = draw(simple, 69, { color: false, unicode: false });
  assertMatch(lines[1]!, / {2}#{10}$/);
  assertMatch(lines[5]!, / {2}\.{10}$/);
});

Deno.test("waterfall marks a phase that is not to be trusted", () => {
  const look = { color: true, unicode: true };
  const lines = draw({ ...simple, untrusted: ["wait"] }, 69, look);
  assertMatch(lines[2]!, /^.\[33mwait\? /);
  assertMatch(lines[2]!, /.\[33m█+/);
  assertMatch(lines[1]!, /^dns {7}.*.\[32m█+/);
});

Deno.test("waterfall draws phases that are too short for a cell thin, also at the end", () => {
  const lines = draw(sampleReusedExchange(), 79);
  assertMatch(lines[1]!, /^send +0\.000 +0\.000 {2}▏$/);
  assertMatch(lines[2]!, /^wait +0\.000 +3\.750 {2}█+$/);
  assertMatch(lines[3]!, /^receive +3\.750 +0\.000 +▏$/);
  assertEquals(lines[3]!.length, 79);
});

Deno.test("waterfall counts phases that overlap once when it looks for gaps", () => {
  const phases: ExchangeFigures["phases"] = [
    { phase: "dns", startMs: 0, ms: 60 },
    { phase: "connect", startMs: 20, ms: 30 },
    { phase: "send", startMs: 70, ms: 30 },
  ];
  const lines = draw({ ...simple, phases }, 69);
  assertMatch(lines.at(-1)!, /^blocked +10\.00 {2} +····$/);
});

Deno.test("waterfall in little room has the figures alone", () => {
  const lines = draw(simple, 30);
  assertEquals(lines[2], "wait        50.00     40.00");
  assertEquals(lines.length, 6);
});

Deno.test("waterfall has no bars but figures for an exchange of no length", () => {
  const phases: ExchangeFigures["phases"] = [{ phase: "send", startMs: 0, ms: 0 }];
  const { serverMs: _, ...rest } = simple;
  assertEquals(draw({ ...rest, totalMs: 0, phases }, 60)[1], "send        0.000     0.000  ▏");
});

Deno.test("waterfall is never wider than it may be", () => {
  const time = fc.double({ min: 0, max: 1e7, noNaN: true });
  const phases = fc.array(fc.record({ phase: fc.constantFrom(...PHASES), startMs: time, ms: time }), {
    maxLength: 6,
  });
  fc.assert(fc.property(phases, time, fc.integer({ min: 40, max: 200 }), (phases, totalMs, columns) => {
    for (const line of waterfall({ ...simple, phases, totalMs }, columns, plain)) {
      assertLessOrEqual(lineWidth(line), columns);
    }
  }));
});

Deno.test("waterfall leaves out the label of an end for which there is no room on the axis", () => {
  const long = sampleExchange({ totalMs: 1e7 });
  assertEquals(draw(long, 49)[0], "           start ms          ms  0  10000000.0 ms");
  assertEquals(draw(long, 48)[0], "           start ms          ms  0");
});
