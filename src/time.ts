/**
 * Moments as text.
 *
 * @module
 */

/**
 * Writes a moment, `micros` microseconds since the epoch, as RFC 3339 in UTC with six decimals. A moment that a
 * number does not hold to the microsecond (before 1684 or after 2255, which a damaged capture can name) becomes
 * the nearest one that it does.
 *
 * @example
 * ```ts
 * rfc3339(1_700_000_000_123_456); // "2023-11-14T22:13:20.123456Z"
 * ```
 */
export function rfc3339(micros: number): string {
  const whole = Math.min(Math.max(Math.floor(micros), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  const second = Math.floor(whole / 1_000_000);
  // Moments that follow each other share their second, whose text is what takes the time.
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1000).toISOString().slice(0, -4);
  }
  return `${lastText}${String(whole - second * 1_000_000).padStart(6, "0")}Z`;
}

let lastSecond = NaN;
let lastText = "";
