/**
 * What `-o ndjson` must write, in the plainest form.
 *
 * @module
 */

import type { Exchange } from "../../src/http/exchange.ts";
import { rfc3339 } from "../../src/time.ts";

/** An exchange as a record: flat, with Elastic Common Schema names, `undefined` what was not observed. */
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
    "network.protocol": exchange.protocol,
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
