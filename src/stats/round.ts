/**
 * Figures to so many decimals.
 *
 * @module
 */

/** Rounds half up. */
export function round(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}
