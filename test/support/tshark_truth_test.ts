import { assertEquals } from "@std/assert";
import { readTruth, type Truth } from "./tshark_truth.ts";

const ETHERNET = "eth:ethertype:ip:tcp:http";

/** A table of the columns that the rows name. */
function table(rows: readonly Record<string, string | number>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ""))]
    .map((line) => line.join("\t") + "\n").join("");
}

function truthOf(tables: Record<string, readonly Record<string, string | number>[]>): Truth {
  return readTruth("a.pcap", (path) => {
    const rows = tables[path.slice("a.pcap.".length, -".tsv".length)];
    return rows && table(rows);
  });
}

/** `client > server text -> status` of each request. */
function summary({ requests }: Truth): string[] {
  return requests.map(({ client, server, text, status }) => `${client} > ${server} ${text} -> ${status}`);
}

function request(frame: number, fields: Record<string, string> = {}): Record<string, string | number> {
  return {
    "frame.number": frame,
    "ip.src": "10.0.0.1",
    "ip.dst": "10.0.0.2",
    "tcp.stream": "0",
    "tcp.srcport": "1000",
    "tcp.dstport": "80",
    "http.request.method": "GET",
    "http.host": "a.test",
    "http.request.uri": "/",
    "http.request.version": "HTTP/1.1",
    "frame.protocols": ETHERNET,
    ...fields,
  };
}

function response(frame: number, code: number, requestFrame: number | string = "") {
  return {
    "frame.number": frame,
    "tcp.stream": "0",
    "http.response.code": code,
    "http.request_in": requestFrame,
    "frame.protocols": ETHERNET,
  };
}

Deno.test("readTruth takes targets apart as records do", () => {
  const truth = truthOf({
    http1req: [
      request(1, { "http.request.uri": "/a?b=1#c", "http.host": "A.Test:8080" }),
      request(2, { "http.request.uri": "http://user@B.test?x" }),
      request(3, { "http.request.uri": "c.test:443", "http.request.method": "CONNECT" }),
      request(4, { "http.host": "[::1]:80", "http.request.uri": "*", "http.request.method": "OPTIONS" }),
    ],
  });
  assertEquals(truth.requests.map(({ text }) => text), [
    "GET a.test:8080 /a?b=1 HTTP/1.1",
    "GET b.test /?x HTTP/1.1",
    "CONNECT c.test:443  HTTP/1.1",
    "OPTIONS ::1:80 * HTTP/1.1",
  ]);
});

Deno.test("readTruth gives requests their final response and tells those without request", () => {
  const truth = truthOf({
    http1req: [request(1), request(5)],
    http1resp: [response(2, 100), response(3, 200, 1), response(4, 404)],
  });
  assertEquals(truth.requests.map(({ status }) => status), [200, 0]);
  assertEquals([truth.responses, truth.orphans], [2, [4]]);
});

Deno.test("readTruth takes the innermost addresses, also in frames of several packets", () => {
  const truth = truthOf({
    http1req: [
      request(1, {
        "ip.src": "192.0.2.1|10.0.0.1",
        "ip.dst": "192.0.2.2|10.0.0.2",
        "frame.protocols": "eth:ip:udp:vxlan:eth:ip:tcp:http",
      }),
      request(2, { "ipv6.src": "::1", "ipv6.dst": "::2", "frame.protocols": "eth:ip:ipv6:tcp:http" }),
      request(3, {
        "ip.src": "10.0.0.9|10.0.0.1|10.0.0.2",
        "ip.dst": "10.0.0.2|10.0.0.2|10.0.0.1",
        "tcp.stream": "0|0",
        "tcp.srcport": "1000|80",
        "tcp.dstport": "80|1000",
        "frame.protocols": "nflog:ip:udp:nflog:ip:tcp:http:nflog:ip:tcp:http",
      }),
    ],
  });
  assertEquals(summary(truth), [
    "10.0.0.1:1000 > 10.0.0.2:80 GET a.test / HTTP/1.1 -> 0",
    "::1:1000 > ::2:80 GET a.test / HTTP/1.1 -> 0",
    "10.0.0.1:1000 > 10.0.0.2:80 GET a.test / HTTP/1.1 -> 0",
  ]);
});

Deno.test("readTruth takes each connection from the variant that found most, and heads from the fullest", () => {
  const truth = truthOf({
    http1req: [request(2)],
    http1resp: [],
    "http1req.hdr": [request(1, { "http.host": "" })],
    "http1resp.hdr": [response(3, 206, 1)],
    "http1req.ooo": [],
    "http1resp.ooo": [response(3, 206), response(4, 206)],
  });
  assertEquals(summary(truth), ["10.0.0.1:1000 > 10.0.0.2:80 GET a.test / HTTP/1.1 -> 206"]);
});

Deno.test("readTruth leaves out what is not to be seen without keys or is quoted in ICMP errors", () => {
  const truth = truthOf({ http1req: [request(1, { note: "decrypted" }), request(2, { note: "in-icmp" })] });
  assertEquals(truth.requests, []);
});

Deno.test("readTruth pairs HTTP/2 by stream, with pushed and upgraded requests", () => {
  const client = { "ip.src": "10.0.0.1", "ip.dst": "10.0.0.2", "tcp.srcport": "1000", "tcp.dstport": "80" };
  const server = { "ip.src": "10.0.0.2", "ip.dst": "10.0.0.1", "tcp.srcport": "80", "tcp.dstport": "1000" };
  const common = { "tcp.stream": "0", "h2.type": "1", "frame.protocols": "eth:ip:tcp:http2" };
  const asked = { method: "GET", authority: "a.test" };
  const truth = truthOf({
    http1req: [request(1)],
    http1resp: [response(2, 101, 1)],
    h2: [
      { "frame.number": 3, ...common, ...server, "h2.streamid": 1, status: 200 },
      { "frame.number": 4, ...common, ...client, "h2.streamid": 3, ...asked, path: "/3" },
      {
        "frame.number": 5,
        ...common,
        ...server,
        "h2.streamid": 3,
        "h2.type": "5",
        ...asked,
        path: "/pushed",
      },
      { "frame.number": 6, ...common, ...server, "h2.streamid": 2, status: 201 },
      { "frame.number": 7, ...common, ...server, "h2.streamid": 3, status: 103 },
      { "frame.number": 8, ...common, ...server, "h2.streamid": 3, status: 202 },
      { "frame.number": 9, ...common, ...server, "h2.streamid": 3, "grpc-status": 5 },
    ],
  });
  assertEquals(summary(truth), [
    "10.0.0.1:1000 > 10.0.0.2:80 GET a.test / HTTP/1.1 -> 200",
    "10.0.0.1:1000 > 10.0.0.2:80 GET a.test /3 HTTP/2 -> 202",
    "10.0.0.1:1000 > 10.0.0.2:80 GET a.test /pushed HTTP/2 -> 201",
  ]);
  assertEquals(truth.requests.map(({ grpcStatus }) => grpcStatus), [undefined, 5, undefined]);
});
