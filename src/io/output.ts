/**
 * Standard output, standard error and files to write to.
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

/** Prints one line on standard error; there is nobody to tell when that fails. */
export function note(line: string): void {
  try {
    Deno.stderr.writeSync(encoder.encode(`trafficsniffer: ${line}\n`));
  } catch {
    // Nobody reads it.
  }
}

/**
 * Opens a file to write to, emptied if it exists.
 *
 * @param mode Its permissions, also if it existed; by default what the user's umask leaves.
 * @throws {OutputError} when it cannot be opened.
 */
export function openOutput(path: string, mode?: number): Output {
  try {
    const file = Deno.openSync(path, { write: true, create: true, truncate: true, mode: mode ?? 0o666 });
    if (mode !== undefined && isRegular(file)) Deno.chmodSync(path, mode);
    return {
      write: (data) => writeTo(path, file, data),
      close: () => file.close(),
    };
  } catch (error) {
    throw outputError(path, error);
  }
}

/** Tells a file from a device such as `/dev/null`, without the permission to read: only files can be cut. */
function isRegular(file: Deno.FsFile): boolean {
  try {
    file.truncateSync(0);
    return true;
  } catch {
    return false;
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
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Deno.errors.NotCapable) {
    // Devices other than /dev/null need another flag than files do.
    const flag = /--allow-[a-z]+/.exec(message)?.[0] ?? "--allow-write";
    return new OutputError(name, "denied", `${name}: writing it needs Deno's ${flag}`);
  }
  const isBroken = error instanceof Deno.errors.BrokenPipe;
  const words = message.replace(/ \(os error [^]*/, "");
  return new OutputError(name, isBroken ? "nobody reads" : "failed", `${name}: ${words}`);
}
