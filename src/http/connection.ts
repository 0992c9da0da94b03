/**
 * Requests paired with their responses, over one TCP connection.
 *
 * Pairing is by order as long as nothing was lost. After a loss it is by sequence numbers: a response that begins
 * exactly at what the client had acknowledged when it sent the request, and that the server sent when it had
 * received the request, answers it, provided that the client waits for each response before the next request.
 * Where it may not (it was seen to pipeline, or too little of it was seen before a request was lost), nothing
 * more is paired on the connection. So a loss costs pairs, which are counted, and makes no wrong one.
 *
 * @module
 */

import { ByteCache, formatAddress, formatMac } from "../bytes.ts";
import type { Connection, Flow } from "../stream/flows.ts";
import type { Budget } from "../stream/reassembly.ts";
import type { Packet } from "../wire/packet.ts";
import { Framing } from "./body.ts";
import { elapsed, type Endpoints, type Exchange, makeExchange, mimeTypeOf } from "./exchange.ts";
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
  readonly headBytes: Budget;
  readonly waitingRequests: Budget;
  /** What the header compression of HTTP/2 may remember. */
  readonly headerTables: Budget;
}

/** Requests waiting for their response on one connection at most. */
const MOST_WAITING = 1024;
/** After so many responses, each to the one request that was under way, a client is taken not to pipeline. */
const TRUSTED_TURNS = 3;

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
  readonly sequence: number;
  /** Where its response should begin: what the client had received when it sent the request. */
  acknowledgement: number | undefined;
  /** How many losses there had been before it. */
  readonly losses: number;
  readonly retransmissionsBefore: number;
  readonly gapsBefore: number;
  /** When the request's last byte was captured, `undefined` while its body goes on. */
  sentAt: number | undefined;
}

/** A response and how far it has come. */
interface Response {
  readonly start: MessageStart;
  readonly request: Waiting | undefined;
  bodyBytes: number;
  endedAt: number;
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
  /** The direction of the requests, and whether that is certain. */
  #client: 0 | 1 | undefined;
  #isSettled = false;
  #endpoints: Endpoints | undefined;
  /** Requests without a response, in order. */
  readonly #waiting: Waiting[] = [];
  /** The messages being read. */
  #request: Waiting | undefined;
  #response: Response | undefined;
  /** A response that was over before its request was. */
  #endedFirst: Response | undefined;

  /** How often messages may have passed unseen, and whether that still casts doubt on the order. */
  #losses = 0;
  #inDoubt: boolean;
  /** Responses that began where they do when the client waits for each. */
  #turns = 0;
  #pipelines = false;
  /** True when nothing more can be paired for certain. */
  #hopeless = false;
  /** Requests known to have passed unseen, less responses that had no request. */
  #unseen = 0;
  /** How many of the waiting requests came before the first loss, so that the next responses are theirs. */
  #ordered = 0;
  #lastAcknowledgement: number | undefined;
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
    this.#inDoubt = !fromStart;
    this.handlers = [
      new MessageReader(this.#direction(0), head, context.headBytes, fromStart),
      new MessageReader(this.#direction(1), head, context.headBytes, fromStart),
    ];
  }

  close(): void {
    for (const handler of this.handlers) handler.abandon();
    this.#http2?.close();
    // The request's body is never read to its end when the response ended HTTP on the connection.
    const { request } = this.#endedFirst ?? {};
    if (request) this.#emit(request);
    this.#ordered = 0;
    this.#giveUpWaiting(0);
  }

  #direction(direction: 0 | 1): MessageHandler {
    return {
      head: (head, bytes, start, length) => this.#messageHead(head, bytes, start, length, direction),
      content: (start) => this.#responseContent(start),
      end: (bodyBytes, time, cut) => this.#messageEnd(bodyBytes, time, cut, direction),
      notHttp1: (bytes, begin, end, start) => this.#startHttp2(direction, bytes, begin, end, start),
      lostTrack: (missed) => this.#lostTrack(missed, direction),
      unparsed: () => {
        if (this.#isHttp) this.#context.losses.unparsed++;
      },
    };
  }

  #messageHead(
    head: Head,
    bytes: Uint8Array,
    start: MessageStart,
    length: number,
    direction: 0 | 1,
  ): BodyPlan {
    this.#isHttp = true;
    this.#isHttp1 = true;
    const client = head.isRequest ? direction : 1 - direction as 0 | 1;
    if (client !== this.#client) {
      // What is found after a loss may be part of a body, and is believed of the usual direction alone.
      const isUnlikely = !start.expected && client !== (this.#flow.initiator ?? client);
      if (this.#isSettled || isUnlikely) {
        this.#context.losses.unparsed++;
        return EMPTY_BODY;
      }
      this.#ordered = 0;
      this.#giveUpWaiting(0);
      this.#request = undefined;
      this.#response = undefined;
      this.#client = client;
      this.#isSettled = start.expected || client === this.#flow.initiator;
      this.#endpoints = this.#endpointsOf(client);
    }
    return head.isRequest
      ? this.#requestHead(head, bytes, start)
      : this.#responseHead(head, bytes, start, length);
  }

  #messageEnd(bodyBytes: number, time: number, cut: boolean, direction: 0 | 1): void {
    const request = direction === this.#client ? this.#request : this.#response?.request;
    if (cut && request) request.exchange.gaps++;
    if (direction === this.#client) {
      if (this.#request) this.#requestEnd(this.#request, bodyBytes, time);
    } else if (this.#response) {
      this.#responseEnd(this.#response, bodyBytes, time);
    }
  }

  #requestHead(head: Head, bytes: Uint8Array, start: MessageStart): BodyPlan {
    const { acknowledgement } = start;
    const request: Waiting = {
      exchange: exchangeOf(head, bytes, start.time, this.#endpoints!, this.#context.keepQuery),
      sequence: start.sequence,
      acknowledgement,
      losses: this.#losses,
      retransmissionsBefore: this.#flow.retransmissions,
      gapsBefore: this.#flow.gaps,
      sentAt: undefined,
    };
    this.#request = request;
    this.#waiting.push(request);
    this.#context.waitingRequests.used++;
    this.#context.handler.request(request.exchange);

    // Nothing came between two requests, or what came did not answer the unseen ones before this.
    const didNotWait = acknowledgement !== undefined && acknowledgement === this.#lastAcknowledgement;
    if (didNotWait || (this.#inDoubt && this.#unseen > 0)) this.#pipelines = true;
    this.#lastAcknowledgement = acknowledgement;
    const { waitingRequests } = this.#context;
    const isFull = this.#waiting.length > MOST_WAITING || waitingRequests.used > waitingRequests.limit;
    if (isFull) this.#ordered = 0;
    if (isFull || (this.#pipelines && this.#inDoubt)) this.#giveUpPairing();
    if (head.isSimple) this.handlers[1 - this.#client! as 0 | 1].expectContent();
    return requestBody(head);
  }

  #requestEnd(request: Waiting, bodyBytes: number, time: number): void {
    this.#request = undefined;
    request.sentAt = time;
    request.exchange.requestBodyBytes = bodyBytes;
    request.exchange.send = elapsed(request.exchange.time, time);
    const response = this.#endedFirst;
    if (response?.request === request) {
      this.#endedFirst = undefined;
      this.#finish(request, response);
    }
    if (this.#hopeless) this.#giveUpWaiting(0);
  }

  #responseHead(head: Head, bytes: Uint8Array, start: MessageStart, length: number): BodyPlan {
    const { status } = head;
    // Interim responses precede the final one (RFC 9110 section 15.2); 101 ends HTTP here.
    if (status < 200 && status !== 101) {
      this.#response = undefined;
      const request = this.#waiting.find(({ acknowledgement }) => acknowledgement === start.sequence);
      if (request) request.acknowledgement = (start.sequence + length) | 0;
      return EMPTY_BODY;
    }
    const request = this.#beginResponse(start);
    if (status === 101 && head.upgradesTo(bytes, H2C)) {
      // The final response comes as HTTP/2.
      this.#response = undefined;
      const http2 = this.#switchToHttp2(true);
      if (request) {
        this.#context.waitingRequests.used--;
        http2.adopt(request);
      }
      return NO_MORE_HTTP;
    }
    if (request) {
      this.#isSettled = true;
      request.exchange.status = status;
      request.exchange.mimeType = head.typeStart < 0
        ? undefined
        : mimeTypeOf(bytes, head.typeStart, head.typeEnd);
    } else {
      this.#countUnasked();
    }
    const plan = responseBody(head, request?.exchange.method);
    if (!plan.ignore) return plan;
    if (status === 101) {
      if (request && head.upgradesTo(bytes, WEBSOCKET)) request.exchange.protocol = "websocket";
      for (const handler of this.handlers) handler.ignore();
    } else {
      // A tunnel may carry HTTP/2.
      this.#switchToHttp2(false);
    }
    return plan;
  }

  /** A response of HTTP/0.9, which has no status. */
  #responseContent(start: MessageStart): void {
    if (this.#beginResponse(start)) this.#isSettled = true;
    else this.#countUnasked();
  }

  #beginResponse(start: MessageStart): Waiting | undefined {
    const request = this.#takeWaiting(start);
    this.#response = { start, request, bodyBytes: 0, endedAt: start.time };
    return request;
  }

  #countUnasked(): void {
    this.#unseen--;
    this.#context.losses.unpaired++;
  }

  #responseEnd(response: Response, bodyBytes: number, time: number): void {
    this.#response = undefined;
    response.bodyBytes = bodyBytes;
    response.endedAt = time;
    if (response.request) this.#finish(response.request, response);
  }

  /** Leaves both directions to HTTP/2, from where the messages under way end. */
  #switchToHttp2(isHttp2: boolean): Http2Connection {
    const http2 = this.#makeHttp2(this.#client, isHttp2);
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
    if (!opposite.started && isPreface && start.acknowledgement !== undefined) {
      http2.handlers[other].expect(start.acknowledgement);
    } else if (!opposite.fromSyn || opposite.next !== opposite.base) http2.handlers[other].lose();
    return true;
  }

  #makeHttp2(client: 0 | 1 | undefined, isHttp2: boolean): Http2Connection {
    const endpoints = (client: 0 | 1) => this.#endpointsOf(client);
    return this.#http2 = new Http2Connection(this.#context, this.#flow, endpoints, client, isHttp2);
  }

  /** The request that a response answers; those that it shows to be unanswered are given up. */
  #takeWaiting(response: MessageStart): Waiting | undefined {
    const waiting = this.#waiting;
    const isOrdered = this.#ordered > 0;
    if (this.#inDoubt && !isOrdered) return this.#takeCertain(response);
    const expected = waiting[0]?.acknowledgement;
    // A response that began before the request was sent answers another one.
    if (expected !== undefined && precedes(response.sequence, expected)) return undefined;
    if (expected === response.sequence) this.#turns++;
    else if (expected !== undefined) this.#pipelines = true;
    if (isOrdered) this.#ordered--;
    else if (waiting.length > 0) this.#unseen = 0;
    return waiting.shift();
  }

  /** After a loss: the request that a response answers, if that is certain. */
  #takeCertain(response: MessageStart): Waiting | undefined {
    if (this.#hopeless) return undefined;
    const waiting = this.#waiting;
    const at = waiting.findIndex(({ acknowledgement }) => acknowledgement === response.sequence);
    const request = waiting[at];
    if (!request) return undefined;
    const { acknowledgement } = response;
    const wasReceived = acknowledgement === undefined || precedes(request.sequence, acknowledgement);
    if (!wasReceived) return undefined;
    // Of several requests before it, one may have been sent before the response to another was over.
    if (at > 1 && this.#turns < TRUSTED_TURNS) {
      this.#giveUpPairing();
      return undefined;
    }
    this.#giveUp(0, at);
    this.#turns++;
    if (request.losses === this.#losses) {
      this.#inDoubt = false;
      this.#unseen = 0;
    }
    return waiting.shift();
  }

  #lostTrack(missed: boolean, direction: 0 | 1): void {
    this.#losses++;
    const isOfResponses = direction !== (this.#client ?? direction);
    if (isOfResponses) this.#ordered = 0;
    else if (!this.#inDoubt) this.#ordered = this.#waiting.length;
    this.#inDoubt = true;
    if (isOfResponses) {
      // Any number of responses to what was not seen may have passed as well.
      this.#unseen = -Infinity;
    } else if (missed) {
      this.#unseen++;
      if (this.#turns < TRUSTED_TURNS) this.#pipelines = true;
    }
    if (this.#pipelines) this.#giveUpPairing();
  }

  /** Pairs nothing more but what is still in order: requests are given up as soon as they are over. */
  #giveUpPairing(): void {
    this.#hopeless = true;
    this.#inDoubt = true;
    this.#pipelines = true;
    this.#giveUpWaiting(this.#request ? 1 : 0);
  }

  /** Gives up all waiting requests but those that are still in order and the last `kept`. */
  #giveUpWaiting(kept: 0 | 1): void {
    this.#giveUp(this.#ordered, this.#waiting.length - kept);
  }

  /** Gives up the waiting requests from position `begin` up to `end`. */
  #giveUp(begin: number, end: number): void {
    const requests = this.#waiting.splice(begin, Math.max(0, end - begin));
    this.#context.losses.unpaired += requests.length;
    for (const request of requests) this.#emit(request);
  }

  #finish(request: Waiting, response: Response): void {
    if (request.sentAt === undefined && request === this.#request) {
      this.#endedFirst = response;
      return;
    }
    const { exchange } = request;
    exchange.responseBodyBytes = response.bodyBytes;
    const { time } = response.start;
    // A response that came before the request was over did not keep anyone waiting.
    if (request.sentAt !== undefined) exchange.wait = elapsed(request.sentAt, time);
    exchange.receive = elapsed(time, response.endedAt);
    this.#emit(request);
  }

  #emit(request: Waiting): void {
    this.#context.waitingRequests.used--;
    request.exchange.retransmissions = this.#flow.retransmissions - request.retransmissionsBefore;
    request.exchange.gaps += this.#flow.gaps - request.gapsBefore;
    this.#context.handler.exchange(request.exchange);
  }

  /** The two ends with the sender of direction `client` as the client. */
  #endpointsOf(client: 0 | 1): Endpoints {
    const from = this.#ends[client], to = this.#ends[1 - client as 0 | 1];
    return {
      clientAddress: from.address,
      clientPort: from.port,
      serverAddress: to.address,
      serverPort: to.port,
      clientMac: from.mac,
      serverMac: to.mac,
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
    version: head.isSimple ? "0.9" : head.minorVersion === 1 ? "1.1" : `1.${head.minorVersion}`,
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
  if (head.isSimple) return NO_MORE_HTTP;
  if (head.hasTransferEncoding) return head.chunked ? CHUNKED_BODY : CLOSED_BODY;
  return lengthBody(head.contentLength) ?? EMPTY_BODY;
}

/** A response's body (RFC 9112 section 6.3): up to the end of the connection unless something says otherwise. */
function responseBody(head: Head, method: string | undefined): BodyPlan {
  const { status } = head;
  if (status === 101 || (method === "CONNECT" && status < 300)) return NO_MORE_HTTP;
  if (method === "HEAD" || status === 204 || status === 304) return EMPTY_BODY;
  const plan = head.hasTransferEncoding
    ? head.chunked ? CHUNKED_BODY : CLOSED_BODY
    : lengthBody(head.contentLength) ?? CLOSED_BODY;
  // A request that was not seen may have been a HEAD.
  return method === undefined ? { ...plan, mayBeEmpty: true } : plan;
}

function lengthBody(length: number): BodyPlan | undefined {
  if (length < 0) return undefined;
  return length === 0 ? EMPTY_BODY : { framing: Framing.length, length, ignore: false };
}
