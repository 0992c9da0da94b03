/**
 * Whether cost grows with what has been seen: with the number of paths, and with time.
 *
 * @module
 */

import { sinkInto, writeFlood } from "./floods.ts";
import type { Bench } from "./options.ts";
import { measure, measureInTurn, mustRun } from "./process.ts";
import { median, pairedRatio } from "./statistics.ts";
import type { Row } from "./table.ts";

const REQUESTS = 1_000_000, QUICK_REQUESTS = 100_000;
const FEW_PATHS = 1000;
const MOST_RATIO = 1.5;
const MOST_REPORT_MILLISECONDS = 5, MOST_REPORT_RATIO = 1.5;

export async function grow(bench: Bench): Promise<Row[]> {
  return [...await withPaths(bench), ...await withTime(bench)];
}

/** As many requests to few paths and to a path each. */
async function withPaths(bench: Bench): Promise<Row[]> {
  const requests = bench.quick ? QUICK_REQUESTS : REQUESTS;
  bench.note(`reading ${requests} requests to few paths, and to as many`);
  const few = `${bench.scratch}/few-paths.pcap`, many = `${bench.scratch}/many-paths.pcap`;
  let packets = 0;
  for (const [path, distinct] of [[few, FEW_PATHS], [many, requests]] as const) {
    using file = await Deno.open(path, { write: true, create: true, truncate: true });
    packets = writeFlood("paths", requests, distinct, sinkInto(file));
  }
  const commands = {
    few: [...bench.program, "-r", few, "-o", "json"],
    many: [...bench.program, "-r", many, "-o", "json"],
  };
  for (const command of Object.values(commands)) await measure(command);
  const costs = await measureInTurn(commands, bench.runs);
  const cost = (kind: "few" | "many", field: "wallSeconds" | "cpuSeconds") =>
    costs[kind].map((cost) => cost[field]);
  const figures = (kind: "few" | "many") => ({
    wallSeconds: median(cost(kind, "wallSeconds")),
    cpuSeconds: median(cost(kind, "cpuSeconds")),
    packetMicroseconds: median(cost(kind, "wallSeconds")) / packets * 1e6,
  });
  const paths = `${requests.toLocaleString("en-US")} / ${FEW_PATHS.toLocaleString("en-US")} paths`;
  return [
    { section: "growth", name: `${FEW_PATHS.toLocaleString("en-US")} paths`, figures: figures("few") },
    { section: "growth", name: `${requests.toLocaleString("en-US")} paths`, figures: figures("many") },
    ...(["wallSeconds", "cpuSeconds"] as const).map((field): Row => ({
      section: "growth",
      name: `${paths}, ${field === "wallSeconds" ? "wall" : "CPU"}`,
      result: pairedRatio(cost("many", field), cost("few", field)),
      unit: "x",
      target: { atMost: MOST_RATIO },
    })),
  ];
}

/** A report after a minute and after an hour of packet time, as the aggregate alone makes it. */
async function withTime(bench: Bench): Promise<Row[]> {
  bench.note("reporting after a minute and after an hour");
  const script = new URL("./report_cost.ts", import.meta.url).pathname;
  const { minute, hour } = JSON.parse(
    await mustRun([Deno.execPath(), "run", "--no-prompt", "--no-check", decodeURIComponent(script)]),
  );
  const name = "a report with all tables at their caps";
  return [
    { section: "growth", name: `${name}, after a minute`, figures: minute },
    { section: "growth", name: `${name}, after an hour`, figures: hour },
    {
      section: "growth",
      name: `${name}, after an hour`,
      result: hour.medianMilliseconds,
      unit: "ms",
      target: { atMost: MOST_REPORT_MILLISECONDS },
    },
    {
      section: "growth",
      name: `${name}, hour / minute`,
      result: hour.medianMilliseconds / minute.medianMilliseconds,
      unit: "x",
      target: { atMost: MOST_REPORT_RATIO },
    },
  ];
}
