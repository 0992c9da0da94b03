/**
 * Spans of packet time, in microseconds.
 *
 * @module
 */

export const MILLISECOND = 1_000;
export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;

export { CAPTURED_TWICE } from "../stream/handshake.ts";

/** How far apart two moments are. A clock may be set back: what it said before is then as old as it is new. */
export function span(one: number, other: number): number {
  return Math.abs(other - one);
}
