import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Output } from "../../src/app/ports.ts";
import { Endpoints, Exchange } from "../../src/http/exchange.ts";
import { Authority } from "../../src/http/target.ts";
import { type Location, type Lookup, Opening, type Resolution } from "../../src/network/opening.ts";
import { HarSink } from "../../src/sink/har.ts";
import type { Handshake } from "../../src/stream/handshake.ts";
import { rfc3339 } from "../../src/time.ts";
import { assertHar } from "../support/har_validator.ts";

const encoder = new TextEncoder();

/** Keeps each piece that is written. */
class Pieces implements Output {
  readonly pieces: string[] = [];
  failure: Error | undefined;

  write(data: string | Uint8Array): void {
    if (this.failure) throw this.failure;
    this.pieces.push(typeof data === "string" ? data : new TextDecoder().decode(data));
  }

  close(): void {}
}

/** What the tests read of an entry. */
interface Entry {
  startedDateTime: string;
  time: number;
  request: {
    method: string;
    url: string;
    httpVersion: string;
    headers: { name: string; value: string }[];
    queryString: { name: string; value: string }[];
    bodySize: number;
  };
  response: {
    status: number;
    httpVersion: string;
    headers: { name: string; value: string }[];
    content: { size: number; mimeType: string };
    bodySize: number;
    _error?: string;
  };
  timings: Timings;
  serverIPAddress: string;
  connection: string;
  _serverGateway?: unknown;
  _clientIPAddress: string;
  _clientPort: number;
  _dnsServer?: string;
  _reused?: boolean;
  _untrusted?: string[];
  _notObserved?: string[];
}

type Timings = Record<"blocked" | "dns" | "connect" | "ssl" | "send" | "wait" | "receive", number> & {
  _arp?: number;
  _server?: number;
};

/** Microseconds. */
const START = 1_700_000_000_000_000;

function endpointsOf(joined: Partial<Endpoints> = {}): Endpoints {
  const { clientPort = 40000, serverAddress = "10.0.0.2", serverPort = 80, ...fields } = joined;
  const ends = new Endpoints(
    "10.0.0.1",
    clientPort,
    serverAddress,
    serverPort,
    undefined,
    undefined,
    undefined,
  );
  return Object.assign(ends, fields);
}

/** What an exchange is set up with; a plain GET, answered in 6 ms, without what is left out. */
type Plan =
  & Partial<
    Omit<Exchange, "target" | "host" | "port" | "path" | "section" | "opening" | "authority" | "endpoints">
  >
  & { bytes?: Uint8Array; path?: string; host?: string; port?: number | undefined; endpoints?: Endpoints };

function exchangeOf({ bytes, path, host, port, endpoints, ...plan }: Plan): Exchange {
  const exchange = Exchange.make(endpoints ?? endpointsOf(), { time: START });
  const target = bytes ?? encoder.encode(path ?? "/x");
  exchange.target.take(target, 0, target.length);
  return Object.assign(exchange, {
    method: "GET",
    version: "1.1",
    authority: new Authority(host ?? "a.test", port),
    hostMissing: false,
    sentAt: START + 1_000,
    answeredAt: START + 3_000,
    endedAt: START + 6_000,
    status: 200,
  }, plan);
}

/** The archive of some exchanges, which a validator accepts. */
function entriesOf(exchanges: readonly Exchange[]): Entry[] {
  const output = new Pieces();
  const sink = new HarSink(output, "1.2.3");
  for (const exchange of exchanges) sink.write(exchange);
  sink.close();
  const archive = JSON.parse(output.pieces.join(""));
  assertHar(archive);
  return archive.log.entries;
}

function entryOf(plan: Plan): Entry {
  return entriesOf([exchangeOf(plan)])[0]!;
}

/** Adds up what viewers add up. */
function sumOf({ blocked, dns, connect, send, wait, receive }: Timings): number {
  return [blocked, dns, connect, send, wait, receive].reduce((sum, it) => it === -1 ? sum : sum + it, 0);
}

/** A first exchange: a lookup of 2 ms, an address resolution of 1 ms, 4 ms to connect, and pauses between them of 1 ms each. */
function openedOf(plan: Plan = {}): Exchange {
  const lookup: Lookup = {
    name: "a.test",
    protocol: "dns",
    server: "10.0.0.53",
    startedAt: START - 10_000,
    answeredAt: START - 8_000,
    retries: 0,
  };
  const resolution: Resolution = { askedAt: START - 7_000, answeredAt: START - 6_000, requests: 1 };
  const handshake: Handshake = {
    synAt: START - 5_000,
    lastSynAt: START - 5_000,
    synAckAt: START - 3_500,
    ackAt: START - 1_000,
    retransmissions: 0,
  };
  const opening = new Opening(handshake, lookup, resolution);
  return exchangeOf({ endpoints: endpointsOf({ opening }), isFirst: true, ...plan });
}

Deno.test("HarSink writes an empty archive when there was no exchange", () => {
  const output = new Pieces();
  const sink = new HarSink(output, "1.2.3");
  sink.flush();
  sink.close();
  const archive = JSON.parse(output.pieces.join(""));
  assertHar(archive);
  assertEquals(archive, {
    log: { version: "1.2", creator: { name: "trafficsniffer", version: "1.2.3" }, entries: [] },
  });
});

Deno.test("HarSink writes the phases of a first exchange, and what lies between them as blocked", () => {
  const [entry] = entriesOf([openedOf()]);
  assertEquals(entry!.timings, {
    blocked: 4,
    dns: 2,
    connect: 4,
    ssl: -1,
    send: 1,
    wait: 2,
    receive: 3,
    _arp: 1,
    _server: 0.5,
  });
  assertEquals(entry!.time, 16);
  assertEquals(entry!.startedDateTime, rfc3339(START - 10_000));
  assertEquals(entry!._dnsServer, "10.0.0.53");
  assertEquals(entry!._reused, false);
  assertEquals(entry!._untrusted, undefined);
  assertEquals(entry!._notObserved, undefined);
});

Deno.test("HarSink writes no dns, connect and blocked for an exchange on a connection that is used again", () => {
  const [entry] = entriesOf([openedOf({ isFirst: false })]);
  assertEquals(entry!.timings, {
    blocked: -1,
    dns: -1,
    connect: -1,
    ssl: -1,
    send: 1,
    wait: 2,
    receive: 3,
    _server: 0.5,
  });
  assertEquals(entry!.time, 6);
  assertEquals(entry!.startedDateTime, rfc3339(START));
  assertEquals(entry!._reused, true);
  assertEquals(entry!._dnsServer, undefined);
});

Deno.test("HarSink counts time once where phases overlap", () => {
  const [early] = entriesOf([openedOf({ sentAt: START + 4_000, answeredAt: START + 3_000 })]);
  const { send, wait, receive } = early!.timings;
  assertEquals({ send, wait, receive, time: early!.time }, { send: 4, wait: 0, receive: 2, time: 16 });
});

Deno.test("HarSink names the phases that it has to write 0 for", () => {
  const entry = entryOf({ status: 0, answeredAt: NaN, endedAt: NaN });
  assertEquals([entry.timings.send, entry.timings.wait, entry.timings.receive], [1, 0, 0]);
  assertEquals(entry._notObserved, ["wait", "receive"]);
  assertEquals(entry.time, 1);
});

Deno.test("HarSink says why there is no response", () => {
  const unanswered: Plan = { status: 0, answeredAt: NaN, endedAt: NaN };
  const { response } = entryOf(unanswered);
  assertEquals([response.status, response.bodySize, response.httpVersion], [0, -1, ""]);
  assertEquals(response._error, "no response seen");
  assertEquals(entryOf({ ...unanswered, wasReset: true }).response._error, "connection reset");
  assertEquals(entryOf({ ...unanswered, hasIcmpError: true }).response._error, "ICMP error");
  assertEquals(entryOf({ wasReset: true }).response._error, undefined);
  assertEquals(entryOf({ version: "0.9", status: 0 }).response._error, undefined);
});

Deno.test("HarSink writes sizes, media type and the headers that are kept", () => {
  const entry = entryOf({
    userAgent: "curl/8",
    referrer: "http://b.test/from",
    port: 8080,
    mimeType: "text/html",
    requestBodyBytes: 5,
    responseBodyBytes: 700,
  });
  assertEquals(entry.request.headers, [
    { name: "Host", value: "a.test:8080" },
    { name: "User-Agent", value: "curl/8" },
    { name: "Referer", value: "http://b.test/from" },
  ]);
  assertEquals(entry.request.bodySize, 5);
  assertEquals(entry.response.headers, [{ name: "Content-Type", value: "text/html" }]);
  assertEquals(entry.response.content, { size: 700, mimeType: "text/html" });
  assertEquals(entry.response.bodySize, 700);
  assertEquals(entryOf({}).response.content, { size: 0, mimeType: "x-unknown" });
});

Deno.test("HarSink writes the request's version, and of an HTTP/1 response's what it has in common with that", () => {
  for (const [version, answered] of [["0.9", "0.9"], ["1.0", "1"], ["1.1", "1"], ["2", "2"]] as const) {
    const { request, response } = entryOf({ version });
    assertEquals([request.httpVersion, response.httpVersion], [`HTTP/${version}`, `HTTP/${answered}`]);
  }
});

Deno.test("HarSink writes HTTP/2's name for the host", () => {
  assertEquals(entryOf({ version: "2" }).request.headers, [{ name: ":authority", value: "a.test" }]);
});

Deno.test("HarSink tells connections apart that share a client's port", () => {
  const [one, other] = [endpointsOf(), endpointsOf()];
  const entries = entriesOf([one, other, one].map((endpoints) => exchangeOf({ endpoints })));
  assertEquals(entries[0]!.connection, entries[2]!.connection);
  assertNotEquals(entries[0]!.connection, entries[1]!.connection);
  assertEquals([entries[0]!._clientIPAddress, entries[0]!._clientPort], ["10.0.0.1", 40000]);
});

Deno.test("HarSink names the gateway that the server is behind", () => {
  const gateway = { address: "10.0.0.254", mac: "02:00:00:00:00:01" };
  const serverLocation = { onLink: false, gateway };
  assertEquals(entryOf({ endpoints: endpointsOf({ serverLocation }) })._serverGateway, gateway);
});

Deno.test("HarSink names the phases that cannot be trusted", () => {
  assertEquals(entryOf({ retransmissions: 1 })._untrusted, ["send", "wait", "receive"]);
});

/** Each request with its URL. */
const URLS: Readonly<Record<string, [Plan, string]>> = {
  "a plain one": [{ path: "/a/b" }, "http://a.test/a/b"],
  "a port": [{ port: 8080 }, "http://a.test:8080/x"],
  "no port on an odd server's port": [{ endpoints: endpointsOf({ serverPort: 8080 }) }, "http://a.test/x"],
  "no host on an odd server's port": [
    { host: "10.0.0.2", hostMissing: true, endpoints: endpointsOf({ serverPort: 8080 }) },
    "http://10.0.0.2:8080/x",
  ],
  "no host": [{ host: "10.0.0.2", hostMissing: true }, "http://10.0.0.2/x"],
  "an IPv6 literal": [{ host: "2001:db8::1", port: 81 }, "http://[2001:db8::1]:81/x"],
  "CONNECT": [{ method: "CONNECT", path: "", port: 443 }, "http://a.test:443"],
  "OPTIONS *": [{ method: "OPTIONS", path: "*" }, "http://a.test"],
  "a path without slash": [{ path: "x" }, "http://a.test/x"],
  "a query": [{ query: "a=1&b=%20c" }, "http://a.test/x?a=1&b=%20c"],
  "spaces, quotes and percent signs": [
    { path: '/a "b"/%zz%41%', query: "q=<%>" },
    "http://a.test/a%20%22b%22/%25zz%41%25?q=%3C%25%3E",
  ],
  "text beyond ASCII": [{ path: "/é", query: "ü" }, "http://a.test/%C3%A9?%C3%BC"],
  "bytes that are no text": [{ bytes: Uint8Array.of(0x2f, 0xff, 0x00) }, "http://a.test/%FF%00"],
  "a name beyond ASCII": [{ host: "bücher.test" }, "http://xn--bcher-kva.test/x"],
  "a host that is none": [{ host: "a b/c?d#e" }, "http://10.0.0.2/x"],
  "a host with a path in it": [{ host: "a/b" }, "http://10.0.0.2/x"],
  "a host with quotes": [{ host: 'a"b' }, "http://10.0.0.2/x"],
  "a host that is no address, on an IPv6 server": [
    { host: "999.1.1.1", port: 81, endpoints: endpointsOf({ serverAddress: "fe80::1" }) },
    "http://[fe80::1]:81/x",
  ],
};

for (const [name, [plan, url]] of Object.entries(URLS)) {
  Deno.test(`HarSink writes the URL of a request with ${name}`, () => {
    assertEquals(entryOf(plan).request.url, url);
    assert(URL.canParse(url));
  });
}

Deno.test("HarSink writes the query's parameters, and none when queries are not kept", () => {
  assertEquals(entryOf({ query: "a=1&b=%20c&a" }).request.queryString, [
    { name: "a", value: "1" },
    { name: "b", value: " c" },
    { name: "a", value: "" },
  ]);
  assertEquals(entryOf({}).request.queryString, []);
});

const text = fc.oneof(
  fc.constantFrom("", "GET", "a.test", "text/html", "<script>", "\u202e\u0007\u009b"),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "\n", "%", "#", "/", "?", ":", "@", "\ud800", "a", "😀") }),
);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const address = fc.oneof(fc.ipV4(), fc.constantFrom("::1", "2001:db8::5", "::ffff:10.0.0.1"));
const time = fc.oneof(
  fc.integer({ min: START, max: START + 100_000_000 }),
  fc.constantFrom(0, 0.5, -1, 1.8e19, -1e19),
);
const moment = fc.oneof(fc.constant(NaN), time);
const count = fc.oneof(fc.constant(0), fc.maxSafeNat());
const lookup: fc.Arbitrary<Lookup> = fc.record({
  name: text,
  protocol: fc.constantFrom("dns", "mdns", "llmnr"),
  server: address,
  startedAt: time,
  answeredAt: time,
  retries: fc.nat(2),
});
const resolution: fc.Arbitrary<Resolution> = fc.record({
  askedAt: time,
  answeredAt: time,
  requests: fc.integer({ min: 1, max: 3 }),
});
const handshake: fc.Arbitrary<Handshake> = fc.record({
  synAt: time,
  lastSynAt: time,
  synAckAt: moment,
  ackAt: moment,
  retransmissions: fc.nat(2),
});
const location: fc.Arbitrary<Location> = fc.record({
  onLink: fc.boolean(),
  gateway: maybe(fc.record({ mac: text, address })),
});
const endpoints = fc.tuple(
  fc.tuple(address, fc.nat(65535), address, fc.nat(65535), maybe(text), maybe(text), maybe(fc.nat(4095))),
  fc.record({
    opening: maybe(
      fc.tuple(handshake, maybe(lookup), maybe(resolution)).map((values) => new Opening(...values)),
    ),
    clientLocation: maybe(location),
    serverLocation: maybe(location),
  }),
).map(([values, joined]) => Object.assign(new Endpoints(...values), joined));
const plan: fc.Arbitrary<Plan> = fc.record({
  endpoints,
  bytes: fc.oneof(fc.uint8Array(), text.map((it) => encoder.encode(it)), fc.constant(encoder.encode("*"))),
  host: fc.oneof(text, address, fc.domain()),
  port: maybe(fc.nat(65535)),
  time,
  sentAt: moment,
  answeredAt: moment,
  endedAt: moment,
  method: text,
  version: fc.constantFrom("0.9", "1.0", "1.1", "2"),
  hostMissing: fc.boolean(),
  query: maybe(text),
  userAgent: maybe(text),
  referrer: maybe(text),
  requestBodyBytes: count,
  status: fc.oneof(fc.constant(0), fc.nat(999)),
  mimeType: maybe(text),
  responseBodyBytes: count,
  retransmissions: count,
  gaps: count,
  isFirst: fc.boolean(),
  wasReset: fc.boolean(),
  hasIcmpError: fc.boolean(),
});

Deno.test("HarSink writes a valid archive of whatever was captured, whose times add up", () => {
  fc.assert(
    fc.property(fc.array(plan, { maxLength: 8 }), (plans) => {
      const exchanges = plans.map(exchangeOf);
      const entries = entriesOf(exchanges);
      assertEquals(entries.length, exchanges.length);
      for (const [i, { request, timings, ...entry }] of entries.entries()) {
        const exchange = exchanges[i]!;
        const { blocked, dns, connect, ssl, send, wait, receive } = timings;
        for (const optional of [blocked, dns, connect, ssl]) assert(optional === -1 || optional >= 0);
        for (const needed of [send, wait, receive]) assert(needed >= 0);
        assertAlmostEquals(sumOf(timings), entry.time, 1e-9 * entry.time + 1e-9);
        assertEquals(entry.startedDateTime, rfc3339(exchange.opening?.startedAt ?? exchange.time));
        assert(URL.canParse(request.url));
        assertEquals(request.method, exchange.method);
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});

Deno.test("HarSink writes each phase as observed, and ends with the last byte, when they follow each other", () => {
  const steps = fc.array(fc.nat(1_000_000), { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(steps, (steps) => {
      let now = START;
      const moments = steps.map((step) => now += step);
      const [startedAt, answered, synAt, synAckAt, ackAt, time, sentAt, answeredAt, endedAt] = moments as [
        ...[number, number, number, number, number, number, number, number, number],
      ];
      const opening = new Opening(
        { synAt, lastSynAt: synAt, synAckAt, ackAt, retransmissions: 0 },
        { name: "a.test", protocol: "dns", server: "10.0.0.53", startedAt, answeredAt: answered, retries: 0 },
        undefined,
      );
      const endpoints = endpointsOf({ opening });
      const exchange = exchangeOf({ endpoints, isFirst: true, time, sentAt, answeredAt, endedAt });
      const [entry] = entriesOf([exchange]);
      const { dns, connect, send, wait, receive } = exchange;
      const written = entry!.timings;
      assertEquals(
        {
          dns: written.dns,
          connect: written.connect,
          send: written.send,
          wait: written.wait,
          receive: written.receive,
        },
        { dns, connect, send, wait, receive },
      );
      assertAlmostEquals(startedAt + entry!.time * 1000, endedAt, 0.5);
    }),
    { seed: 1 },
  );
});

Deno.test("HarSink gathers entries, and writes them when they are many or it is told to", () => {
  const output = new Pieces();
  const sink = new HarSink(output, "1.2.3");
  const exchange = exchangeOf({});
  sink.write(exchange);
  assertEquals(output.pieces.length, 0);
  sink.flush();
  assertEquals(output.pieces.length, 1);
  sink.flush();
  assertEquals(output.pieces.length, 1);
  for (let i = 0; i < 1000; i++) sink.write(exchange);
  assert(output.pieces.length > 2);
  sink.close();
  sink.close();
  const archive = JSON.parse(output.pieces.join(""));
  assertHar(archive);
  assertEquals(archive.log.entries.length, 1001);
});

Deno.test("HarSink does not write again what the output did not take", () => {
  const output = new Pieces();
  const sink = new HarSink(output, "1.2.3");
  sink.write(exchangeOf({ method: "LOST" }));
  output.failure = new Error("full");
  assertThrows(() => sink.flush(), Error, "full");
  output.failure = undefined;
  sink.close();
  assertEquals(output.pieces.join("").includes("LOST"), false);
});
