/**
 * What `-o ndjson` must write, in the plainest form.
 *
 * @module
 */

import type { Exchange } from "../../src/http/exchange.ts";
import { rfc3339 } from "../../src/time.ts";

/** An exchange as a record: flat, with Elastic Common Schema names, `undefined` what was not observed. */
export type ExchangeRecord = Readonly<Record<string, string | number | boolean | string[] | undefined>>;

/** The record of an exchange. */
export function toRecord(exchange: Exchange): ExchangeRecord {
  const { endpoints, opening } = exchange;
  const { clientLocation, serverLocation } = endpoints;
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
    "client.on_link": clientLocation?.onLink,
    "client.gateway.ip": clientLocation?.gateway?.address,
    "client.gateway.mac": clientLocation?.gateway?.mac,
    "server.on_link": serverLocation?.onLink,
    "server.gateway.ip": serverLocation?.gateway?.address,
    "server.gateway.mac": serverLocation?.gateway?.mac,
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
    "dns.server.ip": opening?.lookup?.server,
    "dns.protocol": opening?.lookup?.protocol,
    "dns.question.name": opening?.lookup?.name,
    "timings.dns": exchange.dns,
    "timings.arp": exchange.arp,
    "timings.connect": exchange.connect,
    "timings.send": exchange.send,
    "timings.wait": exchange.wait,
    "timings.receive": exchange.receive,
    "timings.server": exchange.server,
    "timings.untrusted": exchange.untrusted.length > 0 ? exchange.untrusted : undefined,
    "tcp.reused": exchange.reused,
    "tcp.rtt": opening?.roundTrip,
    "tcp.syn_retransmissions": opening?.handshake.retransmissions,
    "tcp.retransmissions": exchange.retransmissions,
    "tcp.gaps": exchange.gaps,
    "tcp.zero_window": exchange.hasZeroWindow || undefined,
    "tcp.reset": exchange.wasReset || undefined,
    "icmp.error": exchange.hasIcmpError || undefined,
  };
}
