import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import fc from "fast-check";
import { type Connection, type Flow, type FlowLimits, FlowTable } from "../../src/stream/flows.ts";
import { HELD_SEGMENT, type StreamHandler } from "../../src/stream/reassembly.ts";
import { decodeFrame } from "../../src/wire/decode.ts";
import { Layer, Packet } from "../../src/wire/packet.ts";
import { Conversation, type Frame, ipv4, ipv6, LINK_TYPES, tcp, type TcpOptions } from "../support/frames.ts";

const SECOND = 1_000_000;
const CLIENT = 40000, SERVER = 80;

/** What one connection carried: the text of both directions by the port that sent it. */
class Recorded implements Connection {
  readonly #handlers: readonly [StreamHandler, StreamHandler];
  readonly texts: [string, string] = ["", ""];
  closed = 0;

  constructor(readonly flow: Flow, readonly direction: 0 | 1, readonly port: number) {
    this.#handlers = [this.#record(0), this.#record(1)];
  }

  /** What the end sent that `port` names: `<n>` is a hole of n bytes, `.` the end. */
  sentBy(port: number): string {
    return this.texts[(port === this.port) === (this.direction === 0) ? 0 : 1];
  }

  inOrder(
    ...[frame, start, end, sequence, acknowledgement, direction]: Parameters<Connection["inOrder"]>
  ): void {
    this.handler(direction).data(frame.bytes, start, end, sequence, acknowledgement, frame.time);
  }

  close(): void {
    this.closed++;
  }

  handler(direction: 0 | 1): StreamHandler {
    return this.#handlers[direction];
  }

  #record(direction: 0 | 1): StreamHandler {
    return {
      data: (bytes, start, end) => {
        assertEquals(this.closed, 0);
        this.texts[direction] += new TextDecoder().decode(bytes.subarray(start, end));
      },
      missing: (length, lost) => void (this.texts[direction] += lost ? `<${length}>` : `<cut ${length}>`),
      end: () => void (this.texts[direction] += "."),
    };
  }
}

/** A flow table with all connections that it made. */
class Harness {
  readonly connections: Recorded[] = [];
  readonly table: FlowTable;
  readonly #packet = new Packet();

  constructor(limits?: FlowLimits) {
    this.table = new FlowTable((flow, packet, direction) => {
      const connection = new Recorded(flow, direction, packet.sourcePort);
      this.connections.push(connection);
      return connection;
    }, limits);
  }

  feed(...frames: readonly Frame[]): this {
    for (const { bytes, time, wireLength, linkType } of frames) {
      this.#packet.reset(bytes, 0, bytes.length, wireLength, time);
      assertEquals(decodeFrame(this.#packet, linkType), Layer.segment);
      this.table.segment(this.#packet);
    }
    return this;
  }

  /** A single segment at `time`, from the client to the server unless said. */
  segment(payload: string, options: TcpOptions & { time?: number; from?: "server" } = {}): this {
    const ports = options.from === "server"
      ? { sourcePort: SERVER, destinationPort: CLIENT }
      : { sourcePort: CLIENT, destinationPort: SERVER };
    const addresses = options.from === "server"
      ? { source: "10.0.0.2", destination: "10.0.0.1" }
      : { source: "10.0.0.1", destination: "10.0.0.2" };
    const bytes = ipv4(tcp(payload, { ...ports, ...options, ...addresses }), addresses);
    return this.feed({ bytes, time: options.time ?? 0, wireLength: bytes.length, linkType: LINK_TYPES.raw });
  }

  get only(): Recorded {
    assertEquals(this.connections.length, 1);
    return this.connections[0]!;
  }
}

function opened(options: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  const conversation = new Conversation(options);
  conversation.handshake();
  return conversation;
}

Deno.test("FlowTable hands over both directions of a connection and closes it once", () => {
  for (const ipv6 of [false, true]) {
    const c = opened({ ipv6, segmentSize: 4 });
    c.client("request");
    c.server("response");
    c.close();
    const h = new Harness().feed(...c.frames);
    assertEquals([h.only.sentBy(CLIENT), h.only.sentBy(SERVER)], ["request.", "response."]);
    assertEquals([h.only.closed, h.table.size], [1, 1]);
    h.table.flush(c.time);
    assertEquals([h.only.closed, h.table.size], [1, 0]);
    assertEquals(h.table.losses, { tcpGaps: 0, evicted: 0 });
  }
});

Deno.test("FlowTable names directions the same whichever end has the lower address or speaks first", () => {
  for (const [low, high] of [["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.1"], ["10.0.0.1", "10.0.0.1"]]) {
    const c = opened({ client: { address: low! }, server: { address: high! } });
    c.server("banner");
    c.client("answer");
    const h = new Harness().feed(...c.frames);
    assertEquals([h.only.sentBy(CLIENT), h.only.sentBy(SERVER)], ["answer", "banner"]);
  }
});

Deno.test("FlowTable tells flows apart by ports, addresses, IP version and VLAN", () => {
  const h = new Harness();
  const different: ConstructorParameters<typeof Conversation>[0][] = [
    {},
    { client: { port: 40001 } },
    { server: { port: 8080 } },
    { client: { address: "10.0.0.3" } },
    { ipv6: true },
    { vlans: [5] },
    { vlans: [5, 6] },
  ];
  for (const options of different) {
    const c = opened(options);
    c.client("request");
    h.feed(...c.frames);
  }
  assertEquals(h.connections.length, different.length);
  assertEquals(h.table.size, different.length);
});

Deno.test("FlowTable makes nothing of acknowledgements, FINs and RSTs of flows that it never saw", () => {
  const h = new Harness().segment("").segment("", { flags: "FA" }).segment("data", { flags: "RA" });
  assertEquals([h.table.size, h.connections.length], [0, 0]);
});

Deno.test("FlowTable joins a connection in the middle", () => {
  const h = new Harness()
    .segment("abc", { seq: 7000, ack: 500 })
    .segment("xyz", { seq: 500, ack: 7003, from: "server" })
    .segment("def", { seq: 7003, ack: 503 });
  assertEquals([h.only.sentBy(CLIENT), h.only.sentBy(SERVER)], ["abcdef", "xyz"]);
  const { streams } = h.only.flow;
  assertEquals([streams[0].fromSyn, streams[1].fromSyn], [false, false]);
});

Deno.test("FlowTable takes payload that comes with the SYN", () => {
  const h = new Harness()
    .segment("abc", { flags: "S", seq: 99 })
    .segment("", { flags: "SA", seq: 500, ack: 103, from: "server" })
    .segment("def", { seq: 103, ack: 501 })
    .segment("abc", { flags: "S", seq: 99 });
  assertEquals(h.only.sentBy(CLIENT), "abcdef");
  assertEquals(h.only.flow.retransmissions, 1);
});

Deno.test("FlowTable knows a repeated SYN by its number and takes another for a new connection", () => {
  const c = opened();
  c.client("first");
  const h = new Harness().feed(...c.frames, c.frames[0]!, c.frames[1]!);
  c.client(" goes on");
  h.feed(...c.frames.slice(-2));
  assertEquals(h.only.sentBy(CLIENT), "first goes on");

  const again = opened({ client: { isn: 777_777 }, server: { isn: 888_888 } });
  again.client("second");
  h.feed(...again.frames);
  assertEquals(h.connections.map((connection) => connection.sentBy(CLIENT)), ["first goes on", "second"]);
  assertEquals(h.connections.map(({ closed }) => closed), [1, 0]);
  assertEquals(h.table.size, 1);
});

Deno.test("FlowTable starts anew on used ports after a close, with and without the SYN", () => {
  for (const skip of [0, 3]) {
    const c = opened();
    c.client("first");
    c.close();
    const again = opened({ client: { isn: 90_000_000 }, server: { isn: 95_000_000 } });
    again.client("second");
    const h = new Harness().feed(...c.frames, ...again.frames.slice(skip));
    const texts = h.connections.map((connection) => connection.sentBy(CLIENT));
    assertEquals(texts, ["first.", "second"]);
  }
});

Deno.test("FlowTable takes data that cannot belong to the connection for another, and counts what was missed", () => {
  const c = opened();
  c.client("first");
  const h = new Harness().feed(...c.frames).segment("other", { seq: 1_000_000_000, ack: 7 });
  assertEquals(h.connections.map((connection) => connection.sentBy(CLIENT)), ["first", "other"]);
  assertEquals(h.table.losses.tcpGaps, 1);
});

Deno.test("FlowTable ignores late copies after the close", () => {
  const c = opened();
  c.client("request");
  c.server("response");
  c.close();
  const h = new Harness().feed(...c.frames, ...c.frames.slice(2));
  assertEquals([h.only.sentBy(CLIENT), h.only.closed], ["request.", 1]);
  assertEquals(h.table.losses.tcpGaps, 0);
});

Deno.test("FlowTable knows a SYN captured behind the first payload for that of the connection", () => {
  const c = opened({ segmentSize: 4 });
  const [syn, accept, ack] = c.frames as [Frame, Frame, Frame];
  const [first, second] = c.client("abcdefgh") as [Frame, Frame];
  const h = new Harness().feed(accept, first, syn, ack, second, syn);
  assertEquals(h.only.sentBy(CLIENT), "abcdefgh");
  assertEquals(h.table.losses.tcpGaps, 0);
  const late = new Harness().feed(second, syn, first);
  assertEquals(late.only.sentBy(CLIENT), "efgh");
  assertEquals(late.table.losses.tcpGaps, 1);
});

Deno.test("FlowTable counts retransmissions and takes keep-alive probes for none", () => {
  const c = opened();
  const [request] = c.client("request");
  const h = new Harness().feed(...c.frames, request!, request!);
  assertEquals(h.only.flow.retransmissions, 2);
  for (const payload of ["", "t"]) h.segment(payload, { seq: 1001 + 6, ack: 5001 });
  assertEquals(h.only.flow.retransmissions, 2);
  assertEquals(h.only.sentBy(CLIENT), "request");
});

Deno.test("FlowTable closes a reset connection after 100 ms, when no segment can come late any more", () => {
  const c = opened();
  c.client("request");
  const [response] = c.server("response");
  const reset = c.reset("client");
  const h = new Harness().feed(...c.frames.filter((frame) => frame !== response));
  h.table.advance(reset.time + 99_999);
  assertEquals(h.only.closed, 0);
  h.feed({ ...response!, time: reset.time + 99_999 });
  h.table.advance(reset.time + 100_000);
  assertEquals([h.only.sentBy(SERVER), h.only.closed], ["response", 1]);
});

Deno.test("FlowTable follows a connection that goes on after a reset nobody obeyed", () => {
  const c = opened();
  c.client("abc");
  c.reset("client");
  const h = new Harness().feed(...c.frames);
  h.table.advance(c.time + SECOND);
  c.wait(2 * SECOND);
  h.feed(...c.client("def"));
  assertEquals(h.connections.map((connection) => connection.sentBy(CLIENT)), ["abc", "def"]);
});

Deno.test("FlowTable forgets a refused connection at once and starts anew with what follows", () => {
  const h = new Harness()
    .segment("", { flags: "S", seq: 99 })
    .segment("", { flags: "RA", seq: 0, ack: 100, from: "server" })
    .segment("", { flags: "S", seq: 99 })
    .segment("", { flags: "SA", seq: 500, ack: 100, from: "server" })
    .segment("request", { seq: 100, ack: 501 })
    .segment("response", { seq: 501, ack: 107, from: "server" });
  assertEquals([h.only.sentBy(CLIENT), h.only.sentBy(SERVER)], ["request", "response"]);
});

Deno.test("FlowTable gives up an acknowledged hole after 100 ms and any other after 10 s", () => {
  for (const [acknowledge, patience] of [[true, 100_000], [false, 10 * SECOND]] as const) {
    const c = opened({ acknowledge, segmentSize: 3 });
    const [, lost, last] = c.client("abcdefghi");
    const h = new Harness().feed(...c.frames.filter((frame) => frame !== lost));
    h.table.advance(last!.time + patience - 1);
    assertEquals([h.only.sentBy(CLIENT), h.table.losses.tcpGaps], ["abc", 0]);
    h.table.advance(last!.time + patience);
    assertEquals([h.only.sentBy(CLIENT), h.table.losses.tcpGaps], ["abc<3>ghi", 1]);
    assertEquals(h.only.flow.gaps, 1);
  }
});

Deno.test("FlowTable gives up holes, also behind the last segment, when it is flushed", () => {
  const c = opened({ segmentSize: 3 });
  const [, lost] = c.client("abcdefghi");
  const [, lostTail] = c.server("uvwxyz");
  const h = new Harness().feed(...c.frames.filter((frame) => frame !== lost && frame !== lostTail));
  h.table.flush(c.time);
  assertEquals([h.only.sentBy(CLIENT), h.only.sentBy(SERVER)], ["abc<3>ghi", "uvw<2>"]);
  assertEquals([h.table.losses.tcpGaps, h.only.closed], [2, 1]);
});

Deno.test("FlowTable counts a connection's bytes as lost when only its ends were seen", () => {
  const c = opened();
  const start = c.frames.length;
  c.client("request");
  c.server("response");
  const end = c.frames.length;
  c.close();
  const h = new Harness().feed(...c.frames.toSpliced(start, end - start));
  h.table.flush(c.time);
  assertEquals([h.connections.length, h.table.losses.tcpGaps], [0, 2]);
});

Deno.test("FlowTable delivers a response behind its request, also when captured before it", () => {
  const order: string[] = [];
  const table = new FlowTable((_, packet, direction) => {
    const handler = (name: string): StreamHandler => ({
      data: () => void order.push(name),
      missing() {},
      end() {},
    });
    const sender = packet.sourcePort === SERVER ? "server" : "client";
    const other = sender === "server" ? "client" : "server";
    const handlers = [handler(sender), handler(other)] as [StreamHandler, StreamHandler];
    const byDirection = direction === 0 ? handlers : [handlers[1], handlers[0]] as const;
    return { handler: (direction) => byDirection[direction], inOrder() {}, close() {} };
  });
  const c = opened({ segmentSize: 5 });
  const requests = c.client("request");
  const responses = c.server("response");
  const packet = new Packet();
  for (const { bytes, time, wireLength, linkType } of [...c.frames.slice(0, 3), ...responses, ...requests]) {
    packet.reset(bytes, 0, bytes.length, wireLength, time);
    decodeFrame(packet, linkType);
    table.segment(packet);
  }
  assertEquals(order, ["client", "client", "server", "server"]);
});

Deno.test("FlowTable evicts closed flows first, uncounted, then opening and open ones by age", () => {
  const h = new Harness({ flows: 3, heldBytes: 100 });
  const c = (port: number) => opened({ client: { port } });
  const open = c(1);
  open.client("open");
  const closed = c(2);
  closed.client("closed");
  closed.close();
  h.feed(...open.frames, ...closed.frames, ...c(3).frames);
  assertEquals([h.table.size, h.table.losses.evicted], [3, 0]);
  h.feed(...c(4).frames);
  assertEquals([h.table.size, h.table.losses.evicted], [3, 0]);
  h.feed(...c(5).frames);
  assertEquals([h.table.size, h.table.losses.evicted], [3, 1]);
  assertEquals(h.connections.map((connection) => connection.closed), [0, 1]);
  for (const port of [6, 7]) {
    const another = c(port);
    another.client("open");
    h.feed(...another.frames);
  }
  assertEquals(h.connections.map((connection) => connection.closed), [0, 1, 0, 0]);
  h.feed(...c(8).frames);
  assertEquals(h.connections.map((connection) => connection.closed), [1, 1, 0, 0]);
  assertEquals([h.table.size, h.table.losses.evicted], [3, 4]);
});

Deno.test("FlowTable forgets idle flows by stage and keeps those in use", () => {
  const h = new Harness();
  const opening = opened({ client: { port: 1 }, time: 0 });
  const open = opened({ client: { port: 2 }, time: 0 });
  open.client("abc");
  const closed = opened({ client: { port: 3 }, time: 0 });
  closed.client("abc");
  closed.close();
  const used = opened({ client: { port: 4 }, time: 0 });
  used.client("abc");
  h.feed(...opening.frames, ...open.frames, ...closed.frames, ...used.frames);
  assertEquals(h.table.size, 4);
  h.table.advance(61 * SECOND);
  assertEquals(h.table.size, 2);
  used.wait(200 * SECOND);
  h.feed(...used.client("def"));
  h.table.advance(310 * SECOND);
  assertEquals(h.table.size, 1);
  assertEquals(h.connections.map((connection) => connection.closed), [1, 1, 0]);
  assertEquals(h.connections[2]!.sentBy(4), "abcdef");
});

Deno.test("FlowTable counts evicted flows but not those that ran out of time", () => {
  const h = new Harness();
  h.feed(...opened({ time: 0 }).frames);
  h.table.advance(1000 * SECOND);
  assertEquals([h.table.size, h.table.losses.evicted], [0, 0]);
});

Deno.test("FlowTable stands times that go backwards", () => {
  const c = opened({ step: -3 * SECOND });
  c.client("request");
  c.server("response");
  c.close();
  const h = new Harness();
  for (const frame of c.frames) {
    h.feed(frame);
    h.table.advance(frame.time);
  }
  assertEquals([h.only.sentBy(CLIENT), h.only.sentBy(SERVER)], ["request.", "response."]);
});

Deno.test("FlowTable holds no more bytes behind holes than its limit, and none in the end", () => {
  const h = new Harness({ flows: 64, heldBytes: 20 * (100 + HELD_SEGMENT) });
  for (let port = 1; port <= 50; port++) {
    const c = opened({ client: { port }, acknowledge: false });
    const [lost] = c.client("x".repeat(100));
    c.client("y".repeat(100));
    h.feed(...c.frames.filter((frame) => frame !== lost));
  }
  const waiting = h.connections.filter((connection) => connection.texts.join("") === "").length;
  assertEquals(waiting, 20);
  assertEquals(h.table.losses.tcpGaps, 30);
  h.table.flush(0);
  assertEquals(h.table.losses.tcpGaps, 50);
  for (const connection of h.connections) assert(connection.texts.join("").endsWith("y"));
});

Deno.test("FlowTable finds the right flow among thousands that come and go, as a Map does", () => {
  const event = fc.record({
    port: fc.integer({ min: 1, max: 400 }),
    host: fc.nat(3),
    version: fc.constantFrom(4, 6),
    kind: fc.constantFrom("data", "data", "data", "syn", "expire"),
  });
  fc.assert(
    fc.property(fc.array(event, { minLength: 2000, maxLength: 4000, size: "max" }), (events) => {
      const h = new Harness({ flows: 4096, heldBytes: 1000 });
      const model = new Map<string, { next: number; text: string; seen: number; isOpen: boolean }>();
      const flows = new Map<string, Recorded>();
      let time = 0;
      for (const { port, host, version, kind } of events) {
        time += 2 * SECOND;
        const key = `${version} ${host} ${port}`;
        const source = version === 4 ? `10.0.0.${host + 1}` : `2001:db8::${host + 1}`;
        const destination = version === 4 ? "10.0.0.2" : "2001:db8::2";
        const ip = version === 4 ? ipv4 : ipv6;
        const send = (payload: string, options: TcpOptions) => {
          const bytes = ip(tcp(payload, { sourcePort: 1000 + port, destinationPort: 80, ...options }), {
            source,
            destination,
          });
          h.feed({ bytes, time, wireLength: bytes.length, linkType: LINK_TYPES.raw });
        };
        const known = model.get(key);
        if (kind === "expire") {
          h.table.advance(time);
          for (const [key, { seen, isOpen }] of model) {
            if (time - seen <= (isOpen ? 300 : 60) * SECOND) continue;
            model.delete(key);
            flows.delete(key);
          }
        } else if (kind === "syn") {
          if (known) continue;
          send("", { flags: "S", seq: 999 });
          model.set(key, { next: 1000, text: "", seen: time, isOpen: false });
        } else {
          const state = known ?? { next: 1000, text: "", seen: time, isOpen: true };
          const before = h.connections.length;
          send("ab", { seq: state.next });
          if (h.connections.length > before) flows.set(key, h.connections.at(-1)!);
          model.set(key, { next: state.next + 2, text: state.text + "ab", seen: time, isOpen: true });
        }
        assertEquals(h.table.size, model.size);
      }
      for (const [key, { text, isOpen }] of model) {
        if (isOpen) assertEquals(flows.get(key)!.sentBy(1000 + Number(key.split(" ")[2])), text);
      }
    }),
    { numRuns: 5, seed: 1 },
  );
});

Deno.test("FlowTable stays bounded and quick under a million half-open connections", () => {
  const limit = 2 ** 14;
  const h = new Harness({ flows: limit, heldBytes: 1000 });
  const bytes = ipv4(tcp("", { flags: "S" }));
  const packet = new Packet();
  const started = performance.now();
  for (let i = 0; i < 1_000_000; i++) {
    // Source address and port, and the sequence number, are others each time.
    bytes[13] = i >> 16;
    bytes[14] = i >> 8;
    bytes[15] = i;
    bytes[21] = i * 7;
    packet.reset(bytes, 0, bytes.length, bytes.length, i);
    decodeFrame(packet, LINK_TYPES.raw);
    h.table.segment(packet);
  }
  assertLess(performance.now() - started, 5000);
  assertEquals([h.table.size, h.connections.length], [limit, 0]);
  assertGreater(h.table.losses.evicted, 900_000);
});
