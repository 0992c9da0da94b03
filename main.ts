/**
 * trafficsniffer: which hosts and sections are requested over HTTP on this network, live in a terminal.
 *
 * @module
 */

import { helpText } from "./src/cli/help.ts";
import { parseCommandLine } from "./src/cli/parse.ts";
import { UsageError } from "./src/cli/usage_error.ts";
import { version } from "./src/cli/version.ts";
import { CaptureError, OutputError } from "./src/errors.ts";
import { Exit } from "./src/exit.ts";
import { note, standardOutput } from "./src/io/output.ts";

async function main(args: readonly string[]): Promise<Exit> {
  const { command, settings, given } = await parseCommandLine(args, Deno.readTextFileSync);
  if (settings.help) return print(helpText(command));
  if (settings.version) return print(`trafficsniffer ${version}\n`);
  // Loaded here because help, version and mistakes on the command line need none of it.
  const { realWorld } = await import("./src/io/world.ts");
  const world = realWorld();
  switch (command) {
    case "devices": {
      const { devices } = await import("./src/app/commands/devices.ts");
      return devices(settings.json, world);
    }
    case "demo": {
      const { demo } = await import("./src/app/commands/demo.ts");
      return await demo(settings, given, world);
    }
    case "watch": {
      const { watch } = await import("./src/app/commands/watch.ts");
      return await watch(settings, world);
    }
  }
}

function print(text: string): Exit {
  standardOutput.write(text);
  return Exit.done;
}

function explain(error: unknown): Exit {
  if (error instanceof UsageError) {
    note(error.message);
    return Exit.usage;
  }
  if (error instanceof OutputError && error.reason === "nobody reads") return Exit.done;
  if (error instanceof CaptureError || error instanceof OutputError) note(error.message);
  else note(`this should not have happened, please report it: ${String(error).replace(/\s+/g, " ")}`);
  return Exit.failed;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(explain));
