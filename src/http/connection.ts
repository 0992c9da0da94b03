/**
 * Requests paired with their responses, over one TCP connection.
 *
 * Pairing is by order as long as nothing was lost. Sequence numbers check it: a response begins at or behind what
 * the client had acknowledged when it sent the request, and exactly there unless requests are pipelined. After a
 * loss only such an exact match pairs, so that a gap costs pairs, which are counted, and never makes a wrong one.
 *
 * @module
 */

import { ByteCache, formatAddress, formatMac } from "../bytes.ts";
import type { Connection, Flow } from "../stream/flows.ts";
import type { Packet } from "../wire/packet.ts";
import { Framing } from "./body.ts";
import { type Endpoints, type Exchange, makeExchange, mimeTypeOf } from "./exchange.ts";
import type { TableBudget } from "./hpack.ts";
import { Head } from "./http1.ts";
import { Http2Connection, showsMessage } from "./http2.ts";
import { Http2Start, http2Start } from "./http2_frames.ts";
import { type BodyPlan, type MessageHandler, MessageReader, type MessageStart } from "./messages.ts";
import { authorityOf, cachedText, parseTarget, queryOf, referrerOf } from "./target.ts";

/** Takes requests as soon as their head is complete, and exchanges when they are over. */
export interface ExchangeHandler {
  request(exchange: Exchange): void;
  exchange(exchange: Exchange): void;
}

/** What could not be read or paired. */
export interface HttpLosses {
  /** Messages, or what should have been some. */
  unparsed: number;
  /** Requests that ended without a response and responses without a request. */
  unpaired: number;
}

/** What all connections share. */
export interface HttpContext {
  readonly handler: ExchangeHandler;
  readonly losses: HttpLosses;
  readonly keepQuery: boolean;
  /** Ports on which everything should be HTTP: what is not counts as unparsed. */
  readonly ports: ReadonlySet<number>;
  /** What the header compression of HTTP/2 may remember. */
  readonly headerTables: TableBudget;
}

/** Requests waiting for their response on one connection at most. */
const MOST_WAITING = 1024;
/** Responses waiting for their request, which a hole holds back, on one connection at most. */
const MOST_EARLY = 256;

const addresses = new ByteCache((bytes, start, end) => formatAddress(bytes, start, end - start), 2 ** 14);
const macs = new ByteCache((bytes, start) => formatMac(bytes, start), 1024);

const EMPTY_BODY: BodyPlan = { framing: Framing.none, length: 0, ignore: false };
const CHUNKED_BODY: BodyPlan = { framing: Framing.chunked, length: 0, ignore: false };
const CLOSED_BODY: BodyPlan = { framing: Framing.untilClose, length: 0, ignore: false };
const NO_MORE_HTTP: BodyPlan = { framing: Framing.none, length: 0, ignore: true };

/** Protocols that a response may switch to, as `Upgrade` names them. */
const H2C = new TextEncoder().encode("h2c");
const WEBSOCKET = new TextEncoder().encode("websocket");

/** Heads are read one at a time, so one is enough for all connections. */
const head = new Head();

/** A request and what pairing needs to know of it. */
interface Waiting {
  readonly exchange: Exchange;
  /** What the client had received when it sent the request. */
  readonly acknowledgement: number;
  readonly retransmissionsBefore: number;
  readonly gapsBefore: number;
  /** When the request's last byte was captured, `undefined` while its body goes on. */
  sentAt: number | undefined;
}

/** A response and how far it has come. */
interface Response {
  readonly sequence: number;
  readonly status: number;
  readonly mimeType: string | undefined;
  readonly time: number;
  request: Waiting | undefined;
  bodyBytes: number;
  endedAt: number | undefined;
}

/** HTTP on one TCP connection. Either end may turn out to be the client. */
export class HttpConnection implements Connection {
  readonly handlers: readonly [MessageReader, MessageReader];
  readonly #context: HttpContext;
  readonly #flow: Flow;
  readonly #ends: readonly [End, End];
  readonly #vlan: number | undefined;
  /** True once a message was read: from then on what cannot be read is a loss. */
  #isHttp: boolean;
  /** True while pairing by order cannot be trusted. */
  #lostTrack = false;
  readonly #waiting: Waiting[] = [];
  /** Responses whose request may still come, in order. */
  readonly #early: Response[] = [];
  /** The messages being read. */
  #request: Waiting | undefined;
  #requestDirection: 0 | 1 = 0;
  #response: Response | undefined;
  /** A response that was over before its request was. */
  #endedFirst: Response | undefined;
  #clientEndpoints: Endpoints | undefined;
  /** True once a message of HTTP/1 was read. */
  #isHttp1 = false;
  /** What takes over when the connection becomes HTTP/2. */
  #http2: Http2Connection | undefined;

  /** @param packet The first segment with payload, sent in `direction`. */
  constructor(context: HttpContext, flow: Flow, packet: Packet, direction: 0 | 1) {
    this.#context = context;
    this.#flow = flow;
    const source = endOf(packet, packet.source, packet.sourcePort, packet.sourceMac);
    const destination = endOf(packet, packet.destination, packet.destinationPort, packet.destinationMac);
    this.#ends = direction === 0 ? [source, destination] : [destination, source];
    this.#vlan = packet.vlan < 0 ? undefined : packet.vlan;
    this.#isHttp = context.ports.has(packet.sourcePort) || context.ports.has(packet.destinationPort);
    const fromStart = flow.streams[0].fromSyn || flow.streams[1].fromSyn;
    this.handlers = [
      new MessageReader(this.#direction(0), head, fromStart),
      new MessageReader(this.#direction(1), head, fromStart),
    ];
  }

  close(time: number): void {
    for (const handler of this.handlers) handler.end(time);
    this.#http2?.close();
    // The request's body is never read to its end when the response ended HTTP on the connection.
    const { request } = this.#endedFirst ?? {};
    if (request) this.#emit(request);
    for (const waiting of this.#waiting) this.#giveUp(waiting);
    this.#waiting.length = 0;
    this.#context.losses.unpaired += this.#early.length;
    this.#early.length = 0;
  }

  #direction(direction: 0 | 1): MessageHandler {
    return {
      head: (head, bytes, start) => {
        this.#isHttp = true;
        this.#isHttp1 = true;
        return head.isRequest
          ? this.#requestHead(head, bytes, start, direction)
          : this.#responseHead(head, bytes, start, direction);
      },
      end: (bodyBytes, time) => this.#messageEnd(bodyBytes, time, direction),
      notHttp1: (bytes, begin, end, start) => this.#startHttp2(direction, bytes, begin, end, start),
      lostTrack: () => {
        this.#lostTrack = true;
      },
      unparsed: () => {
        if (this.#isHttp) this.#context.losses.unparsed++;
      },
    };
  }

  /** Which direction's message the end belongs to: each has at most one under way. */
  #messageEnd(bodyBytes: number, time: number, direction: 0 | 1): void {
    if (direction === this.#requestDirection && this.#request) {
      this.#requestEnd(this.#request, bodyBytes, time);
    } else if (this.#response) this.#responseEnd(this.#response, bodyBytes, time);
  }

  #requestHead(head: Head, bytes: Uint8Array, start: MessageStart, direction: 0 | 1): BodyPlan {
    const waiting: Waiting = {
      exchange: exchangeOf(head, bytes, start.time, this.#endpoints(direction), this.#context.keepQuery),
      acknowledgement: start.acknowledgement,
      retransmissionsBefore: this.#flow.retransmissions,
      gapsBefore: this.#flow.gaps,
      sentAt: undefined,
    };
    this.#request = waiting;
    this.#requestDirection = direction;
    this.#context.handler.request(waiting.exchange);
    const response = this.#takeEarly(waiting);
    if (response) this.#pair(waiting, response);
    else this.#waiting.push(waiting);
    if (this.#waiting.length > MOST_WAITING) this.#giveUp(this.#waiting.shift()!);
    return requestBody(head);
  }

  #requestEnd(request: Waiting, bodyBytes: number, time: number): void {
    this.#request = undefined;
    request.sentAt = time;
    request.exchange.requestBodyBytes = bodyBytes;
    request.exchange.send = (time - request.exchange.time) / 1000;
    const response = this.#endedFirst;
    if (response?.request === request) {
      this.#endedFirst = undefined;
      this.#finish(request, response);
    }
  }

  #responseHead(head: Head, bytes: Uint8Array, start: MessageStart, direction: 0 | 1): BodyPlan {
    const { status } = head;
    // Interim responses precede the final one (RFC 9110 section 15.2); 101 ends HTTP here.
    if (status < 200 && status !== 101) {
      this.#response = undefined;
      return EMPTY_BODY;
    }
    const response: Response = {
      sequence: start.sequence,
      status,
      mimeType: head.typeStart < 0 ? undefined : mimeTypeOf(bytes, head.typeStart, head.typeEnd),
      time: start.time,
      request: undefined,
      bodyBytes: 0,
      endedAt: undefined,
    };
    this.#response = response;
    const request = this.#takeWaiting(response);
    const client = 1 - direction as 0 | 1;
    if (status === 101 && head.upgradesTo(bytes, H2C)) {
      // The final response comes as HTTP/2.
      this.#response = undefined;
      const http2 = this.#switchToHttp2(client, true);
      if (request) http2.adopt(request);
      return NO_MORE_HTTP;
    }
    if (request) {
      this.#pair(request, response);
    } else {
      this.#early.push(response);
      if (this.#early.length > MOST_EARLY) {
        this.#early.shift();
        this.#context.losses.unpaired++;
      }
    }
    const plan = responseBody(head, request?.exchange.method);
    if (!plan.ignore) return plan;
    if (status === 101) {
      if (request && head.upgradesTo(bytes, WEBSOCKET)) request.exchange.protocol = "websocket";
      for (const handler of this.handlers) handler.ignore();
    } else {
      // A tunnel may carry HTTP/2.
      this.#switchToHttp2(client, false);
    }
    return plan;
  }

  #responseEnd(response: Response, bodyBytes: number, time: number): void {
    this.#response = undefined;
    response.bodyBytes = bodyBytes;
    response.endedAt = time;
    if (response.request) this.#finish(response.request, response);
  }

  /** Leaves both directions to HTTP/2, from where the messages under way end. */
  #switchToHttp2(client: 0 | 1, isHttp2: boolean): Http2Connection {
    const http2 = this.#makeHttp2(client, isHttp2);
    for (const direction of [0, 1] as const) {
      const handler = http2.handlers[direction];
      if (!this.handlers[direction].handOver(handler)) handler.lose();
    }
    return http2;
  }

  /**
   * Leaves both directions to HTTP/2 if `bytes[begin, end)`, which are no message of HTTP/1, can be nothing else: the
   * client's preface, the server's first frame, or frames of a connection that was met in the middle.
   */
  #startHttp2(direction: 0 | 1, bytes: Uint8Array, begin: number, end: number, start: MessageStart): boolean {
    if (this.#http2) return false;
    const shown = http2Start(bytes, begin, end);
    const { fromSyn, base } = this.#flow.streams[direction];
    const isFirst = fromSyn && base === start.sequence;
    const isPreface = shown === Http2Start.preface;
    const isMiddle = shown !== Http2Start.none && !this.#isHttp1 && showsMessage(bytes, begin, end);
    if (!isPreface && !(shown === Http2Start.settings && isFirst) && !isMiddle) return false;
    this.#isHttp = true;
    const http2 = this.#makeHttp2(isPreface ? direction : undefined, true);
    const other = 1 - direction as 0 | 1;
    this.handlers[direction].handOver(http2.handlers[direction]);
    this.handlers[other].handOver(http2.handlers[other]);
    if (!isPreface && !isFirst) http2.handlers[direction].lose();
    // What the other end sends begins with its connection, or with what this segment acknowledged.
    const opposite = this.#flow.streams[other];
    if (!opposite.started && isPreface) http2.handlers[other].expect(start.acknowledgement);
    else if (!opposite.fromSyn || opposite.next !== opposite.base) http2.handlers[other].lose();
    return true;
  }

  #makeHttp2(client: 0 | 1 | undefined, isHttp2: boolean): Http2Connection {
    const endpoints = (client: 0 | 1) => this.#endpoints(client);
    return this.#http2 = new Http2Connection(this.#context, this.#flow, endpoints, client, isHttp2);
  }

  /** The request that a response answers; those that it shows to be unanswered are given up. */
  #takeWaiting(response: Response): Waiting | undefined {
    const waiting = this.#waiting;
    const first = waiting[0];
    if (!first) return undefined;
    if (!this.#lostTrack) {
      return precedes(response.sequence, first.acknowledgement) ? undefined : waiting.shift();
    }
    const at = waiting.findIndex((request) => request.acknowledgement === response.sequence);
    if (at < 0) return undefined;
    // Pipelined requests acknowledge the same: which of them was lost is not known.
    const isOnly = waiting[at + 1]?.acknowledgement !== response.sequence;
    if (!isOnly) return undefined;
    for (const unanswered of waiting.splice(0, at)) this.#giveUp(unanswered);
    this.#lostTrack = false;
    return waiting.shift();
  }

  /** The response, seen before, that answers a request held back by a hole. */
  #takeEarly(request: Waiting): Response | undefined {
    const early = this.#early;
    while (early.length > 0) {
      const response = early[0]!;
      if (!precedes(response.sequence, request.acknowledgement)) {
        const isCertain = response.sequence === request.acknowledgement || !this.#lostTrack;
        return isCertain && this.#waiting.length === 0 ? early.shift() : undefined;
      }
      // It began before this request was sent: its own request was not seen.
      early.shift();
      this.#context.losses.unpaired++;
    }
    return undefined;
  }

  #pair(request: Waiting, response: Response): void {
    response.request = request;
    const { exchange } = request;
    exchange.status = response.status;
    exchange.mimeType = response.mimeType;
    if (response.endedAt !== undefined) this.#finish(request, response);
  }

  #finish(request: Waiting, response: Response): void {
    if (request.sentAt === undefined && request === this.#request) {
      this.#endedFirst = response;
      return;
    }
    const { exchange } = request;
    exchange.responseBodyBytes = response.bodyBytes;
    // A response that came before the request was over did not keep anyone waiting.
    if (request.sentAt !== undefined) exchange.wait = Math.max(0, response.time - request.sentAt) / 1000;
    exchange.receive = ((response.endedAt ?? response.time) - response.time) / 1000;
    this.#emit(request);
  }

  #giveUp(request: Waiting): void {
    this.#context.losses.unpaired++;
    this.#emit(request);
  }

  #emit(request: Waiting): void {
    request.exchange.retransmissions = this.#flow.retransmissions - request.retransmissionsBefore;
    request.exchange.gaps = this.#flow.gaps - request.gapsBefore;
    this.#context.handler.exchange(request.exchange);
  }

  /** The two ends with the sender of `direction` as the client; the same object for all its requests. */
  #endpoints(direction: 0 | 1): Endpoints {
    if (this.#clientEndpoints && this.#requestDirection === direction) return this.#clientEndpoints;
    const client = this.#ends[direction], server = this.#ends[1 - direction as 0 | 1];
    return this.#clientEndpoints = {
      clientAddress: client.address,
      clientPort: client.port,
      serverAddress: server.address,
      serverPort: server.port,
      clientMac: client.mac,
      serverMac: server.mac,
      vlan: this.#vlan,
    };
  }
}

interface End {
  readonly address: string;
  readonly port: number;
  readonly mac: string | undefined;
}

function endOf(packet: Packet, address: number, port: number, mac: number): End {
  const { bytes, addressLength } = packet;
  return {
    address: addresses.get(bytes, address, address + addressLength),
    port,
    mac: mac < 0 ? undefined : macs.get(bytes, mac, mac + 6),
  };
}

/** True when sequence number `a` comes before `b`. */
function precedes(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

function exchangeOf(
  head: Head,
  bytes: Uint8Array,
  time: number,
  endpoints: Endpoints,
  keepQuery: boolean,
): Exchange {
  const method = cachedText(bytes, head.methodStart, head.methodEnd);
  const target = parseTarget(bytes, head.targetStart, head.targetEnd, method === "CONNECT");
  const authority = target.authority ??
    (head.hostStart >= 0 && head.hostEnd > head.hostStart
      ? authorityOf(bytes, head.hostStart, head.hostEnd)
      : undefined);
  return makeExchange(endpoints, time, {
    method,
    version: head.minorVersion === 1 ? "1.1" : `1.${head.minorVersion}`,
    target,
    authority,
    query: keepQuery ? queryOf(target, bytes) : undefined,
    userAgent: head.agentStart < 0 ? undefined : cachedText(bytes, head.agentStart, head.agentEnd),
    referrer: head.refererStart < 0 ? undefined : referrerOf(bytes, head.refererStart, head.refererEnd),
    protocol: "http",
  });
}

/** A request's body (RFC 9112 section 6.3): none unless its head says so. */
function requestBody(head: Head): BodyPlan {
  if (head.hasTransferEncoding) return head.chunked ? CHUNKED_BODY : CLOSED_BODY;
  return lengthBody(head.contentLength) ?? EMPTY_BODY;
}

/** A response's body (RFC 9112 section 6.3): up to the end of the connection unless something says otherwise. */
function responseBody(head: Head, method: string | undefined): BodyPlan {
  const { status } = head;
  if (status === 101 || (method === "CONNECT" && status < 300)) return NO_MORE_HTTP;
  if (method === "HEAD" || status === 204 || status === 304) return EMPTY_BODY;
  if (head.hasTransferEncoding) return head.chunked ? CHUNKED_BODY : CLOSED_BODY;
  return lengthBody(head.contentLength) ?? CLOSED_BODY;
}

function lengthBody(length: number): BodyPlan | undefined {
  if (length < 0) return undefined;
  return length === 0 ? EMPTY_BODY : { framing: Framing.length, length, ignore: false };
}
