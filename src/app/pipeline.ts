/**
 * From frames to exchanges: decoding, flows and HTTP wired together.
 *
 * @module
 */

import type { Frame, FrameHandler, RunHandler } from "../frame.ts";
import { HttpConnection, type HttpContext } from "../http/connection.ts";
import type { ExchangeHandler, HttpLosses } from "../http/connection.ts";
import { UsualHead } from "../http/usual_head.ts";
import { DnsStream } from "../network/dns_stream.ts";
import type { NetworkHandler } from "../network/events.ts";
import { Lifecycle } from "../network/lifecycle.ts";
import type { CaptureFigures, NetworkCounts } from "../stats/report.ts";
import { FastLane, type Progress } from "../stream/fast_lane.ts";
import { type Connection, type Flow, FlowTable } from "../stream/flows.ts";
import { Budget } from "../stream/reassembly.ts";
import { decodeFrame, decodeRest } from "../wire/decode.ts";
import { readQuoted } from "../wire/icmp.ts";
import { Layer, Packet } from "../wire/packet.ts";
import type { SourceDrops } from "./ports.ts";

/** HTTP ports when none are named. */
export const DEFAULT_PORTS: readonly number[] = [80];

/** How a pipeline reads HTTP. */
export interface PipelineOptions {
  /** Ports on which everything should be HTTP. */
  readonly ports: readonly number[];
  readonly keepQuery: boolean;
  /** False when nobody looks at what only records show; default true. */
  readonly details?: boolean;
  /** Takes what is seen of the network below HTTP. Without it only HTTP is looked at. */
  readonly network?: NetworkHandler | undefined;
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
  /** Of name lookups and address resolutions: queries and requests that wait for an answer. */
  readonly waitingLookups: number;
}

/** How often flows are looked after, in packet time: microseconds. */
const HOUSEKEEPING = 50_000;
/** Bytes of unfinished heads held at most. */
const HEAD_BYTES = 2 ** 24;
/** Bytes that HTTP/2's header compression remembers at most, on all connections. */
const HEADER_TABLE_BYTES = 2 ** 26;
/** Bytes of DNS messages over TCP that are not whole yet held at most. */
const DNS_BYTES = 2 ** 20;
const DNS_PORT = 53;
/** Requests that wait for their response at most, on all connections. */
const WAITING_REQUESTS = 2 ** 17;

/** Takes frames, gives requests and exchanges to a handler, and counts what it could not use. */
export class Pipeline {
  readonly #progress: Progress = { packets: 0, bytes: 0, start: 0, time: 0, advanceAt: 0 };
  readonly #packet = new Packet();
  readonly #flows: FlowTable;
  readonly #http: HttpLosses = { unparsed: 0, unpaired: 0 };
  readonly #context: HttpContext;
  readonly #fastLane: FastLane;
  readonly #lifecycle: Lifecycle | undefined;
  readonly #dnsBytes = new Budget(DNS_BYTES);
  #malformed = 0;
  #icmpErrors = 0;

  constructor(handler: ExchangeHandler, options: PipelineOptions) {
    const lifecycle = this.#lifecycle = options.network && new Lifecycle(options.network);
    this.#context = {
      handler,
      losses: this.#http,
      keepQuery: options.keepQuery,
      lifecycle,
      details: options.details ?? true,
      usualHead: new UsualHead(options.details ?? true),
      ports: new Set(options.ports),
      headBytes: new Budget(HEAD_BYTES),
      waitingRequests: new Budget(WAITING_REQUESTS),
      headerTables: new Budget(HEADER_TABLE_BYTES),
      closedConnections: [],
    };
    this.#flows = new FlowTable((flow, packet, direction) => this.#connect(flow, packet, direction));
    this.#fastLane = new FastLane(
      this.#flows,
      this.#progress,
      (frame) => this.#takeAny(frame),
      () => this.advance(this.time),
    );
  }

  /** Time of the first packet, and the latest seen; 0 before the first. */
  get start(): number {
    return this.#progress.start;
  }

  get time(): number {
    return this.#progress.time;
  }

  /** Takes one frame. */
  readonly frame: FrameHandler = (frame) => {
    const progress = this.#progress;
    if (progress.packets++ === 0) progress.start = frame.time;
    progress.bytes += frame.wireLength;
    if (frame.time > progress.time) progress.time = frame.time;
    this.#takeAny(frame);
    if (progress.time >= progress.advanceAt) this.advance(progress.time);
  };

  /** Takes a run of frames. */
  readonly records: RunHandler = (bytes, view, start, end, linkType) =>
    this.#fastLane.take(bytes, view, start, end, linkType);

  /** Decodes a frame layer by layer. */
  #takeAny({ bytes, start, end, wireLength, time, linkType }: Frame): void {
    const packet = this.#packet;
    packet.reset(bytes, start, end, wireLength, time);
    let layer: Layer | undefined = decodeFrame(packet, linkType);
    do {
      if (layer === Layer.segment) this.#flows.segment(packet);
      else if (layer === Layer.malformed) this.#malformed++;
      else if (this.#lifecycle) this.#takeBesides(layer, packet, this.#lifecycle);
      layer = decodeRest(packet);
    } while (layer !== undefined);
  }

  /** Takes what is no segment but tells of connections. */
  #takeBesides(layer: Layer, packet: Packet, { lookups, neighbours }: Lifecycle): void {
    switch (layer) {
      case Layer.datagram:
        return lookups.datagram(packet);
      case Layer.arp:
        return neighbours.arp(packet);
      case Layer.ndp:
        return neighbours.ndp(packet);
      case Layer.icmpError:
        if (readQuoted(packet) && this.#flows.icmpError(packet)) this.#icmpErrors++;
    }
  }

  /** What is made of a connection whose first payload is in `packet`. */
  #connect(flow: Flow, packet: Packet, direction: 0 | 1): Connection {
    const { ports } = this.#context, { sourcePort, destinationPort } = packet;
    const isHttp = ports.has(sourcePort) || ports.has(destinationPort);
    if (this.#lifecycle && !isHttp && (sourcePort === DNS_PORT || destinationPort === DNS_PORT)) {
      return new DnsStream(this.#lifecycle.lookups, this.#dnsBytes, flow, packet, direction);
    }
    return HttpConnection.open(this.#context, flow, packet, direction);
  }

  /** Lets time go on to `now`, so that holes and idle flows are given up. */
  advance(now: number): void {
    const progress = this.#progress;
    progress.advanceAt = Math.max(progress.advanceAt, now + HOUSEKEEPING);
    this.#flows.advance(now);
    this.#packet.fragments.advance(now);
    this.#lifecycle?.advance(now);
  }

  /** Ends all exchanges under way: nothing more will come. */
  flush(): void {
    this.#flows.flush(this.time);
    this.#packet.fragments.flush(this.time);
    this.#lifecycle?.flush(this.time);
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
      waitingLookups: this.#lifecycle?.waiting ?? 0,
    };
  }

  /** What was seen of the network below HTTP so far, `undefined` when only HTTP is looked at. */
  network(): NetworkCounts | undefined {
    const neighbours = this.#lifecycle?.neighbours;
    return neighbours && {
      arp: neighbours.arpCounts,
      neighbourDiscovery: neighbours.ndpCounts,
      tcp: this.#flows.counts,
      icmpErrors: this.#icmpErrors,
    };
  }

  /** What was captured and lost so far. */
  figures(drops: SourceDrops): CaptureFigures {
    const { incomplete, overlapping } = this.#packet.fragments.losses;
    return {
      packets: this.#progress.packets,
      bytes: this.#progress.bytes,
      droppedByKernel: drops.kernel,
      droppedByInterface: drops.interface,
      tcpGaps: this.#flows.losses.tcpGaps,
      unparsed: this.#malformed + incomplete + overlapping + this.#http.unparsed,
      unpaired: this.#http.unpaired,
      evicted: this.#flows.losses.evicted,
    };
  }
}
