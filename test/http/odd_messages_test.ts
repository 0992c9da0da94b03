import { assertEquals } from "@std/assert";
import { toRecord } from "../support/record.ts";
import { conversation, head, hear, losses, NO_LOSSES, outcomeOf, summary } from "./support.ts";

Deno.test("an HTTP/0.9 exchange has a version, its content and no status", () => {
  for (const acknowledge of [true, false]) {
    const outcome = hear((c) => {
      c.client("GET /old?q\r\n");
      c.server("<title>old</title>");
      c.server("GET / HTTP/1.0\r\n\r\n");
      c.close("server");
    }, { acknowledge });
    const [exchange] = outcome.exchanges;
    assertEquals(outcome.exchanges.length, 1);
    assertEquals([exchange!.method, exchange!.version, exchange!.path], ["GET", "0.9", "/old"]);
    assertEquals([exchange!.host, exchange!.hostMissing], ["10.0.0.2", true]);
    assertEquals([exchange!.status, exchange!.responseBodyBytes], [0, 36]);
    assertEquals([exchange!.gaps, losses(outcome)], [0, NO_LOSSES]);
    const record = toRecord(exchange!);
    assertEquals([record["http.response.status_code"], record["http.response.body.bytes"]], [undefined, 36]);
  }
});

Deno.test("an HTTP/0.9 request that is refused has the status of the refusal", () => {
  const outcome = hear((c) => {
    c.client("GET /old\r\n");
    c.server(head("HTTP/1.1 400 Bad Request", "Content-Length: 0"));
    c.close("server");
  });
  assertEquals(summary(outcome.exchanges), ["GET /old -> 400"]);
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("an HTTP/0.9 request is not seen in the middle of a connection", () => {
  const outcome = hear((c) => {
    c.lose("client", 10);
    c.client("GET /old\r\n");
    c.server("<title>old</title>");
    c.close("server");
  });
  assertEquals(outcome.exchanges, []);
});

Deno.test("Transfer-Encoding overrides Content-Length, and contradicting lengths are no framing", () => {
  const outcome = hear((c) => {
    c.client(
      head("POST /both HTTP/1.1", "Content-Length: 99", "Transfer-Encoding: gzip, chunked") +
        "2;x=y\r\nab\r\n0\r\nTrailer: t\r\n\r\n",
    );
    c.server(
      head("HTTP/1.1 100 Continue") + head("HTTP/1.1 100 Continue") + head("HTTP/1.1 103 Early Hints"),
    );
    c.server(
      head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 1") + "1\r\na\r\n0\r\n\r\n",
    );
    c.client(head("GET /two HTTP/1.1", "Host: a.test"));
    c.server(head("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2") + "until the end");
    c.close("server");
  });
  assertEquals(summary(outcome.exchanges), ["POST /both -> 200", "GET /two -> 200"]);
  assertEquals(
    outcome.exchanges.map(({ requestBodyBytes, responseBodyBytes }) => [requestBodyBytes, responseBodyBytes]),
    [[2, 1], [0, 13]],
  );
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("a body that the end of the connection cut short counts as a gap of its exchange", () => {
  const gaps = (request: string, response: string) =>
    hear((c) => {
      c.client(request);
      c.server(response);
      c.close("server");
    }).exchanges.map(({ gaps }) => gaps);
  const get = head("GET / HTTP/1.1", "Host: a.test");
  assertEquals(gaps(get, head("HTTP/1.1 200 OK", "Content-Length: 9") + "short"), [1]);
  assertEquals(gaps(get, head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "9\r\nshort"), [1]);
  assertEquals(gaps(get, head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "x"), [1]);
  assertEquals(gaps(get, head("HTTP/1.1 200 OK", "Content-Length: 5") + "whole"), [0]);
  assertEquals(gaps(get, head("HTTP/1.1 200 OK") + "until the close"), [0]);
  const post = head("POST / HTTP/1.1", "Content-Length: 9");
  assertEquals(gaps(`${post}short`, head("HTTP/1.1 400 Bad", "Content-Length: 0")), [1]);
});

Deno.test("a request whose head is too long is reported, answered and counted", () => {
  const outcome = hear((c) => {
    c.client(head("GET /long HTTP/1.1", "Host: a.test", `Cookie: ${"c".repeat(70_000)}`));
    c.server(head("HTTP/1.1 431 Too Large", "Content-Length: 0"));
    c.client(head("GET /next HTTP/1.1", "Host: a.test"));
    c.server(head("HTTP/1.1 200 OK", "Content-Length: 0"));
  });
  assertEquals(summary(outcome.exchanges), ["GET /long -> 431", "GET /next -> 200"]);
  assertEquals(outcome.exchanges.map(({ host, gaps }) => [host, gaps]), [["a.test", 1], ["a.test", 0]]);
  assertEquals(losses(outcome), { ...NO_LOSSES, unparsed: 1 });
});

Deno.test("an absolute target names its host in any case", () => {
  const { exchanges } = hear((c) => void c.client(head("GET HTTP://A.Test:8080/X HTTP/1.1", "Host: b")));
  const [{ host, port, path }] = exchanges as [typeof exchanges[0]];
  assertEquals([host, port, path], ["a.test", 8080, "/X"]);
});

Deno.test("folded fields give the host and the framing", () => {
  const outcome = hear((c) => {
    c.client("GET / HTTP/1.1\r\nHost:\r\n  a.test\r\n\r\n");
    c.server("HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\nContent-Type: text/html;\r\n charset=x\r\n\r\nok");
  });
  const [{ host, responseBodyBytes, mimeType }] = outcome.exchanges as [typeof outcome.exchanges[0]];
  assertEquals([host, responseBodyBytes, mimeType], ["a.test", 2, "text/html"]);
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("timings are not negative when the capture's clock goes back", () => {
  const c = conversation((c) => {
    c.client(head("POST / HTTP/1.1", "Content-Length: 4") + "body", 30);
    c.server(head("HTTP/1.1 200 OK", "Content-Length: 4") + "body", 30);
  });
  const { exchanges } = outcomeOf(c.frames.map((frame, i) => ({ ...frame, time: 1e15 - i })));
  assertEquals(exchanges.map(({ send, wait, receive }) => [send, wait, receive]), [[0, 0, 0]]);
});
