import { assert, assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import type { CaptureFigures } from "../../src/stats/report.ts";
import {
  Conversation,
  deliver,
  fragmentIpv4,
  type Frame,
  frameOf,
  ipv4,
  LINK_TYPES,
  tcp,
  udp,
} from "../support/frames.ts";
import { converse, type Pair, plan, type Script, write } from "../support/plans.ts";

interface Result {
  readonly pairs: Pair[];
  readonly requests: string[];
  readonly figures: CaptureFigures;
}

const NO_DROPS = { kernel: 0, interface: 0 };

/** Reads the frames. Each request must become one exchange, whatever they are. */
function run(frames: Iterable<Frame>): Result {
  const pairs: Pair[] = [], requests: string[] = [];
  const pipeline = new Pipeline({
    request: (exchange) => void requests.push(exchange.path),
    exchange: (exchange) => void pairs.push(pairOf(exchange)),
  }, { ports: [80], keepQuery: false });
  deliver(frames, pipeline.frame);
  pipeline.flush();
  assertEquals(pairs.map(({ path }) => path).toSorted(), requests.toSorted());
  return { pairs, requests, figures: pipeline.figures(NO_DROPS) };
}

function pairOf(exchange: Exchange): Pair {
  return {
    method: exchange.method,
    host: exchange.host,
    path: exchange.path,
    status: exchange.status,
    requestBytes: exchange.requestBodyBytes,
    responseBytes: exchange.responseBodyBytes,
  };
}

function byPath(pairs: readonly Pair[]): Pair[] {
  return pairs.toSorted((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

function losses(figures: CaptureFigures): number {
  return figures.tcpGaps + figures.unparsed + figures.unpaired + figures.evicted;
}

/** The frames in another order, at the times that a capture of that order would have. */
function inOrder(frames: readonly Frame[], order: readonly number[]): Frame[] {
  return order.map((from, to) => ({ ...frames[from]!, time: frames[to]!.time }));
}

function assertSame(frames: readonly Frame[], pairs: readonly Pair[]): void {
  const result = run(frames);
  assertEquals(byPath(result.pairs), byPath(pairs));
  assertEquals(result.requests.toSorted(), pairs.map(({ path }) => path).toSorted());
  assertEquals(losses(result.figures), 0);
}

const RUNS = { numRuns: 150, seed: 3 };

Deno.test("Pipeline gives the same exchanges however the bytes are cut into segments", () => {
  fc.assert(
    fc.property(plan, fc.integer({ min: 1, max: 90 }), (plan, segmentSize) => {
      const { frames, pairs } = converse({ ...plan, segmentSize });
      assertSame(frames, pairs);
    }),
    RUNS,
  );
});

Deno.test("Pipeline gives the same exchanges cut at every single byte", () => {
  const scripts: Script[] = [
    {
      method: "POST",
      requestFraming: "chunked",
      responseFraming: "chunked",
      requestBytes: 40,
      responseBytes: 90,
      interims: 1,
      headBytes: 3,
      bareLf: false,
    },
    {
      method: "HEAD",
      requestFraming: "length",
      responseFraming: "length",
      requestBytes: 0,
      responseBytes: 50,
      interims: 0,
      headBytes: 3,
      bareLf: true,
    },
    {
      method: "GET",
      requestFraming: "length",
      responseFraming: "length",
      requestBytes: 0,
      responseBytes: 50,
      interims: 0,
      headBytes: 3,
      bareLf: false,
    },
  ];
  const written = scripts.map((script, i) => write(script, i, i === 2));
  const pairs = written.map(({ pair }) => pair);
  const client = written.map(({ request }) => request).join("");
  const server = written.map(({ interims, response }) => interims + response).join("");
  for (let cut = 1; cut < Math.max(client.length, server.length); cut++) {
    const conversation = new Conversation({ segmentSize: 10_000 });
    conversation.handshake();
    conversation.client(client.slice(0, cut));
    conversation.client(client.slice(cut));
    conversation.server(server.slice(0, cut));
    conversation.server(server.slice(cut));
    conversation.close("server");
    assertSame(conversation.frames, pairs);
  }
});

Deno.test("Pipeline gives the same exchanges from frames reordered within a small window", () => {
  fc.assert(
    fc.property(plan, fc.array(fc.nat(3), { minLength: 40, maxLength: 80 }), (plan, shifts) => {
      const { frames, pairs } = converse(plan);
      const order = frames
        .map((_, i) => ({ i, place: i + shifts[i % shifts.length]! }))
        .sort((a, b) => a.place - b.place)
        .map(({ i }) => i);
      assertSame(inOrder(frames, order), pairs);
    }),
    { numRuns: 400, seed: 3 },
  );
});

Deno.test("Pipeline gives the same exchanges from frames that each come twice", () => {
  fc.assert(
    fc.property(plan, fc.nat(4), (plan, distance) => {
      const { frames, pairs } = converse(plan);
      const doubled: Frame[] = [];
      for (let i = 0; i < frames.length + distance; i++) {
        if (i < frames.length) doubled.push(frames[i]!);
        // The copies lag behind, at the time of the frame that they follow.
        const copy = frames[i - distance];
        if (copy) doubled.push({ ...copy, time: frames[Math.min(i, frames.length - 1)]!.time });
      }
      assertSame(doubled, pairs);
    }),
    RUNS,
  );
});

Deno.test("Pipeline gives the same exchanges from a slow connection", () => {
  fc.assert(
    fc.property(plan, fc.array(fc.nat(50_000_000), { minLength: 5, maxLength: 9 }), (plan, delays) => {
      const { frames, pairs } = converse(plan);
      let late = 0;
      const delayed = frames.map((frame, i) => {
        late += delays[i % delays.length]!;
        return { ...frame, time: frame.time + late };
      });
      assertSame(delayed, pairs);
    }),
    RUNS,
  );
});

Deno.test("Pipeline gives the same exchanges when sequence numbers pass 2^32 and 2^31", () => {
  fc.assert(
    fc.property(plan, fc.constantFrom(2 ** 32, 2 ** 31), fc.nat(2500), fc.nat(2500), (plan, edge, a, b) => {
      const { frames, pairs } = converse(plan, { client: { isn: edge - a }, server: { isn: edge - b } });
      assertSame(frames, pairs);
    }),
    RUNS,
  );
});

Deno.test("Pipeline gives the same exchanges of interleaved connections", () => {
  fc.assert(
    fc.property(
      fc.array(plan, { minLength: 2, maxLength: 5 }),
      fc.infiniteStream(fc.nat(99)),
      (plans, turns) => {
        const queues = plans.map((plan, i) => converse(plan, { client: { port: 1000 + i } }));
        const expected = byPath(queues.flatMap(({ pairs }) => pairs));
        const frames: Frame[] = [];
        const left = queues.map(({ frames }) => frames.slice());
        while (left.some((queue) => queue.length > 0)) {
          const open = left.filter((queue) => queue.length > 0);
          const frame = open[turns.next().value! % open.length]!.shift()!;
          frames.push({ ...frame, time: 1e15 + frames.length * 1000 });
        }
        const result = run(frames);
        const key = (pair: Pair) => JSON.stringify(pair);
        assertEquals(result.pairs.map(key).toSorted(), expected.map(key).toSorted());
        assertEquals(losses(result.figures), 0);
      },
    ),
    RUNS,
  );
});

/** Every pair made is a true one, once, and whatever is missing or short is counted. */
function assertSound(frames: readonly Frame[], pairs: readonly Pair[]): void {
  const result = run(frames);
  const left = new Map(pairs.map((pair) => [pair.path, pair]));
  let isComplete = true;
  for (const pair of result.pairs) {
    const truth = left.get(pair.path);
    assert(truth, `an exchange that never was, or twice: ${JSON.stringify(pair)}`);
    left.delete(pair.path);
    assertEquals([pair.method, pair.host], [truth.method, truth.host]);
    assert(pair.status === 0 || pair.status === truth.status, `wrong pair: ${JSON.stringify(pair)}`);
    const isWithin = pair.requestBytes <= truth.requestBytes && pair.responseBytes <= truth.responseBytes;
    assert(isWithin, `larger than ${JSON.stringify(truth)}: ${JSON.stringify(pair)}`);
    isComplete &&= pair.status === truth.status && pair.requestBytes === truth.requestBytes &&
      pair.responseBytes === truth.responseBytes;
  }
  if (!isComplete || left.size > 0) assertGreater(losses(result.figures), 0, "a loss that is not counted");
}

Deno.test("Pipeline makes no wrong exchange and counts the loss when any one segment is dropped", () => {
  fc.assert(
    fc.property(plan, fc.nat(), (plan, drop) => {
      const { frames, pairs } = converse(plan);
      assertSound(frames.toSpliced(drop % frames.length, 1), pairs);
    }),
    { numRuns: 1500, seed: 3 },
  );
});

Deno.test("Pipeline makes no wrong exchange when a run of segments is dropped of a client that takes turns", () => {
  fc.assert(
    fc.property(plan, fc.nat(), fc.integer({ min: 1, max: 12 }), (plan, drop, run) => {
      const { frames, pairs } = converse({ ...plan, style: "turns" });
      // Where neither the handshake nor the end was seen, nothing tells that there was a connection.
      const [start, end] = [3, frames.length - 2];
      const from = start + drop % (end - start);
      assertSound(frames.toSpliced(from, Math.min(run, end - from)), pairs);
    }),
    { numRuns: 500, seed: 3 },
  );
});

Deno.test("Pipeline neither throws nor hangs on frames that were bent, cut, repeated, left out and mixed up", () => {
  const change = fc.record({ frame: fc.nat(), at: fc.nat(), bit: fc.nat(7) });
  const move = fc.record({ from: fc.nat(), to: fc.nat(), keep: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(plan, { minLength: 1, maxLength: 3 }),
      fc.array(change, { maxLength: 30 }),
      fc.array(move, { maxLength: 10 }),
      fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
      (plans, changes, moves, snaplen) => {
        const frames = plans.flatMap((plan, i) => converse(plan, { client: { port: 1000 + i } }).frames)
          .map((frame) => ({ ...frame, bytes: frame.bytes.slice(0, snaplen) }));
        for (const { frame, at, bit } of changes) {
          const { bytes } = frames[frame % frames.length]!;
          if (bytes.length > 0) bytes[at % Math.min(bytes.length, 150)]! ^= 1 << bit;
        }
        for (const { from, to, keep } of moves) {
          const [moved] = frames.splice(from % frames.length, keep ? 0 : 1);
          const frame = moved ?? frames[from % frames.length]!;
          frames.splice(to % (frames.length + 1), 0, { ...frame, time: frame.time + (to % 100) * 1e6 });
        }
        run(frames);
      },
    ),
    { numRuns: 400, seed: 3 },
  );
});

Deno.test("Pipeline counts packets, bytes on the wire, and frames that it cannot read", () => {
  const packet = ipv4(tcp("x".repeat(64)));
  const frames = [
    frameOf(packet, { linkType: LINK_TYPES.raw, snaplen: 30 }),
    ...fragmentIpv4(packet, 48).map((bytes) => frameOf(bytes, { linkType: LINK_TYPES.raw })),
    frameOf(packet, { linkType: 4242 }),
    frameOf(ipv4(udp("x"), { protocol: 17 }), { linkType: LINK_TYPES.raw }),
  ];
  const { figures } = run(frames);
  assertEquals(figures.packets, 5);
  assertEquals(figures.bytes, frames.reduce((bytes, { wireLength }) => bytes + wireLength, 0));
  assertEquals(figures.unparsed, 2);
});

Deno.test("Pipeline tells the drops of the source with its own figures", () => {
  const pipeline = new Pipeline({ request() {}, exchange() {} }, { ports: [80], keepQuery: false });
  const figures = pipeline.figures({ kernel: 3, interface: 4 });
  assertEquals([figures.droppedByKernel, figures.droppedByInterface], [3, 4]);
});

Deno.test("Pipeline gives up holes and idle connections as packet time goes on, and when told the time", () => {
  const exchanges: number[] = [];
  const pipeline = new Pipeline(
    { request() {}, exchange: ({ status }) => void exchanges.push(status) },
    { ports: [80], keepQuery: false },
  );
  const conversation = new Conversation({ segmentSize: 20 });
  conversation.handshake();
  conversation.client("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const response = conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789");
  const lost = response.at(-2)!;
  const frames = conversation.frames.filter((frame) => frame !== lost);
  deliver(frames, pipeline.frame);
  assertEquals([pipeline.time, exchanges], [frames.at(-1)!.time, []]);
  // A later packet of another connection moves the time.
  const other = new Conversation({ client: { port: 7 }, time: conversation.time + 301_000_000 });
  other.handshake();
  deliver(other.frames, pipeline.frame);
  assertEquals(exchanges, [200]);
  assertEquals(pipeline.figures(NO_DROPS).tcpGaps, 1);

  const silent = new Conversation({ client: { port: 8 }, time: other.time });
  silent.handshake();
  silent.client("GET / HTTP/1.1\r\n\r\n");
  deliver(silent.frames, pipeline.frame);
  pipeline.advance(silent.time + 301_000_000);
  assertEquals(exchanges, [200, 0]);
});

Deno.test("Pipeline holds a bounded number of unfinished heads", () => {
  const pipeline = new Pipeline({ request() {}, exchange() {} }, { ports: [80], keepQuery: false });
  const { bytes } = frameOf(ipv4(tcp("GET /slow HTTP/1.1\r\n", { flags: "SA" })));
  for (let i = 0; i < 60_000; i++) {
    bytes[14] = i >> 8;
    bytes[15] = i;
    deliver([{ bytes, wireLength: bytes.length, time: i, linkType: LINK_TYPES.raw }], pipeline.frame);
  }
  assertEquals(pipeline.figures(NO_DROPS).unparsed, 60_000 - Math.floor(2 ** 24 / 768));
});
