/**
 * Packets of name and address resolution for the tests of the network layer: made as frames and decoded, as they would be.
 *
 * @module
 */

import { DnsLookups } from "../../src/network/dns_lookups.ts";
import type { DnsLimits } from "../../src/network/dns_lookups.ts";
import type { AddressChange, DnsOutcome, NetworkHandler } from "../../src/network/events.ts";
import { decodeFrame } from "../../src/wire/decode.ts";
import { Packet } from "../../src/wire/packet.ts";
import { address, DNS_TYPES, dnsMessage, type DnsMessageOptions } from "../support/dns.ts";
import { ethernet, ipv4, ipv6, LINK_TYPES, PROTOCOLS, udp } from "../support/frames.ts";

/** Microseconds of so many milliseconds since a moment that all tests begin at. */
export function at(milliseconds: number): number {
  return 1_700_000_000_000_000 + Math.round(milliseconds * 1000);
}

/** Keeps what it is told. */
export class Heard implements NetworkHandler {
  readonly outcomes: DnsOutcome[] = [];
  readonly changes: AddressChange[] = [];

  dns(outcome: DnsOutcome): void {
    this.outcomes.push(outcome);
  }

  addressChange(change: AddressChange): void {
    this.changes.push(change);
  }
}

/** Decodes a frame. */
export function decoded(bytes: Uint8Array, time: number, linkType: number = LINK_TYPES.ethernet): Packet {
  const packet = new Packet();
  packet.reset(bytes, 0, bytes.length, bytes.length, time);
  decodeFrame(packet, linkType);
  return packet;
}

export const CLIENT = "10.0.0.1", RESOLVER = "10.0.0.53", SERVER = "192.0.2.80", SERVER_V6 = "2001:db8::80";

/** Who talks to whom, and when: in milliseconds. */
export interface Talk {
  readonly time: number;
  readonly client?: string;
  readonly port?: number;
  readonly server?: string;
  readonly serverPort?: number;
  readonly id?: number;
  readonly type?: number;
  readonly vlan?: number;
}

/** DNS messages in UDP, given to lookups. Without more it is an A query of {@link CLIENT} to {@link RESOLVER}, with identifier 7. */
export class Resolving {
  readonly heard = new Heard();
  readonly lookups: DnsLookups;

  constructor(limits?: DnsLimits) {
    this.lookups = new DnsLookups(this.heard, limits);
  }

  ask(name: string, talk: Talk, more: DnsMessageOptions = {}): void {
    const { type = DNS_TYPES.a, id = 7 } = talk;
    const message = dnsMessage({ id, questions: [{ name, type }], ...more });
    const [client, server] = ends(talk);
    this.#datagram(message, client, server, talk);
  }

  /** Answers with `answers`, addresses of the name unless more is said. */
  answer(name: string, answers: readonly string[], talk: Talk, more: DnsMessageOptions = {}): void {
    const { type = DNS_TYPES.a, id = 7 } = talk;
    const records = answers.map((value) => address(name, value));
    const message = dnsMessage({
      id,
      isResponse: true,
      questions: [{ name, type }],
      answers: records,
      ...more,
    });
    const [client, server] = ends(talk);
    this.#datagram(message, server, client, talk);
  }

  /** What {@link DnsLookups.find} has for a connection of {@link CLIENT} to `server` that begins at `time` milliseconds. */
  find(time: number, options: { server?: string; host?: string; client?: string } = {}) {
    const { server = SERVER, host = "", client = CLIENT } = options;
    const lookup = this.lookups.find(0, client, server, host, at(time));
    return lookup && {
      ...lookup,
      startedAt: (lookup.startedAt - at(0)) / 1000,
      answeredAt: (lookup.answeredAt - at(0)) / 1000,
    };
  }

  #datagram(message: Uint8Array, source: End, destination: End, { time, vlan }: Talk): void {
    const wrap = source.address.includes(":") ? ipv6 : ipv4;
    const datagram = udp(message, { sourcePort: source.port, destinationPort: destination.port });
    const options = { source: source.address, destination: destination.address, protocol: PROTOCOLS.udp };
    const frame = ethernet(wrap(datagram, options), vlan === undefined ? {} : { vlans: [vlan] });
    this.lookups.datagram(decoded(frame, at(time)));
  }
}

interface End {
  readonly address: string;
  readonly port: number;
}

function ends({ client = CLIENT, port = 40000, server = RESOLVER, serverPort = 53 }: Talk): [End, End] {
  return [{ address: client, port }, { address: server, port: serverPort }];
}
