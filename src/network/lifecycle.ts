/**
 * Joins to a connection what came before it: who looked up its server's name, and who resolved the next hop's address.
 *
 * @module
 */

import type { Handshake, HandshakeObserver } from "../stream/handshake.ts";
import { DnsLookups } from "./dns_lookups.ts";
import type { NetworkHandler } from "./events.ts";
import { Neighbours } from "./neighbours.ts";
import { type Location, type Lookup, Opening, type Resolution } from "./opening.ts";

/** The two ends of a connection, and what is found out about it. */
export interface JoinedEnds {
  readonly clientAddress: string;
  readonly serverAddress: string;
  readonly clientMac: string | undefined;
  readonly serverMac: string | undefined;
  opening: Opening | undefined;
  clientLocation: Location | undefined;
  serverLocation: Location | undefined;
}

/** Remembers name lookups and address resolutions, in bounded memory, and finds those that a connection waited for. */
export class Lifecycle {
  readonly lookups: DnsLookups;
  readonly neighbours: Neighbours;

  constructor(handler: NetworkHandler) {
    this.lookups = new DnsLookups(handler);
    this.neighbours = new Neighbours(handler);
  }

  /**
   * Fills in how the connection between two ends came about, when the first request on it is read.
   *
   * @param network As `Packet.network`.
   * @param observed Its handshake, `undefined` when that of the client was not seen.
   * @param host Asked for by the first request.
   */
  join(ends: JoinedEnds, network: number, observed: HandshakeObserver | undefined, host: string): void {
    const { neighbours } = this, { clientAddress, serverAddress, clientMac, serverMac } = ends;
    ends.clientLocation = clientMac === undefined
      ? undefined
      : neighbours.location(network, clientAddress, clientMac);
    ends.serverLocation = serverMac === undefined
      ? undefined
      : neighbours.location(network, serverAddress, serverMac);
    if (!observed || Number.isNaN(observed.synAt)) return;
    const handshake = observed.now;
    const lookup = this.#lookup(ends, network, host, handshake.synAt);
    const resolution = this.#resolution(ends, network, handshake, lookup?.startedAt);
    ends.opening = new Opening(handshake, lookup, resolution);
  }

  /** The lookup of the client, which may have asked from another of its addresses, as one of IPv4 for one of IPv6. */
  #lookup(
    { clientAddress, serverAddress }: JoinedEnds,
    network: number,
    host: string,
    synAt: number,
  ): Lookup | undefined {
    const { lookups } = this;
    const own = lookups.find(network, clientAddress, serverAddress, host, synAt);
    if (own) return own;
    for (const alias of this.neighbours.aliases(network, clientAddress)) {
      const lookup = lookups.find(network, alias, serverAddress, host, synAt);
      if (lookup) return lookup;
    }
    return undefined;
  }

  /** What the SYN waited for or, where names are looked up behind the same next hop, the first query of the lookup. */
  #resolution(
    { clientMac, serverMac }: JoinedEnds,
    network: number,
    { synAt }: Handshake,
    queryAt = NaN,
  ): Resolution | undefined {
    if (clientMac === undefined || serverMac === undefined) return undefined;
    return this.neighbours.resolution(network, clientMac, serverMac, synAt) ??
      (queryAt < synAt ? this.neighbours.resolution(network, clientMac, serverMac, queryAt) : undefined);
  }

  /** Queries and requests that wait for an answer. */
  get waiting(): number {
    return this.lookups.waiting + this.neighbours.waiting;
  }

  /** Lets time go on: what got no answer is given up, and what is old is forgotten. */
  advance(now: number): void {
    this.lookups.advance(now);
    this.neighbours.advance(now);
  }

  /** Gives up what waits for an answer: nothing more will come. */
  flush(now: number): void {
    this.lookups.flush(now);
    this.neighbours.flush(now);
  }
}
