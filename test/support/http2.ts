/**
 * HTTP/2 frames for tests (RFC 9113 sections 4 and 6).
 *
 * @module
 */

import { concat, payloadBytes } from "./frames.ts";

export const PREFACE = payloadBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A frame with any header. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  return concat(
    Uint8Array.of(payload.length >>> 16, payload.length >>> 8, payload.length, type, flags),
    uint32(stream),
    payload,
  );
}

export interface FrameOptions {
  endStream?: boolean;
  /** Bytes of padding, with the byte that counts them before the payload. */
  padding?: number;
}

export function data(stream: number, payload: string | Uint8Array, options: FrameOptions = {}): Uint8Array {
  return frame(0, endStream(options) | padFlag(options), stream, padded(payloadBytes(payload), options));
}

/** HEADERS, in `fragments` parts: the first in HEADERS, the others in CONTINUATION frames. */
export function headers(
  stream: number,
  block: Uint8Array,
  options: FrameOptions & { priority?: boolean; fragments?: number } = {},
): Uint8Array {
  const [first, ...rest] = split(block, options.fragments ?? 1);
  const priority = options.priority ? concat(uint32(0x80000003), Uint8Array.of(15)) : new Uint8Array(0);
  const flags = endStream(options) | padFlag(options) | (options.priority ? 0x20 : 0) | endHeaders(rest);
  return concat(
    frame(1, flags, stream, padded(concat(priority, first!), options)),
    ...continuations(stream, rest),
  );
}

export function pushPromise(
  stream: number,
  promised: number,
  block: Uint8Array,
  options: { padding?: number; fragments?: number } = {},
): Uint8Array {
  const [first, ...rest] = split(block, options.fragments ?? 1);
  const payload = padded(concat(uint32(promised), first!), options);
  return concat(
    frame(5, padFlag(options) | endHeaders(rest), stream, payload),
    ...continuations(stream, rest),
  );
}

export function settings(...values: readonly (readonly [identifier: number, value: number])[]): Uint8Array {
  return frame(
    4,
    0,
    0,
    concat(...values.map(([id, value]) => concat(Uint8Array.of(id >>> 8, id), uint32(value)))),
  );
}

export function settingsAck(): Uint8Array {
  return frame(4, 1, 0, new Uint8Array(0));
}

export function resetStream(stream: number, error = 8): Uint8Array {
  return frame(3, 0, stream, uint32(error));
}

export function goAway(lastStream: number, error = 0): Uint8Array {
  return frame(7, 0, 0, concat(uint32(lastStream), uint32(error), payloadBytes("bye")));
}

export function ping(): Uint8Array {
  return frame(6, 0, 0, new Uint8Array(8));
}

export function windowUpdate(stream: number): Uint8Array {
  return frame(8, 0, stream, uint32(65535));
}

function split(block: Uint8Array, parts: number): Uint8Array[] {
  const size = Math.ceil(block.length / parts);
  return Array.from({ length: parts }, (_, i) => block.subarray(i * size, (i + 1) * size));
}

function continuations(stream: number, fragments: readonly Uint8Array[]): Uint8Array[] {
  return fragments.map((fragment, i) => frame(9, endHeaders(fragments.slice(i + 1)), stream, fragment));
}

function endHeaders(rest: readonly Uint8Array[]): number {
  return rest.length === 0 ? 4 : 0;
}

function endStream(options: FrameOptions): number {
  return options.endStream ? 1 : 0;
}

function padFlag(options: FrameOptions): number {
  return options.padding === undefined ? 0 : 8;
}

function padded(payload: Uint8Array, { padding }: FrameOptions): Uint8Array {
  return padding === undefined ? payload : concat(Uint8Array.of(padding), payload, new Uint8Array(padding));
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
