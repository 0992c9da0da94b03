import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { e2e, run, type RunResult, tempDir } from "../e2e/support.ts";

const scripts = decodeURIComponent(new URL("../../scripts/", import.meta.url).pathname);

const PASSING = 'Deno.test("passes", () => {});\n';
const FAILING = 'Deno.test("fails", () => {\n  throw new Error("on purpose");\n});\n';
const SKIPPED = 'Deno.test({ name: "[left out: needs nginx] skipped", ignore: true, fn() {} });\n';
const EXEMPT =
  'Deno.test({ name: "[left out: needs TRAFFICSNIFFER_CORPUS] exempt", ignore: true, fn() {} });\n';

/** Runs test.sh in a small project with these test files, and returns the last line that it printed beside the rest. */
async function testProject(
  files: Record<string, string>,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<RunResult & { summary: string }> {
  await using directory = await tempDir();
  const project = `${directory.path}/a project`;
  const all: Record<string, string> = {
    "deno.json":
      '{ "fmt": { "lineWidth": 110 }, "tasks": { "fuzz": "echo fuzzing", "bench": "echo benchmarking" } }\n',
    "main.ts": 'console.log("main");\n',
    "src/a.ts": "export const a = 1;\n",
    "scripts/check_imports.ts": 'console.log("imports");\n',
    "test/passes_test.ts": PASSING,
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    await Deno.mkdir(`${project}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${project}/${name}`, text);
  }
  for (const name of ["test.sh", "lib.sh"]) {
    await Deno.copyFile(`${scripts}${name}`, `${project}/scripts/${name}`);
  }
  const path = `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH") ?? ""}`;
  const result = await run("sh", [`${project}/scripts/test.sh`, ...args], {
    env: { REQUIRE_ALL: "", TRAFFICSNIFFER_CORPUS: "", ...env, PATH: path },
  });
  return { ...result, summary: result.stdout.trimEnd().split("\n").at(-1) ?? "" };
}

// The six checks count as one each, beside the tests; --fast leaves out the sixth.

e2e("test.sh counts checks and tests and succeeds when none failed", {}, async () => {
  const result = await testProject({ "test/e2e/b_test.ts": PASSING + SKIPPED });
  assertEquals([result.code, result.summary], [0, "8 passed, 0 failed, 1 skipped"], result.stdout);
  assertStringIncludes(result.stdout, "Left out:\n  [left out: needs nginx] skipped\n");
});

e2e("test.sh --fast leaves test/e2e out of the tests that it counts", {}, async () => {
  const result = await testProject({ "test/e2e/b_test.ts": PASSING + SKIPPED }, ["--fast"]);
  assertEquals([result.code, result.summary], [0, "6 passed, 0 failed, 0 skipped"], result.stdout);
});

e2e("test.sh fails when a test fails", {}, async () => {
  const result = await testProject({ "test/e2e/b_test.ts": FAILING });
  // Once with bare permissions, once with all.
  assertEquals([result.code, result.summary], [1, "6 passed, 2 failed, 0 skipped"], result.stdout);
});

e2e("test.sh fails when a test needs more than bare permissions and does not say so", {}, async () => {
  const result = await testProject({
    "test/b_test.ts": 'Deno.test("net", () => Deno.listen({ port: 0 }).close());\n',
  });
  assertEquals([result.code, result.summary], [1, "7 passed, 1 failed, 0 skipped"], result.stdout);
});

e2e("test.sh fails when a test file cannot be loaded", {}, async () => {
  const result = await testProject({ "test/b_test.ts": 'throw new Error("at load");\n' });
  assertEquals([result.code, result.summary], [1, "6 passed, 2 failed, 0 skipped"], result.stdout);
});

e2e("test.sh fails when a check fails", {}, async () => {
  for (
    const [check, files] of Object.entries({
      format: { "src/a.ts": "export   const a = 1;\n" },
      lint: { "src/a.ts": "export const a: any = 1;\n" },
      types: { "src/a.ts": 'export const a: number = "";\n' },
      imports: { "scripts/check_imports.ts": "Deno.exit(1);\n" },
      fuzz: { "deno.json": '{ "fmt": { "lineWidth": 110 }, "tasks": { "fuzz": "exit 1" } }\n' },
    })
  ) {
    const result = await testProject(files);
    assertEquals([result.code, result.summary], [1, "6 passed, 1 failed, 0 skipped"], result.stdout);
    assertStringIncludes(result.stdout, `\nFAILED: ${check}\n`);
  }
});

e2e(
  "test.sh with REQUIRE_ALL=1 fails for tests left out, but for those that need what is outside",
  {},
  async () => {
    const files = { "test/e2e/b_test.ts": SKIPPED + EXEMPT };
    const unset = await testProject(files, [], { REQUIRE_ALL: "1" });
    assertEquals([unset.code, unset.summary], [1, "8 passed, 1 failed, 1 skipped"], unset.stdout);
    const set = await testProject(files, [], { REQUIRE_ALL: "1", TRAFFICSNIFFER_CORPUS: "/some/where" });
    assertEquals([set.code, set.summary], [1, "8 passed, 2 failed, 0 skipped"], set.stdout);
    const exempt = await testProject({ "test/e2e/b_test.ts": EXEMPT }, [], { REQUIRE_ALL: "1" });
    assertEquals([exempt.code, exempt.summary], [0, "8 passed, 0 failed, 1 skipped"], exempt.stdout);
    assertStringIncludes(exempt.stdout, "[left out: needs TRAFFICSNIFFER_CORPUS] exempt\n");
  },
);

e2e("test.sh refuses an argument that it does not know", {}, async () => {
  const result = await testProject({}, ["--quick"]);
  assertEquals(result.code, 2);
  assertMatch(result.stderr, /^usage: /);
});
