/**
 * Writing all of something to a descriptor that may take only part of it at once.
 *
 * @module
 */

/** How long a reader that takes nothing is waited for at a time. */
const RETRY_MILLISECONDS = 5;

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes all of `bytes`, waiting while the other side takes none.
 *
 * @param tries How often the other side may take nothing in a row.
 * @throws what the writer throws when that side is gone, and `Deno.errors.TimedOut` after `tries`.
 */
export function writeFully(
  writer: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
  tries = Infinity,
  wait: () => void = () => Atomics.wait(never, 0, 0, RETRY_MILLISECONDS),
): void {
  let left = tries;
  for (let rest = bytes; rest.length > 0;) {
    const written = writeSome(writer, rest);
    if (written > 0) {
      rest = rest.subarray(written);
      left = tries;
    } else if (--left <= 0) {
      throw new Deno.errors.TimedOut("it takes no output");
    } else {
      wait();
    }
  }
}

/** How many bytes were taken: 0 when none can be now. */
function writeSome(writer: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): number {
  try {
    return writer.writeSync(bytes);
  } catch (error) {
    if (error instanceof Deno.errors.WouldBlock) return 0;
    throw error;
  }
}
