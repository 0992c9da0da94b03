import { assertEquals, assertLess } from "@std/assert";
import { DnsLookups } from "../../src/network/dns_lookups.ts";
import { DnsStream } from "../../src/network/dns_stream.ts";
import { FlowTable } from "../../src/stream/flows.ts";
import { Budget } from "../../src/stream/reassembly.ts";
import { decodeFrame } from "../../src/wire/decode.ts";
import { Layer, Packet } from "../../src/wire/packet.ts";
import { address, cname, DNS_TYPES, dnsMessage, overTcp } from "../support/dns.ts";
import { concat, Conversation, type ConversationOptions, type Frame } from "../support/frames.ts";
import { Heard } from "./support.ts";

const SERVER = "192.0.2.80";

function query(name: string, id: number): Uint8Array {
  return overTcp(dnsMessage({ id, questions: [{ name }] }));
}

function response(name: string, id: number): Uint8Array {
  const answers = [cname(name, `edge.${name}`), address(`edge.${name}`, SERVER)];
  return overTcp(dnsMessage({ id, isResponse: true, questions: [{ name }], answers }));
}

/** Reads frames of one or more connections with port 53. */
class Reading {
  readonly heard = new Heard();
  readonly lookups = new DnsLookups(this.heard);
  readonly budget: Budget;
  readonly flows: FlowTable;
  readonly #packet = new Packet();

  constructor(budget = 2 ** 20) {
    this.budget = new Budget(budget);
    this.flows = new FlowTable((flow, packet, direction) =>
      new DnsStream(this.lookups, this.budget, flow, packet, direction)
    );
  }

  feed(frames: readonly Frame[]): this {
    for (const { bytes, time, wireLength, linkType } of frames) {
      this.#packet.reset(bytes, 0, bytes.length, wireLength, time);
      assertEquals(decodeFrame(this.#packet, linkType), Layer.segment);
      this.flows.segment(this.#packet);
    }
    return this;
  }

  /** Names and round trips in milliseconds, of which a frame takes one; -1 for queries without a response. */
  get answered(): [string, number][] {
    return this.heard.outcomes.map(({ name, rcode, roundTrip }) => [name, rcode < 0 ? -1 : roundTrip / 1000]);
  }
}

function talk(options: ConversationOptions = {}): Conversation {
  return new Conversation({ server: { port: 53 }, acknowledge: false, ...options });
}

Deno.test("DnsStream reads a query and its response", () => {
  const c = talk();
  c.handshake();
  c.client(query("a.test", 1));
  c.wait(4000);
  c.server(response("a.test", 1));
  const reading = new Reading().feed(c.frames);
  assertEquals(reading.heard.outcomes, [{
    protocol: "dns",
    client: "10.0.0.1",
    server: "10.0.0.2",
    name: "a.test",
    type: DNS_TYPES.a,
    askedAt: c.frames[3]!.time,
    roundTrip: 5000,
    rcode: 0,
    retries: 0,
  }]);
  const found = reading.lookups.find(0, "10.0.0.1", SERVER, "a.test", c.time);
  assertEquals(found?.answeredAt, c.frames[4]!.time);
});

Deno.test("DnsStream reads it the same when the client is the end with the higher address", () => {
  const c = talk({ client: { address: "10.0.0.9" }, server: { address: "10.0.0.2", port: 53 } });
  c.handshake();
  c.client(query("a.test", 1));
  c.server(response("a.test", 1));
  const [outcome] = new Reading().feed(c.frames).heard.outcomes;
  assertEquals([outcome!.client, outcome!.server], ["10.0.0.9", "10.0.0.2"]);
});

Deno.test("DnsStream reads pipelined queries whose responses come in another order", () => {
  const c = talk();
  c.handshake();
  c.client(concat(query("a.test", 1), query("b.test", 2), query("c.test", 3)));
  c.server(response("c.test", 3));
  c.server(concat(response("a.test", 1), response("b.test", 2)));
  assertEquals(new Reading().feed(c.frames).answered, [["c.test", 1], ["a.test", 2], ["b.test", 2]]);
});

Deno.test("DnsStream reads messages cut anywhere, and holds nothing afterwards", () => {
  const queries = concat(query("a.test", 1), query("bb.test", 2));
  const responses = concat(response("a.test", 1), response("bb.test", 2));
  for (let size = 1; size <= responses.length; size++) {
    const c = talk({ segmentSize: size });
    c.handshake();
    c.client(queries);
    c.server(responses);
    const reading = new Reading().feed(c.frames);
    assertEquals(reading.answered.map(([name]) => name), ["a.test", "bb.test"], `segments of ${size}`);
    assertEquals(reading.budget.used, 0);
  }
});

Deno.test("DnsStream reads what comes in order on a steady connection", () => {
  const c = talk();
  c.handshake();
  c.client(query("a.test", 1));
  const reading = new Reading();
  const connections: DnsStream[] = [];
  const flows = new FlowTable((flow, packet, direction) => {
    connections.push(new DnsStream(reading.lookups, reading.budget, flow, packet, direction));
    return connections.at(-1)!;
  });
  const packet = new Packet();
  for (const { bytes, time, wireLength, linkType } of c.frames) {
    packet.reset(bytes, 0, bytes.length, wireLength, time);
    decodeFrame(packet, linkType);
    flows.segment(packet);
  }
  const bytes = response("a.test", 1);
  const frame = { bytes, view: new DataView(bytes.buffer), start: 0, end: 0, wireLength: 0, time: c.time };
  connections[0]!.inOrder({ ...frame, linkType: 1, setMemory() {} }, 0, bytes.length, 0, 0, 1);
  assertEquals(reading.answered, [["a.test", 1]]);
});

Deno.test("DnsStream reads nothing of a direction met in the middle", () => {
  const c = talk();
  c.handshake();
  c.client(query("a.test", 1));
  c.server(response("a.test", 1));
  const reading = new Reading().feed(c.frames.slice(3));
  reading.lookups.flush(c.time);
  assertEquals(reading.answered, []);
  // The server's SYN was not seen.
  const half = new Reading().feed(c.frames.toSpliced(1, 1));
  half.lookups.flush(c.time);
  assertEquals(half.answered, [["a.test", -1]]);
});

Deno.test("DnsStream reads nothing behind a loss, in that direction", () => {
  const c = talk();
  c.handshake();
  c.client(query("a.test", 1));
  c.server(response("a.test", 1));
  c.lose("server", 10);
  c.client(query("b.test", 2));
  const late = c.server(response("b.test", 2));
  c.client(query("c.test", 3));
  const reading = new Reading().feed(c.frames);
  reading.flows.advance(late[0]!.time + 20_000_000);
  reading.lookups.flush(c.time);
  assertEquals(reading.answered.toSorted(), [["a.test", 1], ["b.test", -1], ["c.test", -1]]);
});

Deno.test("DnsStream lets go of a message that the connection ends within", () => {
  for (const end of ["close", "reset", "flush"] as const) {
    const c = talk();
    c.handshake();
    c.client(query("a.test", 1).subarray(0, 9));
    const reading = new Reading().feed(c.frames);
    assertEquals(reading.budget.used, 512);
    if (end === "close") reading.feed(c.close());
    if (end === "reset") reading.feed([c.reset()]);
    reading.flows.flush(c.time);
    assertEquals(reading.budget.used, 0, end);
  }
});

Deno.test("DnsStream takes no more memory than it has, and no more than what was sent calls for", () => {
  const reading = new Reading(2048);
  const open = Array.from({ length: 6 }, (_, i) => talk({ client: { port: 40000 + i } }));
  for (const c of open) {
    c.handshake();
    // Says that it will be long.
    c.client(concat(Uint8Array.of(0xff, 0xff), new Uint8Array(300)));
    reading.feed(c.frames);
    assertLess(reading.budget.used, 2049);
  }
  assertEquals(reading.budget.used, 2048);
  // Those for which there was no room are not read on, those that need none are.
  const c = talk({ client: { port: 41000 } });
  c.handshake();
  c.client(query("a.test", 1));
  c.server(response("a.test", 1), 20);
  reading.feed(c.frames);
  reading.lookups.flush(c.time);
  assertEquals(reading.answered, [["a.test", -1]]);
  reading.flows.flush(c.time);
  assertEquals(reading.budget.used, 0);
});

Deno.test("DnsStream reads a message of any length, and none of length 0", () => {
  const answers = Array.from({ length: 200 }, (_, i) => ({ ...address("a.test", SERVER), ttl: i }));
  const padding = { name: "a.test", type: DNS_TYPES.txt, data: [new Uint8Array(50_000)] };
  const long = dnsMessage({
    id: 1,
    isResponse: true,
    questions: [{ name: "a.test" }],
    answers: [...answers, padding],
  });
  const c = talk({ segmentSize: 1000 });
  c.handshake();
  c.client(query("a.test", 1));
  c.server(concat(Uint8Array.of(0, 0, 0), Uint8Array.of(0), overTcp(long)));
  const reading = new Reading().feed(c.frames);
  assertEquals(reading.answered.map(([name]) => name), ["a.test"]);
  assertEquals(reading.budget.used, 0);
});
