/**
 * The sniffer to embed: starts and stops capture in the background of another program and hands over exchanges.
 *
 * ```ts
 * import { Sniffer } from "trafficsniffer/sniffer";
 *
 * await using sniffer = new Sniffer({ interface: "lo", ports: [8080] });
 * for await (const exchange of sniffer) console.log(exchange.host, exchange.path, exchange.status);
 * ```
 *
 * @module
 */

import type { Exchange } from "../http/exchange.ts";
import { systemClock } from "../io/clock.ts";
import { openFile, openLive } from "../io/pcap/capture.ts";
import { MAXIMUM_SNAPLEN } from "../savefile.ts";
import type { CaptureFigures } from "../stats/report.ts";
import { DEFAULT_PORTS, Pipeline } from "./pipeline.ts";
import type { FrameSource } from "./ports.ts";

export { CaptureError } from "../errors.ts";
export type { Exchange } from "../http/exchange.ts";
export type { CaptureFigures } from "../stats/report.ts";

/** What to capture and how. */
export interface SnifferOptions {
  /** Device; libpcap's first usable one by default. */
  readonly interface?: string;
  /** A capture file to read in place of a device. */
  readonly file?: string;
  /** BPF expression in place of the one built from `ports`. */
  readonly filter?: string;
  /** HTTP ports: by default 80 on a device and all in a file. */
  readonly ports?: readonly number[];
  /** Bytes captured of each packet: 262 144 by default. */
  readonly snaplen?: number;
  /** Size of the kernel's buffer: 64 MiB by default. */
  readonly bufferBytes?: number;
  /** True by default. */
  readonly promiscuous?: boolean;
  /** Look at what comes before requests, as DNS, ARP and handshakes show it: true by default. */
  readonly lifecycle?: boolean;
  /** Keep query strings in exchanges: false by default. */
  readonly keepQuery?: boolean;
  /** Exchanges that wait to be taken at most: 10 000 by default. Then the oldest are skipped and counted. */
  readonly queueLimit?: number;
  /** Stops the sniffer when it is aborted. */
  readonly signal?: AbortSignal;
}

/** How often time goes on while nothing comes, in microseconds. */
const HEARTBEAT = 500_000;

const NOTHING: CaptureFigures = {
  packets: 0,
  bytes: 0,
  droppedByKernel: 0,
  droppedByInterface: 0,
  tcpGaps: 0,
  unparsed: 0,
  unpaired: 0,
  evicted: 0,
};

/** Captures in the background. Can be started and stopped any number of times. Needs `--allow-ffi`. */
export class Sniffer implements AsyncIterable<Exchange>, AsyncDisposable {
  readonly #options: SnifferOptions;
  #session: Session | undefined;

  constructor(options: SnifferOptions = {}) {
    this.#options = options;
  }

  /** True from `start` until `stop` or the end of the file. */
  get running(): boolean {
    return this.#session !== undefined && !this.#session.ended;
  }

  /** What was captured and lost since the last start. */
  get figures(): CaptureFigures {
    return this.#session?.figures ?? NOTHING;
  }

  /** Exchanges skipped since the last start because nobody took them in time. */
  get skipped(): number {
    return this.#session?.skipped ?? 0;
  }

  /**
   * Starts capturing. Does nothing when it is running.
   *
   * @throws {CaptureError} when the device or file cannot be opened, or the filter does not compile.
   */
  start(): void {
    this.#options.signal?.throwIfAborted();
    if (!this.running) this.#session = new Session(open(this.#options), this.#options);
  }

  /** Stops capturing: exchanges under way are handed over as they are. Prompt on a silent device, too. */
  async stop(): Promise<void> {
    await this.#session?.stop();
  }

  /**
   * Exchanges as they end, until the sniffer stops or the file ends; starts the sniffer if need be. Leaving the loop
   * stops it. Throws a `CaptureError` when capturing fails.
   */
  async *[Symbol.asyncIterator](): AsyncIterator<Exchange> {
    this.start();
    const session = this.#session!;
    try {
      for (let exchange; (exchange = await session.take()) !== undefined;) yield exchange;
    } finally {
      await session.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function open(options: SnifferOptions): FrameSource {
  const { file, filter, ports, lifecycle = true } = options;
  if (file !== undefined) return openFile(file, { filter, ports, lifecycle });
  return openLive({
    interface: options.interface,
    filter,
    ports: ports ?? DEFAULT_PORTS,
    lifecycle,
    snaplen: options.snaplen ?? MAXIMUM_SNAPLEN,
    bufferBytes: options.bufferBytes ?? 64 * 2 ** 20,
    promiscuous: options.promiscuous ?? true,
  });
}

/** One start of a sniffer, to its stop. */
class Session {
  ended = false;
  skipped = 0;
  readonly #source: FrameSource;
  readonly #pipeline: Pipeline;
  readonly #limit: number;
  readonly #done: Promise<void>;
  #queue: Exchange[] = [];
  /** Wakes the one that waits in `take`. */
  #wake: () => void = () => {};
  #failure: unknown;

  constructor(source: FrameSource, options: SnifferOptions) {
    this.#source = source;
    this.#limit = options.queueLimit ?? 10_000;
    this.#pipeline = new Pipeline({
      request() {},
      exchange: (exchange) => this.#add(exchange),
    }, {
      ports: options.ports ?? DEFAULT_PORTS,
      keepQuery: options.keepQuery ?? false,
      network: options.lifecycle ?? true ? { dns() {}, addressChange() {} } : undefined,
    });
    this.#done = this.#read(options.signal);
  }

  get figures(): CaptureFigures {
    return this.#pipeline.figures(this.#source.drops());
  }

  /** The next exchange, `undefined` once there will be none. */
  async take(): Promise<Exchange | undefined> {
    while (this.#queue.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#queue.length > 0) return this.#queue.shift();
    if (this.#failure === undefined) return undefined;
    throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#source.stop();
    await this.#done;
  }

  async #read(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = () => this.#source.stop();
    signal?.addEventListener("abort", onAbort);
    const stopHeartbeat = this.#source.info.kind === "interface"
      ? systemClock.every(HEARTBEAT, () => this.#pipeline.advance(systemClock.now()))
      : undefined;
    try {
      for (let batch; (batch = await this.#source.next()) !== undefined;) {
        batch.deliver(this.#pipeline.frame, this.#pipeline.records);
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      stopHeartbeat?.();
      signal?.removeEventListener("abort", onAbort);
      this.#pipeline.flush();
      await this.#source.close();
      this.ended = true;
      this.#wake();
    }
  }

  #add(exchange: Exchange): void {
    this.#queue.push(exchange);
    if (this.#queue.length > this.#limit) {
      this.#queue.shift();
      this.skipped++;
    }
    this.#wake();
  }
}
