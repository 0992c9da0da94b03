import { assertEquals } from "@std/assert";
import { nearest } from "../../src/cli/suggest.ts";

const names = ["threshold", "top", "interface", "interval", "no-promiscuous", "out", "output"];

const cases: [string, string | undefined][] = [
  ["treshold", "threshold"],
  ["THRESHOLD", "threshold"],
  ["thershold", "threshold"],
  ["inter", "interval"],
  ["interfcae", "interface"],
  ["outptu", "output"],
  ["nopromiscuous", "no-promiscuous"],
  ["xyzzy", undefined],
  ["ab", undefined],
  ["xt", undefined],
  ["t", undefined],
  ["", undefined],
  ["x".repeat(100_000), undefined],
];
for (const [word, expected] of cases) {
  Deno.test(`nearest to ${JSON.stringify(word.slice(0, 20))} is ${expected ?? "nothing"}`, async () => {
    assertEquals(await nearest(word, names), expected);
  });
}
