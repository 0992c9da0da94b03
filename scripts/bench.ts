/**
 * The benchmark: `deno task bench [options]`. Makes its own inputs from real traffic, measures this program beside
 * libpcap's floor and other tools, and prints one table.
 *
 * It runs on Linux as root, with tcpdump, nginx, wrk, ip and time; httpry, tshark, ngrep, tcpreplay and script are used
 * where they are installed.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { grow } from "./bench/growth.ts";
import { type InputName, prepareInputs } from "./bench/inputs.ts";
import { live } from "./bench/live.ts";
import { remember } from "./bench/memory.ts";
import type { Bench } from "./bench/options.ts";
import { BenchError, interruption, isInstalled } from "./bench/process.ts";
import { read } from "./bench/read.ts";
import { begin } from "./bench/start.ts";
import { formatTable, type Row, tableAsJson, verdict } from "./bench/table.ts";

/**
 * Wall time of this program as a ratio of tcpdump's, on the inputs of a quick run. A quick run fails where it is more
 * than twice this.
 */
const QUICK_RATIOS: Readonly<Record<InputName, number>> = { small: 5.2, large: 4.5, short: 9.5 };

const USAGE = `usage: deno task bench [options]
  --quick            small inputs; exit status 1 when reading has become much slower beside tcpdump
  --json             print the table as JSON
  --only NAME,...    these sections: read, live, memory, growth, start
  --inputs DIR       keep the inputs in DIR, and use those that are there (also: --keep DIR)
  --runs N           rounds of each measurement (default: 5, quick 3)
  --program "CMD"    the program to measure (default: from source)
  --compiled FILE    an executable whose first screen is timed`;

const NEEDED: readonly (readonly [command: string, debianPackage: string])[] = [
  ["tcpdump", "tcpdump"],
  ["nginx", "nginx-light"],
  ["wrk", "wrk"],
  ["ip", "iproute2"],
  ["time", "time"],
];

const sections = {
  read: async (bench) => await read(bench, await inputs(bench), QUICK_RATIOS),
  live: async (bench) => {
    const small = (await inputs(bench)).find(({ name }) => name === "small");
    return small ? await live(bench, small) : [];
  },
  memory: remember,
  growth: grow,
  start: begin,
} satisfies Record<string, (bench: Bench) => Promise<Row[]>>;
type Section = keyof typeof sections;

function inputs({ inputs, quick, note }: Bench) {
  return prepareInputs(inputs, quick, note);
}

async function main(): Promise<number> {
  const args = parseArgs(Deno.args, {
    boolean: ["quick", "json", "help"],
    string: ["only", "inputs", "runs", "program", "compiled"],
    alias: { inputs: "keep" },
    unknown: (argument) => {
      throw new BenchError(`unknown argument ${argument}\n${USAGE}`);
    },
  });
  if (args["help"] === true) {
    console.log(USAGE);
    return 0;
  }
  const text = (name: string) => args[name] === undefined ? undefined : String(args[name]);
  const wanted = (text("only")?.split(",") ?? Object.keys(sections)) as Section[];
  const quick = args["quick"] === true;
  const runs = Number(text("runs") ?? (quick ? 3 : 5));
  const unknown = wanted.find((name) => !(name in sections));
  if (unknown !== undefined) {
    throw new BenchError(`unknown section ${unknown}: there are ${Object.keys(sections).join(", ")}`);
  }
  if (!Number.isInteger(runs) || runs < 1) throw new BenchError("--runs needs a whole number, such as 5");
  checkNeeds();

  const scratch = await Deno.makeTempDir({ prefix: "trafficsniffer-bench-" });
  const inputs = text("inputs") ?? scratch;
  await Deno.mkdir(inputs, { recursive: true });
  const left = new Set<string>();
  const bench: Bench = {
    quick,
    runs,
    program: text("program")?.split(/\s+/).filter(Boolean) ?? fromSource(),
    compiled: text("compiled"),
    inputs: await Deno.realPath(inputs),
    scratch,
    note: (text) => console.error(text),
    has: (tool) => {
      const installed = isInstalled(tool);
      if (!installed) left.add(`${tool}: not installed`);
      return installed;
    },
    leftOut: (what) => left.add(what),
  };
  try {
    const rows: Row[] = [];
    for (const name of wanted) rows.push(...await sections[name](bench));
    if (args["json"] === true) {
      console.log(
        JSON.stringify({ quick: bench.quick, rows: tableAsJson(rows), leftOut: [...left] }, null, 1),
      );
    } else {
      console.log(formatTable(rows) + [...left].map((what) => `left out: ${what}\n`).join(""));
    }
    return rows.some((row) => row.gate === true && verdict(row) === "misses") ? 1 : 0;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Throws a `BenchError` that says what to install. */
function checkNeeds(): void {
  // Servers are in the sbin directories, which a user's PATH may lack.
  Deno.env.set("PATH", `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`);
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    throw new BenchError("The benchmark needs Linux and root.");
  }
  const missing = NEEDED.filter(([command]) => !isInstalled(command));
  if (missing.length === 0) return;
  throw new BenchError(
    `Not installed: ${missing.map(([command]) => command).join(", ")}. ` +
      `On Debian: apt-get install ${missing.map(([, name]) => name).join(" ")}`,
  );
}

function fromSource(): string[] {
  const main = decodeURIComponent(new URL("../main.ts", import.meta.url).pathname);
  return [Deno.execPath(), "run", "--no-prompt", "--allow-ffi", main];
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => interruption.abort());
}
try {
  Deno.exit(await main());
} catch (error) {
  if (interruption.signal.aborted) Deno.exit(130);
  if (!(error instanceof BenchError)) throw error;
  console.error(error.message);
  Deno.exit(2);
}
