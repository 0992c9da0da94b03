/**
 * The exchange: one HTTP request and, when it was seen, its response.
 *
 * @module
 */

import { ByteCache, text } from "../bytes.ts";
import { rfc3339 } from "../time.ts";
import type { Authority, Target } from "./target.ts";

/** The two ends of a flow as exchanges show them: the server is the side that was sent the request. */
export interface Endpoints {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Link layer addresses as `aa:bb:cc:dd:ee:ff`, `undefined` where the link type has none. */
  readonly clientMac: string | undefined;
  readonly serverMac: string | undefined;
  /** Outermost 802.1Q VLAN identifier, `undefined` on untagged frames. */
  readonly vlan: number | undefined;
}

/**
 * One request with what was seen of its response. Made when the request's header is complete and filled in
 * as the response arrives. Times are microseconds since the epoch, in packet time.
 */
export interface Exchange {
  readonly endpoints: Endpoints;
  /** When the request's first byte was captured. */
  readonly time: number;
  readonly method: string;
  /** `"0.9"`, `"1.0"`, `"1.1"`, `"2"` */
  readonly version: string;
  /** Host asked for: lower case, no port, IPv6 literals without brackets. */
  readonly host: string;
  /** True when the request named no host and `host` is the server's address. */
  readonly hostMissing: boolean;
  /** Port named beside the host, `undefined` when none was. */
  readonly port: number | undefined;
  /** Path without query or fragment, starting with `/` except for `*` and CONNECT (empty). */
  readonly path: string;
  /** Query without its `?`; `undefined` unless the request had one and queries are kept. */
  readonly query: string | undefined;
  /** First path segment with its slash: `/api` of `/api/v1/x`, `/` for the root. */
  readonly section: string;
  readonly userAgent: string | undefined;
  /** Referrer without user info and query. */
  readonly referrer: string | undefined;
  requestBodyBytes: number;
  /** Status of the final response, 0 while none was seen and for HTTP/0.9, which has none. */
  status: number;
  /** What the exchange carries; plain HTTP when absent. */
  protocol?: Protocol;
  /** The outcome of a gRPC call, `undefined` when it was not seen. */
  grpcStatus?: number | undefined;
  mimeType: string | undefined;
  responseBodyBytes: number;
  /** HAR timings in milliseconds, `undefined` when not observed. */
  send: number | undefined;
  wait: number | undefined;
  receive: number | undefined;
  /**
   * Retransmitted segments and gaps on the connection while this exchange was open. A body that ended before its time,
   * or whose end could not be told, counts as a gap too.
   */
  retransmissions: number;
  gaps: number;
}

/** Plain HTTP, or what goes over it. */
export type Protocol = "http" | "grpc" | "websocket";

/** What a request's header says, whatever the version of HTTP. */
export interface RequestHead {
  readonly method: string;
  readonly version: string;
  readonly target: Target;
  /** Host asked for, in the target or a field, `undefined` when none was. */
  readonly authority: Authority | undefined;
  /** `undefined` unless there is one and queries are kept. */
  readonly query: string | undefined;
  readonly userAgent: string | undefined;
  readonly referrer: string | undefined;
  readonly protocol: Protocol;
}

/** The exchange that a request begins, whose first byte was captured at `time`. */
export function makeExchange(endpoints: Endpoints, time: number, head: RequestHead): Exchange {
  const { target, authority } = head;
  return {
    endpoints,
    time,
    method: head.method,
    version: head.version,
    host: authority?.host || endpoints.serverAddress,
    hostMissing: !authority?.host,
    port: authority?.port,
    path: target.path,
    query: head.query,
    section: target.section,
    userAgent: head.userAgent,
    referrer: head.referrer,
    requestBodyBytes: 0,
    status: 0,
    protocol: head.protocol,
    grpcStatus: undefined,
    mimeType: undefined,
    responseBodyBytes: 0,
    send: undefined,
    wait: undefined,
    receive: undefined,
    retransmissions: 0,
    gaps: 0,
  };
}

/** Milliseconds from one moment to a later one, 0 when the capture's clock went back in between. */
export function elapsed(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}

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

/** An exchange as `-o ndjson` writes it: flat, with Elastic Common Schema names, `undefined` what was not observed. */
export type ExchangeRecord = Readonly<Record<string, string | number | boolean | undefined>>;

/** The record of an exchange. */
export function toRecord(exchange: Exchange): ExchangeRecord {
  const { endpoints } = exchange;
  const answered = exchange.status !== 0;
  const hasResponse = answered || exchange.responseBodyBytes > 0;
  return {
    "@timestamp": rfc3339(exchange.time),
    "client.ip": endpoints.clientAddress,
    "client.port": endpoints.clientPort,
    "server.ip": endpoints.serverAddress,
    "server.port": endpoints.serverPort,
    "client.mac": endpoints.clientMac,
    "server.mac": endpoints.serverMac,
    "network.vlan.id": endpoints.vlan,
    "network.protocol": exchange.protocol ?? "http",
    "http.request.method": exchange.method,
    "http.version": exchange.version,
    "url.domain": exchange.host,
    "host.missing": exchange.hostMissing || undefined,
    "url.port": exchange.port,
    "url.path": exchange.path,
    "url.query": exchange.query,
    section: exchange.section,
    "http.response.status_code": answered ? exchange.status : undefined,
    "http.response.mime_type": exchange.mimeType,
    "rpc.grpc.status_code": exchange.grpcStatus,
    "http.request.body.bytes": exchange.requestBodyBytes,
    "http.response.body.bytes": hasResponse ? exchange.responseBodyBytes : undefined,
    "user_agent.original": exchange.userAgent,
    "http.request.referrer": exchange.referrer,
    "timings.send": exchange.send,
    "timings.wait": exchange.wait,
    "timings.receive": exchange.receive,
    "tcp.retransmissions": exchange.retransmissions,
    "tcp.gaps": exchange.gaps,
  };
}
