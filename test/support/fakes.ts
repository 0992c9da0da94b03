/**
 * A world without a world: fakes of the ports, so that a whole run is driven by a test, in fake time.
 *
 * @module
 */

import type {
  Clock,
  FrameBatch,
  FrameSource,
  Output,
  SourceDrops,
  SourceInfo,
  Terminal,
  TerminalEvent,
  TerminalSize,
} from "../../src/app/ports.ts";
import { deliver, type Frame } from "./frames.ts";

const SECOND = 1_000_000;

/** Lets everything run that waits for nothing but promises. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #timers: { at: number; interval: number; run: () => void }[] = [];

  /** Microseconds since the epoch: 2026-01-02 03:04:05 UTC unless said. */
  constructor(private time = 1_767_323_045_000_000) {}

  now(): number {
    return this.time;
  }

  every(interval: number, run: () => void): () => void {
    const timer = { at: this.time + interval, interval, run };
    this.#timers.push(timer);
    return () => this.#timers = this.#timers.filter((other) => other !== timer);
  }

  /** How many timers have not been cancelled. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Lets `seconds` pass, each timer going off when its time has come. */
  async pass(seconds: number): Promise<void> {
    const end = this.time + seconds * SECOND;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.time = next.at;
      next.at += next.interval;
      next.run();
      await settle();
    }
    this.time = end;
  }
}

/** A source whose frames, end and failure are what the test says. */
export class FakeSource implements FrameSource {
  readonly info: SourceInfo;
  current: SourceDrops = { kernel: 0, interface: 0 };
  stopped = false;
  closed = 0;
  #queue: (readonly Frame[] | Error | undefined)[] = [];
  #wake: () => void = () => {};

  constructor(info: Partial<SourceInfo> = {}) {
    this.info = { kind: "interface", name: "eth0", filter: "tcp port 80", linkTypes: [1], ...info };
  }

  /** Frames come; returns when they have been taken. */
  async send(frames: readonly Frame[]): Promise<void> {
    this.#queue.push(frames);
    await this.#awake();
  }

  /** The input ends. */
  async end(): Promise<void> {
    this.#queue.push(undefined);
    await this.#awake();
  }

  /** Reading fails. */
  async fail(error: Error): Promise<void> {
    this.#queue.push(error);
    await this.#awake();
  }

  async next(): Promise<FrameBatch | undefined> {
    while (!this.stopped && this.#queue.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const next = this.stopped ? undefined : this.#queue.shift();
    if (next instanceof Error) throw next;
    return next && {
      deliver: (handler) => deliver(next, handler),
    };
  }

  drops(): SourceDrops {
    return this.current;
  }

  stop(): void {
    this.stopped = true;
    this.#wake();
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }

  async #awake(): Promise<void> {
    this.#wake();
    await settle();
  }
}

/** Keeps what is written, or fails. */
export class FakeOutput implements Output {
  failure: Error | undefined;
  closed = 0;
  #text = "";
  readonly #decoder = new TextDecoder("latin1");

  write(data: string | Uint8Array): void {
    if (this.failure) throw this.failure;
    this.#text += typeof data === "string" ? data : this.#decoder.decode(data);
  }

  close(): void {
    this.closed++;
  }

  /** What was written since the last call. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }
}

/** A terminal that keeps what is written to it, and whose user is the test. */
export class FakeTerminal implements Terminal {
  current: TerminalSize = { columns: 80, rows: 24 };
  failure: Error | undefined;
  isOpen = false;
  #onEvent: (event: TerminalEvent) => void = () => {};
  #written: string[] = [];

  size(): TerminalSize {
    return this.current;
  }

  write(text: string): void {
    if (this.failure) throw this.failure;
    if (!this.isOpen) throw new Error("written to while it is closed");
    this.#written.push(text);
  }

  open(onEvent: (event: TerminalEvent) => void): void {
    if (this.failure) throw this.failure;
    this.isOpen = true;
    this.#onEvent = onEvent;
  }

  close(): void {
    this.isOpen = false;
  }

  async send(event: TerminalEvent): Promise<void> {
    this.#onEvent(event);
    await settle();
  }

  async press(key: string): Promise<void> {
    await this.send({ kind: "key", key });
  }

  /** What was written since the last call, one text a write. */
  take(): string[] {
    return this.#written.splice(0);
  }
}
