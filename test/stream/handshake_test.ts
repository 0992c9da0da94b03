import { assertEquals } from "@std/assert";
import { type Connection, type Flow, FlowTable } from "../../src/stream/flows.ts";
import type { Handshake } from "../../src/stream/handshake.ts";
import { decodeFrame } from "../../src/wire/decode.ts";
import { Packet } from "../../src/wire/packet.ts";
import { ipv4, LINK_TYPES, tcp } from "../support/frames.ts";

const MILLISECOND = 1000, SECOND = 1_000_000;
const CLIENT = "10.0.0.1", SERVER = "10.0.0.2";
const NOBODY: Connection = {
  handler: () => ({ data() {}, missing() {}, end() {} }),
  inOrder() {},
  close() {},
};

/** Segments between one client and one server: `C` or `S`, flags, and when, in milliseconds. */
type Segment = readonly [sender: "C" | "S", flags: string, at: number, payload?: string, window?: number];

const CLIENT_ISN = 1000, SERVER_ISN = 5000;

/** Feeds segments, whose numbers follow from what their sender sent before. */
class Wire {
  flow: Flow | undefined;
  readonly table = new FlowTable((flow) => {
    this.flow = flow;
    return NOBODY;
  });
  readonly #packet = new Packet();
  readonly #next = { C: CLIENT_ISN + 1, S: SERVER_ISN + 1 };

  send(...segments: readonly Segment[]): this {
    for (const [sender, flags, at, payload = "", window = 1000] of segments) {
      const isSyn = flags.includes("S");
      const isn = sender === "C" ? CLIENT_ISN : SERVER_ISN;
      const seq = isSyn ? isn : this.#next[sender];
      this.#next[sender] = Math.max(this.#next[sender], seq + (isSyn ? 1 : 0) + payload.length);
      const [source, destination] = sender === "C" ? [CLIENT, SERVER] : [SERVER, CLIENT];
      const [sourcePort, destinationPort] = sender === "C" ? [40000, 80] : [80, 40000];
      const ack = flags.includes("A") ? this.#next[sender === "C" ? "S" : "C"] : 0;
      const segment = tcp(payload, {
        source,
        destination,
        sourcePort,
        destinationPort,
        seq,
        ack,
        flags,
        window,
      });
      const bytes = ipv4(segment, { source, destination });
      this.#packet.reset(bytes, 0, bytes.length, bytes.length, at * MILLISECOND);
      decodeFrame(this.#packet, LINK_TYPES.raw);
      this.table.segment(this.#packet);
    }
    return this;
  }

  /** In milliseconds. */
  get handshake(): Handshake {
    const { retransmissions, ...times } = this.flow!.handshake.now;
    const milliseconds = Object.fromEntries(
      Object.entries(times).map(([name, time]) => [name, time / MILLISECOND]),
    );
    return { ...milliseconds, retransmissions } as unknown as Handshake;
  }
}

const REQUEST = "GET / HTTP/1.1\r\n\r\n";

Deno.test("FlowTable notes when SYN, SYN-ACK and ACK of a connection came", () => {
  const wire = new Wire().send(["C", "S", 10], ["S", "SA", 13], ["C", "A", 17], ["C", "PA", 20, REQUEST]);
  assertEquals(wire.handshake, { synAt: 10, lastSynAt: 10, synAckAt: 13, ackAt: 17, retransmissions: 0 });
  assertEquals([wire.table.counts.handshakes, wire.table.counts.synRetransmissions], [1, 0]);
});

Deno.test("FlowTable takes the first request for the ACK that was not captured", () => {
  const wire = new Wire().send(["C", "S", 10], ["S", "SA", 13], ["C", "PA", 20, REQUEST], ["S", "A", 21]);
  assertEquals(wire.handshake.ackAt, 20);
});

Deno.test("FlowTable knows the handshake of a client whose server was not captured", () => {
  const wire = new Wire().send(["C", "S", 10], ["C", "A", 17], ["C", "PA", 20, REQUEST]);
  assertEquals(wire.handshake, { synAt: 10, lastSynAt: 10, synAckAt: NaN, ackAt: 17, retransmissions: 0 });
});

Deno.test("FlowTable counts SYNs sent again, and knows the first and the last", () => {
  const wire = new Wire().send(
    ["C", "S", 10],
    ["C", "S", 1010],
    ["C", "S", 3010],
    ["S", "SA", 3013],
    ["C", "A", 3017],
    ["C", "PA", 3020, REQUEST],
  );
  assertEquals(wire.handshake, {
    synAt: 10,
    lastSynAt: 3010,
    synAckAt: 3013,
    ackAt: 3017,
    retransmissions: 2,
  });
  assertEquals(wire.table.counts.synRetransmissions, 2);
});

Deno.test("FlowTable counts a SYN-ACK sent again as a retransmission of the handshake", () => {
  const wire = new Wire().send(
    ["C", "S", 10],
    ["S", "SA", 13],
    ["S", "SA", 1013],
    ["C", "A", 1017],
    ["C", "PA", 1020, REQUEST],
  );
  assertEquals(wire.handshake, { synAt: 10, lastSynAt: 10, synAckAt: 13, ackAt: 1017, retransmissions: 1 });
});

Deno.test("FlowTable takes a SYN and a SYN-ACK that were captured twice for one", () => {
  const wire = new Wire().send(
    ["C", "S", 10],
    ["C", "S", 10.01],
    ["S", "SA", 13],
    ["S", "SA", 13.01],
    ["C", "A", 17],
    ["C", "PA", 20, REQUEST],
  );
  assertEquals(wire.handshake.retransmissions, 0);
  assertEquals(wire.table.counts.synRetransmissions, 0);
});

Deno.test("FlowTable knows the handshake of a SYN that brings payload", () => {
  const wire = new Wire().send(["C", "S", 10, REQUEST], ["S", "SA", 13], ["C", "A", 17]);
  assertEquals(wire.handshake, { synAt: 10, lastSynAt: 10, synAckAt: 13, ackAt: 17, retransmissions: 0 });
});

Deno.test("FlowTable takes no times from a SYN and a SYN-ACK that were captured behind payload", () => {
  const wire = new Wire().send(["C", "PA", 20, REQUEST], ["C", "S", 21], ["S", "SA", 22], ["C", "A", 23]);
  assertEquals([wire.handshake.synAt, wire.handshake.synAckAt, wire.handshake.ackAt], [NaN, NaN, NaN]);
});

Deno.test("FlowTable knows nothing of a handshake before it looked", () => {
  const wire = new Wire().send(["C", "PA", 20, REQUEST], ["S", "A", 21]);
  assertEquals(wire.handshake, {
    synAt: NaN,
    lastSynAt: NaN,
    synAckAt: NaN,
    ackAt: NaN,
    retransmissions: 0,
  });
  assertEquals(wire.table.counts.handshakes, 0);
});

Deno.test("FlowTable begins anew with the next connection between the same ports", () => {
  const wire = new Wire().send(["C", "S", 10], ["S", "SA", 13], ["C", "A", 17], ["C", "PA", 20, REQUEST]);
  wire.send(["C", "FA", 30], ["S", "FA", 31]);
  const syn = tcp("", { flags: "S", seq: 900_000, source: CLIENT, destination: SERVER });
  const bytes = ipv4(syn, { source: CLIENT, destination: SERVER });
  const packet = new Packet();
  packet.reset(bytes, 0, bytes.length, bytes.length, 5 * SECOND);
  decodeFrame(packet, LINK_TYPES.raw);
  wire.table.segment(packet);
  assertEquals(wire.handshake, {
    synAt: 5000,
    lastSynAt: 5000,
    synAckAt: NaN,
    ackAt: NaN,
    retransmissions: 0,
  });
});

Deno.test("FlowTable counts connections that were refused, reset, and not answered", () => {
  const refused = new Wire().send(["C", "S", 10], ["S", "RA", 11]);
  assertEquals([refused.table.counts.refused, refused.table.counts.resets], [1, 1]);

  const reset = new Wire().send(
    ["C", "S", 10],
    ["S", "SA", 13],
    ["C", "A", 17],
    ["C", "PA", 20, REQUEST],
    ["S", "RA", 25],
    ["S", "RA", 26],
  );
  assertEquals([reset.table.counts.refused, reset.table.counts.resets], [0, 1]);

  const silent = new Wire().send(["C", "S", 10], ["C", "S", 1010]);
  silent.table.flush(3 * SECOND);
  assertEquals([silent.table.counts.unanswered, silent.table.counts.handshakes], [1, 0]);

  const justSent = new Wire().send(["C", "S", 10]);
  justSent.table.flush(20 * MILLISECOND);
  assertEquals(justSent.table.counts.unanswered, 0);
});

Deno.test("FlowTable counts a client that resets what it asked for neither as refused nor as unanswered", () => {
  for (const answer of [[], [["S", "SA", 13]]] as const) {
    const wire = new Wire().send(["C", "S", 10], ...answer, ["C", "R", 2014]);
    wire.table.flush(3 * SECOND);
    const { refused, unanswered, resets } = wire.table.counts;
    assertEquals([refused, unanswered, resets], [0, 0, 1]);
  }
});

Deno.test("FlowTable notes that an end can take no more, which a reset or a SYN does not say", () => {
  const wire = new Wire().send(
    ["C", "S", 10, "", 0],
    ["S", "SA", 13],
    ["C", "A", 17],
    ["C", "PA", 20, REQUEST],
    ["S", "A", 30, "", 0],
    ["S", "A", 40],
    ["S", "R", 50, "", 0],
  );
  assertEquals(wire.flow!.zeroWindowAt, 30 * MILLISECOND);
  assertEquals(wire.table.counts.zeroWindows, 1);
});

Deno.test("FlowTable notes an ICMP error about a connection that it knows", () => {
  const wire = new Wire().send(["C", "S", 10], ["S", "SA", 13], ["C", "A", 17], ["C", "PA", 20, REQUEST]);
  const about = (port: number) => {
    const bytes = ipv4(tcp("", { sourcePort: port, source: CLIENT, destination: SERVER }), {
      source: CLIENT,
      destination: SERVER,
    });
    const packet = new Packet();
    packet.reset(bytes, 0, bytes.length, bytes.length, 30 * MILLISECOND);
    decodeFrame(packet, LINK_TYPES.raw);
    return wire.table.icmpError(packet);
  };
  assertEquals([about(40001), wire.flow!.icmpErrorAt], [false, NaN]);
  assertEquals([about(40000), wire.flow!.icmpErrorAt], [true, 30 * MILLISECOND]);
});
