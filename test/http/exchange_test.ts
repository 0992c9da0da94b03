import { assert, assertEquals, assertGreater, assertStrictEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import { Endpoints, Exchange } from "../../src/http/exchange.ts";
import { toRecord } from "../support/record.ts";
import { Opening } from "../../src/network/opening.ts";
import { Authority } from "../../src/http/target.ts";
import { concat, deliver, type Frame, payloadBytes } from "../support/frames.ts";
import { HpackEncoder } from "../support/hpack_encoder.ts";
import * as http2 from "../support/http2.ts";
import { conversation, head, type Snapshot, snapshot } from "./support.ts";
import { talksOfEveryKind } from "./talks.ts";

/** An exchange of which everything was observed, with `change` made to it. */
function exchangeWith(change: Partial<Exchange> = {}): Exchange {
  const endpoints = new Endpoints(
    "10.0.0.1",
    40000,
    "2001:db8::2",
    80,
    "02:00:00:00:00:01",
    "02:00:00:00:00:02",
    5,
  );
  const begin = 1_704_067_200_000_001 - 100_000;
  const handshake = {
    synAt: begin + 20_000,
    lastSynAt: begin + 20_000,
    synAckAt: begin + 20_500,
    ackAt: begin + 20_600,
    retransmissions: 0,
  };
  const lookup = {
    name: "a.test",
    protocol: "dns",
    server: "10.0.0.53",
    startedAt: begin + 3000,
    answeredAt: begin + 9000,
    retries: 0,
  } as const;
  const resolution = { askedAt: begin, answeredAt: begin + 2000, requests: 1 };
  endpoints.opening = new Opening(handshake, lookup, resolution);
  endpoints.clientLocation = { onLink: true, gateway: undefined };
  endpoints.serverLocation = { onLink: false, gateway: { address: "10.0.0.254", mac: "02:00:00:00:00:02" } };
  const exchange = Exchange.make(endpoints, { time: 1_704_067_200_000_001 });
  exchange.target.take(payloadBytes("/api/x"), 0, 6);
  exchange.askFor(new Authority("a.test", 8080));
  return Object.assign(exchange, {
    method: "POST",
    version: "1.1",
    hostMissing: true,
    query: "q=1",
    userAgent: "curl/8",
    referrer: "http://r.test/",
    requestBodyBytes: 5,
    status: 200,
    mimeType: "text/html",
    responseBodyBytes: 7,
    sentAt: exchange.time,
    answeredAt: exchange.time + 1500,
    endedAt: exchange.time + 3500,
    retransmissions: 1,
    gaps: 2,
    isFirst: true,
    hasZeroWindow: true,
    wasReset: true,
    hasIcmpError: true,
  }, change);
}

/** A record as it is read again from its line. */
function written(exchange: Exchange): Record<string, unknown> {
  return JSON.parse(JSON.stringify(toRecord(exchange)));
}

Deno.test("toRecord names everything as the Elastic Common Schema does, in a fixed order", () => {
  assertEquals(Object.entries(written(exchangeWith())), [
    ["@timestamp", "2024-01-01T00:00:00.000001Z"],
    ["client.ip", "10.0.0.1"],
    ["client.port", 40000],
    ["server.ip", "2001:db8::2"],
    ["server.port", 80],
    ["client.mac", "02:00:00:00:00:01"],
    ["server.mac", "02:00:00:00:00:02"],
    ["client.on_link", true],
    ["server.on_link", false],
    ["server.gateway.ip", "10.0.0.254"],
    ["server.gateway.mac", "02:00:00:00:00:02"],
    ["network.vlan.id", 5],
    ["network.protocol", "http"],
    ["http.request.method", "POST"],
    ["http.version", "1.1"],
    ["url.domain", "a.test"],
    ["host.missing", true],
    ["url.port", 8080],
    ["url.path", "/api/x"],
    ["url.query", "q=1"],
    ["section", "/api"],
    ["http.response.status_code", 200],
    ["http.response.mime_type", "text/html"],
    ["http.request.body.bytes", 5],
    ["http.response.body.bytes", 7],
    ["user_agent.original", "curl/8"],
    ["http.request.referrer", "http://r.test/"],
    ["dns.server.ip", "10.0.0.53"],
    ["dns.protocol", "dns"],
    ["dns.question.name", "a.test"],
    ["timings.dns", 6],
    ["timings.arp", 2],
    ["timings.connect", 0.6],
    ["timings.send", 0],
    ["timings.wait", 1.5],
    ["timings.receive", 2],
    ["timings.server", 1],
    ["timings.untrusted", ["send", "wait", "receive"]],
    ["tcp.reused", false],
    ["tcp.rtt", 0.6],
    ["tcp.syn_retransmissions", 0],
    ["tcp.retransmissions", 1],
    ["tcp.gaps", 2],
    ["tcp.zero_window", true],
    ["tcp.reset", true],
    ["icmp.error", true],
  ]);
});

Deno.test("toRecord leaves out what was not observed", () => {
  const bare = exchangeWith({
    endpoints: new Endpoints("10.0.0.1", 40000, "2001:db8::2", 80, undefined, undefined, undefined),
    hostMissing: false,
    authority: new Authority("a.test", undefined),
    query: undefined,
    userAgent: undefined,
    referrer: undefined,
    requestBodyBytes: 0,
    status: 0,
    mimeType: undefined,
    responseBodyBytes: 0,
    sentAt: NaN,
    answeredAt: NaN,
    endedAt: NaN,
    retransmissions: 0,
    gaps: 0,
    hasZeroWindow: false,
    wasReset: false,
    hasIcmpError: false,
  });
  const record = written(bare);
  assertEquals(Object.keys(record), [
    "@timestamp",
    "client.ip",
    "client.port",
    "server.ip",
    "server.port",
    "network.protocol",
    "http.request.method",
    "http.version",
    "url.domain",
    "url.path",
    "section",
    "http.request.body.bytes",
    "tcp.retransmissions",
    "tcp.gaps",
  ]);
  assertEquals(record["http.request.body.bytes"], 0);
});

Deno.test("toRecord tells an empty body and an empty query apart from none", () => {
  const record = written(exchangeWith({ responseBodyBytes: 0, query: "" }));
  assertEquals([record["http.response.body.bytes"], record["url.query"]], [0, ""]);
});

/** All of an exchange's own fields, the path as what it stands for. */
function fieldsOf(exchange: Exchange): Record<string, unknown> {
  const { target, ...fields } = exchange;
  return { ...fields, target: undefined, path: target.path, section: target.section };
}

Deno.test("Exchange.make makes of a released exchange what it makes of none", () => {
  const endpoints = new Endpoints("10.0.0.1", 1, "10.0.0.2", 80, undefined, undefined, undefined);
  const fresh = Exchange.make(endpoints, { time: 5 });
  const used = exchangeWith({ protocol: "grpc", grpcStatus: 3, memo: {}, gaps: 9 });
  used.release();
  const again = Exchange.make(endpoints, { time: 5 });
  assertStrictEquals(again, used, "it comes from the pool");
  // Set by who makes it.
  const { method, version, authority, hostMissing, path, section, ...rest } = fieldsOf(again);
  const { method: _, version: _v, authority: _a, hostMissing: _h, path: _p, section: _s, ...expected } =
    fieldsOf(fresh);
  assertEquals(rest, expected);
  assert([method, version, authority, hostMissing, path, section].every((value) => value !== undefined));
});

Deno.test("exchanges keep nothing of those that they were made of, whatever the two were", () => {
  const told = (exchange: Exchange) => {
    const { endpoints: _, authority: _a, sequence, acknowledgement, lossesBefore, ...fields } = fieldsOf(
      exchange,
    );
    // HTTP/2 pairs by stream, not by these.
    const pairing = exchange.version === "2" ? {} : { sequence, acknowledgement, lossesBefore };
    return [{ ...fields, ...pairing }, snapshot(exchange)];
  };
  const read = (frames: readonly Frame[], releases: boolean) => {
    const requests: unknown[] = [], exchanges: unknown[] = [];
    const pipeline = new Pipeline({
      request: (exchange) => void requests.push(told(exchange)),
      exchange: (exchange) => {
        exchanges.push(told(exchange));
        if (releases) exchange.release();
      },
    }, { ports: [80], keepQuery: true });
    deliver(frames, pipeline.frame);
    pipeline.flush();
    return { requests, exchanges };
  };
  const talks = Object.values(talksOfEveryKind());
  const expected = talks.map((frames) => read(frames, false));
  for (const before of talks) {
    for (const [i, frames] of talks.entries()) {
      read(before, true);
      assertEquals(read(frames, true), expected[i], `conversation ${i}`);
    }
  }
  assertGreater(expected.flatMap(({ exchanges }) => exchanges).length, 5);
});

Deno.test("an exchange that was handed over is left alone, even if its request goes on behind a switch to HTTP/2", () => {
  const server = new HpackEncoder();
  const early = conversation((c) => {
    c.client(head("POST /early HTTP/1.1", "Upgrade: h2c", "Content-Length: 10") + "12345");
    c.server(head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c"));
    c.server(
      concat(http2.settings(), http2.headers(1, server.encode([[":status", "200"]]), { endStream: true })),
    );
  }, { client: { port: 1 } });
  const later = conversation((c) => void c.client(head("GET /later HTTP/1.1")), { client: { port: 2 } });
  const frames = [
    ...early.frames,
    ...later.frames,
    ...early.client("67890"),
    ...later.server(head("HTTP/1.1 204 No")),
  ];
  const exchanges: Snapshot[] = [];
  const pipeline = new Pipeline({
    request() {},
    exchange: (exchange) => {
      exchanges.push(snapshot(exchange));
      exchange.release();
    },
  }, { ports: [80], keepQuery: true });
  deliver(frames, pipeline.frame);
  pipeline.flush();
  const facts = exchanges.map((
    { path, status, requestBodyBytes, send },
  ) => [path, status, requestBodyBytes, send]);
  assertEquals(facts[1], ["/later", 204, 0, 0]);
  assertEquals(facts[0]?.slice(0, 2), ["/early", 200]);
});

Deno.test("Exchange tells the server's part of the wait to the microsecond, and none where the clock went back", () => {
  const begin = 1_704_067_200_000_000;
  const serverOf = (wait: number, network: number, retransmissions = 0) => {
    const exchange = exchangeWith();
    const synAckAt = begin + network;
    const handshake = { synAt: begin, lastSynAt: begin, synAckAt, ackAt: synAckAt, retransmissions };
    exchange.endpoints.opening = new Opening(handshake, undefined, undefined);
    exchange.answeredAt = exchange.sentAt + wait;
    return exchange.server;
  };
  assertEquals(serverOf(123, 50), 0.073);
  assertEquals(serverOf(40, 50), 0);
  assertEquals(serverOf(123, -50), 0.123);
  assertEquals(serverOf(123, NaN), undefined);
  assertEquals(serverOf(NaN, 50), undefined);
  assertEquals(serverOf(123, 50, 1), undefined);
});
