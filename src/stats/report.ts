/**
 * The report: every figure at one moment, in the shape that `-o json` prints and all other views are made
 * from. Keys and nesting are stable.
 *
 * @module
 */

/** Counts of exchanges by status class. A class that was not seen is absent. */
export type StatusCounts = Partial<Record<"1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "other", number>>;

/** Percentiles in milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Figures of one host or section. `waitMs` is absent when no wait was observed or it was pooled. */
export interface KeyFigures {
  requests: number;
  /** Part of all requests, 0 to 1. */
  share: number;
  requestsPerSecond: number;
  status: StatusCounts;
  waitMs?: Percentiles;
}

export interface HostFigures extends KeyFigures {
  host: string;
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

/** By the name of a list. */
export type ErrorBounds = Partial<Record<"hosts" | "sections" | "paths", number>>;

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
  alerts: AlertFigures[];
  capture: CaptureFigures;
}
