/**
 * What the benchmark computes of its measurements.
 *
 * @module
 */

/** The middle value; the mean of the two middle ones of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/**
 * The median of the ratios of values measured in the same round. The machine's mood, which changes from round to
 * round, is then the same above and below.
 */
export function pairedRatio(above: readonly number[], below: readonly number[]): number {
  return median(above.map((value, round) => value / (below[round] ?? NaN)));
}

/** A size at a moment, both in any unit. */
export interface Sample {
  readonly time: number;
  readonly size: number;
}

/**
 * How a size has grown after warm-up: the greatest of the last tenth of the time, as a ratio of the greatest of the
 * second quarter. NaN with too few samples.
 */
export function growth(samples: readonly Sample[]): number {
  const start = samples[0]?.time ?? 0, end = samples.at(-1)?.time ?? 0;
  const greatest = (from: number, to: number) => {
    const sizes = samples
      .filter(({ time }) => time >= start + (end - start) * from && time <= start + (end - start) * to)
      .map(({ size }) => size);
    return sizes.length === 0 ? NaN : Math.max(...sizes);
  };
  return greatest(0.9, 1) / greatest(0.25, 0.5);
}
