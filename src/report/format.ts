/**
 * Figures as people read them.
 *
 * @module
 */

import { format as formatBytes } from "@std/fmt/bytes";
import { formatDuration } from "../duration.ts";

/** By decimals. Made once and when needed: making one takes longer than all that it formats for a screen. */
const numberFormats: Partial<Record<0 | 1, Intl.NumberFormat>> = {};

/** A number with its thousands grouped and so many decimals. */
function grouped(value: number, decimals: 0 | 1): string {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return (numberFormats[decimals] ??= new Intl.NumberFormat("en-US", digits)).format(value);
}

/** A count with its thousands grouped: `12,345`. */
export function count(value: number): string {
  return grouped(Math.round(value), 0);
}

/** A rate, mean or time with one decimal: `1,028.8`; `<0.1` for what would round to nothing. */
export function decimal(value: number): string {
  if (value > 0 && value < 0.05) return "<0.1";
  return grouped(value, 1);
}

/** As `decimal`, but without the digit behind the point where there are three before it. */
export function shortDecimal(value: number): string {
  return value >= 99.95 ? count(value) : decimal(value);
}

/** A number of things: `1 gap`, `1,234 gaps`. */
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? "" : "s"}`;
}

/** A part of a whole, 0 to 1, as `35.0%`. */
export function percent(part: number): string {
  return `${decimal(part * 100)}%`;
}

/** Bytes in binary units: `93.2 MiB`. */
export function bytes(value: number): string {
  // The package writes `kiB`; IEC 80000-13 has a capital there, too.
  return formatBytes(value, { binary: true }).replace("kiB", "KiB");
}

/** Seconds as `2m10s`: whole ones, or milliseconds below one. */
export function duration(seconds: number): string {
  return formatDuration(seconds < 1 ? Math.round(seconds * 1000) * 1000 : Math.floor(seconds) * 1_000_000);
}

/** The time of day of an RFC 3339 UTC time, with so many of its decimals. */
export function timeOfDay(time: string, decimals = 0): string {
  return time.slice(11, decimals > 0 ? 20 + decimals : 19);
}

/** The time of day of an RFC 3339 UTC time, with its date unless that is the day of `today`. */
export function timeSeenFrom(today: string, time: string, decimals = 0): string {
  const date = time.slice(0, 10);
  return today.startsWith(date) ? timeOfDay(time, decimals) : `${date} ${timeOfDay(time, decimals)}`;
}
