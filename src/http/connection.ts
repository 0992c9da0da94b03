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

import type { Frame } from "../frame.ts";
import { addressOf, macOf } from "../network/addresses.ts";
import type { Lifecycle } from "../network/lifecycle.ts";
import type { Connection, Flow } from "../stream/flows.ts";
import type { Budget } from "../stream/reassembly.ts";
import type { Packet } from "../wire/packet.ts";
import { Framing } from "./body.ts";
import { Endpoints, Exchange, mimeTypeOf, NOBODY } from "./exchange.ts";
import { Head } from "./http1.ts";
import { Http2Connection, showsMessage } from "./http2.ts";
import { Http2Start, http2Start } from "./http2_frames.ts";
import { type BodyPlan, type MessageHandler, MessageReader, type MessageStart } from "./messages.ts";
import {
  type Authority,
  authorityOf,
  cachedText,
  LONGEST_PATH,
  parseTarget,
  queryOf,
  referrerOf,
} from "./target.ts";
import type { UsualHead } from "./usual_head.ts";

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
  /** False when nobody looks at what only records show: query, user agent, referrer and media type. */
  readonly details: boolean;
  /** What knows how connections came about, `undefined` when nobody asks. */
  readonly lifecycle: Lifecycle | undefined;
  /** Where heads of the usual form are read to. */
  readonly usualHead: UsualHead;
  /** Ports on which everything should be HTTP: what is not counts as unparsed. */
  readonly ports: ReadonlySet<number>;
  readonly headBytes: Budget;
  readonly waitingRequests: Budget;
  /** What the header compression of HTTP/2 may remember. */
  readonly headerTables: Budget;
  /** Connections to be made new. */
  readonly closedConnections: HttpConnection[];
}

/** Closed connections kept for new ones at most. */
const MOST_POOLED = 1024;
/** Requests waiting for their response on one connection at most. */
const MOST_WAITING = 1024;
const LETTER_G = 0x47, LETTER_E = 0x45, LETTER_T = 0x54;
/** After so many responses, each to the one request that was under way, a client is taken not to pipeline. */
const TRUSTED_TURNS = 3;

const EMPTY_BODY: BodyPlan = { framing: Framing.none, length: 0, ignore: false, mayBeEmpty: false };
const CHUNKED_BODY: BodyPlan = { ...EMPTY_BODY, framing: Framing.chunked };
const CLOSED_BODY: BodyPlan = { ...EMPTY_BODY, framing: Framing.untilClose };
const NO_MORE_HTTP: BodyPlan = { ...EMPTY_BODY, ignore: true };
/** Of a body whose length is known; made new for each, as a plan is used at once. */
const LENGTH_BODY = { ...EMPTY_BODY, framing: Framing.length };

/** Protocols that a response may switch to, as `Upgrade` names them. */
const H2C = new TextEncoder().encode("h2c");
const WEBSOCKET = new TextEncoder().encode("websocket");

/** Heads are read one at a time, so one is enough for all connections. */
const head = new Head();

/** HTTP on one TCP connection. Either end may turn out to be the client. Pooled: {@link open} makes it new. */
export class HttpConnection implements Connection, MessageHandler {
  /** By direction; made when something is sent in it for the first time. */
  readonly #readers: [MessageReader | undefined, MessageReader | undefined] = [undefined, undefined];
  readonly #context: HttpContext;
  #flow: Flow;
  /** The two ends, with the one that sends in direction 0 as the client. */
  #ends: Endpoints;
  /** The same with the other end as the client, once that was asked for. */
  #turned: Endpoints | undefined = undefined;
  /** As {@link Packet.network}. */
  #network = 0;
  #fromStart = false;
  /** True until the first request. */
  #isNew = true;
  /** True once a message was read: from then on what cannot be read is a loss. */
  #isHttp = false;
  /** The direction of the requests, and whether that is certain. */
  #client: 0 | 1 | undefined = undefined;
  #isSettled = false;
  #endpoints: Endpoints | undefined = undefined;
  /** Requests without a response, in order. */
  readonly #waiting: Exchange[] = [];
  /** The request being read, and the one whose response is being read. */
  #request: Exchange | undefined = undefined;
  #answered: Exchange | undefined = undefined;
  /** The request that was still being sent when its response was over. */
  #endedFirst: Exchange | undefined = undefined;

  /** How often messages may have passed unseen, and whether that still casts doubt on the order. */
  #losses = 0;
  #inDoubt = false;
  /** Responses that began where they do when the client waits for each. */
  #turns = 0;
  #pipelines = false;
  /** True when nothing more can be paired for certain. */
  #hopeless = false;
  /** Requests known to have passed unseen, less responses that had no request. */
  #unseen = 0;
  /** How many of the waiting requests came before the first loss, so that the next responses are theirs. */
  #ordered = 0;
  #lastAcknowledgement: number | undefined = undefined;
  /** True once a message of HTTP/1 was read. */
  #isHttp1 = false;
  /** What takes over when the connection becomes HTTP/2. */
  #http2: Http2Connection | undefined = undefined;

  private constructor(context: HttpContext, flow: Flow) {
    this.#context = context;
    this.#flow = flow;
    this.#ends = NOBODY;
  }

  /** @param packet The first segment with payload, sent in `direction`. */
  static open(context: HttpContext, flow: Flow, packet: Packet, direction: 0 | 1): HttpConnection {
    const connection = context.closedConnections.pop() ?? new HttpConnection(context, flow);
    connection.#begin(flow, packet, direction);
    return connection;
  }

  #begin(flow: Flow, packet: Packet, direction: 0 | 1): void {
    const { ports } = this.#context;
    this.#flow = flow;
    this.#ends = endsOf(packet, direction, flow);
    this.#turned = undefined;
    this.#network = packet.network;
    this.#isNew = true;
    this.#fromStart = flow.streams[0].fromSyn || flow.streams[1].fromSyn;
    this.#readers[0]?.begin(this.#fromStart);
    this.#readers[1]?.begin(this.#fromStart);
    this.#isHttp = ports.has(packet.sourcePort) || ports.has(packet.destinationPort);
    this.#client = undefined;
    this.#isSettled = false;
    this.#endpoints = undefined;
    this.#request = undefined;
    this.#answered = undefined;
    this.#endedFirst = undefined;
    this.#losses = 0;
    this.#inDoubt = !this.#fromStart;
    this.#turns = 0;
    this.#pipelines = false;
    this.#hopeless = false;
    this.#unseen = 0;
    this.#ordered = 0;
    this.#lastAcknowledgement = undefined;
    this.#isHttp1 = false;
    this.#http2 = undefined;
  }

  handler(direction: 0 | 1): MessageReader {
    const known = this.#readers[direction];
    if (known) return known;
    const reader = new MessageReader(this, direction, head, this.#context.headBytes);
    reader.begin(this.#fromStart);
    return this.#readers[direction] = reader;
  }

  close(): void {
    for (const reader of this.#readers) reader?.abandon();
    this.#http2?.close();
    // The request's body is never read to its end when the response ended HTTP on the connection.
    if (this.#endedFirst) this.#emit(this.#endedFirst);
    this.#ordered = 0;
    this.#giveUpWaiting(0);
    this.#ends = NOBODY;
    this.#turned = undefined;
    this.#endpoints = undefined;
    this.#http2 = undefined;
    if (this.#context.closedConnections.length < MOST_POOLED) this.#context.closedConnections.push(this);
  }

  inOrder(
    frame: Frame,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number,
    direction: 0 | 1,
  ): void {
    const reader = this.#readers[direction] ?? this.handler(direction);
    let at = start;
    if (reader.expectsMessage) {
      const behind = this.usual(frame, start, end, sequence, acknowledgement, direction);
      if (behind >= 0) {
        reader.tookMessage(frame);
        at = behind;
      }
    }
    if (at < end) reader.data(frame.bytes, at, end, (sequence + at - start) | 0, acknowledgement, frame.time);
  }

  usual(
    frame: Frame,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number,
    direction: 0 | 1,
  ): number {
    if (this.#inDoubt || this.#http2 || this.#request) return -1;
    return direction === this.#client
      ? this.#usualRequest(frame, start, end, sequence, acknowledgement)
      : this.#usualResponse(frame, start, end, sequence);
  }

  /** A request without a body, on a connection where no other is under way. */
  #usualRequest(frame: Frame, start: number, end: number, sequence: number, acknowledgement: number): number {
    const { waitingRequests, handler, details, keepQuery, usualHead } = this.#context;
    const { bytes, view } = frame;
    if (
      this.#waiting.length > 0 || acknowledgement === this.#lastAcknowledgement ||
      waitingRequests.used >= waitingRequests.limit || !usualHead.request(bytes, view, start, end) ||
      usualHead.contentLength >= 0 || usualHead.pathEnd - usualHead.methodEnd > LONGEST_PATH
    ) {
      return -1;
    }
    const { methodEnd, pathEnd } = usualHead;
    const exchange = Exchange.make(this.#endpoints!, frame);
    exchange.sentAt = exchange.time;
    exchange.method = methodOf(bytes, start, methodEnd);
    exchange.version = "1.1";
    exchange.target.takeWords(view, methodEnd + 1, pathEnd, usualHead.sectionEnd);
    exchange.askFor(hostOf(usualHead, bytes));
    if (details) takeDetails(exchange, usualHead, bytes, pathEnd, usualHead.targetEnd, keepQuery);
    this.#wait(exchange, sequence, acknowledgement);
    this.#lastAcknowledgement = acknowledgement;
    handler.request(exchange);
    return usualHead.end;
  }

  /** A response that is whole, to the one request that is under way. */
  #usualResponse(frame: Frame, start: number, end: number, sequence: number): number {
    const { bytes, view } = frame;
    if (this.#waiting.length !== 1) return -1;
    const exchange = this.#waiting[0]!;
    const { usualHead } = this.#context;
    if (exchange.acknowledgement !== sequence || !usualHead.response(bytes, view, start, end)) return -1;
    const { status, contentLength } = usualHead;
    const messageEnd = usualHead.end + contentLength;
    // What else says how long a body is, is left to others.
    if (
      contentLength < 0 || messageEnd > end || status < 200 || status === 204 || status === 304 ||
      exchange.method === "HEAD" || exchange.method === "CONNECT"
    ) {
      return -1;
    }
    this.#waiting.pop();
    this.#turns++;
    this.#unseen = 0;
    this.#isSettled = true;
    exchange.status = status;
    if (usualHead.typeStart >= 0 && this.#context.details) {
      exchange.mimeType = mimeTypeOf(bytes, usualHead.typeStart, usualHead.typeEnd);
    }
    exchange.answeredAt = frame.time;
    exchange.endedAt = frame.time;
    exchange.responseBodyBytes = contentLength;
    this.#emit(exchange);
    return messageEnd;
  }

  unparsed(): void {
    if (this.#isHttp) this.#context.losses.unparsed++;
  }

  head(
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
      this.#answered = undefined;
      this.#client = client;
      this.#isSettled = start.expected || client === this.#flow.initiator;
      this.#endpoints = this.#endpointsOf(client);
    }
    return head.isRequest
      ? this.#requestHead(head, bytes, start)
      : this.#responseHead(head, bytes, start, length);
  }

  messageEnd(bodyBytes: number, time: number, cut: boolean, direction: 0 | 1): void {
    const isRequest = direction === this.#client;
    const request = isRequest ? this.#request : this.#answered;
    if (!request) return;
    if (cut) request.gaps++;
    if (isRequest) this.#requestEnd(request, bodyBytes, time);
    else this.#responseEnd(request, bodyBytes, time);
  }

  #requestHead(head: Head, bytes: Uint8Array, start: MessageStart): BodyPlan {
    const { acknowledgement } = start;
    const exchange = exchangeOf(head, bytes, start, this.#endpoints!, this.#context);
    this.#request = exchange;
    this.#wait(exchange, start.sequence, acknowledgement);
    this.#context.handler.request(exchange);

    // Nothing came between two requests, or what came did not answer the unseen ones before this.
    const didNotWait = acknowledgement !== undefined && acknowledgement === this.#lastAcknowledgement;
    if (didNotWait || (this.#inDoubt && this.#unseen > 0)) this.#pipelines = true;
    this.#lastAcknowledgement = acknowledgement;
    const { waitingRequests } = this.#context;
    const isFull = this.#waiting.length > MOST_WAITING || waitingRequests.used > waitingRequests.limit;
    if (isFull) this.#ordered = 0;
    if (isFull || (this.#pipelines && this.#inDoubt)) this.#giveUpPairing();
    if (head.isSimple) this.handler(1 - this.#client! as 0 | 1).expectContent();
    return requestBody(head);
  }

  /** Lets a request wait for its response. */
  #wait(exchange: Exchange, sequence: number, acknowledgement: number | undefined): void {
    exchange.sequence = sequence;
    exchange.acknowledgement = acknowledgement;
    exchange.lossesBefore = this.#losses;
    exchange.beginOn(this.#flow);
    if (this.#isNew) this.#noteFirst(exchange);
    this.#waiting.push(exchange);
    this.#context.waitingRequests.used++;
  }

  /** Joins what came before the connection to its first exchange. */
  #noteFirst(exchange: Exchange): void {
    if (!this.#isNew) return;
    this.#isNew = false;
    exchange.isFirst = true;
    const { lifecycle } = this.#context;
    if (!lifecycle) return;
    const { endpoints } = exchange, { initiator, handshake } = this.#flow;
    // What the handshake says of its client holds for the sender of requests only, and for the first of them, which may have
    // passed unseen.
    const isClient = initiator !== undefined && endpoints === this.#endpointsOf(initiator);
    const isOpening = isClient && this.#flow.gaps === 0;
    lifecycle.join(endpoints, this.#network, isOpening ? handshake : undefined, exchange.host);
  }

  #requestEnd(request: Exchange, bodyBytes: number, time: number): void {
    this.#request = undefined;
    request.sentAt = time;
    request.requestBodyBytes = bodyBytes;
    if (this.#endedFirst === request) {
      this.#endedFirst = undefined;
      this.#emit(request);
    }
    if (this.#hopeless) this.#giveUpWaiting(0);
  }

  #responseHead(head: Head, bytes: Uint8Array, start: MessageStart, length: number): BodyPlan {
    const { status } = head;
    // Interim responses precede the final one (RFC 9110 section 15.2); 101 ends HTTP here.
    if (status < 200 && status !== 101) {
      this.#answered = undefined;
      const request = this.#waiting.find(({ acknowledgement }) => acknowledgement === start.sequence);
      if (request) request.acknowledgement = (start.sequence + length) | 0;
      return EMPTY_BODY;
    }
    const request = this.#beginResponse(start);
    if (status === 101 && head.upgradesTo(bytes, H2C)) {
      // The final response comes as HTTP/2.
      this.#answered = undefined;
      const http2 = this.#switchToHttp2(true);
      if (request) {
        this.#context.waitingRequests.used--;
        request.answeredAt = NaN;
        http2.adopt(request);
        // From here on it is not this connection's: what is left of its body tells nothing more.
        if (request === this.#request) this.#request = undefined;
      }
      return NO_MORE_HTTP;
    }
    if (request) {
      this.#isSettled = true;
      request.status = status;
      if (head.typeStart >= 0 && this.#context.details) {
        request.mimeType = mimeTypeOf(bytes, head.typeStart, head.typeEnd);
      }
    } else {
      this.#countUnasked();
    }
    const plan = responseBody(head, request?.method);
    if (!plan.ignore) return plan;
    if (status === 101) {
      if (request && head.upgradesTo(bytes, WEBSOCKET)) request.protocol = "websocket";
      this.handler(0).ignore();
      this.handler(1).ignore();
    } else {
      // A tunnel may carry HTTP/2.
      this.#switchToHttp2(false);
    }
    return plan;
  }

  /** A response of HTTP/0.9, which has no status. */
  content(start: MessageStart): void {
    if (this.#beginResponse(start)) this.#isSettled = true;
    else this.#countUnasked();
  }

  #beginResponse(start: MessageStart): Exchange | undefined {
    const request = this.#takeWaiting(start);
    if (request) request.answeredAt = start.time;
    return this.#answered = request;
  }

  #countUnasked(): void {
    this.#unseen--;
    this.#context.losses.unpaired++;
  }

  #responseEnd(request: Exchange, bodyBytes: number, time: number): void {
    this.#answered = undefined;
    request.responseBodyBytes = bodyBytes;
    request.endedAt = time;
    if (request === this.#request) this.#endedFirst = request;
    else this.#emit(request);
  }

  /** Leaves both directions to HTTP/2, from where the messages under way end. */
  #switchToHttp2(isHttp2: boolean): Http2Connection {
    const http2 = this.#makeHttp2(this.#client, isHttp2);
    for (const direction of [0, 1] as const) {
      const handler = http2.handlers[direction];
      if (!this.handler(direction).handOver(handler)) handler.lose();
    }
    return http2;
  }

  /**
   * Leaves both directions to HTTP/2 if `bytes[begin, end)`, which are no message of HTTP/1, can be nothing else: the
   * client's preface, the server's first frame, or frames of a connection that was met in the middle.
   */
  notHttp1(bytes: Uint8Array, begin: number, end: number, start: MessageStart, direction: 0 | 1): boolean {
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
    this.handler(direction).handOver(http2.handlers[direction]);
    this.handler(other).handOver(http2.handlers[other]);
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
    const noteFirst = (exchange: Exchange) => this.#noteFirst(exchange);
    return this.#http2 = new Http2Connection(
      this.#context,
      this.#flow,
      endpoints,
      noteFirst,
      client,
      isHttp2,
    );
  }

  /** The request that a response answers; those that it shows to be unanswered are given up. */
  #takeWaiting(response: MessageStart): Exchange | undefined {
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
    // Mostly there is one.
    return waiting.length === 1 ? waiting.pop() : waiting.shift();
  }

  /** After a loss: the request that a response answers, if that is certain. */
  #takeCertain(response: MessageStart): Exchange | undefined {
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
    if (request.lossesBefore === this.#losses) {
      this.#inDoubt = false;
      this.#unseen = 0;
    }
    return waiting.shift();
  }

  lostTrack(missed: boolean, direction: 0 | 1): void {
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
    if (begin >= end) return;
    const requests = this.#waiting.splice(begin, end - begin);
    this.#context.losses.unpaired += requests.length;
    for (const request of requests) this.#emit(request);
  }

  #emit(exchange: Exchange): void {
    this.#context.waitingRequests.used--;
    exchange.endOn(this.#flow);
    this.#context.handler.exchange(exchange);
  }

  /** The two ends with the sender of direction `client` as the client. */
  #endpointsOf(client: 0 | 1): Endpoints {
    if (client === 0) return this.#ends;
    return this.#turned ??= turned(this.#ends);
  }
}

/** The ends of a packet that was sent in `direction`, with the sender in direction 0 as the client. */
function endsOf(packet: Packet, direction: 0 | 1, { senders }: Flow): Endpoints {
  const { source, destination, sourcePort, destinationPort, vlan } = packet;
  const sender = addressOf(packet, source), receiver = addressOf(packet, destination);
  const senderMac = macOf(packet, packet.sourceMac);
  const receiverMac = macOf(packet, packet.destinationMac) ?? senders?.[1 - direction];
  const tag = vlan < 0 ? undefined : vlan;
  return direction === 0
    ? new Endpoints(sender, sourcePort, receiver, destinationPort, senderMac, receiverMac, tag)
    : new Endpoints(receiver, destinationPort, sender, sourcePort, receiverMac, senderMac, tag);
}

/** The same two ends with client and server exchanged. */
function turned(ends: Endpoints): Endpoints {
  const { clientAddress, clientPort, serverAddress, serverPort, clientMac, serverMac, vlan } = ends;
  return new Endpoints(serverAddress, serverPort, clientAddress, clientPort, serverMac, clientMac, vlan);
}

/** True when sequence number `a` comes before `b`. */
function precedes(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

function exchangeOf(
  head: Head,
  bytes: Uint8Array,
  start: MessageStart,
  endpoints: Endpoints,
  { keepQuery, details }: HttpContext,
): Exchange {
  const exchange = Exchange.make(endpoints, start);
  exchange.method = methodOf(bytes, head.methodStart, head.methodEnd);
  exchange.version = head.isSimple ? "0.9" : head.minorVersion === 1 ? "1.1" : `1.${head.minorVersion}`;
  const isConnect = exchange.method === "CONNECT";
  const target = parseTarget(bytes, head.targetStart, head.targetEnd, isConnect, exchange.target);
  exchange.askFor(target.authority ?? hostOf(head, bytes));
  if (details) takeDetails(exchange, head, bytes, target.pathEnd, target.end, keepQuery);
  return exchange;
}

/** The host that a head's field names. */
function hostOf({ hostStart, hostEnd }: Head | UsualHead, bytes: Uint8Array): Authority | undefined {
  return hostStart >= 0 && hostEnd > hostStart ? authorityOf(bytes, hostStart, hostEnd) : undefined;
}

/** Takes what only records show; the target ends at `targetEnd` and its path at `pathEnd`. */
function takeDetails(
  exchange: Exchange,
  { agentStart, agentEnd, refererStart, refererEnd }: Head | UsualHead,
  bytes: Uint8Array,
  pathEnd: number,
  targetEnd: number,
  keepQuery: boolean,
): void {
  if (keepQuery) exchange.query = queryOf(bytes, pathEnd, targetEnd);
  if (agentStart >= 0) exchange.userAgent = cachedText(bytes, agentStart, agentEnd);
  if (refererStart >= 0) exchange.referrer = referrerOf(bytes, refererStart, refererEnd);
}

function methodOf(bytes: Uint8Array, start: number, end: number): string {
  const isGet = end - start === 3 && bytes[start] === LETTER_G && bytes[start + 1] === LETTER_E &&
    bytes[start + 2] === LETTER_T;
  return isGet ? "GET" : cachedText(bytes, start, end);
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
  if (length === 0) return EMPTY_BODY;
  LENGTH_BODY.length = length;
  return LENGTH_BODY;
}
