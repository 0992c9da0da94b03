import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { assign, defaultSettings, isFlag, optionNames, options } from "../../src/cli/options.ts";

Deno.test("options have long names and letters that no other option has", () => {
  const longs = optionNames.map((name) => options[name].long);
  assertEquals(new Set(longs).size, longs.length);
  const shorts = optionNames.flatMap((name) => options[name].short ?? []);
  assertEquals(new Set(shorts).size, shorts.length);
  for (const long of longs) assertMatch(long, /^[a-z]+(-[a-z]+)*$/);
  for (const short of shorts) assertMatch(short, /^[a-zA-Z]$/);
});

Deno.test("options have defaults that they accept themselves", () => {
  for (const name of optionNames) {
    const text = options[name].default;
    if (text !== undefined) assertNotEquals(options[name].type.parse(text), undefined, name);
  }
});

Deno.test("defaultSettings has the documented values and nothing that depends on circumstances", () => {
  assertEquals(defaultSettings() as unknown, {
    snaplen: 262_144,
    bufferBytes: 67_108_864,
    promiscuous: true,
    lifecycle: true,
    interval: 10_000_000,
    top: 10,
    color: "auto",
    keepQuery: false,
    json: false,
    threshold: 10,
    window: 120_000_000,
    failOnAlert: false,
    quiet: false,
    verbose: false,
    version: false,
    help: false,
  });
});

Deno.test("isFlag is true for options without a value only", () => {
  assertEquals(isFlag("quiet"), true);
  assertEquals(isFlag("promiscuous"), true);
  assertEquals(isFlag("interval"), false);
});

Deno.test("assign leaves the settings alone when the text is no value", () => {
  const settings = {};
  assertEquals(assign(settings, "top", "0"), false);
  assertEquals(settings, {});
});
