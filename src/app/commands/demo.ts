/**
 * `trafficsniffer demo`: real HTTP traffic on loopback, made here and watched.
 *
 * @module
 */

import type { OptionName, Settings } from "../../cli/options.ts";
import type { Exit } from "../../exit.ts";
import type { World } from "../ports.ts";
import { watchSource } from "./watch.ts";

const SECOND = 1_000_000;

/** What makes a demonstration lively: an alert that comes and goes within half a minute. */
const DEMO_SETTINGS = { interval: SECOND, window: 10 * SECOND, threshold: 60 };

/** Starts the traffic and watches it until the user has seen enough. */
export async function demo(settings: Settings, given: ReadonlySet<OptionName>, world: World): Promise<Exit> {
  const chosen = Object.fromEntries(
    Object.entries(settings).filter(([name]) => given.has(name as OptionName)),
  );
  const traffic = world.demoTraffic();
  try {
    const source = world.capture.live({
      ...settings,
      ports: [traffic.port],
      interface: world.capture.loopback,
    });
    try {
      traffic.start();
      const ports = [traffic.port];
      return await watchSource(source, { ...settings, ...DEMO_SETTINGS, ...chosen, ports }, world);
    } finally {
      await source.close();
    }
  } finally {
    await traffic.stop();
  }
}
