/**
 * What comes before and beside connections, at random: name lookups, address resolution and ICMP errors.
 *
 * @module
 */

import { address, cname, DNS_TYPES, dnsMessage, https, overTcp } from "./dns.ts";
import {
  arp,
  Conversation,
  ETHER_TYPES,
  ethernet,
  type Frame,
  frameOf,
  icmpError,
  ipv4,
  ipv6,
  neighbourAdvertisement,
  neighbourSolicitation,
  PROTOCOLS,
  routerAdvertisement,
  tcp,
  udp,
} from "./frames.ts";

/** Where choices come from. */
export interface Choices {
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  of<T>(list: readonly T[]): T;
}

const NAMES = ["h1.test", "h2.test", "A.Test", "_x._tcp.local", "", "x".repeat(63) + ".test", "\\000.\\046."];
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.254", "0.0.0.0", "224.0.0.251"];
const ADDRESSES6 = ["2001:db8::1", "2001:db8::2", "fe80::1", "::", "ff02::fb"];
const MACS = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:fe", "ff:ff:ff:ff:ff:ff"];

/** Some frames, of which those that begin something are often followed by what ends it. */
export function prelude(choices: Choices): Frame[] {
  const frames: Frame[] = [];
  let time = 1_704_067_200_000_000;
  const add = (bytes: Uint8Array) => {
    frames.push(frameOf(bytes, { time }));
    time += choices.below(2_000_000);
  };
  for (let count = 1 + choices.below(8); count > 0; count--) {
    switch (choices.below(5)) {
      case 0:
        for (const packet of resolution(choices)) add(packet);
        break;
      case 1:
        for (const packet of discovery(choices)) add(packet);
        break;
      case 2:
      case 3:
        for (const packet of lookup(choices)) add(packet);
        break;
      default:
        add(unreachable(choices));
    }
  }
  return choices.once(3) ? [...frames, ...lookupOverTcp(choices)] : frames;
}

function resolution(choices: Choices): Uint8Array[] {
  return Array.from({ length: 1 + choices.below(3) }, () => {
    const packet = arp({
      operation: 1 + choices.below(3),
      senderMac: choices.of(MACS),
      senderAddress: choices.of(ADDRESSES),
      targetMac: choices.of(MACS),
      targetAddress: choices.of(ADDRESSES),
    });
    return ethernet(packet, {
      source: choices.of(MACS),
      destination: choices.of(MACS),
      etherType: ETHER_TYPES.arp,
    });
  });
}

function discovery(choices: Choices): Uint8Array[] {
  const source = choices.of(ADDRESSES6), target = choices.of(ADDRESSES6), mac = choices.of([...MACS, null]);
  return [
    neighbourSolicitation({ source, target, mac }),
    neighbourAdvertisement({
      target,
      destination: source,
      mac,
      isRouter: choices.once(2),
      isSolicited: !choices.once(4),
      isOverride: choices.once(2),
    }),
    routerAdvertisement({ source: target, mac, lifetime: choices.below(2) }),
  ].slice(choices.below(2), 1 + choices.below(3)).map((packet) =>
    ethernet(packet, { source: choices.of(MACS) })
  );
}

/** A query and its response. */
function messages(choices: Choices): [query: Uint8Array, response: Uint8Array] {
  const name = choices.of(NAMES), id = choices.below(3);
  const type = choices.of([...Object.values(DNS_TYPES), 255]);
  const questions = [{ name, type }];
  const answers = [
    cname(name, choices.of(NAMES)),
    address(choices.of(NAMES), choices.of(ADDRESSES)),
    address(name, choices.of(ADDRESSES6)),
    https(name, choices.below(2), choices.of(NAMES), [choices.of(ADDRESSES)]),
  ].slice(choices.below(4));
  return [
    dnsMessage({ id, questions }),
    dnsMessage({
      id,
      isResponse: true,
      rcode: choices.of([0, 0, 0, 2, 3, 5]),
      isTruncated: choices.once(6),
      questions: choices.once(8) ? [] : questions,
      answers,
      compress: choices.once(2),
    }),
  ];
}

function lookup(choices: Choices): Uint8Array[] {
  const isV6 = choices.once(4), addresses = isV6 ? ADDRESSES6 : ADDRESSES;
  const client = choices.of(addresses), server = choices.of(addresses);
  const port = choices.of([53, 53, 53, 5353, 5355]),
    clientPort = port === 5353 ? port : 40000 + choices.below(2);
  const [query, response] = messages(choices);
  const wrap = (
    message: Uint8Array,
    source: string,
    destination: string,
    ports: readonly [number, number],
  ) => {
    const ends = { source, destination };
    const datagram = udp(message, { ...ends, sourcePort: ports[0], destinationPort: ports[1] });
    const options = { ...ends, protocol: PROTOCOLS.udp };
    return ethernet(isV6 ? ipv6(datagram, options) : ipv4(datagram, options));
  };
  const asked = wrap(query, client, server, [clientPort, port]);
  const answered = wrap(response, server, client, [port, clientPort]);
  return choices.of([[asked, answered], [asked, asked, answered], [asked], [answered]]);
}

function lookupOverTcp(choices: Choices): Frame[] {
  const conversation = new Conversation({
    client: { port: 41000 + choices.below(2) },
    server: { port: 53 },
    segmentSize: 1 + choices.below(100),
  });
  if (!choices.once(5)) conversation.handshake();
  for (let count = choices.below(4); count > 0; count--) {
    const [query, response] = messages(choices);
    if (!choices.once(5)) conversation.client(overTcp(query));
    if (!choices.once(5)) conversation.server(overTcp(response));
  }
  if (choices.once(2)) conversation.close();
  return conversation.frames;
}

/** An error about a segment such as those of the conversations that go on beside it. */
function unreachable(choices: Choices): Uint8Array {
  const [source, destination] = choices.of(
    [["10.0.0.1", "10.0.0.2"], ["2001:db8::1", "2001:db8::2"]] as const,
  );
  const segment = tcp("", { source, destination, sourcePort: 1000 + choices.below(4) });
  const isV6 = source.includes(":");
  const quoted = isV6 ? ipv6(segment, { source, destination }) : ipv4(segment, { source, destination });
  const error = icmpError(
    choices.of([1, 3, 4, 11]),
    choices.below(3),
    quoted.subarray(0, quoted.length - choices.below(30)),
  );
  return ethernet(
    isV6 ? ipv6(error, { protocol: PROTOCOLS.icmp6 }) : ipv4(error, { protocol: PROTOCOLS.icmp }),
  );
}
