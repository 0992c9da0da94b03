/**
 * The real world, as the commands see it.
 *
 * @module
 */

import type { World } from "../app/ports.ts";
import { systemClock } from "./clock.ts";
import { startDemoTraffic } from "./demo_traffic.ts";
import { environment } from "./libc.ts";
import { note, openOutput, standardOutput } from "./output.ts";
import { openFile, openLive } from "./pcap/capture.ts";
import { listDevices } from "./pcap/devices.ts";
import { libpcapVersion } from "./pcap/library.ts";
import { DescriptorSource, takeStandardInput } from "./pcap/descriptor.ts";
import { StandardTerminal } from "./terminal.ts";

/** How long a run may take to end in good order after an error that nobody handled, in milliseconds. */
const CRASH_PATIENCE = 2000;

/** Joins the commands to this machine. SIGINT, SIGTERM, SIGHUP and errors that nobody handles end a run. */
export function realWorld(): World {
  const stop = new AbortController();
  const terminal = new StandardTerminal();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(null));
  }
  const onCrash = (event: Event, error: unknown) => {
    event.preventDefault();
    stop.abort(error);
    setTimeout(() => Deno.exit(1), CRASH_PATIENCE);
  };
  globalThis.addEventListener("error", (event) => onCrash(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => onCrash(event, event.reason));
  // Whatever goes wrong, the terminal is given back.
  globalThis.addEventListener("unload", () => terminal.close());
  return {
    capture: {
      live: openLive,
      file: openFile,
      standardInput: (options) => new DescriptorSource(takeStandardInput(), "-", "pipe", options),
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
