/**
 * Memory under floods of what would have to be remembered.
 *
 * @module
 */

import { type FloodName, floodNames } from "./floods.ts";
import { type Bench, lastReport } from "./options.ts";
import { Background, BenchError, mustRun, residentMiB, sleep } from "./process.ts";
import { growth, type Sample } from "./statistics.ts";
import type { Row } from "./table.ts";

const MOST_MIB = 256, MOST_GROWTH = 1.1;
const SAMPLE_MILLISECONDS = 10;

/**
 * Requests, connections, or packets of the endless one; quick runs have a part of them. Enough for caps to be reached in
 * the first quarter, so that what follows shows whether memory stays level.
 */
const counts: Readonly<Record<FloodName, number>> = {
  hosts: 10_000_000,
  paths: 10_000_000,
  "half-open": 8_000_000,
  unfinished: 400_000,
  endless: 4_000_000,
  holes: 400_000,
  lookups: 2_000_000,
  neighbours: 2_000_000,
};
const QUICK_PART = 20;

const inWords: Readonly<Record<FloodName, string>> = {
  hosts: "distinct hosts",
  paths: "distinct paths",
  "half-open": "half-open connections",
  unfinished: "connections with unfinished headers",
  endless: "packets of endless header lines",
  holes: "connections with holes never filled",
  lookups: "name lookups of as many clients",
  neighbours: "ARP requests of as many machines",
};

export async function remember(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of floodNames) {
    const count = counts[name] / (bench.quick ? QUICK_PART : 1);
    const words = `${count.toLocaleString("en-US")} ${inWords[name]}`;
    bench.note(`memory: ${words}`);
    rows.push(...await flood(bench, name, count, words));
  }
  return rows;
}

async function flood(bench: Bench, name: FloodName, count: number, words: string): Promise<Row[]> {
  const pipe = `${bench.scratch}/${name}`;
  await mustRun(["mkfifo", pipe]);
  const script = decodeURIComponent(new URL("./floods.ts", import.meta.url).pathname);
  // The shell becomes the program, so that this is the process that is looked at.
  await using program = new Background([
    ...[
      "sh",
      "-c",
      "deno=$1 script=$2 name=$3 count=$4 pipe=$5; shift 5; " +
      '"$deno" run --no-prompt --no-check "$script" "$name" "$count" >"$pipe" & exec "$@" <"$pipe"',
    ],
    ...["sh", Deno.execPath(), script, name, `${count}`, pipe],
    ...[...bench.program, "-r", "-", "-o", "json"],
  ]);
  const begin = performance.now();
  const samples: Sample[] = [];
  let peakMiB = 0;
  while (!program.ended) {
    const resident = residentMiB(program.pid);
    if (resident !== undefined) {
      samples.push({ time: performance.now() - begin, size: resident.now });
      peakMiB = resident.peak;
    }
    await sleep(SAMPLE_MILLISECONDS);
  }
  const code = await program.end;
  if (code !== 0) throw new BenchError(`memory: exit code ${code}: ${program.stderr.trim()}`);
  const { totals, capture } = lastReport(program.stdout);
  return [
    {
      section: "memory",
      name: words,
      figures: {
        packets: capture.packets,
        wallSeconds: (samples.at(-1)?.time ?? NaN) / 1000,
        requests: totals.requests,
        hosts: totals.hosts,
        paths: totals.paths,
        evicted: capture.evicted,
        unparsed: capture.unparsed,
        unpaired: capture.unpaired,
        tcpGaps: capture.tcpGaps,
      },
    },
    {
      section: "memory",
      name: `${words}: peak`,
      result: peakMiB,
      unit: "MiB",
      target: { atMost: MOST_MIB },
    },
    {
      section: "memory",
      name: `${words}: end / second quarter`,
      result: growth(samples),
      unit: "x",
      // A quick flood is over before everything is warm.
      ...!bench.quick && { target: { atMost: MOST_GROWTH } },
    },
  ];
}
