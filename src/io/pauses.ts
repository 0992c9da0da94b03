/**
 * Pauses of a loop that could keep timers waiting.
 *
 * @module
 */

/**
 * How long a loop may keep timers waiting, in milliseconds. Deno looks at them when nothing else is ready, which, while
 * reading is faster than decoding, is not before much has been done.
 */
const LONGEST_BUSY = 100;

/** Says when a pause is due. */
export class Pauses {
  #lastAt = performance.now();

  get isDue(): boolean {
    return performance.now() - this.#lastAt >= LONGEST_BUSY;
  }

  /** Lets timers go off. */
  async take(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#lastAt = performance.now();
  }
}
