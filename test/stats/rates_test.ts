import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { Places } from "../../src/stats/places.ts";
import { RateSampler } from "../../src/stats/rates.ts";
import type { Rates } from "../../src/stats/report.ts";

const SECOND = 1_000_000;
const START = 1_700_000_000 * SECOND;
const LENGTHS: [keyof Rates, number][] = [["now", 5], ["1m", 60], ["5m", 300], ["15m", 900]];

/** Counts requests as the aggregate does. */
class Fixture {
  readonly counts: number[] = [];
  readonly places: Places;
  readonly rates: RateSampler;
  total = 0;
  start = Infinity;
  now = -Infinity;

  constructor(cap = 4) {
    const holders = { count: (holder: number) => this.counts[holder] ?? 0 };
    this.places = new Places(holders, cap, (place) => this.rates.restart(place, this.now));
    this.rates = new RateSampler(this.places, holders, cap);
  }

  advance(time: number): void {
    if (time >= this.rates.due) this.rates.sample(time, this.total);
    this.start = Math.min(this.start, time);
    this.now = Math.max(this.now, time);
  }

  request(time: number, holder = 0, times = 1): void {
    this.advance(time);
    this.places.claim(holder);
    this.counts[holder] = (this.counts[holder] ?? 0) + times;
    this.total += times;
  }

  all(): Rates {
    return this.rates.all(this.start, this.now, this.total);
  }

  of(holder: number): Rates {
    return this.rates.of(this.places.of(holder), this.start, this.now);
  }
}

Deno.test("RateSampler has no rates before any traffic and of a single moment", () => {
  const fixture = new Fixture();
  const none = { now: 0, "1m": 0, "5m": 0, "15m": 0 };
  assertEquals(fixture.all(), none);
  fixture.request(START);
  assertEquals([fixture.all(), fixture.of(0)], [none, none]);
});

Deno.test("RateSampler tells rates since the start while that is shorter than a window", () => {
  const fixture = new Fixture();
  for (let index = 0; index <= 20; index++) fixture.request(START + index * SECOND / 10);
  assertEquals(fixture.all(), { now: 10.5, "1m": 10.5, "5m": 10.5, "15m": 10.5 });
});

Deno.test("RateSampler tells the mean of each window from the whole second on that it begins with", () => {
  const fixture = new Fixture();
  // 10 a second for 1000 seconds, then 100 a second for 10 seconds.
  for (let second = 0; second < 1010; second++) {
    fixture.request(START + second * SECOND, 0, second < 1000 ? 10 : 100);
  }
  fixture.advance(START + 1010 * SECOND);
  const expected = {
    now: 100,
    "1m": (50 * 10 + 10 * 100) / 60,
    "5m": (290 * 10 + 10 * 100) / 300,
    "15m": (890 * 10 + 10 * 100) / 900,
  };
  for (const rates of [fixture.all(), fixture.of(0)]) {
    for (const [name] of LENGTHS) assertEquals(rates[name], Math.round(expected[name] * 1000) / 1000, name);
  }
});

Deno.test("RateSampler agrees with a list of requests, whatever their times", () => {
  const steps = fc.array(
    fc.tuple(
      fc.oneof(
        fc.integer({ min: 0, max: 3 * SECOND }),
        fc.integer({ min: -2 * SECOND, max: 400 * SECOND }),
        fc.constant(1e10),
      ),
      fc.integer({ min: 0, max: 2 }),
      fc.boolean(),
    ),
    { minLength: 1, maxLength: 100 },
  );
  fc.assert(fc.property(steps, (steps) => {
    const fixture = new Fixture();
    const requests: { time: number; holder: number }[] = [];
    let time = START + 123_456;
    for (const [step, holder, isRequest] of steps) {
      time += step;
      if (isRequest) {
        fixture.request(time, holder);
        // Time that goes back is taken as the latest.
        requests.push({ time: fixture.now, holder });
      } else {
        fixture.advance(time);
      }
    }
    const second = Math.floor(fixture.now / SECOND);
    for (const holder of [undefined, 0, 1, 2]) {
      if (holder !== undefined && fixture.places.of(holder) === 0) continue;
      const figures = holder === undefined ? fixture.all() : fixture.of(holder);
      const own = requests.filter((request) => holder === undefined || request.holder === holder);
      for (const [name, length] of LENGTHS) {
        const from = Math.max((second - length) * SECOND, fixture.start);
        // A second that time never reached the end of again is counted whole with the start.
        const count = from === fixture.start ? own.length : own.filter(({ time }) => time >= from).length;
        const exact = fixture.now > from ? count / (fixture.now - from) * SECOND : 0;
        assert(Math.abs(figures[name] - exact) <= 0.0006, `${name}: ${figures[name]} for ${exact}`);
      }
    }
  }));
});

Deno.test("RateSampler falls to 0 when traffic stops, and jumps over a year without traffic at once", () => {
  const fixture = new Fixture();
  for (let second = 0; second < 100; second++) fixture.request(START + second * SECOND, 0, 7);
  for (let jump = 1; jump <= 10_000; jump++) fixture.advance(START + jump * 365 * 86_400 * SECOND);
  assertEquals(fixture.all(), { now: 0, "1m": 0, "5m": 0, "15m": 0 });
  assertEquals(fixture.of(0), fixture.all());
});

Deno.test("RateSampler stays small and quick when every request is in a second of its own", () => {
  const fixture = new Fixture(512);
  for (let holder = 0; holder < 512; holder++) fixture.request(START, holder);
  const begin = performance.now();
  for (let hour = 1; hour < 20_000; hour++) fixture.request(START + hour * 3600 * SECOND);
  assertLess(performance.now() - begin, 2000);
  assertEquals(fixture.of(0), fixture.all());
});

Deno.test("RateSampler gives a holder that took over a place its rates since then", () => {
  const fixture = new Fixture(1);
  for (let second = 0; second < 100; second++) fixture.request(START + second * SECOND, 0, 5);
  fixture.advance(START + 100 * SECOND);
  fixture.counts[1] = 5000;
  fixture.request(START + 100 * SECOND, 1);
  assertEquals([fixture.places.of(0), fixture.places.of(1)], [0, 1]);
  for (let second = 101; second < 110; second++) fixture.request(START + second * SECOND, 1, 3);
  fixture.advance(START + 110 * SECOND);
  // 28 requests in the 10 seconds since, and 15 in the last 5.
  assertEquals(fixture.of(1), { now: 3, "1m": 2.8, "5m": 2.8, "15m": 2.8 });
});

Deno.test("RateSampler begins anew with a holder that stands for something else", () => {
  const fixture = new Fixture(1);
  for (let second = 0; second < 100; second++) fixture.request(START + second * SECOND, 0, 5);
  fixture.counts[0] = 0;
  fixture.places.restart(0);
  for (let second = 99; second < 109; second++) fixture.request(START + second * SECOND, 0, 2);
  fixture.advance(START + 109 * SECOND);
  assertEquals(fixture.of(0), { now: 2, "1m": 2, "5m": 2, "15m": 2 });
});

Deno.test("RateSampler counts on past 2³² requests of a holder", () => {
  const fixture = new Fixture();
  fixture.request(START, 0, 2 ** 32 - 5);
  fixture.advance(START + 10 * SECOND);
  fixture.request(START + 10 * SECOND, 0, 20);
  fixture.advance(START + 14 * SECOND);
  assertEquals(fixture.of(0).now, 4);
});
