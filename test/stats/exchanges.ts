/**
 * Exchanges for the tests of the statistics.
 *
 * @module
 */

import type { Exchange } from "../../src/http/exchange.ts";
import type { AlertLosses, CaptureFigures } from "../../src/stats/report.ts";

/** An answered GET request; `client` is its client's address. */
export function makeExchange(
  { client = "192.0.2.1", ...fields }: Partial<Exchange> & { client?: string } = {},
) {
  const exchange: Exchange = {
    endpoints: {
      clientAddress: client,
      clientPort: 50_000,
      serverAddress: "192.0.2.80",
      serverPort: 80,
      clientMac: undefined,
      serverMac: undefined,
      vlan: undefined,
    },
    time: 0,
    method: "GET",
    version: "1.1",
    host: "example.com",
    hostMissing: false,
    port: undefined,
    path: "/",
    query: undefined,
    section: "/",
    userAgent: undefined,
    referrer: undefined,
    requestBodyBytes: 0,
    status: 200,
    mimeType: undefined,
    responseBodyBytes: 0,
    send: undefined,
    wait: undefined,
    receive: undefined,
    retransmissions: 0,
    gaps: 0,
    ...fields,
  };
  return exchange;
}

export const NO_LOSSES: AlertLosses = {
  droppedByKernel: 0,
  droppedByInterface: 0,
  tcpGaps: 0,
  unparsed: 0,
  unpaired: 0,
  evicted: 0,
};

export const EMPTY_CAPTURE: CaptureFigures = { packets: 0, bytes: 0, ...NO_LOSSES };

/** A repeatable source of numbers from 0 to 1 (xorshift32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
