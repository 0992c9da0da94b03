import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import { HttpConnection, type HttpContext } from "../../src/http/connection.ts";
import { UsualHead } from "../../src/http/usual_head.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import { FlowTable } from "../../src/stream/flows.ts";
import { Budget } from "../../src/stream/reassembly.ts";
import { decodeFrame } from "../../src/wire/decode.ts";
import { Packet } from "../../src/wire/packet.ts";
import { Conversation, deliver, type Frame, LINK_TYPES } from "../support/frames.ts";
import {
  conversation,
  head,
  hear,
  losses,
  NO_LOSSES,
  type Outcome,
  outcomeOf,
  type Snapshot,
  snapshot,
  summary,
} from "./support.ts";
import { talksOfEveryKind } from "./talks.ts";

function get(path = "/a", ...fields: readonly string[]): string {
  return head(`GET ${path} HTTP/1.1`, "Host: a.test", ...fields);
}

function ok(body = "ok", ...fields: readonly string[]): string {
  return head("HTTP/1.1 200 OK", `Content-Length: ${body.length}`, ...fields) + body;
}

/** The frames without those that `lost` names. */
function without(c: Conversation, ...lost: readonly Frame[]): Outcome {
  return outcomeOf(c.frames.filter((frame) => !lost.includes(frame)));
}

Deno.test("HttpConnection emits the request at once and the exchange when its response has ended", () => {
  const c = conversation((c) => {
    c.client(get("/a/b?secret=1", "User-Agent: curl/8", "Referer: http://u:p@r.test/x?y"));
    c.server(
      head("HTTP/1.1 404 Not Found", "Content-Type: Text/HTML; charset=x", "Content-Length: 6") + "abc",
    );
  });
  const before = outcomeOf(c.frames.slice(0, 4));
  assertEquals([before.requests.length, before.requests[0]!.status], [1, 0]);
  c.server("def");
  const [exchange] = outcomeOf(c.frames).exchanges;
  assertEquals([exchange!.method, exchange!.version, exchange!.host], ["GET", "1.1", "a.test"]);
  assertEquals([exchange!.path, exchange!.section, exchange!.query], ["/a/b", "/a", undefined]);
  assertEquals([exchange!.userAgent, exchange!.referrer], ["curl/8", "http://r.test/x"]);
  assertEquals([exchange!.status, exchange!.mimeType], [404, "text/html"]);
  assertEquals([exchange!.requestBodyBytes, exchange!.responseBodyBytes], [0, 6]);
});

Deno.test("HttpConnection keeps queries only when asked", () => {
  const speak = (c: Conversation) => void c.client(get("/a?q=1"));
  assertEquals(hear(speak).exchanges[0]!.query, undefined);
  assertEquals(hear(speak, { keepQuery: true }).exchanges[0]!.query, "q=1");
  assertEquals(hear((c) => void c.client(get("/a")), { keepQuery: true }).exchanges[0]!.query, undefined);
});

Deno.test("HttpConnection takes the host of the target, else of the Host field, else the server's address", () => {
  const hosts: [request: string, host: string, port: number | undefined, missing: boolean][] = [
    [head("GET http://x.test:81/ HTTP/1.1", "Host: a.test"), "x.test", 81, false],
    [head("CONNECT x.test:443 HTTP/1.1", "Host: a.test"), "x.test", 443, false],
    [head("GET / HTTP/1.1", "Host: A.test:8080"), "a.test", 8080, false],
    [head("GET / HTTP/1.1", "Host: [2001:DB8::5]:80"), "2001:db8::5", 80, false],
    [head("GET / HTTP/1.1", "Host: u:p@a.test"), "a.test", undefined, false],
    [head("GET / HTTP/1.0"), "10.0.0.2", undefined, true],
    [head("GET / HTTP/1.1", "Host:"), "10.0.0.2", undefined, true],
    [head("GET / HTTP/1.1", "Host: :80"), "10.0.0.2", 80, true],
  ];
  for (const [request, host, port, missing] of hosts) {
    const [exchange] = hear((c) => void c.client(request)).exchanges;
    assertEquals([exchange!.host, exchange!.port, exchange!.hostMissing], [host, port, missing], request);
  }
  const [exchange] = hear((c) => void c.client(head("GET / HTTP/1.0")), { ipv6: true }).exchanges;
  assertEquals(exchange!.host, "2001:db8::2");
});

Deno.test("HttpConnection names both ends, their link layer addresses and the VLAN", () => {
  const speak = (c: Conversation) => void c.client(get());
  const [tagged] = hear(speak, { vlans: [5, 6] }).exchanges;
  assertEquals(snapshot(tagged!).endpoints, {
    clientAddress: "10.0.0.1",
    clientPort: 40000,
    serverAddress: "10.0.0.2",
    serverPort: 80,
    clientMac: "02:00:00:00:00:01",
    serverMac: "02:00:00:00:00:02",
    vlan: 5,
  });
  // Cooked frames name their sender alone: that of the server is known by its SYN-ACK.
  const cooked = new Conversation({ linkType: LINK_TYPES.linuxSll });
  const handshake = cooked.handshake();
  speak(cooked);
  for (const [unseen, serverMac] of [[0, "02:00:00:00:00:02"], [handshake.length, undefined]] as const) {
    const [exchange] = outcomeOf(cooked.frames.slice(unseen)).exchanges;
    assertEquals([exchange!.endpoints.clientMac, exchange!.endpoints.serverMac], [
      "02:00:00:00:00:01",
      serverMac,
    ]);
  }
  const [raw] = hear(speak, { linkType: LINK_TYPES.raw }).exchanges;
  assertEquals([raw!.endpoints.clientMac, raw!.endpoints.vlan], [undefined, undefined]);
});

Deno.test("HttpConnection takes the end that sends requests for the client, whatever its port and address", () => {
  const outcome = hear((c) => {
    c.server(get());
    c.client(ok());
  });
  const [{ endpoints, status }] = outcome.exchanges as [Outcome["exchanges"][0]];
  assertEquals([endpoints.clientPort, endpoints.serverPort, status], [80, 40000, 200]);
});

Deno.test("HttpConnection pairs kept-alive and pipelined requests in order", () => {
  const kept = hear((c) => {
    for (const path of ["/1", "/2", "/3"]) {
      c.client(get(path));
      c.server(ok());
    }
  });
  assertEquals(summary(kept.exchanges), ["GET /1 -> 200", "GET /2 -> 200", "GET /3 -> 200"]);
  const pipelined = hear((c) => {
    c.client(get("/1") + get("/2") + get("/3"));
    c.server(ok("1") + head("HTTP/1.1 404 No", "Content-Length: 0") + ok("333"));
  });
  assertEquals(summary(pipelined.exchanges), ["GET /1 -> 200", "GET /2 -> 404", "GET /3 -> 200"]);
  assertEquals(pipelined.exchanges.map(({ responseBodyBytes }) => responseBodyBytes), [1, 0, 3]);
  assertEquals([losses(kept), losses(pipelined)], [NO_LOSSES, NO_LOSSES]);
});

Deno.test("HttpConnection frames bodies of both directions by length, chunks and the close", () => {
  const outcome = hear((c) => {
    c.client(head("POST /1 HTTP/1.1", "Content-Length: 5") + "12345" + get("/2"));
    c.server(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\nT: v\r\n\r\n");
    c.server(ok("four"));
    c.client(
      head("PUT /3 HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 3") + "2\r\nab\r\n0\r\n\r\n",
    );
    c.server(head("HTTP/1.0 201 Created") + "until the close");
    c.close("server");
  });
  assertEquals(summary(outcome.exchanges), ["POST /1 -> 200", "GET /2 -> 200", "PUT /3 -> 201"]);
  assertEquals(
    outcome.exchanges.map((exchange) => [exchange.requestBodyBytes, exchange.responseBodyBytes]),
    [[5, 3], [0, 4], [2, 15]],
  );
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("HttpConnection expects no body of responses that have none, whatever their head says", () => {
  const outcome = hear((c) => {
    c.client(head("HEAD /1 HTTP/1.1") + get("/2") + get("/3") + get("/4"));
    c.server(head("HTTP/1.1 200 OK", "Content-Length: 500"));
    c.server(head("HTTP/1.1 204 No Content", "Content-Length: 500"));
    c.server(head("HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked"));
    c.server(ok());
  });
  assertEquals(summary(outcome.exchanges), [
    "HEAD /1 -> 200",
    "GET /2 -> 204",
    "GET /3 -> 304",
    "GET /4 -> 200",
  ]);
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("HttpConnection passes over any number of interim responses", () => {
  const outcome = hear((c) => {
    c.client(head("POST /1 HTTP/1.1", "Expect: 100-continue", "Content-Length: 3"));
    c.server(head("HTTP/1.1 100 Continue") + head("HTTP/1.1 103 Early Hints", "Link: </x>"));
    c.client("abc");
    c.server(head("HTTP/1.1 100 Continue"));
    c.server(ok());
    c.client(get("/2"));
    c.server(ok());
  });
  assertEquals(summary(outcome.exchanges), ["POST /1 -> 200", "GET /2 -> 200"]);
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("HttpConnection reads nothing behind CONNECT, Upgrade and a protocol switch", () => {
  for (
    const [request, response] of [
      [head("CONNECT x.test:443 HTTP/1.1"), head("HTTP/1.1 200 Established")],
      [get("/ws", "Upgrade: websocket"), head("HTTP/1.1 101 Switching Protocols")],
    ]
  ) {
    const outcome = hear((c) => {
      c.client(request!);
      c.server(response!);
      c.client("\x16\x03\x01" + get("/inside"));
      c.server(ok());
      c.close();
    });
    assertEquals(outcome.exchanges.length, 1);
    assertEquals(outcome.exchanges[0]!.status, Number(response!.slice(9, 12)));
    assertEquals(losses(outcome), NO_LOSSES);
  }
  const refused = hear((c) => {
    c.client(head("CONNECT x.test:443 HTTP/1.1"));
    c.server(head("HTTP/1.1 403 No", "Content-Length: 2") + "no");
    c.client(get());
    c.server(ok());
  });
  assertEquals(summary(refused.exchanges), ["CONNECT  -> 403", "GET /a -> 200"]);
});

Deno.test("HttpConnection tells the timings of an exchange", () => {
  const [exchange] = hear((c) => {
    c.client(head("POST /1 HTTP/1.1", "Content-Length: 2"));
    c.wait(3000);
    c.client("ab");
    c.wait(10_000);
    c.server(head("HTTP/1.1 200 OK", "Content-Length: 2") + "a");
    c.wait(20_000);
    c.server("b");
  }, { acknowledge: false, step: 0 }).exchanges;
  assertEquals(exchange!.time, 1_704_067_200_000_000);
  assertAlmostEquals(exchange!.send!, 3);
  assertAlmostEquals(exchange!.wait!, 10);
  assertAlmostEquals(exchange!.receive!, 20);
});

Deno.test("HttpConnection takes a response before the end of its request, once", () => {
  for (const goesOn of [true, false]) {
    const outcome = hear((c) => {
      c.client(head("POST /1 HTTP/1.1", "Content-Length: 6") + "abc");
      c.server(head("HTTP/1.1 413 Too Large", "Content-Length: 0"));
      if (goesOn) c.client("def");
      c.close();
    });
    assertEquals(summary(outcome.exchanges), ["POST /1 -> 413"]);
    const [exchange] = outcome.exchanges;
    assertEquals([exchange!.requestBodyBytes, exchange!.wait], [goesOn ? 6 : 3, goesOn ? 0 : 0]);
    assertEquals(losses(outcome), NO_LOSSES);
  }
});

Deno.test("HttpConnection ends a body that breaks off at the time of its last byte", () => {
  const c = conversation((c) => {
    c.client(get());
    c.server(head("HTTP/1.1 200 OK", "Content-Length: 100") + "a");
    c.wait(5000);
    c.server("b");
  }, { acknowledge: false, step: 0 });
  c.wait(900_000_000);
  c.client(get("/other"));
  const [exchange] = outcomeOf(c.frames).exchanges;
  assertEquals([exchange!.responseBodyBytes, exchange!.receive], [2, 5]);
});

Deno.test("HttpConnection pairs a response captured before its request", () => {
  const c = conversation(() => {});
  const requests = c.client(head("HEAD /1 HTTP/1.1"));
  const responses = c.server(head("HTTP/1.1 200 OK", "Content-Length: 9"));
  c.client(get("/2"));
  c.server(ok());
  const outcome = outcomeOf([
    ...c.frames.slice(0, 3),
    ...responses,
    ...requests,
    ...c.frames.slice(3 + requests.length + responses.length),
  ]);
  assertEquals(summary(outcome.exchanges), ["HEAD /1 -> 200", "GET /2 -> 200"]);
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("HttpConnection pairs a request with its response when payload came with the SYN", () => {
  for (const isn of [5000, 0x9000_0000]) {
    const c = conversation(() => {}, { server: { isn } });
    const [request] = c.client(get());
    c.server(ok());
    const [syn, ...rest] = c.frames.slice(0, 3) as [Frame, Frame, Frame];
    // The request's bytes behind a SYN of the same connection, which acknowledges nothing.
    const bytes = request!.bytes.slice();
    bytes.set(syn.bytes.subarray(38, 42), 38);
    bytes.set([0, 0, 0, 0], 42);
    bytes[47] = 2;
    const withSyn = { ...request!, bytes, time: syn.time };
    assertEquals(summary(outcomeOf([withSyn, ...rest, ...c.frames.slice(4)]).exchanges), ["GET /a -> 200"]);
  }
});

Deno.test("HttpConnection joins a kept-alive connection in the middle", () => {
  const c = conversation((c) => {
    c.client(get("/unseen"));
    c.server(ok("x".repeat(5000)));
    c.client(get("/1"));
    c.server(ok());
    c.client(get("/2"));
    c.server(ok());
  });
  const outcome = outcomeOf(c.frames.slice(6));
  assertEquals(summary(outcome.exchanges), ["GET /1 -> 200", "GET /2 -> 200"]);
  assertEquals(losses(outcome), NO_LOSSES);
});

Deno.test("HttpConnection counts requests without response and responses without request", () => {
  const unanswered = hear((c) => void c.client(get()));
  assertEquals(summary(unanswered.exchanges), ["GET /a -> -"]);
  assertEquals(losses(unanswered), { ...NO_LOSSES, unpaired: 1 });
  const unasked = hear((c) => void c.server(ok()));
  assertEquals([unasked.exchanges, losses(unasked)], [[], { ...NO_LOSSES, unpaired: 1 }]);
});

Deno.test("HttpConnection does not pair a response that began before the request was sent", () => {
  const outcome = hear((c) => {
    c.server(head("HTTP/1.1 408 Request Timeout", "Content-Length: 0"));
    c.client(get());
    c.server(ok());
  });
  assertEquals(summary(outcome.exchanges), ["GET /a -> 200"]);
  assertEquals(losses(outcome), { ...NO_LOSSES, unpaired: 1 });
});

/** Exchanges `/1`, `/2`, … of a client that waits for each response, with the frames of each. */
function turns(count: number): { c: Conversation; requests: Frame[]; responses: Frame[] } {
  const requests: Frame[] = [], responses: Frame[] = [];
  const c = conversation((c) => {
    for (let i = 1; i <= count; i++) {
      requests.push(c.client(get(`/${i}`))[0]!);
      responses.push(c.server(head(`HTTP/1.1 ${200 + i} OK`, "Content-Length: 0"))[0]!);
    }
    c.close();
  });
  return { c, requests, responses };
}

Deno.test("HttpConnection pairs on behind a lost request of a client that takes turns", () => {
  const { c, requests } = turns(6);
  const outcome = without(c, requests[3]!);
  assertEquals(summary(outcome.exchanges), [
    "GET /1 -> 201",
    "GET /2 -> 202",
    "GET /3 -> 203",
    "GET /5 -> 205",
    "GET /6 -> 206",
  ]);
  assertEquals(losses(outcome), { gaps: 1, unparsed: 0, unpaired: 1 });
});

Deno.test("HttpConnection pairs on behind a lost response", () => {
  for (const lost of [0, 3]) {
    const { c, responses } = turns(6);
    const outcome = without(c, responses[lost]!);
    const statuses = outcome.exchanges.map(({ status }) => status);
    assertEquals(statuses, [201, 202, 203, 204, 205, 206].map((status, i) => i === lost ? 0 : status));
    assertEquals(losses(outcome), { gaps: 1, unparsed: 0, unpaired: 1 });
  }
});

Deno.test("HttpConnection pairs on behind an exchange of which nothing was captured", () => {
  const { c, requests, responses } = turns(6);
  const outcome = without(c, requests[3]!, responses[3]!);
  assertEquals(outcome.exchanges.map(({ status }) => status), [201, 202, 203, 205, 206]);
  assertEquals(losses(outcome), { gaps: 2, unparsed: 0, unpaired: 0 });
});

Deno.test("HttpConnection pairs nothing more when the lost request may have been pipelined", () => {
  // Nothing says that the second request was sent after the response to the lost first.
  const { c, requests } = turns(3);
  const outcome = without(c, requests[0]!);
  assertEquals(summary(outcome.exchanges), ["GET /2 -> -", "GET /3 -> -"]);
  assertEquals(losses(outcome), { gaps: 1, unparsed: 0, unpaired: 5 });
});

Deno.test("HttpConnection pairs nothing wrong when any part of a pipelined batch is lost", () => {
  for (let lost = 0; lost < 4; lost++) {
    for (const isRequest of [true, false]) {
      const requests: Frame[] = [], responses: Frame[] = [];
      const c = conversation((c) => {
        for (let i = 0; i < 4; i++) requests.push(c.client(get(`/${i}`))[0]!);
        for (let i = 0; i < 4; i++) {
          responses.push(c.server(head(`HTTP/1.1 20${i} OK`, "Content-Length: 0"))[0]!);
        }
        c.close();
      });
      const outcome = without(c, (isRequest ? requests : responses)[lost]!);
      for (const { path, status } of outcome.exchanges) {
        if (status > 0) assertEquals(path, `/${status - 200}`);
      }
      assertEquals(outcome.exchanges.length, isRequest ? 3 : 4);
      assertEquals(outcome.figures.tcpGaps, 1);
    }
  }
});

/** A response with this status and no body. */
function empty(status: number): string {
  return head(`HTTP/1.1 ${status} OK`, "Content-Length: 0");
}

/**
 * A client that sends its next request before a response is over, or before it has begun, after having waited for
 * the response `waits` times.
 */
function impatient(waits: number, begun = true): { c: Conversation; first: Frame; second: Frame } {
  const c = conversation(() => {});
  for (let i = 0; i < waits; i++) {
    c.client(get(`/wait${i}`));
    c.server(ok());
  }
  c.client(get("/1"));
  const response = head("HTTP/1.1 201 OK", "Content-Length: 3");
  const [first] = begun ? c.server(response) : [];
  const [second] = c.client(get("/2"));
  c.server(begun ? "abc" : `${response}abc`);
  c.client(get("/3"));
  c.server(empty(202));
  c.server(empty(203));
  c.close();
  return { c, first: first ?? second!, second: second! };
}

Deno.test("HttpConnection pairs the requests that came before the first loss, in order", () => {
  const c = conversation(() => {});
  c.client(get("/1"));
  c.client(get("/2"));
  const [lost] = c.client(get("/3"));
  c.client(get("/4"));
  for (const status of [201, 202, 203, 204]) c.server(empty(status));
  c.close();
  const outcome = without(c, lost!);
  assertEquals(summary(outcome.exchanges), ["GET /4 -> -", "GET /1 -> 201", "GET /2 -> 202"]);
  assertEquals(losses(outcome), { gaps: 1, unparsed: 0, unpaired: 3 });
});

Deno.test("HttpConnection pairs a request that is followed by bytes which are none", () => {
  const outcome = hear((c) => {
    c.client(head("POST /1 HTTP/1.1", "Content-Length: 7") + "status=");
    c.client("\x01\x02\r\n");
    c.server(empty(201));
    c.close();
  });
  assertEquals(summary(outcome.exchanges), ["POST /1 -> 201"]);
  assertEquals(losses(outcome), { gaps: 0, unparsed: 1, unpaired: 0 });
});

Deno.test("HttpConnection finds the response behind one that may answer an unseen HEAD", () => {
  const c = conversation(() => {});
  c.server(head("HTTP/1.1 200 OK", "Content-Length: 689"));
  c.server(empty(302));
  c.server(head("HTTP/1.1 200 OK", "Content-Length: 3") + "abc");
  c.close();
  assertEquals(losses(outcomeOf(c.frames)), { gaps: 0, unparsed: 0, unpaired: 3 });
});

Deno.test("HttpConnection does not take a response for that of a request sent before the last was over", () => {
  const lostResponse = impatient(0);
  const { exchanges } = without(lostResponse.c, lostResponse.first);
  assertEquals(summary(exchanges), ["GET /1 -> -", "GET /2 -> -", "GET /3 -> -"]);
  for (const begun of [true, false]) {
    const lostRequest = impatient(3, begun);
    const outcome = without(lostRequest.c, lostRequest.second);
    assertEquals(summary(outcome.exchanges.slice(3)), ["GET /1 -> 201", "GET /3 -> -"]);
  }
});

Deno.test("HttpConnection pairs on behind a lost response though interim ones come first", () => {
  const c = conversation(() => {});
  c.client(get("/1"));
  const [lost] = c.server(ok());
  c.client(head("POST /2 HTTP/1.1", "Expect: 100-continue", "Content-Length: 3"));
  c.server(head("HTTP/1.1 100 Continue"));
  c.client("abc");
  c.server(head("HTTP/1.1 103 Early Hints") + ok());
  const outcome = without(c, lost!);
  assertEquals(summary(outcome.exchanges), ["GET /1 -> -", "POST /2 -> 200"]);
});

Deno.test("HttpConnection does not take a response that was sent before the server had the request", () => {
  for (const crossed of [false, true]) {
    const c = conversation(() => {});
    const [request] = c.client(get());
    const [response] = c.server(ok());
    // Sent at the same time: the response answers what was sent before the capture began.
    const sequence = request!.bytes.subarray(38, 42);
    if (crossed) response!.bytes.set(sequence, 42);
    const outcome = outcomeOf(c.frames.slice(3));
    assertEquals(summary(outcome.exchanges), [crossed ? "GET /a -> -" : "GET /a -> 200"]);
    assertEquals(outcome.figures.unpaired, crossed ? 2 : 0);
  }
});

Deno.test("HttpConnection keeps pairing when a hole lies within a body of known length", () => {
  const c = conversation(() => {}, { segmentSize: 10 });
  c.client(get("/1"));
  const sent = c.server(ok("x".repeat(200)));
  c.client(get("/2"));
  c.server(ok());
  c.close();
  const outcome = without(c, sent[15]!);
  assertEquals(summary(outcome.exchanges), ["GET /1 -> 200", "GET /2 -> 200"]);
  assertEquals([outcome.exchanges[0]!.responseBodyBytes, outcome.exchanges[0]!.gaps], [200, 1]);
  assertEquals(losses(outcome), { ...NO_LOSSES, gaps: 1 });
});

Deno.test("HttpConnection tells the retransmissions while an exchange was open", () => {
  const c = conversation(() => {});
  const [first] = c.client(get("/1"));
  c.server(ok());
  c.client(get("/2"));
  const frames = [...c.frames, first!, first!];
  const next = c.frames.length;
  c.server(ok());
  const { exchanges } = outcomeOf([...frames, ...c.frames.slice(next)]);
  assertEquals(exchanges.map(({ retransmissions }) => retransmissions), [0, 2]);
});

Deno.test("HttpConnection pairs on with a snaplen that cuts bodies, and counts cut heads", () => {
  const speak = (c: Conversation) => {
    for (const path of ["/1", "/2"]) {
      c.client(get(path));
      c.server(ok("x".repeat(1000)));
    }
  };
  const cutBodies = hear(speak, { snaplen: 54 + 60 });
  assertEquals(summary(cutBodies.exchanges), ["GET /1 -> 200", "GET /2 -> 200"]);
  assertEquals(cutBodies.exchanges.map(({ responseBodyBytes }) => responseBodyBytes), [1000, 1000]);
  assertEquals(losses(cutBodies), NO_LOSSES);
  const cutHeads = hear(speak, { snaplen: 54 + 20 });
  assertEquals(summary(cutHeads.exchanges), ["GET /1 -> 200", "GET /2 -> 200"]);
  assertEquals(cutHeads.exchanges.map(({ hostMissing, gaps }) => [hostMissing, gaps]), [[true, 2], [
    true,
    2,
  ]]);
  assertEquals(losses(cutHeads), { ...NO_LOSSES, unparsed: 4 });
  const cutStartLines = hear(speak, { snaplen: 54 + 10 });
  assertEquals(cutStartLines.exchanges, []);
  assertEquals(cutStartLines.figures.unparsed, 2);
});

Deno.test("HttpConnection counts what is no HTTP on an HTTP port, and nothing on others", () => {
  const speak = (c: Conversation) => {
    c.client("\x16\x03\x01\x02\x00\x01\x00");
    c.server("\x16\x03\x03\x00\x7a");
    c.client("\x17\x03\x03");
    c.close();
  };
  assertEquals(losses(hear(speak)), { ...NO_LOSSES, unparsed: 2 });
  assertEquals(losses(hear(speak, { server: { port: 443 } })), NO_LOSSES);
  assertEquals(losses(hear(speak, { server: { port: 443 }, ports: [443] })), { ...NO_LOSSES, unparsed: 2 });
});

Deno.test("HttpConnection reads HTTP on any port and then counts what is none", () => {
  const outcome = hear((c) => {
    c.client(get());
    c.server(ok());
    c.client("nonsense\r\n\r\n");
  }, { server: { port: 9999 } });
  assertEquals(summary(outcome.exchanges), ["GET /a -> 200"]);
  assertEquals(losses(outcome), { ...NO_LOSSES, unparsed: 1 });
});

Deno.test("HttpConnection counts a request from the server's side and pairs on", () => {
  const outcome = hear((c) => {
    c.client(get("/1"));
    c.server(ok());
    c.server(get("/evil"));
    c.client(get("/2"));
    c.server(ok());
  });
  assertEquals(summary(outcome.exchanges), ["GET /1 -> 200", "GET /2 -> 200"]);
  assertEquals(losses(outcome), { ...NO_LOSSES, unparsed: 1 });
});

Deno.test("HttpConnection gives requests up, and pairs none wrong, beyond what it may keep waiting", () => {
  const outcome = hear((c) => {
    for (let i = 0; i < 1030; i++) c.client(get(`/${i}`));
    for (let i = 0; i < 1030; i++) c.server(head("HTTP/1.1 200 OK", "Content-Length: 0"));
    c.close();
  }, { acknowledge: false });
  assertEquals([outcome.requests.length, outcome.exchanges.length], [1030, 1030]);
  assertEquals(outcome.exchanges.filter(({ status }) => status > 0).length, 0);
  assertEquals(outcome.figures.unpaired, 2060);
});

Deno.test("HttpConnection gives requests up beyond what all connections together may keep waiting", () => {
  const exchanges: string[] = [];
  const context: HttpContext = {
    handler: { request() {}, exchange: ({ path, status }) => void exchanges.push(`${path} ${status}`) },
    losses: { unparsed: 0, unpaired: 0 },
    keepQuery: false,
    details: true,
    lifecycle: undefined,
    usualHead: new UsualHead(true),
    ports: new Set([80]),
    headBytes: new Budget(2 ** 20),
    waitingRequests: new Budget(2),
    headerTables: new Budget(2 ** 20),
    closedConnections: [],
  };
  const table = new FlowTable((flow, packet, direction) =>
    HttpConnection.open(context, flow, packet, direction)
  );
  const packet = new Packet();
  for (const port of [1, 2, 3]) {
    const c = conversation((c) => void c.client(get(`/${port}`)), { client: { port } });
    deliver(c.frames, ({ bytes, start, end, wireLength, time, linkType }) => {
      packet.reset(bytes, start, end, wireLength, time);
      decodeFrame(packet, linkType);
      table.segment(packet);
    });
  }
  assertEquals([exchanges, context.waitingRequests.used], [["/3 0"], 2]);
  table.flush(0);
  assertEquals([exchanges.length, context.waitingRequests.used, context.headBytes.used], [3, 0, 0]);
});

Deno.test("HttpConnection keeps nothing of the connection that it was before, whatever the two were", () => {
  const talks = talksOfEveryKind();
  const reader = () => {
    const events: Snapshot[] = [];
    const note = (exchange: Exchange) => void events.push(snapshot(exchange));
    const pipeline = new Pipeline({ request: note, exchange: note }, { ports: [80], keepQuery: true });
    return (frames: readonly Frame[]) => {
      const before = pipeline.figures({ kernel: 0, interface: 0 });
      deliver(frames, pipeline.frame);
      pipeline.flush();
      const { unparsed, unpaired } = pipeline.figures({ kernel: 0, interface: 0 });
      assertEquals(Object.entries(pipeline.held()).filter(([, held]) => held > 0), []);
      const losses = { unparsed: unparsed - before.unparsed, unpaired: unpaired - before.unpaired };
      return { events: events.splice(0), losses };
    };
  };
  const expected = new Map(Object.entries(talks).map(([name, frames]) => [name, reader()(frames)]));
  for (const [before, first] of Object.entries(talks)) {
    for (const [name, second] of Object.entries(talks)) {
      const read = reader();
      assertEquals(read(first), expected.get(before));
      assertEquals(read(second), expected.get(name), `${name} after ${before}`);
    }
  }
  assertEquals([...expected.values()].filter(({ events }) => events.length > 0).length, expected.size - 2);
});
