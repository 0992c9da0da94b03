import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { loadWriters } from "../../src/app/outputs.ts";
import type { SourceInfo } from "../../src/app/ports.ts";
import { run, type RunSettings } from "../../src/app/run.ts";
import { CaptureError, OutputError } from "../../src/errors.ts";
import { Exit } from "../../src/exit.ts";
import type { Report } from "../../src/stats/report.ts";
import { FakeClock, FakeOutput, FakeSource, FakeTerminal, settle } from "../support/fakes.ts";
import { Conversation, type Frame } from "../support/frames.ts";

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;

const defaults: RunSettings = {
  output: "json",
  interval: 10 * SECOND,
  duration: undefined,
  count: undefined,
  top: 10,
  threshold: 10,
  window: 2 * MINUTE,
  failOnAlert: false,
  keepQuery: false,
  lifecycle: true,
  ports: [80],
  color: false,
  unicode: true,
};

interface Setting extends Partial<RunSettings> {
  source?: Partial<SourceInfo>;
  saves?: boolean;
}

/** Starts a run; `ended` resolves with its exit code. */
async function start({ source: info = {}, saves = false, ...settings }: Setting = {}) {
  const clock = new FakeClock();
  const source = new FakeSource(info);
  const output = new FakeOutput();
  const saved = new FakeOutput();
  const terminal = new FakeTerminal();
  const notes: string[] = [];
  const stop = new AbortController();
  // Loaded before, so that the run begins at once.
  await loadWriters(settings.output ?? defaults.output, output);
  const ended = run({ ...defaults, ...settings }, {
    source,
    clock,
    output,
    terminal,
    save: saves ? { output: saved, path: "saved.pcap" } : undefined,
    note: (line) => notes.push(line),
    stop: stop.signal,
  });
  // A test looks at what comes of it later.
  ended.catch(() => {});
  await settle();
  return { clock, source, output, saved, terminal, notes, stop, ended };
}

type Started = Awaited<ReturnType<typeof start>>;

/** A connection with one answered request a microsecond apart from the next, each of its own client port. */
function requests(time: number, count: number, firstPort = 40_000): Frame[] {
  return Array.from({ length: count }, (_, index) => {
    const client = { port: firstPort + index };
    const conversation = new Conversation({ time: time + index, step: 1, client });
    conversation.handshake();
    conversation.client("GET /cart/items HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    conversation.close();
    return conversation.frames;
  }).flat();
}

/** The reports written since the last call. */
function reports({ output }: Started): Report[] {
  return output.take().split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

Deno.test("run reports at each interval of a silent device, and once more when it is stopped", async () => {
  const started = await start();
  await started.clock.pass(35);
  assertEquals(reports(started).map((report) => report.generatedAt), [
    "2026-01-02T03:04:15.000000Z",
    "2026-01-02T03:04:25.000000Z",
    "2026-01-02T03:04:35.000000Z",
  ]);
  started.stop.abort(null);
  assertEquals(await started.ended, Exit.done);
  const [last, ...more] = reports(started);
  assertEquals(more, []);
  assertEquals(last?.source, { interface: "eth0", filter: "tcp port 80", linkType: "EN10MB" });
  assertEquals(last?.totals.requests, 0);
  assertEquals([started.source.closed, started.output.closed, started.clock.timers], [1, 1, 0]);
  assertEquals(started.notes, []);
});

Deno.test("run counts the requests that came in the interval's report, with the drops", async () => {
  const started = await start();
  await started.source.send(requests(started.clock.now(), 3));
  started.source.current = { kernel: 7, interface: 1 };
  await started.clock.pass(10);
  const [report] = reports(started);
  assertEquals(report?.totals.requests, 3);
  assertEquals(report?.hosts.map(({ host, requests, status }) => ({ host, requests, status })), [
    { host: "shop.example", requests: 3, status: { "2xx": 3 } },
  ]);
  assertEquals(report?.sections[0]?.section, "/cart");
  assertEquals([report?.capture.droppedByKernel, report?.capture.droppedByInterface], [7, 1]);
  started.stop.abort(null);
  assertEquals(await started.ended, Exit.done);
});

Deno.test("run resolves an alert by the clock when no traffic comes any more", async () => {
  const started = await start();
  await started.clock.pass(1);
  await started.source.send(requests(started.clock.now(), 11));
  await started.clock.pass(9);
  const [firing] = reports(started);
  assertEquals(firing?.alerts.map(({ state, value, peak }) => ({ state, value, peak })), [
    { state: "firing", value: 11, peak: 11 },
  ]);
  await started.clock.pass(110);
  assertEquals(reports(started).at(-1)?.alerts[0]?.state, "firing");
  await started.clock.pass(10);
  const [alert] = reports(started).at(-1)!.alerts;
  assertEquals(alert?.state, "resolved");
  assertAlmostEquals(alert!.durationSeconds, 120, 0.001);
  assert(alert?.resolvedAt?.startsWith("2026-01-02T03:06:06"), alert?.resolvedAt);
  started.stop.abort(null);
  assertEquals(await started.ended, Exit.done);
  assertEquals(reports(started).at(-1)?.alerts.length, 1);
});

Deno.test("run does not alert at the threshold itself", async () => {
  const started = await start({ failOnAlert: true });
  await started.source.send(requests(started.clock.now(), 10));
  await started.clock.pass(10);
  assertEquals(reports(started).at(-1)?.alerts, []);
  started.stop.abort(null);
  assertEquals(await started.ended, Exit.done);
});

Deno.test("run ends with 3 after an alert, even a resolved one, when that is asked for", async () => {
  const started = await start({ failOnAlert: true });
  await started.source.send(requests(started.clock.now(), 11));
  await started.clock.pass(200);
  assertEquals(reports(started).at(-1)?.alerts[0]?.state, "resolved");
  started.stop.abort(null);
  assertEquals(await started.ended, Exit.alerted);
});

Deno.test("run ends a silent device after its duration", async () => {
  const started = await start({ duration: 25 * SECOND });
  await started.clock.pass(24);
  assert(!started.source.stopped);
  await started.clock.pass(1);
  assertEquals(await started.ended, Exit.done);
  assertEquals(reports(started).length, 3);
});

Deno.test("run that was stopped before it began reports and ends", async () => {
  const source = new FakeSource();
  const output = new FakeOutput();
  const code = await run(defaults, {
    source,
    clock: new FakeClock(),
    output,
    terminal: new FakeTerminal(),
    note: () => {},
    stop: AbortSignal.abort(null),
  });
  assertEquals(code, Exit.done);
  assertEquals(output.take().split("\n").length, 2);
});

Deno.test("run reports what was read before reading failed, says why and ends with 1", async () => {
  const started = await start();
  await started.source.send(requests(started.clock.now(), 2));
  await started.source.fail(new CaptureError("device", "eth0", "eth0: the device went down"));
  assertEquals(await started.ended, Exit.failed);
  assertEquals(reports(started).map((report) => report.totals.requests), [2]);
  assertEquals(started.notes, ["eth0: the device went down"]);
  assertEquals(started.source.closed, 1);
});

Deno.test("run explains the first failure when reporting fails, too", async () => {
  const started = await start();
  started.output.failure = new OutputError("standard output", "failed", "standard output: No space left");
  await started.source.fail(new CaptureError("device", "eth0", "eth0: the device went down"));
  assertEquals(await started.ended, Exit.failed);
  assertEquals(started.notes, ["eth0: the device went down"]);
});

Deno.test("run reports before it throws an error that ended it from outside", async () => {
  const started = await start();
  await started.source.send(requests(started.clock.now(), 2));
  started.stop.abort(new RangeError("made to crash"));
  await assertRejects(() => started.ended, RangeError, "made to crash");
  assertEquals(reports(started).map((report) => report.totals.requests), [2]);
});

Deno.test("run reports before it throws what nobody expected", async () => {
  const started = await start({ output: "screen" });
  await started.source.fail(new RangeError("impossible"));
  await assertRejects(() => started.ended, RangeError, "impossible");
  assert(!started.terminal.isOpen);
  assertStringIncludes(started.output.take(), "Requests");
});

Deno.test("run ends quietly when nobody reads its output any more", async () => {
  const started = await start();
  started.output.failure = new OutputError("standard output", "nobody reads", "standard output: Broken pipe");
  await started.clock.pass(10);
  assertEquals(await started.ended, Exit.done);
  assertEquals(started.notes, []);
});

Deno.test("run ends with 1 and says so when its output is full", async () => {
  const started = await start();
  started.output.failure = new OutputError("out.json", "failed", "out.json: No space left on device");
  await started.clock.pass(10);
  assertEquals(await started.ended, Exit.failed);
  assertEquals(started.notes, ["out.json: No space left on device"]);
});

Deno.test("run ends with 1 when packets can no longer be saved, and reports", async () => {
  const started = await start({ saves: true });
  await started.source.send(requests(started.clock.now(), 1));
  assert(started.saved.take().length > 24);
  started.saved.failure = new OutputError("saved.pcap", "failed", "saved.pcap: No space left on device");
  await started.source.send(requests(started.clock.now(), 1));
  assertEquals(await started.ended, Exit.failed);
  assertEquals(started.notes, ["saved.pcap: No space left on device"]);
  assertEquals(reports(started).length, 1);
});

Deno.test("run writes each exchange as soon as it has ended, and what it lost to the notes", async () => {
  const started = await start({ output: "ndjson" });
  await started.source.send(requests(started.clock.now(), 2));
  const lines = started.output.take().split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assertEquals(lines.map((line) => [line["url.domain"], line["http.response.status_code"]]), [
    ["shop.example", 200],
    ["shop.example", 200],
  ]);
  started.source.current = { kernel: 5, interface: 0 };
  await started.clock.pass(20);
  started.stop.abort(null);
  assertEquals(await started.ended, Exit.done);
  assertEquals(started.output.take(), "");
  assertEquals(started.notes, ["not seen or not read: droppedByKernel 5"]);
});

Deno.test("run gives up by the clock a request that nobody answers", async () => {
  const started = await start({ output: "ndjson", interval: 3600 * SECOND });
  const conversation = new Conversation({ time: started.clock.now() });
  conversation.handshake();
  conversation.client("GET /slow HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  await started.source.send(conversation.frames);
  await started.clock.pass(200);
  assertEquals(started.output.take(), "");
  await started.clock.pass(200);
  const [line, ...more] = started.output.take().split("\n").slice(0, -1);
  assertEquals(more, []);
  assertEquals(JSON.parse(line!)["url.path"], "/slow");
  started.stop.abort(null);
  assertEquals(await started.ended, Exit.done);
});

Deno.test("run reports on a file once, in packet time whatever the clock says", async () => {
  const started = await start({ source: { kind: "file", name: "old.pcap" } });
  const begin = 1_704_067_200 * SECOND;
  await started.source.send(requests(begin, 11));
  await started.clock.pass(150);
  await started.source.send(requests(begin + 60 * SECOND, 1, 50_000));
  await started.source.end();
  assertEquals(await started.ended, Exit.done);
  const [report, ...more] = reports(started);
  assertEquals(more, []);
  assertEquals(report?.source, { file: "old.pcap", filter: "tcp port 80", linkType: "EN10MB" });
  assertEquals(report?.period.start?.slice(0, 19), "2024-01-01T00:00:00");
  assertEquals(report?.period.end?.slice(0, 19), "2024-01-01T00:01:00");
  // Eleven, and one within the window: firing still, however long the file took to read.
  assertEquals(report?.alerts.map(({ state, value }) => ({ state, value })), [{
    state: "firing",
    value: 12,
  }]);
});

Deno.test("run ends a file after its duration in packet time", async () => {
  const started = await start({ source: { kind: "file", name: "old.pcap" }, duration: 30 * SECOND });
  const begin = 1_704_067_200 * SECOND;
  await started.source.send([...requests(begin, 2), ...requests(begin + 31 * SECOND, 5, 50_000)]);
  assertEquals(await started.ended, Exit.done);
  assertEquals(reports(started).map((report) => report.totals.requests), [2]);
});

Deno.test("run lets a pipe's time go on with the clock while the pipe is idle", async () => {
  const started = await start({ source: { kind: "pipe", name: "-" } });
  // A capture made long ago comes through the pipe.
  await started.source.send(requests(1_704_067_200 * SECOND, 11));
  await started.clock.pass(10);
  assertEquals(reports(started).map((report) => report.alerts[0]?.state), ["firing"]);
  await started.clock.pass(130);
  const [alert] = reports(started).at(-1)!.alerts;
  assertEquals(alert?.state, "resolved");
  assertMatch(alert!.resolvedAt!, /^2024-01-01T00:02:0/);
  await started.source.end();
  assertEquals(await started.ended, Exit.done);
});

Deno.test("run on an idle pipe reports at each interval and ends after its duration", async () => {
  const started = await start({ source: { kind: "pipe", name: "-" }, duration: 25 * SECOND });
  await started.clock.pass(24);
  assertEquals(reports(started).length, 2);
  await started.clock.pass(1);
  assertEquals(await started.ended, Exit.done);
  assertEquals(reports(started).length, 1);
});

Deno.test("run draws the screen at once, at each interval and on resize", async () => {
  const started = await start({ output: "screen" });
  const { clock, source, terminal } = started;
  const [first, ...others] = terminal.take();
  assertEquals(others, []);
  assertStringIncludes(first!, "\x1b[2J");
  assertStringIncludes(first!, "live 0s");

  await source.send(requests(clock.now(), 11));
  await clock.pass(9);
  assertEquals(terminal.take(), []);
  await clock.pass(1);
  const [second] = terminal.take();
  assertStringIncludes(second!, "1 firing");
  assert(!second!.includes("\x1b[2J"));

  terminal.current = { columns: 40, rows: 10 };
  await terminal.send({ kind: "resize" });
  const [resized] = terminal.take();
  assertStringIncludes(resized!, "\x1b[2J");
  assertStringIncludes(resized!, "\x1b[10;1H");
  assert(!resized!.includes("\x1b[11;1H"));

  await terminal.send({ kind: "resume" });
  assertStringIncludes(terminal.take()[0]!, "\x1b[2J");

  await terminal.press("q");
  assertEquals(await started.ended, Exit.done);
  assert(!terminal.isOpen);
  const report = started.output.take();
  assertMatch(report, /^2026-01-02 03:04:15 UTC {2}eth0 {2}ended/);
  assert(report.split("\n").every((line) => line.length <= 40), report);
  assertStringIncludes(report, "firing");
});

Deno.test("run shows the screen of a file only when reading takes long", async () => {
  const quick = await start({ output: "screen", source: { kind: "file", name: "old.pcap" } });
  await quick.clock.pass(0.09);
  await quick.source.end();
  assertEquals(await quick.ended, Exit.done);
  assertEquals(quick.terminal.take(), []);

  const slow = await start({ output: "screen", source: { kind: "file", name: "old.pcap" } });
  await slow.clock.pass(0.1);
  assertEquals(slow.terminal.take().length, 1);
  await slow.source.end();
  assertEquals(await slow.ended, Exit.done);
  assert(!slow.terminal.isOpen);
});

Deno.test("run ends with 1 when the terminal is gone", async () => {
  const started = await start({ output: "screen" });
  started.terminal.failure = new OutputError("the terminal", "failed", "the terminal: Input/output error");
  await started.source.send(requests(started.clock.now(), 1));
  await started.clock.pass(10);
  assertEquals(await started.ended, Exit.failed);
  assertEquals(started.notes, ["the terminal: Input/output error"]);
});

Deno.test("run tells in its reports how connections came about, unless it is to look at HTTP only", async () => {
  for (const lifecycle of [true, false]) {
    const started = await start({ lifecycle, source: { kind: "file" } });
    await started.source.send(requests(started.clock.now(), 3));
    await started.source.end();
    await started.ended;
    const [report] = reports(started);
    assertEquals(report?.network?.tcp.handshakes, lifecycle ? 3 : undefined);
    assertEquals(report?.hosts[0]?.connectMs !== undefined, lifecycle);
    assertEquals(report?.slowest[0]?.reused, lifecycle ? false : undefined);
  }
});

Deno.test("run writes an HTTP archive that is whole when the run has ended, also without any exchange", async () => {
  for (const count of [0, 3]) {
    const started = await start({ output: "har", source: { kind: "file" } });
    await started.source.send(requests(started.clock.now(), count));
    await started.source.end();
    assertEquals(await started.ended, Exit.done);
    const { log } = JSON.parse(started.output.take());
    assertEquals([log.version, log.entries.length], ["1.2", count]);
  }
});

Deno.test("run shows on the screen's page of exchanges those that ended last", async () => {
  const started = await start({ output: "screen", interval: SECOND });
  await started.source.send(requests(started.clock.now(), 250));
  await started.clock.pass(1);
  started.terminal.take();
  await started.terminal.press("w");
  assertStringIncludes(started.terminal.take().join(""), "1 of 200");
  started.stop.abort(null);
  await started.ended;
});
