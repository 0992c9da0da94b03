import { assert, assertEquals } from "@std/assert";
import { Alerts } from "../../src/stats/alerts.ts";
import type { AlertFigures, AlertLosses } from "../../src/stats/report.ts";
import { NO_LOSSES } from "./exchanges.ts";

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
/** 2023-11-14T22:13:20Z */
const START = 1_700_000_000 * SECOND;

function newAlerts(options: { threshold?: number; cap?: number; losses?: () => AlertLosses } = {}): Alerts {
  return new Alerts({ threshold: 10, windowMicros: 2 * MINUTE, losses: () => NO_LOSSES, ...options });
}

/** Makes `count` requests a second apart, the first at `from`. */
function request(alerts: Alerts, count: number, from = START): void {
  for (let index = 0; index < count; index++) alerts.request({ time: from + index * SECOND });
}

function only(alerts: Alerts): AlertFigures {
  const figures = alerts.figures(NO_LOSSES);
  assertEquals(figures.length, 1);
  return figures[0] as AlertFigures;
}

Deno.test("no alert fires below the threshold", () => {
  const alerts = newAlerts();
  request(alerts, 9);
  alerts.advance(START + 10 * MINUTE);
  assertEquals(alerts.figures(NO_LOSSES), []);
});

Deno.test("no alert fires exactly at the threshold", () => {
  const alerts = newAlerts();
  request(alerts, 10);
  assertEquals(alerts.figures(NO_LOSSES), []);
});

Deno.test("no alert fires when more requests than the threshold are spread beyond the window", () => {
  const alerts = newAlerts();
  for (let index = 0; index < 100; index++) alerts.request({ time: START + index * 12 * SECOND });
  assertEquals(alerts.figures(NO_LOSSES), []);
});

Deno.test("an alert fires when the threshold is exceeded", () => {
  const alerts = newAlerts();
  request(alerts, 11);
  assertEquals(only(alerts), {
    rule: "requests>10 over 2m",
    state: "firing",
    metric: "requests",
    unit: "requests",
    value: 11,
    threshold: 10,
    peak: 11,
    window: "2m",
    startedAt: "2023-11-14T22:13:30.000000Z",
    durationSeconds: 0,
    message: "High traffic: 11 requests in 2m (threshold 10), firing for 0s, peak 11",
    contributors: [],
    losses: NO_LOSSES,
  });
});

Deno.test("an alert notes that it goes on: value now, since when, peak", () => {
  const alerts = newAlerts();
  request(alerts, 60);
  alerts.advance(START + 2 * MINUTE + 5 * SECOND);
  const alert = only(alerts);
  assertEquals([alert.state, alert.value, alert.peak, alert.durationSeconds], ["firing", 54, 60, 115]);
  assertEquals(alert.startedAt, "2023-11-14T22:13:30.000000Z");
  assertEquals(alert.message, "High traffic: 54 requests in 2m (threshold 10), firing for 1m55s, peak 60");
});

Deno.test("an alert resolves with its duration when requests no longer exceed the threshold", () => {
  const alerts = newAlerts();
  request(alerts, 11);
  alerts.request({ time: START + 2 * MINUTE + 5 * SECOND });
  const alert = only(alerts);
  assertEquals([alert.state, alert.value, alert.peak, alert.durationSeconds], ["resolved", 10, 11, 110]);
  assertEquals(alert.resolvedAt, "2023-11-14T22:15:20.000000Z");
  assertEquals(alert.message, "Recovered after 1m50s: 10 requests in 2m, peak 11");
});

Deno.test("an alert resolves with no traffic at all, at the moment the count fell", () => {
  const alerts = newAlerts();
  request(alerts, 11);
  alerts.advance(START + 2 * MINUTE - 1);
  assertEquals(only(alerts).state, "firing");
  alerts.advance(START + 2 * MINUTE);
  assertEquals(only(alerts).state, "resolved");
});

Deno.test("an alert resolves at the moment the count fell when time jumps over it by a month", () => {
  const alerts = newAlerts();
  request(alerts, 15);
  alerts.advance(START + 30 * 24 * 60 * MINUTE);
  const alert = only(alerts);
  assertEquals([alert.state, alert.value, alert.peak], ["resolved", 10, 15]);
  // Fired with the 11th request, at 10 s; the 5th left the window at 124 s.
  assertEquals(alert.resolvedAt, "2023-11-14T22:15:24.000000Z");
  assertEquals(alert.durationSeconds, 114);
});

Deno.test("an alert resolves at the moment the count fell when the next request comes long after", () => {
  const alerts = newAlerts();
  request(alerts, 11);
  alerts.request({ time: START + 60 * MINUTE });
  assertEquals(only(alerts).resolvedAt, "2023-11-14T22:15:20.000000Z");
});

Deno.test("a burst that leaves the window at once resolves to the count that is left", () => {
  const alerts = newAlerts();
  for (let index = 0; index < 50; index++) alerts.request({ time: START });
  alerts.request({ time: START + SECOND });
  alerts.advance(START + 3 * MINUTE);
  const alert = only(alerts);
  assertEquals([alert.value, alert.peak], [1, 51]);
  assertEquals(alert.message, "Recovered after 2m: 1 request in 2m, peak 51");
});

Deno.test("requests from the past count at the latest time seen, fire and resolve", () => {
  const alerts = newAlerts();
  alerts.advance(START);
  for (let index = 0; index < 11; index++) alerts.request({ time: START - index * MINUTE });
  const { startedAt, durationSeconds } = only(alerts);
  assertEquals([startedAt, durationSeconds], ["2023-11-14T22:13:20.000000Z", 0]);
  alerts.advance(START - 10 * MINUTE);
  assertEquals(only(alerts).state, "firing");
  alerts.advance(START + 2 * MINUTE);
  assertEquals([only(alerts).state, only(alerts).durationSeconds], ["resolved", 120]);
});

Deno.test("two alerts in sequence are both kept, with values of their own", () => {
  const alerts = newAlerts();
  request(alerts, 20);
  request(alerts, 12, START + 10 * MINUTE);
  const summary = alerts.figures(NO_LOSSES).map(({ state, value, peak }) => [state, value, peak]);
  assertEquals(summary, [["resolved", 10, 20], ["firing", 12, 12]]);
});

Deno.test("a threshold of 0 fires with the first request and resolves with none left", () => {
  const alerts = newAlerts({ threshold: 0 });
  alerts.request({ time: START });
  assertEquals(only(alerts).message, "High traffic: 1 request in 2m (threshold 0), firing for 0s, peak 1");
  alerts.advance(START + 2 * MINUTE);
  assertEquals(only(alerts).message, "Recovered after 2m: 0 requests in 2m, peak 1");
});

Deno.test("a rule's text and messages name short windows and durations in their own units", () => {
  const alerts = newAlerts({ threshold: 1 });
  alerts.request({ time: START });
  alerts.request({ time: START });
  alerts.advance(START + 250_000);
  assertEquals(
    only(alerts).message,
    "High traffic: 2 requests in 2m (threshold 1), firing for 250ms, peak 2",
  );
  const short = new Alerts({ threshold: 5, windowMicros: 500_000, losses: () => NO_LOSSES });
  for (let index = 0; index < 6; index++) short.request({ time: START });
  assertEquals([only(short).rule, only(short).window], ["requests>5 over 500ms", "500ms"]);
});

Deno.test("an alert tells what the capture lost between firing and now, then until it resolved", () => {
  const counters = { ...NO_LOSSES, droppedByKernel: 100, tcpGaps: 5 };
  const alerts = newAlerts({ losses: () => counters });
  request(alerts, 11);
  counters.droppedByKernel = 130;
  counters.unparsed = 2;
  assertEquals(alerts.figures(counters)[0]?.losses, { ...NO_LOSSES, droppedByKernel: 30, unparsed: 2 });
  counters.evicted = 1;
  alerts.advance(START + 5 * MINUTE);
  counters.droppedByKernel = 999;
  const atEnd = { ...NO_LOSSES, droppedByKernel: 30, unparsed: 2, evicted: 1 };
  assertEquals(alerts.figures(counters)[0]?.losses, atEnd);
});

Deno.test("at the cap the oldest resolved alerts are evicted and counted", () => {
  const alerts = newAlerts({ cap: 3 });
  for (let round = 0; round < 5; round++) request(alerts, 11 + round, START + round * 10 * MINUTE);
  const peaks = alerts.figures(NO_LOSSES).map(({ peak }) => peak);
  assertEquals([peaks, alerts.evicted], [[13, 14, 15], 2]);
  assert(alerts.figures(NO_LOSSES).at(-1)?.state === "firing");
});

Deno.test("figures are a copy: changing them does not change the alert", () => {
  const alerts = newAlerts();
  request(alerts, 11);
  alerts.advance(START + 5 * MINUTE);
  const before = structuredClone(only(alerts));
  const figures = only(alerts);
  figures.message = "";
  figures.losses.tcpGaps = 9;
  figures.contributors.push({ by: "host", key: "a", value: 1 });
  assertEquals(only(alerts), before);
});

const MACS = ["02:00:00:00:00:01", "06:00:00:00:00:02"] as const;

function change(
  alerts: Alerts,
  time: number,
  address = "192.0.2.1",
  [from, to]: readonly string[] = MACS,
): void {
  alerts.addressChange({ time, address, from: from!, to: to! });
}

Deno.test("an address that changes its link layer address fires an alert at once", () => {
  const alerts = newAlerts();
  change(alerts, START);
  assertEquals(only(alerts), {
    rule: "address changed its link layer address",
    state: "firing",
    metric: "addressChanges",
    unit: "changes",
    value: 1,
    threshold: 0,
    peak: 1,
    window: "2m",
    startedAt: "2023-11-14T22:13:20.000000Z",
    durationSeconds: 0,
    message: "192.0.2.1 changed from 02:00:00:00:00:01 to 06:00:00:00:00:02: a possible spoof, " +
      "1 change in 2m, firing for 0s, peak 1",
    contributors: [{ by: "address", key: "192.0.2.1 02:00:00:00:00:01 → 06:00:00:00:00:02", value: 1 }],
    losses: NO_LOSSES,
  });
});

Deno.test("an alert of changed addresses tells of the latest change and resolves when the window has none", () => {
  const alerts = newAlerts();
  change(alerts, START);
  change(alerts, START + 30 * SECOND, "192.0.2.7");
  change(alerts, START + MINUTE, "192.0.2.7", MACS.toReversed());
  change(alerts, START + 90 * SECOND, "192.0.2.7");
  alerts.advance(START + 3 * MINUTE);
  assertEquals([only(alerts).state, only(alerts).value, only(alerts).peak], ["firing", 1, 4]);
  alerts.advance(START + 4 * MINUTE);
  const alert = only(alerts);
  assertEquals([alert.state, alert.value, alert.durationSeconds], ["resolved", 0, 210]);
  assertEquals(
    alert.message,
    "192.0.2.7 changed from 02:00:00:00:00:01 to 06:00:00:00:00:02: a possible spoof, " +
      "over after 3m30s: 0 changes in 2m, peak 4",
  );
  assertEquals(alert.contributors, [
    { by: "address", key: "192.0.2.7 02:00:00:00:00:01 → 06:00:00:00:00:02", value: 2 },
    { by: "address", key: "192.0.2.1 02:00:00:00:00:01 → 06:00:00:00:00:02", value: 1 },
    { by: "address", key: "192.0.2.7 06:00:00:00:00:02 → 02:00:00:00:00:01", value: 1 },
  ]);
  change(alerts, START + 10 * MINUTE);
  assertEquals(alerts.figures(NO_LOSSES).map(({ state, peak }) => [state, peak]), [["resolved", 4], [
    "firing",
    1,
  ]]);
});

Deno.test("an alert of a storm of changed addresses counts them all and tells of ten", () => {
  const alerts = newAlerts();
  for (let index = 0; index < 10_000; index++) {
    change(alerts, START + index, `10.0.${index >> 8}.${index & 255}`);
  }
  const { peak, contributors } = only(alerts);
  assertEquals([peak, contributors.length], [10_000, 10]);
});

Deno.test("requests and changed addresses do not count for each other's rule", () => {
  const alerts = newAlerts({ threshold: 1 });
  change(alerts, START);
  change(alerts, START);
  request(alerts, 1);
  assertEquals(alerts.figures(NO_LOSSES).map(({ metric, value }) => [metric, value]), [[
    "addressChanges",
    2,
  ]]);
  request(alerts, 3);
  assertEquals(alerts.figures(NO_LOSSES).map(({ metric }) => metric), ["addressChanges", "requests"]);
});

Deno.test("a changed address from the past counts at the latest time seen, and moves no time", () => {
  const alerts = newAlerts();
  alerts.advance(START);
  change(alerts, START - 10 * MINUTE);
  assertEquals([only(alerts).startedAt, alerts.now], ["2023-11-14T22:13:20.000000Z", START]);
  change(alerts, START + 10 * MINUTE);
  assertEquals(alerts.now, START);
});
