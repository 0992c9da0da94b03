/**
 * The real terminal: keys from standard input, the screen on standard output. Works without any permission,
 * but for stopping on Ctrl-Z, which needs the C library (`--allow-ffi`).
 *
 * @module
 */

import type { Terminal, TerminalEvent, TerminalSize } from "../app/ports.ts";
import { libc } from "./libc.ts";
import { outputError } from "./output.ts";
import { writeFully } from "./write_fully.ts";

/** Alternate screen, hidden cursor. */
const enterScreen = "\x1b[?1049h\x1b[?25l";
/** Also ends what a frame cut short may have left on: synchronised output, no wrapping, attributes. */
const leaveScreen = "\x1b[?2026l\x1b[?7h\x1b[0m\x1b[?25h\x1b[?1049l";

/** How often a terminal that takes nothing is tried: for two seconds. */
const patienceTries = 400;
/** How long after an ESC the rest of a sequence may arrive. */
const escapeDelayMs = 50;

/** The terminal on standard input and output. */
export class StandardTerminal implements Terminal {
  #onEvent: ((event: TerminalEvent) => void) | undefined;
  /** Whether the terminal is in our hands: opened, and not given back for a suspension. */
  #entered = false;
  #keys: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  #escapeTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners: readonly [Deno.Signal, () => void][] = [
    ["SIGWINCH", () => this.#onEvent?.({ kind: "resize" })],
    ["SIGTSTP", () => this.#suspend()],
    ["SIGCONT", () => this.#resume()],
  ];

  /** The terminal's size, 0 × 0 when it does not know. */
  size(): TerminalSize {
    try {
      return Deno.consoleSize();
    } catch {
      return { columns: 0, rows: 0 };
    }
  }

  /** Writes all of `text`, waiting for a terminal that is slow to take it; nothing while it is given back. */
  write(text: string): void {
    if (this.#entered) writeToTerminal(text);
  }

  /**
   * Enters the alternate screen and reads keys until `close`. Standard input that is no terminal gives no keys.
   * Once only: standard input is closed with it.
   */
  open(onEvent: (event: TerminalEvent) => void): void {
    this.#onEvent = onEvent;
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
    this.#enter();
    if (Deno.stdin.isTerminal()) {
      this.#keys = Deno.stdin.readable.getReader();
      this.#readKeys(this.#keys);
    }
  }

  close(): void {
    if (!this.#onEvent) return;
    this.#onEvent = undefined;
    this.#leave();
    clearTimeout(this.#escapeTimer);
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    // A read under way would keep the process from ending.
    this.#keys?.cancel().catch(() => {});
  }

  #enter(): void {
    this.#entered = true;
    setRaw(true);
    writeToTerminal(enterScreen);
  }

  /** Does not throw: the terminal may be gone. */
  #leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    try {
      writeToTerminal(leaveScreen);
    } catch {
      // Nobody is left to see it.
    }
    setRaw(false);
  }

  #suspend(): void {
    this.#leave();
    stopProcess();
    this.#resume();
  }

  /** Also after a stop that was not asked for here, when the terminal may have been changed meanwhile. */
  #resume(): void {
    try {
      this.#enter();
    } catch {
      // What draws next will say so.
    }
    this.#onEvent?.({ kind: "resume" });
  }

  async #readKeys(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>): Promise<void> {
    const decoder = new KeyDecoder();
    const emit = (keys: readonly string[]) => {
      for (const key of keys) this.#onEvent?.({ kind: "key", key });
    };
    try {
      while (true) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(this.#escapeTimer);
        emit(decoder.push(value));
        if (decoder.pending) this.#escapeTimer = setTimeout(() => emit(decoder.flush()), escapeDelayMs);
      }
    } catch {
      // The terminal hung up: no more keys. The process is told by a signal.
    }
  }
}

/** Raw input in which Ctrl-C and Ctrl-Z still make signals; or the terminal's own modes again. */
function setRaw(raw: boolean): void {
  try {
    if (raw) Deno.stdin.setRaw(true, { cbreak: true });
    else Deno.stdin.setRaw(false);
  } catch {
    // Standard input is no terminal, or it is gone.
  }
}

const encoder = new TextEncoder();

/** Writes to the terminal until it has taken all. Throws an `OutputError` when it is gone or takes nothing for long. */
function writeToTerminal(text: string): void {
  try {
    writeFully(Deno.stdout, encoder.encode(text), patienceTries);
  } catch (error) {
    throw outputError("the terminal", error);
  }
}

// deno-lint-ignore no-control-regex -- what terminals send
const controlSequence = /^\x1b(?:\[([0-9;?]*)[ -\/]*([@-~])|O(.))/s;
// deno-lint-ignore no-control-regex -- what terminals send
const sequencePart = /^\x1b(?:\[[0-9;?]*[ -\/]*|O)?$/;
/** No key's sequence is as long as this. */
const longestSequence = 32;

const finalNames: Record<string, string> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
};
const tildeNames: Record<string, string> = {
  1: "home",
  3: "delete",
  4: "end",
  5: "pageup",
  6: "pagedown",
  7: "home",
  8: "end",
};
const controlNames: Record<string, string> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\x7f": "backspace",
  "\b": "backspace",
};

/**
 * What a terminal sends, as the names of keys: characters as they are, `up`, `down`, `left`, `right`, `home`,
 * `end`, `pageup`, `pagedown`, `delete`, `enter`, `tab`, `backspace`, `escape`, `ctrl-a` to `ctrl-z`. Modifiers
 * of named keys are ignored, as are sequences that are none of these.
 */
export class KeyDecoder {
  readonly #text = new TextDecoder();
  #rest = "";

  /** Whether an escape sequence has begun and not ended; when nothing follows, `flush` says what it was. */
  get pending(): boolean {
    return this.#rest !== "";
  }

  /** Takes bytes and returns the keys they complete. */
  push(bytes: Uint8Array<ArrayBuffer>): string[] {
    let text = this.#rest + this.#text.decode(bytes, { stream: true });
    const keys: string[] = [];
    while (text !== "" && !sequencePart.test(text)) {
      const sequence = controlSequence.exec(text);
      const character = String.fromCodePoint(text.codePointAt(0)!);
      const key = sequence ? sequenceName(sequence) : characterName(character);
      if (key !== undefined) keys.push(key);
      text = text.slice(sequence ? sequence[0].length : character.length);
    }
    this.#rest = text.length < longestSequence ? text : "";
    return keys;
  }

  /** Takes what is pending as all there is: ESC alone is the key `escape`. */
  flush(): string[] {
    const keys = this.#rest === "\x1b" ? ["escape"] : [];
    this.#rest = "";
    return keys;
  }
}

function sequenceName([, parameters = "", final, single]: RegExpExecArray): string | undefined {
  if (final === "~") return tildeNames[parameters.split(";")[0]!];
  return finalNames[final ?? single ?? ""];
}

function characterName(character: string): string | undefined {
  const code = character.codePointAt(0)!;
  if (controlNames[character]) return controlNames[character];
  if (character === "\x1b") return "escape";
  if (code >= 1 && code <= 26) return `ctrl-${String.fromCharCode(code + 96)}`;
  return code < 0x20 ? undefined : character;
}

/** SIGTSTP, and more room than `struct sigaction` takes anywhere. All zero, it asks for the default action. */
const SIGTSTP = Deno.build.os === "darwin" ? 18 : 20;
const sigactionBytes = 256;

/**
 * Stops this process as Ctrl-Z would have, and returns when it is continued. It stops by the signal's default
 * action, which spares a process that no shell could continue, such as a command run by ssh.
 */
function stopProcess(): void {
  const c = libc();
  const previous = new Uint8Array(sigactionBytes);
  c.sigaction(SIGTSTP, new Uint8Array(sigactionBytes), previous);
  c.raise(SIGTSTP);
  c.sigaction(SIGTSTP, previous, null);
}
