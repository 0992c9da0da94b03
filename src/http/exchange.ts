/**
 * The exchange: one HTTP request and, when it was seen, its response.
 *
 * @module
 */

import { rfc3339 } from "../time.ts";

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
  /** `"1.0"`, `"1.1"`, … */
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
  /** Status of the final response, 0 while none was seen. */
  status: number;
  mimeType: string | undefined;
  responseBodyBytes: number;
  /** HAR timings in milliseconds, `undefined` when not observed. */
  send: number | undefined;
  wait: number | undefined;
  receive: number | undefined;
  /** Retransmitted segments and gaps on the connection while this exchange was open. */
  retransmissions: number;
  gaps: number;
}

/** An exchange as `-o ndjson` writes it: flat, with Elastic Common Schema names, absent what was not observed. */
export type ExchangeRecord = Record<string, string | number | boolean>;

/** The record of an exchange. */
export function toRecord(exchange: Exchange): ExchangeRecord {
  const { endpoints } = exchange;
  const answered = exchange.status !== 0;
  const record: Record<string, string | number | boolean | undefined> = {
    "@timestamp": rfc3339(exchange.time),
    "client.ip": endpoints.clientAddress,
    "client.port": endpoints.clientPort,
    "server.ip": endpoints.serverAddress,
    "server.port": endpoints.serverPort,
    "client.mac": endpoints.clientMac,
    "server.mac": endpoints.serverMac,
    "network.vlan.id": endpoints.vlan,
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
    "http.request.body.bytes": exchange.requestBodyBytes,
    "http.response.body.bytes": answered ? exchange.responseBodyBytes : undefined,
    "user_agent.original": exchange.userAgent,
    "http.request.referrer": exchange.referrer,
    "timings.send": exchange.send,
    "timings.wait": exchange.wait,
    "timings.receive": exchange.receive,
    "tcp.retransmissions": exchange.retransmissions,
    "tcp.gaps": exchange.gaps,
  };
  for (const key in record) {
    if (record[key] === undefined) delete record[key];
  }
  return record as ExchangeRecord;
}
