import { assert, assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import { viewOf } from "../../src/bytes.ts";
import { Head, StartKind, startKind } from "../../src/http/http1.ts";
import { PathBytes } from "../../src/http/target.ts";
import { UsualHead } from "../../src/http/usual_head.ts";
import { concat, payloadBytes } from "../support/frames.ts";
import { head } from "./support.ts";

type Kind = "request" | "response";

/** What lies around a head: it looks like more of one. */
const AROUND = payloadBytes("5\r\nHost: z\r\n\r\nGET / HTTP/1.1\r\n\r\n");

/** Reads `text` in the middle of more; the offset behind it, counted from its start, or -1 when it is not taken. */
function read(text: string | Uint8Array, kind: Kind, usual = new UsualHead(true)): number {
  const bytes = payloadBytes(text);
  const start = AROUND.length, end = start + bytes.length;
  const whole = concat(AROUND, bytes, AROUND);
  return usual[kind](whole, viewOf(whole), start, end) ? usual.end - start : -1;
}

/** What `Head` and `UsualHead` have in common, of what was read last. */
function fieldsOf({ hostStart, typeStart, agentStart, refererStart, ...rest }: Head | UsualHead) {
  return {
    host: hostStart < 0 ? undefined : [hostStart, rest.hostEnd],
    type: typeStart < 0 ? undefined : [typeStart, rest.typeEnd],
    agent: agentStart < 0 ? undefined : [agentStart, rest.agentEnd],
    referer: refererStart < 0 ? undefined : [refererStart, rest.refererEnd],
    contentLength: rest.contentLength,
  };
}

const usual = new UsualHead(true), brief = new UsualHead(false);
const general = new Head();
const path = new PathBytes(), pathInWords = new PathBytes();

/** Whether a head in `bytes[start, end)` is taken; if so, all that is read of it must be what `Head` says. */
function agrees(bytes: Uint8Array, start: number, end: number, kind: Kind): boolean {
  const view = viewOf(bytes);
  const isTaken = usual[kind](bytes, view, start, end);
  assertEquals(brief[kind](bytes, view, start, end), isTaken, "details make no difference");
  if (!isTaken) return false;
  assertEquals(general.parse(bytes, start, end), usual.end);
  assertEquals([general.isRequest, general.hasFolds, general.hasTransferEncoding], [
    kind === "request",
    false,
    false,
  ]);
  assertEquals(startKind(bytes, start, end, true), StartKind[kind]);
  const fields = fieldsOf(general);
  assertEquals(fieldsOf(usual), fields);
  const { host, contentLength } = fields;
  assertEquals(fieldsOf(brief), {
    host,
    contentLength,
    type: undefined,
    agent: undefined,
    referer: undefined,
  });
  if (kind === "response") {
    assertEquals(usual.status, general.status);
    return true;
  }
  assertEquals([start, usual.methodEnd, usual.methodEnd + 1, usual.targetEnd, 1], [
    general.methodStart,
    general.methodEnd,
    general.targetStart,
    general.targetEnd,
    general.minorVersion,
  ]);
  assertEquals(path.take(bytes, general.targetStart, general.targetEnd), usual.pathEnd);
  pathInWords.takeWords(view, usual.methodEnd + 1, usual.pathEnd, usual.sectionEnd);
  assertEquals([pathInWords.path, pathInWords.section], [path.path, path.section]);
  return true;
}

const REQUESTS: Record<string, string> = {
  curl: head(
    "GET /api/v1/users?id=1 HTTP/1.1",
    "Host: a.test:8080",
    "User-Agent: curl/7.88.1",
    "Accept: */*",
  ),
  wrk: head("GET / HTTP/1.1", "Host: 127.0.0.1"),
  browser: head(
    "GET /static/app.js?v=3#top HTTP/1.1",
    "Host: www.example.com",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="120", "Not A(Brand";v="24"',
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Accept: */*",
    "Referer: http://www.example.com/index.html?from=start",
    "Accept-Encoding: gzip, deflate",
    "Accept-Language: de-DE,de;q=0.9,en;q=0.8",
    "Cookie: session=0123456789abcdef; theme=dark",
  ),
  post: head("POST /form HTTP/1.1", "host:a.test", "content-type: text/plain", "content-length: 11"),
  head: head("HEAD /a/b HTTP/1.1", "HOST:\t a.test \t"),
  "no fields": head("DELETE /x HTTP/1.1"),
};

const RESPONSES: Record<string, string> = {
  nginx: head(
    "HTTP/1.1 200 OK",
    "Server: nginx/1.22.1",
    "Date: Mon, 01 Jan 2024 00:00:00 GMT",
    "Content-Type: text/html; charset=utf-8",
    "Content-Length: 615",
    "Last-Modified: Sun, 31 Dec 2023 00:00:00 GMT",
    "Connection: keep-alive",
    'ETag: "659007c0-267"',
    "Accept-Ranges: bytes",
  ),
  "not found": head("HTTP/1.1 404 Not Found", "Content-Length: 0"),
  "HTTP/1.0": head("HTTP/1.0 200 OK", "Content-type: text/plain", "Content-Length: 2"),
  "no reason": head("HTTP/1.1 204 "),
  "no space": head("HTTP/1.1 503"),
};

for (const [name, text] of Object.entries(REQUESTS)) {
  Deno.test(`UsualHead takes the request of the usual form: ${name}`, () => {
    const bytes = payloadBytes(text);
    assert(agrees(bytes, 0, bytes.length, "request"));
    assertEquals(read(text, "request"), text.length);
    assertEquals(read(text, "response"), -1);
  });
}

for (const [name, text] of Object.entries(RESPONSES)) {
  Deno.test(`UsualHead takes the response of the usual form: ${name}`, () => {
    const bytes = payloadBytes(text);
    assert(agrees(bytes, 0, bytes.length, "response"));
    assertEquals(read(text, "response"), text.length);
    assertEquals(read(text, "request"), -1);
  });
}

Deno.test("UsualHead takes no head that is not whole, and of more than a head only that", () => {
  for (const [kind, heads] of [["request", REQUESTS], ["response", RESPONSES]] as const) {
    for (const text of Object.values(heads)) {
      for (let cut = 0; cut < text.length; cut++) {
        assertEquals(read(text.slice(0, cut), kind), -1, JSON.stringify(text.slice(0, cut)));
      }
      assertEquals(read(`${text}${text}`, kind), text.length);
      assertEquals(read(`${text}\r\n`, kind), text.length);
    }
  }
});

Deno.test("UsualHead leaves heads of any other form to others", () => {
  const start = "GET / HTTP/1.1";
  const requests = [
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\n",
    head(start, "Host: a", " b"),
    head(start, "Host: a", "\tb"),
    head(start, "Transfer-Encoding: chunked"),
    head(start, "transfer-encoding: identity"),
    head(start, "Content-Length: 5", "Content-Length: 5"),
    head(start, "Content-Length: 5, 5"),
    head(start, "Content-Length: -5"),
    head(start, "Content-Length: 0x5"),
    head(start, "Content-Length:"),
    head(start, "Content-Length: 1234567890"),
    head("GET / HTTP/1.0", "Host: a"),
    head("GET / HTTP/1.2", "Host: a"),
    head("GET / HTTP/2.0", "Host: a"),
    head("GET  / HTTP/1.1"),
    head("GET /  HTTP/1.1"),
    head("GET / HTTP/1.1 "),
    head("GET /a b HTTP/1.1"),
    head("GET /a\tb HTTP/1.1"),
    head("GET * HTTP/1.1"),
    head("GET http://a.test/ HTTP/1.1"),
    head("get / HTTP/1.1"),
    head("M-SEARCH / HTTP/1.1"),
    head(`${"G".repeat(25)} / HTTP/1.1`),
    `\r\n${head(start)}`,
  ];
  for (const text of requests) assertEquals(read(text, "request"), -1, JSON.stringify(text));
  const responses = [
    "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    head("HTTP/2 200 OK"),
    head("HTTP/1.1  200 OK"),
    head("HTTP/1.1 099 OK"),
    head("HTTP/1.1 2000 OK"),
    head("HTTP/1.1 20 OK"),
    head("HTTP/1.1 200OK"),
    head("ICY 200 OK"),
  ];
  for (const text of responses) assertEquals(read(text, "response"), -1, JSON.stringify(text));
});

Deno.test("UsualHead takes no status line without a digit for its minor version, as Head does not", () => {
  for (const version of ["1.x", "1. ", "1.\r", "1.\0"]) {
    assertEquals(
      read(head(`HTTP/${version} 200 OK`, "Content-Length: 0"), "response"),
      -1,
      JSON.stringify(version),
    );
  }
});

const word = fc.stringMatching(/^[a-z0-9/?#.%=&-]{0,12}$/);
const target = fc.oneof(
  { weight: 6, arbitrary: word.map((text) => `/${text}`) },
  { weight: 1, arbitrary: word },
  { weight: 1, arbitrary: fc.constantFrom("*", "//", "/a/b/c", "http://a.test/x") },
);
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PUT") },
  { weight: 1, arbitrary: fc.constantFrom("GE", "get", "M-SEARCH", "") },
);
const version = fc.oneof(
  { weight: 9, arbitrary: fc.constant("HTTP/1.1") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("HTTP/1.0", "HTTP/1.2", "HTTP/2", "HTTP/1.", "http/1.1", "HTTP/1.10"),
  },
);
const space = fc.constantFrom(...Array<string>(30).fill(" "), "  ", "\t", "");
const requestLine = fc.tuple(method, space, target, space, version).map((parts) => parts.join(""));
const statusLine = fc.tuple(
  version,
  space,
  fc.constantFrom("200", "404", "304", "100", "999", "099", "20", "2000", "200OK"),
  fc.constantFrom(" OK", "", " ", " Not Found", "\rOK", " \rOK"),
).map((parts) => parts.join(""));
const name = fc.constantFrom(
  ...["Host", "host", "HOST", "Content-Length", "content-length", "Content-Type", "User-Agent", "Referer"],
  ...[
    "Transfer-Encoding",
    "Upgrade",
    "Cookie",
    "Accept",
    "Hos",
    "Host ",
    "Content-Lengt",
    "Contents",
    "",
    "\x08ost",
  ],
);
const colon = fc.constantFrom(":", ": ", ": ", ": ", ":\t", ":  \t ", " : ", "");
const value = fc.oneof(
  fc.constantFrom(
    "a.test",
    "[::1]:80",
    "5",
    "0",
    "007",
    "123456789",
    "1234567890",
    "5, 5",
    "5 5",
    "+5",
    "5\t",
    "5 ",
  ),
  fc.constantFrom("", " ", "text/html", "chunked", "identity", "x\ry", "\r", "a\0b", "\u00e9"),
  fc.string({ maxLength: 20 }),
);
const lineEnd = fc.constantFrom(...Array<string>(60).fill("\r\n"), "\n", "\r\r\n", "\r\n ", "\r\n\t", "\r");
const field = fc.tuple(name, colon, value).map((parts) => parts.join(""));

/** A head of the usual form, or nearly. */
function nearly(startLine: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.tuple(startLine, lineEnd), fc.array(fc.tuple(field, lineEnd), { maxLength: 6 }), lineEnd)
    .map(
      ([start, fields, blank]) => [start, ...fields].map(([line, end]) => line + end).join("") + blank,
    );
}

/** Bytes that have a meaning. */
const anyByte = fc.oneof(fc.constantFrom(...payloadBytes("\r\n \t:/?#HG0\0\x7f\xff")), fc.nat(255));
const mutations = fc.array(
  fc.record({ at: fc.nat(), byte: anyByte, kind: fc.constantFrom("set", "insert", "delete") }),
  {
    maxLength: 2,
  },
);

Deno.test("UsualHead says what Head says of everything that it takes", () => {
  for (const [kind, startLine] of [["request", requestLine], ["response", statusLine]] as const) {
    let taken = 0;
    const numRuns = 4000;
    fc.assert(
      fc.property(
        nearly(startLine),
        fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: mutations }),
        fc.nat(9),
        fc.nat(40),
        (text, mutations, before, behind) => {
          const list = [...payloadBytes(text)];
          for (const { at, byte, kind } of mutations) {
            list.splice(
              at % (list.length + 1),
              kind === "insert" ? 0 : 1,
              ...kind === "delete" ? [] : [byte],
            );
          }
          const bytes = concat(AROUND.subarray(0, before), Uint8Array.from(list), AROUND.subarray(0, behind));
          // What is behind the head may be there, or not be captured.
          for (const end of [bytes.length, before + list.length]) {
            if (agrees(bytes, before, end, kind)) taken++;
          }
        },
      ),
      { numRuns, seed: 5 },
    );
    assertGreater(taken, numRuns / 4, `${kind}s taken`);
  }
});

Deno.test("UsualHead says what Head says of usual heads with one byte changed, left out or added, anywhere", () => {
  for (const [kind, heads] of [["request", REQUESTS], ["response", RESPONSES]] as const) {
    for (const text of [Object.values(heads)[0]!, Object.values(heads)[3]!]) {
      const bytes = payloadBytes(text);
      for (let at = 0; at <= bytes.length; at++) {
        for (const byte of payloadBytes("\r\n \t:/?#xX09\0")) {
          for (const kept of [at, at + 1]) {
            const changed = concat(bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(kept));
            agrees(changed, 0, changed.length, kind);
          }
        }
        const shorter = concat(bytes.subarray(0, at), bytes.subarray(at + 1));
        agrees(shorter, 0, shorter.length, kind);
      }
    }
  }
});

Deno.test("UsualHead neither throws nor differs on bytes of any kind", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.nat(80),
      fc.constantFrom("GET /", "HTTP/1.1 200 OK\r\n", ""),
      (random, from, prefix) => {
        const bytes = concat(payloadBytes(prefix), random);
        const start = prefix === "" ? Math.min(from, bytes.length) : 0;
        agrees(bytes, start, bytes.length, "request");
        agrees(bytes, start, bytes.length, "response");
      },
    ),
    { numRuns: 3000, seed: 5 },
  );
});
