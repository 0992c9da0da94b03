/**
 * The real world, as the commands see it.
 *
 * @module
 */

import type { World } from "../app/ports.ts";
import { systemClock } from "./clock.ts";
import { startDemoTraffic } from "./demo_traffic.ts";
import { environment } from "./libc.ts";
import { openOutput, standardOutput } from "./output.ts";
import { openFile, openLive } from "./pcap/capture.ts";
import { listDevices } from "./pcap/devices.ts";
import { libpcapVersion } from "./pcap/library.ts";
import { PipeSource, takeStandardInput } from "./pcap/pipe.ts";
import { StandardTerminal } from "./terminal.ts";

/** Joins the commands to this machine. SIGINT, SIGTERM and SIGHUP end a run. */
export function realWorld(): World {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  const terminal = new StandardTerminal();
  // Whatever goes wrong, the terminal is given back.
  globalThis.addEventListener("unload", () => terminal.close());
  globalThis.addEventListener("error", () => terminal.close());
  globalThis.addEventListener("unhandledrejection", () => terminal.close());
  return {
    capture: {
      live: openLive,
      file: openFile,
      standardInput: (options) => new PipeSource(takeStandardInput(), "-", "pipe", options),
      loopback: Deno.build.os === "darwin" ? "lo0" : "lo",
      devices: listDevices,
      library: libpcapVersion,
    },
    clock: systemClock,
    terminal,
    standardOutput,
    isTerminal: Deno.stdout.isTerminal(),
    openOutput,
    demoTraffic: startDemoTraffic,
    environment,
    note,
    stop: stop.signal,
  };
}

/** Prints one line on standard error; there is nobody to tell when that fails. */
export function note(line: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`trafficsniffer: ${line}\n`));
  } catch {
    // Nobody reads it.
  }
}
