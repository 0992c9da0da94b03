/**
 * `trafficsniffer [options]`: watches a device or reads a capture.
 *
 * @module
 */

import type { Settings } from "../../cli/options.ts";
import type { Exit } from "../../exit.ts";
import { linkTypeName } from "../../savefile.ts";
import { DEFAULT_PORTS } from "../pipeline.ts";
import type { FilterOptions, FrameSource, World } from "../ports.ts";
import { run, type RunSettings } from "../run.ts";

/** Saved captures hold whatever was sent, secrets too: they are for their owner's eyes. */
const SAVED_MODE = 0o600;

/** Opens what the settings name and runs it. Throws a `CaptureError` or `OutputError` when that fails. */
export async function watch(settings: Settings, world: World): Promise<Exit> {
  const source = openSource(settings, world);
  try {
    return await watchSource(source, settings, world);
  } finally {
    await source.close();
  }
}

/** Runs on a source that is open. */
export async function watchSource(source: FrameSource, settings: Settings, world: World): Promise<Exit> {
  const output = settings.out === undefined ? world.standardOutput : world.openOutput(settings.out);
  const save = settings.write === undefined
    ? undefined
    : { output: world.openOutput(settings.write, SAVED_MODE), path: settings.write };
  const runSettings = resolve(settings, world);
  const watched = describe(source, settings);
  if (watched && !settings.quiet && runSettings.output !== "screen") world.note(watched);
  if (settings.verbose) world.note(details(source, settings, world));
  if (save && !settings.quiet) {
    world.note(`${save.path} will hold whole packets, with all that is secret in them`);
  }
  return await run(runSettings, { ...world, source, output, save });
}

function openSource(settings: Settings, { capture }: World): FrameSource {
  const { read, filter, ports, count, lifecycle } = settings;
  const wanted: FilterOptions = { filter, ports, count, lifecycle };
  if (read === "-") return capture.standardInput(wanted);
  if (read !== undefined) return capture.file(read, wanted);
  return capture.live({
    ...wanted,
    ports: ports ?? DEFAULT_PORTS,
    interface: settings.interface,
    snaplen: settings.snaplen,
    bufferBytes: settings.bufferBytes,
    promiscuous: settings.promiscuous,
  });
}

/** Settles what depends on circumstances. */
function resolve(settings: Settings, world: World): RunSettings {
  const showsOnTerminal = world.isTerminal && settings.out === undefined;
  return {
    ...settings,
    output: settings.output ?? (showsOnTerminal ? "screen" : "text"),
    ports: settings.ports ?? DEFAULT_PORTS,
    color: settings.color === "auto" ? showsOnTerminal && wantsColor(world) : settings.color === "always",
    unicode: isUtf8(world),
  };
}

/** See https://no-color.org. */
function wantsColor({ environment }: World): boolean {
  return !environment("NO_COLOR") && environment("TERM") !== "dumb";
}

/** The locale's character set, as POSIX looks it up. */
function isUtf8({ environment }: World): boolean {
  const locale = environment("LC_ALL") || environment("LC_CTYPE") || environment("LANG") || "";
  return /utf-?8/i.test(locale);
}

/** What is being watched, and what is therefore not seen; `undefined` for a file that is read whole. */
function describe(source: FrameSource, { filter: asked, ports }: Settings): string | undefined {
  const { kind, name } = source.info;
  const doing = kind === "interface"
    ? `watching ${name}`
    : `reading ${name === "-" ? "standard input" : name}`;
  if (asked) return `${doing}, filter "${asked}"`;
  const named = ports ?? (kind === "interface" ? DEFAULT_PORTS : undefined);
  if (!named || asked !== undefined) return kind === "interface" ? doing : undefined;
  const watched = named.length === 1 ? `port ${named[0]}` : `ports ${named.join(", ")}`;
  return `${doing}, HTTP on ${watched}; what is on other ports, or encrypted, is not seen`;
}

/** How it is being captured. */
function details(source: FrameSource, settings: Settings, { capture }: World): string {
  const linkTypes = source.info.linkTypes.map(linkTypeName).join(", ") || "not known yet";
  const device = source.info.kind === "interface"
    ? `, snaplen ${settings.snaplen} bytes, buffer ${settings.bufferBytes / 2 ** 20} MiB` +
      `, ${settings.promiscuous ? "promiscuous" : "not promiscuous"}`
    : "";
  return `${capture.library()}, link type ${linkTypes}${device}`;
}
