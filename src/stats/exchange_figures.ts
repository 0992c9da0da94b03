/**
 * One exchange with all its phases, as reports and screens show it.
 *
 * @module
 */

import { text } from "../bytes.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Phase } from "../network/opening.ts";
import { rfc3339 } from "../time.ts";
import type { ExchangeFigures } from "./report.ts";
import { round } from "./round.ts";

/** When the first thing seen of an exchange began: what its connection was opened for, or the request. Microseconds. */
export function beginningOf(exchange: Exchange): number {
  const { opening } = exchange;
  return opening ? Math.min(opening.startedAt, exchange.time) : exchange.time;
}

/** From there to the last byte seen of it, in microseconds; `NaN` when its end was not seen. */
export function totalOf(exchange: Exchange): number {
  return exchange.endedAt - beginningOf(exchange);
}

/** A copy of all that is shown of an exchange, which may be released then. */
export function exchangeFigures(exchange: Exchange): ExchangeFigures {
  const { endpoints, opening, time, sentAt, answeredAt, endedAt, target, server, reused } = exchange;
  const lookup = opening?.lookup;
  const beginning = beginningOf(exchange);
  const latest = [endedAt, answeredAt, sentAt].find((moment) => moment === moment) ?? time;
  const beginnings: Record<Phase, number | undefined> = {
    dns: lookup?.startedAt,
    arp: opening?.resolution?.askedAt,
    connect: opening?.handshake.synAt,
    send: time,
    wait: sentAt,
    receive: answeredAt,
  };
  const phases: ExchangeFigures["phases"] = [];
  for (const [phase, start] of Object.entries(beginnings) as [Phase, number | undefined][]) {
    const ms = exchange[phase];
    if (start !== undefined && ms !== undefined) {
      // The capture's clock may have gone back in between.
      phases.push({ phase, startMs: round(Math.max(0, start - beginning) / 1000, 3), ms: round(ms, 3) });
    }
  }
  return {
    startedAt: rfc3339(beginning),
    totalMs: round(Math.max(0, latest - beginning) / 1000, 3),
    client: endpoints.clientAddress,
    clientPort: endpoints.clientPort,
    server: endpoints.serverAddress,
    serverPort: endpoints.serverPort,
    method: exchange.method,
    host: exchange.host,
    // The cache behind `exchange.path` pays for many.
    path: text(target.bytes, 0, target.length),
    status: exchange.status,
    requestBytes: exchange.requestBodyBytes,
    responseBytes: exchange.responseBodyBytes,
    phases,
    ...(server !== undefined && { serverMs: round(server, 3) }),
    ...(lookup && { dnsServer: lookup.server, dnsName: lookup.name }),
    ...locationFigures(endpoints),
    ...(reused !== undefined && { reused }),
    untrusted: exchange.untrusted,
    retransmissions: exchange.retransmissions,
    gaps: exchange.gaps,
  };
}

function locationFigures(endpoints: Exchange["endpoints"]): Partial<ExchangeFigures> {
  const { clientMac, serverMac, clientLocation, serverLocation } = endpoints;
  return {
    ...(clientMac !== undefined && { clientMac }),
    ...(serverMac !== undefined && { serverMac }),
    ...(clientLocation?.gateway && { clientGateway: clientLocation.gateway.address }),
    ...(serverLocation?.gateway && { serverGateway: serverLocation.gateway.address }),
    ...(clientLocation && { clientOnLink: clientLocation.onLink }),
    ...(serverLocation && { serverOnLink: serverLocation.onLink }),
  };
}
