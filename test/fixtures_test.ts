import { assert, assertEquals } from "@std/assert";
import { Pipeline } from "../src/app/pipeline.ts";
import type { Exchange } from "../src/http/exchange.ts";
import { openFile } from "../src/io/pcap/capture.ts";
import { SavefileReader } from "../src/savefile.ts";
import type { CaptureFigures } from "../src/stats/report.ts";
import "./support/libraries.ts";

const fixtures = new URL("fixtures/", import.meta.url);

/** Its responses' heads are cut off, so that the server's log has more than anybody could read in it. */
const HEADS_ARE_CUT = "snaplen_cuts_heads.pcap";

/** What reading a capture gave. */
interface Reading {
  requests: number;
  exchanges: Exchange[];
  figures: CaptureFigures;
}

/** Runs a capture through a pipeline; `feed` hands over its frames. */
async function read(feed: (pipeline: Pipeline) => void | Promise<void>): Promise<Reading> {
  let requests = 0;
  const exchanges: Exchange[] = [];
  const pipeline = new Pipeline({
    request: () => void requests++,
    exchange: (exchange) => void exchanges.push(exchange),
  }, { ports: [80], keepQuery: false });
  await feed(pipeline);
  pipeline.flush();
  return { requests, exchanges, figures: pipeline.figures({ kernel: 0, interface: 0 }) };
}

/** Through libpcap where there is a filter and the file is no pcapng; in runs as far as the file allows. */
function readFile(name: string, filter: string, inRuns: boolean): Promise<Reading> {
  return read(async ({ frame, records }) => {
    const source = openFile(decodeURIComponent(new URL(name, fixtures).pathname), { filter });
    for (let batch; (batch = await source.next()) !== undefined;) {
      batch.deliver(frame, inRuns ? records : undefined);
    }
    await source.close();
  });
}

/** As the program reads a file without options. */
function readCapture(name: string): Promise<Reading> {
  return readFile(name, "", true);
}

/** Lets all packets through. */
const ANY_LENGTH = "greater 0";

const WAYS: Record<string, (name: string) => Promise<Reading>> = {
  "libpcap": (name) => readFile(name, ANY_LENGTH, false),
  "libpcap in runs": (name) => readFile(name, ANY_LENGTH, true),
  "no libpcap in runs": readCapture,
  "the pipe's reader": (name) =>
    read(({ frame }) => {
      const reader = new SavefileReader();
      assertEquals(reader.push(Deno.readFileSync(new URL(name, fixtures)), frame), { kind: "complete" });
    }),
};

/** In an order that does not depend on which connection a request came over. */
function inOrder(lines: string[]): string[] {
  return lines.sort();
}

function seen({ method, host, path, status, requestBodyBytes, responseBodyBytes }: Exchange): string {
  return JSON.stringify({ method, host, path, status, requestBodyBytes, bodyBytes: responseBodyBytes });
}

function logged(name: string): Record<string, unknown>[] {
  const file = name.replace(/\.pcap(ng)?$/, ".expected.json");
  return JSON.parse(Deno.readTextFileSync(new URL(file, fixtures)));
}

const captures = [...Deno.readDirSync(fixtures)].map(({ name }) => name).filter((name) => {
  return /\.pcap(ng)?$/.test(name) && name !== HEADS_ARE_CUT && name !== "cut.pcap";
}).sort();

const LOSSES = [
  "droppedByKernel",
  "droppedByInterface",
  "tcpGaps",
  "unparsed",
  "unpaired",
  "evicted",
] as const;

Deno.test("there are fixtures", () => {
  assert(captures.length >= 20, `there are ${captures.length}`);
});

for (const name of captures) {
  for (const [way, readCapture] of Object.entries(WAYS)) {
    Deno.test(`${name} through ${way} gives the exchanges that the server logged`, async () => {
      const { requests, exchanges, figures } = await readCapture(name);
      const expected = logged(name);
      assertEquals(inOrder(exchanges.map(seen)), inOrder(expected.map((line) => JSON.stringify(line))));
      assertEquals(requests, expected.length);
      for (const loss of LOSSES) assertEquals(figures[loss], 0, loss);
    });
  }
}

Deno.test("a snaplen that cuts the responses' heads leaves every request and status, and counts what it cost", async () => {
  const { requests, exchanges, figures } = await readCapture(HEADS_ARE_CUT);
  const expected = logged(HEADS_ARE_CUT);
  const targets = (list: { path?: unknown; host?: unknown }[]) =>
    list.map(({ host, path }) => `${host}${path}`);
  assertEquals(targets(exchanges as { path: string; host: string }[]), targets(expected));
  assertEquals(exchanges.map(({ status }) => status), expected.map(({ status }) => status));
  assertEquals(exchanges.map(({ gaps }) => gaps), expected.map(() => 1));
  assertEquals([requests, figures.unpaired], [expected.length, 0]);
  assertEquals(figures.unparsed, expected.length, "heads that could not be read whole");
});

Deno.test("the HTTP/2 fixtures say which exchanges are gRPC, how these ended, and what was upgraded", async () => {
  const { exchanges } = await readCapture("http2.pcap");
  assertEquals(new Set(exchanges.map(({ version }) => version)), new Set(["2"]));
  const calls = exchanges.filter(({ protocol }) => protocol === "grpc");
  assertEquals(calls.map(({ path, grpcStatus }) => [path, grpcStatus]), [
    ["/grpc.Shop/Fail", 5],
    ["/grpc.Shop/Buy", 0],
  ]);
  const upgraded = await readCapture("h2c_upgrade.pcap");
  assertEquals(upgraded.exchanges.map(({ path, version }) => [path, version]), [
    ["/first", "1.1"],
    ["/missing", "2"],
    ["/third", "2"],
    ["/fourth", "1.1"],
    ["/fifth", "2"],
  ]);
});

Deno.test("the VLAN fixtures give the outermost tag", async () => {
  for (const [name, vlan] of [["vlan.pcap", 7], ["qinq.pcap", 40], ["keep_alive.pcap", undefined]] as const) {
    const { exchanges } = await readCapture(name);
    assertEquals(exchanges.map(({ endpoints }) => endpoints.vlan), exchanges.map(() => vlan));
  }
});
