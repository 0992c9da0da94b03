/**
 * The server and the client behind the HTTP/2 fixtures: Node's, run as `node http2_fixture_peers.mjs ROLE ...` by
 * make_http2_fixtures.ts. Roles are `server PORT` (HTTP/2), `backend PORT` (HTTP/1.1) and `client ORIGIN`. Servers
 * print each request, once it is over, as a line of JSON.
 *
 * @module
 */

import http from "node:http";
import http2 from "node:http2";
import process from "node:process";

const [role, where] = process.argv.slice(2);
const { PADDING_STRATEGY_MAX } = http2.constants;

/** One line of the log, in the shape of the expectations beside the captures. */
function log(headers, status, requestBodyBytes, bodyBytes) {
  const host = (headers[":authority"] ?? headers.host).replace(/:\d+$/, "").toLowerCase();
  const path = (headers[":path"] ?? headers.path).split("?")[0];
  const method = headers[":method"] ?? headers.method;
  console.log(JSON.stringify({ method, host, path, status, requestBodyBytes, bodyBytes }));
}

/** Answers by path: `/long/N` with N bytes, `/status/N` with that status, `/push` with a promise, `/grpc…` with trailers. */
function serve(stream, headers) {
  let received = 0;
  stream.on("data", (chunk) => received += chunk.length);
  stream.on("end", () => {
    const [, kind, argument] = headers[":path"].split("?")[0].split("/");
    const body = kind === "long" ? "x".repeat(Number(argument)) : kind === "status" ? "" : "fine\n";
    const status = kind === "status" ? Number(argument) : 200;
    if (kind === "early") stream.additionalHeaders({ ":status": 103, link: "</style.css>; rel=preload" });
    if (kind === "push" && stream.pushAllowed) {
      const promised = { ":path": "/pushed.css", ":method": "GET", ":authority": headers[":authority"] };
      stream.pushStream(promised, (_error, push) => {
        push.respond({ ":status": 200, "content-type": "text/css" });
        push.end("body{}");
        log({ ...promised }, 200, 0, 6);
      });
    }
    const grpc = kind.startsWith("grpc.");
    stream.respond({
      ":status": status,
      "content-type": grpc ? "application/grpc" : "text/plain",
      "x-served-by": `${kind}-${argument}`,
    }, { waitForTrailers: grpc, endStream: body === "" });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": argument === "Fail" ? "5" : "0" }));
    if (body !== "") stream.end(body);
    stream.on("close", () => log(headers, status, received, body.length));
  });
}

function startServer() {
  const server = http2.createServer({
    paddingStrategy: PADDING_STRATEGY_MAX,
    maxSendHeaderBlockLength: 65_536,
    settings: { maxHeaderListSize: 65_536 },
  });
  server.on("stream", serve);
  server.listen(Number(where), () => console.log("ready"));
}

/** An HTTP/1.1 server, which a proxy speaks HTTP/2 for. */
function startBackend() {
  const server = http.createServer((request, response) => {
    let received = 0;
    request.on("data", (chunk) => received += chunk.length);
    request.on("end", () => {
      const status = request.url === "/missing" ? 404 : 200;
      const body = `you asked for ${request.url}\n`;
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(body);
      log(
        { host: request.headers.host, path: request.url, method: request.method },
        status,
        received,
        body.length,
      );
    });
  });
  server.listen(Number(where), "127.0.0.1", () => console.log("ready"));
}

/** Sends a request and waits for the end of the response. */
function ask(session, headers, body) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":authority": "Shop.test", ...headers }, {
      endStream: body === undefined,
    });
    stream.on("error", reject);
    stream.on("close", resolve);
    stream.resume();
    if (body !== undefined) stream.end(body);
  });
}

async function withSession(settings, use) {
  const session = http2.connect(where, {
    paddingStrategy: PADDING_STRATEGY_MAX,
    maxSendHeaderBlockLength: 65_536,
    settings,
  });
  session.on("stream", (pushed) => pushed.resume());
  await use(session);
  await new Promise((resolve) => session.close(resolve));
}

async function startClient() {
  // Windows smaller than the responses, so that streams take turns.
  await withSession({ initialWindowSize: 1500 }, async (session) => {
    await ask(session, { ":path": "/first" });
    await Promise.all([1, 2, 3, 4, 5].map((n) => ask(session, { ":path": `/long/${n * 1000}?n=${n}` })));
    await ask(session, { ":path": "/upload", ":method": "POST" }, "y".repeat(5000));
    await ask(
      session,
      { ":path": "/grpc.Shop/Fail", ":method": "POST", "content-type": "application/grpc" },
      "12345",
    );
    await ask(
      session,
      { ":path": "/grpc.Shop/Buy", ":method": "POST", "content-type": "application/grpc" },
      "123",
    );
    await ask(session, { ":path": "/early/hints" });
    await ask(session, { ":path": "/push" });
    await ask(session, { ":path": "/status/204", ":method": "DELETE" });
    // Longer than a frame, so that it goes on in CONTINUATION frames.
    await ask(session, { ":path": "/cookies", cookie: "z".repeat(30_000) });
    await ask(session, { ":path": "/first" });
  });
  // A table so small that entries come and go.
  await withSession({ headerTableSize: 100, enablePush: false }, async (session) => {
    for (const path of ["/a", "/b", "/a", "/status/404", "/push", "/a"]) {
      await ask(session, { ":path": path, "user-agent": "small" });
    }
  });
}

await { server: startServer, backend: startBackend, client: startClient }[role]();
