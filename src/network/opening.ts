/**
 * The phases of an exchange, and how a connection came about: the name lookup, the address resolution and the handshake before its first request, as
 * far as they were seen. Times are microseconds since the epoch, in packet time, `NaN` when not observed.
 *
 * @module
 */

import type { Handshake } from "../stream/handshake.ts";

/** The phases of an exchange, in the order in which they follow each other. */
export const PHASES = ["dns", "arp", "connect", "send", "wait", "receive"] as const;
export type Phase = typeof PHASES[number];

/** The protocols by which names are resolved: unicast DNS, multicast DNS (RFC 6762), and LLMNR (RFC 4795). */
export type NameProtocol = "dns" | "mdns" | "llmnr";

/** A client's question for the addresses of a name: all queries of it that belong together, and their answers. */
export interface Lookup {
  /** As asked for, in lower case, without the final dot. */
  readonly name: string;
  readonly protocol: NameProtocol;
  /** Who gave the last answer. */
  readonly server: string;
  /** When the first query and the last answer were captured. */
  readonly startedAt: number;
  readonly answeredAt: number;
  /** Queries that were sent again because no answer had come. */
  readonly retries: number;
}

/** The address resolution of a next hop, by ARP or IPv6 neighbour discovery. */
export interface Resolution {
  /** When the first request and the answer were captured. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /** Requests until the answer came. */
  readonly requests: number;
}

/** Where one end of a connection is, as address resolution shows it. */
export interface Location {
  /** True when its own address is bound to the link layer address that its frames have. */
  readonly onLink: boolean;
  /** The router that its frames came through or went to, when it is not on link. */
  readonly gateway: Gateway | undefined;
}

/** A router, by the address that its link layer address is bound to. */
export interface Gateway {
  readonly mac: string;
  readonly address: string;
}

/** What came before the first request of a connection whose SYN was seen. Durations are milliseconds. */
export class Opening {
  constructor(
    readonly handshake: Handshake,
    readonly lookup: Lookup | undefined,
    readonly resolution: Resolution | undefined,
  ) {}

  /** When the first thing that was seen of it began. */
  get startedAt(): number {
    return Math.min(
      this.handshake.synAt,
      this.lookup?.startedAt ?? Infinity,
      this.resolution?.askedAt ?? Infinity,
    );
  }

  /** From the first query of the lookup to the last answer. */
  get dns(): number | undefined {
    return this.lookup && milliseconds(this.lookup.startedAt, this.lookup.answeredAt);
  }

  /** From the first request of the address resolution to its answer. */
  get arp(): number | undefined {
    return this.resolution && milliseconds(this.resolution.askedAt, this.resolution.answeredAt);
  }

  /** From the first SYN to the acknowledgement that completes the handshake. */
  get connect(): number | undefined {
    return milliseconds(this.handshake.synAt, this.handshake.ackAt);
  }

  /** The handshake's round trip, from the last SYN to the acknowledgement. */
  get roundTrip(): number | undefined {
    return milliseconds(this.handshake.lastSynAt, this.handshake.ackAt);
  }

  /**
   * The part of the round trip that lies between here and the server, from SYN to SYN-ACK, in microseconds. `NaN` when one
   * of them was sent again, as it is not known then which answered which.
   */
  get networkMicros(): number {
    const { synAt, synAckAt, retransmissions } = this.handshake;
    return retransmissions > 0 ? NaN : Math.max(0, synAckAt - synAt);
  }
}

/** Milliseconds from one moment to a later one, 0 when the capture's clock went back in between. */
export function milliseconds(from: number, to: number): number | undefined {
  const microseconds = to - from;
  return microseconds >= 0 ? microseconds / 1000 : microseconds < 0 ? 0 : undefined;
}
