/**
 * Makes the one executable, `dist/trafficsniffer`, and runs it once to see that it works.
 *
 * `deno compile` appends the program to a base executable that it downloads, or finds in `DENORT_BIN`. Where
 * it can do neither, the executable is a shell script followed by this Deno and the bundled program, which
 * unpacks itself: see self_extracting_head.sh.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import manifest from "../deno.json" with { type: "json" };

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
];

const USAGE = `usage: deno task compile [options]
  --target TARGET     ${TARGETS.join(", ")}; default: this machine's
  --output FILE       default: dist/trafficsniffer
  --self-extracting   do not try deno compile
`;

/** How long the new executable may take to show its version; the first start may have to unpack. */
const TRIAL_MILLISECONDS = 60_000;

const root = new URL("../", import.meta.url);
const mainModule = path(new URL("main.ts", root));
const configFile = path(new URL("deno.json", root));

/** A failure to be shown to the user as one message, without a stack trace. */
class CompileError extends Error {}

/** The file system path of a `file:` URL. */
function path(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** What was said on stderr, without the backtrace of Deno itself. */
function message(stderr: Uint8Array): string {
  return (new TextDecoder().decode(stderr).split("Stack backtrace:")[0] ?? "").trim();
}

/** Runs this Deno and returns what it said on stderr, without colours. */
async function deno(args: string[]): Promise<{ success: boolean; said: string }> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return { success, said: message(stderr) };
}

/** Permissions that the program's options can need, as Deno's flags. */
async function readPermissions(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("scripts/permissions.txt", root));
  return text.split("\n").filter((line) => line !== "");
}

/** Makes a true binary at `output`. Returns false where there is no base executable to make it from. */
async function compileBinary(output: string, target: string, permissions: string[]): Promise<boolean> {
  // The code cache would be a file of a known name in the temporary directory, which root would then trust.
  const { success, said } = await deno([
    ...["compile", "--quiet", "--no-check", "--no-code-cache", "--no-prompt", ...permissions],
    ...["--config", configFile, "--target", target, "--output", output, mainModule],
  ]);
  if (success) return true;
  const base = Deno.env.get("DENORT_BIN");
  if (base !== undefined) {
    throw new CompileError(`deno compile failed with the base executable DENORT_BIN=${base}:\n${said}`);
  }
  if (/base binary|denort/i.test(said)) return false;
  throw new CompileError(`deno compile failed:\n${said}`);
}

/** Bundles the program with its dependencies into one JavaScript module. */
async function bundle(): Promise<Uint8Array<ArrayBuffer>> {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const { success, said } = await deno(
      ["bundle", "--quiet", "--config", configFile, "--output", file, mainModule],
    );
    if (!success) throw new CompileError(`deno bundle failed:\n${said}`);
    return await Deno.readFile(file);
  } finally {
    await Deno.remove(file);
  }
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Makes a self-extracting executable at `output`, for this machine's target. */
async function writeSelfExtracting(output: string, permissions: string[]): Promise<void> {
  const program = await bundle();
  const runtime = await Deno.readFile(Deno.execPath());
  const [programPacked, runtimePacked] = [await gzip(program), await gzip(runtime)];
  const template = await Deno.readTextFile(new URL("scripts/self_extracting_head.sh", root));
  const values: Record<string, string> = {
    version: manifest.version,
    target: Deno.build.target,
    deno_version: Deno.version.deno,
    permissions: permissions.join(" "),
    program_sha256: await sha256(program),
    program_length: String(programPacked.length),
    deno_sha256: await sha256(runtime),
    deno_length: String(runtimePacked.length),
  };
  // Offsets count from 1 and are written with a fixed number of places, so that they do not move what follows.
  const fill = (headLength: number) => {
    values["program_offset"] = String(headLength + 1).padEnd(12);
    values["deno_offset"] = String(headLength + programPacked.length + 1).padEnd(12);
    return new TextEncoder().encode(template.replace(/@(\w+)@/g, (_, name: string) => values[name] ?? ""));
  };
  const head = fill(fill(0).length);
  await Deno.writeFile(output, new Blob([head, programPacked, runtimePacked]).stream());
  await Deno.chmod(output, 0o755);
}

/** Runs the new executable; it must succeed. */
async function tryOut(executable: string): Promise<void> {
  for (const args of [["--version"], ["devices", "--help"]]) {
    const result = await new Deno.Command(executable, {
      args,
      env: { NO_COLOR: "1" },
      stdin: "null",
      signal: AbortSignal.timeout(TRIAL_MILLISECONDS),
    }).output();
    if (result.success) continue;
    const base = Deno.env.get("DENORT_BIN");
    throw new CompileError(
      `The executable was made, but \`${args.join(" ")}\` fails with it (exit code ${result.code}): ` +
        message(result.stderr) + (base === undefined ? "" : `\nIs ${base} of Deno ${Deno.version.deno}?`),
    );
  }
}

async function main(): Promise<void> {
  const options = parseArgs(Deno.args, {
    boolean: ["help", "self-extracting"],
    string: ["target", "output"],
    unknown: (argument) => {
      throw new CompileError(`unknown argument ${argument}\n${USAGE}`);
    },
  });
  if (options["help"] === true) return console.log(USAGE);
  const target = String(options["target"] ?? Deno.build.target);
  const output = String(options["output"] ?? path(new URL("dist/trafficsniffer", root)));
  if (!TARGETS.includes(target)) {
    throw new CompileError(`unknown target ${target}; known are ${TARGETS.join(", ")}`);
  }
  const wantsSelfExtracting = options["self-extracting"] === true;
  const native = target === Deno.build.target;

  const check = await deno(["check", "--quiet", "--config", configFile, mainModule]);
  if (!check.success) throw new CompileError(check.said);
  const permissions = await readPermissions();
  const directory = output.slice(0, output.lastIndexOf("/") + 1);
  if (directory !== "") await Deno.mkdir(directory, { recursive: true });

  // Made beside its place and moved there when it has worked, so that no broken file is left at `output`.
  const part = `${directory === "" ? "./" : ""}${output}.part`;
  try {
    const isBinary = !wantsSelfExtracting && await compileBinary(part, target, permissions);
    if (!isBinary) {
      if (!wantsSelfExtracting) {
        console.error(
          `Deno cannot download the base executable that a binary is made from; to make one, set DENORT_BIN to ` +
            `the denort of Deno ${Deno.version.deno} for ${target}.`,
        );
      }
      if (!native) throw new CompileError(`Without it, only ${Deno.build.target} can be made here.`);
      await writeSelfExtracting(part, permissions);
    }
    if (native) await tryOut(part);
    await Deno.rename(part, output);
    const kind = isBinary ? "binary" : "self-extracting executable";
    const tried = native ? "tried out" : "not tried out: it is for another system";
    const mebibytes = Math.round((await Deno.stat(output)).size / 2 ** 20);
    console.error(`${output}: ${kind} for ${target}, ${mebibytes} MiB, ${tried}.`);
  } finally {
    await Deno.remove(part).catch(() => {});
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof CompileError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
