import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { exchangeFigures } from "../../src/stats/exchange_figures.ts";
import { Slowest } from "../../src/stats/slowest.ts";
import { makeExchange, makeOpening } from "./exchanges.ts";

const START = 1_700_000_000_000_000;

Deno.test("Slowest keeps the exchanges that took longest from the first thing seen to the last byte", () => {
  const totals = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 });
  fc.assert(fc.property(totals, fc.integer({ min: 1, max: 10 }), (totals, cap) => {
    const slowest = new Slowest(cap);
    const exchanges = totals.map((wait, index) =>
      makeExchange({ time: START + index, path: `/${index}`, wait, receive: 0 })
    );
    for (const exchange of exchanges) slowest.offer(exchange);
    const expected = exchanges.map(exchangeFigures).sort((a, b) => b.totalMs - a.totalMs).slice(0, cap);
    assertEquals(slowest.top(100), expected);
    assertEquals(slowest.top(2), expected.slice(0, 2));
  }));
});

Deno.test("Slowest counts what came before the first request of a connection", () => {
  const slowest = new Slowest(2);
  const offer = (path: string, wait: number, dns?: number) => {
    const opening = dns === undefined ? undefined : makeOpening({ synAt: START, connect: 1, dns });
    slowest.offer(makeExchange({ time: START + 1000, path, wait, receive: 0, ...(opening && { opening }) }));
  };
  offer("/reused", 60);
  offer("/also reused", 70);
  offer("/first", 40, 5);
  assertEquals(slowest.top(3).map(({ path, totalMs }) => [path, totalMs]), [["/first", 141], [
    "/also reused",
    70,
  ]]);
});

Deno.test("Slowest leaves out exchanges whose end was not seen", () => {
  const slowest = new Slowest(5);
  slowest.offer(makeExchange({ wait: 1000 }));
  slowest.offer(makeExchange({ status: 0, opening: makeOpening({ synAt: START, connect: 1 }) }));
  assertEquals(slowest.top(5), []);
});

Deno.test("Slowest keeps what it shows when the exchange is given back and used again", () => {
  const slowest = new Slowest(1);
  const opening = makeOpening({ synAt: START, connect: 1, dns: 3, arp: 2 });
  const exchange = makeExchange({
    time: START + 2000,
    path: "/slow?",
    wait: 500,
    send: 1,
    receive: 7,
    opening,
    requestBodyBytes: 3,
    responseBodyBytes: 9,
    status: 404,
  });
  exchange.method = "POST";
  exchange.retransmissions = 2;
  exchange.gaps = 1;
  const before = exchangeFigures(exchange);
  slowest.offer(exchange);
  exchange.release();
  makeExchange({ host: "other", path: "/other", wait: 1, receive: 0 });
  assertEquals(slowest.top(1), [before]);
});
