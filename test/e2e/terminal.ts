/**
 * A real terminal with a shell in it, by tmux: what a user types goes in, what a user sees comes out.
 *
 * @module
 */

import { poll, run, tempDir } from "./support.ts";

/** What a new terminal is like. */
export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** The shell's locale; UTF-8 unless said. */
  readonly locale?: string;
  /** More of the shell's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The prompt shows the last command's exit code. */
const prompt = "[$?] $ ";
const shownPrompt = /^\[(\d+)\] \$$/;

/** A terminal of its own tmux server, with a POSIX shell whose working directory is temporary. */
export class RealTerminal implements AsyncDisposable {
  /** The shell's working directory. */
  readonly directory: string;
  readonly #socket: string;
  readonly #device: string;
  readonly #removeDirectory: () => PromiseLike<void>;

  private constructor(
    socket: string,
    device: string,
    directory: AsyncDisposable & { readonly path: string },
  ) {
    this.#socket = socket;
    this.#device = device;
    this.directory = directory.path;
    this.#removeDirectory = () => directory[Symbol.asyncDispose]();
  }

  /** Opens a terminal and waits for the shell's prompt. */
  static async open(options: TerminalOptions = {}): Promise<RealTerminal> {
    const { columns = 80, rows = 24, locale = "C.UTF-8", environment = {} } = options;
    const directory = await tempDir();
    const socket = `${directory.path}/tmux`;
    const variables = { LANG: locale, PS1: prompt, DENO_NO_UPDATE_CHECK: "1", ...environment };
    const shell = [
      ...["env", "-u", "LC_ALL", "-u", "LC_CTYPE", "-u", "NO_COLOR", "-u", "ENV"],
      ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      "sh",
    ];
    const size = ["-x", `${columns}`, "-y", `${rows}`];
    const { stdout, stderr } = await run("tmux", [
      ...["-S", socket, "-f", "/dev/null", "-u"],
      ...["new-session", "-d", ...size, "-c", directory.path, "-P", "-F", "#{pane_tty}", ...shell],
    ]);
    if (stdout === "") throw new Error(`tmux did not start: ${stderr}`);
    const terminal = new RealTerminal(socket, stdout.trim(), directory);
    // Without it the last row would be tmux's.
    await terminal.#tmux("set-option", "-g", "status", "off");
    await terminal.#tmux("set-option", "-g", "history-limit", "10000");
    await terminal.resize(columns, rows);
    await terminal.exitCode();
    return terminal;
  }

  /** Types text, as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  /** Presses keys, by tmux's names: `Enter`, `Up`, `C-c`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Types a command and Enter. */
  async command(text: string): Promise<void> {
    await this.type(text);
    await this.press("Enter");
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** The lines in sight. */
  async lines(): Promise<string[]> {
    return (await this.#tmux("capture-pane", "-p")).split("\n").slice(0, -1);
  }

  /** What is in sight, with its colours as escape sequences. */
  async colored(): Promise<string> {
    return await this.#tmux("capture-pane", "-p", "-e");
  }

  /** All that the main screen holds, with what has been scrolled out of sight. */
  async history(): Promise<string> {
    return await this.#tmux("capture-pane", "-p", "-S", "-");
  }

  /** Empties the main screen and what has been scrolled out of it, and leaves a prompt. */
  async clear(): Promise<void> {
    await this.command("printf '\\033[H\\033[2J'");
    await poll("a clear screen", async () => shownPrompt.test((await this.lines())[0]!));
    await this.#tmux("clear-history");
  }

  /** Waits until the lines in sight match and returns them as one text. */
  async see(wanted: RegExp, timeout = 10_000): Promise<string> {
    let seen = "";
    try {
      return await poll(`${wanted} on the screen`, async () => {
        seen = (await this.lines()).join("\n");
        return wanted.test(seen) ? seen : undefined;
      }, timeout);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; there is:\n${seen}`);
    }
  }

  /** Waits for the prompt and returns the exit code of what ended. */
  async exitCode(timeout = 10_000): Promise<number> {
    let lines: string[] = [];
    try {
      const code = await poll("the prompt", async () => {
        lines = await this.lines();
        return shownPrompt.exec(lines.findLast((line) => line !== "") ?? "")?.[1];
      }, timeout);
      return Number(code);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; there is:\n${lines.join("\n")}`);
    }
  }

  /** The terminal's modes, as `stty -g` tells them; whether it shows the cursor and its alternate screen. */
  async state(): Promise<{ modes: string; cursor: boolean; alternate: boolean }> {
    const modes = await run("stty", ["-g", "-F", this.#device]);
    const flags = await this.#tmux("display-message", "-p", "#{cursor_flag} #{alternate_on}");
    const [cursor, alternate] = flags.trim().split(" ").map((flag) => flag === "1");
    return { modes: modes.stdout.trim(), cursor: cursor!, alternate: alternate! };
  }

  /** From now on, all that programs write to the terminal goes to `file`, too. */
  async record(file: string): Promise<void> {
    await this.#tmux("pipe-pane", `exec cat >'${file}'`);
    await poll("the recording", () => Deno.stat(file).catch(() => undefined));
  }

  /** Closes the terminal's window, as a user would. */
  async hangUp(): Promise<void> {
    await this.#tmux("kill-pane");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("tmux", ["-S", this.#socket, "kill-server"]);
    await this.#removeDirectory();
  }

  async #tmux(command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run("tmux", ["-S", this.#socket, command, ...args]);
    if (code !== 0) throw new Error(`tmux ${command} ${args.join(" ")}: ${stderr.trim()}`);
    return stdout;
  }
}
