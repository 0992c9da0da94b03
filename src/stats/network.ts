/**
 * What was seen of the network below HTTP: name servers, gateways and changes of addresses.
 *
 * @module
 */

import type { Endpoints } from "../http/exchange.ts";
import type { AddressChange, DnsOutcome, NetworkHandler } from "../network/events.ts";
import type { Gateway, NameProtocol } from "../network/opening.ts";
import { type Bits64, randomHashKey } from "./hash.ts";
import { Histogram } from "./quantile.ts";
import type { DnsServerFigures, NetworkCounts, NetworkFigures } from "./report.ts";
import { HostName, TopTable } from "./top.ts";

/** Most name servers and gateways, each, and most names that are looked up: the busiest stay. */
const SERVERS = 256;
const GATEWAYS = 256;
const NAMES = 8192;

/** No longer name fits into a message of DNS, but escapes make it up to four times as long: those are cut. */
const LONGEST_NAME = 512;
const NXDOMAIN = 3;

const utf8 = new TextEncoder();
const NO_WORDS = new Int32Array(0);

/** What became of the queries to one name server, or to all. */
class QueryCounts {
  queries = 0;
  failures = 0;
  nxdomain = 0;
  timeouts = 0;
  retries = 0;
  readonly roundTrips = new Histogram();

  count({ rcode, retries, roundTrip }: DnsOutcome): void {
    this.queries++;
    if (rcode < 0) this.timeouts++;
    else if (rcode > 0) this.failures++;
    if (rcode === NXDOMAIN) this.nxdomain++;
    this.retries += retries;
    if (roundTrip === roundTrip) this.roundTrips.add(roundTrip);
  }
}

/**
 * Counts name resolution by server, and connections by gateway. Servers, gateways and names are exact up to a cap each;
 * beyond it, those of the least queries and connections give way, and the counts of one that comes back begin anew.
 */
export class NetworkStats implements NetworkHandler {
  readonly #hashKey: Bits64;
  /** Keys are protocol and address. */
  readonly #servers: TopTable;
  readonly #allQueries = new QueryCounts();
  /** By slot of the servers. */
  readonly #serverQueries: QueryCounts[] = [];
  /** Keys are those of the servers with the names asked for. */
  readonly #names: TopTable;
  /** Keys are link layer address and address. */
  readonly #gateways: TopTable;
  readonly #nameBytes = new Uint8Array(LONGEST_NAME);
  readonly #nameWords = new Int32Array(this.#nameBytes.buffer);
  #addressChanges = 0;

  constructor(hashKey: Bits64 = randomHashKey()) {
    this.#hashKey = hashKey;
    this.#servers = new TopTable({ cap: SERVERS, hashKey });
    this.#names = new TopTable({ cap: NAMES, hashKey });
    this.#gateways = new TopTable({ cap: GATEWAYS, hashKey });
  }

  dns(outcome: DnsOutcome): void {
    this.#allQueries.count(outcome);
    const name = new HostName(`${outcome.protocol} ${outcome.server}`, this.#hashKey);
    let server = find(this.#servers, name);
    if (server < 0) {
      server = insert(this.#servers, name);
      this.#serverQueries[server] = new QueryCounts();
    }
    this.#servers.hit(server);
    this.#serverQueries[server]!.count(outcome);

    const { written } = utf8.encodeInto(outcome.name, this.#nameBytes);
    const hash = this.#names.hash(name, this.#nameWords, written);
    const held = this.#names.find(hash, name, this.#nameWords, written);
    this.#names.hit(held >= 0 ? held : this.#names.insert(hash, name, this.#nameWords, written));
  }

  addressChange(_change: AddressChange): void {
    this.#addressChanges++;
  }

  /** Counts a connection, at its first request. */
  opened({ clientLocation, serverLocation }: Endpoints): void {
    const gateway = clientLocation?.gateway;
    if (gateway) this.#countConnection(gateway);
    const other = serverLocation?.gateway;
    if (other && other.mac !== gateway?.mac) this.#countConnection(other);
  }

  /** All figures, of the `top` busiest servers, gateways and names each, with what is counted elsewhere. */
  figures(counts: NetworkCounts, top: number): NetworkFigures {
    const { queries, failures, timeouts, retries } = this.#allQueries;
    return {
      dns: {
        queries,
        failures,
        timeouts,
        retries,
        servers: this.#servers.top(top).map((slot) => this.#serverFigures(slot, top)),
      },
      gateways: this.#gateways.top(top).map((slot) => {
        const [mac, address] = this.#gateways.name(slot).split(" ") as [string, string];
        return { mac, address, connections: this.#gateways.count(slot) };
      }),
      arp: { ...counts.arp },
      neighbourDiscovery: { ...counts.neighbourDiscovery },
      addressChanges: this.#addressChanges,
      tcp: { ...counts.tcp },
      icmpErrors: counts.icmpErrors,
    };
  }

  #serverFigures(slot: number, top: number): DnsServerFigures {
    const key = this.#servers.name(slot);
    const [protocol, server] = key.split(" ") as [NameProtocol, string];
    const { queries, failures, nxdomain, timeouts, retries, roundTrips } = this.#serverQueries[slot]!;
    const roundTripMs = roundTrips.percentiles();
    return {
      server,
      protocol,
      queries,
      failures,
      nxdomain,
      timeouts,
      retries,
      ...(roundTripMs && { roundTripMs }),
      topNames: this.#names.top(top, new HostName(key, this.#hashKey)).map((name) => ({
        name: this.#names.key(name),
        queries: this.#names.count(name),
      })),
    };
  }

  #countConnection({ mac, address }: Gateway): void {
    const name = new HostName(`${mac} ${address}`, this.#hashKey);
    const held = find(this.#gateways, name);
    this.#gateways.hit(held >= 0 ? held : insert(this.#gateways, name));
  }
}

/** The slot of a key that is a name alone, -1 when it is not held. */
function find(table: TopTable, name: HostName): number {
  return table.find(table.hash(name, NO_WORDS, 0), name, NO_WORDS, 0);
}

function insert(table: TopTable, name: HostName): number {
  return table.insert(table.hash(name, NO_WORDS, 0), name, NO_WORDS, 0);
}
