import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { Places } from "../../src/stats/places.ts";
import { seededRandom } from "./exchanges.ts";

/** Places whose holders are as busy as they were active, and what was vacated. */
class Fixture {
  readonly counts: number[] = [];
  /** By place: how often its owner was active since the place was given to it. */
  readonly active: number[] = [];
  readonly vacated: number[] = [];
  readonly places: Places;

  constructor(cap: number) {
    this.places = new Places({ count: (holder) => this.counts[holder] ?? 0 }, cap, (place) => {
      this.active[place] = 0;
      this.vacated.push(place);
    });
  }

  act(holder: number): number {
    this.counts[holder] = (this.counts[holder] ?? 0) + 1;
    const place = this.places.claim(holder);
    if (place > 0) this.active[place] = (this.active[place] ?? 0) + 1;
    return place;
  }

  activeOf(holder: number): number {
    return this.active[this.places.of(holder)] ?? 0;
  }
}

const range = (from: number, length: number) => Array.from({ length }, (_, index) => from + index);

Deno.test("Places gives each holder a place of its own up to the cap, and 0 beyond", () => {
  const { places } = new Fixture(2);
  assertEquals([0, 1000, 3].map((holder) => places.claim(holder)), [1, 2, 0]);
  assertEquals([0, 1000, 3].map((holder) => places.of(holder)), [1, 2, 0]);
  assertEquals([places.end, places.owner(0), places.owner(1), places.owner(2)], [3, -1, 0, 1000]);
});

Deno.test("Places has none with a cap of 0", () => {
  const fixture = new Fixture(0);
  assertEquals([fixture.act(1), fixture.act(1), fixture.places.end], [0, 0, 1]);
  fixture.places.restart(1);
  assertEquals(fixture.places.of(1), 0);
});

Deno.test("Places keeps the busiest after an early flood of holders that are active once", () => {
  const fixture = new Fixture(512);
  for (const holder of range(0, 20_000)) fixture.act(holder);
  const busy = range(20_000, 500);
  for (let round = 0; round < 20; round++) {
    for (const holder of busy) fixture.act(holder);
    fixture.act(30_000 + round);
  }
  assert(busy.every((holder) => fixture.activeOf(holder) >= 18), "they were active in their places");
});

Deno.test("Places lets a flood take no place from busy holders, and gives one to a busier one", () => {
  const fixture = new Fixture(4);
  const busy = range(0, 4);
  for (let round = 0; round < 10; round++) busy.forEach((holder) => fixture.act(holder));
  for (const holder of range(4, 10_000)) fixture.act(holder);
  assertEquals(busy.map((holder) => fixture.activeOf(holder)), [10, 10, 10, 10]);
  assertEquals(fixture.vacated, []);

  const busier = 20_000;
  fixture.counts[busier] = 100;
  const place = fixture.act(busier);
  assertEquals([fixture.places.owner(place), fixture.vacated], [busier, [place]]);
  assertEquals(busy.filter((holder) => fixture.places.of(holder) === 0).length, 1);
});

Deno.test("Places does not let holders of about the same count push each other out", () => {
  const fixture = new Fixture(10);
  const random = seededRandom(7);
  for (let added = 0; added < 100_000; added++) fixture.act(Math.floor(random() * 100));
  for (const place of range(1, 10)) assertLessOrEqual(500, fixture.active[place] ?? 0);
});

Deno.test("Places.restart vacates the holder's place, which it keeps until one that is busier comes", () => {
  const fixture = new Fixture(1);
  fixture.act(0);
  fixture.counts[0] = 0;
  fixture.places.restart(0);
  assertEquals([fixture.places.of(0), fixture.vacated], [1, [1]]);
  assertEquals([fixture.act(1), fixture.places.of(0), fixture.vacated], [1, 0, [1, 1]]);
});

Deno.test("Places.restart gives a holder a place that is free, and takes none", () => {
  const { places, vacated } = new Fixture(1);
  places.restart(300);
  places.restart(5);
  assertEquals([places.of(300), places.of(5), vacated], [1, 0, []]);
});
