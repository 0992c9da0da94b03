/**
 * Connections that carry HTTP/1 in all the forms that it may have on the wire, made from plans that fast-check thinks up.
 *
 * @module
 */

import fc from "fast-check";
import { Conversation, type ConversationOptions, type Frame, LINK_TYPES } from "./frames.ts";

/** What must be the same however a conversation was cut and captured. */
export interface Pair {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** How one exchange looks on the wire. */
export interface Script {
  readonly method: "GET" | "HEAD" | "POST" | "OPTIONS";
  readonly requestFraming: "length" | "chunked";
  readonly responseFraming: "length" | "chunked" | "none";
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly interims: number;
  readonly headBytes: number;
  readonly bareLf: boolean;
}

/** A whole connection and how it is put on the wire. */
export interface Plan {
  readonly scripts: readonly Script[];
  /** Whether the client waits for each response, sends all at once, or keeps two requests under way. */
  readonly style: "turns" | "batch" | "sliding";
  readonly together: boolean;
  readonly lastUntilClose: boolean;
  readonly segmentSize: number;
  readonly link: "ipv4" | "ipv6" | "vlan" | "cooked" | "loopback";
  readonly closes: "client" | "server" | "reset";
  readonly acknowledge: boolean;
}

const script: fc.Arbitrary<Script> = fc.record({
  method: fc.constantFrom("GET", "GET", "HEAD", "POST", "OPTIONS"),
  requestFraming: fc.constantFrom("length", "chunked"),
  responseFraming: fc.constantFrom("length", "length", "chunked", "none"),
  requestBytes: fc.nat(300),
  responseBytes: fc.nat(900),
  interims: fc.constantFrom(0, 0, 0, 1, 2),
  headBytes: fc.nat(120),
  bareLf: fc.boolean(),
});

export const plan: fc.Arbitrary<Plan> = fc.record({
  scripts: fc.array(script, { minLength: 1, maxLength: 7 }),
  style: fc.constantFrom("turns", "turns", "batch", "sliding"),
  together: fc.boolean(),
  lastUntilClose: fc.boolean(),
  segmentSize: fc.constantFrom(1460, 1460, 400, 150, 61, 17),
  link: fc.constantFrom("ipv4", "ipv6", "vlan", "cooked", "loopback"),
  closes: fc.constantFrom("client", "server", "reset"),
  acknowledge: fc.boolean(),
});

const LINKS: Record<Plan["link"], ConversationOptions> = {
  ipv4: {},
  ipv6: { ipv6: true },
  vlan: { vlans: [7, 11] },
  cooked: { linkType: LINK_TYPES.linuxSll2, ipv6: true },
  loopback: { linkType: LINK_TYPES.null },
};

/** Body content in which a careless reader would see messages. */
function content(bytes: number): string {
  return "HTTP/1.1 299 No\r\nContent-Length: 3\r\n\r\n0\r\n\r\n".repeat(1 + bytes / 40).slice(0, bytes);
}

function chunked(bytes: number): string {
  const text = content(bytes);
  const chunks: string[] = [];
  for (let at = 0, size = 7; at < text.length; at += size, size = size * 3 + 1) {
    const chunk = text.slice(at, at + size);
    chunks.push(`${chunk.length.toString(16)};name="v"\r\n${chunk}\r\n`);
  }
  return `${chunks.join("")}000\r\nTrailer: GET / HTTP/1.1\r\n\r\n`;
}

function hostOf(index: number): string {
  return `h${index % 3}.test`;
}

/** The bytes of both messages of exchange `index`, and what should be told of it. */
export function write(script: Script, index: number, untilClose: boolean) {
  const { method } = script;
  // Every status is different, so that a wrong pair cannot look right.
  const status = script.responseFraming === "none" ? (index % 2 ? 204 : 304) : 210 + index;
  const newline = script.bareLf ? "\n" : "\r\n";
  const head = (lines: string[]) =>
    [...lines, `X-Fill: ${"f".repeat(script.headBytes)}`, "", ""].join(newline);
  const hasBody = method === "POST" && script.requestBytes > 0;
  const requestLines = [`${method} /s${index}/p?q=1 HTTP/1.1`, `Host: ${hostOf(index)}`];
  let request = head(requestLines);
  if (hasBody && script.requestFraming === "length") {
    request = head([...requestLines, `Content-Length: ${script.requestBytes}`]) +
      "p".repeat(script.requestBytes);
  } else if (hasBody) {
    request = head([...requestLines, "Transfer-Encoding: gzip, chunked"]) +
      `${script.requestBytes.toString(16)}\r\n${"p".repeat(script.requestBytes)}\r\n0\r\n\r\n`;
  }
  const statusLine = `HTTP/1.1 ${status} Words`;
  let response = head([statusLine, "Content-Length: 0"]), responseBytes = 0;
  if (script.responseFraming === "none") {
    response = head([statusLine, "Content-Length: 77"]);
  } else if (method === "HEAD") {
    response = head([statusLine, `Content-Length: ${script.responseBytes + 1}`]);
  } else {
    responseBytes = script.responseBytes;
    if (untilClose) response = head([statusLine]) + content(responseBytes);
    else if (script.responseFraming === "chunked") {
      response = head([statusLine, "Transfer-Encoding: chunked"]) + chunked(responseBytes);
    } else response = head([statusLine, `Content-Length: ${responseBytes}`]) + content(responseBytes);
  }
  const pair: Pair = {
    method,
    host: hostOf(index),
    path: `/s${index}/p`,
    status,
    requestBytes: hasBody ? script.requestBytes : 0,
    responseBytes,
  };
  return { request, interims: "HTTP/1.1 100 Continue\r\n\r\n".repeat(script.interims), response, pair };
}

/** The frames of a planned connection, and what should be told of it. */
export function converse(plan: Plan, options: ConversationOptions = {}): { frames: Frame[]; pairs: Pair[] } {
  const conversation = new Conversation({
    ...LINKS[plan.link],
    segmentSize: plan.segmentSize,
    acknowledge: plan.acknowledge,
    ...options,
  });
  const last = plan.scripts.length - 1;
  const untilClose = plan.lastUntilClose && plan.closes !== "reset";
  const written = plan.scripts.map((script, i) => write(script, i, untilClose && i === last));
  const answer = ({ interims, response }: typeof written[number]) => {
    if (interims !== "") conversation.server(interims);
    conversation.server(response);
  };
  conversation.handshake();
  if (plan.style === "turns") {
    for (const exchange of written) {
      conversation.client(exchange.request);
      answer(exchange);
    }
  } else if (plan.style === "batch") {
    if (plan.together) conversation.client(written.map(({ request }) => request).join(""));
    else for (const { request } of written) conversation.client(request);
    for (const exchange of written) answer(exchange);
  } else {
    conversation.client(written[0]!.request);
    for (const [i, exchange] of written.entries()) {
      const next = written[i + 1];
      if (next) conversation.client(next.request);
      answer(exchange);
    }
  }
  if (plan.closes === "reset") conversation.reset("client");
  else conversation.close(untilClose ? "server" : plan.closes);
  return { frames: conversation.frames, pairs: written.map(({ pair }) => pair) };
}
