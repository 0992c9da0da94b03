/**
 * Enforces which part of `src` may import which, who may name `Deno`, who may ask the clock, and what every start
 * of the program may load.
 *
 * Data flows from `wire` to `report`; imports point the other way. Everything between the ports is pure, so
 * that it can be tested with bytes and fake time alone.
 *
 * @module
 */

/** Files directly in `src`, which know nothing of the rest. */
const LEAF = "leaf";

const PURE = [LEAF, "wire", "stream", "network", "http", "stats", "report", "sink", "cli"];

/** What the files of each part may import besides their own part. Parts are folders of `src`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  [LEAF]: [],
  wire: [LEAF],
  stream: [LEAF, "wire"],
  network: [LEAF, "wire", "stream"],
  http: [LEAF, "wire", "stream", "network"],
  stats: [LEAF, "wire", "stream", "network", "http"],
  report: [LEAF, "wire", "stream", "network", "http", "stats"],
  sink: [LEAF, "network", "http", "stats"],
  cli: [LEAF],
  app: PURE,
  io: [LEAF],
  web: [LEAF, "http", "stats", "report"],
};

/** Entry points like `main.ts`, which join the pure parts to the real world. */
const ENTRY_POINTS: readonly string[] = ["src/app/sniffer.ts"];
const ENTRY_POINTS_MAY_IMPORT = [...PURE, "io"];

/** Types only, and the border between the pure parts and the real world: everyone may import its types. */
const PORTS = "src/app/ports.ts";

/** Who may name `Deno` and ask the clock: parts, and single files. */
const REAL_WORLD: readonly string[] = ["io", "web"];
const REAL_WORLD_FILES: readonly string[] = [];

/**
 * Comments, strings, template literals and regular expressions, in the order in which they are met. A slash is a
 * regular expression where no operand can precede it.
 */
const NOT_CODE =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[(=,:?!&|{};[]\s*|return\s+)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//g;

/** What `main.ts` may load before it knows what it was asked for: parts, and single files. Packages it may not. */
const AT_START: readonly string[] = ["main.ts", LEAF, "cli", "src/io/output.ts", "src/io/write_fully.ts"];

const STATIC_IMPORT = /^(import|export)(\s+type\b)?(?:[^;"']*?\bfrom)?\s*["']([^"']+)["']/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*["']([^"']+)["']/g;

/**
 * Returns what is wrong with the imports of one source file, one line each, empty when nothing is.
 *
 * `file` is the path from the repository's root, such as `src/wire/tcp.ts`; `source` is formatted TypeScript.
 */
export function checkImports(file: string, source: string): string[] {
  const part = partOf(file);
  const mayImport = ENTRY_POINTS.includes(file) ? ENTRY_POINTS_MAY_IMPORT : MAY_IMPORT[part];
  if (mayImport === undefined) {
    return [
      `${file}: src/${part} is no known part; name it and what it may import in scripts/check_imports.ts`,
    ];
  }
  const problems: string[] = [];
  for (const { at, typeOnly, target, isPackage } of importsOf(file, source)) {
    if (isPackage) continue;
    const targetPart = partOf(target);
    if (target === PORTS && (typeOnly || part === "app")) continue;
    if (targetPart === part || mayImport.includes(targetPart)) continue;
    const reason = target === PORTS
      ? "ports.ts has types only: write `import type`"
      : target.startsWith("src/")
      ? `${describe(part)} may import ${mayImport.map(describe).join(", ") || "nothing else of src"}`
      : "src imports nothing of this repository outside src";
    problems.push(`${file}:${lineAt(source, at)}: must not import ${target}: ${reason}`);
  }

  if (REAL_WORLD.includes(part) || REAL_WORLD_FILES.includes(file)) return problems;
  const code = source.replace(
    NOT_CODE,
    (match) => match.startsWith("`") ? blankTemplate(match) : blank(match),
  );
  for (const match of code.matchAll(/(?<![\w$]|(?<!globalThis)\.)Deno\b/g)) {
    problems.push(
      `${file}:${lineAt(source, match.index)}: must not name Deno: only main.ts, src/io and src/web may`,
    );
  }
  for (const match of code.matchAll(/\bDate\.now\b|\bperformance\.now\b|\bnew Date(?:\(\)|\b(?!\())/g)) {
    problems.push(
      `${file}:${
        lineAt(source, match.index)
      }: must not ask the clock: packet time is in the frame, wall time ` +
        `comes through Clock`,
    );
  }
  return problems;
}

/**
 * Returns what `main.ts` loads at every start and should not, one line each with who imports it: loading it all
 * would take longer than answering `--version`.
 *
 * `read` returns the text of a file, whose path is from the repository's root.
 */
export function checkStart(read: (file: string) => string): string[] {
  const problems: string[] = [];
  const importers = new Map([["main.ts", ""]]);
  // A Map is walked in the order of insertion, also of what is inserted meanwhile.
  for (const [file, importer] of importers) {
    if (!AT_START.includes(file) && !AT_START.includes(partOf(file))) {
      problems.push(
        `${importer}: must not import ${file} but by import(), where it is needed: \`--version\` waits for it`,
      );
      continue;
    }
    for (const { typeOnly, dynamic, target } of importsOf(file, read(file))) {
      if (!typeOnly && !dynamic && !importers.has(target)) importers.set(target, file);
    }
  }
  return problems;
}

interface Import {
  /** Where it stands in the source. */
  readonly at: number;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
  /** A path from the repository's root, or the name of a package. */
  readonly target: string;
  readonly isPackage: boolean;
}

function importsOf(file: string, source: string): Import[] {
  const withStrings = source.replace(NOT_CODE, (match) => /^["']/.test(match) ? match : blank(match));
  const make = (at: number, typeOnly: boolean, dynamic: boolean, specifier = ""): Import => {
    const isPackage = !specifier.startsWith(".");
    const target = isPackage ? specifier : new URL(specifier, `file:///${file}`).pathname.slice(1);
    return { at, typeOnly, dynamic, target, isPackage };
  };
  return [
    ...Array.from(
      withStrings.matchAll(STATIC_IMPORT),
      (match) => make(match.index, match[2] !== undefined, false, match[3]),
    ),
    ...Array.from(withStrings.matchAll(DYNAMIC_IMPORT), (match) => make(match.index, false, true, match[1])),
  ];
}

/** The folder of `src` that a file is in, or `LEAF`; for files outside `src`, their path. */
function partOf(file: string): string {
  const [top, folder, ...rest] = file.split("/");
  if (top !== "src" || folder === undefined) return file;
  return rest.length === 0 ? LEAF : folder;
}

function describe(part: string): string {
  return part === LEAF ? "files directly in src" : `src/${part}`;
}

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split("\n").length;
}

/** Spaces in place of text, so that positions stay. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** Blanks a template literal but for the expressions in it. */
function blankTemplate(text: string): string {
  return text.split(/(\$\{[^}]*\})/).map((piece, index) => index % 2 === 1 ? piece : blank(piece)).join("");
}

/** Paths of the TypeScript files in a folder and below, from the repository's root. */
function* sourceFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(`../${folder}`, import.meta.url))) {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(file);
    else if (file.endsWith(".ts") && !file.endsWith(".d.ts")) yield file;
  }
}

if (import.meta.main) {
  const read = (file: string) => Deno.readTextFileSync(new URL(`../${file}`, import.meta.url));
  const problems = [
    ...[...sourceFiles("src")].sort().flatMap((file) => checkImports(file, read(file))),
    ...checkStart(read),
  ];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}
