import { assertEquals, assertInstanceOf } from "@std/assert";
import { parseConfigFile } from "../../src/cli/config_file.ts";
import { defaultSettings, optionNames, options } from "../../src/cli/options.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

async function refused(text: string): Promise<UsageError> {
  const error: unknown = await parseConfigFile(text, "t.ini").then(() => undefined, (error) => error);
  assertInstanceOf(error, UsageError);
  return error;
}

Deno.test("parseConfigFile reads keys at the top and in sections, comments and blank lines between", async () => {
  const text =
    "\ufeff; site\r\ninterface = eth0\r\n\r\n[report]\r\n# often\r\n  interval=5s\r\n[alerts]\r\nwindow = 1m";
  assertEquals(await parseConfigFile(text, "t.ini"), {
    interface: "eth0",
    interval: 5_000_000,
    window: 60_000_000,
  });
});

Deno.test("parseConfigFile of nothing gives nothing", async () => {
  assertEquals(await parseConfigFile("", "t.ini"), {});
});

Deno.test("parseConfigFile reads every word for yes and no, and a flag alone", async () => {
  for (const word of ["true", "yes", "on", "1"]) {
    assertEquals(await parseConfigFile(`keep-query = ${word}`, "t.ini"), { keepQuery: true });
  }
  for (const word of ["false", "no", "off", "0"]) {
    assertEquals(await parseConfigFile(`keep-query = ${word}`, "t.ini"), { keepQuery: false });
  }
  assertEquals(await parseConfigFile("keep-query", "t.ini"), { keepQuery: true });
  assertEquals(await parseConfigFile("no-promiscuous = yes", "t.ini"), { promiscuous: false });
});

Deno.test("parseConfigFile ends a value at ; and # unless quoted or escaped", async () => {
  assertEquals(await parseConfigFile("interval = 5s ; note", "t.ini"), { interval: 5_000_000 });
  assertEquals(await parseConfigFile('out = "a;b#c"', "t.ini"), { out: "a;b#c" });
  assertEquals(await parseConfigFile("out = a\\;b\\#c", "t.ini"), { out: "a;b#c" });
});

Deno.test("parseConfigFile keeps = and the words true and null in values", async () => {
  assertEquals(await parseConfigFile("filter = tcp[13] & 2 != 0", "t.ini"), { filter: "tcp[13] & 2 != 0" });
  assertEquals(await parseConfigFile("out = true\nwrite = null", "t.ini"), { out: "true", write: "null" });
  assertEquals(await parseConfigFile("filter =", "t.ini"), { filter: "" });
});

Deno.test("parseConfigFile takes the last of a repeated key", async () => {
  assertEquals(await parseConfigFile("top = 1\n[report]\ntop = 2", "t.ini"), { top: 2 });
});

Deno.test("parseConfigFile takes every option that is not for the command line only", async () => {
  const defaults = defaultSettings();
  const taken = optionNames.filter((name) => !options[name].commandLineOnly);
  assertEquals(optionNames.filter((name) => !taken.includes(name)), ["json", "config", "version", "help"]);
  for (const name of taken) {
    const text = options[name].default;
    if (text === undefined) continue;
    const settings = await parseConfigFile(`${options[name].long} = ${text}`, "t.ini");
    assertEquals(settings[name], defaults[name]);
  }
});

const rejected: [string, string, number][] = [
  ["top = 1\n\n; x\nintervall = 5s", "unknown key intervall; did you mean interval?", 4],
  ["xyzzy = 1", "unknown key xyzzy; keys are the long options of trafficsniffer --help", 1],
  ["keepQuery = 1", "unknown key keepQuery; did you mean keep-query?", 1],
  ["i = eth0", "unknown key i; keys are the long options of trafficsniffer --help", 1],
  ["toString = 1", "unknown key toString; keys are the long options of trafficsniffer --help", 1],
  ["config = a", "config is for the command line only; remove it", 1],
  ["help", "help is for the command line only; remove it", 1],
  ["version = 1", "version is for the command line only; remove it", 1],
  ["[report]\ninterval = 10", "interval needs a duration, such as 10s, from 100ms to 24d, not 10", 2],
  ["quiet = maybe", "quiet needs yes or no, not maybe", 1],
  ["interface", "interface needs the name of a device, such as eth0; write interface = value", 1],
  ["out =", 'out needs a file name, such as report.json, not ""', 1],
  ["[reports]", "unknown section [reports]; sections are capture, report, alerts, other", 1],
  ["[report.x]", "unknown section [report.x]; sections are capture, report, alerts, other", 1],
  ["[]", "unknown section []; sections are capture, report, alerts, other", 1],
  ["port[] = 80", 'cannot read "port[] = 80"; write key = value', 1],
  ["= 5", 'cannot read "= 5"; write key = value', 1],
  ["__proto__ = 5", 'cannot read "__proto__ = 5"; write key = value', 1],
  ["[__proto__]", "cannot read [__proto__]; write key = value", 1],
  [
    'filter = "tcp" ; note',
    "filter has a quote that is not closed at the end of the line, or a backslash in quotes",
    1,
  ],
];
for (const [text, problem, line] of rejected) {
  Deno.test(`parseConfigFile refuses ${JSON.stringify(text)}`, async () => {
    const error = await refused(text);
    assertEquals(error.message, `t.ini:${line}: ${problem}`);
    assertEquals([error.file, error.line], ["t.ini", line]);
  });
}
