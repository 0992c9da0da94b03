/**
 * Short connections that leave everything behind that a connection can: each kind of message, whole and not.
 *
 * @module
 */

import { concat, Conversation, type ConversationOptions, type Frame } from "../support/frames.ts";
import { HpackEncoder } from "../support/hpack_encoder.ts";
import * as http2 from "../support/http2.ts";
import { head } from "./support.ts";

const get = (path: string) => head(`GET ${path} HTTP/1.1`, "Host: g.test");
const ok = (body: string) => head("HTTP/1.1 200 OK", `Content-Length: ${body.length}`) + body;

/** Their frames, by what is special about them; all between the same ends. */
export function talksOfEveryKind(): Record<string, readonly Frame[]> {
  const talks: Record<string, readonly Frame[]> = {};
  const add = (name: string, speak: (c: Conversation) => void, options: ConversationOptions = {}) => {
    const c = new Conversation({ segmentSize: 40, ...options });
    speak(c);
    talks[name] = c.frames;
  };
  const opened = (name: string, speak: (c: Conversation) => void, options: ConversationOptions = {}) =>
    add(name, (c) => {
      c.handshake();
      speak(c);
    }, options);

  opened("everything that a record has", (c) => {
    c.client(
      head("POST /a/very/long/path?q=1 HTTP/1.1", "Host: a.test:81", "User-Agent: x", "Referer: /r") + "body",
    );
    c.server(head("HTTP/1.1 200 OK", "Content-Type: text/html", "Content-Length: 2") + "ok");
  });
  opened("messages of the usual form", (c) => {
    for (const path of ["/1", "/2/x", "/3"]) {
      c.client(get(path));
      c.server(ok("body"));
    }
    c.close();
  }, { segmentSize: 1460 });
  opened("a request that has no answer", (c) => void c.client(head("GET / HTTP/1.0")));
  opened("HTTP/0.9", (c) => {
    c.client("GET /old\r\n");
    c.server("content");
    c.close("server");
  });
  opened("HTTP/0.9 without content", (c) => void c.client("GET /old\r\n"));
  opened("a body with a hole and an early answer", (c) => {
    c.client(head("POST /cut HTTP/1.1", "Host: b.test", "Content-Length: 100") + "half");
    c.lose("client", 30);
    c.server(head("HTTP/1.1 404 No", "Content-Length: 0"));
    c.close();
  });
  opened("an answer that ends before its request", (c) => {
    c.client(head("POST /early HTTP/1.1", "Content-Length: 100") + "half");
    c.server(ok("no"));
  });
  opened("a chunked body that goes on", (c) => {
    c.client(get("/chunks"));
    c.server(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "5\r\nab");
  });
  opened("a head that goes on", (c) => void c.client("GET /unfinished HTTP/1.1\r\nHost: "));
  opened("no HTTP", (c) => {
    c.client("\x16\x03\x01 something else");
    c.server("something else");
  });
  opened("a lost request among pipelined ones", (c) => {
    c.client(get("/1") + get("/2"));
    c.lose("client", get("/3").length);
    c.client(get("/4"));
    for (const body of ["1", "2", "3", "4"]) c.server(ok(body));
    c.close();
  });
  opened("the roles the other way round", (c) => {
    c.server(get("/reversed"));
    c.client(ok("x"));
  });
  opened("a WebSocket", (c) => {
    c.client(head("GET /chat HTTP/1.1", "Upgrade: websocket"));
    c.server(head("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket"));
    c.client("frames");
  });
  opened("a WebSocket before its request was over", (c) => {
    c.client(head("POST /chat HTTP/1.1", "Upgrade: websocket", "Content-Length: 100") + "half");
    c.server(head("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket"));
  });
  opened("something else before HTTP", (c) => {
    c.client("\x16\x03\x01");
    c.client(get("/later"));
    c.server(ok("later"));
  });
  opened("a tunnel", (c) => {
    c.client(head("CONNECT t.test:443 HTTP/1.1"));
    c.server(head("HTTP/1.1 200 OK"));
    c.client("anything");
  });
  opened("an upgrade to HTTP/2", (c) => {
    const server = new HpackEncoder();
    c.client(head("GET /upgraded HTTP/1.1", "Upgrade: h2c"));
    c.server(head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c"));
    c.client(concat(http2.PREFACE, http2.settings()));
    c.server(
      concat(http2.settings(), http2.headers(1, server.encode([[":status", "204"]]), { endStream: true })),
    );
  });
  opened("gRPC", (c) => {
    const [client, server] = [new HpackEncoder(), new HpackEncoder()];
    c.client(concat(http2.PREFACE, http2.settings()));
    const request = [
      [":method", "POST"],
      [":scheme", "http"],
      [":authority", "g.test"],
      [":path", "/Call"],
      ["content-type", "application/grpc"],
    ] as const;
    c.client(http2.headers(1, client.encode(request), { endStream: true }));
    c.server(concat(http2.settings(), http2.headers(1, server.encode([[":status", "200"]]))));
    c.server(http2.headers(1, server.encode([["grpc-status", "7"]]), { endStream: true }));
  });
  add("HTTP/2 met in the middle", (c) => {
    const [client, server] = [new HpackEncoder(), new HpackEncoder()];
    const request = [[":method", "GET"], [":scheme", "http"], [":authority", "m.test"], [
      ":path",
      "/m",
    ]] as const;
    c.client(http2.headers(9, client.encode(request), { endStream: true }), 1460);
    c.server(http2.headers(9, server.encode([[":status", "200"]]), { endStream: true }), 1460);
  });
  add("a connection met in the middle", (c) => {
    c.server("rest of a body");
    c.client(get("/middle"));
    c.server(ok("middle"));
    c.client(get("/last"));
  });
  return talks;
}
