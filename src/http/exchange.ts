/**
 * The exchange: one HTTP request and, when it was seen, its response.
 *
 * @module
 */

import { ByteCache, text } from "../bytes.ts";
import { type Location, milliseconds, type Opening, type Phase } from "../network/opening.ts";
import { Authority, PathBytes } from "./target.ts";

/** The two ends of a flow as exchanges show them: the server is the side that was sent the request. */
export class Endpoints {
  /** What the consumer of exchanges remembers of this client and server: its own, not looked at here. */
  memo: object | undefined = undefined;
  /** How the connection came about, `undefined` when its SYN was not seen. Known from its first request on. */
  opening: Opening | undefined = undefined;
  /** Where the ends are, `undefined` when no address resolution shows it. Known from the first request on. */
  clientLocation: Location | undefined = undefined;
  serverLocation: Location | undefined = undefined;
  #serverAuthority: Authority | undefined;

  constructor(
    readonly clientAddress: string,
    readonly clientPort: number,
    readonly serverAddress: string,
    readonly serverPort: number,
    /** Link layer addresses as `aa:bb:cc:dd:ee:ff`, `undefined` where the link type has none. */
    readonly clientMac: string | undefined,
    readonly serverMac: string | undefined,
    /** Outermost 802.1Q VLAN identifier, `undefined` on untagged frames. */
    readonly vlan: number | undefined,
  ) {}

  /** The server's address, for requests that name no host. */
  get serverAuthority(): Authority {
    return this.#serverAuthority ??= new Authority(this.serverAddress, undefined);
  }
}

/** Of no flow: where an exchange in the pool stands. */
export const NOBODY = new Endpoints("", 0, "", 0, undefined, undefined, undefined);

/** What happened to a connection until now. */
export interface ConnectionTroubles {
  /** False while nothing of all this has. */
  readonly isTroubled: boolean;
  /** Segments with bytes that had been seen before, and holes given up. */
  readonly retransmissions: number;
  readonly gaps: number;
  /** When an end last said that it can take no more, and when an ICMP error was last seen: `NaN` for never. */
  readonly zeroWindowAt: number;
  readonly icmpErrorAt: number;
  readonly resetAt: number | undefined;
}

/**
 * One request with what was seen of its response. Made when the request's header is complete and filled in
 * as the response arrives. Times are microseconds since the epoch, in packet time, `NaN` when not observed.
 *
 * An exchange belongs to whom it is handed over to, who may {@link release} it for the next one to be made of it.
 * Text is made when it is asked for.
 */
export class Exchange {
  endpoints: Endpoints = NOBODY;
  /** When the request's first byte was captured. */
  time = NaN;
  /** When the request's last byte, and the response's first and last, were captured. */
  sentAt = NaN;
  answeredAt = NaN;
  endedAt = NaN;
  method = "";
  /** `"0.9"`, `"1.0"`, `"1.1"`, `"2"` */
  version = "";
  /** Host and port asked for; the server's address when the request named none. */
  authority: Authority = NOBODY.serverAuthority;
  hostMissing = false;
  /** The path as it was sent, without query or fragment. */
  readonly target: PathBytes = new PathBytes();
  /** Query without its `?`; `undefined` unless the request had one and queries are kept. */
  query: string | undefined = undefined;
  userAgent: string | undefined = undefined;
  /** Referrer without user info and query. */
  referrer: string | undefined = undefined;
  requestBodyBytes = 0;
  /** Status of the final response, 0 while none was seen and for HTTP/0.9, which has none. */
  status = 0;
  /** What the exchange carries. */
  protocol: Protocol = "http";
  /** The outcome of a gRPC call, `undefined` when it was not seen. */
  grpcStatus: number | undefined = undefined;
  mimeType: string | undefined = undefined;
  responseBodyBytes = 0;
  /**
   * Retransmitted segments and gaps on the connection while this exchange was open. A body that ended before its time,
   * or whose end could not be told, counts as a gap too.
   */
  retransmissions = 0;
  gaps = 0;
  /** True of the first exchange seen on its connection. */
  isFirst = false;
  /**
   * Whether, while it was open, an end said that it can take no more for now, the connection was reset, and a router or
   * host sent an ICMP error about it.
   */
  hasZeroWindow = false;
  wasReset = false;
  hasIcmpError = false;
  /** What pairs a request on a connection with its response, for the connection alone: where the request began, */
  sequence = 0;
  /** where its response should begin, which is what the client had received when it sent the request, */
  acknowledgement: number | undefined = undefined;
  /** and what had been lost and repeated before. */
  lossesBefore = 0;
  retransmissionsBefore = 0;
  gapsBefore = 0;
  /** What the consumer of exchanges remembers from the request until the exchange has ended. */
  memo: object | undefined = undefined;

  /** Host asked for: lower case, no port, IPv6 literals without brackets. */
  get host(): string {
    return this.authority.host;
  }

  /** Port named beside the host, `undefined` when none was. */
  get port(): number | undefined {
    return this.authority.port;
  }

  /** Path without query or fragment, starting with `/` except for `*` and CONNECT (empty). */
  get path(): string {
    return this.target.path;
  }

  /** First path segment with its slash: `/api` of `/api/v1/x`, `/` for the root. */
  get section(): string {
    return this.target.section;
  }

  /** Whether the connection had carried another exchange before, `undefined` when that is not known. */
  get reused(): boolean | undefined {
    if (!this.isFirst) return true;
    return this.endpoints.opening ? false : undefined;
  }

  /** What came before it, when it is the first on a connection whose SYN was seen. */
  get opening(): Opening | undefined {
    return this.isFirst ? this.endpoints.opening : undefined;
  }

  /** HAR's timings in milliseconds, `undefined` when not observed. */
  get dns(): number | undefined {
    return this.opening?.dns;
  }

  /** What HAR has no word for: how long the address resolution took that the connection waited for. */
  get arp(): number | undefined {
    return this.opening?.arp;
  }

  get connect(): number | undefined {
    return this.opening?.connect;
  }

  get send(): number | undefined {
    return milliseconds(this.time, this.sentAt);
  }

  /** 0 for a response that came before the request was over: it did not keep anyone waiting. */
  get wait(): number | undefined {
    return milliseconds(this.sentAt, this.answeredAt);
  }

  get receive(): number | undefined {
    return milliseconds(this.answeredAt, this.endedAt);
  }

  /** The part of {@link wait} that is not the network's round trip to the server, as the handshake showed that. */
  get server(): number | undefined {
    return milliseconds(0, this.serverMicros);
  }

  /** The same in microseconds: `NaN` when not observed, less than 0 when the network was quicker this time. */
  get serverMicros(): number {
    const { opening } = this.endpoints;
    return opening === undefined ? NaN : this.answeredAt - this.sentAt - opening.networkMicros;
  }

  /** The phases whose times say little, as something was sent again in them or may lack. Empty when there are none. */
  get untrusted(): Phase[] {
    const phases: Phase[] = [];
    const { opening } = this;
    if (opening?.lookup && opening.lookup.retries > 0) phases.push("dns");
    if (opening?.resolution && opening.resolution.requests > 1) phases.push("arp");
    if (opening && opening.handshake.retransmissions > 0) phases.push("connect");
    if (this.retransmissions > 0 || this.gaps > 0) {
      for (const phase of ["send", "wait", "receive"] as const) {
        if (this[phase] !== undefined) phases.push(phase);
      }
    }
    return phases;
  }

  /** Notes how its connection stands when it begins. */
  beginOn(connection: ConnectionTroubles): void {
    this.retransmissionsBefore = connection.retransmissions;
    this.gapsBefore = connection.gaps;
  }

  /** Takes over what happened to its connection since it began. */
  endOn(connection: ConnectionTroubles): void {
    if (!connection.isTroubled) return;
    this.retransmissions = connection.retransmissions - this.retransmissionsBefore;
    this.gaps += connection.gaps - this.gapsBefore;
    this.hasZeroWindow = connection.zeroWindowAt >= this.time;
    this.hasIcmpError = connection.icmpErrorAt >= this.time;
    this.wasReset = connection.resetAt !== undefined;
  }

  /** Sets what is asked for; `undefined` when the request does not say. */
  askFor(authority: Authority | undefined): void {
    const { endpoints } = this;
    this.hostMissing = !authority || authority.host === "";
    this.authority = !this.hostMissing
      ? authority!
      : authority?.port === undefined
      ? endpoints.serverAuthority
      : new Authority(endpoints.serverAddress, authority.port);
  }

  static readonly #pool: Exchange[] = [];

  /**
   * One from the pool or a new one, that begins at `start.time`. All but the fields set here is for the caller to fill in.
   */
  static make(endpoints: Endpoints, start: { readonly time: number }): Exchange {
    const exchange = Exchange.#pool.pop() ?? new Exchange();
    exchange.endpoints = endpoints;
    exchange.time = start.time;
    exchange.sentAt = NaN;
    exchange.answeredAt = NaN;
    exchange.endedAt = NaN;
    exchange.query = undefined;
    exchange.userAgent = undefined;
    exchange.referrer = undefined;
    exchange.requestBodyBytes = 0;
    exchange.status = 0;
    exchange.protocol = "http";
    exchange.grpcStatus = undefined;
    exchange.mimeType = undefined;
    exchange.responseBodyBytes = 0;
    exchange.retransmissions = 0;
    exchange.gaps = 0;
    exchange.isFirst = false;
    exchange.hasZeroWindow = false;
    exchange.wasReset = false;
    exchange.hasIcmpError = false;
    return exchange;
  }

  /** Gives it back. Nothing may use it any more. */
  release(): void {
    this.endpoints = NOBODY;
    this.memo = undefined;
    if (Exchange.#pool.length < MOST_POOLED) Exchange.#pool.push(this);
  }
}

/** Exchanges kept for the next requests at most. */
const MOST_POOLED = 4096;

/** Plain HTTP, or what goes over it. */
export type Protocol = "http" | "grpc" | "websocket";

/** The media type of a `Content-Type` value: without parameters, in lower case. */
export function mimeTypeOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  return mimeTypes.get(bytes, start, end);
}

const mimeTypes = new ByteCache((bytes, start, end) => {
  return text(bytes, start, end).split(";", 1)[0]!.trim().toLowerCase() || undefined;
}, 1024);

/** True for the `Content-Type` values of gRPC: `application/grpc`, `application/grpc+proto`, … */
export function isGrpc(bytes: Uint8Array, start: number, end: number): boolean {
  return mimeTypeOf(bytes, start, end)?.startsWith("application/grpc") ?? false;
}
