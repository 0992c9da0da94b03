/**
 * Types of the parts of Deno's standard library that are used here. They come through npm's mirror of it,
 * which has the code and not the types. So do the packages `har-schema`, `ini` and
 * `multicast-dns`.
 */

declare module "@std/assert" {
  export function assert(expression: unknown, message?: string): asserts expression;
  export function assertAlmostEquals(
    actual: number,
    expected: number,
    tolerance?: number,
    message?: string,
  ): void;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertInstanceOf<T>(
    actual: unknown,
    // deno-lint-ignore no-explicit-any -- what a constructor type takes
    expected: abstract new (...args: any[]) => T,
    message?: string,
  ): asserts actual is T;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertRejects(
    run: () => PromiseLike<unknown>,
    // deno-lint-ignore no-explicit-any -- what a constructor type takes
    errorClass?: abstract new (...args: any[]) => Error,
    messageIncludes?: string,
  ): Promise<unknown>;
  export function assertThrows<E extends Error = Error>(
    run: () => unknown,
    // deno-lint-ignore no-explicit-any -- what a constructor type takes
    errorClass?: abstract new (...args: any[]) => E,
    messageIncludes?: string,
  ): E;
  export function fail(message?: string): never;
}

declare module "@std/cli/parse-args" {
  export interface ParsedArgs {
    _: (string | number)[];
    "--"?: string[];
    [option: string]: unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: {
      "--"?: boolean;
      alias?: Record<string, string | readonly string[]>;
      boolean?: readonly string[];
      string?: readonly string[];
      collect?: readonly string[];
      negatable?: readonly string[];
      default?: Record<string, unknown>;
      stopEarly?: boolean;
      unknown?: (argument: string, key?: string, value?: unknown) => unknown;
    },
  ): ParsedArgs;
}

declare module "@std/fmt/bytes" {
  export function format(
    bytes: number,
    options?: { binary?: boolean; bits?: boolean; signed?: boolean; locale?: boolean | string | string[] },
  ): string;
}

declare module "@std/text/levenshtein-distance" {
  export function levenshteinDistance(a: string, b: string): number;
}

declare module "ini" {
  export function parse(text: string): Record<string, unknown>;
}

declare module "har-schema" {
  /** The JSON schemas of an HTTP Archive's parts, by name. */
  const schemas: Readonly<Record<string, object>>;
  export default schemas;
}

declare module "multicast-dns" {
  export interface Question {
    name: string;
    type: string;
  }
  export interface Answer extends Question {
    ttl: number;
    data: string;
  }
  export interface Peer {
    on(event: "ready", listener: () => void): void;
    on(event: "query", listener: (query: { questions: Question[] }) => void): void;
    on(event: "response", listener: (response: { answers: Answer[] }) => void): void;
    query(name: string, type: string): void;
    respond(answers: Answer[]): void;
    destroy(): void;
  }
  /** `interface` is the address of the device to use, `bind` the address to receive on. */
  export default function multicastDns(options: { interface: string; bind: string }): Peer;
}
