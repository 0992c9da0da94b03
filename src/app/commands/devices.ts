/**
 * `trafficsniffer devices`: lists what can be captured on.
 *
 * @module
 */

import { Exit } from "../../exit.ts";
import type { Device, World } from "../ports.ts";

/** Prints the devices, as a table or as JSON. */
export function devices(asJson: boolean, { capture, standardOutput }: World): Exit {
  const list = capture.devices();
  standardOutput.write(asJson ? JSON.stringify(list) + "\n" : table(list));
  return Exit.done;
}

function table(list: readonly Device[]): string {
  const rows = list.map((
    device,
  ) => [device.name, stateOf(device), device.addresses.join(" "), device.description]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(([name, state, addresses, description]) => {
    const details = [addresses, description && `(${description})`].filter(Boolean).join("  ");
    return `${name!.padEnd(widths[0]!)}  ${state!.padEnd(widths[1]!)}  ${details}`.trimEnd() + "\n";
  }).join("");
}

function stateOf({ up, running }: Device): string {
  return !up ? "down" : running ? "running" : "up";
}
