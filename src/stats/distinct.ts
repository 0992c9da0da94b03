/**
 * How many different keys were seen, in bounded memory.
 *
 * @module
 */

import { finishHash } from "../bytes.ts";

const INDEX_BITS = 14;
const REGISTERS = 1 << INDEX_BITS;
/** Standard error of an estimate, relative to the true number. */
export const STANDARD_ERROR = 0.0081;
/** Highest rank: the position of the first 1 bit among 32, or one more when there is none. */
const MAX_RANK = 33;

/**
 * HyperLogLog: estimates the number of different keys added, with a standard error of 0.81 %, in 16 KiB.
 * The estimator is Ertl's, which needs no correction for small or large numbers (O. Ertl, "New cardinality
 * estimation algorithms for HyperLogLog sketches", 2017).
 */
export class HyperLogLog {
  readonly #registers = new Uint8Array(REGISTERS);

  /** Adds a key by two independent hashes of it, of 32 bits each. Hashes at equal distances do no harm. */
  add(first: number, second: number): void {
    const rankBits = finishHash(second);
    const index = finishHash(first ^ rankBits) & (REGISTERS - 1);
    const rank = Math.clz32(rankBits) + 1;
    if (rank > this.#registers[index]!) this.#registers[index] = rank;
  }

  /** The estimate, rounded to a whole number. */
  get count(): number {
    const registersByRank = new Array<number>(MAX_RANK + 1).fill(0);
    for (const rank of this.#registers) registersByRank[rank] = (registersByRank[rank] ?? 0) + 1;
    const part = (rank: number) => (registersByRank[rank] ?? 0) / REGISTERS;
    let sum = tau(1 - part(MAX_RANK));
    for (let rank = MAX_RANK - 1; rank >= 1; rank--) sum = 0.5 * (sum + part(rank));
    sum += sigma(part(0));
    return Math.round(REGISTERS / (2 * Math.LN2 * sum));
  }
}

/** Ertl's σ: what registers that are still 0 tell; `Infinity` when all are. */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let sum = x;
  let weight = 1;
  for (let power = x * x; power > 0; power *= power) {
    const next = sum + power * weight;
    if (next === sum) break;
    sum = next;
    weight *= 2;
  }
  return sum;
}

/** Ertl's τ: what registers that are full tell. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  let weight = 1;
  for (let root = Math.sqrt(x); root < 1; root = Math.sqrt(root)) {
    weight /= 2;
    const next = sum - (1 - root) ** 2 * weight;
    if (next === sum) break;
    sum = next;
  }
  return sum / 3;
}
