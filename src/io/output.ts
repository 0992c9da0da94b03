/**
 * Standard output and files to write to.
 *
 * @module
 */

import type { Output } from "../app/ports.ts";
import { OutputError } from "../errors.ts";
import { writeFully } from "./write_fully.ts";

const encoder = new TextEncoder();

/** Standard output. Throws an {@link OutputError} once nobody reads it. */
export const standardOutput: Output = {
  write: (data) => writeTo("standard output", Deno.stdout, data),
  close() {},
};

/**
 * Opens a file to write to, emptied if it exists.
 *
 * @param mode Its permissions if it is made.
 * @throws {OutputError} when it cannot be opened.
 */
export function openOutput(path: string, mode = 0o666): Output {
  try {
    const file = Deno.openSync(path, { write: true, create: true, truncate: true, mode });
    return {
      write: (data) => writeTo(path, file, data),
      close: () => file.close(),
    };
  } catch (error) {
    throw outputError(path, error);
  }
}

function writeTo(name: string, writer: { writeSync(bytes: Uint8Array): number }, data: string | Uint8Array) {
  try {
    writeFully(writer, typeof data === "string" ? encoder.encode(data) : data);
  } catch (error) {
    throw outputError(name, error);
  }
}

/** What became of writing to `name`, as an error for the user. */
export function outputError(name: string, error: unknown): OutputError {
  if (error instanceof Deno.errors.NotCapable) {
    return new OutputError(name, "denied", `${name}: writing it needs Deno's --allow-write`);
  }
  const isBroken = error instanceof Deno.errors.BrokenPipe;
  const message = error instanceof Error ? error.message : String(error);
  return new OutputError(name, isBroken ? "nobody reads" : "failed", `${name}: ${message}`);
}
