/**
 * The program's exit codes.
 *
 * @module
 */

/** How the program ended. */
export const Exit = { done: 0, failed: 1, usage: 2, alerted: 3 } as const;
export type Exit = typeof Exit[keyof typeof Exit];
