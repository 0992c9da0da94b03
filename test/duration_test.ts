import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration } from "../src/duration.ts";

Deno.test("parseDuration reads each unit", () => {
  assertEquals(parseDuration("500ms"), 500_000);
  assertEquals(parseDuration("10s"), 10_000_000);
  assertEquals(parseDuration("2m"), 120_000_000);
  assertEquals(parseDuration("1h"), 3_600_000_000);
  assertEquals(parseDuration("7d"), 604_800_000_000);
});

Deno.test("parseDuration adds units given largest first", () => {
  assertEquals(parseDuration("1m30s"), 90_000_000);
  assertEquals(parseDuration("1d2h3m4s5ms"), 93_784_005_000);
});

Deno.test("parseDuration reads decimals and rounds to microseconds", () => {
  assertEquals(parseDuration("1.5s"), 1_500_000);
  assertEquals(parseDuration("0.1s"), 100_000);
  assertEquals(parseDuration("0.0005ms"), 1);
  assertEquals(parseDuration("0.0001ms"), 0);
});

Deno.test("parseDuration reads zero", () => {
  assertEquals(parseDuration("0s"), 0);
});

Deno.test("parseDuration rejects a number without a unit", () => {
  assertEquals(parseDuration("10"), undefined);
  assertEquals(parseDuration("1m30"), undefined);
});

for (
  const text of ["", "s", "-5s", "+5s", "10 s", " 10s", "10s\n", "30s1m", "1s1s", "1.s", ".5s", "1e3s", "10S"]
) {
  Deno.test(`parseDuration rejects ${JSON.stringify(text)}`, () => {
    assertEquals(parseDuration(text), undefined);
  });
}

Deno.test("parseDuration rejects what a number does not hold exactly", () => {
  assertEquals(parseDuration("104249d"), 104_249 * 86_400_000_000);
  assertEquals(parseDuration("104250d"), undefined);
  assertEquals(parseDuration(`${"9".repeat(400)}d`), undefined);
});

const written: [number, string][] = [
  [0, "0s"],
  [250, "0.25ms"],
  [1_500, "1.5ms"],
  [500_000, "500ms"],
  [999_999, "999.999ms"],
  [1_000_000, "1s"],
  [1_500_000, "1.5s"],
  [59_999_600, "1m"],
  [90_000_000, "1m30s"],
  [120_000_000, "2m"],
  [7_500_000_000, "2h5m"],
  [3_601_000_000, "1h1s"],
  [604_800_000_000, "7d"],
  [123_481_927, "2m3.482s"],
];
for (const [micros, text] of written) {
  Deno.test(`formatDuration writes ${micros} microseconds as ${text}`, () => {
    assertEquals(formatDuration(micros), text);
  });
}

Deno.test("parseDuration reads back what formatDuration writes", () => {
  for (const micros of [1, 999, 1_000, 999_999, 1_001_000, 61_002_000, 86_461_001_000, 90_000_000_000_000]) {
    assertEquals(parseDuration(formatDuration(micros)), micros);
  }
});
