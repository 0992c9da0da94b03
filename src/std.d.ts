/**
 * Types of the parts of Deno's standard library that are used here. They come through npm's mirror of it,
 * which has the code and not the types. So does the package `ini`.
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
