import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import { toRecord } from "../support/record.ts";
import { concat, Conversation, deliver, type Frame, payloadBytes } from "../support/frames.ts";
import { type Field, HpackEncoder } from "../support/hpack_encoder.ts";
import {
  data,
  frame,
  goAway,
  headers,
  ping,
  PREFACE,
  pushPromise,
  resetStream,
  settings,
  settingsAck,
  windowUpdate,
} from "../support/http2.ts";

/** What a pipeline made of frames. */
interface Outcome {
  requests: Exchange[];
  exchanges: Exchange[];
  tcpGaps: number;
  unparsed: number;
  unpaired: number;
}

function read(frames: readonly Frame[], keepQuery = false): Outcome {
  const requests: Exchange[] = [], exchanges: Exchange[] = [];
  const pipeline = new Pipeline({
    request: (exchange) => requests.push(exchange),
    exchange: (exchange) => exchanges.push(exchange),
  }, { ports: [], keepQuery });
  deliver(frames, pipeline.frame);
  pipeline.flush();
  const { tcpGaps, unparsed, unpaired } = pipeline.figures({ kernel: 0, interface: 0 });
  return { requests, exchanges, tcpGaps, unparsed, unpaired };
}

/** An exchange in a line: `GET a.test/path 200 5`, with the bytes of the response; `-` for no response. */
function line({ method, host, path, status, responseBodyBytes }: Exchange): string {
  return `${method} ${host}${path} ${status === 0 ? "-" : `${status} ${responseBodyBytes}`}`;
}

function lines(outcome: Outcome): string[] {
  return outcome.exchanges.map(line).sort();
}

const NOTHING_LOST = { tcpGaps: 0, unparsed: 0, unpaired: 0 };

function losses({ tcpGaps, unparsed, unpaired }: Outcome) {
  return { tcpGaps, unparsed, unpaired };
}

function get(path: string, ...more: Field[]): Field[] {
  return [[":method", "GET"], [":scheme", "http"], [":path", path], [":authority", "a.test"], ...more];
}

function post(path: string, ...more: Field[]): Field[] {
  return [[":method", "POST"], [":scheme", "http"], [":path", path], [":authority", "a.test"], ...more];
}

const OK: Field[] = [[":status", "200"], ["content-type", "text/plain"]];

/** A connection with HTTP/2 from its first byte; `client` and `server` encode blocks for each end. */
function connection(options: ConstructorParameters<typeof Conversation>[0] = {}) {
  const tcp = new Conversation({ ...options, server: { port: 8080, ...options.server } });
  const client = new HpackEncoder(), server = new HpackEncoder();
  tcp.handshake();
  tcp.client(concat(PREFACE, settings([1, 4096], [3, 100]), windowUpdate(0)));
  tcp.server(concat(settings(), settingsAck()));
  return { tcp, client, server };
}

Deno.test("HTTP/2 with prior knowledge gives an exchange a stream", () => {
  const { tcp, client, server } = connection();
  const block = client.encode(
    get("/api/v1?q=1", ["user-agent", "agent/1"], ["referer", "http://u:p@b.test/x?y"]),
  );
  tcp.client(headers(1, block, { endStream: true }));
  tcp.wait(5000);
  tcp.server(headers(1, server.encode([[":status", "200"], ["content-type", "Text/HTML; charset=utf-8"]])));
  tcp.server(data(1, "hello"));
  tcp.server(data(1, " world", { endStream: true }));
  tcp.close();
  const outcome = read(tcp.frames, true);
  assertEquals(losses(outcome), NOTHING_LOST);
  assertEquals(outcome.requests, outcome.exchanges);
  assertEquals(outcome.exchanges.map((exchange) => JSON.parse(JSON.stringify(toRecord(exchange)))), [{
    "@timestamp": "2024-01-01T00:00:00.007000Z",
    "client.ip": "10.0.0.1",
    "client.port": 40000,
    "server.ip": "10.0.0.2",
    "server.port": 8080,
    "client.mac": "02:00:00:00:00:01",
    "server.mac": "02:00:00:00:00:02",
    "network.protocol": "http",
    "http.request.method": "GET",
    "http.version": "2",
    "url.domain": "a.test",
    "url.path": "/api/v1",
    "url.query": "q=1",
    section: "/api",
    "http.response.status_code": 200,
    "http.response.mime_type": "text/html",
    "http.request.body.bytes": 0,
    "http.response.body.bytes": 11,
    "user_agent.original": "agent/1",
    "http.request.referrer": "http://b.test/x",
    "timings.send": 0,
    "timings.wait": 7,
    "timings.receive": 4,
    "tcp.retransmissions": 0,
    "tcp.gaps": 0,
  }]);
});

Deno.test("HTTP/2 streams that are interleaved are paired by their number", () => {
  const { tcp, client, server } = connection();
  tcp.client(concat(
    headers(1, client.encode(get("/1")), { endStream: true }),
    headers(3, client.encode(get("/3")), { endStream: true }),
    headers(5, client.encode(get("/5")), { endStream: true }),
  ));
  tcp.server(
    concat(headers(5, server.encode(OK)), data(5, "five"), headers(1, server.encode(OK)), data(1, "o")),
  );
  tcp.server(
    concat(
      data(1, "ne", { endStream: true }),
      headers(3, server.encode([[":status", "404"]]), { endStream: true }),
    ),
  );
  tcp.server(data(5, "!", { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(outcome.exchanges.map(line), [
    "GET a.test/1 200 3",
    "GET a.test/3 404 0",
    "GET a.test/5 200 5",
  ]);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/2 frames may be padded, have priorities, go on in CONTINUATION and be of unknown types", () => {
  const { tcp, client, server } = connection();
  const extension = frame(0xbe, 0xff, 1, new Uint8Array(20));
  const block = client.encode(post("/upload", ["x-long", "y".repeat(500)]));
  tcp.client(concat(
    ping(),
    extension,
    headers(1, block, { padding: 30, priority: true, fragments: 4 }),
    frame(2, 0, 1, Uint8Array.of(0, 0, 0, 0, 9)),
    data(1, "0123456789", { padding: 200 }),
    data(1, "", { padding: 0, endStream: true }),
  ));
  tcp.server(concat(
    windowUpdate(1),
    headers(1, server.encode([[":status", "100"]])),
    headers(1, server.encode([[":status", "103"], ["link", "</x>"]])),
    headers(1, server.encode(OK), { padding: 0, fragments: 2 }),
    extension,
    data(1, "abc", { padding: 5 }),
    headers(1, server.encode([["x-checksum", "1"]]), { endStream: true }),
  ));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), ["POST a.test/upload 200 3"]);
  assertEquals(outcome.exchanges[0]!.requestBodyBytes, 10);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/2 that carries gRPC has the outcome of the call in its trailers", () => {
  const { tcp, client, server } = connection();
  const call: Field[] = post("/shop.Cart/Add", ["content-type", "application/grpc+proto"], [
    "te",
    "trailers",
  ]);
  tcp.client(concat(
    headers(1, client.encode(call)),
    data(1, "12345", { endStream: true }),
    headers(3, client.encode(call), { endStream: true }),
  ));
  const grpc: Field = ["content-type", "application/grpc"];
  tcp.server(concat(
    headers(1, server.encode([[":status", "200"], grpc])),
    data(1, "0123456789"),
    headers(1, server.encode([["grpc-status", "5"], ["grpc-message", "none"]]), { endStream: true }),
    // Without content the trailers are in the header.
    headers(3, server.encode([[":status", "200"], grpc, ["grpc-status", "0"]]), { endStream: true }),
  ));
  const records = read(tcp.frames).exchanges.map((exchange) =>
    JSON.parse(JSON.stringify(toRecord(exchange)))
  );
  assertEquals(records.map((record) => record["network.protocol"]), ["grpc", "grpc"]);
  assertEquals(records.map((record) => record["rpc.grpc.status_code"]), [5, 0]);
  assertEquals(records[0]!["url.path"], "/shop.Cart/Add");
  assertEquals(records[0]!["section"], "/shop.Cart");
});

Deno.test("HTTP/2 takes the host from the Host field without an authority, and drops user information", () => {
  const { tcp, client, server } = connection();
  tcp.client(concat(
    headers(1, client.encode([[":method", "GET"], [":path", "/1"], ["host", "B.test:81"]]), {
      endStream: true,
    }),
    headers(3, client.encode([[":method", "GET"], [":path", "/3"], [":authority", "u:p@C.test"]]), {
      endStream: true,
    }),
    headers(5, client.encode([[":method", "GET"], [":path", "*"]]), { endStream: true }),
    headers(7, client.encode([[":method", "CONNECT"], [":authority", "d.test:443"]])),
    headers(
      9,
      client.encode(
        post("/chat", [":protocol", "websocket"]).map((
          [n, v],
        ): Field => [n, n === ":method" ? "CONNECT" : v]),
      ),
    ),
  ));
  tcp.server(concat(...[1, 3, 5, 7, 9].map((id) => headers(id, server.encode(OK), { endStream: id < 7 }))));
  const { exchanges } = read(tcp.frames);
  assertEquals(
    exchanges.map(({ host, port, hostMissing, path, protocol }) => [host, port, hostMissing, path, protocol]),
    [
      ["b.test", 81, false, "/1", "http"],
      ["c.test", undefined, false, "/3", "http"],
      ["10.0.0.2", undefined, true, "*", "http"],
      ["d.test", 443, false, "", "http"],
      ["a.test", undefined, false, "/chat", "websocket"],
    ],
  );
});

Deno.test("HTTP/2 streams that the server resets, or will not answer, end without a response", () => {
  const { tcp, client, server } = connection();
  for (const id of [1, 3, 5, 7]) tcp.client(headers(id, client.encode(get(`/${id}`)), { endStream: true }));
  tcp.server(concat(
    resetStream(1, 7),
    headers(3, server.encode(OK)),
    data(3, "part"),
    resetStream(3, 2),
    goAway(5),
    headers(5, server.encode(OK), { endStream: true }),
  ));
  const outcome = read(tcp.frames);
  assertEquals(outcome.exchanges.map(line), [
    "GET a.test/1 -",
    "GET a.test/3 200 4",
    "GET a.test/7 -",
    "GET a.test/5 200 0",
  ]);
  assertEquals(losses(outcome), { ...NOTHING_LOST, unpaired: 2 });
});

Deno.test("HTTP/2 streams that the client resets wait a moment for a response that is on its way", () => {
  const { tcp, client, server } = connection();
  for (const id of [1, 3]) tcp.client(headers(id, client.encode(get(`/${id}`)), { endStream: true }));
  tcp.client(concat(resetStream(1), resetStream(3)));
  tcp.server(headers(3, server.encode(OK), { endStream: true }));
  tcp.wait(2_000_000);
  tcp.client(headers(5, client.encode(get("/5")), { endStream: true }));
  // Too late: it is over.
  tcp.server(headers(1, server.encode(OK), { endStream: true }));
  tcp.server(headers(5, server.encode(OK), { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(outcome.exchanges.map(line), ["GET a.test/3 200 0", "GET a.test/1 -", "GET a.test/5 200 0"]);
  assertEquals(losses(outcome), { ...NOTHING_LOST, unpaired: 1 });
});

Deno.test("HTTP/2 responses that precede the request's end are finished with it", () => {
  const { tcp, client, server } = connection();
  tcp.client(concat(headers(1, client.encode(post("/up"))), data(1, "abc")));
  tcp.server(headers(1, server.encode([[":status", "413"]]), { endStream: true }));
  tcp.client(data(1, "def", { endStream: true }));
  const { exchanges } = read(tcp.frames);
  assertEquals(exchanges.map(line), ["POST a.test/up 413 0"]);
  assertEquals(exchanges[0]!.requestBodyBytes, 6);
  assertEquals(exchanges[0]!.wait, 0);
});

Deno.test("HTTP/2 requests that a server promises are exchanges of the client", () => {
  const { tcp, client, server } = connection();
  tcp.client(headers(1, client.encode(get("/")), { endStream: true }));
  tcp.server(concat(
    pushPromise(1, 2, server.encode(get("/style.css")), { padding: 3, fragments: 2 }),
    headers(1, server.encode(OK), { endStream: true }),
    headers(2, server.encode(OK)),
    data(2, "css", { endStream: true }),
  ));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), ["GET a.test/ 200 0", "GET a.test/style.css 200 3"]);
  assertEquals(outcome.exchanges.map(({ endpoints }) => endpoints.clientPort), [40000, 40000]);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/1.1 that is upgraded to h2c has its response on stream 1", () => {
  const tcp = new Conversation();
  const client = new HpackEncoder(), server = new HpackEncoder();
  tcp.handshake();
  tcp.client(
    "GET /first HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
  );
  tcp.server(concat(
    payloadBytes("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
    settings(),
    headers(1, server.encode(OK)),
    data(1, "one", { endStream: true }),
  ));
  tcp.client(concat(PREFACE, settings(), headers(3, client.encode(get("/second")), { endStream: true })));
  tcp.server(headers(3, server.encode([[":status", "404"]]), { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), ["GET a.test/first 200 3", "GET a.test/second 404 0"]);
  assertEquals(outcome.exchanges.map(({ version }) => version), ["1.1", "2"]);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/1.1 that is upgraded to WebSocket says so", () => {
  const tcp = new Conversation();
  tcp.handshake();
  tcp.client("GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  tcp.server(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n\x81\x05hello",
  );
  tcp.client("\x81\x85abcdefghi");
  const outcome = read(tcp.frames);
  assertEquals(outcome.exchanges.map((exchange) => toRecord(exchange)["network.protocol"]), ["websocket"]);
  assertEquals(lines(outcome), ["GET a.test/chat 101 0"]);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/2 in a tunnel that CONNECT opened is read, and anything else in it is left alone", () => {
  for (const isHttp2 of [true, false]) {
    const tcp = new Conversation({ server: { port: 80 } });
    const client = new HpackEncoder(), server = new HpackEncoder();
    tcp.handshake();
    tcp.client("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n");
    tcp.server("HTTP/1.1 200 Connection established\r\n\r\n");
    if (isHttp2) {
      tcp.client(concat(PREFACE, settings(), headers(1, client.encode(get("/in")), { endStream: true })));
      tcp.server(concat(settings(), headers(1, server.encode(OK), { endStream: true })));
    } else {
      tcp.client(Uint8Array.of(22, 3, 1, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0));
      tcp.server(Uint8Array.of(22, 3, 3, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0));
    }
    const outcome = read(tcp.frames);
    assertEquals(lines(outcome), [
      "CONNECT a.test 200 0",
      ...(isHttp2 ? ["GET a.test/in 200 0"] : []),
    ]);
    assertEquals(losses(outcome), NOTHING_LOST);
  }
});

Deno.test("HTTP/2 whose server speaks first is recognised by its settings", () => {
  const tcp = new Conversation({ server: { port: 8080 } });
  const client = new HpackEncoder(), server = new HpackEncoder();
  tcp.handshake();
  tcp.server(settings([3, 100]));
  tcp.client(concat(PREFACE, settings(), headers(1, client.encode(get("/")), { endStream: true })));
  tcp.server(headers(1, server.encode(OK), { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), ["GET a.test/ 200 0"]);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/2 met in the middle gives the exchanges whose fields are known, and no wrong ones", () => {
  const { tcp, client, server } = connection();
  tcp.client(headers(1, client.encode(get("/secret", ["user-agent", "x"])), { endStream: true }));
  tcp.server(headers(1, server.encode(OK), { endStream: true }));
  const before = tcp.frames.length;
  // Everything in the first refers to what was not seen, the second names what it asks for.
  tcp.client(headers(3, client.encode(get("/secret")), { endStream: true }));
  tcp.server(headers(3, server.encode(OK), { endStream: true }));
  tcp.client(
    headers(5, client.encode([[":method", "GET"], [":path", "/5"], [":authority", "b.test"]]), {
      endStream: true,
    }),
  );
  tcp.server(headers(5, server.encode(OK), { endStream: true }));
  tcp.client(
    headers(7, client.encode([[":method", "GET"], [":path", "/5"], [":authority", "a.test"]]), {
      endStream: true,
    }),
  );
  tcp.server(headers(7, server.encode(OK), { endStream: true }));
  const outcome = read(tcp.frames.slice(before));
  assertEquals(lines(outcome), ["GET b.test/5 200 0"]);
  // Streams 3 and 7.
  assertEquals(losses(outcome), { ...NOTHING_LOST, unparsed: 2 });
});

Deno.test("HTTP/2 is not seen in the middle of what is none", () => {
  const tcp = new Conversation({ server: { port: 9000 } });
  const numbers = new Uint8Array(400);
  new DataView(numbers.buffer).setUint32(4, 1);
  for (let i = 0; i < 100; i++) new DataView(numbers.buffer).setUint32(i * 4, i);
  tcp.client(numbers);
  tcp.server(new Uint8Array(900));
  tcp.client(concat(data(1, "abc"), windowUpdate(1)));
  tcp.client("GET /after HTTP/1.1\r\nHost: a.test\r\n\r\n");
  tcp.server("HTTP/1.1 204 No Content\r\n\r\n");
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), ["GET a.test/after 204 0"]);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/2 content that was not captured costs nothing but its gap", () => {
  for (const lose of ["segment", "snaplen"] as const) {
    const { tcp, client, server } = connection(lose === "snaplen" ? { snaplen: 300 } : {});
    tcp.client(headers(1, client.encode(get("/big", ["user-agent", "same"])), { endStream: true }));
    tcp.server(headers(1, server.encode(OK)));
    const content = data(1, "x".repeat(9000), { endStream: true });
    if (lose === "snaplen") {
      tcp.server(content);
    } else {
      tcp.server(content.subarray(0, 1000));
      tcp.lose("server", 7000);
      tcp.server(content.subarray(8000));
    }
    tcp.client(headers(3, client.encode(get("/big", ["user-agent", "same"])), { endStream: true }));
    tcp.server(headers(3, server.encode(OK), { endStream: true }));
    const outcome = read(tcp.frames);
    assertEquals(lines(outcome), ["GET a.test/big 200 0", "GET a.test/big 200 9000"]);
    assertEquals(losses(outcome), { ...NOTHING_LOST, tcpGaps: lose === "snaplen" ? 0 : 1 });
  }
});

Deno.test("HTTP/2 header blocks that were cut off by the snaplen cost their stream, and what refers to them", () => {
  const { tcp, client, server } = connection({ snaplen: 200 });
  tcp.client(headers(1, client.encode(get("/cut", ["x-long", "y".repeat(400)])), { endStream: true }));
  tcp.server(headers(1, server.encode(OK), { endStream: true }));
  tcp.client(headers(3, client.encode(get("/cut")), { endStream: true }));
  tcp.server(headers(3, server.encode(OK), { endStream: true }));
  tcp.client(headers(5, client.encode(get("/5"), { indexing: "none" }).subarray(0), { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), []);
  assertEquals(outcome.unparsed, 3);
  assertEquals(outcome.tcpGaps, 0);
});

Deno.test("HTTP/2 finds frames again behind a gap and pairs by stream", () => {
  const { tcp, client, server } = connection();
  tcp.client(headers(1, client.encode(get("/1")), { endStream: true }));
  tcp.client(headers(3, client.encode(get("/3")), { endStream: true }));
  tcp.server(concat(headers(1, server.encode(OK)), data(1, "x".repeat(100), { endStream: true })));
  const lost = headers(3, server.encode(OK));
  tcp.lose("server", lost.length);
  tcp.server(concat(ping(), data(3, "three", { endStream: true })));
  tcp.client(headers(5, client.encode(get("/5")), { endStream: true }));
  tcp.server(headers(5, server.encode([[":status", "404"]]), { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), ["GET a.test/1 200 100", "GET a.test/3 -", "GET a.test/5 404 0"]);
  assertEquals(losses(outcome), { tcpGaps: 1, unparsed: 0, unpaired: 1 });
});

Deno.test("HTTP/2 does not trust what refers to a header that was lost behind the content it followed", () => {
  const { tcp, client, server } = connection();
  const type = (type: string): Field[] => [[":status", "200"], ["content-type", type]];
  for (const id of [1, 3, 5, 7]) tcp.client(headers(id, client.encode(get(`/${id}`)), { endStream: true }));
  const content = data(1, "x".repeat(100), { endStream: true });
  const lost = headers(3, server.encode(type("three")), { endStream: true });
  tcp.server(concat(headers(1, server.encode(type("one"))), content.subarray(0, 50)));
  tcp.lose("server", content.length - 50 + lost.length);
  tcp.server(concat(
    headers(5, server.encode(type("one")), { endStream: true }),
    headers(7, server.encode(type("seven")), { endStream: true }),
  ));
  const outcome = read(tcp.frames);
  assertEquals(outcome.exchanges.map(({ path, status, mimeType }) => [path, status, mimeType]).sort(), [
    ["/1", 200, "one"],
    ["/3", 0, undefined],
    ["/5", 200, undefined],
    ["/7", 200, "seven"],
  ]);
  assertEquals(losses(outcome), { tcpGaps: 1, unparsed: 0, unpaired: 1 });
});

Deno.test("HTTP/2 exchanges end with the response when the request's end may have passed unseen", () => {
  const { tcp, client, server } = connection({ snaplen: 160 });
  tcp.client(headers(1, client.encode(post("/1"))));
  tcp.client(concat(data(1, "x".repeat(100)), data(1, "", { endStream: true })));
  tcp.server(headers(1, server.encode(OK), { endStream: true }));
  const exchanges: Exchange[] = [];
  const pipeline = new Pipeline({ request() {}, exchange: (exchange) => exchanges.push(exchange) }, {
    ports: [],
    keepQuery: false,
  });
  deliver(tcp.frames, pipeline.frame);
  assertEquals(exchanges.map(line), ["POST a.test/1 200 0"]);
  assertEquals([exchanges[0]!.requestBodyBytes, exchanges[0]!.send], [100, undefined]);
});

Deno.test("HTTP/2 responses whose request a hole holds back are paired with it", () => {
  const { tcp, client, server } = connection();
  const [late] = tcp.client(headers(1, client.encode(get("/1")), { endStream: true }));
  tcp.client(headers(3, client.encode(get("/3")), { endStream: true }));
  tcp.server(concat(
    headers(3, server.encode([[":status", "404"]]), { endStream: true }),
    headers(1, server.encode(OK), { endStream: true }),
  ));
  const frames = tcp.frames.filter((frame) => frame !== late);
  const outcome = read([...frames, late!]);
  assertEquals(lines(outcome), ["GET a.test/1 200 0", "GET a.test/3 404 0"]);
  assertEquals(losses(outcome), NOTHING_LOST);
});

Deno.test("HTTP/2 responses without a request are counted", () => {
  const { tcp, client, server } = connection();
  const request = headers(1, client.encode(get("/1")), { endStream: true });
  tcp.lose("client", request.length);
  tcp.server(headers(1, server.encode(OK), { endStream: true }));
  tcp.client(concat(headers(3, client.encode(get("/1")), { endStream: true })));
  tcp.server(headers(3, server.encode(OK), { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), []);
  assertEquals(losses(outcome), { tcpGaps: 1, unparsed: 1, unpaired: 1 });
});

Deno.test("HTTP/2 keeps 1024 streams of a connection and hands over the oldest beyond that", () => {
  const { tcp, client } = connection();
  for (let i = 0; i < 1100; i++) {
    tcp.client(headers(2 * i + 1, client.encode(get("/x")), { endStream: true }));
  }
  const requests: Exchange[] = [], exchanges: Exchange[] = [];
  const pipeline = new Pipeline({
    request: (exchange) => requests.push(exchange),
    exchange: (exchange) => exchanges.push(exchange),
  }, { ports: [], keepQuery: false });
  deliver(tcp.frames, pipeline.frame);
  assertEquals([requests.length, exchanges.length], [1100, 76]);
});

Deno.test("HTTP/2 gives up field blocks without end and goes on", () => {
  const { tcp, client, server } = connection();
  const endless = Array.from({ length: 20 }, () => frame(9, 0, 1, new Uint8Array(8000)));
  tcp.client(concat(frame(1, 1, 1, client.encode(get("/1"))), ...endless));
  tcp.client(
    headers(3, client.encode([[":method", "GET"], [":path", "/3"], [":authority", "b.test"]]), {
      endStream: true,
    }),
  );
  tcp.server(headers(3, server.encode(OK), { endStream: true }));
  const outcome = read(tcp.frames);
  assertEquals(lines(outcome), ["GET b.test/3 200 0"]);
  assertEquals(losses(outcome), { ...NOTHING_LOST, unparsed: 1 });
});

Deno.test("HTTP/2 frames longer than the settings allow are no frames", () => {
  for (const allowed of [false, true]) {
    const { tcp, client, server } = connection();
    if (allowed) tcp.client(settings([5, 30_000]));
    tcp.client(headers(1, client.encode(get("/1")), { endStream: true }));
    tcp.server(headers(1, server.encode(OK)));
    tcp.server(data(1, "x".repeat(20_000), { endStream: true }));
    const outcome = read(tcp.frames);
    assertEquals(lines(outcome), [`GET a.test/1 200 ${allowed ? 20_000 : 0}`]);
    assertEquals(outcome.unparsed, allowed ? 0 : 1);
  }
});

/** One stream of a made-up connection. */
const streamPlan = fc.record({
  method: fc.constantFrom("GET", "POST", "DELETE"),
  host: fc.constantFrom("a.test", "b.test", "c.test"),
  status: fc.constantFrom(200, 204, 302, 404, 503),
  request: fc.array(fc.nat({ max: 3000 }), { maxLength: 3 }),
  response: fc.array(fc.nat({ max: 3000 }), { maxLength: 4 }),
  padding: fc.option(fc.nat({ max: 40 }), { nil: undefined }),
  priority: fc.boolean(),
  fragments: fc.integer({ min: 1, max: 3 }),
  trailers: fc.boolean(),
  huffman: fc.boolean(),
  /** Whether the path repeats that of another stream, so that the dynamic table matters. */
  shared: fc.boolean(),
});
type StreamPlan = typeof streamPlan extends fc.Arbitrary<infer Value> ? Value : never;

const connectionPlan = fc.record({
  streams: fc.array(streamPlan, { minLength: 1, maxLength: 6 }),
  /** Which stream goes on next. */
  order: fc.array(fc.nat(), { maxLength: 30 }),
  segmentSize: fc.integer({ min: 1, max: 3000 }),
  tableSize: fc.constantFrom(0, 100, 4096),
});
type ConnectionPlan = typeof connectionPlan extends fc.Arbitrary<infer Value> ? Value : never;

function pathOf(plan: StreamPlan, index: number): string {
  return plan.shared ? "/shared" : `/stream-${index}`;
}

/** The frames of each stream, in turn as the plan has it, and what each exchange should be. */
function play({ streams, order, segmentSize, tableSize }: ConnectionPlan) {
  const { tcp, client, server } = connection({ segmentSize, acknowledge: false });
  for (const encoder of [client, server]) encoder.resize(tableSize);
  const steps = streams.map((plan, index) => {
    const { padding, priority, fragments, trailers, huffman } = plan;
    const id = 2 * index + 1;
    const sides = [
      { side: "client" as const, encoder: client, parts: plan.request },
      { side: "server" as const, encoder: server, parts: plan.response },
    ];
    const header: readonly Field[][] = [
      [[":method", plan.method], [":path", pathOf(plan, index)], [":authority", plan.host], [
        "user-agent",
        `agent-${index}`,
      ]],
      [[":status", `${plan.status}`], ["content-type", `type/${index}`]],
    ];
    return sides.flatMap(({ side, encoder, parts }, i) => {
      const isEmpty = parts.length === 0 && !trailers;
      return [
        () => {
          const block = encoder.encode(header[i]!, { huffman });
          return {
            side,
            bytes: headers(id, block, { padding, priority, fragments, endStream: isEmpty } as never),
          };
        },
        ...parts.map((length, j) => () => ({
          side,
          bytes: data(id, new Uint8Array(length), {
            endStream: j === parts.length - 1 && !trailers,
            ...(padding !== undefined && { padding }),
          }),
        })),
        ...(trailers
          ? [
            () => ({
              side,
              bytes: headers(id, encoder.encode([["x-trailer", `${index}`]]), { endStream: true }),
            }),
          ]
          : []),
      ];
    });
  });
  const send = (step: () => { side: "client" | "server"; bytes: Uint8Array }) => {
    const { side, bytes } = step();
    tcp[side](bytes);
  };
  // Requests open in the order of their numbers.
  for (const stream of steps) send(stream.shift()!);
  for (const turn of order) {
    const open = steps.filter((stream) => stream.length > 0);
    if (open.length > 0) send(open[turn % open.length]!.shift()!);
  }
  for (const stream of steps) for (const step of stream) send(step);
  tcp.close();
  const expected = streams.map((plan, index) => {
    return `${plan.method} ${plan.host}${pathOf(plan, index)} agent-${index} ${sum(plan.request)} ` +
      `${plan.status} type/${index} ${sum(plan.response)}`;
  });
  return { frames: tcp.frames, expected: expected.sort() };
}

/** True when an exchange says nothing wrong about a stream: sizes may be short, and what was not seen is absent. */
function mayBe(exchange: Exchange, plan: StreamPlan, index: number): boolean {
  return exchange.method === plan.method && exchange.host === plan.host &&
    exchange.path === pathOf(plan, index) &&
    (exchange.userAgent ?? `agent-${index}`) === `agent-${index}` &&
    (exchange.status === 0 ||
      (exchange.status === plan.status && (exchange.mimeType ?? `type/${index}`) === `type/${index}`)) &&
    exchange.requestBodyBytes <= sum(plan.request) && exchange.responseBodyBytes <= sum(plan.response);
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0);
}

function whole(exchange: Exchange): string {
  const { method, host, path, userAgent, requestBodyBytes, status, mimeType, responseBodyBytes } = exchange;
  return `${method} ${host}${path} ${userAgent} ${requestBodyBytes} ${status} ${mimeType} ${responseBodyBytes}`;
}

Deno.test("HTTP/2 gives the same exchanges whatever the segments and the order of streams", () => {
  fc.assert(
    fc.property(connectionPlan, (plan) => {
      const { frames, expected } = play(plan);
      const outcome = read(frames);
      assertEquals(outcome.exchanges.map(whole).sort(), expected);
      assertEquals(losses(outcome), NOTHING_LOST);
    }),
    { numRuns: 60, endOnFailure: true },
  );
});

Deno.test("HTTP/2 gives the same exchanges when segments are repeated or come late", () => {
  fc.assert(
    fc.property(connectionPlan, fc.nat(), fc.nat({ max: 5 }), (plan, at, delay) => {
      const { frames, expected } = play({ ...plan, segmentSize: Math.max(plan.segmentSize, 20) });
      const moved = [...frames];
      const place = 5 + at % (frames.length - 5);
      const [frame] = moved.splice(place, 1);
      moved.splice(place + delay, 0, frame!, frame!);
      assertEquals(read(moved).exchanges.map(whole).sort(), expected);
    }),
    { numRuns: 60, endOnFailure: true },
  );
});

Deno.test("HTTP/2 makes no wrong exchange when a segment is missing, and counts the loss", () => {
  fc.assert(
    fc.property(connectionPlan, fc.nat(), (plan, at) => {
      const { frames, expected } = play({ ...plan, segmentSize: Math.max(plan.segmentSize, 20) });
      // Not the handshake, and not the ends, which show that something before them is missing.
      const place = 3 + at % (frames.length - 6);
      const outcome = read(frames.filter((_, i) => i !== place));
      for (const exchange of outcome.exchanges) {
        const isOne = plan.streams.some((stream, index) => mayBe(exchange, stream, index));
        assert(isOne, `${whole(exchange)} is none of ${expected.join("; ")}`);
      }
      const isWhole = outcome.exchanges.map(whole).sort().join() === expected.join();
      assert(isWhole || outcome.tcpGaps > 0);
    }),
    { numRuns: 100, endOnFailure: true },
  );
});

Deno.test("HTTP/2 takes changed bytes without throwing, and remembers nothing of a connection that is over", () => {
  fc.assert(
    fc.property(
      connectionPlan,
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 10,
      }),
      (plan, changes) => {
        const frames = play(plan).frames.map((frame) => ({ ...frame, bytes: frame.bytes.slice() }));
        for (const [which, at, value] of changes) {
          const { bytes } = frames[which % frames.length]!;
          if (bytes.length > 54) bytes[54 + at % (bytes.length - 54)] = value;
        }
        const { requests, exchanges } = read(frames);
        assertEquals(exchanges.length, requests.length);
      },
    ),
    { numRuns: 100, endOnFailure: true },
  );
});
