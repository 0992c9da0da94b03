import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  BAD_LENGTH,
  findHeadEnd,
  Head,
  INVALID,
  isUsualMethod,
  NO_LENGTH,
  PARTIAL,
  StartKind,
  startKind,
  unfold,
} from "../../src/http/http1.ts";
import { payloadBytes } from "../support/frames.ts";
import { head } from "./support.ts";

/** Parses `text` between bytes that are not part of it. */
function parse(text: string): { head: Head; result: number; field: (name: FieldName) => string | undefined } {
  const bytes = payloadBytes(`##${text}##`);
  const parsed = new Head();
  const result = parsed.parse(bytes, 2, bytes.length - 2);
  const slice = (start: number, end: number) =>
    start < 0 ? undefined : new TextDecoder().decode(bytes.subarray(start, end));
  return {
    head: parsed,
    result: result < 0 ? result : result - 2,
    field: (name) => slice(parsed[`${name}Start`], parsed[`${name}End`]),
  };
}

type FieldName = "method" | "target" | "host" | "type" | "agent" | "referer";

/** The content length that a head with these fields has. */
function lengthOf(...fields: readonly string[]): number {
  return parse(head("POST / HTTP/1.1", ...fields)).head.contentLength;
}

Deno.test("Head parses a request line and the fields that matter, in any case and spacing", () => {
  const text = head(
    "GET /a/b?c=d HTTP/1.1",
    "hOsT:\t Example.com:8080 \t",
    "USER-AGENT: curl/8 (x)",
    "Referer:http://r/",
    "content-TYPE: text/plain; charset=x",
    "Content-Length: 12",
    "X-Host: no",
    "Cookie: host: no",
  );
  const { head: parsed, result, field } = parse(text + "body");
  assertEquals(result, text.length);
  assertEquals([parsed.isRequest, parsed.minorVersion, parsed.contentLength], [true, 1, 12]);
  assertEquals([field("method"), field("target")], ["GET", "/a/b?c=d"]);
  assertEquals([field("host"), field("agent")], ["Example.com:8080", "curl/8 (x)"]);
  assertEquals([field("referer"), field("type")], ["http://r/", "text/plain; charset=x"]);
});

Deno.test("Head parses a status line with and without a reason", () => {
  for (const line of ["HTTP/1.0 404 Not Found", "HTTP/1.0 404 ", "HTTP/1.0 404", "HTTP/1.0 404 \xe4\xf6"]) {
    const { head: parsed } = parse(head(line, "Server: x"));
    assertEquals([parsed.isRequest, parsed.status], [false, 404]);
  }
});

Deno.test("Head forgets the fields of the head before", () => {
  const parsed = new Head();
  const first = payloadBytes(
    head(
      "GET / HTTP/1.1",
      "Host: a",
      "Content-Length: 5",
      "Transfer-Encoding: chunked",
      "User-Agent: u",
      "Referer: r",
    ),
  );
  parsed.parse(first, 0, first.length);
  const second = payloadBytes(head("HTTP/1.1 200 OK"));
  parsed.parse(second, 0, second.length);
  assertEquals([parsed.hostStart, parsed.agentStart, parsed.refererStart, parsed.typeStart], [
    -1,
    -1,
    -1,
    -1,
  ]);
  assertEquals([parsed.contentLength, parsed.hasTransferEncoding, parsed.chunked], [NO_LENGTH, false, false]);
});

Deno.test("Head takes bare line feeds and mixed line ends", () => {
  for (
    const text of [
      "GET / HTTP/1.0\nHost: a\n\n",
      "GET / HTTP/1.0\r\nHost: a\n\r\n",
      "GET / HTTP/1.0\nHost: a\r\n\n",
    ]
  ) {
    const { result, field } = parse(text);
    assertEquals([result, field("host")], [text.length, "a"]);
  }
});

Deno.test("Head stands odd spacing in the request line and spaces in the target", () => {
  for (
    const [line, target] of [
      ["GET  /a  HTTP/1.1", "/a"],
      ["GET /a HTTP/1.1  ", "/a"],
      ["GET /a b HTTP/1.1", "/a b"],
      ["GET http://h/ HTTP/1.1", "http://h/"],
      ["GET * HTTP/1.9", "*"],
    ]
  ) {
    assertEquals(parse(head(line!)).field("target"), target);
  }
});

Deno.test("Head calls invalid what is no HTTP/1 start line", () => {
  for (
    const line of [
      "GET /",
      "/ HTTP/1.1",
      "GET / HTTP/2.0",
      "GET / HTTP/1.x",
      "GET / HTTP/1.10",
      "GE(T / HTTP/1.1",
      "AVERYLONGMETHODNAMEINDEED / HTTP/1.1",
      "GET / http/1.1",
      "HTTP/1.1 20 OK",
      "HTTP/1.1 2000 OK",
      "HTTP/1.1 099 OK",
      "HTTP/1.1 2x0 OK",
      "HTTP/1.1200 OK",
      "ICY 20 OK",
      "ICY200 OK",
      "HTTP/2x 200 OK",
      "HTTP/-1 200 OK",
      "HTTP/1.1",
    ]
  ) {
    assertEquals(parse(head(line)).result, INVALID, line);
  }
});

Deno.test("Head is partial when cut anywhere before its blank line ends", () => {
  const text = head("GET /path HTTP/1.1", "Host: a.test", "Content-Length: 3");
  for (let cut = 0; cut < text.length; cut++) {
    const bytes = payloadBytes(text).subarray(0, cut);
    assertEquals(new Head().parse(bytes, 0, cut), PARTIAL, `cut at ${cut}`);
  }
});

Deno.test("Head reads one content length, repeated or listed, and calls any other bad", () => {
  assertEquals(lengthOf(), NO_LENGTH);
  assertEquals(lengthOf("Content-Length:0"), 0);
  assertEquals(lengthOf(`Content-Length: ${"50".padStart(32, "0")}`), 50);
  assertEquals(lengthOf("Content-Length: \t42 "), 42);
  assertEquals(lengthOf("Content-Length: 5, 5", "Content-Length: 5"), 5);
  assertEquals(lengthOf("Content-Length: 999999999999999"), 999_999_999_999_999);
  for (
    const value of ["", "-1", "+5", "5x", "0x5", "5, 6", "5,", ",5", "5 5", "1e3", "9999999999999999", "½"]
  ) {
    assertEquals(lengthOf(`Content-Length: ${value}`), BAD_LENGTH, value);
  }
  assertEquals(lengthOf("Content-Length: 5", "Content-Length: 6"), BAD_LENGTH);
  assertEquals(lengthOf("Content-Length: 6", "Content-Length: 5", "Content-Length: 5"), BAD_LENGTH);
  assertEquals(lengthOf("Content-Length : 5", "X-Content-Length: 5"), NO_LENGTH);
});

Deno.test("Head knows chunked as the last transfer coding, in any case", () => {
  const codings: Record<string, boolean> = {
    "chunked": true,
    "Chunked ": true,
    "gzip, chunked": true,
    "gzip,CHUNKED": true,
    "chunked, identity": true,
    "gzip, identity": false,
    "chunked, gzip": false,
    "xchunked": false,
    "gzip": false,
    "": false,
  };
  for (const [coding, isChunked] of Object.entries(codings)) {
    const { head: parsed } = parse(head("POST / HTTP/1.1", `Transfer-Encoding: ${coding}`));
    assertEquals([parsed.hasTransferEncoding, parsed.chunked], [true, isChunked], coding);
  }
  const twice = parse(head("POST / HTTP/1.1", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked"));
  assertEquals(twice.head.chunked, true);
});

Deno.test("Head takes identity for no transfer coding", () => {
  const { head: parsed } = parse(head("POST / HTTP/1.1", "Transfer-Encoding: identity"));
  assertEquals([parsed.hasTransferEncoding, parsed.chunked], [false, false]);
});

Deno.test("Head takes methods in any case, and odd status lines that clients understand", () => {
  const methods = ["get", "Get", "M-SEARCH", "x_y"];
  assertEquals(methods.map((method) => parse(head(`${method} / HTTP/1.1`)).field("method")), methods);
  for (
    const line of [
      "HTTP/1.1  404 Two",
      "HTTP/1.1 404OK",
      "HTTP/1.1 404\tTab",
      "ICY 404 OK",
      "ICY 404",
      "HTTP/2.0 404",
      "HTTP/1.01 404",
    ]
  ) {
    const { head: parsed } = parse(head(line));
    assertEquals([parsed.isRequest, parsed.status], [false, 404], line);
  }
});

Deno.test("Head takes a request line without a target for one with an empty target", () => {
  for (const line of ["GET HTTP/1.1", "GET  HTTP/1.1"]) {
    assertEquals([parse(head(line)).field("method"), parse(head(line)).field("target")], ["GET", ""]);
  }
});

Deno.test("Head takes targets with bytes beyond ASCII", () => {
  assertEquals(parse(head("GET /käse HTTP/1.1")).field("target"), "/käse");
});

Deno.test("Head does not take what has a space before its colon for a field that matters", () => {
  const { field, head: parsed } = parse(head("GET / HTTP/1.1", "Host : a", "Transfer-Encoding : chunked"));
  assertEquals([field("host"), parsed.hasTransferEncoding], [undefined, false]);
});

Deno.test("Head and unfold read fields that go on over several lines", () => {
  const text = head(
    "GET / HTTP/1.1",
    " Host: no field above",
    "Host:\r\n\t a.test",
    "Content-Length:\n 5",
    "User-Agent: one\r\n two\r\n\tthree",
    "Transfer-Encoding: gzip,\r\n chunked",
  );
  const bytes = payloadBytes(`##${text}##`);
  const parsed = new Head();
  assertEquals([parsed.parse(bytes, 2, 2 + text.length), parsed.hasFolds], [2 + text.length, true]);
  const unfolded = unfold(bytes, 2, 2 + text.length);
  assertEquals(parsed.parse(unfolded, 0, unfolded.length), text.length);
  const slice = (start: number, end: number) => new TextDecoder().decode(unfolded.subarray(start, end));
  assertEquals(slice(parsed.hostStart, parsed.hostEnd), "a.test");
  assertEquals(slice(parsed.agentStart, parsed.agentEnd), "one   two  \tthree");
  assertEquals([parsed.contentLength, parsed.chunked], [5, true]);
  assertEquals(new TextDecoder().decode(bytes), `##${text}##`);
});

Deno.test("Head keeps the first of repeated fields and passes over folded lines", () => {
  const { field } = parse(
    head("GET / HTTP/1.1", "Host: a", "Host: b", "User-Agent: one", " host: c", "\tfolded"),
  );
  assertEquals([field("host"), field("agent")], ["a", "one"]);
});

Deno.test("startKind tells requests, responses, beginnings of either and what is neither", () => {
  const kinds: Record<string, StartKind> = {
    "": StartKind.partial,
    "H": StartKind.partial,
    "HTTP": StartKind.partial,
    "HTTP/": StartKind.response,
    "G": StartKind.partial,
    "GET": StartKind.partial,
    "GET ": StartKind.partial,
    "GET /": StartKind.request,
    "HEAD /": StartKind.request,
    "M-SEARCH *": StartKind.request,
    "get /": StartKind.request,
    "ICY 200": StartKind.request,
    "GO /": StartKind.unknown,
    "GET \x01": StartKind.unknown,
    " GET /": StartKind.unknown,
    "\x16\x03\x01": StartKind.unknown,
    "SSH-2.0-x": StartKind.unknown,
    ["A".repeat(24)]: StartKind.partial,
    ["A".repeat(25)]: StartKind.unknown,
    "220 smtp": StartKind.unknown,
  };
  for (const [text, kind] of Object.entries(kinds)) {
    const bytes = payloadBytes(`#${text} /`);
    assertEquals(startKind(bytes, 1, 1 + text.length, true), kind, JSON.stringify(text));
  }
});

Deno.test("startKind knows no lower case methods where no message need begin", () => {
  const kind = (text: string, expected: boolean) => startKind(payloadBytes(text), 0, text.length, expected);
  assertEquals(["get /", "the end"].map((text) => kind(text, false)), [StartKind.unknown, StartKind.unknown]);
  assertEquals(["get /", "GET /"].map((text) => kind(text, true)), [StartKind.request, StartKind.request]);
  assertEquals(kind("GET /", false), StartKind.request);
});

Deno.test("isUsualMethod knows standard methods and not the ends of them", () => {
  const is = (method: string) => isUsualMethod(payloadBytes(`#${method}#`), 1, 1 + method.length);
  assertEquals(["GET", "PROPFIND", "M-SEARCH", "EAD", "OST", "get", ""].map(is), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

Deno.test("findHeadEnd finds the blank line however the search was resumed", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("\r", "\n", "\r\n", "a"), { maxLength: 12 }), (parts) => {
      const text = `x${parts.join("")}\r\n\r\n`;
      const bytes = payloadBytes(text);
      const expected = /\n\r?\n/.exec(text)!;
      const end = expected.index + expected[0].length;
      for (let seen = 0; seen < end; seen++) {
        assertEquals(findHeadEnd(bytes, 0, 0, seen), PARTIAL);
        assertEquals(findHeadEnd(bytes, 0, seen, bytes.length), end);
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});

Deno.test("Head never throws and agrees with findHeadEnd on where a head ends", () => {
  const part = fc.constantFrom(
    "GET / HTTP/1.1",
    "HTTP/1.1 200 OK",
    "\r\n",
    "\n",
    "\r",
    "Host: a",
    ":",
    " ",
    "\0",
    "\xff",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const bytes = payloadBytes(`GET / HTTP/1.1${parts.join("")}`);
      const result = new Head().parse(bytes, 0, bytes.length);
      if (result >= 0) assertEquals(findHeadEnd(bytes, 0, 0, bytes.length), result);
    }),
    { numRuns: 2000, seed: 1 },
  );
});
