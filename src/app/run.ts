/**
 * A run: frames from a source through the pipeline into the aggregate and the sinks, and reports out of it, at
 * each interval and at the end. All that is not pure comes in through ports.
 *
 * @module
 */

import type { OutputFormat } from "../cli/options.ts";
import { formatDuration } from "../duration.ts";
import { CaptureError, OutputError } from "../errors.ts";
import { Exit } from "../exit.ts";
import type { FrameHandler } from "../frame.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Screen } from "../report/screen.ts";
import type { RunStatus } from "../report/view.ts";
import { linkTypeName } from "../savefile.ts";
import { Aggregate } from "../stats/aggregate.ts";
import type { Report } from "../stats/report.ts";
import { loadWriters, type Writers } from "./outputs.ts";
import { Pipeline } from "./pipeline.ts";
import type { Clock, FrameBatch, FrameSource, Output, Terminal } from "./ports.ts";
import { RecentExchanges } from "./recent.ts";
import { FrameSaver } from "./save.ts";

/** What a run does. Durations are microseconds. */
export interface RunSettings {
  readonly output: OutputFormat;
  readonly interval: number;
  readonly duration: number | undefined;
  readonly count: number | undefined;
  readonly top: number;
  readonly threshold: number;
  readonly window: number;
  readonly failOnAlert: boolean;
  readonly keepQuery: boolean;
  readonly lifecycle: boolean;
  readonly ports: readonly number[];
  readonly color: boolean;
  readonly unicode: boolean;
}

/** The world that a run happens in. */
export interface RunPorts {
  readonly source: FrameSource;
  readonly clock: Clock;
  /** Where reports and records go. */
  readonly output: Output;
  /** Needed for the screen. */
  readonly terminal: Terminal;
  /** Where frames are saved, with its name. */
  readonly save?: { readonly output: Output; readonly path: string } | undefined;
  /** Takes one line for the user's eyes, such as an error. */
  note(line: string): void;
  /** Ends the run, cleanly. The reason is an error that nobody handled, or null. */
  readonly stop: AbortSignal;
}

const SECOND = 1_000_000;
/** How often time goes on while nothing comes. */
const HEARTBEAT = SECOND / 2;
/** A file that is read sooner than this needs no screen: the user sees the last report at once. */
const SCREEN_DELAY = 100_000;

/** Runs until the source ends, the settings or the user say so, or something fails. */
export async function run(settings: RunSettings, ports: RunPorts): Promise<Exit> {
  const writers = await loadWriters(settings.output, ports.output);
  return await new Run(settings, ports, writers).run();
}

class Run {
  readonly #settings: RunSettings;
  readonly #ports: RunPorts;
  readonly #aggregate: Aggregate;
  readonly #pipeline: Pipeline;
  readonly #writers: Writers;
  readonly #recent = new RecentExchanges();
  readonly #saver: FrameSaver | undefined;
  readonly #screen: Screen | undefined;
  readonly #deliver: FrameHandler;
  readonly #startedAt: number;
  #screenIsOpen = false;
  /** Wall time when the last frames came. */
  #framesCameAt: number;
  #failure: unknown;

  constructor(settings: RunSettings, ports: RunPorts, writers: Writers) {
    this.#settings = settings;
    this.#ports = ports;
    this.#writers = writers;
    this.#startedAt = this.#framesCameAt = ports.clock.now();
    this.#aggregate = new Aggregate({
      threshold: settings.threshold,
      windowMicros: settings.window,
      top: settings.top,
      losses: () => this.#pipeline.figures(ports.source.drops()),
    });
    const { sink } = writers;
    const recent = settings.output === "screen" ? this.#recent : undefined;
    this.#pipeline = new Pipeline({
      request: (exchange: Exchange) => this.#aggregate.request(exchange),
      exchange: (exchange: Exchange) => {
        this.#aggregate.exchange(exchange);
        sink?.write(exchange);
        if (recent) recent.add(exchange);
        else exchange.release();
      },
    }, {
      ...settings,
      details: sink !== undefined,
      network: settings.lifecycle ? this.#aggregate : undefined,
    });
    if (ports.save) this.#saver = new FrameSaver(ports.save.output, ports.save.path);
    this.#screen = writers.screen?.(ports.terminal, {
      color: settings.color,
      unicode: settings.unicode,
      onQuit: () => ports.source.stop(),
      onError: (error) => this.#fail(error),
    });
    this.#deliver = this.#frameHandler();
  }

  async run(): Promise<Exit> {
    const { source, clock, stop } = this.#ports;
    const onStop = () => stop.reason === null ? source.stop() : this.#fail(stop.reason);
    stop.addEventListener("abort", onStop);
    if (stop.aborted) onStop();
    this.#advance();
    const timers = [
      clock.every(HEARTBEAT, () => this.#guard(() => this.#heartbeat())),
      clock.every(this.#settings.interval, () => this.#guard(() => this.#intervalReport())),
    ];
    if (this.#isLive && this.#settings.duration !== undefined) {
      timers.push(clock.every(this.#settings.duration, () => source.stop()));
    }
    if (this.#screen) {
      if (this.#isLive) this.#guard(() => this.#openScreen());
      else timers.push(clock.every(SCREEN_DELAY, () => this.#guard(() => this.#openScreen())));
    }
    try {
      for (let batch; (batch = await source.next()) !== undefined;) this.#take(batch);
    } catch (error) {
      this.#fail(error);
    }
    for (const cancel of timers) cancel();
    stop.removeEventListener("abort", onStop);
    this.#screen?.close();
    return await this.#end();
  }

  /** True when wall time goes on with packet time: a device, or a pipe that may have one behind it. */
  get #isLive(): boolean {
    return this.#ports.source.info.kind !== "file";
  }

  /** True when single exchanges are written, and no reports. */
  get #writesRecords(): boolean {
    return this.#writers.sink !== undefined;
  }

  /** The time that alerts and idle flows go by. */
  get #now(): number {
    const { clock, source } = this.#ports;
    if (source.info.kind === "interface") return clock.now();
    if (source.info.kind === "file" || this.#pipeline.time === 0) return this.#pipeline.time;
    // A pipe: packet time, going on with the clock while the pipe is idle.
    const idle = clock.now() - this.#framesCameAt;
    return this.#pipeline.time + (idle < SECOND ? 0 : idle);
  }

  #take(batch: FrameBatch): void {
    this.#framesCameAt = this.#ports.clock.now();
    const isFirst = this.#pipeline.time === 0;
    batch.deliver(this.#deliver, this.#deliver === this.#pipeline.frame ? this.#pipeline.records : undefined);
    // The report's period begins with the first packet, or when watching began.
    if (isFirst && this.#pipeline.time !== 0) this.#aggregate.advance(this.#pipeline.start);
    this.#advance();
    this.#saver?.flush();
    this.#writers.sink?.flush();
  }

  /** What each frame goes through. */
  #frameHandler(): FrameHandler {
    const decode = this.#pipeline.frame;
    const saver = this.#saver;
    const { duration } = this.#settings;
    const saved: FrameHandler = saver
      ? (frame) => {
        saver.frame(frame);
        decode(frame);
      }
      : decode;
    if (this.#isLive || duration === undefined) return saved;
    // A file's duration is in packet time.
    let until = Infinity;
    return (frame) => {
      if (until === Infinity) until = frame.time + duration;
      if (frame.time < until) saved(frame);
      else this.#ports.source.stop();
    };
  }

  #heartbeat(): void {
    this.#advance();
    this.#writers.sink?.flush();
  }

  #advance(): void {
    const now = this.#now;
    if (now === 0) return;
    this.#pipeline.advance(now);
    this.#aggregate.advance(now);
  }

  #intervalReport(): void {
    const { output } = this.#settings;
    if (output === "screen") return this.#drawScreen();
    // A file is reported on once, at its end.
    if (!this.#isLive || this.#writesRecords) return;
    this.#advance();
    this.#writeReport("live");
  }

  #openScreen(): void {
    if (this.#screenIsOpen) return;
    this.#screenIsOpen = true;
    this.#screen?.open();
    this.#drawScreen();
  }

  #drawScreen(): void {
    if (!this.#screenIsOpen) return;
    this.#advance();
    const status = this.#status(this.#isLive ? "live" : "reading");
    this.#screen?.draw(this.#report(), status, () => this.#recent.figures());
  }

  #report(): Report {
    const { source, clock } = this.#ports;
    const { kind, name, filter, linkTypes } = source.info;
    const linkType = linkTypes.map(linkTypeName).join(",");
    const from = kind === "interface"
      ? { interface: name, filter, linkType }
      : { file: name, filter, linkType };
    const figures = this.#pipeline.figures(source.drops());
    return this.#aggregate.report(from, figures, clock.now(), this.#pipeline.network());
  }

  #status(state: RunStatus["state"]): RunStatus {
    const { interval, duration, count } = this.#settings;
    const until = [
      duration === undefined ? "" : `for ${formatDuration(duration)}`,
      count === undefined ? "" : `until ${count.toLocaleString("en-US")} packets`,
    ].filter(Boolean).join(", ");
    return {
      state,
      elapsedSeconds: (this.#ports.clock.now() - this.#startedAt) / SECOND,
      intervalSeconds: interval / SECOND,
      until,
    };
  }

  #writeReport(state: RunStatus["state"]): void {
    const { output, color, unicode } = this.#settings;
    const report = this.#report();
    // What follows the screen stands in the same terminal.
    const columns = output === "screen" ? this.#ports.terminal.size().columns : 0;
    const text = this.#writers.text?.(report, this.#status(state), { color, unicode }, columns || Infinity);
    this.#ports.output.write(text ?? JSON.stringify(report) + "\n");
  }

  /** The last report and every alert; then everything is closed. */
  async #end(): Promise<Exit> {
    const { source, output } = this.#ports;
    this.#guard(() => {
      this.#pipeline.flush();
      this.#advance();
      this.#writers.sink?.close();
      if (this.#writesRecords) this.#noteLosses();
      else this.#writeReport("ended");
    });
    this.#guard(() => this.#saver?.close(source.info.linkTypes[0]));
    const alerted = this.#report().alerts.length > 0;
    await source.close();
    this.#guard(() => output.close());
    if (this.#failure !== undefined) return this.#explainFailure();
    return alerted && this.#settings.failOnAlert ? Exit.alerted : Exit.done;
  }

  /** Records alone do not tell what is missing among them. */
  #noteLosses(): void {
    const { packets: _, bytes: __, ...losses } = this.#pipeline.figures(this.#ports.source.drops());
    const lost = Object.entries(losses).filter(([, count]) => count > 0);
    if (lost.length === 0) return;
    this.#ports.note(`not seen or not read: ${lost.map(([name, count]) => `${name} ${count}`).join(", ")}`);
  }

  #explainFailure(): Exit {
    const failure = this.#failure;
    if (failure instanceof OutputError) {
      // Whoever read the output has had enough, as with `| head`.
      if (failure.reason === "nobody reads") return Exit.done;
      this.#ports.note(failure.message);
      return Exit.failed;
    }
    if (!(failure instanceof CaptureError)) throw failure;
    this.#ports.note(failure.message);
    return Exit.failed;
  }

  /** Does something that may fail outside the reading loop, and ends the run if it does. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Remembers the first failure and stops reading. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#ports.source.stop();
  }
}
