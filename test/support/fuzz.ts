/**
 * Fuzzing: cases made from a seed and a number, each the same whenever it is made again, and what must hold for each.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import { toRecord } from "./record.ts";
import { SavefileReader } from "../../src/savefile.ts";
import { Aggregate } from "../../src/stats/aggregate.ts";
import { concat, Conversation, deliver, type Frame, LINK_TYPES, payloadBytes } from "./frames.ts";
import { NO_LOSSES } from "../stats/exchanges.ts";
import { HpackEncoder } from "./hpack_encoder.ts";
import * as http2 from "./http2.ts";
import { Lanes } from "./lanes.ts";
import { prelude } from "./preludes.ts";
import { pcapngFile } from "./savefile_builder.ts";
import { TUNNEL_LINK_TYPES } from "./tunnels.ts";

/** A capture that cases are made from. */
export interface FuzzInput {
  readonly bytes: Uint8Array;
  readonly frames: readonly Frame[];
}

/** Frames, or a savefile that comes in chunks of `chunk` bytes. */
export type FuzzCase =
  | { readonly kind: "frames"; readonly frames: readonly Frame[] }
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly chunk: number };

/** Frames that are remembered of one capture, and that a case takes of it. */
const MOST_FRAMES = 4000;
const MOST_CASE_FRAMES = 120;
/** Longer savefiles are cut before they are changed. */
const MOST_FILE_BYTES = 100_000;

/** Reads the captures at `paths`. */
export function readInputs(paths: readonly (string | URL)[]): FuzzInput[] {
  return paths.map((path) => {
    const bytes = Deno.readFileSync(path);
    const frames: Frame[] = [];
    new SavefileReader().push(bytes, ({ bytes: whole, start, end, wireLength, time, linkType }) => {
      if (frames.length < MOST_FRAMES) {
        frames.push({ bytes: whole.slice(start, end), wireLength, time, linkType });
      }
    });
    return { bytes: bytes.subarray(0, MOST_FILE_BYTES), frames };
  });
}

/** The case `number` of `seed`: always the same for the same inputs. */
export function makeCase(seed: number, number: number, inputs: readonly FuzzInput[]): FuzzCase {
  const random = new Random(seed, number);
  switch (random.below(5)) {
    case 0: {
      const { bytes } = random.of(inputs);
      return {
        kind: "file",
        bytes: changeBytes(random, bytes, random.below(12)),
        chunk: 1 + random.below(5000),
      };
    }
    case 1:
    case 2: {
      const frames = Array.from({ length: 1 + random.below(2) }, () => run(random, inputs)).flat();
      return { kind: "frames", frames: changeFrames(random, frames, random.below(25)) };
    }
    default: {
      const frames = Array.from({ length: 1 + random.below(3) }, (_, i) => converse(random, i)).flat();
      if (random.once(2)) frames.splice(random.below(frames.length), 0, ...prelude(random));
      return { kind: "frames", frames: changeFrames(random, frames, random.below(8)) };
    }
  }
}

/** A case as a savefile, which `runCase` takes as well. */
export function caseFile(input: FuzzCase): Uint8Array {
  return input.kind === "file" ? input.bytes : pcapngFile(input.frames);
}

/** What a case goes through: more than once when it is to show what stays behind. */
export class FuzzTarget {
  readonly #open = new Set<Exchange>();
  readonly #aggregate: Aggregate = new Aggregate({
    threshold: 10,
    windowMicros: 120_000_000,
    top: 10,
    losses: () => NO_LOSSES,
    keyCap: 1000,
  });
  readonly #pipeline = new Pipeline({
    request: (exchange) => {
      checkExchange(exchange);
      this.#open.add(exchange);
      this.#aggregate.request(exchange);
    },
    exchange: (exchange) => {
      checkExchange(exchange);
      assert(this.#open.delete(exchange), "an exchange without its request, or given twice");
      this.#aggregate.exchange(exchange);
    },
  }, { ports: [80], keepQuery: true, network: this.#aggregate });

  readonly #lanes = new Lanes();

  /** Takes a case to its end. Throws what is wrong. */
  run(input: FuzzCase): void {
    const pipeline = this.#pipeline;
    if (input.kind === "frames") {
      deliver(input.frames, pipeline.frame);
      this.#lanes.take(input.frames, CUTS).end();
    } else {
      this.#lanes.takeFile(input.bytes, input.chunk).end();
      const reader = new SavefileReader();
      for (let at = 0; at < input.bytes.length; at += input.chunk) {
        reader.push(input.bytes.subarray(at, at + input.chunk), pipeline.frame);
      }
    }
    pipeline.flush();
    assertEquals(this.#open.size, 0, "requests that did not become exchanges");
    assertEquals(Object.entries(pipeline.held()).filter(([, held]) => held !== 0), [], "held after the end");
    const figures = pipeline.figures(NO_DROPS);
    const source = { file: "-", filter: "", linkType: "" };
    const report = this.#aggregate.report(source, figures, pipeline.time, pipeline.network());
    checkNumbers({ figures, report }, "");
  }
}

/** Where frames are cut into runs. */
const CUTS = Array.from({ length: 20 }, (_, i) => i * 4099);
const NO_DROPS = { kernel: 0, interface: 0 };

/** Throws unless an exchange is well formed. */
export function checkExchange(exchange: Exchange): void {
  const { status, method, host, path, section } = exchange;
  assert(status === 0 || (Number.isInteger(status) && status >= 100 && status <= 999), `status ${status}`);
  assert(method !== "" && host !== "" && section !== "", "an empty method, host or section");
  assert(section === path || path.startsWith(section) || section === "/", `section ${section} of ${path}`);
  const record = toRecord(exchange);
  checkNumbers(record, "");
  JSON.stringify(record);
}

/** Throws unless all numbers within are finite and not negative. */
export function checkNumbers(value: unknown, name: string): void {
  if (typeof value === "number") {
    assert(Number.isFinite(value) && value >= 0, `${name} is ${value}`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) checkNumbers(inner, `${name} ${key}`.trimStart());
  }
}

/** Numbers that follow from a seed (PCG's mixing of a counter). */
class Random {
  #state: number;

  constructor(seed: number, number: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) + Math.imul(number, 0x85ebca6b)) | 0;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * limit);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const LINK_TYPE_VALUES = [...Object.values(LINK_TYPES), ...Object.values(TUNNEL_LINK_TYPES)];
const EDGES = [0, 1, 2, 3, 4, 5, 8, 20, 0x3f, 0x7f, 0x80, 0xfe, 0xff, 0x100, 0x7fff, 0x8000, 0xffff];
const WIDE_EDGES = [...EDGES, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

/** Frames that follow each other in a capture. */
function run(random: Random, inputs: readonly FuzzInput[]): Frame[] {
  const { frames } = random.of(inputs);
  const from = random.below(frames.length);
  return frames.slice(from, from + 1 + random.below(MOST_CASE_FRAMES));
}

/** Frames after `changes` changes. */
function changeFrames(random: Random, frames: readonly Frame[], changes: number): Frame[] {
  const changed = [...frames];
  for (let i = 0; i < changes && changed.length > 0; i++) {
    const at = random.below(changed.length), other = random.below(changed.length);
    const frame = changed[at]!;
    switch (random.below(11)) {
      case 0:
      case 1:
      case 2: {
        // Headers matter more than what they carry.
        const head = 1 + random.below(Math.min(frame.bytes.length, 100) || 1);
        const start = changeBytes(random, frame.bytes.subarray(0, head), 1 + random.below(3));
        changed[at] = { ...frame, bytes: concat(start, frame.bytes.subarray(head)) };
        break;
      }
      case 3:
        changed[at] = { ...frame, bytes: changeBytes(random, frame.bytes, 1 + random.below(4)) };
        break;
      case 4: {
        const bytes = frame.bytes.subarray(0, random.below(frame.bytes.length + 1));
        changed[at] = { ...frame, bytes, wireLength: random.once(2) ? bytes.length : frame.wireLength };
        break;
      }
      case 5:
        changed[at] = { ...frame, wireLength: random.of(WIDE_EDGES) };
        break;
      case 6:
        changed[at] = {
          ...frame,
          linkType: random.once(9) ? random.below(300) : random.of(LINK_TYPE_VALUES),
        };
        break;
      case 7:
        changed[at] = { ...frame, time: timeNear(random, frame.time) };
        break;
      case 8:
        changed.splice(at, 1 + random.below(3));
        break;
      case 9:
        changed.splice(other, 0, frame);
        break;
      case 10:
        changed[at] = changed[other]!;
        changed[other] = frame;
        break;
    }
  }
  return changed;
}

function timeNear(random: Random, time: number): number {
  switch (random.below(4)) {
    case 0:
      return random.of([0, 1, 2 ** 32 * 1e6, Number.MAX_SAFE_INTEGER]);
    case 1:
      return Math.max(0, time - random.below(400e6));
    default:
      return time + random.below(400e6);
  }
}

/** A copy of `bytes` after `changes` changes. */
function changeBytes(random: Random, bytes: Uint8Array, changes: number): Uint8Array {
  let changed = bytes.slice();
  for (let i = 0; i < changes; i++) {
    const at = random.below(changed.length || 1), length = random.below(Math.min(changed.length, 40) + 1);
    switch (random.below(7)) {
      case 0:
      case 1:
        if (changed.length > 0) changed[at]! ^= 1 << random.below(8);
        break;
      case 2:
        if (changed.length > 0) changed[at] = random.of(EDGES);
        break;
      case 3: {
        const width = random.of([2, 4]);
        const value = random.of(WIDE_EDGES);
        for (let j = 0; j < width && at + j < changed.length; j++) {
          changed[at + j] = value >>> (8 * (width - 1 - j));
        }
        break;
      }
      case 4:
        changed = concat(changed.subarray(0, at), changed.subarray(at + length));
        break;
      case 5: {
        const from = random.below(changed.length || 1);
        const part = changed.slice(from, from + length);
        changed = concat(changed.subarray(0, at), part, changed.subarray(at));
        break;
      }
      case 6:
        changed = concat(changed.subarray(0, at), payloadBytes(random.of(WORDS)), changed.subarray(at));
        break;
    }
  }
  return changed;
}

/** What has a meaning in HTTP/1. */
const WORDS = [
  "GET / HTTP/1.1\r\n",
  "GET /old\r\n",
  "POST /a?b HTTP/1.0\r\n",
  "HEAD http://u:p@h.test:80/ HTTP/1.1\r\n",
  "CONNECT [::1]:443 HTTP/1.1\r\n",
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n",
  "HTTP/1.1 204\r\n\r\n",
  "ICY 200 OK\r\n",
  "Host: a.test\r\n",
  "Host:\r\n [::1]\r\n",
  "Upgrade: h2c\r\n",
  "Upgrade: websocket\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 999999999999999\r\n",
  "Transfer-Encoding: chunked\r\n",
  "5\r\nhello\r\n",
  "fffffffffff\r\n",
  "0\r\n\r\n",
  "\r\n",
  "\r\n\r\n",
  "\n",
  " ",
  "\t",
  ":",
  "\0",
  "\u{10ffff}",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/** The frames of a connection that carries HTTP, more or less. */
function converse(random: Random, index: number): Frame[] {
  const conversation = new Conversation({
    client: { port: 1000 + index, isn: random.once(3) ? 2 ** 32 - random.below(500) : 1000 },
    server: { port: random.once(4) ? 8080 : 80, isn: random.once(3) ? 2 ** 31 - random.below(500) : 5000 },
    ipv6: random.once(4),
    linkType: random.of(Object.values(LINK_TYPES)),
    segmentSize: random.once(2) ? 1460 : 1 + random.below(200),
    acknowledge: !random.once(3),
    ...(random.once(6) && { snaplen: 60 + random.below(200) }),
  });
  if (!random.once(5)) conversation.handshake();
  const messages = random.once(2) ? http2Messages(random) : http1Messages(random);
  for (const [side, bytes] of messages) {
    const isChanged = random.once(3);
    const sent = changeBytes(random, bytes, isChanged ? 1 + random.below(4) : 0);
    if (random.once(15)) conversation.lose(side, sent.length);
    else conversation[side](sent);
  }
  if (random.once(3)) conversation.reset();
  else if (!random.once(4)) conversation.close(random.of(["client", "server"]));
  return conversation.frames;
}

type Message = readonly [side: "client" | "server", bytes: Uint8Array];

function http1Messages(random: Random): Message[] {
  const words = (count: number) =>
    Array.from({ length: random.below(count) }, () => random.of(WORDS)).join("");
  const body = () => {
    const length = random.below(random.once(10) ? 70_000 : 60);
    const content = "b".repeat(length);
    return random.of([
      `Content-Length: ${length}\r\n\r\n${content}`,
      `Transfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${content}\r\n0\r\n\r\n`,
      `\r\n${content}`,
      "\r\n",
      `X: ${content}\r\n\r\n`,
    ]);
  };
  const messages: Message[] = [];
  for (let i = 1 + random.below(5); i > 0; i--) {
    const request = `${random.of(["GET", "HEAD", "POST", "get"])} /${i} HTTP/1.1\r\nHost: h${i}.test\r\n`;
    messages.push(["client", payloadBytes(request + words(4) + body())]);
    if (random.once(4)) messages.push(["server", payloadBytes(words(8))]);
    const response = `HTTP/1.1 ${random.of([200, 304, 404, 101, 100])} R\r\nContent-Type: a/b\r\n`;
    messages.push(["server", payloadBytes(response + words(4) + body())]);
  }
  return messages;
}

function http2Messages(random: Random): Message[] {
  const [client, server] = [new HpackEncoder(), new HpackEncoder()];
  const block = (encoder: HpackEncoder, fields: readonly (readonly [string, string])[]) => {
    if (random.once(8)) encoder.resize(random.of([0, 50, 4096]));
    const indexing = random.of(["incremental", "none", "never"] as const);
    return changeBytes(
      random,
      encoder.encode(fields, { huffman: random.once(2), indexing }),
      random.once(6) ? 1 : 0,
    );
  };
  const messages: Message[] = [
    ["client", concat(random.once(9) ? new Uint8Array(0) : http2.PREFACE, http2.settings())],
    ["server", concat(http2.settings(), http2.settingsAck())],
  ];
  const streams = 1 + random.below(6);
  for (let i = 0; i < streams; i++) {
    const stream = random.once(9) ? random.below(9) : 2 * i + 1;
    const options = () => ({
      endStream: random.once(2),
      padding: random.below(9),
      priority: random.once(4),
      fragments: 1 + random.below(3),
    });
    const request = [
      [":method", random.of(["GET", "POST", "CONNECT"])],
      [":scheme", "http"],
      [":authority", random.of(["a.test", "[::1]:80", "", "u@b.test"])],
      [":path", random.of(["/", `/${i}/x?y`, "*", ""])],
      ["content-type", random.of(["application/grpc", "a/b"])],
    ] as const;
    const response = [[":status", random.of(["200", "100", "404", "99", "x"])], [
      "x",
      "y".repeat(random.below(99)),
    ]] as const;
    messages.push(["client", http2.headers(stream, block(client, request), options())]);
    if (random.once(2)) {
      messages.push(["client", http2.data(stream, "b".repeat(random.below(400)), options())]);
    }
    if (random.once(8)) {
      messages.push([
        "server",
        http2.pushPromise(stream, 2 * i + 2, block(server, request), { padding: random.below(5) }),
      ]);
    }
    messages.push(["server", http2.headers(stream, block(server, response), options())]);
    messages.push(["server", http2.data(stream, "b".repeat(random.below(400)), options())]);
    const trailers = [["grpc-status", random.of(["0", "5", "-1", "99999999999"])]] as const;
    messages.push(["server", http2.headers(stream, block(server, trailers), { endStream: true })]);
    const control = random.of([
      http2.resetStream(stream),
      http2.goAway(stream),
      http2.ping(),
      http2.windowUpdate(stream),
      http2.frame(random.below(12), random.below(256), random.below(20), new Uint8Array(random.below(30))),
    ]);
    messages.push([random.of(["client", "server"] as const), control]);
  }
  return messages;
}
