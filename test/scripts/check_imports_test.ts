import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkImports, checkStart } from "../../scripts/check_imports.ts";

/** Asserts that a file with this source has exactly one problem, which says all of `parts`. */
function assertRefused(file: string, source: string, ...parts: string[]): void {
  const problems = checkImports(file, source);
  assertEquals(problems.length, 1, problems.join("\n"));
  for (const part of parts) assertStringIncludes(problems[0] ?? "", part);
}

function assertAccepted(file: string, source: string): void {
  assertEquals(checkImports(file, source), []);
}

Deno.test("checkImports accepts imports against the flow of data", () => {
  assertAccepted("src/stream/flows.ts", `import { decode } from "../wire/decode.ts";\n`);
  assertAccepted("src/report/view.ts", `import type { Report } from "../stats/report.ts";\n`);
  assertAccepted("src/wire/tcp.ts", `import { u16 } from "../bytes.ts";\nimport { a } from "./ipv4.ts";\n`);
});

Deno.test("checkImports refuses each import along the flow of data, with file, line and what is allowed", () => {
  for (
    const [from, to] of [
      ["wire", "stream"],
      ["stream", "http"],
      ["http", "stats"],
      ["stats", "report"],
      ["wire", "report"],
      ["report", "cli"],
      ["cli", "report"],
      ["sink", "report"],
      ["app", "io"],
      ["app", "web"],
      ["io", "app"],
      ["io", "stream"],
    ]
  ) {
    assertRefused(
      `src/${from}/a.ts`,
      `// first line\nimport { b } from "../${to}/b.ts";\n`,
      `src/${from}/a.ts:2:`,
      `src/${to}/b.ts`,
      `src/${from} may import`,
    );
  }
});

Deno.test("checkImports refuses a type-only import along the flow of data", () => {
  assertRefused("src/wire/a.ts", `import type { B } from "../http/b.ts";\n`, "src/http/b.ts");
});

Deno.test("checkImports refuses imports in every form they can take", () => {
  for (
    const source of [
      `import "../http/b.ts";`,
      `import b from '../http/b.ts';`,
      `import * as b from "../http/b.ts";`,
      `import {\n  b,\n  type C,\n} from "../http/b.ts";`,
      `export * from "../http/b.ts";`,
      `export { b } from "../http/b.ts";`,
      `const b = await import("../http/b.ts");`,
      `type B = import("../http/b.ts").B;`,
    ]
  ) {
    assertRefused("src/wire/a.ts", source, "src/http/b.ts");
  }
});

Deno.test("checkImports lets files directly in src import only each other", () => {
  assertAccepted("src/savefile.ts", `import { u16 } from "./bytes.ts";\n`);
  assertRefused("src/savefile.ts", `import { decode } from "./wire/decode.ts";\n`, "src/wire/decode.ts");
});

Deno.test("checkImports lets everyone import types from ports.ts, and values no one outside app", () => {
  assertAccepted("src/wire/a.ts", `import type { FrameHandler } from "../app/ports.ts";\n`);
  assertAccepted("src/app/run.ts", `import { type Clock } from "./ports.ts";\n`);
  assertRefused("src/io/a.ts", `import { Clock } from "../app/ports.ts";\n`, "import type");
});

Deno.test("checkImports lets the embeddable class, alone in app, import io", () => {
  const source = `import { openCapture } from "../io/pcap/capture.ts";\n`;
  assertAccepted("src/app/sniffer.ts", source);
  assertRefused("src/app/run.ts", source, "src/io/pcap/capture.ts");
});

Deno.test("checkImports refuses imports from outside src", () => {
  assertRefused("src/wire/a.ts", `import { frame } from "../../test/support/frames.ts";\n`, "outside src");
  assertRefused("src/io/a.ts", `import "../../main.ts";\n`, "outside src");
});

Deno.test("checkImports accepts packages everywhere", () => {
  assertAccepted(
    "src/wire/a.ts",
    `import { bold } from "@std/fmt/colors";\nconst i = await import("ini");\n`,
  );
});

Deno.test("checkImports refuses a folder it does not know", () => {
  assertRefused("src/utils/a.ts", "", "src/utils is no known part");
});

Deno.test("checkImports refuses Deno outside the parts that face the real world", () => {
  for (
    const source of [
      `Deno.exit(1);`,
      `const d = Deno;`,
      `globalThis.Deno.exit();`,
      "const t = `${Deno.pid}`;",
    ]
  ) {
    assertRefused("src/app/a.ts", source, "src/app/a.ts:1:", "must not name Deno");
    assertRefused("src/sink/a.ts", source, "must not name Deno");
    assertAccepted("src/io/a.ts", source);
    assertAccepted("src/web/a.ts", source);
  }
});

Deno.test("checkImports refuses the clock outside the parts that face the real world", () => {
  for (const source of [`const t = Date.now();`, `const t = new Date();`, `performance.now();`]) {
    assertRefused("src/stats/a.ts", source, "clock");
    assertAccepted("src/io/a.ts", source);
  }
  assertAccepted("src/stats/a.ts", `const text = new Date(time / 1000).toISOString();\n`);
});

Deno.test("checkImports ignores what comments, strings, templates and regular expressions say", () => {
  assertAccepted(
    "src/wire/a.ts",
    [
      `/**`,
      ` * Throws \`Deno.errors.NotFound\`.`,
      `import { b } from "../http/b.ts";`,
      ` */`,
      `const accept = "*/*"; // Deno.exit`,
      `const message = "run Deno.serve with --allow-net";`,
      `const quote = /["'\`]/; const other = text.replace(/Deno.x/g, "");`,
      "const template = `",
      `import { b } from "../http/b.ts";`,
      "Deno.exit ${1} Date.now()`;",
      `const half = total / 2; const rest = half / 2;`,
      `table.Deno = 1;`,
    ].join("\n"),
  );
});

Deno.test("checkImports finds Deno after a string that looks like a comment's start", () => {
  assertRefused("src/http/a.ts", `const all = "/*"; Deno.exit(); const end = "*/";\n`, "must not name Deno");
});

/** What `checkStart` says of these files. */
function startProblems(files: Record<string, string>): string[] {
  return checkStart((file) => files[file] ?? "");
}

Deno.test("checkStart accepts the command line, types and what is imported where it is needed", () => {
  assertEquals(
    startProblems({
      "main.ts": [
        `import { parse } from "./src/cli/parse.ts";`,
        `import { note } from "./src/io/output.ts";`,
        `import type { World } from "./src/app/ports.ts";`,
        `const { watch } = await import("./src/app/commands/watch.ts");`,
      ].join("\n"),
      "src/cli/parse.ts": `import { b } from "../errors.ts";\nconst { parse } = await import("ini");\n`,
    }),
    [],
  );
});

Deno.test("checkStart refuses what is imported along the way, with who imports it, once", () => {
  const files = {
    "main.ts": `import { a } from "./src/cli/a.ts";\nimport { b } from "./src/cli/b.ts";\n`,
    "src/cli/a.ts": `import { run } from "../app/run.ts";\n`,
    "src/cli/b.ts": `import { run } from "../app/run.ts";\nimport { parse } from "ini";\n`,
    "src/app/run.ts": `import { more } from "./more.ts";\n`,
  };
  const [first, second, ...rest] = startProblems(files);
  assertStringIncludes(first ?? "", "src/cli/a.ts: must not import src/app/run.ts but by import()");
  assertStringIncludes(second ?? "", "src/cli/b.ts: must not import ini but by import()");
  assertEquals(rest, []);
});

Deno.test("checkStart ends where files import each other, and refuses the rest of src/io", () => {
  const problems = startProblems({
    "main.ts": `import "./src/cli/a.ts";\n`,
    "src/cli/a.ts": `import "./b.ts";\n`,
    "src/cli/b.ts": `import "./a.ts";\nimport "../io/world.ts";\n`,
  });
  assertEquals(problems.length, 1);
  assertStringIncludes(problems[0] ?? "", "src/io/world.ts");
});

Deno.test("main.ts loads at every start what checkStart allows", () => {
  const root = new URL("../../", import.meta.url);
  assertEquals(checkStart((file) => Deno.readTextFileSync(new URL(file, root))), []);
});
