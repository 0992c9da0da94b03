/**
 * What the formats are written by. Loaded when it is asked for: a run has one format, and loading all takes as long as
 * reading a hundred thousand packets.
 *
 * @module
 */

import type { OutputFormat } from "../cli/options.ts";
import { version } from "../cli/version.ts";
import type { Screen, ScreenOptions } from "../report/screen.ts";
import type { textReport } from "../report/text.ts";
import type { Output, Sink, Terminal } from "./ports.ts";

/** What a run writes with. */
export interface Writers {
  /** For the formats that are records of exchanges. */
  readonly sink: Sink | undefined;
  /** For reports in words. */
  readonly text: typeof textReport | undefined;
  readonly screen: ((terminal: Terminal, options: ScreenOptions) => Screen) | undefined;
}

const NONE: Writers = { sink: undefined, text: undefined, screen: undefined };

/** Loads what a format needs. Records go to `output`. */
export async function loadWriters(format: OutputFormat, output: Output): Promise<Writers> {
  switch (format) {
    case "json":
      return NONE;
    case "ndjson": {
      const { NdjsonSink } = await import("../sink/ndjson.ts");
      return { ...NONE, sink: new NdjsonSink(output) };
    }
    case "har": {
      const { HarSink } = await import("../sink/har.ts");
      return { ...NONE, sink: new HarSink(output, version) };
    }
    case "text": {
      const { textReport } = await import("../report/text.ts");
      return { ...NONE, text: textReport };
    }
    case "screen": {
      const [{ textReport }, { Screen }] = await Promise.all([
        import("../report/text.ts"),
        import("../report/screen.ts"),
      ]);
      const screen = (terminal: Terminal, options: ScreenOptions) => new Screen(terminal, options);
      return { ...NONE, text: textReport, screen };
    }
  }
}
