import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Output } from "../../src/app/ports.ts";
import { Endpoints, Exchange } from "../../src/http/exchange.ts";
import { toRecord } from "../support/record.ts";
import { Authority } from "../../src/http/target.ts";
import { Opening } from "../../src/network/opening.ts";
import { NdjsonSink } from "../../src/sink/ndjson.ts";

const encoder = new TextEncoder();

/** Keeps each piece that is written, for its memory is used again. */
class Pieces implements Output {
  readonly pieces: Uint8Array[] = [];
  failure: Error | undefined;

  write(data: string | Uint8Array): void {
    if (this.failure) throw this.failure;
    this.pieces.push(typeof data === "string" ? encoder.encode(data) : data.slice());
  }

  close(): void {}

  get text(): string {
    return this.pieces.map((piece) => new TextDecoder().decode(piece)).join("");
  }
}

const ENDPOINTS = new Endpoints("10.0.0.1", 40000, "10.0.0.2", 80, undefined, undefined, undefined);
const HOST = new Authority("a.test", undefined);

/** What an exchange is set up with; as a plain GET without what is left out. */
type Plan =
  & Partial<Omit<Exchange, "target" | "host" | "port" | "path" | "section" | "opening">>
  & { bytes?: Uint8Array };

function exchangeOf({ bytes, endpoints, ...plan }: Plan): Exchange {
  const exchange = Exchange.make(endpoints ?? ENDPOINTS, { time: 1_700_000_000_000_000 });
  const path = bytes ?? encoder.encode("/x");
  exchange.target.take(path, 0, path.length);
  return Object.assign(
    exchange,
    { method: "GET", version: "1.1", authority: HOST, hostMissing: false },
    plan,
  );
}

/** The same in the plain way. */
function line(exchange: Exchange): string {
  return JSON.stringify(toRecord(exchange)) + "\n";
}

function written(exchanges: readonly Exchange[]): string {
  const output = new Pieces();
  const sink = new NdjsonSink(output);
  for (const exchange of exchanges) sink.write(exchange);
  sink.close();
  return output.text;
}

const text = fc.oneof(
  fc.constantFrom(
    "",
    "GET",
    "text/html",
    "Mozilla/5.0 (X11; Linux x86_64) of more than a few words",
    "é".repeat(40),
  ),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "\n", "\u0000", "\u2028", "\ud800", "\udc00", "a", "😀") }),
);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const count = fc.oneof(fc.nat(1000), fc.nat(), fc.maxSafeNat());
const port = fc.oneof(fc.constantFrom(80, 40000, 40000 + 1024), fc.nat(65535));
/** Often of one second, in order or not. */
const time = fc.oneof(
  fc.integer({ min: 1_700_000_000_000_000, max: 1_700_000_002_000_000 }),
  fc.constantFrom(0, -1, 0.5, 1.8e19, -1e19, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1),
  fc.double({ noNaN: true }),
);
const moment = fc.oneof(fc.constant(NaN), time);
const lookup = fc.record({
  name: text,
  protocol: fc.constantFrom("dns", "mdns", "llmnr"),
  server: text,
  startedAt: time,
  answeredAt: time,
  retries: fc.nat(2),
});
const resolution = fc.record({ askedAt: time, answeredAt: time, requests: fc.integer({ min: 1, max: 3 }) });
const handshake = fc.record({
  synAt: time,
  lastSynAt: time,
  synAckAt: moment,
  ackAt: moment,
  retransmissions: fc.nat(2),
});
const opening = fc.tuple(handshake, maybe(lookup), maybe(resolution)).map((values) => new Opening(...values));
const location = fc.record({
  onLink: fc.boolean(),
  gateway: maybe(fc.record({ mac: text, address: text })),
});
const endpoints = fc.tuple(
  fc.tuple(text, port, text, port, maybe(text), maybe(text), maybe(fc.nat(4095))),
  fc.record({ opening: maybe(opening), clientLocation: maybe(location), serverLocation: maybe(location) }),
).map(([values, joined]) => Object.assign(new Endpoints(...values), joined));
const someEndpoints = fc.array(endpoints, { minLength: 1, maxLength: 4 });

const plan: fc.Arbitrary<Plan> = fc.record({
  bytes: fc.oneof(
    fc.uint8Array(),
    fc.constantFrom("", "*", "/", "/api/v1", "/\u00e9/x", '/a"b/c').map((s) => encoder.encode(s)),
  ),
  time,
  sentAt: moment,
  answeredAt: moment,
  endedAt: moment,
  method: text,
  version: text,
  authority: fc.tuple(text, maybe(port)).map(([host, port]) => new Authority(host, port)),
  hostMissing: fc.boolean(),
  query: maybe(text),
  userAgent: maybe(text),
  referrer: maybe(text),
  requestBodyBytes: count,
  status: fc.oneof(fc.constant(0), fc.nat(999)),
  protocol: fc.constantFrom("http", "grpc", "websocket"),
  grpcStatus: maybe(fc.nat(16)),
  mimeType: maybe(text),
  responseBodyBytes: fc.oneof(fc.constant(0), count),
  retransmissions: count,
  gaps: count,
  isFirst: fc.boolean(),
  hasZeroWindow: fc.boolean(),
  wasReset: fc.boolean(),
  hasIcmpError: fc.boolean(),
});

Deno.test("NdjsonSink writes the lines that JSON.stringify makes of the records", () => {
  const plans = fc.array(fc.tuple(plan, fc.nat(3)), { maxLength: 20 });
  fc.assert(
    fc.property(plans, someEndpoints, (plans, ends) => {
      const exchanges = plans.map(([plan, end]) =>
        exchangeOf({ ...plan, endpoints: ends[end % ends.length]! })
      );
      assertEquals(written(exchanges), exchanges.map(line).join(""));
    }),
    { numRuns: 500, seed: 1 },
  );
});

Deno.test("NdjsonSink writes every line of many connections whose ports share their bits", () => {
  const ends = [1, 2, 3].map((i) =>
    new Endpoints("10.0.0.1", i * 1024, "10.0.0.2", 80, undefined, undefined, i)
  );
  const exchanges = [0, 0, 0, 1, 0, 1, 1, 1, 2, 2, 2, 0].map((i) => exchangeOf({ endpoints: ends[i]! }));
  assertEquals(written(exchanges), exchanges.map(line).join(""));
});

Deno.test("NdjsonSink writes a connection's later lines as its first, whatever was written in between", () => {
  const output = new Pieces();
  const sink = new NdjsonSink(output);
  const other = new Endpoints("2001:db8::1", 1, "2001:db8::2", 80, undefined, undefined, undefined);
  const exchanges = [ENDPOINTS, ENDPOINTS, other, other, ENDPOINTS, other].map((endpoints) =>
    exchangeOf({ endpoints })
  );
  for (const exchange of exchanges) {
    sink.write(exchange);
    sink.flush();
  }
  assertEquals(output.text, exchanges.map(line).join(""));
});

Deno.test("NdjsonSink writes what does not fit into a line's usual room", () => {
  const long = exchangeOf({
    bytes: encoder.encode("/" + '"'.repeat(60_000)),
    userAgent: "\u0001".repeat(60_000),
  });
  const usual = exchangeOf({});
  assertEquals(written([usual, long, usual]) === line(usual) + line(long) + line(usual), true);
});

Deno.test("NdjsonSink gathers whole lines, and writes them when they are many or it is told to", () => {
  const output = new Pieces();
  const sink = new NdjsonSink(output);
  const exchange = exchangeOf({});
  sink.flush();
  assertEquals(output.pieces.length, 0);
  sink.write(exchange);
  assertEquals(output.pieces.length, 0);
  sink.flush();
  assertEquals(output.text, line(exchange));
  for (let i = 0; i < 1000; i++) sink.write(exchange);
  const before = output.pieces.length;
  assert(before > 1);
  for (const piece of output.pieces) assertEquals(piece.at(-1), 0x0a);
  sink.close();
  assertEquals(output.pieces.length, before + 1);
  assertEquals(output.text, line(exchange).repeat(1001));
  sink.close();
  assertEquals(output.pieces.length, before + 1);
});

Deno.test("NdjsonSink does not write again what the output did not take", () => {
  const output = new Pieces();
  const sink = new NdjsonSink(output);
  sink.write(exchangeOf({ method: "LOST" }));
  output.failure = new Error("full");
  assertThrows(() => sink.flush(), Error, "full");
  output.failure = undefined;
  const next = exchangeOf({});
  sink.write(next);
  sink.close();
  assertEquals(output.text, line(next));
});
