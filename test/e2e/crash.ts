/**
 * Loaded before the program (`deno run --preload`), it makes the program crash: an exception that nobody catches
 * on SIGUSR1, a rejection that nobody handles on SIGUSR2.
 *
 * @module
 */

Deno.addSignalListener("SIGUSR1", () => {
  throw new Error("made to crash");
});
Deno.addSignalListener("SIGUSR2", () => {
  Promise.reject(new Error("made to crash"));
});
