/**
 * The text of `--help`.
 *
 * @module
 */

import { type Command, groups, namedCommands, type OptionName, optionNames, options } from "./options.ts";

const WIDTH = 80;

/** What is said of a command besides its options. */
interface About {
  readonly usage: readonly string[];
  readonly purpose: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [string, string])[];
}

const about: { readonly [Name in Command]: About } = {
  watch: {
    usage: ["[OPTION]...", "-r FILE [OPTION]...", "COMMAND [OPTION]..."],
    purpose:
      "Shows which hosts and sections of sites are requested over HTTP on this machine's network, how " +
      "well they answer, and when traffic is abnormal. Capturing needs root's rights.",
    examples: [
      ["sudo trafficsniffer", "watch the first usable device"],
      ["sudo trafficsniffer -i any -p 80,8080 -n 2s", "watch two ports everywhere"],
      ["trafficsniffer -r day.pcap -o json", "report on a capture file"],
      ["tcpdump -U -w - | trafficsniffer -r -", "watch what tcpdump captures"],
    ],
  },
  devices: {
    usage: ["devices [--json]"],
    purpose: "Lists the devices that can be captured on.",
    examples: [["trafficsniffer devices --json", "the same for scripts"]],
  },
  demo: {
    usage: ["demo [OPTION]..."],
    purpose: "Starts an HTTP server and clients on loopback and watches their traffic. Capturing needs " +
      "root's rights.",
    examples: [["sudo trafficsniffer demo --duration 30s", "watch for half a minute"]],
  },
};

const exitCodes: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "capture, file or sink failed"],
  ["2", "usage or configuration error"],
];
const alertExitCode = ["3", "an alert fired and --fail-on-alert was given"] as const;

/** Returns the help of `command`, lines of at most 80 columns, ending with a newline. */
export function helpText(command: Command): string {
  const { usage, purpose, examples } = about[command];
  const sections = [
    usage.map((form, index) => `${index === 0 ? "Usage:" : "   or:"} trafficsniffer ${form}`),
    wrap(purpose, WIDTH),
  ];
  if (command === "watch") sections.push(["Commands:", ...columns(Object.entries(namedCommands))]);
  const ofCommand = optionNames.filter((name) => options[name].commands.includes(command));
  // One width for all groups, so that they line up.
  const width = Math.max(...ofCommand.map((name) => synopsis(name).length));
  for (const group of groups) {
    const rows = ofCommand.filter((name) => options[name].group === group);
    if (rows.length === 0) continue;
    const title = `${group[0]?.toUpperCase()}${group.slice(1)}:`;
    sections.push([title, ...columns(rows.map((name) => [synopsis(name), description(name)]), width)]);
  }
  if (ofCommand.includes("interval")) {
    sections.push(wrap("DUR is a duration: 500ms, 10s, 1m30s, 2h, 7d.", WIDTH));
  }
  if (ofCommand.includes("config")) {
    sections.push(wrap(
      "In the INI file each long option is a key (interval = 5s, keep-query = yes), at the top or under " +
        `${
          groups.map((group) => `[${group}]`).join(", ")
        }. A value with ; or # in it stands in double quotes.`,
      WIDTH,
    ));
  }
  const codes = ofCommand.includes("failOnAlert") ? [...exitCodes, alertExitCode] : exitCodes;
  sections.push(["Examples:", ...columns(examples)], ["Exit status:", ...columns(codes)]);
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** `-n, --interval DUR`, long names under one another. */
function synopsis(name: OptionName): string {
  const { short, long, placeholder } = options[name];
  return `${short === undefined ? "    " : `-${short}, `}--${long}${
    placeholder === undefined ? "" : ` ${placeholder}`
  }`;
}

function description(name: OptionName): string {
  const option = options[name];
  return option.default === undefined ? option.help : `${option.help} (default: ${option.default})`;
}

/** Lays out pairs in two columns, the first `width` wide, the second wrapped. */
function columns(
  rows: readonly (readonly [string, string])[],
  width = Math.max(...rows.map(([left]) => left.length)),
): string[] {
  const indent = width + 4;
  return rows.flatMap(([left, right]) =>
    wrap(right, WIDTH - indent).map((line, index) => (index === 0 ? `  ${left}` : "").padEnd(indent) + line)
  );
}

/** Breaks `text` at spaces into lines of at most `width` characters, where its words allow. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
