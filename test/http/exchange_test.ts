import { assertEquals } from "@std/assert";
import { type Exchange, toRecord } from "../../src/http/exchange.ts";

const EXCHANGE: Exchange = {
  endpoints: {
    clientAddress: "10.0.0.1",
    clientPort: 40000,
    serverAddress: "2001:db8::2",
    serverPort: 80,
    clientMac: "02:00:00:00:00:01",
    serverMac: "02:00:00:00:00:02",
    vlan: 5,
  },
  time: 1_704_067_200_000_001,
  method: "POST",
  version: "1.1",
  host: "a.test",
  hostMissing: true,
  port: 8080,
  path: "/api/x",
  query: "q=1",
  section: "/api",
  userAgent: "curl/8",
  referrer: "http://r.test/",
  requestBodyBytes: 5,
  status: 200,
  mimeType: "text/html",
  responseBodyBytes: 7,
  send: 0,
  wait: 1.5,
  receive: 2,
  retransmissions: 1,
  gaps: 2,
};

/** A record as it is read again from its line. */
function written(exchange: Exchange): Record<string, unknown> {
  return JSON.parse(JSON.stringify(toRecord(exchange)));
}

Deno.test("toRecord names everything as the Elastic Common Schema does, in a fixed order", () => {
  assertEquals(Object.entries(written(EXCHANGE)), [
    ["@timestamp", "2024-01-01T00:00:00.000001Z"],
    ["client.ip", "10.0.0.1"],
    ["client.port", 40000],
    ["server.ip", "2001:db8::2"],
    ["server.port", 80],
    ["client.mac", "02:00:00:00:00:01"],
    ["server.mac", "02:00:00:00:00:02"],
    ["network.vlan.id", 5],
    ["network.protocol", "http"],
    ["http.request.method", "POST"],
    ["http.version", "1.1"],
    ["url.domain", "a.test"],
    ["host.missing", true],
    ["url.port", 8080],
    ["url.path", "/api/x"],
    ["url.query", "q=1"],
    ["section", "/api"],
    ["http.response.status_code", 200],
    ["http.response.mime_type", "text/html"],
    ["http.request.body.bytes", 5],
    ["http.response.body.bytes", 7],
    ["user_agent.original", "curl/8"],
    ["http.request.referrer", "http://r.test/"],
    ["timings.send", 0],
    ["timings.wait", 1.5],
    ["timings.receive", 2],
    ["tcp.retransmissions", 1],
    ["tcp.gaps", 2],
  ]);
});

Deno.test("toRecord leaves out what was not observed", () => {
  const bare: Exchange = {
    ...EXCHANGE,
    endpoints: { ...EXCHANGE.endpoints, clientMac: undefined, serverMac: undefined, vlan: undefined },
    hostMissing: false,
    port: undefined,
    query: undefined,
    userAgent: undefined,
    referrer: undefined,
    requestBodyBytes: 0,
    status: 0,
    mimeType: undefined,
    responseBodyBytes: 0,
    send: undefined,
    wait: undefined,
    receive: undefined,
    retransmissions: 0,
    gaps: 0,
  };
  const record = written(bare);
  assertEquals(Object.keys(record), [
    "@timestamp",
    "client.ip",
    "client.port",
    "server.ip",
    "server.port",
    "network.protocol",
    "http.request.method",
    "http.version",
    "url.domain",
    "url.path",
    "section",
    "http.request.body.bytes",
    "tcp.retransmissions",
    "tcp.gaps",
  ]);
  assertEquals(record["http.request.body.bytes"], 0);
});

Deno.test("toRecord tells an empty body and an empty query apart from none", () => {
  const record = written({ ...EXCHANGE, responseBodyBytes: 0, query: "" });
  assertEquals([record["http.response.body.bytes"], record["url.query"]], [0, ""]);
});
