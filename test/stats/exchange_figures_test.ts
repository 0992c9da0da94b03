import { assertEquals } from "@std/assert";
import { exchangeFigures } from "../../src/stats/exchange_figures.ts";
import { makeExchange, makeOpening } from "./exchanges.ts";

/** 2023-11-14T22:13:20Z */
const START = 1_700_000_000_000_000;

Deno.test("exchangeFigures tells all that was seen of the first exchange on a connection", () => {
  const exchange = makeExchange({
    time: START + 130_000,
    client: "192.0.2.1",
    path: "/api/x",
    status: 503,
    requestBodyBytes: 5,
    responseBodyBytes: 17,
    opening: makeOpening({ synAt: START + 100_000, connect: 20.5, network: 20, dns: 12.345, arp: 0.5 }),
    send: 1,
    wait: 30.25,
    receive: 4,
    clientLocation: { onLink: true, gateway: undefined },
    serverLocation: { onLink: false, gateway: { mac: "02:00:00:00:00:80", address: "192.0.2.254" } },
  });
  exchange.gaps = 1;
  assertEquals(exchangeFigures(exchange), {
    startedAt: "2023-11-14T22:13:20.000000Z",
    totalMs: 165.25,
    client: "192.0.2.1",
    clientPort: 50_000,
    server: "192.0.2.80",
    serverPort: 80,
    method: "GET",
    host: "example.com",
    path: "/api/x",
    status: 503,
    requestBytes: 5,
    responseBytes: 17,
    phases: [
      { phase: "dns", startMs: 0, ms: 12.345 },
      { phase: "arp", startMs: 50, ms: 0.5 },
      { phase: "connect", startMs: 100, ms: 20.5 },
      { phase: "send", startMs: 130, ms: 1 },
      { phase: "wait", startMs: 131, ms: 30.25 },
      { phase: "receive", startMs: 161.25, ms: 4 },
    ],
    serverMs: 10.25,
    dnsServer: "192.0.2.53",
    dnsName: "www.example.com",
    clientMac: "02:00:00:00:00:01",
    serverMac: "02:00:00:00:00:80",
    serverGateway: "192.0.2.254",
    clientOnLink: true,
    serverOnLink: false,
    reused: false,
    untrusted: ["send", "wait", "receive"],
    retransmissions: 0,
    gaps: 1,
  });
});

Deno.test("exchangeFigures leaves out what was not seen", () => {
  const figures = exchangeFigures(makeExchange({ time: START, status: 0 }));
  assertEquals(figures, {
    startedAt: "2023-11-14T22:13:20.000000Z",
    totalMs: 0,
    client: "192.0.2.1",
    clientPort: 50_000,
    server: "192.0.2.80",
    serverPort: 80,
    method: "GET",
    host: "example.com",
    path: "/",
    status: 0,
    requestBytes: 0,
    responseBytes: 0,
    phases: [],
    reused: true,
    untrusted: [],
    retransmissions: 0,
    gaps: 0,
  });
});

Deno.test("exchangeFigures tells the phases until the last byte seen when there was no end", () => {
  const figures = exchangeFigures(makeExchange({ time: START, wait: 5, send: 2 }));
  assertEquals([figures.totalMs, figures.phases], [7, [
    { phase: "send", startMs: 0, ms: 2 },
    { phase: "wait", startMs: 2, ms: 5 },
  ]]);
});

Deno.test("exchangeFigures tells nothing of how a connection came about after its first exchange", () => {
  const first = makeExchange({
    time: START,
    opening: makeOpening({ synAt: START - 5, connect: 0.002 }),
    wait: 1,
  });
  const second = makeExchange({ time: START + 9000, wait: 3 });
  second.endpoints = first.endpoints;
  const { startedAt, totalMs, phases, reused, serverMs, dnsName } = exchangeFigures(second);
  assertEquals([startedAt, totalMs, reused, dnsName], ["2023-11-14T22:13:20.009000Z", 3, true, undefined]);
  assertEquals(phases.map(({ phase }) => phase), ["send", "wait"]);
  assertEquals(serverMs, 2.998);
});

Deno.test("exchangeFigures begins no phase before the exchange when the clock went back", () => {
  const figures = exchangeFigures(makeExchange({
    time: START,
    opening: makeOpening({ synAt: START + 5000, connect: 1 }),
    wait: 1,
    receive: 0,
  }));
  assertEquals(figures.startedAt, "2023-11-14T22:13:20.000000Z");
  assertEquals(figures.phases.map(({ startMs }) => startMs >= 0), [true, true, true, true]);
});
