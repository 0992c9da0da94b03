import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  HELD_SEGMENT,
  HeldMemory,
  REORDERING,
  Stream,
  type StreamHandler,
} from "../../src/stream/reassembly.ts";
import { Flag } from "../../src/wire/packet.ts";
import { payloadBytes } from "../support/frames.ts";

const SECOND = 1_000_000;

/** One direction with everything that it delivered, as text: `<n>` stands for n bytes not captured. */
class Harness {
  readonly stream = new Stream();
  readonly other = new Stream();
  delivered = "";
  readonly pieces: { sequence: number; acknowledgement: number | undefined; time: number }[] = [];
  readonly handler: StreamHandler = {
    data: (bytes, start, end, sequence, acknowledgement, time) => {
      this.delivered += new TextDecoder().decode(bytes.subarray(start, end));
      this.pieces.push({ sequence, acknowledgement, time });
    },
    missing: (length, lost) => void (this.delivered += lost ? `<${length}>` : `<cut ${length}>`),
    end: () => void (this.delivered += "."),
  };

  constructor(readonly start = 100, readonly budget = new HeldMemory(2 ** 20)) {
    this.stream.start(start | 0, true);
  }

  /** A segment whose first byte is `offset` bytes behind the start. */
  segment(
    offset: number,
    payload: string,
    options: { fin?: boolean; time?: number; cut?: number; ack?: number } = {},
  ): boolean {
    const bytes = payloadBytes(`>>${payload}<<`);
    const segment = {
      bytes,
      at: 2,
      end: 2 + payload.length - (options.cut ?? 0),
      payloadLength: payload.length,
      acknowledgement: options.ack ?? 0,
      flags: (options.fin ? Flag.fin : 0) | (options.ack === undefined ? 0 : Flag.ack),
      time: options.time ?? 0,
    };
    const repeated = this.stream.receive(
      segment,
      (this.start + offset) | 0,
      this.handler,
      this.budget,
      this.other,
    );
    // What is kept must be the stream's own.
    bytes.fill(0x21);
    this.stream.deliverHeld(this.handler, this.budget, this.other);
    return repeated;
  }

  /** Lets time go on to `now`; returns the holes given up. */
  advance(now: number): number {
    let holes = 0;
    while (this.stream.isOverdue(now, this.other)) {
      if (this.stream.hasHole) holes++;
      this.stream.giveUp(this.handler, this.other);
      this.stream.deliverHeld(this.handler, this.budget, this.other);
    }
    return holes;
  }
}

Deno.test("Stream delivers segments in order with their numbers and times", () => {
  const h = new Harness();
  assertEquals(h.segment(0, "abc", { time: 5, ack: 7 }), false);
  assertEquals(h.segment(3, "de", { time: 6, ack: 8 }), false);
  assertEquals(h.delivered, "abcde");
  assertEquals(h.pieces, [
    { sequence: 100, acknowledgement: 7, time: 5 },
    { sequence: 103, acknowledgement: 8, time: 6 },
  ]);
});

Deno.test("Stream holds early segments until the hole is filled and keeps their own facts", () => {
  const h = new Harness();
  h.segment(6, "ghi", { time: 1, ack: 11 });
  h.segment(3, "def", { time: 2 });
  assertEquals([h.delivered, h.stream.holds, h.budget.used], ["", true, 6 + 2 * HELD_SEGMENT]);
  h.segment(0, "abc", { time: 3 });
  assertEquals([h.delivered, h.stream.holds, h.budget.used], ["abcdefghi", false, 0]);
  assertEquals(h.pieces[2], { sequence: 106, acknowledgement: 11, time: 1 });
});

Deno.test("Stream drops retransmitted bytes and says so", () => {
  const h = new Harness();
  h.segment(0, "abcdef");
  assertEquals(h.segment(0, "abcdef"), true);
  assertEquals(h.segment(2, "cd"), true);
  assertEquals(h.segment(4, "efgh"), true);
  assertEquals(h.segment(8, "ij"), false);
  assertEquals(h.delivered, "abcdefghij");
});

Deno.test("Stream says so when a held segment comes again", () => {
  const h = new Harness();
  assertEquals(h.segment(3, "def"), false);
  assertEquals(h.segment(3, "def"), true);
  assertEquals(h.segment(4, "e"), true);
  assertEquals(h.segment(5, "fg"), true);
  h.segment(0, "abc");
  assertEquals([h.delivered, h.budget.used], ["abcdefg", 0]);
});

Deno.test("Stream keeps the bytes that came first where held segments overlap", () => {
  const front = new Harness();
  front.segment(3, "DEF");
  front.segment(2, "cdefg");
  front.segment(0, "ab");
  assertEquals(front.delivered, "abcdefg");
  const back = new Harness();
  back.segment(2, "CDE");
  back.segment(4, "efg");
  back.segment(0, "ab");
  assertEquals(back.delivered, "abCDEfg");
});

Deno.test("Stream ends at the FIN with its data, once, and delivers nothing behind it", () => {
  const h = new Harness();
  h.segment(0, "abc", { fin: true });
  assertEquals(h.segment(0, "abc", { fin: true }), true);
  assertEquals(h.segment(3, "", { fin: true }), false);
  h.segment(3, "zzz");
  h.segment(9, "zzz");
  assertEquals([h.delivered, h.stream.ended, h.stream.holds], ["abc.", true, false]);
});

Deno.test("Stream ends only when the hole before the FIN is filled", () => {
  const h = new Harness();
  h.segment(3, "", { fin: true });
  h.segment(5, "behind the end");
  assertEquals([h.delivered, h.stream.ended], ["", false]);
  h.segment(0, "abc");
  assertEquals([h.delivered, h.stream.ended, h.stream.holds, h.budget.used], ["abc.", true, false, 0]);
});

Deno.test("Stream takes the FIN that comes with bytes that are all old", () => {
  const h = new Harness();
  h.segment(0, "abc");
  h.segment(1, "bc", { fin: true });
  assertEquals(h.delivered, "abc.");
  const held = new Harness();
  held.segment(3, "def");
  held.segment(3, "def", { fin: true });
  held.segment(0, "abc");
  assertEquals(held.delivered, "abcdef.");
});

Deno.test("Stream reports the part of a segment that the snaplen cut off", () => {
  const h = new Harness();
  h.segment(0, "abcdef", { cut: 4 });
  h.segment(6, "ghi");
  h.segment(12, "mno", { cut: 3 });
  h.segment(9, "jkl", { cut: 1, fin: false });
  assertEquals(h.delivered, "ab<cut 4>ghijk<cut 1><cut 3>");
  const overlap = new Harness();
  overlap.segment(0, "abcd");
  overlap.segment(2, "cdefgh", { cut: 5 });
  assertEquals(overlap.delivered, "abcd<cut 4>");
});

Deno.test("Stream gives up a hole that the other end acknowledged after 100 ms, and 10 s otherwise", () => {
  const acknowledged = new Harness();
  acknowledged.segment(3, "def", { time: SECOND });
  acknowledged.stream.acknowledge(106);
  assertEquals(acknowledged.advance(SECOND + REORDERING - 1), 0);
  assertEquals(acknowledged.advance(SECOND + REORDERING), 1);
  assertEquals(acknowledged.delivered, "<3>def");
  const open = new Harness();
  open.segment(3, "def", { time: SECOND });
  open.stream.acknowledge(100);
  assertEquals(open.advance(11 * SECOND - 1), 0);
  assertEquals(open.advance(11 * SECOND), 1);
  assertEquals([open.delivered, open.budget.used], ["<3>def", 0]);
});

Deno.test("Stream lets each of several holes wait for its own time", () => {
  const h = new Harness();
  h.segment(3, "def", { time: 0 });
  h.segment(9, "jkl", { time: 8 * SECOND });
  assertEquals(h.advance(10 * SECOND), 1);
  assertEquals([h.delivered, h.stream.holds], ["<3>def", true]);
  assertEquals(h.advance(18 * SECOND), 1);
  assertEquals(h.delivered, "<3>def<3>jkl");
  assertEquals(h.segment(0, "abc"), true);
});

Deno.test("Stream holds what acknowledges undelivered bytes of the other direction", () => {
  const h = new Harness();
  h.other.start(500, true);
  h.segment(0, "response", { ack: 510, time: 1 });
  h.segment(8, " goes on", { ack: 510, time: 2 });
  assertEquals([h.delivered, h.budget.used], ["", 16 + 2 * HELD_SEGMENT]);
  h.other.next = 509;
  assertEquals(h.stream.deliverHeld(h.handler, h.budget, h.other), false);
  h.other.next = 510;
  assertEquals(h.stream.deliverHeld(h.handler, h.budget, h.other), true);
  assertEquals([h.delivered, h.budget.used], ["response goes on", 0]);
});

Deno.test("Stream waits 100 ms for the other direction, then not again for the same bytes", () => {
  const h = new Harness();
  h.other.start(500, true);
  h.segment(0, "a", { ack: 510, time: 0 });
  assertEquals([h.advance(REORDERING - 1), h.delivered], [0, ""]);
  assertEquals([h.advance(REORDERING), h.delivered], [0, "a"]);
  h.segment(1, "b", { ack: 510, time: REORDERING });
  assertEquals(h.delivered, "ab");
  h.segment(2, "c", { ack: 511, time: REORDERING });
  assertEquals(h.delivered, "ab");
});

Deno.test("Stream does not wait for a direction that was not seen, has ended, or stands far off", () => {
  const unseen = new Harness();
  unseen.segment(0, "a", { ack: 510 });
  assertEquals(unseen.delivered, "a");
  const ended = new Harness();
  ended.other.start(500, true);
  ended.other.ended = true;
  ended.segment(0, "a", { ack: 501 });
  assertEquals(ended.delivered, "a");
  const far = new Harness();
  far.other.start(500, true);
  far.segment(0, "a", { ack: 500 + 2 ** 28 });
  assertEquals(far.delivered, "a");
});

Deno.test("Stream passes over what was acknowledged behind its end and takes the last byte for the FIN", () => {
  const h = new Harness();
  h.segment(0, "abc");
  assertEquals(h.stream.tail, 0);
  h.stream.acknowledge(110);
  h.stream.acknowledge(50);
  assertEquals(h.stream.tail, 7);
  h.stream.giveUpTail(h.handler, 0);
  assertEquals([h.delivered, h.stream.tail], ["abc<6>", 0]);
  h.stream.acknowledge(111);
  assertEquals(h.stream.tail, 1);
  h.stream.giveUpTail(h.handler, 0);
  assertEquals([h.delivered, h.stream.tail], ["abc<6>", 0]);
  h.stream.acknowledge(111 + 2 ** 28);
  assertEquals(h.stream.tail, 0);
});

Deno.test("Stream gives up holes rather than hold more than its limits", () => {
  const many = new Harness(100, new HeldMemory(2 ** 30));
  for (let i = 0; i < 1025; i++) many.segment(10 + 2 * i, "x");
  assertEquals(many.stream.takeOverflows(), 1);
  assertEquals(many.stream.takeOverflows(), 0);
  assert(many.delivered.startsWith("<10>x"));

  const large = new Harness(100, new HeldMemory(2 ** 30));
  const block = "y".repeat(2 ** 16);
  for (let i = 0; i < 20; i++) large.segment(10 + (2 ** 16 + 1) * i, block);
  assert(large.budget.used <= 2 ** 20 + 16 * HELD_SEGMENT);
  assert(large.stream.takeOverflows() >= 4);

  const budget = new HeldMemory(10 + HELD_SEGMENT);
  const [first, second] = [new Harness(100, budget), new Harness(100, budget)];
  first.segment(5, "123456");
  second.segment(5, "123456");
  assertEquals([budget.used, second.delivered, first.delivered], [6 + HELD_SEGMENT, "<5>123456", ""]);
});

Deno.test("Stream lets go of all it holds when dropped or reset", () => {
  const h = new Harness();
  h.segment(3, "def");
  h.stream.reset(h.budget);
  assertEquals([h.budget.used, h.stream.holds, h.stream.started], [0, false, false]);
  h.stream.start(1000, false);
  h.segment(900, "new", { time: 0 });
  assertEquals(h.delivered, "new");
});

/** Segments of a text that cover all of it, some of them twice and overlapping, in any order. */
const segments = fc.array(
  fc.record({ offset: fc.nat(59), length: fc.integer({ min: 1, max: 25 }), place: fc.nat() }),
  { maxLength: 25 },
);

Deno.test("Stream delivers the text whatever the order and overlap of its segments, across 2^32", () => {
  const text = Array.from({ length: 60 }, (_, i) => String.fromCharCode(65 + i)).join("");
  fc.assert(
    fc.property(segments, fc.integer({ min: 1, max: 20 }), fc.nat(70), (extra, size, before) => {
      const h = new Harness(2 ** 32 - before);
      const covering = Array.from({ length: Math.ceil(60 / size) }, (_, i) => ({
        offset: i * size,
        length: size,
        place: (i * 7919) % 31,
      }));
      const all = [...covering, ...extra].sort((a, b) => a.place - b.place);
      for (const { offset, length } of all) h.segment(offset, text.slice(offset, offset + length));
      assertEquals(h.delivered, text);
      assertEquals(h.budget.used, 0);
    }),
    { numRuns: 1000, seed: 1 },
  );
});

Deno.test("Stream accounts for every byte up to the last it delivers, whatever is lost, cut or repeated", () => {
  const wild = fc.array(
    fc.record({
      offset: fc.integer({ min: -20, max: 200 }),
      length: fc.nat(30),
      cut: fc.nat(30),
      fin: fc.boolean(),
      ack: fc.option(fc.nat(40), { nil: undefined }),
      wait: fc.nat(200_000),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(wild, (all) => {
      const budget = new HeldMemory(60);
      const h = new Harness(2 ** 31 - 50, budget);
      h.other.start(0, true);
      let time = 0;
      for (const { offset, length, cut, fin, ack, wait } of all) {
        time += wait;
        h.segment(offset, "x".repeat(length), {
          cut: Math.min(cut, length),
          fin: fin && length % 5 === 0,
          time,
          ...(ack === undefined ? {} : { ack }),
        });
        h.advance(time);
        assert(budget.used >= 0 && budget.used <= budget.limit);
      }
      h.advance(Infinity);
      assertEquals([h.stream.holds, budget.used], [false, 0]);
      let bytes = 0;
      for (const [part, missing] of h.delivered.matchAll(/x+|<(?:cut )?(\d+)>/g)) {
        bytes += missing === undefined ? part.length : Number(missing);
      }
      assertEquals((h.stream.next - h.start) | 0, bytes);
    }),
    { numRuns: 1000, seed: 1 },
  );
});
