/**
 * What one run of the benchmark is told; every section is given it.
 *
 * @module
 */

export interface Bench {
  /** Small inputs. */
  readonly quick: boolean;
  readonly runs: number;
  /** The command that starts the program measured. */
  readonly program: readonly string[];
  /** A compiled executable, for its first screen. */
  readonly compiled: string | undefined;
  /** Where the captures to read are, and where anything else may be left. */
  readonly inputs: string;
  readonly scratch: string;
  /** Tells of progress. */
  note(text: string): void;
  /** Whether a tool is installed; what is not is said at the end, once. */
  has(tool: string): boolean;
  /** Says at the end that something was left out, and why. */
  leftOut(what: string): void;
}

/** What the program says at the end of its standard output with `-o json`. */
export interface ProgramReport {
  readonly totals: Readonly<Record<"requests" | "hosts" | "paths", number>>;
  readonly capture: Readonly<
    Record<"packets" | "droppedByKernel" | "tcpGaps" | "unparsed" | "unpaired" | "evicted", number>
  >;
}

export function lastReport(stdout: string): ProgramReport {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}
