/**
 * The configuration file: INI, each long option a key.
 *
 * Keys stand at the top or in the sections `[capture]`, `[report]`, `[alerts]` and `[other]`, which order the
 * file for its readers: any key may stand in any of them. A flag's value is true, yes, on or 1, or false, no,
 * off or 0; a flag alone on its line is on. A key given twice has its last value. `;` and `#` begin a comment,
 * also behind a value: write a value that has them in double quotes, or put a backslash before each.
 *
 * @module
 */

import {
  assign,
  groups,
  isFlag,
  type OptionName,
  optionNames,
  options,
  type PartialSettings,
} from "./options.ts";
import { nearest } from "./suggest.ts";
import { shown, UsageError, type UsageErrorDetails } from "./usage_error.ts";

const keys = new Map(optionNames.map((name) => [options[name].long, name]));
const allowed = [...keys].filter(([, name]) => !options[name].commandLineOnly).map(([key]) => key);

/**
 * Reads the `text` of configuration file `file` and returns the settings in it.
 *
 * @throws {UsageError} Naming file, line and key, on the first line that cannot be used.
 */
export async function parseConfigFile(text: string, file: string): Promise<PartialSettings> {
  // Loaded here because only runs with a configuration file need it.
  const { parse } = await import("ini");
  const settings: PartialSettings = {};
  for (const [index, rawLine] of text.split(/\r?\n/).entries()) {
    const content = rawLine.trim();
    if (content === "" || content.startsWith(";") || content.startsWith("#")) continue;
    // One line at a time, because the package does not say on which line it found something.
    const [entry] = Object.entries(parse(content));
    await readLine(settings, content, entry, (problem, details) => {
      const where = `${shown(file)}:${index + 1}`;
      return new UsageError(`${where}: ${problem}`, { ...details, file, line: index + 1 });
    });
  }
  return settings;
}

type MakeError = (problem: string, details?: UsageErrorDetails) => UsageError;

/** Adds to `settings` what one line says; `entry` is the line as parsed. */
async function readLine(
  settings: PartialSettings,
  content: string,
  entry: [string, unknown] | undefined,
  error: MakeError,
): Promise<void> {
  if (entry === undefined || Array.isArray(entry[1])) {
    throw error(`cannot read ${shown(content)}; write key = value`);
  }
  const [key, value] = entry;
  if (typeof value === "object" && value !== null) {
    if (content === `[${key}]` && groups.some((group) => group === key)) return;
    throw error(`unknown section ${shown(content)}; sections are ${groups.join(", ")}`);
  }
  const name = await optionOfKey(key, error);
  const { long, type } = options[name];
  if (value === true && !content.includes("=") && !isFlag(name)) {
    throw error(`${long} needs ${type.expects}; write ${long} = value`, { option: long });
  }
  // The package makes booleans and null of the words for them, and leaves quotes that it cannot undo.
  const text = String(value);
  if (/^["']/.test(text)) {
    throw error(`${long} has a quote that is not closed at the end of the line, or a backslash in quotes`, {
      option: long,
    });
  }
  if (!assign(settings, name, text)) {
    throw error(`${long} needs ${type.expects}, not ${shown(text)}`, { option: long });
  }
}

async function optionOfKey(key: string, error: MakeError): Promise<OptionName> {
  const name = keys.get(key);
  if (name !== undefined && !options[name].commandLineOnly) return name;
  if (name !== undefined) throw error(`${key} is for the command line only; remove it`, { option: key });
  const suggestion = await nearest(key, allowed);
  if (suggestion === undefined) {
    throw error(`unknown key ${shown(key)}; keys are the long options of trafficsniffer --help`);
  }
  throw error(`unknown key ${shown(key)}; did you mean ${suggestion}?`, { suggestion });
}
