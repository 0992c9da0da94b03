/**
 * Feeds changed captures, frames and HTTP to the program for a while: `deno task fuzz [--seconds N] [--seed S]`, and
 * `--seed S --case N` for one case again. Real captures are those in test/fixtures and in $TRAFFICSNIFFER_CORPUS;
 * the same seed makes the same cases of the same captures.
 *
 * Nothing may throw, hang or stay behind, and every figure and exchange must make sense. A case that fails is written
 * to a savefile: in test/fixtures/fuzz it becomes a test. Ends with one line, and exits 1 after a failure.
 *
 * @module
 */

import { caseFile, makeCase, readInputs } from "../test/support/fuzz.ts";
import type { FuzzOrder, FuzzOutcome } from "./fuzz_worker.ts";

/** A case that takes longer hangs, in milliseconds. */
const PATIENCE = 30_000;
/** What a heap may gain from its second quarter to its last, in bytes: caches fill up. */
const MOST_GROWTH = 64 * 2 ** 20;

const fixtures = decodeURIComponent(new URL("../test/fixtures", import.meta.url).pathname);

function captures(directory: string): string[] {
  const names = [...Deno.readDirSync(directory)].filter(({ isFile, name }) =>
    isFile && /\.(pcap|pcapng|cap)$/.test(name)
  );
  return names.map(({ name }) => `${directory}/${name}`).sort();
}

/** The value of an option: a whole number. */
function option(name: string): number | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  if (at < 0) return undefined;
  const value = Number(Deno.args[at + 1]);
  if (Number.isInteger(value) && value >= 0) return value;
  console.error(`--${name} needs a whole number`);
  Deno.exit(2);
}

/** Runs the worker to its end, or until a case hangs. */
async function supervise(order: FuzzOrder): Promise<FuzzOutcome> {
  const worker = new Worker(new URL("./fuzz_worker.ts", import.meta.url), { type: "module" });
  const running = new Int32Array(order.progress);
  const { promise, resolve, reject } = Promise.withResolvers<FuzzOutcome>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => reject(new Error(event.message));
  let before = -1;
  const watchdog = setInterval(() => {
    const now = Atomics.load(running, 0);
    if (now === before) resolve({ cases: now - order.first + 1, failure: "hangs", heap: [] });
    before = now;
  }, PATIENCE);
  worker.postMessage(order);
  const outcome = await promise;
  clearInterval(watchdog);
  worker.terminate();
  return outcome;
}

/** Says what a heap has gained, when that is too much. */
function growth(heap: readonly number[]): string | undefined {
  const quarter = Math.floor(heap.length / 4);
  if (quarter < 2) return undefined;
  const median = (from: number) => heap.slice(from, from + quarter).sort((a, b) => a - b)[quarter >> 1]!;
  const gained = median(heap.length - quarter) - median(quarter);
  return gained > MOST_GROWTH ? `the heap has grown by ${gained >> 20} MiB` : undefined;
}

const seed = option("seed") ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
const only = option("case");
const seconds = option("seconds") ?? 60;
const corpus = Deno.env.get("TRAFFICSNIFFER_CORPUS");
const paths = [...captures(fixtures), ...corpus ? captures(`${corpus}/captures`) : []];
console.log(`seed ${seed}, ${paths.length} captures`);

const { cases, failure, heap } = await supervise({
  seed,
  first: only ?? 0,
  cases: only === undefined ? Infinity : 1,
  seconds,
  paths,
  progress: new SharedArrayBuffer(4),
});
if (failure !== undefined) {
  const number = (only ?? 0) + cases - 1;
  console.log(failure);
  const file = Deno.makeTempFileSync({ prefix: `fuzz-${seed}-${number}-`, suffix: ".pcapng" });
  Deno.writeFileSync(file, caseFile(makeCase(seed, number, readInputs(paths))));
  console.log(`fuzz: FAILED with --seed ${seed} --case ${number}, which is in ${file}`);
  Deno.exit(1);
}
const grown = growth(heap);
const used = heap.length === 0 ? "" : `, ${heap.at(-1)! >> 20} MiB of heap at the end`;
console.log(`fuzz: ${grown ? `FAILED: ${grown}` : "passed"}, ${cases} cases, seed ${seed}${used}`);
Deno.exit(grown ? 1 : 0);
