import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Measures, RECEIVE, SEND, SERVER, WAIT } from "../../src/stats/measures.ts";
import { bucketOf } from "../../src/stats/quantile.ts";

function add(measures: Measures, place: number, measure: number, values: number[]): void {
  for (const value of values) measures.add(place, measure, value, bucketOf(value));
}

const all = (ms: number) => ({ p50: ms, p95: ms, p99: ms });

Deno.test("Measures tells percentiles of each place and measure, of those that have values", () => {
  const measures = new Measures(2);
  add(measures, 1, WAIT, [5000, 5000]);
  add(measures, 1, SERVER, [3000]);
  add(measures, 2, WAIT, [7000]);
  assertEquals(measures.figures(1), { waitMs: all(5), serverMs: all(3) });
  assertEquals(measures.figures(2), { waitMs: all(7) });
});

Deno.test("Measures counts exchanges that took no time to send nor to receive among those that did", () => {
  const measures = new Measures(1);
  for (let index = 0; index < 94; index++) measures.addMomentary(1);
  add(measures, 1, SEND, [2000, 2000, 2000, 2000, 2000, 2000]);
  add(measures, 1, RECEIVE, [0, 0, 0, 4000, 4000]);
  for (let look = 0; look < 2; look++) {
    const { sendMs, receiveMs } = measures.figures(1);
    assertEquals([sendMs?.p50, sendMs?.p95, sendMs?.p99], [0, 2, 2]);
    assertEquals([receiveMs?.p50, receiveMs?.p95], [0, 0]);
    assertAlmostEquals(receiveMs?.p99 ?? NaN, 4, 0.08);
  }
});

Deno.test("Measures.clear forgets the values of a place and no others", () => {
  const measures = new Measures(2);
  for (const place of [1, 1, 2]) measures.addMomentary(place);
  add(measures, 1, WAIT, [5000]);
  add(measures, 1, SERVER, [5000]);
  add(measures, 2, SERVER, [8000]);
  measures.clear(1);
  assertEquals(measures.figures(1), {});
  assertEquals(measures.figures(2), { sendMs: all(0), receiveMs: all(0), serverMs: all(8) });
  add(measures, 1, WAIT, [700]);
  assertEquals(measures.figures(1), { waitMs: all(0.7) });
});
