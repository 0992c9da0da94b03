import { assertEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import type { AddressChange, DnsOutcome } from "../../src/network/events.ts";
import { address, DNS_TYPES, dnsMessage, overTcp } from "../support/dns.ts";
import {
  arp,
  CLIENT_MAC,
  concat,
  Conversation,
  type ConversationOptions,
  deliver,
  ETHER_TYPES,
  ethernet,
  type Frame,
  frameOf,
  icmpError,
  ipv4,
  LINK_TYPES,
  linuxSll2,
  neighbourAdvertisement,
  neighbourSolicitation,
  PROTOCOLS,
  tcp,
  udp,
} from "../support/frames.ts";

/** Everything before a request, as frames at chosen times, and what the pipeline makes of it. */

const MILLISECOND = 1000;
const BEGIN = 1_704_067_200_000_000;
const BROADCAST = "ff:ff:ff:ff:ff:ff";
const CLIENT = "10.0.0.1", GATEWAY = "10.0.0.254", GATEWAY_MAC = "02:00:00:00:00:fe";
const RESOLVER = "10.9.9.53", SERVER = "192.0.2.80";
const REQUEST = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function at(milliseconds: number, bytes: Uint8Array): Frame {
  return frameOf(bytes, { time: BEGIN + milliseconds * MILLISECOND });
}

function arpRequest(time: number, target: string, from = { mac: CLIENT_MAC, address: CLIENT }): Frame {
  const packet = arp({ senderMac: from.mac, senderAddress: from.address, targetAddress: target });
  return at(time, ethernet(packet, { source: from.mac, destination: BROADCAST, etherType: ETHER_TYPES.arp }));
}

function arpReply(time: number, sender: string, mac: string): Frame {
  const packet = arp({
    operation: 2,
    senderMac: mac,
    senderAddress: sender,
    targetMac: CLIENT_MAC,
    targetAddress: CLIENT,
  });
  return at(time, ethernet(packet, { source: mac, destination: CLIENT_MAC, etherType: ETHER_TYPES.arp }));
}

function query(time: number, name: string, id = 1, type: number = DNS_TYPES.a, client = CLIENT): Frame {
  const message = dnsMessage({ id, questions: [{ name, type }] });
  const addresses = { source: client, destination: RESOLVER };
  const datagram = udp(message, { sourcePort: 50000, destinationPort: 53, ...addresses });
  const packet = ipv4(datagram, { protocol: PROTOCOLS.udp, ...addresses });
  return at(time, ethernet(packet, { destination: GATEWAY_MAC }));
}

function answer(time: number, name: string, addresses: readonly string[], id = 1, client = CLIENT): Frame {
  const message = dnsMessage({
    id,
    isResponse: true,
    questions: [{ name, type: addresses[0]?.includes(":") ? DNS_TYPES.aaaa : DNS_TYPES.a }],
    answers: addresses.map((value) => address(name, value)),
  });
  const ends = { source: RESOLVER, destination: client };
  const datagram = udp(message, { sourcePort: 53, destinationPort: 50000, ...ends });
  const packet = ipv4(datagram, { protocol: PROTOCOLS.udp, ...ends });
  return at(time, ethernet(packet, { source: GATEWAY_MAC, destination: CLIENT_MAC }));
}

/** A connection through the gateway: SYN at `time`, then a frame each 10 ms. */
function connection(time: number, options: ConversationOptions = {}): Conversation {
  const made = new Conversation({
    time: BEGIN + time * MILLISECOND,
    step: 10 * MILLISECOND,
    acknowledge: false,
    server: { address: SERVER, mac: GATEWAY_MAC },
    ...options,
  });
  made.handshake();
  return made;
}

/** SYN, SYN-ACK, ACK, request and response. */
function exchangeFrames(time: number, options: ConversationOptions = {}): Frame[] {
  const made = connection(time, options);
  made.client(REQUEST);
  made.server(RESPONSE);
  return made.frames;
}

interface Seen {
  readonly exchanges: Exchange[];
  readonly dns: DnsOutcome[];
  readonly changes: AddressChange[];
  readonly pipeline: Pipeline;
}

function read(frames: readonly Frame[], lifecycle = true): Seen {
  const exchanges: Exchange[] = [], dns: DnsOutcome[] = [], changes: AddressChange[] = [];
  const pipeline = new Pipeline(
    { request() {}, exchange: (exchange) => void exchanges.push(exchange) },
    {
      ports: [80],
      keepQuery: false,
      network: lifecycle
        ? { dns: (outcome) => void dns.push(outcome), addressChange: (change) => void changes.push(change) }
        : undefined,
    },
  );
  deliver(frames.toSorted((a, b) => a.time - b.time), pipeline.frame);
  pipeline.flush();
  return { exchanges, dns, changes, pipeline };
}

/** Milliseconds of each phase. */
function timings({ dns, arp, connect, send, wait, receive, server }: Exchange) {
  return { dns, arp, connect, send, wait, receive, server };
}

const LATER = { send: 0, wait: 10, receive: 0 };

/** Address resolution of the gateway in 2 ms, then the lookup in 5. */
const BEFORE = [
  arpRequest(0, GATEWAY),
  arpReply(2, GATEWAY, GATEWAY_MAC),
  query(2.1, "shop.test"),
  answer(7.1, "shop.test", [SERVER]),
];

Deno.test("Pipeline joins lookup, address resolution and handshake to the first exchange of a connection", () => {
  const { exchanges: [exchange], dns } = read([...BEFORE, ...exchangeFrames(8)]);
  assertEquals(timings(exchange!), { dns: 5, arp: 2, connect: 20, server: 0, ...LATER });
  assertEquals(exchange!.opening!.lookup, {
    name: "shop.test",
    protocol: "dns",
    server: RESOLVER,
    startedAt: BEGIN + 2100,
    answeredAt: BEGIN + 7100,
    retries: 0,
  });
  assertEquals(exchange!.reused, false);
  assertEquals(exchange!.untrusted, []);
  assertEquals(exchange!.endpoints.serverLocation, {
    onLink: false,
    gateway: { mac: GATEWAY_MAC, address: GATEWAY },
  });
  assertEquals(exchange!.endpoints.clientLocation, { onLink: true, gateway: undefined });
  assertEquals(dns.map(({ name, roundTrip, rcode }) => [name, roundTrip, rcode]), [["shop.test", 5000, 0]]);
});

Deno.test("Pipeline takes the address resolution that the SYN waited for before one that the query waited for", () => {
  const other = [arpRequest(8, GATEWAY), arpReply(11, GATEWAY, GATEWAY_MAC)];
  const { exchanges: [exchange] } = read([...BEFORE, ...other, ...exchangeFrames(11.1)]);
  assertEquals(exchange!.arp, 3);
});

Deno.test("Pipeline joins nothing to the later exchanges of a connection, and says that it is reused", () => {
  const made = connection(8);
  for (let i = 0; i < 3; i++) {
    made.client(REQUEST);
    made.server(RESPONSE);
  }
  const { exchanges } = read([...BEFORE, ...made.frames]);
  assertEquals(exchanges.map(({ reused }) => reused), [false, true, true]);
  assertEquals(timings(exchanges[1]!), {
    dns: undefined,
    arp: undefined,
    connect: undefined,
    server: 0,
    ...LATER,
  });
});

Deno.test("Pipeline does not know whether the first exchange of a connection met in the middle is its first", () => {
  const made = new Conversation({ server: { address: SERVER, mac: GATEWAY_MAC }, time: BEGIN + 8000 });
  made.client(REQUEST);
  made.server(RESPONSE);
  made.client(REQUEST);
  made.server(RESPONSE);
  const { exchanges } = read([...BEFORE, ...made.frames]);
  assertEquals(exchanges.map(({ reused }) => reused), [undefined, true]);
  assertEquals(exchanges.map(({ dns, arp, connect }) => [dns, arp, connect]), [
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
  ]);
  assertEquals(exchanges[0]!.endpoints.serverLocation?.gateway?.address, GATEWAY);
});

Deno.test("Pipeline joins no lookup and no handshake to a request before which another was lost", () => {
  const made = connection(8);
  made.lose("client", REQUEST.length);
  made.server(RESPONSE);
  made.client(REQUEST);
  made.server(RESPONSE);
  const { exchanges } = read([...BEFORE, ...made.frames]);
  assertEquals(exchanges.map(({ reused, dns, connect }) => [reused, dns, connect]), [
    [undefined, undefined, undefined],
  ]);
});

Deno.test("Pipeline joins only what the client itself asked, had answered with this address, before its SYN", () => {
  const elsewhere = "192.0.2.99";
  const unfit: [string, Frame[]][] = [
    ["another client's", [
      query(2, "shop.test", 1, 1, "10.0.0.7"),
      answer(5, "shop.test", [SERVER], 1, "10.0.0.7"),
    ]],
    ["another address", [query(2, "shop.test"), answer(5, "shop.test", [elsewhere])]],
    ["answered too late", [query(2, "shop.test"), answer(8.5, "shop.test", [SERVER])]],
    ["never asked for", [answer(5, "shop.test", [SERVER])]],
    ["another network's", [
      ...[query(2, "shop.test"), answer(5, "shop.test", [SERVER])].map((frame) => ({
        ...frame,
        bytes: concat(frame.bytes.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 5), frame.bytes.subarray(12)),
        wireLength: frame.wireLength + 4,
      })),
    ]],
  ];
  for (const [why, frames] of unfit) {
    const { exchanges: [exchange] } = read([...frames, ...exchangeFrames(8)]);
    assertEquals(exchange!.dns, undefined, why);
    assertEquals(exchange!.connect, 20, why);
  }
});

Deno.test("Pipeline gives a lookup to the connection that waited for it and not to those that come later", () => {
  const later = exchangeFrames(500, { client: { port: 40001 } });
  const { exchanges } = read([...BEFORE, ...exchangeFrames(8), ...later]);
  assertEquals(exchanges.map(({ dns }) => dns), [5, undefined]);
});

Deno.test("Pipeline prefers the lookup of the name that the request asks for", () => {
  const both = [
    query(1, "shop.test", 1),
    query(1, "other.test", 2),
    answer(4, "shop.test", [SERVER], 1),
    answer(7, "other.test", [SERVER], 2),
  ];
  const { exchanges: [exchange] } = read([...both, ...exchangeFrames(8)]);
  assertEquals([exchange!.opening!.lookup!.name, exchange!.dns], ["shop.test", 3]);
});

Deno.test("Pipeline tells the server's time from the network's by the handshake as seen here", () => {
  const made = connection(8, { step: 4 * MILLISECOND });
  made.client(REQUEST);
  made.wait(30 * MILLISECOND);
  made.server(RESPONSE);
  const { exchanges: [exchange] } = read(made.frames);
  assertEquals([exchange!.wait, exchange!.server], [34, 30]);
});

Deno.test("Pipeline joins neighbour discovery of IPv6, and knows the next hop as on link", () => {
  const frames = [
    at(0, ethernet(neighbourSolicitation(), { destination: "33:33:ff:00:00:02" })),
    at(3, ethernet(neighbourAdvertisement(), { source: "02:00:00:00:00:02", destination: CLIENT_MAC })),
    ...exchangeFrames(3.5, { ipv6: true, server: {} }),
  ];
  const { exchanges: [exchange] } = read(frames);
  assertEquals([exchange!.arp, exchange!.connect], [3, 20]);
  assertEquals(exchange!.endpoints.serverLocation, { onLink: true, gateway: undefined });
});

Deno.test("Pipeline knows a client that asks over IPv4 for the IPv6 address to which it connects", () => {
  const server = "2001:db8::2";
  const frames = [
    arpRequest(0, GATEWAY),
    at(1, ethernet(neighbourSolicitation(), { destination: "33:33:ff:00:00:02" })),
    query(2, "shop.test", 1, DNS_TYPES.aaaa),
    answer(5, "shop.test", [server]),
    ...exchangeFrames(8, { ipv6: true, server: {} }),
  ];
  assertEquals(read(frames).exchanges.map(({ dns }) => dns), [3]);
  // Without what shows that both are one machine's.
  assertEquals(read(frames.slice(2)).exchanges.map(({ dns }) => dns), [undefined]);
});

Deno.test("Pipeline reads DNS over TCP, and not as HTTP", () => {
  const name = "shop.test";
  const lookup = new Conversation({
    server: { address: RESOLVER, port: 53, mac: GATEWAY_MAC },
    client: { port: 40999 },
    time: BEGIN,
    step: MILLISECOND,
    acknowledge: false,
  });
  lookup.handshake();
  lookup.client(overTcp(dnsMessage({ id: 9, questions: [{ name }] })), 7);
  lookup.server(
    overTcp(dnsMessage({ id: 9, isResponse: true, questions: [{ name }], answers: [address(name, SERVER)] })),
  );
  lookup.close();
  const { exchanges: [exchange], dns, pipeline } = read([...lookup.frames, ...exchangeFrames(30)]);
  assertEquals(exchange!.opening!.lookup!.name, name);
  assertEquals(dns.length, 1);
  assertEquals(pipeline.figures({ kernel: 0, interface: 0 }).unparsed, 0);
});

Deno.test("Pipeline marks the exchange during which its connection was reset, stalled, or met an ICMP error", () => {
  const stalled = connection(8);
  stalled.client(REQUEST);
  const [first] = stalled.server(RESPONSE.slice(0, 10));
  const noWindow = { source: CLIENT, destination: SERVER };
  stalled.frames.push(at(
    55,
    ethernet(ipv4(tcp("", { ...noWindow, seq: 1001 + REQUEST.length, ack: 5001, window: 0 }), noWindow), {
      destination: GATEWAY_MAC,
    }),
  ));
  stalled.server(RESPONSE.slice(10));
  assertEquals(first!.time, BEGIN + 48 * MILLISECOND);

  const aborted = connection(8);
  aborted.client(REQUEST);
  aborted.reset("server");

  const unreachable = connection(8);
  const [request] = unreachable.client(REQUEST);
  const quoted = request!.bytes.subarray(14, 14 + 28);
  const about = ipv4(icmpError(3, 1, quoted), {
    protocol: PROTOCOLS.icmp,
    source: GATEWAY,
    destination: CLIENT,
  });
  unreachable.frames.push(at(39, ethernet(about, { source: GATEWAY_MAC, destination: CLIENT_MAC })));

  const seen = [stalled, aborted, unreachable].map(({ frames }) => read(frames));
  assertEquals(
    seen.map(({ exchanges: [it] }) => [it!.hasZeroWindow, it!.wasReset, it!.hasIcmpError]),
    [[true, false, false], [false, true, false], [false, false, true]],
  );
  const counts = seen.map(({ pipeline }) => pipeline.network()!);
  assertEquals(counts.map(({ tcp }) => [tcp.handshakes, tcp.zeroWindows, tcp.resets]), [
    [1, 1, 0],
    [1, 0, 1],
    [1, 0, 0],
  ]);
  assertEquals(counts.map(({ icmpErrors }) => icmpErrors), [0, 0, 1]);
});

Deno.test("Pipeline names the phases whose times something sent again has changed", () => {
  const made = new Conversation({
    server: { address: SERVER, mac: GATEWAY_MAC },
    time: BEGIN + 2908 * MILLISECOND,
    step: 10 * MILLISECOND,
    acknowledge: false,
  });
  const [syn] = made.handshake();
  const again = { ...syn!, time: syn!.time - 1_000_000 };
  const [request] = made.client(REQUEST);
  made.server(RESPONSE);
  const repeated = { ...request!, time: request!.time + 5 * MILLISECOND };
  const frames = [
    arpRequest(0, GATEWAY),
    arpRequest(1000, GATEWAY),
    arpReply(1002, GATEWAY, GATEWAY_MAC),
    query(1002.1, "shop.test"),
    query(1902, "shop.test", 2),
    answer(1907, "shop.test", [SERVER], 2),
    again,
    ...made.frames,
    repeated,
  ];
  const { exchanges: [exchange] } = read(frames);
  assertEquals(exchange!.untrusted, ["dns", "arp", "connect", "send", "wait", "receive"]);
  assertEquals([exchange!.arp, exchange!.connect, exchange!.opening!.roundTrip], [1002, 1020, 20]);
  // Which SYN was answered is not known, so neither is the network's part.
  assertEquals(exchange!.server, undefined);
});

Deno.test("Pipeline tells of an address that changes its link layer address", () => {
  const frames = [
    arpRequest(0, GATEWAY),
    arpReply(2, GATEWAY, GATEWAY_MAC),
    arpReply(5000, GATEWAY, "02:00:00:00:00:66"),
  ];
  const { changes } = read(frames);
  assertEquals(changes, [{
    time: BEGIN + 5_000_000,
    address: GATEWAY,
    from: GATEWAY_MAC,
    to: "02:00:00:00:00:66",
  }]);
});

Deno.test("Pipeline looks at HTTP only when nobody asks for more", () => {
  const { exchanges: [exchange], dns, pipeline } = read([...BEFORE, ...exchangeFrames(8)], false);
  assertEquals(timings(exchange!), {
    dns: undefined,
    arp: undefined,
    connect: undefined,
    server: undefined,
    ...LATER,
  });
  assertEquals([exchange!.reused, exchange!.endpoints.serverLocation], [undefined, undefined]);
  assertEquals([dns, pipeline.network()], [[], undefined]);
});

Deno.test("Pipeline joins in cooked captures what they show", () => {
  const cooked = (frame: Frame) => {
    const [source, etherType] = [frame.bytes.subarray(6, 12), (frame.bytes[12]! << 8) | frame.bytes[13]!];
    const mac = [...source].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    const bytes = linuxSll2(frame.bytes.subarray(14), { source: mac, etherType });
    return frameOf(bytes, { time: frame.time, linkType: LINK_TYPES.linuxSll2 });
  };
  const { exchanges: [exchange] } = read([...BEFORE, ...exchangeFrames(8)].map(cooked));
  assertEquals([exchange!.dns, exchange!.arp, exchange!.connect], [5, 2, 20]);
  const { clientMac, serverMac, serverLocation } = exchange!.endpoints;
  assertEquals([clientMac, serverMac, serverLocation?.gateway?.address], [CLIENT_MAC, GATEWAY_MAC, GATEWAY]);
});
