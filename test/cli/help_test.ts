import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { helpText } from "../../src/cli/help.ts";
import { optionNames, options } from "../../src/cli/options.ts";

const commands = ["watch", "devices", "demo"] as const;

for (const command of commands) {
  Deno.test(`helpText of ${command} fits 80 columns and ends with one newline`, () => {
    const lines = helpText(command).split("\n");
    assertEquals(lines.filter((line) => line.length > 80 || /\s$/.test(line)), []);
    assertEquals(lines.pop(), "");
    assert(lines.at(-1) !== "");
  });

  Deno.test(`helpText of ${command} lists its options and no others, long names aligned`, () => {
    const rows = helpText(command).split("\n").filter((line) => /^ {2}(-\w,| {3}) --/.test(line));
    const listed = rows.map((row) => /--([\w-]+)/.exec(row)?.[1]);
    const own = optionNames.filter((name) => options[name].commands.includes(command));
    assertEquals(listed.sort(), own.map((name) => options[name].long).sort());
    assertEquals(new Set(rows.map((row) => row.indexOf("--"))), new Set([6]));
  });
}

Deno.test("helpText lines up the descriptions of all groups", () => {
  const lines = helpText("watch").split("\n");
  const column = (start: string, words: string) =>
    lines.find((line) => line.startsWith(`  ${start}`))?.indexOf(words);
  assertEquals(column("-r, --read FILE", "read a"), 24);
  assertEquals(column("    --window DUR", "length"), 24);
  assertEquals(column("-q, --quiet", "print"), 24);
});

Deno.test("helpText states defaults, usage, commands, examples and exit codes", () => {
  const help = helpText("watch");
  assert(help.startsWith("Usage: trafficsniffer [OPTION]...\n"));
  assertStringIncludes(help, "time between reports (default: 10s)");
  assertStringIncludes(help, "  devices  list the devices");
  assertStringIncludes(help, "\nExamples:\n  sudo trafficsniffer ");
  assertStringIncludes(help, "  3  an alert fired");
});

Deno.test("helpText has no exit code for alerts where none can fire", () => {
  assert(!helpText("devices").includes("alert"));
});
