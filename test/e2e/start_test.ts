/** How long it takes to start, compared with Deno itself. */

import { assertEquals, assertLess } from "@std/assert";
import { programArguments } from "./net.ts";
import { e2e, run } from "./support.ts";

const deno = Deno.execPath();

/** Starts of each, of which the middle one counts. */
const STARTS = 9;

/** Gross, so that a busy machine does not fail it: on a quiet one it is 1 to 1.1. */
const MOST_TIMES_AS_LONG = 2.5;

/** How long a command takes, in milliseconds. It must succeed. */
async function timed(args: readonly string[]): Promise<number> {
  const begin = performance.now();
  const { code, stderr } = await run(deno, args, { env: { DENO_NO_UPDATE_CHECK: "1" } });
  assertEquals(code, 0, stderr);
  return performance.now() - begin;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

for (const option of ["--version", "--help"]) {
  e2e(
    `${option} takes at most ${MOST_TIMES_AS_LONG} times as long as Deno that evaluates nothing`,
    {},
    async () => {
      const program = programArguments([option]);
      // The first start fills Deno's cache.
      await timed(program);
      const [ours, least]: [number[], number[]] = [[], []];
      // Turn by turn, so that what else the machine does slows both.
      for (let start = 0; start < STARTS; start++) {
        least.push(await timed(["eval", "0"]));
        ours.push(await timed(program));
      }
      assertLess(median(ours) / median(least), MOST_TIMES_AS_LONG);
    },
  );
}
