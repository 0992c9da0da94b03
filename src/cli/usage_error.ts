/**
 * What is wrong with a command line or a configuration file.
 *
 * @module
 */

/** Where the mistake is, as far as it can be told. */
export interface UsageErrorDetails {
  /** Long name of the option concerned, without dashes. */
  readonly option?: string;
  /** Known name nearest to one that is not known: an option as typed (`--threshold`), a key or a command. */
  readonly suggestion?: string;
  /** Configuration file and the line in it, counted from 1. */
  readonly file?: string;
  readonly line?: number;
  readonly cause?: unknown;
}

/** A usage or configuration mistake. The message is one line: what is wrong and what to do. */
export class UsageError extends TypeError {
  override readonly name = "UsageError";
  readonly option: string | undefined;
  readonly suggestion: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;

  constructor(message: string, details: UsageErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.option = details.option;
    this.suggestion = details.suggestion;
    this.file = details.file;
    this.line = details.line;
  }
}

/** Text of the user's as it is shown in a message: short, on one line, quoted when it is not a plain word. */
export function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  if (/^[!-~]+…?$/.test(short)) return short;
  return JSON.stringify(short).replace(/\p{C}|[\u2028\u2029]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}
