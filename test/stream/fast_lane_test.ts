import { assertEquals } from "@std/assert";
import type { Frame as CapturedFrame } from "../../src/frame.ts";
import { MAXIMUM_SNAPLEN } from "../../src/savefile.ts";
import { FastLane, type Progress } from "../../src/stream/fast_lane.ts";
import { type Connection, FlowTable } from "../../src/stream/flows.ts";
import type { StreamHandler } from "../../src/stream/reassembly.ts";
import { decodeFrame } from "../../src/wire/decode.ts";
import { Layer, Packet } from "../../src/wire/packet.ts";
import {
  concat,
  Conversation,
  type ConversationOptions,
  ethernet,
  type Frame,
  frameOf,
  ipv4,
  ipv6,
  LINK_TYPES,
  tcp,
  type TcpOptions,
  udp,
} from "../support/frames.ts";
import { pcapRecord } from "../support/savefile_builder.ts";

/** A fast lane over a flow table, with everything that connections were given: in which way, what and when. */
class Harness {
  readonly log: string[] = [];
  readonly progress: Progress = { packets: 0, bytes: 0, start: 0, time: 0, advanceAt: Infinity };
  readonly lane: FastLane;
  /** When it was told to advance. */
  readonly advances: number[] = [];
  /** How often the time advances; not at all unless said. */
  interval = Infinity;
  readonly table = new FlowTable(() => this.#connection());
  readonly #packet = new Packet();

  constructor() {
    this.lane = new FastLane(this.table, this.progress, (frame) => this.#otherwise(frame), () => {
      this.advances.push(this.progress.time);
      this.progress.advanceAt = this.progress.time + this.interval;
    });
  }

  /** Takes frames; returns how many of them were not for the fast lane. */
  take(...frames: readonly Frame[]): number {
    const before = this.#left;
    for (const frame of frames) {
      const bytes = pcapRecord(frame);
      this.lane.take(bytes, new DataView(bytes.buffer), 0, bytes.length, frame.linkType);
    }
    return this.#left - before;
  }

  #left = 0;

  #otherwise({ bytes, start, end, wireLength, time, linkType }: CapturedFrame): void {
    this.#left++;
    this.#packet.reset(bytes, start, end, wireLength, time);
    if (decodeFrame(this.#packet, linkType) === Layer.segment) this.table.segment(this.#packet);
  }

  #connection(): Connection {
    const note = (way: string, direction: 0 | 1) =>
    (
      ...[bytes, start, end, sequence, acknowledgement, time]: Parameters<StreamHandler["data"]>
    ): void => {
      const text = new TextDecoder().decode(bytes.subarray(start, end));
      this.log.push(`${way} ${direction} ${text} ${sequence} ${acknowledgement} ${time}`);
    };
    const handlers = ([0, 1] as const).map((direction) => ({
      data: note("layers", direction),
      missing: (length: number) => void this.log.push(`missing ${direction} ${length}`),
      end: () => void this.log.push(`end ${direction}`),
    }));
    return {
      handler: (direction) => handlers[direction]!,
      inOrder: (frame, start, end, sequence, acknowledgement, direction) =>
        note("fast", direction)(frame.bytes, start, end, sequence, acknowledgement, frame.time),
      close: () => void this.log.push("close"),
    };
  }
}

/** A connection under way: each end has sent one byte. The next of the client is 1002, of the server 5002. */
function underWay(options: ConversationOptions = {}): { harness: Harness; conversation: Conversation } {
  const conversation = new Conversation({ ...options, acknowledge: false, time: 1000 });
  conversation.handshake();
  conversation.client("a");
  conversation.server("b");
  const harness = new Harness();
  harness.take(...conversation.frames);
  harness.log.length = 0;
  return { harness, conversation };
}

/** The client's next segment, or one that differs from it. */
function next(payload = "next", options: TcpOptions = {}): Uint8Array {
  return tcp(payload, { seq: 1002, ack: 5002, flags: "PA", ...options });
}

const frame = (packet: Uint8Array) => frameOf(ethernet(packet), { time: 9000 });

Deno.test("FastLane gives the next segment of both directions to the connection, with its facts", () => {
  const { harness, conversation } = underWay();
  const before = conversation.frames.length;
  conversation.client("next");
  conversation.server("answer");
  conversation.acknowledge("client");
  conversation.client("more");
  assertEquals(harness.take(...conversation.frames.slice(before)), 0);
  assertEquals(harness.log, [
    "fast 0 next 1002 5002 6000",
    "fast 1 answer 5002 1006 7000",
    "fast 0 more 1006 5008 9000",
  ]);
});

Deno.test("FastLane knows the ends of a connection whichever has the lower address, also beyond 127", () => {
  for (
    const [client, server] of [
      ["10.0.0.1", "10.0.0.2"],
      ["10.0.0.2", "10.0.0.1"],
      ["10.0.0.1", "10.0.0.1"],
      ["200.0.0.1", "10.0.0.1"],
      ["10.0.0.1", "200.0.0.1"],
      ["255.255.255.255", "128.0.0.0"],
    ] as const
  ) {
    const { harness, conversation } = underWay({ client: { address: client }, server: { address: server } });
    assertEquals(harness.take(...conversation.client("next"), ...conversation.server("answer")), 0);
    assertEquals(harness.log.map((line) => line.split(" ")[2]), ["next", "answer"]);
    const directions = new Set(harness.log.map((line) => line.split(" ")[1]));
    assertEquals(directions.size, 2, `${client} and ${server}`);
  }
});

/** Frames that the fast lane takes, although something about them is unusual. */
const TAKEN: Record<string, [frame: Frame, payload: string]> = {
  "the next segment": [frame(ipv4(next())), "next"],
  "one that must not be fragmented": [frame(ipv4(next(), { dontFragment: true })), "next"],
  "one without PSH": [frame(ipv4(next("next", { flags: "A" }))), "next"],
  "one with URG, ECE and CWR": [frame(ipv4(next("next", { flags: "PAUEC" }))), "next"],
  "one with TCP options": [frame(ipv4(next("next", { options: new Uint8Array(12).fill(1) }))), "next"],
  "one that acknowledges less": [frame(ipv4(next("next", { ack: 5001 }))), "next"],
  "one with padding": [frameOf(ethernet(ipv4(next("1")), { padTo: 60 }), { time: 9000 }), "1"],
  "one whose frame was cut behind its end": [
    frameOf(ethernet(ipv4(next("1")), { padTo: 90 }), { time: 9000, snaplen: 60 }),
    "1",
  ],
};

for (const [name, [taken, payload]] of Object.entries(TAKEN)) {
  Deno.test(`FastLane takes ${name}`, () => {
    const { harness } = underWay();
    assertEquals(harness.take(taken), 0);
    assertEquals(harness.log.map((line) => line.split(" ").slice(0, 3)), [["fast", "0", payload]]);
    // What follows it is the next.
    assertEquals(harness.take(frame(ipv4(next("then", { seq: 1002 + payload.length })))), 0);
  });
}

Deno.test("FastLane takes an acknowledgement without delivering anything", () => {
  const { harness } = underWay();
  assertEquals(harness.take(frame(ipv4(next("", { flags: "A" })))), 0);
  assertEquals(harness.log, []);
});

/** Frames that are for the layers alone; each is made of the next segment. */
const LEFT: Record<string, Frame> = {
  "SYN": frame(ipv4(next("next", { flags: "SA" }))),
  "FIN": frame(ipv4(next("next", { flags: "FA" }))),
  "RST": frame(ipv4(next("next", { flags: "RA" }))),
  "no ACK": frame(ipv4(next("next", { flags: "P" }))),
  "a hole before it": frame(ipv4(next("next", { seq: 1003 }))),
  "bytes that had come": frame(ipv4(next("next", { seq: 1001 }))),
  "an acknowledgement of what was not seen": frame(ipv4(next("next", { ack: 5003 }))),
  "another connection": frame(ipv4(next("next", { sourcePort: 40001 }))),
  "another address": frame(ipv4(next(), { source: "10.0.0.9" })),
  "IPv4 options": frame(ipv4(next(), { options: Uint8Array.of(1, 1, 1, 0) })),
  "IPv4 options that look like the next segment": frame(
    ipv4(next("later", { seq: 2000 }), { options: next().subarray(0, 20) }),
  ),
  "the first fragment's mark": frame(ipv4(next(), { moreFragments: true })),
  "a fragment's offset": frame(ipv4(next(), { fragmentOffset: 64 })),
  "no total length": frame(ipv4(next(), { totalLength: 0 })),
  "a total length behind its end": frame(ipv4(next(), { totalLength: 45 })),
  "a total length before its payload": frame(ipv4(next(), { totalLength: 39 })),
  "UDP": frame(ipv4(udp("next"), { protocol: 17 })),
  "a protocol that is none": frame(ipv4(next(), { protocol: 143 })),
  "IPv6": frame(ipv6(next(), {})),
  "a VLAN tag": frameOf(ethernet(ipv4(next()), { vlans: [7] }), { time: 9000 }),
  "an EtherType that is none": frameOf(ethernet(ipv4(next()), { etherType: 0x0801 }), { time: 9000 }),
  "a payload cut by the snaplen": frameOf(ethernet(ipv4(next())), { time: 9000, snaplen: 56 }),
  "a header cut by the snaplen": frameOf(ethernet(ipv4(next())), { time: 9000, snaplen: 53 }),
  "a TCP header that is too short": frame(ipv4(withHeaderLength(next(), 4))),
  "a TCP header longer than all": frame(ipv4(withHeaderLength(next(), 7))),
  "another link type": frameOf(ipv4(next()), { time: 9000, linkType: LINK_TYPES.raw }),
  "the bytes of Ethernet in another link type": { ...frame(ipv4(next())), linkType: LINK_TYPES.linuxSll },
};

function withHeaderLength(segment: Uint8Array, words: number): Uint8Array {
  segment[12] = words << 4;
  return segment;
}

for (const [name, left] of Object.entries(LEFT)) {
  Deno.test(`FastLane leaves a frame to the layers that has ${name}`, () => {
    const { harness } = underWay();
    assertEquals(harness.take(left), 1);
    assertEquals(harness.log.filter((line) => line.startsWith("fast")), []);
  });
}

Deno.test("FastLane leaves a connection to the layers that is opening, waits for something, was reset or is over", () => {
  const opening = new Conversation({ acknowledge: false });
  opening.handshake();
  opening.client("first");
  assertEquals(new Harness().take(...opening.frames), opening.frames.length);

  const waiting = underWay();
  const [lost] = waiting.conversation.client("lost");
  assertEquals(waiting.harness.take(...waiting.conversation.client("held")), 1);
  assertEquals(waiting.harness.take(...waiting.conversation.server("behind a hole")), 1);
  assertEquals(waiting.harness.take(lost!), 1, "the segment that fills the hole");
  assertEquals(waiting.harness.take(...waiting.conversation.client("next")), 0, "all is there again");

  const reset = underWay();
  reset.harness.take(reset.conversation.reset("server"));
  assertEquals(reset.harness.take(...reset.conversation.client("late")), 1);

  const closed = underWay();
  closed.harness.take(...closed.conversation.close());
  assertEquals(closed.harness.take(...closed.conversation.client("late")), 1);
});

Deno.test("FastLane keeps connections alive whose every segment it takes", () => {
  const { harness, conversation } = underWay();
  for (let i = 0; i < 10; i++) {
    conversation.wait(200_000_000);
    assertEquals(harness.take(...conversation.client("next")), 0);
    harness.table.advance(conversation.time);
  }
  assertEquals(harness.log.length, 10);
  conversation.wait(400_000_000);
  harness.table.advance(conversation.time);
  assertEquals(harness.log.at(-1), "close");
});

Deno.test("FastLane keeps up with what was acknowledged of more than sequence numbers can tell", () => {
  const size = 65_000, count = 40_000;
  const { harness } = underWay();
  const server = { source: "10.0.0.2", destination: "10.0.0.1" };
  const fromServer = (payload: string, seq: number) =>
    frameOf(
      ethernet(
        ipv4(tcp(payload, { ...server, sourcePort: 80, destinationPort: 40000, seq, ack: 1002 }), server),
      ),
      { time: 9000 },
    );
  const block = pcapRecord(fromServer("x".repeat(size), 0));
  const acknowledgement = pcapRecord(frame(ipv4(next("", { flags: "A" }))));
  const [blockView, acknowledgementView] = [new DataView(block.buffer), new DataView(acknowledgement.buffer)];
  // Behind the record header, Ethernet and IPv4.
  const [sequenceAt, acknowledgementAt] = [16 + 34 + 4, 16 + 34 + 8];
  for (let i = 0; i < count; i++) {
    blockView.setUint32(sequenceAt, 5002 + i * size);
    harness.lane.take(block, blockView, 0, block.length, 1);
    acknowledgementView.setUint32(acknowledgementAt, 5002 + (i + 1) * size);
    harness.lane.take(acknowledgement, acknowledgementView, 0, acknowledgement.length, 1);
    if (i < 10) assertEquals(harness.log.length, i + 1, "on the fast lane");
    else harness.log.length = 0;
  }
  const end = (5002 + count * size) % 2 ** 32;
  // Nobody has acknowledged what is behind this hole, so it may yet be filled.
  harness.log.length = 0;
  harness.take(fromServer("late", end + 10));
  harness.table.advance(9000 + 9_000_000);
  assertEquals(harness.log, []);
  harness.table.advance(9000 + 10_000_000);
  assertEquals(harness.log.map((line) => line.split(" ").slice(0, 3)), [
    ["missing", "1", "10"],
    ["layers", "1", "late"],
  ]);
});

/** The records of frames behind each other. */
function recordsOf(frames: readonly Frame[]): Uint8Array<ArrayBuffer> {
  return concat(...frames.map((frame) => pcapRecord(frame)));
}

Deno.test("FastLane counts packets, bytes on the wire and time, of both ways", () => {
  const { conversation } = underWay();
  conversation.client("next");
  const frames = conversation.frames.map((frame, i) => ({
    ...frame,
    time: i === 2 ? 500 : frame.time,
    wireLength: i === 5 ? 70_000 : i === 4 ? 0 : frame.wireLength,
  }));
  const harness = new Harness();
  const bytes = recordsOf(frames);
  assertEquals(harness.lane.take(bytes, new DataView(bytes.buffer), 0, bytes.length, 1), bytes.length);
  const wire = frames.map(({ bytes, wireLength }) => Math.max(bytes.length, wireLength));
  const { packets, bytes: wireBytes, start, time } = harness.progress;
  assertEquals([packets, wireBytes, start, time], [
    frames.length,
    wire.reduce((sum, length) => sum + length),
    frames[0]!.time,
    Math.max(...frames.map(({ time }) => time)),
  ]);
});

Deno.test("FastLane lets time go on when it is due, behind the frame that brought it", () => {
  const { conversation } = underWay();
  for (let i = 0; i < 10; i++) conversation.client("next");
  const harness = new Harness();
  harness.interval = 3000;
  harness.progress.advanceAt = 0;
  const bytes = recordsOf(conversation.frames);
  harness.lane.take(bytes, new DataView(bytes.buffer), 0, bytes.length, 1);
  assertEquals(harness.advances, [1000, 4000, 7000, 10_000, 13_000]);
});

Deno.test("FastLane ends a run before a record that is not whole, or too long for any frame", () => {
  const { conversation } = underWay();
  const records = conversation.frames.map((frame) => pcapRecord(frame));
  const bytes = concat(...records);
  const boundaries = records.map((_, i) => concat(...records.slice(0, i)).length).concat(bytes.length);
  for (let end = 0; end <= bytes.length; end++) {
    const harness = new Harness();
    const behind = harness.lane.take(bytes, new DataView(bytes.buffer), 0, end, 1);
    assertEquals(behind, boundaries.findLast((boundary) => boundary <= end));
    assertEquals(harness.progress.packets, boundaries.indexOf(behind));
    assertEquals(harness.progress.start, behind === 0 ? 0 : conversation.frames[0]!.time);
  }
  const long = concat(
    records[0]!,
    pcapRecord(frameOf(new Uint8Array(MAXIMUM_SNAPLEN + 1))),
    records[1]!,
  );
  const harness = new Harness();
  assertEquals(harness.lane.take(long, new DataView(long.buffer), 0, long.length, 1), records[0]!.length);
  assertEquals(harness.progress.packets, 1);
});

Deno.test("FastLane takes its times from the record as an unsigned number of seconds", () => {
  const { harness } = underWay();
  assertEquals(harness.take({ ...frame(ipv4(next())), time: 4_000_000_000_999_999 }), 0);
  assertEquals(harness.log, ["fast 0 next 1002 5002 4000000000999999"]);
});
