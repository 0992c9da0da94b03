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
  const milliseconds = Math.floor(whole / 1000);
  const rest = String(whole - milliseconds * 1000).padStart(3, "0");
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`;
}
