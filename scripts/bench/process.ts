/**
 * Other programs: what they cost, and those that run beside the benchmark.
 *
 * @module
 */

/** Ends the benchmark with one line. */
export class BenchError extends Error {}

/** Aborted, it ends every command that runs, so that whoever waits for one fails and cleans up. */
export const interruption = new AbortController();
const { signal } = interruption;

/** What a command cost, and what it said if that was kept. */
export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  /** Peak resident set. */
  readonly peakMiB: number;
  readonly stdout: string;
  readonly stderr: string;
}

const decoder = new TextDecoder();

/** Whether there is such a command. */
export function isInstalled(command: string): boolean {
  return new Deno.Command("sh", { args: ["-c", 'command -v "$0"', command], stdout: "null", stderr: "null" })
    .outputSync().success;
}

/**
 * Runs a command to its end. Its output is thrown away unless `keepOutput`: reading it would cost this process time
 * that the command needs. Throws a `BenchError` when the command fails.
 */
export async function measure(command: readonly string[], keepOutput = false): Promise<Cost> {
  const begin = performance.now();
  const output = await new Deno.Command("time", {
    args: ["-f", "%U %S %M", ...command],
    env: { DENO_NO_UPDATE_CHECK: "1" },
    signal,
    stdin: "null",
    stdout: keepOutput ? "piped" : "null",
    stderr: "piped",
  }).output();
  const wallSeconds = (performance.now() - begin) / 1000;
  const said = decoder.decode(output.stderr).trimEnd();
  if (!output.success) {
    throw new BenchError(`${command.join(" ")} failed: ${said.split("\n").slice(0, -2).at(-1) ?? said}`);
  }
  const [user = NaN, system = NaN, kibibytes = NaN] = said.slice(said.lastIndexOf("\n") + 1).split(" ").map(
    Number,
  );
  return {
    wallSeconds,
    cpuSeconds: user + system,
    peakMiB: kibibytes / 1024,
    stdout: keepOutput ? decoder.decode(output.stdout) : "",
    stderr: said,
  };
}

/** Named commands, measured in turn in each round, so that what else the machine does hits all of them. */
export async function measureInTurn<Name extends string>(
  commands: Readonly<Record<Name, readonly string[]>>,
  rounds: number,
): Promise<Record<Name, Cost[]>> {
  const costs = Object.fromEntries(Object.keys(commands).map((name) => [name, []])) as unknown as Record<
    Name,
    Cost[]
  >;
  for (let round = 0; round < rounds; round++) {
    for (const name in commands) costs[name].push(await measure(commands[name]));
  }
  return costs;
}

/** Runs a command that must succeed and returns its standard output. Throws a `BenchError` otherwise. */
export async function mustRun(command: readonly string[]): Promise<string> {
  const [file = "", ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(file, { args, signal, stdin: "null" }).output();
  if (!success) throw new BenchError(`${command.join(" ")} failed: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}

/** A command that was started. Killed when disposed of. */
export class Background implements AsyncDisposable {
  stdout = "";
  stderr = "";
  /** Resolves with the exit code when all output has been read. */
  readonly end: Promise<number>;
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  #ended = false;

  constructor(command: readonly string[]) {
    const [file = "", ...args] = command;
    this.#child = new Deno.Command(file, {
      args,
      env: { DENO_NO_UPDATE_CHECK: "1" },
      signal,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.end = this.#watch();
  }

  async #watch(): Promise<number> {
    await Promise.all([
      collect(this.#child.stdout, (text) => this.stdout += text),
      collect(this.#child.stderr, (text) => this.stderr += text),
    ]);
    const { code } = await this.#child.status;
    this.#ended = true;
    return code;
  }

  get ended(): boolean {
    return this.#ended;
  }

  kill(signal: Deno.Signal): void {
    if (!this.#ended) this.#child.kill(signal);
  }

  /** Waits until it has said something on standard error. Throws a `BenchError` when it ends, or is silent so long. */
  async said(pattern: RegExp, seconds = 20): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (!pattern.test(this.stderr)) {
      if (this.#ended || performance.now() > end) {
        throw new BenchError(`${pattern} was awaited: ${this.stderr.trim()}`);
      }
      await sleep(10);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.end;
  }
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}

/** Waits so many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** CPU time of a running process's threads so far, in seconds. Threads that have ended are not in it. */
export function cpuSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]);
  }
  return nanoseconds / 1e9;
}

/** A running process's resident set now and at its peak, in MiB; `undefined` once it has ended. */
export function residentMiB(pid: number): { now: number; peak: number } | undefined {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const field = (name: string) =>
      Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
    const now = field("VmRSS"), peak = field("VmHWM");
    // Between its end and its parent's taking note, a process has a status but no memory.
    return Number.isNaN(now) ? undefined : { now, peak };
  } catch {
    return undefined;
  }
}
