/**
 * The ports: what the program asks of the world, so that everything between them is pure. `src/io` has the
 * real ones, `test/support` has fakes.
 *
 * @module
 */

import type { FrameHandler, RunHandler } from "../frame.ts";
import type { Exchange } from "../http/exchange.ts";

/** A run of captured frames, valid until the source is asked for the next one. */
export interface FrameBatch {
  /**
   * Hands each frame to `handler` in capture order. Where `runs` is given it takes the frames that lie in memory as
   * classic records do, many at a time.
   */
  deliver(handler: FrameHandler, runs?: RunHandler): void;
}

/** What is being captured or read, as shown in reports. */
export interface SourceInfo {
  readonly kind: "interface" | "file" | "pipe";
  /** Interface or file name; `-` for standard input. */
  readonly name: string;
  /** BPF expression in force, `""` for none. */
  readonly filter: string;
  /** LINKTYPE_ values of the frames, empty while not known. */
  readonly linkTypes: readonly number[];
}

/** Packets that never reached this program. */
export interface SourceDrops {
  readonly kernel: number;
  readonly interface: number;
}

/** Where frames come from: a live device, a savefile or a pipe. */
export interface FrameSource {
  /** May change while reading a pipe, whose link types become known with its first bytes. */
  readonly info: SourceInfo;
  /**
   * Resolves with the next run of frames, or `undefined` at the end of the input or after `stop`. On a
   * silent live source it may stay pending until then. Rejects with a `CaptureError` when reading fails;
   * what was read before has been delivered by then.
   */
  next(): Promise<FrameBatch | undefined>;
  /** Drops so far. Cheap; may lag while a read is under way. */
  drops(): SourceDrops;
  /** Makes a pending `next` end promptly. Safe to call at any time, more than once. */
  stop(): void;
  /** Waits for a pending read and releases everything. */
  close(): Promise<void>;
}

/** Which packets are wanted of a source. */
export interface FilterOptions {
  /** BPF expression, `""` for everything; `undefined` to build one from `ports`. */
  readonly filter?: string | undefined;
  /** Ports of the built filter; `undefined` and no `filter` for everything. */
  readonly ports?: readonly number[] | undefined;
  /** Whether the built filter lets through what shows how connections came about: DNS, ARP and the like. */
  readonly lifecycle?: boolean | undefined;
  /** Stop after so many packets. */
  readonly count?: number | undefined;
}

/** How a device is opened. */
export interface LiveOptions extends FilterOptions {
  /** Device name; libpcap's first usable one by default. */
  readonly interface?: string | undefined;
  readonly snaplen: number;
  /** Size of the kernel's buffer. */
  readonly bufferBytes: number;
  readonly promiscuous: boolean;
}

/** A device that can be captured on. */
export interface Device {
  readonly name: string;
  /** In words, `""` when there are none. */
  readonly description: string;
  /** IPv4 and IPv6 addresses. */
  readonly addresses: readonly string[];
  readonly loopback: boolean;
  readonly up: boolean;
  readonly running: boolean;
}

/** Opens frame sources. Each throws a `CaptureError` when it cannot. */
export interface Capture {
  live(options: LiveOptions): FrameSource;
  file(path: string, options: FilterOptions): FrameSource;
  /** A savefile that comes through standard input. */
  standardInput(options: FilterOptions): FrameSource;
  /** Name of the device that HTTP to this machine itself passes through. */
  readonly loopback: string;
  devices(): Device[];
  /** What captures, with its version. */
  library(): string;
}

/** Wall time. All times are microseconds. */
export interface Clock {
  /** Since the epoch. */
  now(): number;
  /** Calls `run` again and again after each `interval`, until the returned function is called. */
  every(interval: number, run: () => void): () => void;
}

/** Somewhere bytes go: standard output or a file. Writing throws an `OutputError` when it fails. */
export interface Output {
  /** Writes all of it. */
  write(data: string | Uint8Array): void;
  close(): void;
}

/** Size in character cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What can happen at the terminal besides its being drawn on. */
export type TerminalEvent =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "resize" }
  /** Back from a suspension: everything must be redrawn. */
  | { readonly kind: "resume" };

/** The user's terminal while the screen is shown. */
export interface Terminal {
  size(): TerminalSize;
  /** Writes text and escape sequences. Throws `Deno.errors.BrokenPipe` and the like when it is gone. */
  write(text: string): void;
  /** Enters the alternate screen, raw input and a hidden cursor; events go to `onEvent`. */
  open(onEvent: (event: TerminalEvent) => void): void;
  /** Gives the terminal back exactly as it was. Safe to call at any time, more than once; never throws. */
  close(): void;
}

/** Where exchanges go besides the report. */
export interface Sink {
  /** Takes one ended exchange. Buffers; does not block capture. */
  write(exchange: Exchange): void;
  /** Sends on what is buffered. Called after each batch of frames and at each interval. */
  flush(): void;
  /** Flushes and releases. */
  close(): void;
}

/** HTTP traffic made on this machine. */
export interface DemoTraffic {
  /** Port of the server, on loopback. */
  readonly port: number;
  /** Sends requests until `stop`. */
  start(): void;
  stop(): Promise<void>;
}

/** Everything outside that commands need. */
export interface World {
  readonly capture: Capture;
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly standardOutput: Output;
  /** True when standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Opens a file to write to; `mode` is what its permissions are made. */
  openOutput(path: string, mode?: number): Output;
  /** Makes a server and clients on loopback. Throws a `CaptureError` when it may not. */
  demoTraffic(): DemoTraffic;
  /** An environment variable. */
  environment(name: string): string | undefined;
  /** Takes one line for the user's eyes, such as an error. */
  note(line: string): void;
  /** Ends the run, cleanly. The reason is an error that nobody handled, or null. */
  readonly stop: AbortSignal;
}
