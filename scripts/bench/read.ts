/**
 * Reading captures: this program beside libpcap's floor and the tools that do its work.
 *
 * @module
 */

import type { Input } from "./inputs.ts";
import { type Bench, lastReport } from "./options.ts";
import { BenchError, type Cost, measure, measureInTurn, mustRun } from "./process.ts";
import { median, pairedRatio } from "./statistics.ts";
import type { Row } from "./table.ts";

const MOST_WALL = 1.5, MOST_CPU = 3, LEAST_HTTPRY = 8, LEAST_HTTPRY_NDJSON = 3, LEAST_TSHARK = 150;
const MOST_MIB = 256;

/**
 * tshark is slow: it reads so many packets, fewer where it writes all that there is to know (not at all in quick runs),
 * and not more often than this.
 */
const TSHARK_PACKETS = { fields: 100_000, ek: 20_000 } as const, QUICK_TSHARK_PACKETS = 20_000;
const TSHARK_FIELDS = ["ip.src", "http.host", "http.request.uri", "http.response.code", "http.time"];
const TSHARK_RUNS = 3;

type Commands = Record<string, readonly string[]>;

/** Reads each input with each tool. `quickRatios` are what quick runs are held to: twice that is too much. */
export async function read(
  bench: Bench,
  inputs: readonly Input[],
  quickRatios: Readonly<Record<string, number>>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const input of inputs) {
    const mostWall = bench.quick ? 2 * quickRatios[input.name]! : MOST_WALL;
    rows.push(...await readWhole(bench, input, mostWall), ...await readPart(bench, input, "fields"));
    if (!bench.quick) rows.push(...await readPart(bench, input, "ek"));
  }
  return rows;
}

async function readWhole(bench: Bench, input: Input, mostWall: number): Promise<Row[]> {
  const { name, file, packets } = input;
  bench.note(`reading the input ${name}`);
  const commands: Commands = {
    json: [...bench.program, "-r", file, "-o", "json"],
    tcpdump: ["tcpdump", "-Z", "root", "-r", file, "-w", "/dev/null"],
    ndjson: [...bench.program, "-r", file, "-o", "ndjson"],
    ...bench.has("httpry") && { httpry: ["httpry", "-r", file, "-o", "/dev/null"] },
    ...!bench.quick && bench.has("ngrep") &&
      { ngrep: ["ngrep", "-q", "-W", "none", "-I", file, "^(GET|POST|HEAD|PUT|HTTP)"] },
  };
  const requests = await warmUp(commands);
  const costs = await measureInTurn(commands, bench.runs);
  const ratio = (above: string, below: string, field: "wallSeconds" | "cpuSeconds") =>
    pairedRatio(costs[above]!.map((cost) => cost[field]), costs[below]!.map((cost) => cost[field]));
  const result = (what: string, value: number, target: Pick<Row, "target" | "unit" | "gate">): Row => ({
    section: "read",
    name: `${name}: ${what}`,
    result: value,
    ...target,
  });

  return [
    {
      section: "read",
      name: `${name}: the capture`,
      figures: { packets, requests: input.requests, sizeMiB: input.bytes / 2 ** 20 },
    },
    ...Object.entries(costs).map(([tool, all]) => costRow(`${name}: ${tool}`, all, packets, requests[tool])),
    result("json / tcpdump, wall", ratio("json", "tcpdump", "wallSeconds"), {
      unit: "x",
      target: { atMost: mostWall },
      gate: bench.quick,
    }),
    result("json / tcpdump, CPU", ratio("json", "tcpdump", "cpuSeconds"), {
      unit: "x",
      target: { atMost: MOST_CPU },
    }),
    ...costs["httpry"] === undefined ? [] : [
      // Where this is near 1, no program on libpcap can be much faster than httpry.
      result("httpry / tcpdump, wall", ratio("httpry", "tcpdump", "wallSeconds"), { unit: "x" }),
      result("httpry / json, wall", ratio("httpry", "json", "wallSeconds"), {
        unit: "x",
        target: { atLeast: LEAST_HTTPRY },
      }),
      result("httpry / ndjson, wall", ratio("httpry", "ndjson", "wallSeconds"), {
        unit: "x",
        target: { atLeast: LEAST_HTTPRY_NDJSON },
      }),
    ],
    result("json, peak memory", Math.max(...costs["json"]!.map(({ peakMiB }) => peakMiB)), {
      unit: "MiB",
      target: { atMost: MOST_MIB },
    }),
    result("requests of nginx that json misses", Math.abs(input.requests - requests["json"]!), {
      unit: "requests",
      target: { atMost: 0 },
    }),
  ];
}

/**
 * tshark, on the first packets alone: a line a message with what it is about, or all of it as JSON (`ek`). Beside it
 * this program on the same packets, where starting is most of it, and what a packet of the whole costs it.
 */
async function readPart(bench: Bench, input: Input, format: keyof typeof TSHARK_PACKETS): Promise<Row[]> {
  if (!bench.has("tshark")) return [];
  const packets = Math.min(bench.quick ? QUICK_TSHARK_PACKETS : TSHARK_PACKETS[format], input.packets);
  const file = `${bench.scratch}/part.pcap`;
  const name = `${input.name} part`, tool = `tshark ${format}`;
  bench.note(`reading the first ${packets.toLocaleString("en-US")} packets of the input ${input.name}`);
  await mustRun(["tcpdump", "-Z", "root", "-r", input.file, "-c", `${packets}`, "-w", file]);
  const commands = {
    json: [...bench.program, "-r", file, "-o", "json"],
    [tool]: [
      ...["tshark", "-n", "-r", file, "-Y", "http", "-T", format],
      ...format === "fields" ? TSHARK_FIELDS.flatMap((field) => ["-e", field]) : [],
    ],
    "json of the whole": [...bench.program, "-r", input.file, "-o", "json"],
  };
  const requests = await warmUp(commands);
  const costs = await measureInTurn<string>(commands, Math.min(bench.runs, bench.quick ? 1 : TSHARK_RUNS));
  const aPacket = (tool: string, packets: number) =>
    costs[tool]!.map(({ wallSeconds }) => wallSeconds / packets);
  const words = `${name}, ${packets.toLocaleString("en-US")} packets`;
  return [
    costRow(`${words}: json`, costs["json"]!, packets, requests["json"]),
    costRow(`${words}: ${tool}`, costs[tool]!, packets, requests[tool]),
    {
      section: "read",
      name: `${name}: ${tool} / json, wall`,
      result: pairedRatio(aPacket(tool, packets), aPacket("json", packets)),
      unit: "x",
    },
    {
      section: "read",
      name: `${name}: ${tool} / json of the whole, a packet`,
      result: pairedRatio(aPacket(tool, packets), aPacket("json of the whole", input.packets)),
      unit: "x",
      target: { atLeast: LEAST_TSHARK },
    },
  ];
}

/** Runs each command once, so that files and programs are in memory; the requests that each says it saw. */
async function warmUp(commands: Commands): Promise<Record<string, number>> {
  const requests: Record<string, number> = {};
  for (const [tool, command] of Object.entries(commands)) {
    const cost = await measure(command, tool.startsWith("json") || tool === "tshark fields");
    if (tool.startsWith("json")) requests[tool] = lastReport(cost.stdout).totals.requests;
    if (tool === "tshark fields") {
      // Only requests have a host, the second field.
      requests[tool] = cost.stdout.split("\n").filter((line) => line.split("\t")[1]).length;
    }
  }
  return requests;
}

function costRow(name: string, costs: readonly Cost[], packets: number, requests: number | undefined): Row {
  const middle = (field: "wallSeconds" | "cpuSeconds" | "peakMiB") =>
    median(costs.map((cost) => cost[field]));
  if (costs.length === 0) throw new BenchError("--runs must be at least 1");
  return {
    section: "read",
    name,
    figures: {
      wallSeconds: middle("wallSeconds"),
      cpuSeconds: middle("cpuSeconds"),
      packetsPerSecond: packets / middle("wallSeconds"),
      peakMiB: middle("peakMiB"),
      ...requests !== undefined && { requests },
    },
  };
}
