/**
 * How soon the program is there.
 *
 * @module
 */

import type { Bench } from "./options.ts";
import { measure, measureInTurn } from "./process.ts";
import { median, pairedRatio } from "./statistics.ts";
import type { Row } from "./table.ts";
import { LEAVES, Terminal } from "./terminal.ts";

const RUNS = 20, QUICK_RUNS = 5;
const MOST_RATIO = 1.5, MOST_SCREEN_MILLISECONDS = 300;

export async function begin(bench: Bench): Promise<Row[]> {
  bench.note("starting");
  const runs = bench.quick ? QUICK_RUNS : RUNS;
  const commands = {
    "deno eval 0": [Deno.execPath(), "eval", "0"],
    "--version": [...bench.program, "--version"],
    "--help": [...bench.program, "--help"],
  };
  for (const command of Object.values(commands)) await measure(command);
  const costs = await measureInTurn(commands, runs);
  const wall = (name: keyof typeof commands) => costs[name].map(({ wallSeconds }) => wallSeconds);
  return [
    ...(Object.keys(commands) as (keyof typeof commands)[]).map((name): Row => ({
      section: "start",
      name,
      figures: { wallMilliseconds: median(wall(name)) * 1000 },
    })),
    ...(["--version", "--help"] as const).map((name): Row => ({
      section: "start",
      name: `${name} / deno eval 0`,
      result: pairedRatio(wall(name), wall("deno eval 0")),
      unit: "x",
      target: { atMost: MOST_RATIO },
    })),
    ...await firstScreen(bench, runs),
  ];
}

async function firstScreen(bench: Bench, runs: number): Promise<Row[]> {
  const { compiled } = bench;
  if (compiled === undefined) {
    bench.leftOut("the compiled executable's first screen (--compiled FILE)");
    return [];
  }
  if (!bench.has("script")) return [];
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    await using terminal = new Terminal([compiled, "-i", "lo", "-o", "screen"]);
    times.push(await terminal.see("Kernel drops"));
    await terminal.press("q", LEAVES);
  }
  return [{
    section: "start",
    name: "first screen of the compiled executable",
    figures: { greatestMilliseconds: Math.max(...times) },
    result: median(times),
    unit: "ms",
    target: { atMost: MOST_SCREEN_MILLISECONDS },
  }];
}
