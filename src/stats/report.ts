/**
 * The report: every figure at one moment, in the shape that `-o json` prints and all other views are made
 * from. Keys and nesting are stable.
 *
 * @module
 */

import type { NeighbourCounts } from "../network/neighbours.ts";
import type { NameProtocol, Phase } from "../network/opening.ts";
import type { ConnectionCounts } from "../stream/flows.ts";

/** Counts of exchanges by status class. A class that was not seen is absent. */
export type StatusCounts = Partial<Record<"1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "other", number>>;

/** Percentiles in milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Requests a second: in the last seconds, and in the last 1, 5 and 15 minutes, or since the start if that is less. */
export interface Rates {
  now: number;
  "1m": number;
  "5m": number;
  "15m": number;
}

/** Figures of one host, section or client. */
export interface TrafficFigures {
  requests: number;
  /** Part of all requests, 0 to 1. */
  share: number;
  requestsPerSecond: number;
  status: StatusCounts;
  /** Part of the responses whose status is 400 or above, 0 to 1; 0 without responses. */
  errorRate: number;
  /** Of request and response bodies. */
  bytes: number;
}

/** What percentiles are kept of: the phases, and the part of `wait` that is the server's and not the network's. */
export type Measure = Phase | "server";

/** Of one host or section. A measure is absent when it was not observed or its values were pooled. */
export interface KeyFigures extends TrafficFigures, Partial<Record<`${Measure}Ms`, Percentiles>> {}

export interface HostFigures extends KeyFigures {
  host: string;
  /** Absent beyond the busiest 512 hosts. */
  rates?: Rates;
}

export interface SectionFigures extends KeyFigures {
  host: string;
  section: string;
}

export interface HostSection {
  host: string;
  section: string;
  requests: number;
}

export interface HostPath {
  host: string;
  path: string;
  requests: number;
}

export interface ClientFigures extends TrafficFigures {
  /** Address. */
  client: string;
}

/** One exchange with all its phases, for lists of single exchanges. What was not observed is absent. */
export interface ExchangeFigures {
  /** When the first thing seen of it began: the lookup, the SYN, or the request itself. RFC 3339. */
  startedAt: string;
  /** From then to the last byte seen of it. */
  totalMs: number;
  client: string;
  clientPort: number;
  server: string;
  serverPort: number;
  method: string;
  host: string;
  path: string;
  /** 0 when no response was seen. */
  status: number;
  requestBytes: number;
  responseBytes: number;
  /** Those observed, in order. `startMs` counts from `startedAt`. */
  phases: { phase: Phase; startMs: number; ms: number }[];
  /** The server's part of `wait`. */
  serverMs?: number;
  dnsServer?: string;
  dnsName?: string;
  clientMac?: string;
  serverMac?: string;
  clientGateway?: string;
  serverGateway?: string;
  clientOnLink?: boolean;
  serverOnLink?: boolean;
  /** Whether the connection had carried a request before. */
  reused?: boolean;
  /** Names of phases whose times were changed by something sent again, or that may lack something. */
  untrusted: string[];
  retransmissions: number;
  gaps: number;
}

export interface DnsServerFigures {
  server: string;
  protocol: NameProtocol;
  queries: number;
  /** Responses with an RCODE other than 0, NXDOMAIN included. */
  failures: number;
  nxdomain: number;
  /** Queries without a response. */
  timeouts: number;
  retries: number;
  roundTripMs?: Percentiles;
  topNames: { name: string; queries: number }[];
}

export interface GatewayFigures {
  mac: string;
  address: string;
  /** Connections with requests whose client or server is behind it. */
  connections: number;
}

/** What was seen of the network below HTTP. Counts since the start. */
export interface NetworkFigures {
  dns: { queries: number; failures: number; timeouts: number; retries: number; servers: DnsServerFigures[] };
  gateways: GatewayFigures[];
  arp: NeighbourCounts;
  neighbourDiscovery: NeighbourCounts;
  /** Addresses that changed their link layer address. */
  addressChanges: number;
  /** Of the TCP connections watched. */
  tcp: ConnectionCounts;
  icmpErrors: number;
}

/** What is counted where it is seen, and becomes part of {@link NetworkFigures}. */
export type NetworkCounts = Pick<NetworkFigures, "arp" | "neighbourDiscovery" | "tcp" | "icmpErrors">;

/** By the name of a list. */
export type ErrorBounds = Partial<Record<"hosts" | "sections" | "paths" | "clients", number>>;

/** What the capture did not see or could not use. All are counts since the start. */
export interface CaptureFigures {
  packets: number;
  bytes: number;
  droppedByKernel: number;
  droppedByInterface: number;
  tcpGaps: number;
  unparsed: number;
  unpaired: number;
  evicted: number;
}

/** What an alert's figures may have missed while it fired. */
export type AlertLosses = Pick<
  CaptureFigures,
  "droppedByKernel" | "droppedByInterface" | "tcpGaps" | "unparsed" | "unpaired" | "evicted"
>;

export interface AlertFigures {
  rule: string;
  state: "firing" | "resolved";
  metric: string;
  unit: string;
  /** The metric now, or when it resolved. */
  value: number;
  threshold: number;
  peak: number;
  /** Window as a duration, such as `2m`. */
  window: string;
  /** RFC 3339 UTC. */
  startedAt: string;
  resolvedAt?: string;
  durationSeconds: number;
  message: string;
  contributors: { by: string; key: string; value: number }[];
  losses: AlertLosses;
}

export interface Report {
  source: { interface?: string; file?: string; filter: string; linkType: string };
  /** RFC 3339 UTC, as all times here. */
  generatedAt: string;
  period: { start: string | null; end: string | null; seconds: number };
  totals: {
    requests: number;
    responses: number;
    errors: number;
    hosts: number;
    sections: number;
    paths: number;
    clients: number;
    requestsPerSecond: number;
    requestsPerHost: number;
    bytes: number;
    /** Part of the responses that are errors, 0 to 1; 0 without responses. */
    errorRate: number;
    rates: Rates;
    /** Names of the figures above, or of lists, that are estimates because a cap was reached. */
    approximate: string[];
    /** By how many requests a count in a list can be too low, at most; of lists that are estimates. */
    errorBounds?: ErrorBounds;
    /** Standard error of the numbers of hosts, sections, paths and clients that are estimates, as a part of them. */
    distinctError?: number;
  };
  hosts: HostFigures[];
  /** Sections of the busiest host. */
  topHostSections: HostSection[];
  sections: SectionFigures[];
  paths: HostPath[];
  clients: ClientFigures[];
  /** The exchanges that took longest, the slowest first. */
  slowest: ExchangeFigures[];
  /** Absent with `--no-lifecycle`. */
  network?: NetworkFigures;
  alerts: AlertFigures[];
  capture: CaptureFigures;
}
