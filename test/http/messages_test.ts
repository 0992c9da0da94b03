import { assert, assertEquals } from "@std/assert";
import { Framing } from "../../src/http/body.ts";
import { Head, NO_LENGTH } from "../../src/http/http1.ts";
import { type BodyPlan, MessageReader, type MessageStart } from "../../src/http/messages.ts";
import { Budget } from "../../src/stream/reassembly.ts";
import { payloadBytes } from "../support/frames.ts";
import { head } from "./support.ts";

const LONGEST = 64 * 1024;

/** A reader with a log of what it found: heads as `GET /` or the status, `end n`, `lost`, `missed`, `unparsed`. */
class Harness {
  readonly log: string[] = [];
  readonly starts: MessageStart[] = [];
  readonly lengths: number[] = [];
  readonly reader: MessageReader;
  #sequence = 1000;

  constructor(
    options: { fromStart?: boolean; budget?: Budget; plan?: (head: Head) => BodyPlan } = {},
    readonly budget = options.budget ?? new Budget(2 ** 26),
  ) {
    const plan = options.plan ?? lengthPlan;
    this.reader = new MessageReader(
      {
        usual: () => -1,
        head: (head, bytes, start, length) => {
          const name = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
          this.log.push(
            head.isRequest
              ? `${name(head.methodStart, head.methodEnd)} ${name(head.targetStart, head.targetEnd)}`
              : String(head.status),
          );
          this.starts.push({ ...start });
          this.lengths.push(length);
          return plan(head);
        },
        content: () => void this.log.push("content"),
        messageEnd: (bytes, _time, cut) => void this.log.push(`end ${bytes}${cut ? " cut" : ""}`),
        notHttp1: () => false,
        lostTrack: (missed) => void this.log.push(missed ? "missed" : "lost"),
        unparsed: () => void this.log.push("unparsed"),
      },
      0,
      new Head(),
      this.budget,
    );
    this.reader.begin(options.fromStart ?? true);
  }

  /** A segment of `text`, in pieces of `size` bytes. */
  data(text: string, options: { size?: number; time?: number } = {}): this {
    const bytes = payloadBytes(`!${text}!`);
    const size = options.size ?? text.length;
    for (let at = 0; at < text.length; at += size) {
      const end = Math.min(text.length, at + size);
      this.reader.data(bytes, 1 + at, 1 + end, this.#sequence, 77, options.time ?? 0);
      this.#sequence += end - at;
    }
    return this;
  }

  missing(length: number, lost = true): this {
    this.reader.missing(length, lost, 0);
    this.#sequence += length;
    return this;
  }
}

function lengthPlan(head: Head): BodyPlan {
  if (head.chunked) return { framing: Framing.chunked, length: 0, ignore: false, mayBeEmpty: false };
  const length = head.contentLength === NO_LENGTH ? 0 : head.contentLength;
  return { framing: length > 0 ? Framing.length : Framing.none, length, ignore: false, mayBeEmpty: false };
}

const GET = head("GET /a HTTP/1.1", "Host: a.test");
const POST = head("POST /b HTTP/1.1", "Content-Length: 6");

Deno.test("MessageReader cuts one direction into messages over any segmentation", () => {
  const chunked = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n";
  const text = `${GET}${POST}abcdef${chunked}${GET}`;
  const expected = ["GET /a", "end 0", "POST /b", "end 6", "200", "end 3", "GET /a", "end 0"];
  for (let size = 1; size <= text.length; size++) {
    const h = new Harness().data(text, { size });
    assertEquals(h.log, expected, `segments of ${size}`);
    assertEquals(h.budget.used, 0);
    assertEquals(h.starts.map(({ sequence }) => sequence - 1000), [
      0,
      GET.length,
      GET.length + POST.length + 6,
      GET.length + POST.length + 6 + chunked.length,
    ]);
    assertEquals(h.lengths, [GET, POST, chunked.slice(0, -13), GET].map(({ length }) => length));
  }
});

Deno.test("MessageReader gives the facts of the segment in which a message began", () => {
  const h = new Harness().data(GET.slice(0, 9), { time: 5 }).data(GET.slice(9), { time: 6 });
  assertEquals(h.starts, [{ sequence: 1000, acknowledgement: 77, time: 5, expected: true }]);
});

Deno.test("MessageReader passes over empty lines before a message", () => {
  const h = new Harness().data(`\r\n\n${GET}`).data("\r\n").data(GET);
  assertEquals(h.log, ["GET /a", "end 0", "GET /a", "end 0"]);
  assertEquals(h.starts.map(({ sequence }) => sequence), [1003, 1003 + GET.length + 2]);
});

Deno.test("MessageReader takes heads up to 64 KiB and the start of longer ones, however they are cut", () => {
  const longest = (extra: number) => {
    const start = "GET /long HTTP/1.1\r\nCookie: ";
    return `${start}${"c".repeat(LONGEST - start.length - 4 + extra)}\r\n\r\n`;
  };
  for (const size of [LONGEST + 100, 1460, 999]) {
    const fits = new Harness().data(longest(-1), { size }).data(GET);
    assertEquals(fits.log, ["GET /long", "end 0", "GET /a", "end 0"], `segments of ${size}`);
    const h = new Harness();
    h.data(longest(100).slice(0, LONGEST + 50), { size });
    // In one segment its end is never seen, in several the limit ends it.
    const found = ["GET /long", "end 0 cut", "unparsed", "lost"];
    assertEquals(h.log, found, `segments of ${size}`);
    assertEquals(h.budget.used, 0);
    h.data(GET);
    assertEquals(h.log, [...found, "GET /a", "end 0"]);
    const line = new Harness().data(`GET /${"l".repeat(LONGEST + 50)}`, { size });
    assertEquals([line.log, line.budget.used], [["unparsed", "lost"], 0]);
  }
});

Deno.test("MessageReader gives up a head when all unfinished heads together are too large", () => {
  const budget = new Budget(2000);
  const first = new Harness({ budget }).data(GET.slice(0, 10));
  const second = new Harness({ budget }).data(GET.slice(0, 10));
  const third = new Harness({ budget }).data(GET.slice(0, 10));
  assertEquals([first.log, second.log, third.log], [[], [], ["unparsed", "lost"]]);
  assert(budget.used <= budget.limit);
  first.data(GET.slice(10));
  second.data(GET.slice(10));
  assertEquals([first.log, second.log, budget.used], [["GET /a", "end 0"], ["GET /a", "end 0"], 0]);
});

Deno.test("MessageReader counts what is no message once and finds the next where a segment begins", () => {
  const h = new Harness().data("\x16\x03\x01 no HTTP").data("more").data(`tail of a body\r\n${GET}`).data(
    GET,
  );
  assertEquals(h.log, ["unparsed", "lost", "GET /a", "end 0"]);
  assertEquals(h.starts[0]!.expected, false);
  const between = new Harness().data(GET).data("garbage\r\n\r\n").data(GET);
  assertEquals(between.log, ["GET /a", "end 0", "unparsed", "missed", "GET /a", "end 0"]);
});

Deno.test("MessageReader believes usual methods only where no message need begin", () => {
  for (const size of [100, 3]) {
    const h = new Harness({ fromStart: false }).data("EAD /x HTTP/1.1\r\n\r\n", { size }).data(
      "BREW /x HTTP/1.1\r\n\r\n",
    );
    assertEquals(h.log, []);
    h.data(GET).data("BREW /x HTTP/1.1\r\n\r\n");
    assertEquals(h.log, ["GET /a", "end 0", "BREW /x", "end 0"]);
  }
});

Deno.test("MessageReader counts nothing that it cannot read in a connection met in the middle", () => {
  const h = new Harness({ fromStart: false }).data("rest of a body").data("GET / HT").data(
    "TP nonsense\r\n\r\n",
  );
  h.missing(10);
  h.reader.end(0);
  assertEquals(h.log, []);
});

Deno.test("MessageReader counts a broken chunked body and looks for the next message", () => {
  const chunked = head("POST /c HTTP/1.1", "Transfer-Encoding: chunked");
  const h = new Harness().data(`${chunked}3\r\nabcd`).data(GET);
  assertEquals(h.log, ["POST /c", "end 3 cut", "unparsed", "lost", "GET /a", "end 0"]);
});

Deno.test("MessageReader keeps track when missing bytes lie within a body of known length", () => {
  const h = new Harness().data(`${POST}a`).missing(4).data(`f${GET}`);
  assertEquals(h.log, ["POST /b", "end 6", "GET /a", "end 0"]);
  const whole = new Harness().data(POST).missing(6, false).data(GET);
  assertEquals(whole.log, ["POST /b", "end 6", "GET /a", "end 0"]);
});

Deno.test("MessageReader finds no body where a status line stands, if the body may be empty", () => {
  const response = head("HTTP/1.1 302 Found", "Content-Length: 40");
  const plan = (mayBeEmpty: boolean) => ({ framing: Framing.length, length: 40, ignore: false, mayBeEmpty });
  const body = "b".repeat(40);
  const empty = new Harness({ plan: () => plan(true) }).data(response + response).data(response + body);
  assertEquals(empty.log, ["302", "end 0", "302", "end 0", "302", "end 40"]);
  assertEquals(new Harness({ plan: () => plan(false) }).data(response + response).log.slice(0, 2), [
    "302",
    "end 40",
  ]);
  const later = new Harness({ plan: () => plan(true) }).data(`${response}b`).data(response.slice(0, 39)).data(
    response,
  );
  assertEquals(later.log, ["302", "end 40", "302"]);
});

Deno.test("MessageReader tells what a hole can hide", () => {
  const chunked = head("POST /c HTTP/1.1", "Transfer-Encoding: chunked");
  const cases: [name: string, harness: Harness, log: string[]][] = [
    ["between messages", new Harness().data(GET).missing(9), ["GET /a", "end 0", "missed"]],
    ["at the start", new Harness().missing(9), ["missed"]],
    ["in a head", new Harness().data(GET.slice(0, 9)).missing(9), ["unparsed", "missed"]],
    ["in a chunked body", new Harness().data(chunked).missing(9), ["POST /c", "end 0", "lost"]],
    ["from a body on", new Harness().data(POST).missing(9), ["POST /b", "end 6", "missed"]],
    ["already lost", new Harness({ fromStart: false }).missing(9), []],
  ];
  for (const [name, harness, log] of cases) {
    assertEquals(harness.log, log, name);
    assertEquals(harness.data(GET).log, [...log, "GET /a", "end 0"], name);
    assertEquals(harness.budget.used, 0);
  }
});

Deno.test("MessageReader counts what the snaplen cut off, unless it is body", () => {
  assertEquals(new Harness().data(GET).missing(9, false).log, ["GET /a", "end 0", "unparsed", "missed"]);
  assertEquals(new Harness().data(POST).missing(9, false).log, ["POST /b", "end 6", "unparsed", "missed"]);
  assertEquals(new Harness().data(POST).missing(5, false).log, ["POST /b"]);
  const chunked = head("POST /c HTTP/1.1", "Transfer-Encoding: chunked");
  assertEquals(new Harness().data(chunked).missing(9, false).log, [
    "POST /c",
    "end 0 cut",
    "unparsed",
    "lost",
  ]);
});

Deno.test("MessageReader takes a head that the snaplen cut for its message, as far as it goes", () => {
  const cut = new Harness().data(GET.slice(0, 20)).missing(GET.length - 20, false);
  assertEquals(cut.log, ["GET /a", "end 0 cut", "unparsed", "lost"]);
  assertEquals([cut.data(GET).log.slice(4), cut.budget.used], [["GET /a", "end 0"], 0]);
  const inLine = new Harness().data(GET.slice(0, 9)).missing(99, false);
  assertEquals([inLine.log, inLine.budget.used], [["unparsed", "missed"], 0]);
  const unlikely = new Harness({ fromStart: false }).data("BREW /x HTTP/1.1\r\n").missing(9, false);
  assertEquals(unlikely.log, ["missed"]);
});

Deno.test("MessageReader takes one line without a version for a request of HTTP/0.9, over any segmentation", () => {
  const plan = () => ({ framing: Framing.none, length: 0, ignore: true, mayBeEmpty: false });
  for (const text of ["GET /old\r\n", "GET /old\n", "GET /old\r\n\r\n"]) {
    for (let size = 1; size <= text.length; size++) {
      const h = new Harness({ plan }).data(text, { size });
      assertEquals([h.log, h.budget.used], [["GET /old", "end 0"], 0], `${JSON.stringify(text)}: ${size}`);
      assertEquals(new Harness({ fromStart: false, plan }).data(text, { size }).log, []);
    }
  }
  for (const text of ["GET /old\r\nHost: a\r\n\r\n", "GET old\r\n", "GET /a b\r\n", "POST /old\r\n"]) {
    assertEquals(new Harness({ plan }).data(text).log, ["unparsed", "lost"], text);
  }
});

Deno.test("MessageReader takes what answers a request of HTTP/0.9 for content, unless it has a head", () => {
  for (const text of ["<p>old</p>", "HTML", "HTTP/", "GET it\r\n\r\n", "\0\r\n"]) {
    for (let size = 1; size <= text.length; size++) {
      const h = new Harness();
      h.reader.expectContent();
      h.data(text, { size });
      h.reader.end(0);
      assertEquals(h.log, ["content", `end ${text.length}`], `${text}: ${size}`);
      assertEquals(h.budget.used, 0);
    }
  }
  const h = new Harness();
  h.reader.expectContent();
  h.data(head("HTTP/1.0 400 Bad Request")).data("no HTTP");
  assertEquals(h.log, ["400", "end 0", "unparsed", "missed"]);
});

Deno.test("MessageReader gives fields that go on over several lines whole", () => {
  const folded = "POST /f HTTP/1.1\r\nContent-Length:\r\n 6\r\nX: a\n\tb\r\n \r\n\r\n";
  for (let size = 1; size <= folded.length; size++) {
    const h = new Harness().data(`${folded}abcdef${GET}`, { size });
    assertEquals(h.log, ["POST /f", "end 6", "GET /a", "end 0"], `segments of ${size}`);
    assertEquals(h.lengths, [folded.length, GET.length]);
  }
});

Deno.test("MessageReader ends what is under way when the direction ends", () => {
  const untilClose = () => ({ framing: Framing.untilClose, length: 0, ignore: false, mayBeEmpty: false });
  const h = new Harness({ plan: untilClose }).data(`${GET}abc`).missing(10).data("d");
  h.reader.end(0);
  h.data(GET);
  assertEquals(h.log, ["GET /a", "end 14"]);
  const short = new Harness().data(`${POST}abc`);
  short.reader.end(0);
  assertEquals(short.log, ["POST /b", "end 3 cut"]);
  const unfinished = new Harness().data(GET.slice(0, 9));
  unfinished.reader.end(0);
  assertEquals([unfinished.log, unfinished.budget.used], [["unparsed"], 0]);
});

Deno.test("MessageReader reads nothing more when the connection stops being HTTP", () => {
  const h = new Harness({
    plan: () => ({ framing: Framing.none, length: 0, ignore: true, mayBeEmpty: false }),
  });
  h.data(`${GET}${GET}`).missing(5).data(GET);
  h.reader.end(0);
  assertEquals(h.log, ["GET /a", "end 0"]);
  const other = new Harness().data(GET.slice(0, 9));
  other.reader.ignore();
  other.data(GET);
  assertEquals([other.log, other.budget.used], [[], 0]);
});
