/** What the program says and which exit code it gives when it cannot do what it was asked to, run as a user would. */

import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import type { Report } from "../../src/stats/report.ts";
import { Conversation } from "../support/frames.ts";
import { pcapFile } from "../support/savefile_builder.ts";
import { programArguments } from "./net.ts";
import { e2e, run, type RunResult, tempDir } from "./support.ts";

const deno = Deno.execPath();
const requestCount = 2000;

/** Runs the program with `--allow-ffi` and `permissions`. */
async function program(args: readonly string[], permissions: readonly string[] = []): Promise<RunResult> {
  return await run(deno, programArguments(args, permissions));
}

/** Runs the program in a shell command, in which `"$@"` starts it. */
async function shell(
  command: string,
  args: readonly string[],
  permissions: readonly string[] = [],
): Promise<RunResult> {
  return await run("sh", ["-c", command, "sh", deno, ...programArguments(args, permissions)]);
}

/** A capture of many requests. */
function capture(): Uint8Array<ArrayBuffer> {
  let time = 1_704_067_200_000_000;
  const frames = Array.from({ length: requestCount }, (_, index) => {
    const conversation = new Conversation({ time, client: { port: 20_000 + index } });
    conversation.handshake();
    conversation.client(`GET /section${index % 5}/page HTTP/1.1\r\nHost: host${index % 3}.example\r\n\r\n`);
    conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    conversation.close();
    time = conversation.time;
    return conversation.frames;
  }).flat();
  return pcapFile(frames);
}

/** Checks that the program ended with `code` and one line on standard error. */
function assertOneLine({ code, stderr }: RunResult, expected: number, wanted: RegExp): void {
  assertMatch(stderr, /^trafficsniffer: [^\n]*\n$/, `not one line:\n${stderr}`);
  assertMatch(stderr, wanted);
  assertNotMatch(stderr, /\bat (file|ext|async)\b|file:\/\/|os error|Uncaught|please report/);
  assertEquals(code, expected, stderr);
}

/** Checks that nothing but JSON, one value a line, was printed and returns the values. */
function jsonLines(stdout: string): unknown[] {
  assert(stdout.endsWith("\n"), "ends with a line feed");
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

type Case = [args: string[], wanted: RegExp];

e2e("a wrong command line gets one line, what to do and exit code 2", {}, async (context) => {
  const cases: Case[] = [
    [["--treshold", "5"], /unknown option --treshold; did you mean --threshold\?/],
    [["-x"], /unknown option -x; see trafficsniffer --help/],
    [["--threshold"], /--threshold needs a whole number/],
    [["-i"], /--interface needs the name of a device/],
    [["devcies"], /unknown command devcies; did you mean devices\?/],
    [["eth0"], /unknown command eth0; .*a device is given with -i/],
    [["-i", "lo", "-r", "x.pcap"], /--interface and --read exclude each other/],
    [["-p", "80", "-f", "tcp"], /--port and --filter exclude each other/],
    [["-r", "x.pcap", "-s", "100"], /--snaplen is for live capture/],
    [["--duration", "5"], /--duration needs a duration, such as 30s, .* not 5\n/],
    [["--interval", "5parsecs"], /--interval needs a duration, .* not 5parsecs\n/],
    [["-o", "xml"], /--output needs .*screen.* not xml\n/],
    [["-o", "screen", "--out", "x"], /--output screen is drawn on the terminal/],
    [["-p", "99999"], /--port needs .* not 99999\n/],
    [["-r", "x.pcap", "y.pcap"], /unexpected argument y\.pcap/],
    [["devices", "-r", "x"], /-r is not an option of devices/],
    [["--threshold=\x1b[31m"], /--threshold needs a whole number .*"\\u001b\[31m"\n/],
  ];
  for (const [args, wanted] of cases) {
    await context.step(args.join(" ").replace("\x1b", "ESC"), async () => {
      const result = await program(args);
      assertOneLine(result, 2, wanted);
      assertEquals(result.stdout, "");
    });
  }
});

e2e("a wrong configuration file gets file, line and nearest key, and exit code 2", {}, async () => {
  await using directory = await tempDir();
  const file = `${directory.path}/settings.ini`;
  const config = async (text: string, permissions = ["--allow-read"]) => {
    await Deno.writeTextFile(file, text);
    return await program(["-C", file], permissions);
  };
  assertOneLine(
    await config("; mine\n[report]\nintervall = 5s\n"),
    2,
    /settings\.ini:3: unknown key intervall; did you mean interval\?/,
  );
  assertOneLine(await config("threshold = many\n"), 2, /settings\.ini:1: threshold needs .* not many/);
  assertOneLine(await config("[aelrts]\n"), 2, /settings\.ini:1: unknown section \[aelrts\]/);
  assertOneLine(await config("top = 3\n", []), 2, /settings\.ini: .*--allow-read/);
  assertOneLine(
    await program(["-C", `${directory.path}/none`], ["--allow-read"]),
    2,
    /none: No such file or directory\n/,
  );
  assertOneLine(await program(["-C", directory.path], ["--allow-read"]), 2, /Is a directory\n/);
});

e2e("a file that is no capture is named with what is wrong with it", {}, async (context) => {
  await using directory = await tempDir();
  const at = (name: string) => `${directory.path}/${name}`;
  await Deno.writeFile(at("empty"), new Uint8Array(0));
  await Deno.writeTextFile(at("page.html"), "<!doctype html>\n<title>no capture</title>\n".repeat(10));
  const zip = new Blob([capture().slice(0, 5000)]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(at("capture.gz"), zip);
  const cases: [name: string, wanted: RegExp, piped: RegExp | undefined][] = [
    ["empty", /empty: empty file/, /-: empty file/],
    ["page.html", /page\.html: not a capture file/, /-: not a capture file/],
    [
      "capture.gz",
      /capture\.gz: compressed with gzip: unzip it first/,
      /-: compressed with gzip: unzip it first/,
    ],
    ["missing", /missing: No such file or directory/, undefined],
    ["", /: .*Is a directory/, /-: .*(cannot be read|Is a directory)/],
  ];
  for (const [name, wanted, piped] of cases) {
    await context.step(name || "a directory", async () => {
      assertOneLine(await program(["-q", "-r", at(name)]), 1, wanted);
      if (piped) assertOneLine(await shell(`"$@" <'${at(name)}'`, ["-q", "-r", "-"]), 1, piped);
    });
  }
  await context.step("closed standard input", async () => {
    assertOneLine(await shell('"$@" <&-', ["-q", "-r", "-"]), 1, /-: empty file/);
  });
});

e2e("a file that packets are saved to ends up for its owner alone, even if it existed", {}, async () => {
  await using directory = await tempDir();
  const [read, saved] = [`${directory.path}/read.pcap`, `${directory.path}/saved.pcap`];
  await Deno.writeFile(read, capture());
  await Deno.writeTextFile(saved, "something else", { mode: 0o644 });
  const result = await program(["-q", "-r", read, "-w", saved, "-o", "json"], ["--allow-write"]);
  assertEquals(result.code, 0, result.stderr);
  assertEquals(await Deno.readFile(saved), capture());
  assertEquals(((await Deno.stat(saved)).mode ?? 0) & 0o777, 0o600);
});

e2e("a file cut in the middle is reported on as far as it goes, and the byte is named", {}, async () => {
  await using directory = await tempDir();
  const file = `${directory.path}/cut.pcap`;
  const whole = capture();
  const cut = Math.floor(whole.length / 2) + 5;
  await Deno.writeFile(file, whole.subarray(0, cut));
  for (
    const start of [
      program(["-q", "-r", file, "-o", "json"]),
      shell(`"$@" <'${file}'`, ["-q", "-r", "-", "-o", "json"]),
    ]
  ) {
    const result = await start;
    assertOneLine(result, 1, /: cut .*at byte \d+/);
    const [report, ...more] = jsonLines(result.stdout) as Report[];
    assertEquals(more, []);
    const part = report!.totals.requests / requestCount;
    assert(part > 0.45 && part < 0.55, `${part} of the requests`);
  }
  const records = await program(["-q", "-r", file, "-o", "ndjson"]);
  assert(jsonLines(records.stdout).length > requestCount * 0.45);
  const text = await program(["-r", file]);
  assertStringIncludes(text.stdout, "Busiest host host0.example");
  assertEquals(text.code, 1);
});

e2e("a bad filter gets libpcap's words and the expression", { needs: ["root"] }, async () => {
  await using directory = await tempDir();
  const file = `${directory.path}/capture.pcap`;
  await Deno.writeFile(file, capture());
  const wanted = /filter "tcp prot 80": .*syntax error/;
  for (const from of [["-i", "lo"], ["-r", file]]) {
    assertOneLine(await program(["-q", ...from, "-f", "tcp prot 80"]), 1, wanted);
  }
  assertOneLine(await shell(`"$@" <'${file}'`, ["-q", "-r", "-", "-f", "tcp prot 80"]), 1, wanted);
});

e2e("an output that cannot be written to is named with the reason", { needs: ["root"] }, async (context) => {
  await using directory = await tempDir();
  const file = `${directory.path}/capture.pcap`;
  await Deno.writeFile(file, capture());
  const missing = `${directory.path}/no/such/file`;
  for (const option of ["--out", "--write"]) {
    await context.step(option, async () => {
      const write = (path: string, ...permissions: string[]) =>
        program(["-q", "-r", file, "-o", "ndjson", option, path], permissions);
      assertOneLine(await write(`${directory.path}/new`), 1, /new: writing it needs Deno's --allow-write\n/);
      assertOneLine(await write(missing, "--allow-write"), 1, /no\/such\/file: No such file or directory/);
      assertOneLine(await write(directory.path, "--allow-write"), 1, /: Is a directory/);
      assertOneLine(await write("/dev/full", "--allow-write"), 1, /\/dev\/full: .*Deno's --allow-all\n/);
      const all = ["run", "--allow-all", ...programArguments(["-q", "-r", file, "-o", "ndjson"]).slice(3)];
      const result = await run(deno, [...all, option, "/dev/full"]);
      assertOneLine(result, 1, /\/dev\/full: No space left on device\n/);
    });
  }
  const full = /standard output: No space left on device\n/;
  for (const args of [["--help"], ["devices"], ["-q", "-r", file, "-o", "json"]]) {
    assertOneLine(await shell('"$@" >/dev/full', args), 1, full);
  }
});

e2e("a reader that has had enough ends the program quietly", { needs: ["root"] }, async () => {
  await using directory = await tempDir();
  const file = `${directory.path}/capture.pcap`;
  await Deno.writeFile(file, capture());
  const first = '{ "$@"; echo "code $?" >&2; } | head -n 1';
  for (const output of ["ndjson", "json"]) {
    const { stdout, stderr } = await shell(first, ["-q", "-r", file, "-o", output]);
    assertEquals(stderr, "code 0\n");
    assertEquals(jsonLines(stdout).length, 1);
  }
  const live = await shell(first, ["-q", "-i", "lo", "-n", "200ms", "-o", "json"]);
  assertEquals(live.stderr, "code 0\n");
  assertEquals(jsonLines(live.stdout).length, 1);
  const late = '{ sleep 0.3; "$@"; echo "code $?" >&2; } | true';
  for (const args of [["--help"], ["devices"], ["-q", "-r", file]]) {
    assertEquals((await shell(late, args)).stderr, "code 0\n");
  }
  const closed = await shell('"$@" >&-', ["-q", "-r", file, "-o", "json"]);
  assertEquals([closed.code, closed.stderr], [0, ""]);
});

e2e("standard output holds nothing but JSON when that is asked for", { needs: ["root"] }, async () => {
  await using directory = await tempDir();
  const file = `${directory.path}/capture.pcap`;
  await Deno.writeFile(file, capture());
  const loud = ["--color", "always", "-v"];
  const records = await program(["-r", file, "-o", "ndjson", ...loud]);
  assertEquals([records.code, jsonLines(records.stdout).length], [0, requestCount]);
  const report = await program(["-r", file, "-o", "json", ...loud]);
  assertEquals([report.code, jsonLines(report.stdout).length], [0, 1]);
  const live = await program(["-i", "lo", "-o", "json", "-n", "200ms", "--duration", "900ms", ...loud]);
  assertEquals(live.code, 0);
  assert(jsonLines(live.stdout).length >= 3);
  const devices = await program(["devices", "--json"]);
  assert((jsonLines(devices.stdout)[0] as { name: string }[]).some(({ name }) => name === "lo"));
});

e2e("a device that cannot be captured on gets the reason and what to do", {
  needs: ["root", "netns", "unshare", "setpriv"],
}, async () => {
  const within = (wrapper: string[], args: string[], permissions: string[] = []) =>
    run(wrapper[0]!, [...wrapper.slice(1), deno, ...programArguments(args, permissions)]);
  assertOneLine(await program(["-i", "nope0"]), 1, /nope0: no such device; there are: .*\blo\b/);
  assertOneLine(await within(["unshare", "-n"], ["-i", "lo"]), 1, /lo: the device is down/);

  const powerless = ["setpriv", "--bounding-set=-net_raw,-net_admin", "--inh-caps=-net_raw,-net_admin"];
  assertOneLine(await within(powerless, ["-i", "lo"]), 1, /lo: no permission to capture: .*sudo/);
  assertOneLine(await within(powerless, []), 1, /no permission to capture: .*sudo/);
  assertOneLine(await within(powerless, ["demo"], ["--allow-net=127.0.0.1"]), 1, /lo: no permission .*sudo/);
});

e2e("a permission of Deno's that is missing is named", {}, async () => {
  for (const args of [["-i", "lo"], ["-r", "x.pcap"], ["-r", "-"], ["devices"]]) {
    const result = await run(deno, ["run", "--no-prompt", ...programArguments(args).slice(3)]);
    assertOneLine(result, 1, /Deno's --allow-ffi\n/);
  }
  assertOneLine(await program(["demo"]), 1, /Deno's --allow-net=127\.0\.0\.1\n/);
});

/** What needs neither permissions nor libpcap. */
const informative: [args: string[], wanted: RegExp][] = [
  [["--help"], /^Usage: trafficsniffer \[OPTION\]/],
  [["-h"], /^Usage: trafficsniffer \[OPTION\]/],
  [["devices", "--help"], /^Usage: trafficsniffer devices/],
  [["demo", "--help"], /^Usage: trafficsniffer demo/],
  [["--version"], /^trafficsniffer \d+\.\d+\.\d+\n$/],
];

e2e("help and version need no permission", {}, async () => {
  for (const [args, wanted] of informative) {
    const { code, stdout, stderr } = await run(deno, [
      "run",
      "--no-prompt",
      ...programArguments(args).slice(3),
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, wanted);
  }
});

e2e("without libpcap, the packages that have it are named, and help and version work", {
  needs: ["root", "netns", "unshare"],
}, async () => {
  await using directory = await tempDir();
  const file = `${directory.path}/capture.pcap`;
  await Deno.writeFile(file, capture());
  // An empty file in the place of each libpcap, seen by this one process.
  const hide = `for library in $(ldconfig -p | sed -n 's/.*libpcap\\.so.* => //p'); do
    mount --bind /dev/null "$(realpath "$library")"
  done
  exec "$@"`;
  const without = (args: string[]) =>
    run("unshare", ["-m", "sh", "-c", hide, "sh", deno, ...programArguments(args)]);
  for (const args of [["-i", "lo"], ["-r", file, "-p", "80"], ["devices"]]) {
    assertOneLine(await without(args), 1, /libpcap is not installed: install libpcap0\.8 \(apt\)/);
  }
  // What is read whole does not need it.
  const whole: typeof informative[number] = [
    ["-q", "-r", file, "-o", "json"],
    new RegExp(`"requests":${requestCount},`),
  ];
  for (const [args, wanted] of [...informative, whole]) {
    const { code, stdout } = await without(args);
    assertEquals(code, 0);
    assertMatch(stdout, wanted);
  }
});
