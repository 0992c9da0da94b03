/**
 * A program in a pseudo-terminal, by script(1): what is typed and what is shown go through pipes, without another
 * program to start, so that answers can be timed.
 *
 * @module
 */

import { BenchError, interruption } from "./process.ts";

const ROWS = 40, COLUMNS = 120;
const PATIENCE = 20_000;

/** What a program writes that erases the whole screen, and that gives the screen back at its end. */
export const REDRAWS = "\x1b[2J", LEAVES = "\x1b[?1049l";

export class Terminal implements AsyncDisposable {
  /** When its command was started, as `performance.now()` has it. */
  readonly startedAt = performance.now();
  /** All that it has shown since the last key. */
  seen = "";
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #ended = false;
  #awaited: { text: string; resolve: (time: number) => void; reject: (error: Error) => void } | undefined;

  constructor(command: readonly string[]) {
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    this.#child = new Deno.Command("script", {
      args: ["-q", "-f", "-c", `stty rows ${ROWS} cols ${COLUMNS}; exec ${quoted}`, "/dev/null"],
      env: { TERM: "xterm-256color", LANG: "C.UTF-8", DENO_NO_UPDATE_CHECK: "1", SHELL: "/bin/sh" },
      signal: interruption.signal,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#child.status.then(() => this.#ended = true);
    this.#reading = this.#read();
  }

  /** Goes on after its command was stopped, with which script(1) stops as well. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** What was shown since the last key, without colours and positions. */
  get text(): string {
    const [first = "", ...rest] = this.seen.split("\x1b[");
    return first + rest.map((part) => part.replace(/^[\d;?]*[A-Za-z]/, "")).join("");
  }

  /** Waits until what was shown since the last key has a text; how long after `since` that was, in milliseconds. */
  async see(text: string, since = this.startedAt): Promise<number> {
    if (this.seen.includes(text)) return performance.now() - since;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#awaited = { text, resolve, reject };
    const timer = setTimeout(() => this.#giveUp(`nothing within ${PATIENCE / 1000} s`), PATIENCE);
    try {
      return await promise - since;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Types a key; how long it took until what was shown then had the text, in milliseconds. */
  async press(key: string, text: string): Promise<number> {
    this.seen = "";
    const begin = performance.now();
    await this.#keys.write(new TextEncoder().encode(key));
    return await this.see(text, begin);
  }

  async #read(): Promise<void> {
    for await (const shown of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.seen += shown;
      if (this.#awaited === undefined || !this.seen.includes(this.#awaited.text)) continue;
      this.#awaited.resolve(performance.now());
      this.#awaited = undefined;
    }
    this.#giveUp("its end");
  }

  #giveUp(instead: string): void {
    this.#awaited?.reject(
      new BenchError(
        `${
          JSON.stringify(this.#awaited.text)
        } was awaited on the screen, and there was ${instead}: ${this.seen}`,
      ),
    );
    this.#awaited = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The terminal hangs up with it.
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
    await this.#keys.close().catch(() => {});
  }
}
