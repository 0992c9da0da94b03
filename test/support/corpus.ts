/**
 * The corpus: captures that others made, in the folder that `TRAFFICSNIFFER_CORPUS` names. It has `captures/`, `truth/` and
 * `INDEX.tsv`, which lists the captures. And what comparisons with it have in common.
 *
 * @module
 */

/** Declares a test that is given the folder. Where there is none, the test is left out, and its name says why. */
export function corpusTest(name: string, test: (folder: string) => void | Promise<void>): void {
  const folder = corpusFolder();
  const needs = "[left out: needs TRAFFICSNIFFER_CORPUS, --allow-env, --allow-read]";
  if (folder === undefined) Deno.test({ name: `${needs} ${name}`, ignore: true, fn() {} });
  else Deno.test(name, () => test(folder));
}

/** The folder, `undefined` when none is named or it may not be read. */
function corpusFolder(): string | undefined {
  const isGranted = (["env", "read"] as const).every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  return isGranted ? Deno.env.get("TRAFFICSNIFFER_CORPUS") || undefined : undefined;
}

export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The bytes of a capture, decompressed. */
export async function openCapture(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const { readable } = await Deno.open(path);
  return path.endsWith(".gz") ? readable.pipeThrough(new DecompressionStream("gzip")) : readable;
}

/** The entries of `list` without those of `others`, each as often as it is there. */
export function without(list: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return list.filter((entry) => {
    const at = left.indexOf(entry);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** A line of a table for people. */
export function tableRow(name: string, ...columns: readonly (string | number)[]): string {
  return name.padEnd(80) + columns.map((column) => String(column).padStart(11)).join("");
}
