import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { defaultSettings, type PartialSettings } from "../../src/cli/options.ts";
import { type CommandLine, parseCommandLine } from "../../src/cli/parse.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const noFile = () => {
  throw new Error("no file is to be read");
};

/** Parses arguments that are separated by spaces. */
function parse(line: string, config?: string): Promise<CommandLine> {
  const args = line === "" ? [] : line.split(" ");
  return parseCommandLine(args, config === undefined ? noFile : () => config);
}

/** Returns the error that the arguments, as one line or as a list, are refused with. */
async function refused(line: string | string[], config?: string): Promise<UsageError> {
  const args = typeof line === "string" ? line.split(" ") : line;
  const error: unknown = await parseCommandLine(args, config === undefined ? noFile : () => config).then(
    () => undefined,
    (error) => error,
  );
  assertInstanceOf(error, UsageError);
  assert(!error.message.includes("\n"), `more than one line: ${error.message}`);
  return error;
}

Deno.test("parseCommandLine without arguments watches with the defaults", async () => {
  const { command, settings, given } = await parse("");
  assertEquals(command, "watch");
  assertEquals(settings, defaultSettings());
  assertEquals(given.size, 0);
});

const accepted: [string, PartialSettings][] = [
  ["--interface eth0", { interface: "eth0" }],
  ["--interface=eth0", { interface: "eth0" }],
  ["-i eth0", { interface: "eth0" }],
  ["-ieth0", { interface: "eth0" }],
  ["-i=eth0", { interface: "eth0" }],
  ["-n5s", { interval: 5_000_000 }],
  ["-qn5s", { quiet: true, interval: 5_000_000 }],
  ["-qn 5s", { quiet: true, interval: 5_000_000 }],
  ["-r -", { read: "-" }],
  ["-r-", { read: "-" }],
  ["--read -", { read: "-" }],
  ["--read=-", { read: "-" }],
  ["--write=-x", { write: "-x" }],
  ["--filter=a=b", { filter: "a=b" }],
  ["--filter=", { filter: "" }],
  ["-p 80,8080", { ports: [80, 8080] }],
  ["-s 64 -B 1 --no-promiscuous", { snaplen: 64, bufferBytes: 1_048_576, promiscuous: false }],
  ["-c 5 --duration 1m30s -w a.pcap", { count: 5, duration: 90_000_000, write: "a.pcap" }],
  ["-o json --out a.json --top 3 --color never --keep-query", {
    output: "json",
    out: "a.json",
    top: 3,
    color: "never",
    keepQuery: true,
  }],
  ["--threshold 0 --window 10s --fail-on-alert", { threshold: 0, window: 10_000_000, failOnAlert: true }],
  ["--top 3 --top 4", { top: 4 }],
  ["-v --", { verbose: true }],
];
for (const [line, expected] of accepted) {
  Deno.test(`parseCommandLine reads ${line}`, async () => {
    const { command, settings, given } = await parse(line);
    assertEquals(command, "watch");
    assertEquals(settings, { ...defaultSettings(), ...expected });
    assertEquals([...given].sort(), Object.keys(expected).sort());
  });
}

Deno.test("parseCommandLine takes a value with spaces and line ends as it is", async () => {
  const { settings } = await parseCommandLine(["-f", "tcp port 80", "--out=a\nb"], noFile);
  assertEquals(settings.filter, "tcp port 80");
  assertEquals(settings.out, "a\nb");
});

Deno.test("parseCommandLine reads commands and their options", async () => {
  assertEquals((await parse("devices --json")).command, "devices");
  assertEquals((await parse("devices --json")).settings.json, true);
  const demo = await parse("demo --duration 5s -o ndjson");
  assertEquals([demo.command, demo.settings.duration, demo.settings.output], ["demo", 5_000_000, "ndjson"]);
});

Deno.test("parseCommandLine stops at --help and --version", async () => {
  assertEquals((await parse("-qh --nonsense")).settings.help, true);
  assertEquals((await parse("demo --help stray")).command, "demo");
  assertEquals((await parse("-r a -i b --help")).settings.help, true);
  assertEquals((await parse("--version --config missing.ini -r")).settings.version, true);
  assertEquals((await parse("-C missing.ini --help")).settings.help, true);
});

const rejected: [string, string][] = [
  ["--treshold 5", "unknown option --treshold; did you mean --threshold?"],
  ["--treshold=5", "unknown option --treshold; did you mean --threshold?"],
  ["--inter 5s", "unknown option --inter; did you mean --interval?"],
  ["-interval 5s", "unknown option -interval; did you mean --interval?"],
  ["-top=5", "unknown option -top; did you mean --top?"],
  ["--xyzzy", "unknown option --xyzzy; see trafficsniffer --help"],
  ["--=5", "unknown option --; see trafficsniffer --help"],
  ["-x", "unknown option -x; see trafficsniffer --help"],
  ["-qx5", "unknown option -x; see trafficsniffer --help"],
  ["demo -x", "unknown option -x; see trafficsniffer demo --help"],
  ["devcies", "unknown command devcies; did you mean devices?"],
  [
    "eth0",
    "unknown command eth0; commands are devices, demo; a device is given with -i, a file with -r",
  ],
  ["-q devices", "the command devices comes first: trafficsniffer devices"],
  ["-q stray", "unexpected argument stray; see trafficsniffer --help"],
  ["demo stray", "unexpected argument stray; see trafficsniffer demo --help"],
  ["-q -", "unexpected argument -; see trafficsniffer --help"],
  ["-q -- --top", "unexpected argument --top; see trafficsniffer --help"],
  ["--interval", "--interval needs a duration, such as 10s, from 100ms to 24d"],
  ["--interval --top 5", "--interval needs a duration, such as 10s, from 100ms to 24d"],
  ["-qn", "--interval needs a duration, such as 10s, from 100ms to 24d"],
  ["--interval 10", "--interval needs a duration, such as 10s, from 100ms to 24d, not 10"],
  ["--interval=", '--interval needs a duration, such as 10s, from 100ms to 24d, not ""'],
  ["-w -x", "--write needs a file name, such as requests.pcap; one that begins with - is written --write=-x"],
  ["-w -", "--write needs a file name, such as requests.pcap, not -"],
  ["-r", "--read needs a capture file, or - for standard input"],
  ["-i", "--interface needs the name of a device, such as eth0"],
  ["--count -5", "--count needs a whole number of 1 or more, not -5"],
  ["--top 1001", "--top needs a whole number from 1 to 1000, not 1001"],
  ["-o xml", "--output needs screen, text, json, ndjson or har, not xml"],
  ["-p 80,x", "--port needs up to 100 port numbers from 1 to 65535, such as 80,8080, not 80,x"],
  ["--quiet=yes", "--quiet takes no value; write --quiet alone"],
  ["-q=yes", "--quiet takes no value; write --quiet alone"],
  ["--json", "--json is an option of trafficsniffer devices; name the command first"],
  ["demo -r a", "-r is not an option of demo; see trafficsniffer demo --help"],
  ["devices -o json", "-o is not an option of devices; see trafficsniffer devices --help"],
  ["-r a -i b", "--interface and --read exclude each other: packets come from a device or from a file"],
  ["-p 80 -f tcp", "--port and --filter exclude each other: write the ports in the expression"],
  ["-qv", "--quiet and --verbose exclude each other: give one of them"],
  ["-r a --no-promiscuous", "--no-promiscuous is for live capture; leave it out with --read"],
  ["-r a -s 100", "--snaplen is for live capture; leave it out with --read"],
  ["-r a -B 8", "--buffer is for live capture; leave it out with --read"],
  [
    "-o screen --out a",
    "--output screen is drawn on the terminal; with --out choose text, json or ndjson",
  ],
  ["-r a -w a", "--write and --read name the same file; choose another"],
  ["--out a -w a", "--write and --out name the same file; choose another"],
  ["-r a --out a", "--out and --read name the same file; choose another"],
];
for (const [line, message] of rejected) {
  Deno.test(`parseCommandLine refuses ${line}`, async () => {
    assertEquals((await refused(line)).message, message);
  });
}

Deno.test("parseCommandLine names option and suggestion in the error", async () => {
  assertEquals((await refused("--interval 10")).option, "interval");
  assertEquals((await refused("--treshold 5")).suggestion, "--threshold");
  assertEquals((await refused("dmeo")).suggestion, "demo");
});

Deno.test("parseCommandLine shows hostile arguments short and on one line", async () => {
  assertEquals((await refused(["--a\nb"])).message, 'unknown option "--a\\nb"; see trafficsniffer --help');
  assertEquals(
    (await refused(["-q", "\u009b31m\u202eé"])).message,
    'unexpected argument "\\u{9b}31m\\u{202e}é"; see trafficsniffer --help',
  );
  const long = await refused(["-q", "x".repeat(10_000)]);
  assert(long.message.length < 200);
  await refused(["-\ud800"]);
  await refused([""]);
});

Deno.test("parseCommandLine does not take names of Object's own for commands or options", async () => {
  await refused("constructor");
  await refused("--constructor");
  await refused("--__proto__=1");
});

Deno.test("parseCommandLine lets options win over the configuration file", async () => {
  const { settings, given } = await parse("--top 5 -C a.ini", "top = 7\ninterval = 3s");
  assertEquals([settings.top, settings.interval], [5, 3_000_000]);
  assertEquals([...given].sort(), ["config", "interval", "top"]);
});

Deno.test("parseCommandLine reads the file that the last --config names, once", async () => {
  const read: string[] = [];
  const { settings } = await parseCommandLine(["-C", "a.ini", "--config=b.ini"], (path) => {
    read.push(path);
    return Promise.resolve("top = 2");
  });
  assertEquals([read, settings.top], [["b.ini"], 2]);
});

Deno.test("parseCommandLine ignores keys of the file that are no options of the command", async () => {
  const { settings, given } = await parse("demo -C a.ini", "interface = eth0\ntop = 2");
  assertEquals([settings.interface, settings.top, given.has("interface")], [undefined, 2, false]);
});

Deno.test("parseCommandLine drops what the arguments rule out from the file", async () => {
  const file = "interface = eth0\nport = 80\nbuffer = 8\nquiet = yes";
  const { settings, given } = await parse("-r a.pcap -f tcp -v -C a.ini", file);
  assertEquals([settings.interface, settings.ports, settings.quiet], [undefined, undefined, false]);
  assertEquals(settings.bufferBytes, 67_108_864);
  assertEquals([...given].sort(), ["config", "filter", "read", "verbose"]);
});

Deno.test("parseCommandLine refuses keys of the file that exclude each other", async () => {
  const error = await refused("-C a.ini", "port = 80\nfilter = tcp");
  assertEquals(error.message, "a.ini: port and filter exclude each other: write the ports in the expression");
  assertEquals([error.file, error.option], ["a.ini", "filter"]);
});

Deno.test("parseCommandLine takes a flag that is off in the file for not given", async () => {
  const { settings } = await parse("-C a.ini", "quiet = no\nverbose = yes\nno-promiscuous = off");
  assertEquals([settings.quiet, settings.verbose, settings.promiscuous], [false, true, true]);
});

Deno.test("parseCommandLine says why a configuration file cannot be read", async () => {
  const error = await parseCommandLine(["-C", "a.ini"], () => {
    throw new Error("No such file (os error 2): readfile 'a.ini'");
  }).catch((error: unknown) => error);
  assertInstanceOf(error, UsageError);
  assertEquals(error.message, "cannot read configuration file a.ini: No such file");
  assertInstanceOf(error.cause, Error);
});
