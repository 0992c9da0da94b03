import { assert, assertEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import type { DnsOutcome } from "../../src/network/events.ts";
import { SavefileReader } from "../../src/savefile.ts";
import { e2e } from "../e2e/support.ts";
import { openCapture, readIfThere, tableRow, without } from "../support/corpus.ts";
import { parseTable, readTruth, type TrueRequest } from "../support/tshark_truth.ts";

/**
 * Times in captures that others made, compared with what tshark says: `dns.time`, `http.time` (from the request's last byte
 * to the response's) and `tcp.analysis.initial_rtt` (from the SYN to the ACK that completes the handshake).
 * `TRAFFICSNIFFER_CORPUS` names the folder. Its tables lack the last of the three: tshark is run for that.
 */

/** Differences that are right, or where the comparison does not apply. */
interface Explained {
  readonly file: string;
  /** As {@link describe} words them. */
  readonly differences: readonly string[];
  readonly reason: string;
}

const CAPTURED_TWICE =
  "every packet was captured twice: tshark takes the second SYN for one that was sent again, and measures " +
  "from it to the first copy of the ACK";
const NO_TIME = "SYN and ACK have the same time: tshark does not tell a round trip of 0 from none";
const MULTICAST = "tshark does not time multicast DNS";

const EXPLAINED: readonly Explained[] = [
  {
    file: "AlexeyVasilev__PcapFlowLab__pcap_flow_lab_showcase.pcap",
    differences: ["query of 192.0.2.50 for warn.example.test, type 1: dns.time none, ours 30.000 ms"],
    reason: "the answer section of frame 833 is malformed, where tshark stops; header and question are whole",
  },
  {
    file: "AlexeyVasilev__PcapFlowLab__pcap_flow_lab_showcase.pcap",
    differences: new Array(4).fill(
      "query of 192.0.2.60 for _demo-service._tcp.local, type 12: dns.time none, ours 40.000 ms",
    ),
    reason: MULTICAST,
  },
  {
    file: "OISF__suricata-verify__http-evader-072--input.pcap",
    differences: ["frame 5: http.time 0.037 ms, ours 0.066 ms"],
    reason:
      "Transfer-Encoding is there and does not end in chunked: the body ends with the connection (RFC 9112 " +
      "section 6.3), in frame 7, whatever Content-Length says",
  },
  {
    file: "OISF__suricata-verify__http-evader-242--input.pcap",
    differences: ["frame 5: http.time 0.041 ms, ours 0.073 ms"],
    reason:
      "two different lengths are no length: the body is taken to end with the connection, in frame 7; " +
      "tshark believes the first",
  },
  {
    file: "OISF__suricata-verify__tcp-session-ipv6-decode-malformed--input.pcap",
    differences: ["frame 4: initial_rtt none, ours 0.000 ms"],
    reason: NO_TIME,
  },
  {
    file: "OISF__suricata-verify__with_evasion_linux.pcap",
    differences: ["frame 7: initial_rtt 61.713 ms, ours none"],
    reason:
      "frame 2 is a forged reset, which tshark takes for the end of the handshake; to us it ended the " +
      "connection, and the SYN with it",
  },
  {
    file: "mauricelambert__PasswordsSniffer__http.pcap",
    differences: ["frame 4: initial_rtt none, ours 0.058 ms"],
    reason:
      "the byte order of DLT_LOOP in this capture is not known to tshark, which reads nothing of it (frames " +
      "1 to 3 are the handshake)",
  },
  {
    file: "mtottenh__pcapsql__netlink-nflog.pcap",
    differences: [
      "query of 10.0.2.15 for www.example.net, type 1: dns.time none, ours 0.000 ms",
      "query of 10.0.2.15 for www.example.net, type 1: dns.time none, ours 0.000 ms",
      "query of 10.0.2.15 for www.example.net, type 28: dns.time none, ours 0.000 ms",
    ],
    reason:
      "frames 5 and 19 have several packets each, with two and three responses: of the times in a frame the " +
      "last is compared",
  },
  {
    file: "mtottenh__pcapsql__netlink-nflog.pcap",
    differences: ["frame 5: initial_rtt none, ours 0.000 ms"],
    reason: NO_TIME,
  },
  {
    file: "mtottenh__pcapsql__nflog.pcap",
    differences: ["frame 12: initial_rtt none, ours 0.000 ms"],
    reason: NO_TIME,
  },
  {
    file: "nfstream__nfstream__aimini-http.pcap",
    differences: [
      "frame 12: initial_rtt 1.004 ms, ours 1.536 ms",
      "frame 42: initial_rtt 0.183 ms, ours 0.516 ms",
      "frame 75: initial_rtt 1.004 ms, ours 1.536 ms",
      "frame 87: initial_rtt 0.183 ms, ours 0.516 ms",
      "frame 102: initial_rtt 0.166 ms, ours 0.441 ms",
      "frame 132: initial_rtt 0.232 ms, ours 0.415 ms",
    ],
    reason: CAPTURED_TWICE,
  },
  {
    file: "ntop__nDPI__1kxun.pcap",
    differences: [
      "frame 27: initial_rtt 56.288 ms, ours 56.329 ms",
      "frame 65: initial_rtt 64.290 ms, ours 64.328 ms",
      "frame 104: initial_rtt 52.076 ms, ours 52.130 ms",
      "frame 105: initial_rtt 53.269 ms, ours 53.305 ms",
      "frame 108: initial_rtt 50.813 ms, ours 50.850 ms",
      "frame 109: initial_rtt 52.225 ms, ours 52.251 ms",
      "frame 112: initial_rtt 54.712 ms, ours 54.742 ms",
      "frame 114: initial_rtt 54.551 ms, ours 54.585 ms",
      "frame 275: initial_rtt 52.225 ms, ours 52.251 ms",
      "frame 277: initial_rtt 54.712 ms, ours 54.742 ms",
      "frame 279: initial_rtt 50.813 ms, ours 50.850 ms",
      "frame 404: initial_rtt 36.854 ms, ours 36.936 ms",
      "frame 409: initial_rtt 37.994 ms, ours 38.050 ms",
      "frame 463: initial_rtt 112.701 ms, ours 112.744 ms",
      "frame 484: initial_rtt 28.145 ms, ours 28.222 ms",
      "frame 499: initial_rtt 76.599 ms, ours 76.649 ms",
      "frame 537: initial_rtt 28.145 ms, ours 28.222 ms",
      "frame 545: initial_rtt 76.599 ms, ours 76.649 ms",
      "frame 561: initial_rtt 73.009 ms, ours 73.054 ms",
      "frame 577: initial_rtt 69.368 ms, ours 69.399 ms",
    ],
    reason: CAPTURED_TWICE,
  },
  {
    file: "zeek__zeek__variant-03-cl_negative.pcap",
    differences: new Array(2).fill("frame 4: initial_rtt none, ours 0.000 ms"),
    reason: NO_TIME,
  },
  {
    file: "zeek__zeek__variant-07-expect_100_cl0.pcap",
    differences: new Array(2).fill("frame 4: initial_rtt none, ours 0.000 ms"),
    reason: NO_TIME,
  },
  {
    file: "zeek__zeek__variant-09-te_obs_fold.pcap",
    differences: ["frame 4: initial_rtt none, ours 0.000 ms"],
    reason: NO_TIME,
  },
  {
    file: "zeek__zeek__wikipedia.pcap",
    differences: [
      "query of 141.142.220.202 for gemini._sftp-ssh._tcp.local, type 33: dns.time none, ours 0.477 ms",
    ],
    reason: MULTICAST,
  },
  {
    file: "zeek__zeek__zero-length-bodies-with-drops.pcap",
    differences: ["frame 38: initial_rtt none, ours 406.908 ms"],
    reason: "tshark names the handshake in all frames of the connection but the two behind a gap",
  },
];

/** Times are equal up to this, in milliseconds: a capture may have microseconds only. */
const TOLERANCE = 0.001;

/** How many of each must be equal: a corpus with less proves nothing. */
const FEWEST = { "dns.time": 100, "http.time": 500, initial_rtt: 500 };

type Figure = keyof typeof FEWEST;

/** A time that tshark or we name, in milliseconds. */
interface Pair {
  readonly figure: Figure;
  /** What it is of. */
  readonly of: string;
  readonly theirs: number | undefined;
  readonly ours: number | undefined;
}

/** A line of a table by column. */
type Row = ReturnType<typeof parseTable>[number];

e2e(
  "every time in the captures of TRAFFICSNIFFER_CORPUS is tshark's, or the difference is explained",
  { needs: ["TRAFFICSNIFFER_CORPUS", "tshark"] },
  () => compareAll(Deno.env.get("TRAFFICSNIFFER_CORPUS")!),
);

async function compareAll(folder: string): Promise<void> {
  const all: Pair[] = [];
  const unexplained: string[] = [];
  const stale: string[] = [];
  for (const row of parseTable(Deno.readTextFileSync(`${folder}/INDEX.tsv`))) {
    const file = row.get("file")!;
    const pairs = await compare(folder, file);
    const differences = pairs.filter((pair) => !isEqual(pair)).map(describe);
    const explained = EXPLAINED.filter((it) => it.file === file).flatMap((it) => it.differences);
    unexplained.push(...without(differences, explained).map((difference) => `${file}: ${difference}`));
    stale.push(...without(explained, differences).map((difference) => `${file}: ${difference}`));
    all.push(...pairs);
  }
  console.log(tableRow("times", "compared", "equal", "explained"));
  for (const [figure, fewest] of Object.entries(FEWEST)) {
    const compared = all.filter((pair) => pair.figure === figure);
    const equal = compared.filter(isEqual).length;
    console.log(tableRow(figure, compared.length, equal, compared.length - equal));
    assert(equal >= fewest, `${figure}: only ${equal} are equal`);
  }
  assertEquals(unexplained, [], "differences that nobody has explained");
  assertEquals(stale, [], "explained differences that are none any more");
}

function isEqual({ theirs, ours }: Pair): boolean {
  return theirs !== undefined && ours !== undefined && Math.abs(theirs - ours) <= TOLERANCE;
}

function describe({ figure, of, theirs, ours }: Pair): string {
  const text = (time: number | undefined) => time === undefined ? "none" : `${time.toFixed(3)} ms`;
  return `${of}: ${figure} ${text(theirs)}, ours ${text(ours)}`;
}

/** Every time that tshark names in a capture, and every lookup and handshake that only we do. */
async function compare(folder: string, file: string): Promise<Pair[]> {
  const path = `${folder}/captures/${file}`;
  const read = (path: string) => readIfThere(`${folder}/truth/${path}`);
  const table = (kind: string) => parseTable(read(`${file}.${kind}.tsv`) ?? "");
  const { exchanges, outcomes } = await readCapture(path);
  const { requests } = readTruth(file, read);
  const times = timesByFrame(["http1req", "http1req.ooo", "http1req.hdr", "h2"].flatMap(table));
  const exchangeOf = pairUp(requests, exchanges, times);
  const handshakes = requests.length === 0 ? [] : compareHandshakes(await roundTrips(path), exchangeOf);
  return [
    ...compareLookups(table("dns"), outcomes),
    ...compareResponses(table("http1resp"), exchangeOf),
    ...handshakes,
  ];
}

interface Ours {
  readonly exchanges: readonly Exchange[];
  readonly outcomes: readonly DnsOutcome[];
}

/** Reads a capture as the program reads a file without options. */
async function readCapture(path: string): Promise<Ours> {
  const exchanges: Exchange[] = [];
  const outcomes: DnsOutcome[] = [];
  const pipeline = new Pipeline({ request: (exchange) => exchanges.push(exchange), exchange() {} }, {
    ports: [80],
    keepQuery: false,
    network: { dns: (outcome) => outcomes.push(outcome), addressChange() {} },
  });
  const reader = new SavefileReader();
  for await (const chunk of await openCapture(path)) reader.push(chunk, pipeline.frame);
  reader.end();
  pipeline.flush();
  return { exchanges, outcomes };
}

/** When frames were captured, in microseconds since the epoch. */
function timesByFrame(rows: readonly Row[]): Map<number, number> {
  return new Map(rows.map((row) => [Number(row.get("frame.number")), timeOf(row)]));
}

function timeOf(row: Row): number {
  const [seconds, nanoseconds] = row.get("frame.time_epoch")!.split(".");
  return Number(seconds) * 1e6 + Number(nanoseconds) / 1e3;
}

/** Our exchanges for tshark's requests: the next one on the connection whose last byte came with that frame. */
function pairUp(
  requests: readonly TrueRequest[],
  exchanges: readonly Exchange[],
  times: ReadonlyMap<number, number>,
): Map<TrueRequest, Exchange> {
  const left = Map.groupBy(
    exchanges,
    ({ endpoints: e }) => `${e.clientAddress}:${e.clientPort} > ${e.serverAddress}:${e.serverPort}`,
  );
  const pairs = new Map<TrueRequest, Exchange>();
  for (const request of requests) {
    const candidates = left.get(`${request.client} > ${request.server}`) ?? [];
    const at = candidates.findIndex(({ sentAt }) => isSameTime(sentAt, times.get(request.frame)!));
    if (at >= 0) pairs.set(request, candidates.splice(at, 1)[0]!);
  }
  return pairs;
}

/** Whether two moments are the same microsecond, rounded or cut off. */
function isSameTime(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1;
}

/** Of each response to a name query, the time since the query. */
function compareLookups(rows: readonly Row[], outcomes: readonly DnsOutcome[]): Pair[] {
  const left = outcomes.filter(({ roundTrip }) => !Number.isNaN(roundTrip));
  const pairs = rows.filter((row) => row.get("dns.time") !== "").map((row): Pair => {
    const client = innermost(row, "ip.dst") || innermost(row, "ipv6.dst");
    const name = innermost(row, "dns.qry.name").toLowerCase();
    const type = Number(innermost(row, "dns.qry.type"));
    const at = left.findIndex((it) =>
      it.client === client && it.name === name && it.type === type &&
      isSameTime(it.askedAt + it.roundTrip, timeOf(row))
    );
    return {
      figure: "dns.time",
      of: `frame ${row.get("frame.number")}`,
      theirs: Number(innermost(row, "dns.time")) * 1000,
      ours: at < 0 ? undefined : left.splice(at, 1)[0]!.roundTrip / 1000,
    };
  });
  const additional = left.map(({ client, name, type, roundTrip }): Pair => ({
    figure: "dns.time",
    of: `query of ${client} for ${name}, type ${type}`,
    theirs: undefined,
    ours: roundTrip / 1000,
  }));
  return [...pairs, ...additional];
}

/** Of a field that has a value for each tunnel around it, the last. */
function innermost(row: Row, field: string): string {
  return row.get(field)!.split("|").at(-1)!;
}

/** Of each response whose request tshark knows, the time since then. */
function compareResponses(rows: readonly Row[], exchangeOf: ReadonlyMap<TrueRequest, Exchange>): Pair[] {
  const isCompared = (row: Row) =>
    row.get("http.time") !== "" && row.get("note") !== "decrypted" &&
    Number(row.get("http.response.code")) >= 200;
  const left = Map.groupBy(exchangeOf, ([{ frame }]) => frame);
  return rows.filter(isCompared).map((row): Pair => {
    const [, exchange] = left.get(Number(row.get("http.request_in")))?.shift() ?? [];
    const ours = exchange && (exchange.endedAt - exchange.sentAt) / 1000;
    return {
      figure: "http.time",
      of: `frame ${row.get("frame.number")}`,
      theirs: Number(row.get("http.time")) * 1000,
      ours: Number.isNaN(ours) ? undefined : ours,
    };
  });
}

/** Of each request, the round trip of the handshake that its connection began with. */
function compareHandshakes(
  roundTrips: ReadonlyMap<number, number>,
  exchangeOf: ReadonlyMap<TrueRequest, Exchange>,
): Pair[] {
  return [...exchangeOf].map(([{ frame }, { endpoints }]): Pair => ({
    figure: "initial_rtt",
    of: `frame ${frame}`,
    theirs: roundTrips.get(frame),
    ours: endpoints.opening?.roundTrip,
  })).filter(({ theirs, ours }) => theirs !== undefined || ours !== undefined);
}

/** Runs tshark: by frame, the round trip in milliseconds of the handshake of the innermost connection that the frame is of. */
async function roundTrips(path: string): Promise<Map<number, number>> {
  const fields = ["frame.number", "tcp.analysis.initial_rtt"];
  const { success, stdout, stderr } = await new Deno.Command("tshark", {
    args: [
      "-r",
      path,
      "-Y",
      fields[1]!,
      "-T",
      "fields",
      ...fields.flatMap((it) => ["-e", it]),
      "-E",
      "aggregator=|",
    ],
  }).output();
  const complaint = new TextDecoder().decode(stderr);
  // Damaged captures are read up to the damage, as we do.
  assert(success || /damaged or corrupt|cut short/.test(complaint), complaint);
  const rows = parseTable(`${fields.join("\t")}\n${new TextDecoder().decode(stdout)}`);
  return new Map(rows.map((row) => [
    Number(row.get("frame.number")),
    Number(innermost(row, "tcp.analysis.initial_rtt")) * 1000,
  ]));
}
