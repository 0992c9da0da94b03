/**
 * The command line: arguments and configuration file → command and settings.
 *
 * Arguments follow the GNU conventions: `--opt value`, `--opt=value`, `-o value`, `-ovalue`, bundled flags
 * (`-qn5s`), `--` before arguments that are not options. A value that begins with `-` is joined to its option
 * (`--write=-x`), but for `-` alone and negative numbers. The last of a repeated option counts. They are
 * read here and not by `parseArgs` of Deno's standard library, which takes the `s` of `-n5s` for a flag, drops
 * the value of `--quiet=yes` and cannot tell a missing value from an empty one.
 *
 * @module
 */

import {
  assign,
  type Command,
  defaultSettings,
  isFlag,
  namedCommands,
  type OptionName,
  optionNames,
  options,
  type PartialSettings,
  type Settings,
} from "./options.ts";
import { nearest } from "./suggest.ts";
import { shown, UsageError } from "./usage_error.ts";

/** What the user asked for. */
export interface CommandLine {
  readonly command: Command;
  readonly settings: Settings;
  /** Settings that were given, by option or in the configuration file. */
  readonly given: ReadonlySet<OptionName>;
}

/** Returns the text of a file; throws when it cannot be read. */
export type ReadText = (path: string) => string | Promise<string>;

/**
 * Reads the arguments, and with `--config` the configuration file, whose settings give way to the arguments'.
 * Keys in it that are no options of the command are checked and otherwise ignored. At `--help` or `--version`
 * reading stops: the setting is true and nothing after it is looked at.
 *
 * @throws {UsageError} When arguments or file cannot be used.
 */
export async function parseCommandLine(args: readonly string[], readText: ReadText): Promise<CommandLine> {
  const [command, rest] = await splitCommand(args);
  const fromLine = await readArguments(command, rest);
  const asked = fromLine.help === true || fromLine.version === true;
  const fromFile = asked || fromLine.config === undefined
    ? {}
    : await readConfig(command, fromLine.config, readText);
  if (!asked) settleConflicts(fromLine, fromFile);
  const given = { ...fromFile, ...fromLine };
  const settings = { ...defaultSettings(), ...given };
  if (!asked) checkTogether(settings);
  return { command, settings, given: new Set(Object.keys(given) as OptionName[]) };
}

/** The command is the first argument, if that is no option. */
async function splitCommand(args: readonly string[]): Promise<[Command, readonly string[]]> {
  const [word] = args;
  if (word === undefined || word.startsWith("-")) return ["watch", args];
  if (isCommand(word)) return [word, args.slice(1)];
  const names = Object.keys(namedCommands);
  const suggestion = await nearest(word, names);
  if (suggestion !== undefined) {
    throw new UsageError(`unknown command ${shown(word)}; did you mean ${suggestion}?`, { suggestion });
  }
  throw new UsageError(
    `unknown command ${shown(word)}; commands are ${
      names.join(", ")
    }; a device is given with -i, a file with -r`,
  );
}

function isCommand(word: string): word is keyof typeof namedCommands {
  return Object.hasOwn(namedCommands, word);
}

/** An option as it stands in one argument, with the value joined to it. */
type Occurrence = readonly [name: OptionName, joined: string | undefined];

async function readArguments(command: Command, args: readonly string[]): Promise<PartialSettings> {
  const settings: PartialSettings = {};
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const stray = argument === "--" ? rest.shift() : isOption(argument) ? undefined : argument;
    if (stray !== undefined) throw strayArgument(command, stray);
    if (argument === "--") break;
    for (const [name, joined] of await splitArgument(command, argument)) {
      const { long, type } = options[name];
      if (isFlag(name) && joined !== undefined) {
        throw new UsageError(`--${long} takes no value; write --${long} alone`, { option: long });
      }
      const value = isFlag(name) ? "yes" : joined ?? takeValue(name, rest);
      if (!assign(settings, name, value)) {
        throw new UsageError(`--${long} needs ${type.expects}, not ${shown(value)}`, { option: long });
      }
      if (settings.help || settings.version) return settings;
    }
  }
  return settings;
}

function isOption(argument: string): boolean {
  return argument.startsWith("-") && argument !== "-";
}

/** Finds the options in one argument: a long one, or short ones in a bundle. */
async function splitArgument(command: Command, argument: string): Promise<Occurrence[]> {
  if (argument.startsWith("--")) {
    const [typed, value] = splitAtEquals(argument);
    return [[await findOption(command, typed), value]];
  }
  const [word] = splitAtEquals(argument.slice(1));
  if (word.length > 1 && optionNames.some((name) => options[name].long === word)) {
    throw unknownOption(command, `-${word}`, `--${word}`);
  }
  const found: Occurrence[] = [];
  for (let at = 1; at < argument.length; at++) {
    const name = await findOption(command, `-${argument[at]}`);
    const tail = argument.slice(at + 1);
    if (tail !== "" && (!isFlag(name) || tail.startsWith("="))) {
      return [...found, [name, tail.replace(/^=/, "")]];
    }
    found.push([name, undefined]);
  }
  return found;
}

function splitAtEquals(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Takes the value of option `name` from the arguments that follow it. */
function takeValue(name: OptionName, rest: string[]): string {
  const next = rest[0];
  if (next !== undefined && (!isOption(next) || /^-\d/.test(next))) {
    rest.shift();
    return next;
  }
  const { long, type } = options[name];
  const hint = next === undefined || next.startsWith("--")
    ? ""
    : `; one that begins with - is written --${long}=${shown(next)}`;
  throw new UsageError(`--${long} needs ${type.expects}${hint}`, { option: long });
}

/** Finds the option typed as `-x` or `--word`. */
async function findOption(command: Command, typed: string): Promise<OptionName> {
  const name = optionNames.find((name) => {
    const { long, short } = options[name];
    return typed === `--${long}` || typed === `-${short}`;
  });
  if (name === undefined) {
    const known = optionNames.filter((name) => options[name].commands.includes(command))
      .map((name) => options[name].long);
    const suggestion = await nearest(typed.replace(/^-+/, ""), known);
    throw unknownOption(command, typed, suggestion === undefined ? undefined : `--${suggestion}`);
  }
  const { long, commands } = options[name];
  if (commands.includes(command)) return name;
  throw new UsageError(
    command === "watch"
      ? `${typed} is an option of trafficsniffer ${commands.join(", ")}; name the command first`
      : `${typed} is not an option of ${command}; ${seeHelp(command)}`,
    { option: long },
  );
}

function unknownOption(command: Command, typed: string, suggestion: string | undefined): UsageError {
  return suggestion === undefined
    ? new UsageError(`unknown option ${shown(typed)}; ${seeHelp(command)}`)
    : new UsageError(`unknown option ${shown(typed)}; did you mean ${suggestion}?`, { suggestion });
}

function strayArgument(command: Command, argument: string): UsageError {
  return isCommand(argument)
    ? new UsageError(`the command ${argument} comes first: trafficsniffer ${argument}`)
    : new UsageError(`unexpected argument ${shown(argument)}; ${seeHelp(command)}`);
}

function seeHelp(command: Command): string {
  return `see trafficsniffer ${command === "watch" ? "" : `${command} `}--help`;
}

async function readConfig(command: Command, file: string, readText: ReadText): Promise<PartialSettings> {
  let text: string;
  try {
    text = await readText(file);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const reason = message.replace(/ \(os error [^]*/, "").replace(/\s+/g, " ");
    throw new UsageError(`cannot read configuration file ${shown(file)}: ${reason}`, { file, cause });
  }
  // Loaded here because only runs with a configuration file need it.
  const { parseConfigFile } = await import("./config_file.ts");
  const settings = await parseConfigFile(text, file);
  for (const name of optionNames) {
    if (!options[name].commands.includes(command)) delete settings[name];
  }
  return settings;
}

/** Pairs of which one rules the other out, with the reason. */
const exclusive: readonly (readonly [OptionName, OptionName, string])[] = [
  ["interface", "read", "packets come from a device or from a file"],
  ["ports", "filter", "write the ports in the expression"],
  ["quiet", "verbose", "give one of them"],
];

/** What cannot be applied to a capture file. */
const liveOnly: readonly OptionName[] = ["snaplen", "bufferBytes", "promiscuous"];

/** Takes out of the file's settings what the arguments rule out; other conflicts are errors. */
function settleConflicts(fromLine: PartialSettings, fromFile: PartialSettings): void {
  const defaults = defaultSettings();
  const has = (from: PartialSettings, name: OptionName) => name in from && from[name] !== defaults[name];
  for (const [a, b, reason] of exclusive) {
    if (has(fromLine, a) && has(fromLine, b)) {
      const [first, second] = [`--${options[a].long}`, `--${options[b].long}`];
      throw new UsageError(`${first} and ${second} exclude each other: ${reason}`, {
        option: options[b].long,
      });
    }
    if (has(fromLine, a)) delete fromFile[b];
    if (has(fromLine, b)) delete fromFile[a];
    if (has(fromFile, a) && has(fromFile, b)) {
      const keys = `${options[a].long} and ${options[b].long}`;
      const file = fromLine.config ?? "";
      throw new UsageError(`${shown(file)}: ${keys} exclude each other: ${reason}`, {
        option: options[b].long,
        file,
      });
    }
  }
  if (fromLine.read === undefined && fromFile.read === undefined) return;
  for (const name of liveOnly) {
    const { long } = options[name];
    if (has(fromLine, name)) {
      throw new UsageError(`--${long} is for live capture; leave it out with --read`, { option: long });
    }
    delete fromFile[name];
  }
}

/** Checks values that depend on each other. */
function checkTogether({ output, out, read, write }: Settings): void {
  if (output === "screen" && out !== undefined) {
    throw new UsageError("--output screen is drawn on the terminal; with --out choose text, json or ndjson", {
      option: "output",
    });
  }
  if (write !== undefined && (write === read || write === out)) {
    const other = write === read ? "--read" : "--out";
    throw new UsageError(`--write and ${other} name the same file; choose another`, { option: "write" });
  }
  if (out !== undefined && out === read) {
    throw new UsageError("--out and --read name the same file; choose another", { option: "out" });
  }
}
