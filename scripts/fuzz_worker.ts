/**
 * Runs fuzz cases one after the other, on a thread of its own so that one that hangs can be told.
 *
 * @module
 */

import { FuzzTarget, makeCase, readInputs } from "../test/support/fuzz.ts";

/** What the worker is told. */
export interface FuzzOrder {
  readonly seed: number;
  readonly first: number;
  /** Runs until so many cases are done or so many seconds are over, whichever comes first. */
  readonly cases: number;
  readonly seconds: number;
  readonly paths: readonly string[];
  /** One 32-bit number: the case being run. */
  readonly progress: SharedArrayBuffer;
}

/** What it tells at the end. */
export interface FuzzOutcome {
  readonly cases: number;
  /** What is wrong with the last case. */
  readonly failure: string | undefined;
  /** Bytes of heap in use, at even times. */
  readonly heap: readonly number[];
}

const HEAP_SAMPLES = 40;

function fuzz({ seed, first, cases, seconds, paths, progress }: FuzzOrder): FuzzOutcome {
  const running = new Int32Array(progress);
  const inputs = readInputs(paths);
  // One takes all cases, to show what stays behind; each case also has its own, so that it can be repeated.
  const lasting = new FuzzTarget();
  const heap: number[] = [];
  const { gc } = globalThis as { gc?: () => void };
  const start = performance.now();
  for (let number = first;; number++) {
    const elapsed = (performance.now() - start) / 1000;
    if (number - first >= cases || elapsed >= seconds) {
      return { cases: number - first, failure: undefined, heap };
    }
    if (elapsed >= seconds / HEAP_SAMPLES * heap.length) {
      gc?.();
      heap.push(Deno.memoryUsage().heapUsed);
    }
    Atomics.store(running, 0, number);
    let target = "by itself";
    try {
      const input = makeCase(seed, number, inputs);
      new FuzzTarget().run(input);
      target = "after the cases before it";
      lasting.run(input);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined;
      return { cases: number - first + 1, failure: `${target}: ${stack ?? error}`, heap };
    }
  }
}

const worker = self as unknown as {
  onmessage: (event: MessageEvent<FuzzOrder>) => void;
  postMessage(outcome: FuzzOutcome): void;
};
worker.onmessage = ({ data }) => worker.postMessage(fuzz(data));
