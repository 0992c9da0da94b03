import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { DnsOutcome } from "../../src/network/events.ts";
import { SavefileReader } from "../../src/savefile.ts";
import { type FloodName, floodNames, writeFlood } from "../../scripts/bench/floods.ts";
import { wrkScript } from "../../scripts/bench/inputs.ts";
import { lastReport } from "../../scripts/bench/options.ts";
import { growth, median, pairedRatio } from "../../scripts/bench/statistics.ts";
import { formatFigure, formatTable, type Row, tableAsJson, verdict } from "../../scripts/bench/table.ts";

Deno.test("median takes the middle by size, and the mean of two middles", () => {
  assertEquals(median([10, 9, 100]), 10);
  assertEquals(median([4, 1, 2, 3]), 2.5);
  assertEquals(median([]), NaN);
});

Deno.test("pairedRatio divides within rounds, so that a slow round weighs no more than others", () => {
  assertEquals(pairedRatio([2, 20, 2.2], [1, 10, 1]), 2);
});

Deno.test("growth compares the greatest of the last tenth with the greatest of the second quarter", () => {
  const sizes = (size: (time: number) => number) =>
    Array.from({ length: 101 }, (_, time) => ({ time: 1000 + time, size: size(time) }));
  assertEquals(growth(sizes((time) => time < 25 ? time : 100)), 1);
  assertEquals(growth(sizes((time) => time <= 50 ? 100 : 200)), 2);
  // A peak in the middle is no growth, nor is a trough where something was collected.
  assertEquals(growth(sizes((time) => time === 70 ? 900 : time % 5 === 0 ? 100 : 50)), 1);
  assertEquals(growth([]), NaN);
});

Deno.test("verdict holds a result to its target, and one that could not be measured misses", () => {
  const row = (result: number | undefined, target: Row["target"]): Row => ({
    section: "read",
    name: "a",
    ...result !== undefined && { result },
    ...target && { target },
  });
  assertEquals(verdict(row(1.5, { atMost: 1.5 })), "ok");
  assertEquals(verdict(row(1.51, { atMost: 1.5 })), "misses");
  assertEquals(verdict(row(8, { atLeast: 8 })), "ok");
  assertEquals(verdict(row(7.9, { atLeast: 8 })), "misses");
  assertEquals(verdict(row(NaN, { atMost: 1 })), "misses");
  assertEquals(verdict(row(undefined, { atMost: 1 })), "misses");
  assertEquals(verdict(row(3, undefined)), undefined);
});

Deno.test("formatFigure tells a figure's unit by the end of its name", () => {
  assertEquals(formatFigure("wallSeconds", 1.2345), "wall 1.23 s");
  assertEquals(formatFigure("packetsPerSecond", 2_345_678.9), "packets 2,345,679/s");
  assertEquals(formatFigure("cpuPacketMicroseconds", 0.0684), "cpu packet 0.0684 µs");
  assertEquals(formatFigure("peakMiB", 123.4), "peak 123 MiB");
  assertEquals(formatFigure("tcpGaps", 0), "tcp gaps 0");
  assertEquals(formatFigure("dropped", NaN), "dropped ?");
});

const rows: Row[] = [
  { section: "read", name: "small: json", figures: { wallSeconds: 1, requests: 12 } },
  { section: "read", name: "small: json / tcpdump", result: 1.25, unit: "x", target: { atMost: 1.5 } },
  { section: "memory", name: "peak", result: 300, unit: "MiB", target: { atMost: 256 } },
];

Deno.test("formatTable aligns the columns and ends no line in blanks", () => {
  assertEquals(
    formatTable(rows),
    `\
section  what                   result   target             figures
read     small: json                                        wall 1 s, requests 12
read     small: json / tcpdump  1.25     ≤ 1.5      ok
memory   peak                   300 MiB  ≤ 256 MiB  misses
`,
  );
});

Deno.test("tableAsJson has all of each row and its verdict", () => {
  assertEquals(JSON.parse(JSON.stringify(tableAsJson(rows))), [
    { section: "read", name: "small: json", figures: { wallSeconds: 1, requests: 12 } },
    {
      ...{ section: "read", name: "small: json / tcpdump", result: 1.25, unit: "x" },
      ...{ target: { atMost: 1.5 }, verdict: "ok" },
    },
    {
      ...{ section: "memory", name: "peak", result: 300, unit: "MiB" },
      ...{ target: { atMost: 256 }, verdict: "misses" },
    },
  ]);
});

Deno.test("lastReport reads the last line of a run's reports", () => {
  assertEquals(lastReport('{"totals":{"requests":1}}\n{"totals":{"requests":2}}\n').totals.requests, 2);
});

Deno.test("wrkScript asks for size and close only where they are wanted", () => {
  assertStringIncludes(wrkScript(7), "n == 7 + 1");
  assert(!/kb=|close/.test(wrkScript(7)));
  assertStringIncludes(wrkScript(7, { large: true }), "?kb=");
  assertStringIncludes(wrkScript(7, { close: true }), 'wrk.headers["Connection"] = "close"');
});

/** A frame of a flood, as a reader sees it. */
interface Frame {
  readonly time: number;
  readonly connection: string;
  readonly toServer: boolean;
  readonly sequence: number;
  readonly flags: number;
  readonly payload: string;
}

/** The flood as one file. */
function makeFlood(name: FloodName, count: number, distinct = count): { file: Uint8Array; packets: number } {
  const chunks: number[] = [];
  const packets = writeFlood(name, count, distinct, (chunk) => {
    for (const byte of chunk) chunks.push(byte);
  });
  return { file: new Uint8Array(chunks), packets };
}

/** Reads a pcap file of Ethernet, IPv4 and TCP without options, and checks that all lengths fit. */
function parse(file: Uint8Array): Frame[] {
  const view = new DataView(file.buffer);
  assertEquals([view.getUint32(0, true), view.getUint32(20, true)], [0xa1b2c3d4, 1]);
  const frames: Frame[] = [];
  for (let at = 24; at < file.length;) {
    const length = view.getUint32(at + 8, true), ip = at + 16 + 14, tcp = ip + 20;
    assertEquals(view.getUint32(at + 12, true), length);
    assertEquals(view.getUint16(ip - 2), 0x0800);
    assertEquals([view.getUint8(ip), view.getUint8(ip + 9)], [0x45, 6]);
    assertEquals(view.getUint16(ip + 2), length - 14);
    assertEquals(view.getUint8(tcp + 12), 0x50);
    const toServer = view.getUint16(tcp + 2) === 80;
    frames.push({
      time: view.getUint32(at, true) * 1e6 + view.getUint32(at + 4, true),
      connection: `${view.getUint32(ip + (toServer ? 12 : 16))}:${view.getUint16(tcp + (toServer ? 0 : 2))}`,
      toServer,
      sequence: view.getUint32(tcp + 4),
      flags: view.getUint8(tcp + 13),
      payload: new TextDecoder().decode(file.subarray(tcp + 20, at + 16 + length)),
    });
    at += 16 + length;
  }
  return frames;
}

const SYN = 2;

Deno.test("a flood is a savefile of whole frames in order of time, each direction's bytes in sequence", () => {
  for (const name of floodNames) {
    if (name === "lookups" || name === "neighbours") continue;
    const { file, packets } = makeFlood(name, 300);
    const frames = parse(file);
    assertEquals(frames.length, packets, name);
    const next = new Map<string, number>();
    let time = 0;
    for (const frame of frames) {
      assertGreater(frame.time, time);
      time = frame.time;
      const direction = `${frame.connection} ${frame.toServer}`;
      const expected = next.get(direction);
      // Only holes leave something out, once.
      const left = name === "holes" && expected === 1 && frame.payload !== "" ? 1000 : 0;
      if (expected !== undefined) assertEquals(frame.sequence, expected + left, `${name}: ${direction}`);
      next.set(direction, frame.sequence + frame.payload.length + (frame.flags & SYN ? 1 : 0));
    }
  }
});

Deno.test("floods of hosts and paths have as many as were asked for, equally often", () => {
  const counted = (name: FloodName, distinct: number) => {
    const counts = new Map<string, number>();
    for (const { payload, toServer } of parse(makeFlood(name, 1000, distinct).file)) {
      if (toServer && payload !== "") counts.set(payload, (counts.get(payload) ?? 0) + 1);
    }
    return counts;
  };
  assertEquals(counted("hosts", 1000).size, 1000);
  assertEquals(counted("paths", 1000).size, 1000);
  const few = counted("paths", 10);
  assertEquals(few.size, 10);
  assertEquals(new Set(few.values()), new Set([100]));
  assert(few.has("GET /items/00000009 HTTP/1.1\r\nHost: www.example\r\n\r\n"), [...few.keys()].join());
});

Deno.test("floods of connections have one each, and many client addresses", () => {
  const connections = (name: FloodName, count: number) =>
    new Set(parse(makeFlood(name, count).file).map(({ connection }) => connection));
  assertEquals(connections("unfinished", 200).size, 200);
  assertEquals(connections("holes", 200).size, 200);
  const halfOpen = [...connections("half-open", 50_001)];
  assertEquals(halfOpen.length, 50_001);
  assertEquals(new Set(halfOpen.map((connection) => connection.split(":")[0])).size, 2);
});

Deno.test("floods of lookups and neighbours are as many questions, of which half are answered", () => {
  const dns: DnsOutcome[] = [], counts = { changes: 0 };
  const pipeline = new Pipeline({ request() {}, exchange() {} }, {
    ports: [80],
    keepQuery: false,
    network: { dns: (outcome) => void dns.push(outcome), addressChange: () => void counts.changes++ },
  });
  for (const [name, count] of [["lookups", 5000], ["neighbours", 300]] as const) {
    const { file, packets } = makeFlood(name, count);
    assertEquals(packets, count * 1.5);
    assertEquals(new SavefileReader().push(file, pipeline.frame).kind, "complete");
  }
  pipeline.flush();
  assertEquals(dns.length, 5000);
  assertEquals(dns.filter(({ rcode }) => rcode === 0).length, 2500);
  assertEquals(new Set(dns.map(({ client }) => client)).size, 5000);
  assertEquals(new Set(dns.map(({ name }) => name)).size, 5000);
  assertEquals(pipeline.network()!.arp, { requests: 300, replies: 150, unanswered: 150 });
  assertEquals([counts.changes, pipeline.figures({ kernel: 0, interface: 0 }).unparsed], [0, 0]);
});

Deno.test("no header ends in the floods of unfinished and endless ones", () => {
  for (const name of ["unfinished", "endless"] as const) {
    for (const { payload } of parse(makeFlood(name, 100).file)) {
      assertLess(payload.indexOf("\r\n\r\n"), 0);
      assert(payload === "" || payload.endsWith("\r\n"));
    }
  }
});
