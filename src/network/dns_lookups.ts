/**
 * DNS queries matched with their responses, over UDP and TCP, by multicast (RFC 6762) and in LLMNR (RFC 4795), and the lookups that
 * they make up.
 *
 * @module
 */

import { DnsMessage, DnsType } from "../wire/dns.ts";
import type { Packet } from "../wire/packet.ts";
import { addressOf } from "./addresses.ts";
import { AgedMap } from "./aged_map.ts";
import type { NetworkHandler } from "./events.ts";
import {
  DEFAULT_LOOKUP_LIMITS,
  type GatheredLookup,
  type LookupLimits,
  LookupTable,
} from "./lookup_table.ts";
import type { Lookup, NameProtocol } from "./opening.ts";
import { CAPTURED_TWICE, SECOND, span } from "./spans.ts";

/** Between whom a message goes. */
export interface MessageEnds {
  /** As `Packet.network`. */
  readonly network: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

/** What is remembered at most. At each limit the oldest give way. */
export interface DnsLimits extends LookupLimits {
  /** Queries that wait for their response. One that gives way is given up, and counted. */
  readonly queries: number;
}

/** About 5 MiB of queries with names as long as can be, besides the lookups. */
export const DEFAULT_DNS_LIMITS: DnsLimits = { ...DEFAULT_LOOKUP_LIMITS, queries: 2 ** 12 };

/** A query that has no response so long after it was last sent is given up. */
const PATIENCE = 10 * SECOND;
const STANDARD_QUERY = 0, INTERNET = 1;

/** A query that waits for its response. */
interface Query {
  readonly key: string;
  readonly protocol: NameProtocol;
  readonly client: string;
  readonly server: string;
  readonly name: string;
  readonly type: number;
  readonly askedAt: number;
  lastAskedAt: number;
  retries: number;
  /** The lookup that it belongs to, `undefined` when it does not ask for addresses. */
  readonly lookup: GatheredLookup | undefined;
}

/** Follows the resolution of names. All times are packet times. */
export class DnsLookups {
  readonly #handler: Pick<NetworkHandler, "dns">;
  readonly #limits: DnsLimits;
  readonly #message = new DnsMessage();
  /** By what their response will have in common with them. */
  readonly #queries = new AgedMap<string, Query>();
  readonly #lookups: LookupTable;
  #evicted = 0;

  constructor(handler: Pick<NetworkHandler, "dns">, limits: DnsLimits = DEFAULT_DNS_LIMITS) {
    this.#handler = handler;
    this.#limits = limits;
    this.#lookups = new LookupTable(limits);
  }

  /** Queries that wait for a response. */
  get waiting(): number {
    return this.#queries.size;
  }

  /** Queries given up before their time to make room. */
  get evicted(): number {
    return this.#evicted;
  }

  /** How much is remembered. */
  held(): { queries: number; lookups: number; clients: number } {
    return { queries: this.#queries.size, lookups: this.#lookups.size, clients: this.#lookups.clients };
  }

  /** Takes a packet that ended with `Layer.datagram`. */
  datagram(packet: Packet): void {
    const { bytes, at, end, time, network, sourcePort, destinationPort } = packet;
    const source = addressOf(packet, packet.source), destination = addressOf(packet, packet.destination);
    this.message(bytes, at, end, { network, source, sourcePort, destination, destinationPort }, time);
  }

  /** Takes the DNS message `bytes[start, end)`. What is none is passed over. */
  message(bytes: Uint8Array, start: number, end: number, ends: MessageEnds, time: number): void {
    const message = this.#message;
    if (!message.read(bytes, start, end) || message.opcode !== STANDARD_QUERY) return;
    const protocol = protocolOf(message.isResponse ? ends.sourcePort : ends.destinationPort);
    if (protocol === undefined) return;
    if (!message.isResponse) this.#query(message, protocol, ends, time);
    else if (protocol === "mdns") this.#multicastResponse(message, ends, time);
    else this.#response(message, protocol, ends, time);
  }

  /**
   * The lookup that a connection came from: of its client, with an answer that held the server's address and came before
   * `before`, when the connection began, but not more than 10 s. One that an earlier connection used is left out, unless both
   * began within 50 ms. Of several the one for `host` is taken, else the latest. It is as it was at `before`.
   */
  find(network: number, client: string, server: string, host: string, before: number): Lookup | undefined {
    return this.#lookups.size === 0 ? undefined : this.#lookups.find(network, client, server, host, before);
  }

  /** Lets time go on to `now`: what got no response is given up, and old lookups are forgotten. */
  advance(now: number): void {
    for (let oldest = this.#queries.oldest; oldest; oldest = this.#queries.oldest) {
      if (span(oldest.value.lastAskedAt, now) <= PATIENCE) break;
      this.#giveUp(oldest.value);
    }
    this.#lookups.advance(now);
  }

  /** Gives up what waits for a response: nothing more will come. */
  flush(now: number): void {
    while (this.#queries.oldest) this.#giveUp(this.#queries.oldest.value);
    this.#lookups.advance(now);
  }

  #query(message: DnsMessage, protocol: NameProtocol, ends: MessageEnds, time: number): void {
    if (message.questionCount === 0) return;
    const { name, type } = message, { network, source: client, destination: server } = ends;
    if (protocol === "mdns" && expectsNothing(message)) return;
    const key = protocol === "mdns"
      ? multicastKey(network, name, type)
      : unicastKey(protocol, network, client, ends.sourcePort, server, ends.destinationPort, message.id);
    const known = this.#queries.get(key);
    if (known) {
      // What somebody else has just asked need not be asked again (RFC 6762 section 7.3).
      if (known.client !== client) return;
      if (known.name === name && known.type === type) return this.#again(known, message.id, time);
      this.#giveUp(known);
    }
    if (this.#queries.size >= this.#limits.queries) {
      this.#evicted++;
      this.#giveUp(this.#queries.oldest!.value);
    }
    const lookup = message.class === INTERNET && asksForAddresses(type)
      ? this.#lookups.ask(network, client, protocol, name, type, message.id, time)
      : undefined;
    this.#queries.set(key, {
      key,
      protocol,
      client,
      server,
      name,
      type,
      askedAt: time,
      lastAskedAt: time,
      retries: 0,
      lookup,
    });
  }

  #again(query: Query, id: number, time: number): void {
    if (span(query.lastAskedAt, time) < CAPTURED_TWICE) return;
    query.retries++;
    query.lastAskedAt = time;
    query.lookup?.ask(query.type, id, time);
    this.#queries.set(query.key, query);
  }

  #response(message: DnsMessage, protocol: NameProtocol, ends: MessageEnds, time: number): void {
    const { network, source: server, sourcePort, destination: client, destinationPort } = ends;
    const key = unicastKey(protocol, network, client, destinationPort, server, sourcePort, message.id);
    const query = this.#queries.get(key);
    if (!query) return;
    // Some errors come without the question; what comes with another one is somebody's guess at the identifier.
    const isItsAnswer = message.questionCount === 0 ||
      (message.name === query.name && message.type === query.type);
    if (isItsAnswer) this.#answered(query, message, server, message.isTruncated, time);
  }

  /** A response of multicast DNS answers whoever asked for the records that it has. */
  #multicastResponse(message: DnsMessage, ends: MessageEnds, time: number): void {
    if (this.#queries.size === 0) return;
    for (const { name, type } of message.answers) {
      const query = this.#queries.get(multicastKey(ends.network, name, type));
      if (query) this.#answered(query, message, ends.source, false, time);
    }
  }

  #answered(query: Query, message: DnsMessage, server: string, isTruncated: boolean, time: number): void {
    this.#queries.delete(query.key);
    // What is truncated is asked for again: whether that fails is what counts.
    const rcode = isTruncated ? 0 : message.rcode;
    this.#tell(query, server, Math.max(0, time - query.askedAt), rcode);
    const addresses = message.follow(query.name).addresses.slice(0, this.#limits.addresses);
    query.lookup?.answer(query.type, { time, server, rcode, isTruncated, addresses });
  }

  #giveUp(query: Query): void {
    this.#queries.delete(query.key);
    this.#tell(query, query.server, NaN, -1);
  }

  #tell(query: Query, server: string, roundTrip: number, rcode: number): void {
    const { protocol, client, name, type, askedAt, retries } = query;
    this.#handler.dns({ protocol, client, server, name, type, askedAt, roundTrip, rcode, retries });
  }
}

/** The protocol that is spoken with a port, `undefined` for none of these. */
function protocolOf(port: number): NameProtocol | undefined {
  return port === 53 ? "dns" : port === 5353 ? "mdns" : port === 5355 ? "llmnr" : undefined;
}

/**
 * True for a query of multicast DNS to which silence is the answer: its sender wants to hear of what it does not know yet (RFC 6762
 * section 7.1), or that nobody has the name that it would like to take (section 8.1).
 */
function expectsNothing({ answerCount, type }: DnsMessage): boolean {
  const ANY = 255;
  return answerCount > 0 || type === ANY;
}

function asksForAddresses(type: number): boolean {
  return type === DnsType.a || type === DnsType.aaaa || type === DnsType.https;
}

/** What a query has in common with its response. In LLMNR, who answers is another one than the group that was asked. */
function unicastKey(
  protocol: NameProtocol,
  network: number,
  client: string,
  clientPort: number,
  server: string,
  serverPort: number,
  id: number,
): string {
  const asked = protocol === "llmnr" ? protocol : `${server} ${serverPort}`;
  return `${network} ${client} ${clientPort} ${asked} ${id}`;
}

/** The same in multicast DNS, whose responses have neither identifier nor question. */
function multicastKey(network: number, name: string, type: number): string {
  return `${network} mdns ${type} ${name}`;
}
