/**
 * From frames to exchanges: decoding, flows and HTTP wired together.
 *
 * @module
 */

import { HttpConnection, type HttpContext } from "../http/connection.ts";
import type { ExchangeHandler, HttpLosses } from "../http/connection.ts";
import type { CaptureFigures } from "../stats/report.ts";
import { FlowTable } from "../stream/flows.ts";
import { Budget } from "../stream/reassembly.ts";
import { decodeFrame, decodeRest } from "../wire/decode.ts";
import { Layer, Packet } from "../wire/packet.ts";
import type { FrameHandler, SourceDrops } from "./ports.ts";

/** HTTP ports when none are named. */
export const DEFAULT_PORTS: readonly number[] = [80];

/** How a pipeline reads HTTP. */
export interface PipelineOptions {
  /** Ports on which everything should be HTTP. */
  readonly ports: readonly number[];
  readonly keepQuery: boolean;
}

/** What a pipeline holds at one moment. */
export interface HeldFigures {
  readonly flows: number;
  /** Bytes of TCP segments behind holes, of IP fragments and of unfinished heads. */
  readonly segmentBytes: number;
  readonly fragmentBytes: number;
  readonly headBytes: number;
  /** Bytes that the header compression of HTTP/2 remembers. */
  readonly headerTableBytes: number;
  /** Requests that wait for their response. */
  readonly waitingRequests: number;
}

/** How often flows are looked after, in packet time: microseconds. */
const HOUSEKEEPING = 50_000;
/** Bytes of unfinished heads held at most. */
const HEAD_BYTES = 2 ** 26;
/** Bytes that HTTP/2's header compression remembers at most, on all connections. */
const HEADER_TABLE_BYTES = 2 ** 26;
/** Requests that wait for their response at most, on all connections. */
const WAITING_REQUESTS = 2 ** 17;

/** Takes frames, gives requests and exchanges to a handler, and counts what it could not use. */
export class Pipeline {
  /** Time of the first packet, and the latest seen; 0 before the first. */
  start = 0;
  time = 0;
  readonly #packet = new Packet();
  readonly #flows: FlowTable;
  readonly #http: HttpLosses = { unparsed: 0, unpaired: 0 };
  readonly #context: HttpContext;
  #packets = 0;
  #bytes = 0;
  #malformed = 0;
  #housekeepingAt = 0;

  constructor(handler: ExchangeHandler, options: PipelineOptions) {
    const context = this.#context = {
      handler,
      losses: this.#http,
      keepQuery: options.keepQuery,
      ports: new Set(options.ports),
      headBytes: new Budget(HEAD_BYTES),
      waitingRequests: new Budget(WAITING_REQUESTS),
      headerTables: new Budget(HEADER_TABLE_BYTES),
    };
    this.#flows = new FlowTable((flow, packet, direction) =>
      new HttpConnection(context, flow, packet, direction)
    );
  }

  /** Takes one frame. */
  readonly frame: FrameHandler = (bytes, start, end, wireLength, time, linkType) => {
    if (this.#packets++ === 0) this.start = time;
    this.#bytes += wireLength;
    if (time > this.time) this.time = time;
    const packet = this.#packet;
    packet.reset(bytes, start, end, wireLength, time);
    let layer: Layer | undefined = decodeFrame(packet, linkType);
    do {
      if (layer === Layer.segment) this.#flows.segment(packet);
      else if (layer === Layer.malformed) this.#malformed++;
      layer = decodeRest(packet);
    } while (layer !== undefined);
    if (this.time - this.#housekeepingAt >= HOUSEKEEPING) this.advance(this.time);
  };

  /** Lets time go on to `now`, so that holes and idle flows are given up. */
  advance(now: number): void {
    this.#housekeepingAt = Math.max(this.#housekeepingAt, now);
    this.#flows.advance(now);
    this.#packet.fragments.advance(now);
  }

  /** Ends all exchanges under way: nothing more will come. */
  flush(): void {
    this.#flows.flush(this.time);
    this.#packet.fragments.flush(this.time);
  }

  /** How much is remembered of what is not over: nothing after {@link flush}. */
  held(): HeldFigures {
    const { headBytes, waitingRequests, headerTables } = this.#context;
    return {
      flows: this.#flows.size,
      segmentBytes: this.#flows.heldBytes,
      fragmentBytes: this.#packet.fragments.size.bytes,
      headBytes: headBytes.used,
      headerTableBytes: headerTables.used,
      waitingRequests: waitingRequests.used,
    };
  }

  /** What was captured and lost so far. */
  figures(drops: SourceDrops): CaptureFigures {
    const { incomplete, overlapping } = this.#packet.fragments.losses;
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      droppedByKernel: drops.kernel,
      droppedByInterface: drops.interface,
      tcpGaps: this.#flows.losses.tcpGaps,
      unparsed: this.#malformed + incomplete + overlapping + this.#http.unparsed,
      unpaired: this.#http.unpaired,
      evicted: this.#flows.losses.evicted,
    };
  }
}
