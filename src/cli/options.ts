/**
 * The commands and the one table of options. Parsing, the configuration file and `--help` are made from them.
 *
 * @module
 */

import {
  duration,
  filterExpression,
  integer,
  oneOf,
  outputFile,
  portList,
  scaled,
  switched,
  switchedOff,
  text,
  type ValueType,
} from "./value_types.ts";

/** `watch` is the command that needs no name. */
export type Command = "watch" | "devices" | "demo";

/** The commands that are called by name, with what they do. */
export const namedCommands: { readonly [Name in Exclude<Command, "watch">]: string } = {
  devices: "list the devices that can be captured on",
  demo: "make real HTTP traffic on loopback and watch it",
};

export type OutputFormat = "screen" | "text" | "json" | "ndjson" | "har";
export type ColorWhen = "auto" | "always" | "never";

/**
 * What was asked for. Durations are in microseconds. `undefined` is "not said": what to do then depends on
 * circumstances that are known when the command runs.
 */
export interface Settings {
  readonly interface: string | undefined;
  /** Capture file, `-` for standard input. */
  readonly read: string | undefined;
  readonly ports: readonly number[] | undefined;
  /** BPF expression; `""` for none at all. */
  readonly filter: string | undefined;
  readonly snaplen: number;
  readonly bufferBytes: number;
  readonly promiscuous: boolean;
  /** Whether to look at what comes before requests: DNS, ARP and the like. */
  readonly lifecycle: boolean;
  /** Packets after which to stop. */
  readonly count: number | undefined;
  readonly duration: number | undefined;
  readonly write: string | undefined;
  readonly output: OutputFormat | undefined;
  /** File for the report, `undefined` for standard output. */
  readonly out: string | undefined;
  readonly interval: number;
  readonly top: number;
  readonly color: ColorWhen;
  readonly keepQuery: boolean;
  /** The list of devices as JSON. */
  readonly json: boolean;
  readonly threshold: number;
  readonly window: number;
  readonly failOnAlert: boolean;
  readonly config: string | undefined;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly version: boolean;
  readonly help: boolean;
}

/** The groups of options, in the order of `--help`: also the sections of a configuration file. */
export const groups = ["capture", "report", "alerts", "other"] as const;

/** One row of the table. */
export interface OptionRow<T> {
  /** Name without the dashes; also the key in a configuration file. */
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** Stands for the value in `--help`; a flag has none. */
  readonly placeholder?: string;
  readonly type: ValueType<T>;
  /** The value when none is given, as text; a flag is off. */
  readonly default?: string;
  readonly group: typeof groups[number];
  readonly commands: readonly Command[];
  readonly help: string;
  /** True for what makes no sense in a configuration file. */
  readonly commandLineOnly?: boolean;
}

/** A row whose setting is always present has a default. */
export type Option<T> =
  & OptionRow<Exclude<T, undefined>>
  & (undefined extends T ? { readonly default?: never }
    : T extends boolean ? { readonly placeholder?: never; readonly default?: never }
    : { readonly default: string });

export type OptionName = keyof Settings;

const WATCH: readonly Command[] = ["watch"];
const REPORTING: readonly Command[] = ["watch", "demo"];
const ALL: readonly Command[] = ["watch", "devices", "demo"];

const MIB = 1024 * 1024;

/** Every option, in the order of `--help`, under the name of its setting. */
export const options: { readonly [Name in OptionName]: Option<Settings[Name]> } = {
  interface: {
    long: "interface",
    short: "i",
    placeholder: "NAME",
    type: text("the name of a device, such as eth0"),
    group: "capture",
    commands: WATCH,
    help: "device, any for all (default: the first usable one)",
  },
  read: {
    long: "read",
    short: "r",
    placeholder: "FILE",
    type: text("a capture file, or - for standard input"),
    group: "capture",
    commands: WATCH,
    help: "read a pcap or pcapng file instead, - for standard input",
  },
  ports: {
    long: "port",
    short: "p",
    placeholder: "LIST",
    type: portList,
    group: "capture",
    commands: WATCH,
    help: "HTTP ports, such as 80,8080 (default: 80, in a file all)",
  },
  filter: {
    long: "filter",
    short: "f",
    placeholder: "EXPR",
    type: filterExpression,
    group: "capture",
    commands: WATCH,
    help: "BPF expression in place of the one for the ports",
  },
  snaplen: {
    long: "snaplen",
    short: "s",
    placeholder: "BYTES",
    type: integer(64, 262_144),
    default: "262144",
    group: "capture",
    commands: WATCH,
    help: "most bytes captured of a packet",
  },
  bufferBytes: {
    long: "buffer",
    short: "B",
    placeholder: "MIB",
    type: scaled(1, 2047, MIB),
    default: "64",
    group: "capture",
    commands: WATCH,
    help: "kernel's capture buffer, in MiB",
  },
  promiscuous: {
    long: "no-promiscuous",
    type: switchedOff,
    group: "capture",
    commands: WATCH,
    help: "capture only what is sent to or by this machine",
  },
  lifecycle: {
    long: "no-lifecycle",
    type: switchedOff,
    group: "capture",
    commands: REPORTING,
    help: "look at HTTP only: not at DNS, ARP, handshakes, ICMP",
  },
  count: {
    long: "count",
    short: "c",
    placeholder: "PACKETS",
    type: integer(1),
    group: "capture",
    commands: WATCH,
    help: "stop after this many packets",
  },
  duration: {
    long: "duration",
    placeholder: "DUR",
    // Timers count milliseconds in 31 bits: 24.8 days.
    type: duration("1ms", "24d", "30s"),
    group: "capture",
    commands: REPORTING,
    help: "stop after this time",
  },
  write: {
    long: "write",
    short: "w",
    placeholder: "FILE",
    type: outputFile("requests.pcap"),
    group: "capture",
    commands: WATCH,
    help: "save the packets to a pcap file",
  },
  output: {
    long: "output",
    short: "o",
    placeholder: "FORMAT",
    type: oneOf("screen", "text", "json", "ndjson", "har"),
    group: "report",
    commands: REPORTING,
    help:
      "screen, text, json, ndjson (a request a line) or har (an HTTP archive) (default: screen on a terminal, else text)",
  },
  out: {
    long: "out",
    placeholder: "FILE",
    type: outputFile("report.json"),
    group: "report",
    commands: REPORTING,
    help: "write the report to a file",
  },
  interval: {
    long: "interval",
    short: "n",
    placeholder: "DUR",
    type: duration("100ms", "24d", "10s"),
    default: "10s",
    group: "report",
    commands: REPORTING,
    help: "time between reports",
  },
  top: {
    long: "top",
    placeholder: "N",
    type: integer(1, 1000),
    default: "10",
    group: "report",
    commands: REPORTING,
    help: "rows in each list",
  },
  color: {
    long: "color",
    placeholder: "WHEN",
    type: oneOf("auto", "always", "never"),
    default: "auto",
    group: "report",
    commands: REPORTING,
    help: "auto, always or never",
  },
  keepQuery: {
    long: "keep-query",
    type: switched,
    group: "report",
    commands: REPORTING,
    help: "keep the query strings of requests",
  },
  json: {
    long: "json",
    type: switched,
    group: "report",
    commands: ["devices"],
    help: "list as JSON",
    commandLineOnly: true,
  },
  threshold: {
    long: "threshold",
    placeholder: "HITS",
    type: integer(0),
    default: "10",
    group: "alerts",
    commands: REPORTING,
    help: "alert on more requests in the window",
  },
  window: {
    long: "window",
    placeholder: "DUR",
    type: duration("1s", "7d", "2m"),
    default: "2m",
    group: "alerts",
    commands: REPORTING,
    help: "length of the sliding window",
  },
  failOnAlert: {
    long: "fail-on-alert",
    type: switched,
    group: "alerts",
    commands: REPORTING,
    help: "exit with status 3 if an alert fired",
  },
  config: {
    long: "config",
    short: "C",
    placeholder: "FILE",
    type: text("a configuration file"),
    group: "other",
    commands: REPORTING,
    help: "read options from an INI file; those given here win",
    commandLineOnly: true,
  },
  quiet: {
    long: "quiet",
    short: "q",
    type: switched,
    group: "other",
    commands: REPORTING,
    help: "print errors and reports, no notes",
  },
  verbose: {
    long: "verbose",
    short: "v",
    type: switched,
    group: "other",
    commands: REPORTING,
    help: "print more notes",
  },
  version: {
    long: "version",
    type: switched,
    group: "other",
    commands: WATCH,
    help: "print the version and exit",
    commandLineOnly: true,
  },
  help: {
    long: "help",
    short: "h",
    type: switched,
    group: "other",
    commands: ALL,
    help: "print this help and exit",
    commandLineOnly: true,
  },
};

/** The names of all options, in the order of the table. */
export const optionNames = Object.keys(options) as OptionName[];

/** True if the option takes no value. */
export function isFlag(name: OptionName): boolean {
  return options[name].placeholder === undefined;
}

/** Settings of which some may not have been given. */
export type PartialSettings = { -readonly [Name in OptionName]?: Settings[Name] };

/** Reads `text` as the value of option `name` into `target`. Returns false if it is not a value of it. */
export function assign<Name extends OptionName>(target: PartialSettings, name: Name, text: string): boolean {
  const value = options[name].type.parse(text);
  if (value === undefined) return false;
  target[name] = value;
  return true;
}

/** The settings when nothing is given. */
export function defaultSettings(): Settings {
  const settings: PartialSettings = {};
  for (const name of optionNames) {
    const text = isFlag(name) ? "no" : options[name].default;
    if (text !== undefined) assign(settings, name, text);
  }
  // What is not set now may be undefined: `Option` asks for a default wherever it may not.
  return settings as Settings;
}
