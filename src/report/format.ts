/**
 * Figures as people read them.
 *
 * @module
 */

import { format as formatBytes } from "@std/fmt/bytes";
import { formatDuration } from "../duration.ts";

/** A count with its thousands grouped: `12,345`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A rate, mean or time with one decimal: `1,028.8`; `<0.1` for what would round to nothing. */
export function decimal(value: number): string {
  if (value > 0 && value < 0.05) return "<0.1";
  return value.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
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

/** The time of day of an RFC 3339 UTC time. */
export function timeOfDay(time: string): string {
  return time.slice(11, 19);
}

/** The time of day of an RFC 3339 UTC time, with its date unless that is the day of `today`. */
export function timeSeenFrom(today: string, time: string): string {
  const date = time.slice(0, 10);
  return today.startsWith(date) ? timeOfDay(time) : `${date} ${timeOfDay(time)}`;
}
