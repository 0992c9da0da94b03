import { assert, assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import { corpusTest, openCapture } from "../support/corpus.ts";
import {
  Conversation,
  ethernet,
  fragmentIpv4,
  type Frame,
  frameOf,
  ipv4,
  LINK_TYPES,
} from "../support/frames.ts";
import { FuzzTarget, makeCase, readInputs } from "../support/fuzz.ts";
import { assertUsualHeadsAreLikeOthers, countInOrder, framesOf, Lanes } from "../support/lanes.ts";
import { converse, plan } from "../support/plans.ts";
import { parseTable } from "../support/tshark_truth.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const CAPTURE = /\.(pcap|pcapng)$/;
const captures = [...Deno.readDirSync(fixtures)].map(({ name }) => name).filter((name) => CAPTURE.test(name))
  .sort();

/** Offsets at which the records are cut into runs. */
const cuts = fc.array(fc.nat(2 ** 20), { maxLength: 8 });
/** How many conversations a property is tried with. */
const RUNS = { numRuns: 300, seed: 7 };

/** Requests over one connection as a benchmark sends them to nginx: kept alive, each acknowledged by its response. */
function benchmark(requests: number, client: { address?: string; port?: number } = {}): Frame[] {
  const c = new Conversation({ client, acknowledge: false });
  c.handshake();
  for (let i = 0; i < requests; i++) {
    c.client(`GET /item/${i} HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: bench\r\n\r\n`);
    c.server(
      "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n" +
        `Content-Type: text/plain\r\nContent-Length: ${i % 100}\r\nConnection: keep-alive\r\n\r\n${
          "x".repeat(i % 100)
        }`,
    );
  }
  c.close();
  return c.frames;
}

Deno.test("nearly all frames of a benchmark take the fast lane, with the same outcome", () => {
  const frames = [
    ...benchmark(500),
    ...benchmark(500, { address: "200.0.0.1", port: 50_000 }),
    ...benchmark(500, { address: "10.0.0.2", port: 79 }),
  ];
  let events: string[] = [];
  const taken = countInOrder(() => {
    events = new Lanes().take(frames, [1, 100_000, 200_001]).end();
  });
  assertEquals(events.length, 2 * 1500);
  assertGreater(taken / frames.length, 0.98);
});

for (const name of captures) {
  Deno.test(`${name} gives the same in runs as through the layers`, () => {
    const bytes = Deno.readFileSync(new URL(name, fixtures));
    const frames = framesOf(bytes);
    for (const details of [true, false]) {
      const events = new Lanes({ details }).takeFile(bytes, bytes.length).end();
      assert(events.length > 0);
      assertEquals(new Lanes({ details }).takeFile(bytes, 1000).end(), events);
      new Lanes({ details }).take(frames, Array.from({ length: 20 }, (_, i) => i * 1009)).end();
    }
  });
}

/** What may happen to a frame of Ethernet with IPv4 on its way; each must leave it readable or lose it. */
const BENDS: Record<string, (frame: Frame, id: number) => Frame[]> = {
  vlan: (frame) => [changed(frame, (packet) => ethernet(packet, { vlans: [7] }))],
  ipOptions: (frame) => [
    changed(frame, (packet) => ethernet(packetWith(packet, { options: Uint8Array.of(1, 1, 1, 0) }))),
  ],
  fragments: (frame, id) =>
    fragmentIpv4(frame.bytes.subarray(14), 24, id).map((packet) => changed(frame, () => ethernet(packet))),
  dontFragment: (frame) => [changed(frame, (packet) => ethernet(packetWith(packet, { dontFragment: true })))],
  offload: (frame) => [changed(frame, (packet) => ethernet(packetWith(packet, { totalLength: 0 })))],
  padding: (frame) => [changed(frame, (packet) => ethernet(packet, { padTo: 90 }))],
  cut: (frame) => [{ ...frame, bytes: frame.bytes.subarray(0, 60) }],
  lost: () => [],
  twice: (frame) => [frame, frame],
  late: (frame) => [{ ...frame, time: frame.time + 400_000 }],
  muchLater: (frame) => [{ ...frame, time: frame.time + 90_000_000 }],
  early: (frame) => [{ ...frame, time: frame.time - 2_000_000 }],
};

/** The frame with another one around its IPv4 packet; addresses stay. */
function changed(frame: Frame, wrap: (packet: Uint8Array) => Uint8Array): Frame {
  const bytes = wrap(frame.bytes.subarray(14));
  bytes.set(frame.bytes.subarray(0, 12));
  return frameOf(bytes, frame);
}

function packetWith(packet: Uint8Array, options: Parameters<typeof ipv4>[1]): Uint8Array {
  return ipv4(packet.subarray(20), {
    source: packet.subarray(12, 16).join("."),
    destination: packet.subarray(16, 20).join("."),
    ...options,
  });
}

const bend = fc.record({ frame: fc.nat(), name: fc.constantFrom(...Object.keys(BENDS)) });
const swap = fc.record({ frame: fc.nat(), distance: fc.nat(4) });
const peers = fc.constantFrom(
  {},
  { client: { address: "200.1.1.1" }, server: { address: "10.0.0.2" } },
  { client: { address: "10.0.0.3" }, server: { address: "10.0.0.2" } },
  { client: { address: "127.0.0.1", port: 80 }, server: { address: "127.0.0.1", port: 8080 } },
  { client: { isn: 2 ** 32 - 300 }, server: { isn: 2 ** 31 - 200 } },
);

/** Some connections under way at the same time, with what happened to their frames. */
const traffic = fc.record({
  plans: fc.array(plan, { minLength: 1, maxLength: 3 }),
  peers,
  isPlain: fc.constantFrom(true, true, true, false),
  step: fc.constantFrom(100, 1000, 40_000),
  bends: fc.array(bend, { maxLength: 8 }),
  swaps: fc.array(swap, { maxLength: 6 }),
  cuts,
}).map(({ plans, peers, isPlain, step, bends, swaps, cuts }) => {
  const queues = plans.map((plan, i) => {
    const client = { port: 1000 + i, ...peers.client };
    const wire = isPlain ? { ...plan, link: "ipv4" as const, segmentSize: 1460 } : plan;
    return converse(wire, wire.link === "ipv4" ? { ...peers, client } : { client: { port: 1000 + i } })
      .frames;
  });
  const frames: Frame[] = [];
  for (let round = 0; queues.some((queue) => queue.length > 0); round++) {
    frames.push(...queues[round % queues.length]!.splice(0, 1 + round % 3));
  }
  for (const [i, frame] of frames.entries()) frames[i] = { ...frame, time: frames[0]!.time + i * step };
  for (const [id, { frame: at, name }] of bends.entries()) {
    if (frames.length === 0) break;
    const frame = frames[at % frames.length]!;
    const isIpv4 = frame.linkType === LINK_TYPES.ethernet && frame.bytes[12] === 8 &&
      frame.bytes[14] === 0x45;
    if (isIpv4 && frame.bytes.length >= 54) frames.splice(at % frames.length, 1, ...BENDS[name]!(frame, id));
  }
  for (const { frame, distance } of swaps) {
    if (frames.length === 0) break;
    const [moved] = frames.splice(frame % frames.length, 1);
    frames.splice((frame % (frames.length + 1)) + distance, 0, moved!);
  }
  return { frames, cuts };
});

Deno.test("the fast lane makes the same of conversations as the layers, whatever happened to their frames", () => {
  let frameCount = 0, exchanges = 0;
  const taken = countInOrder(() => {
    fc.assert(
      fc.property(traffic, ({ frames, cuts }) => {
        const events = new Lanes().take(frames, cuts).end();
        frameCount += frames.length;
        exchanges += events.length / 2;
      }),
      { ...RUNS, numRuns: 400 },
    );
  });
  assertGreater(taken / frameCount, 0.25, "frames on the fast lane");
  assertGreater(exchanges, 2000);
});

Deno.test("the fast lane makes the same as the layers of one conversation after the other, with pooled exchanges", () => {
  const lanes = new Lanes();
  fc.assert(
    fc.property(traffic, ({ frames, cuts }) => {
      lanes.take(frames, cuts).end();
    }),
    RUNS,
  );
});

Deno.test("the fast lane makes the same of changed captures as the layers", () => {
  const inputs = readInputs(captures.map((name) => new URL(name, fixtures)));
  const target = new FuzzTarget();
  for (let number = 0; number < 150; number++) target.run(makeCase(11, number, inputs));
});

Deno.test("heads of the usual form give the same exchanges as when they are read like all others", () => {
  let requests = 0;
  fc.assert(
    fc.property(traffic, ({ frames }) => {
      requests += assertUsualHeadsAreLikeOthers(frames);
    }),
    RUNS,
  );
  assertGreater(requests, 200);
});

corpusTest("every capture of TRAFFICSNIFFER_CORPUS gives the same in runs as through the layers", compareAll);

/** As they are, and as records with microseconds, which most are not. */
async function compareAll(folder: string): Promise<void> {
  let frameCount = 0, exchanges = 0, taken = 0;
  for (const row of parseTable(Deno.readTextFileSync(`${folder}/INDEX.tsv`))) {
    const path = `${folder}/captures/${row.get("file")}`;
    const bytes = new Uint8Array(await new Response(await openCapture(path)).arrayBuffer());
    new Lanes().takeFile(bytes, 2 ** 20).end();
    const frames = framesOf(bytes);
    frameCount += frames.length;
    taken += countInOrder(() => {
      exchanges += new Lanes().take(frames, [1e5 + 1, 1e6 + 1]).end().length / 2;
    });
  }
  console.log(`${taken} of ${frameCount} frames on the fast lane, ${exchanges} exchanges`);
  assertGreater(exchanges, 500);
}
