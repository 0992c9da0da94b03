/**
 * What the network layer tells of besides requests: name resolution and changes of link layer addresses.
 *
 * @module
 */

import type { NameProtocol } from "./opening.ts";

/** A DNS query with its response, or one that got none. */
export interface DnsOutcome {
  readonly protocol: NameProtocol;
  readonly client: string;
  /** Who answered; of a query without an answer, who was asked. */
  readonly server: string;
  /** Of the first question, in lower case, without the final dot. */
  readonly name: string;
  /** Of the first question: 1 for A, 28 for AAAA, 65 for HTTPS, … */
  readonly type: number;
  /** When the query was captured for the first time. */
  readonly askedAt: number;
  /** From then to the response in microseconds, `NaN` when there was none. */
  readonly roundTrip: number;
  /** RCODE of the response (RFC 1035 section 4.1.1), -1 when there was none. */
  readonly rcode: number;
  /** How often the query was sent again. */
  readonly retries: number;
}

/** An address that is bound to another link layer address than before: a new machine, a failover, or a spoof. */
export interface AddressChange {
  readonly time: number;
  readonly address: string;
  readonly from: string;
  readonly to: string;
}

/** Takes them as they happen. */
export interface NetworkHandler {
  dns(outcome: DnsOutcome): void;
  addressChange(change: AddressChange): void;
}
