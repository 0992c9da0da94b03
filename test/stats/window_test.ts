import { assertEquals, assertGreaterOrEqual, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SlidingWindow } from "../../src/stats/window.ts";

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
/** A start such as packets have: not at a bucket's edge. */
const START = 1_700_000_000_012_345;

Deno.test("SlidingWindow counts the hits of its length and forgets older ones", () => {
  const window = new SlidingWindow(2 * MINUTE);
  window.add(START);
  window.add(START + MINUTE, 3);
  assertEquals(window.count, 4);
  window.advance(START + 2 * MINUTE - SECOND);
  assertEquals(window.count, 4);
  window.advance(START + 2 * MINUTE);
  assertEquals(window.count, 3);
  window.advance(START + 3 * MINUTE);
  assertEquals(window.count, 0);
});

Deno.test("SlidingWindow is empty before the first hit and has seen no time", () => {
  const window = new SlidingWindow(MINUTE);
  assertEquals([window.count, window.now], [0, -Infinity]);
  window.advance(START);
  assertEquals([window.count, window.now], [0, START]);
});

Deno.test("SlidingWindow counts a hit from the past at the latest time seen", () => {
  const window = new SlidingWindow(2 * MINUTE);
  window.add(START);
  window.add(START - 10 * MINUTE);
  window.advance(START - MINUTE);
  assertEquals([window.count, window.now], [2, START]);
  window.advance(START + 2 * MINUTE - SECOND);
  assertEquals(window.count, 2);
  window.advance(START + 2 * MINUTE);
  assertEquals(window.count, 0);
});

Deno.test("SlidingWindow tells each moment at which hits left, also within one long advance", () => {
  const left: [number, number][] = [];
  const window = new SlidingWindow(2 * MINUTE, (time, count) => left.push([time, count]));
  const start = 1_700_000_000 * SECOND;
  window.add(start, 2);
  window.add(start + SECOND);
  window.add(start + MINUTE, 4);
  window.advance(start + 30 * 24 * 60 * MINUTE);
  assertEquals(left, [
    [start + 2 * MINUTE, 5],
    [start + 2 * MINUTE + SECOND, 4],
    [start + 3 * MINUTE, 0],
  ]);
  window.add(start + 30 * 24 * 60 * MINUTE + SECOND);
  assertEquals(window.count, 1);
});

Deno.test("SlidingWindow crosses a gap of thousands of years at once", () => {
  const window = new SlidingWindow(MINUTE);
  window.add(0);
  window.advance(1e17);
  assertEquals(window.count, 0);
});

Deno.test("SlidingWindow forgets hits at times that no capture should have", () => {
  for (const time of [-START, -1, -1e25, Number.MAX_SAFE_INTEGER - MINUTE, 1e25]) {
    const window = new SlidingWindow(MINUTE);
    window.add(time);
    window.add(time);
    assertEquals(window.count, 2);
    window.advance(time + 2 * MINUTE);
    window.advance(1e26);
    assertEquals(window.count, time >= Number.MAX_SAFE_INTEGER ? 2 : 0, `${time}`);
  }
});

Deno.test("SlidingWindow rejects a length that is not a positive whole number", () => {
  for (const length of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => new SlidingWindow(length), RangeError, "length");
  }
});

Deno.test("SlidingWindow agrees with a list of hits within one bucket", () => {
  const lengths = fc.constantFrom(1, 7, 1199, 1201, 500_000, SECOND, 2 * MINUTE, 7 * 86_400 * SECOND);
  const steps = fc.array(fc.tuple(fc.integer({ min: -200, max: 1500 }), fc.boolean()), { maxLength: 60 });
  fc.assert(fc.property(lengths, fc.integer({ min: -2e9, max: 2e9 }), steps, (length, start, steps) => {
    const window = new SlidingWindow(length);
    const bucket = Math.ceil(length / 1200);
    const hits: number[] = [];
    let time = start;
    let now = -Infinity;
    for (const [step, isHit] of steps) {
      // Steps in thousandths of the length, so that hits both stay and leave.
      time += Math.round(step * length / 1000);
      now = Math.max(now, time);
      if (isHit) {
        window.add(time);
        hits.push(now);
      } else window.advance(time);
      const within = (age: number) => hits.filter((hit) => now - hit < age).length;
      assertGreaterOrEqual(window.count, within(length - bucket));
      assertLessOrEqual(window.count, within(length + bucket));
    }
  }));
});

Deno.test("SlidingWindow forgets no hit more than a bucket early", () => {
  const window = new SlidingWindow(2 * MINUTE);
  window.add(START);
  let leaves = START;
  while (window.count > 0) window.advance(leaves += 1000);
  assertLessOrEqual(leaves, START + 2 * MINUTE);
  assertLess(START + 2 * MINUTE - leaves, SECOND / 10);
});
