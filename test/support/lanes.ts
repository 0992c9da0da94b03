/**
 * The two ways that frames go through a pipeline: one by one through the layers, and in runs of records, of which the
 * fast lane takes what it can. Both must make the same of them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import { UsualHead } from "../../src/http/usual_head.ts";
import { forEachRecord, SavefileReader } from "../../src/savefile.ts";
import { FlowTable } from "../../src/stream/flows.ts";
import { outcomeOf, snapshot } from "../http/support.ts";
import { concat, type Frame } from "./frames.ts";
import { pcapRecord } from "./savefile_builder.ts";

/** How the pipelines read. */
export interface LaneOptions {
  readonly details?: boolean;
  /** Whether the exchanges of the fast lane are given back, for the next ones to be made of them. True unless said. */
  readonly releases?: boolean;
}

/** Everything that a pipeline told, in order. */
class Recorder {
  events: string[] = [];
  readonly pipeline: Pipeline;

  constructor(details: boolean, releases: boolean) {
    const note = (what: string, exchange: Exchange) => {
      this.events.push(`${what} ${JSON.stringify(snapshot(exchange))}`);
    };
    this.pipeline = new Pipeline({
      request: (exchange) => note("request", exchange),
      exchange: (exchange) => {
        note("exchange", exchange);
        if (releases) exchange.release();
      },
    }, {
      ports: [80],
      keepQuery: true,
      details,
      network: {
        dns: (outcome) => void this.events.push(`dns ${JSON.stringify(outcome)}`),
        addressChange: (change) => void this.events.push(`change ${JSON.stringify(change)}`),
      },
    });
  }
}

const NO_DROPS = { kernel: 0, interface: 0 };
/** What lies before and behind the records: as if it were more of them. */
const BEFORE = new Uint8Array(7).fill(0x45), BEHIND = new Uint8Array(21).fill(0x45);

/** Two pipelines that take the same frames, one in each way. */
export class Lanes {
  readonly #layers: Recorder;
  readonly #runs: Recorder;

  constructor({ details = true, releases = true }: LaneOptions = {}) {
    this.#layers = new Recorder(details, false);
    this.#runs = new Recorder(details, releases);
  }

  /**
   * Takes frames, as far as classic records hold what they say. Each row of them with the same link type is cut into runs
   * at the offsets `cuts`, and where a record is not whole the next run begins with it.
   */
  take(frames: readonly Frame[], cuts: readonly number[] = []): this {
    for (let from = 0, to: number; from < frames.length; from = to) {
      const { linkType } = frames[from]!;
      to = from + 1;
      while (to < frames.length && frames[to]!.linkType === linkType) to++;
      this.#takeRow(frames.slice(from, to).map((frame) => pcapRecord(frame)), linkType, cuts);
    }
    return this;
  }

  /** Takes a savefile in chunks of `size` bytes. */
  takeFile(bytes: Uint8Array, size: number): this {
    const layers = new SavefileReader(), runs = new SavefileReader();
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.subarray(at, at + size);
      const status = layers.push(chunk, this.#layers.pipeline.frame);
      assertEquals(runs.push(chunk, this.#runs.pipeline.frame, this.#runs.pipeline.records), status);
    }
    return this;
  }

  /** Ends all that is under way, makes sure that both told the same, and returns what. */
  end(): string[] {
    this.#layers.pipeline.flush();
    this.#runs.pipeline.flush();
    this.#assertSameFigures();
    const { events } = this.#layers, others = this.#runs.events;
    this.#layers.events = [];
    this.#runs.events = [];
    const differs = events.findIndex((event, i) => event !== others[i]);
    if (differs >= 0) assertEquals(others[differs], events[differs], `event ${differs}`);
    assertEquals(others.length, events.length);
    return events;
  }

  #takeRow(records: readonly Uint8Array[], linkType: number, cuts: readonly number[]): void {
    const bytes = concat(BEFORE, ...records, BEHIND);
    const view = new DataView(bytes.buffer);
    const start = BEFORE.length, end = bytes.length - BEHIND.length;
    forEachRecord(bytes, view, start, end, linkType, true, this.#layers.pipeline.frame);
    const boundaries = [start];
    for (const { length } of records) boundaries.push(boundaries.at(-1)! + length);
    let at = start;
    for (const cut of [...cuts.map((cut) => start + cut % (end - start)).sort((a, b) => a - b), end]) {
      if (cut < at) continue;
      at = this.#runs.pipeline.records(bytes, view, at, cut, linkType);
      assertEquals(at, boundaries.findLast((boundary) => boundary <= cut), "where the next run begins");
    }
    this.#assertSameFigures();
  }

  #assertSameFigures(): void {
    const [layers, runs] = [this.#layers.pipeline, this.#runs.pipeline].map((pipeline) => ({
      figures: pipeline.figures(NO_DROPS),
      network: structuredClone(pipeline.network()),
      held: pipeline.held(),
      start: pipeline.start,
      time: pipeline.time,
    }));
    assertEquals(runs, layers);
  }
}

/** The frames of a savefile. */
export function framesOf(savefile: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  new SavefileReader().push(savefile, ({ bytes, start, end, wireLength, time, linkType }) => {
    frames.push({ bytes: bytes.slice(start, end), wireLength, time, linkType });
  });
  return frames;
}

/** How often `method` of `owner`, which a prototype is, returns true while `read` runs. */
export function countTrue<Method extends string>(
  owner: Record<Method, (...args: never[]) => boolean>,
  method: Method,
  read: () => void,
): number {
  const original = owner[method];
  let count = 0;
  owner[method] = function (...args) {
    const result = original.apply(this, args);
    if (result) count++;
    return result;
  };
  try {
    read();
  } finally {
    owner[method] = original;
  }
  return count;
}

/** How many segments the fast lane takes while `read` runs. */
export function countInOrder(read: () => void): number {
  return countTrue(FlowTable.prototype, "inOrder", read);
}

/**
 * Makes sure that the same is read of the frames when no head passes for one of the usual form. Returns how many requests
 * did pass for it.
 */
export function assertUsualHeadsAreLikeOthers(frames: readonly Frame[]): number {
  const { request, response } = UsualHead.prototype;
  UsualHead.prototype.request = UsualHead.prototype.response = () => false;
  let expected: unknown;
  try {
    expected = readWhole(frames);
  } finally {
    Object.assign(UsualHead.prototype, { request, response });
  }
  return countTrue(UsualHead.prototype, "request", () => assertEquals(readWhole(frames), expected));
}

function readWhole(frames: readonly Frame[]) {
  const { requests, exchanges, figures } = outcomeOf(frames, { keepQuery: true });
  return {
    // A request without a body is over with its head, but need not be told so when that is complete.
    requests: requests.map(({ send: _, ...request }) => request),
    exchanges: exchanges.map(snapshot),
    figures,
  };
}
