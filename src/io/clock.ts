/**
 * The real clock.
 *
 * @module
 */

import type { Clock } from "../app/ports.ts";

/** Wall time to the microsecond, as far as the system tells it. */
export const systemClock: Clock = {
  now: () => Date.now() * 1000,
  every(interval, run) {
    const timer = setInterval(run, Math.max(1, interval / 1000));
    return () => clearInterval(timer);
  },
};
