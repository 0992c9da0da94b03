import { assertGreater } from "@std/assert";
import fc from "fast-check";
import { ethernet, type Frame, frameOf, ipv4, tcp } from "../support/frames.ts";
import { assertUsualHeadsAreLikeOthers } from "../support/lanes.ts";
import { conversation, head } from "./support.ts";
import { talksOfEveryKind } from "./talks.ts";

/** What one end does next; `acknowledged` is how many of the other end's messages it has not seen yet. */
interface Step {
  readonly sender: "client" | "server";
  readonly message: string;
  readonly acknowledged: number;
  /** Whether it was captured. */
  readonly captured: boolean;
  readonly wait: number;
}

/** The frames of a connection on which both ends may be ahead of what they have acknowledged. */
function framesOf(steps: readonly Step[]): Frame[] {
  const ends = {
    client: { next: 1001, seen: [1001], port: 40000, address: "10.0.0.1" },
    server: { next: 5001, seen: [5001], port: 80, address: "10.0.0.2" },
  };
  const c = conversation(() => {});
  let { time } = c;
  for (const { sender, message, acknowledged, captured, wait } of steps) {
    const from = ends[sender], to = ends[sender === "client" ? "server" : "client"];
    const addresses = { source: from.address, destination: to.address };
    const ack = to.seen[Math.max(0, to.seen.length - 1 - acknowledged)]!;
    const segment = tcp(message, {
      ...addresses,
      sourcePort: from.port,
      destinationPort: to.port,
      seq: from.next,
      ack,
      flags: "PA",
    });
    from.next += message.length;
    from.seen.push(from.next);
    time += wait;
    if (captured) c.frames.push(frameOf(ethernet(ipv4(segment, addresses)), { time }));
  }
  return c.frames;
}

const client = fc.constantFrom(
  ...Array<string>(6).fill(head("GET /a/b?c HTTP/1.1", "Host: a.test")),
  head("HEAD /head HTTP/1.1", "Host: a.test"),
  head("CONNECT /odd HTTP/1.1", "Host: a.test"),
  head("POST /part HTTP/1.1", "Content-Length: 9") + "part",
  "more!",
  "no HTTP\r\n\r\n",
);
const server = fc.constantFrom(
  ...Array<string>(6).fill(head("HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Length: 2") + "ok"),
  head("HTTP/1.1 304 Not Modified", "Content-Length: 5") + "hello",
  head("HTTP/1.1 204 No Content", "Content-Length: 0"),
  head("HTTP/1.1 100 Continue", "Content-Length: 0"),
  head("HTTP/1.1 103 Early Hints", "Content-Length: 0"),
  head("HTTP/1.1 200 OK", "Content-Length: 3") + "n",
  head("HTTP/1.1 200 OK", "Content-Length: 2") + "ok and more",
  head("HTTP/1.1 200 OK", "Content-Length: 2") + "ok" + head("HTTP/1.1 404 No", "Content-Length: 0"),
  head("HTTP/1.1 302 Found"),
  "no HTTP\r\n\r\n",
);
const often = <T>(usual: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const facts = {
  acknowledged: often(0, fc.nat(3)),
  captured: often(true, fc.constant(false)),
  wait: often(1000, fc.constant(120_000)),
};
const request: fc.Arbitrary<Step> = fc.record({ sender: fc.constant("client"), message: client, ...facts });
const response: fc.Arbitrary<Step> = fc.record({ sender: fc.constant("server"), message: server, ...facts });
/** Mostly turns. */
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(request, response).map((both): Step[] => both) },
    { weight: 1, arbitrary: request.map((one) => [one]) },
    { weight: 1, arbitrary: response.map((one) => [one]) },
  ),
  { minLength: 2, maxLength: 14 },
).map((turns) => turns.flat());

Deno.test("messages of the usual form are paired and counted as they are when read like all others", () => {
  let taken = 0;
  fc.assert(
    fc.property(steps, (steps) => {
      taken += assertUsualHeadsAreLikeOthers(framesOf(steps));
    }),
    { numRuns: 2000, seed: 9 },
  );
  assertGreater(taken, 500);
});

for (const [name, frames] of Object.entries(talksOfEveryKind())) {
  Deno.test(`it makes no difference which heads count as usual: ${name}`, () => {
    assertUsualHeadsAreLikeOthers(frames);
  });
}

const GET = head("GET /a HTTP/1.1", "Host: a.test");
const OK = head("HTTP/1.1 200 OK", "Content-Length: 2") + "ok";

for (
  const [name, request, response] of [
    ["CONNECT of an origin form", head("CONNECT /path HTTP/1.1", "Host: a.test"), OK],
    ["OPTIONS", head("OPTIONS /path HTTP/1.1", "Host: a.test"), OK],
    ["HEAD with content", head("HEAD /path HTTP/1.1", "Host: a.test"), OK],
    ["304 with content", GET, head("HTTP/1.1 304 Not Modified", "Content-Length: 5") + "hello"],
    ["100 with a length", GET, head("HTTP/1.1 100 Continue", "Content-Length: 0") + OK],
    ["a request with a length of 0", head("POST / HTTP/1.1", "Content-Length: 0"), OK],
    ["a part of a body", GET, head("HTTP/1.1 200 OK", "Content-Length: 5") + "part"],
    ["no length", GET, head("HTTP/1.1 200 OK") + "until the end"],
    ["two answers", GET, OK + OK],
    ["no host", head("GET / HTTP/1.1"), OK],
    ["an empty host", head("GET / HTTP/1.1", "Host:"), OK],
    ["a port without a host", head("GET / HTTP/1.1", "Host: :81"), OK],
    ["a long path", head(`GET /${"p".repeat(5000)} HTTP/1.1`, "Host: a.test"), OK],
  ] as const
) {
  Deno.test(`it makes no difference which heads count as usual: a usual exchange, then ${name}`, () => {
    const { frames } = conversation((c) => {
      for (let i = 0; i < 2; i++) {
        c.client(GET);
        c.server(OK);
      }
      c.client(request);
      c.server(response);
      c.client(GET);
      c.server(OK);
      c.close();
    }, { segmentSize: 10_000 });
    assertGreater(assertUsualHeadsAreLikeOthers(frames), 0);
  });
}

Deno.test("it makes no difference which heads count as usual: the answer comes before its request is over", () => {
  const { frames } = conversation((c) => {
    c.client(GET);
    c.server(OK);
    c.client(head("POST /part HTTP/1.1", "Content-Length: 9") + "part");
    c.server(OK);
    c.client("more!");
    c.client(GET);
    c.server(OK);
  });
  assertGreater(assertUsualHeadsAreLikeOthers(frames), 0);
});

Deno.test("it makes no difference which heads count as usual: more requests wait than may", () => {
  const { frames } = conversation((c) => {
    for (let i = 0; i < 1100; i++) {
      c.client(GET);
      c.server(head("HTTP/1.1 102 Processing"));
    }
    c.server(OK);
  });
  assertUsualHeadsAreLikeOthers(frames);
});
