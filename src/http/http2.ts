/**
 * HTTP/2 in the clear (RFC 9113) on one TCP connection: one exchange a stream.
 *
 * A request and its response are paired by their stream alone, so a loss costs exchanges and never makes a wrong one.
 * A request whose method, target or host depends on header compression state that was lost is counted as unparsed, and
 * its response is not looked at.
 *
 * @module
 */

import { Budget } from "../stream/reassembly.ts";
import type { HttpContext } from "./connection.ts";
import { type ConnectionTroubles, type Endpoints, Exchange, isGrpc, mimeTypeOf } from "./exchange.ts";
import { BlockResult, type FieldHandler, FieldNames, HpackDecoder } from "./hpack.ts";
import { type FrameHandler, FrameReader } from "./http2_frames.ts";
import { authorityOf, cachedText, parseTarget, queryOf, referrerOf } from "./target.ts";

/** Streams remembered on one connection at most. */
const MOST_STREAMS = 1024;
/** A response may be on its way when the client resets its stream: so long is it waited for, and for so many. */
const RESET_GRACE = 1_000_000;
const MOST_CANCELLED = 64;
/** Bounds of SETTINGS_MAX_FRAME_SIZE. */
const LEAST_FRAME_LIMIT = 2 ** 14, MOST_FRAME_LIMIT = 2 ** 24 - 1;
/** The stream of the request that an upgrade was asked for with. */
const UPGRADED_STREAM = 1;

/** The fields that matter, as the decoder numbers them. Pseudo-header fields come first. */
const Name = {
  method: 1,
  scheme: 2,
  authority: 3,
  path: 4,
  protocol: 5,
  status: 6,
  host: 7,
  contentType: 8,
  userAgent: 9,
  referer: 10,
  grpcStatus: 11,
} as const;

const NAMES = new FieldNames([
  ":method",
  ":scheme",
  ":authority",
  ":path",
  ":protocol",
  ":status",
  "host",
  "content-type",
  "user-agent",
  "referer",
  "grpc-status",
]);

/** The fields of one block. */
class Fields implements FieldHandler {
  /** Values by name; of a field that is repeated, the first. */
  readonly values: (Uint8Array | undefined)[] = [];
  /** True when a pseudo-header field may be among those that are not known: it came before all others. */
  unknownPseudo = false;
  #pseudosOver = false;

  clear(): void {
    this.values.fill(undefined);
    this.unknownPseudo = false;
    this.#pseudosOver = false;
  }

  field(name: number, value: Uint8Array): void {
    if (name < Name.method || name > Name.status) this.#pseudosOver = true;
    if (name >= Name.method) this.values[name] ??= value;
  }

  unknown(): void {
    if (!this.#pseudosOver) this.unknownPseudo = true;
  }

  /** A field's value as text, `undefined` when it is absent or empty. */
  text(name: number): string | undefined {
    const value = this.values[name];
    return value && value.length > 0 ? cachedText(value, 0, value.length) : undefined;
  }

  /** A field's value as a number of at most three digits, -1 when it is none. */
  number(name: number): number {
    const text = this.text(name);
    return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : -1;
  }
}

/** Blocks are decoded one at a time, so one is enough for all connections. */
const fields = new Fields();

/** One stream: a request, its response, or what was seen of them. */
interface Stream {
  /** `undefined` until the request is seen, which a hole may hold back until after the response. */
  request: Exchange | undefined;
  /** True when the request was there and could not be read. */
  unreadable: boolean;
  /** True when the request's end has passed, perhaps unseen. */
  requestOver: boolean;
  /** Of the final response; 0 until it is seen. */
  status: number;
  mimeType: string | undefined;
  isGrpc: boolean;
  grpcStatus: number | undefined;
  responseTime: number;
  responseBytes: number;
  responseEnd: number | undefined;
}

/** HTTP/2 on one TCP connection. */
export class Http2Connection {
  readonly handlers: readonly [FrameReader, FrameReader];
  readonly #context: HttpContext;
  readonly #flow: ConnectionTroubles;
  readonly #endpointsOf: (client: 0 | 1) => Endpoints;
  readonly #noteFirst: (exchange: Exchange) => void;
  readonly #decoders: readonly [HpackDecoder, HpackDecoder];
  readonly #streams = new Map<number, Stream>();
  /** Streams that the client has reset before a response was seen, the oldest first. */
  readonly #cancelled: { readonly id: number; readonly stream: Stream; readonly time: number }[] = [];
  /** The client's direction, `undefined` until a field block tells. */
  #client: 0 | 1 | undefined;
  #endpoints: Endpoints | undefined;
  /** False while the connection may turn out to carry something else. */
  #isHttp2: boolean;
  /** The last streams opened by the client and promised by the server. */
  #lastOpened = 0;
  #lastPromised = 0;
  /** True when streams may have been opened unseen. */
  #missedRequests = false;

  /**
   * @param endpoints The two ends with the sender of a direction as the client.
   * @param noteFirst Is told of each request, of which the connection's first may be one.
   * @param client The client's direction if it is known.
   * @param isHttp2 False when only the first bytes will tell whether this is HTTP/2.
   */
  constructor(
    context: HttpContext,
    flow: ConnectionTroubles,
    endpoints: (client: 0 | 1) => Endpoints,
    noteFirst: (exchange: Exchange) => void,
    client: 0 | 1 | undefined,
    isHttp2: boolean,
  ) {
    this.#context = context;
    this.#flow = flow;
    this.#endpointsOf = endpoints;
    this.#noteFirst = noteFirst;
    this.#client = client;
    this.#isHttp2 = isHttp2;
    this.#decoders = [
      new HpackDecoder(NAMES, context.headerTables),
      new HpackDecoder(NAMES, context.headerTables),
    ];
    this.handlers = [new FrameReader(this.#direction(0)), new FrameReader(this.#direction(1))];
  }

  /** Takes the HTTP/1.1 request that was answered with the switch to HTTP/2: its response comes on stream 1. */
  adopt(request: Exchange): void {
    const stream = this.#open(UPGRADED_STREAM);
    stream.request = request;
    stream.requestOver = true;
    this.#lastOpened = UPGRADED_STREAM;
  }

  /** Both directions are over; their handlers have been told. */
  close(): void {
    for (const stream of this.#streams.values()) this.#settle(stream);
    this.#streams.clear();
    for (const decoder of this.#decoders) decoder.lose();
  }

  #direction(direction: 0 | 1): FrameHandler {
    const other = 1 - direction as 0 | 1;
    return {
      opened: () => {
        this.#isHttp2 = true;
      },
      block: (stream, promised, endsStream, bytes, start, end, startTime, time) => {
        fields.clear();
        const result = this.#decoders[direction].decode(bytes, start, end, fields);
        if (result !== BlockResult.complete) {
          this.#context.losses.unparsed++;
          fields.clear();
        }
        this.#block(
          direction,
          stream,
          promised,
          endsStream,
          result === BlockResult.complete,
          startTime,
          time,
        );
      },
      content: (stream, length, endsStream, time) =>
        this.#content(direction, stream, length, endsStream, time),
      reset: (stream, time) => this.#reset(direction, stream, time),
      goAway: (lastStream) => this.#goAway(direction, lastStream),
      frameLimit: (length) => {
        if (length < LEAST_FRAME_LIMIT || length > MOST_FRAME_LIMIT) return;
        const reader = this.handlers[other];
        reader.frameLimit = Math.max(reader.frameLimit, length);
      },
      blockLost: () => {
        this.#context.losses.unparsed++;
        this.#decoders[direction].lose();
        if (direction === this.#client) this.#missedRequests = true;
      },
      lostTrack: () => this.#lostTrack(direction),
      unparsed: () => {
        if (this.#isHttp2) this.#context.losses.unparsed++;
        else for (const handler of this.handlers) handler.ignore();
      },
    };
  }

  #lostTrack(direction: 0 | 1): void {
    this.#decoders[direction].lose();
    if (direction !== this.#client) return;
    this.#missedRequests = true;
    // The ends of the requests under way may pass unseen.
    for (const stream of this.#streams.values()) stream.requestOver = true;
  }

  /** A field block in `fields`; nothing is in there when it was not `readable`. */
  #block(
    direction: 0 | 1,
    id: number,
    promised: number,
    endsStream: boolean,
    readable: boolean,
    startTime: number,
    time: number,
  ): void {
    this.#closeCancelled(time);
    if (this.#client === undefined) {
      if (fields.values[Name.method]) this.#client = promised ? 1 - direction as 0 | 1 : direction;
      else if (fields.values[Name.status]) this.#client = 1 - direction as 0 | 1;
      else return;
      // Streams may have been opened before.
      this.#missedRequests = true;
    }
    if (promised !== 0) {
      if (direction === this.#client || promised % 2 === 1) this.#context.losses.unparsed++;
      else this.#request(promised, readable, true, startTime, time);
    } else if (direction === this.#client) {
      const stream = this.#streams.get(id);
      if (!stream || !(stream.request || stream.unreadable)) {
        this.#request(id, readable, endsStream, startTime, time);
      } else if (endsStream) {
        this.#endRequest(id, stream, time);
      }
    } else {
      this.#response(id, endsStream, startTime, time);
    }
  }

  /** A request's header, read to `fields` when it was `readable`. */
  #request(id: number, readable: boolean, endsStream: boolean, startTime: number, time: number): void {
    const isPromise = id % 2 === 0;
    const last = isPromise ? this.#lastPromised : this.#lastOpened;
    let stream = this.#streams.get(id);
    // Trailers of a stream that is over, a stream promised twice, or something that no client sends.
    if (stream ? stream.request || stream.unreadable : id <= last) {
      if (fields.values[Name.method]) this.#context.losses.unparsed++;
      return;
    }
    if (isPromise) this.#lastPromised = Math.max(last, id);
    else this.#lastOpened = Math.max(last, id);
    stream ??= this.#open(id);
    stream.requestOver = endsStream;
    const exchange = this.#exchange(startTime);
    if (!exchange) {
      if (readable) this.#context.losses.unparsed++;
      stream.unreadable = true;
      return;
    }
    exchange.beginOn(this.#flow);
    this.#noteFirst(exchange);
    stream.request = exchange;
    this.#context.handler.request(exchange);
    if (endsStream) this.#endRequest(id, stream, time);
  }

  /** The exchange of the request in `fields`, `undefined` when what it asks for is not there or not known. */
  #exchange(time: number): Exchange | undefined {
    const { values } = fields;
    const method = fields.text(Name.method);
    const named = values[Name.authority] ?? values[Name.host];
    const protocol = fields.text(Name.protocol);
    const path = values[Name.path];
    // An ordinary CONNECT names an authority alone, one with a protocol a path as well (RFC 8441 section 4).
    const isConnect = method === "CONNECT" && protocol === undefined;
    const asked = isConnect ? named : path;
    if (method === undefined || !asked || asked.length === 0) return undefined;
    if (fields.unknownPseudo && !values[Name.authority]) return undefined;
    const exchange = Exchange.make(this.#clientEndpoints(), { time });
    exchange.method = method;
    exchange.version = "2";
    const target = parseTarget(asked, 0, asked.length, isConnect, exchange.target);
    exchange.askFor(
      target.authority ?? (named && named.length > 0 ? authorityOf(named, 0, named.length) : undefined),
    );
    const type = values[Name.contentType];
    if (protocol === "websocket") exchange.protocol = "websocket";
    else if (type && isGrpc(type, 0, type.length)) exchange.protocol = "grpc";
    if (!this.#context.details) return exchange;
    if (this.#context.keepQuery) exchange.query = queryOf(asked, target.pathEnd, target.end);
    exchange.userAgent = fields.text(Name.userAgent);
    const referer = values[Name.referer];
    if (referer) exchange.referrer = referrerOf(referer, 0, referer.length);
    return exchange;
  }

  /** A response's header or trailers in `fields`. */
  #response(id: number, endsStream: boolean, startTime: number, time: number): void {
    const stream = this.#streams.get(id) ?? this.#early(id);
    if (!stream) return;
    const status = fields.number(Name.status);
    if (stream.status === 0 && status >= 200) {
      stream.status = status;
      stream.responseTime = startTime;
      const type = fields.values[Name.contentType];
      if (type) {
        stream.mimeType = mimeTypeOf(type, 0, type.length);
        stream.isGrpc = isGrpc(type, 0, type.length);
      }
    }
    const grpcStatus = fields.number(Name.grpcStatus);
    if (grpcStatus >= 0) stream.grpcStatus = grpcStatus;
    if (endsStream) this.#endResponse(id, stream, time);
  }

  #content(direction: 0 | 1, id: number, length: number, endsStream: boolean, time: number): void {
    const stream = this.#streams.get(id);
    if (!stream || this.#client === undefined) return;
    if (direction === this.#client) {
      if (stream.request) stream.request.requestBodyBytes += length;
      if (endsStream) this.#endRequest(id, stream, time);
    } else {
      stream.responseBytes += length;
      if (endsStream) this.#endResponse(id, stream, time);
    }
  }

  #endRequest(id: number, stream: Stream, time: number): void {
    const { request } = stream;
    stream.requestOver = true;
    if (request && Number.isNaN(request.sentAt)) request.sentAt = time;
    if (stream.responseEnd !== undefined) this.#close(id, stream);
  }

  #endResponse(id: number, stream: Stream, time: number): void {
    stream.responseEnd ??= time;
    if (stream.requestOver) this.#close(id, stream);
  }

  #reset(direction: 0 | 1, id: number, time: number): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (stream.status !== 0) stream.responseEnd ??= time;
    // A request that a hole holds back may still come.
    if (!stream.request && !stream.unreadable) return;
    if (direction !== this.#client || stream.status !== 0) return this.#close(id, stream);
    stream.requestOver = true;
    this.#cancelled.push({ id, stream, time });
    this.#closeCancelled(time);
  }

  /** Closes the streams that were reset long enough ago. */
  #closeCancelled(time: number): void {
    const cancelled = this.#cancelled;
    while (
      cancelled.length > MOST_CANCELLED || (cancelled.length > 0 && time - cancelled[0]!.time > RESET_GRACE)
    ) {
      const { id, stream } = cancelled.shift()!;
      if (this.#streams.get(id) === stream) this.#close(id, stream);
    }
  }

  /** Requests behind the last that the server will answer are given up. */
  #goAway(direction: 0 | 1, lastStream: number): void {
    if (direction === this.#client) return;
    for (const [id, stream] of this.#streams) {
      if (id > lastStream && id % 2 === 1 && stream.request) this.#close(id, stream);
    }
  }

  #close(id: number, stream: Stream): void {
    this.#streams.delete(id);
    this.#settle(stream);
  }

  /** Hands over what is known of a stream that is over. */
  #settle(stream: Stream): void {
    const { request: exchange } = stream;
    if (stream.unreadable) return;
    if (!exchange) {
      this.#context.losses.unpaired++;
      return;
    }
    if (stream.status === 0) {
      this.#context.losses.unpaired++;
    } else {
      exchange.status = stream.status;
      exchange.mimeType = stream.mimeType;
      exchange.responseBodyBytes = stream.responseBytes;
      exchange.answeredAt = stream.responseTime;
      exchange.endedAt = stream.responseEnd ?? stream.responseTime;
      if (stream.isGrpc) exchange.protocol = "grpc";
      if (exchange.protocol === "grpc") exchange.grpcStatus = stream.grpcStatus;
    }
    exchange.endOn(this.#flow);
    this.#context.handler.exchange(exchange);
  }

  /** A stream whose response comes before its request, `undefined` for one that is over. */
  #early(id: number): Stream | undefined {
    const last = id % 2 === 0 ? this.#lastPromised : this.#lastOpened;
    return id <= last && !this.#missedRequests ? undefined : this.#open(id);
  }

  /** A new stream, in place of the oldest when there are too many. */
  #open(id: number): Stream {
    if (this.#streams.size >= MOST_STREAMS) {
      for (const [oldest, stream] of this.#streams) {
        this.#close(oldest, stream);
        break;
      }
    }
    const stream: Stream = {
      request: undefined,
      unreadable: false,
      requestOver: false,
      status: 0,
      mimeType: undefined,
      isGrpc: false,
      grpcStatus: undefined,
      responseTime: 0,
      responseBytes: 0,
      responseEnd: undefined,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  #clientEndpoints(): Endpoints {
    return this.#endpoints ??= this.#endpointsOf(this.#client!);
  }
}

/** True when the frames that begin at `start` have the header of a request or response, whatever came before. */
export function showsMessage(bytes: Uint8Array, start: number, end: number): boolean {
  let shows = false;
  const decoder = new HpackDecoder(NAMES, new Budget(2 ** 16));
  decoder.lose();
  const ignore = () => {};
  const reader = new FrameReader({
    block: (_stream, _promised, _endsStream, block, blockStart, blockEnd) => {
      fields.clear();
      const result = decoder.decode(block, blockStart, blockEnd, fields);
      const isMessage = fields.text(Name.method) !== undefined || fields.number(Name.status) >= 100;
      if (result === BlockResult.complete && isMessage) shows = true;
    },
    opened: ignore,
    content: ignore,
    reset: ignore,
    goAway: ignore,
    frameLimit: ignore,
    blockLost: ignore,
    lostTrack: ignore,
    unparsed: ignore,
  });
  reader.lose();
  reader.data(bytes, start, end, 0, 0, 0);
  return shows;
}
