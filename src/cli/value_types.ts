/**
 * The kinds of values that options take: how each is read from text, and the words that say what is expected.
 *
 * @module
 */

import { formatDuration, parseDuration } from "../duration.ts";

/** One kind of value. */
export interface ValueType<T> {
  /** What is expected, to follow "needs". */
  readonly expects: string;
  /** Returns the value, or `undefined` when `text` is not one. */
  readonly parse: (text: string) => T | undefined;
}

/** Any text that is not empty, described by `expects`. */
export function text(expects: string): ValueType<string> {
  return { expects, parse: (text) => text === "" || text.includes("\0") ? undefined : text };
}

/** A BPF expression. The empty one captures everything. */
export const filterExpression: ValueType<string> = {
  expects: 'a BPF expression, such as "tcp port 8080"',
  parse: (text) => text.includes("\0") ? undefined : text,
};

/** A file that is written. `-` is refused: standard output carries the report. */
export function outputFile(example: string): ValueType<string> {
  const any = text(`a file name, such as ${example}`);
  return { expects: any.expects, parse: (text) => text === "-" ? undefined : any.parse(text) };
}

/** A whole number in decimal digits, from `least` to `most`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  return {
    expects: `a whole number ${range}`,
    parse: (text) => {
      const value = Number(text);
      return /^\d+$/.test(text) && value >= least && value <= most ? value : undefined;
    },
  };
}

/** A whole number of units of `scale`, from `least` to `most`; the value is multiplied by `scale`. */
export function scaled(least: number, most: number, scale: number): ValueType<number> {
  const unscaled = integer(least, most);
  return {
    expects: unscaled.expects,
    parse: (text) => {
      const value = unscaled.parse(text);
      return value === undefined ? undefined : value * scale;
    },
  };
}

/** A duration from `least` to `most`, which are durations as text; the value is in microseconds. */
export function duration(least: string, most: string, example: string): ValueType<number> {
  const [min, max] = [parseDuration(least) ?? NaN, parseDuration(most) ?? NaN];
  return {
    expects: `a duration, such as ${example}, from ${formatDuration(min)} to ${formatDuration(max)}`,
    parse: (text) => {
      const micros = parseDuration(text);
      return micros !== undefined && micros >= min && micros <= max ? micros : undefined;
    },
  };
}

const MOST_PORTS = 100;

/** Port numbers separated by commas, each kept once, in the order given. */
export const portList: ValueType<readonly number[]> = {
  expects: `up to ${MOST_PORTS} port numbers from 1 to 65535, such as 80,8080`,
  parse: (text) => {
    const ports = new Set<number>();
    for (const part of text.split(",")) {
      const port = integer(1, 65_535).parse(part.trim());
      if (port === undefined) return undefined;
      ports.add(port);
    }
    return ports.size <= MOST_PORTS ? [...ports] : undefined;
  },
};

/** One of `words`. */
export function oneOf<Word extends string>(...words: Word[]): ValueType<Word> {
  return {
    expects: `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
    parse: (text) => words.find((word) => word === text),
  };
}

const YES = ["true", "yes", "on", "1"];
const NO = ["false", "no", "off", "0"];

/** Whether a flag is set. */
export const switched: ValueType<boolean> = {
  expects: "yes or no",
  parse: (text) => {
    const word = text.toLowerCase();
    return YES.includes(word) ? true : NO.includes(word) ? false : undefined;
  },
};

/** A flag that turns off what is on without it. */
export const switchedOff: ValueType<boolean> = {
  expects: switched.expects,
  parse: (text) => {
    const value = switched.parse(text);
    return value === undefined ? undefined : !value;
  },
};
