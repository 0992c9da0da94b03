/**
 * The live screen: the last report, redrawn in place when a new one comes, when the terminal changes size,
 * after a suspension and when the user scrolls.
 *
 * @module
 */

import type { Terminal, TerminalEvent } from "../app/ports.ts";
import type { Report } from "../stats/report.ts";
import { patch } from "./ansi.ts";
import { layOut } from "./layout.ts";
import type { Look } from "./lines.ts";
import { makeView, type RunStatus } from "./view.ts";

/** What a screen is told besides reports. */
export interface ScreenOptions extends Look {
  /** Called when the user asks to end the run: `q`, or Ctrl-C where it makes no signal. */
  readonly onQuit: () => void;
  /** Called when redrawing on an event failed: the terminal is gone. `draw` throws instead. */
  readonly onError: (error: unknown) => void;
}

/** Draws reports on a terminal. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #options: ScreenOptions;
  #last: { report: Report; status: RunStatus } | undefined;
  /** The frame on the terminal, `undefined` when that is not known. */
  #frame: readonly string[] | undefined;
  #alertOffset = 0;
  #alertsShown = 0;

  constructor(terminal: Terminal, options: ScreenOptions) {
    this.#terminal = terminal;
    this.#options = options;
  }

  /** Takes the terminal. */
  open(): void {
    this.#terminal.open((event) => this.#onEvent(event));
  }

  /** Shows a report. Throws what the terminal throws when it is gone. */
  draw(report: Report, status: RunStatus): void {
    // Alerts come in at the top: one that the user has scrolled to stays where it is.
    if (this.#alertOffset > 0) {
      const before = this.#last?.report.alerts.length ?? 0;
      this.#alertOffset += Math.max(report.alerts.length - before, 0);
    }
    this.#last = { report, status };
    this.#redraw();
  }

  /** Gives the terminal back. Safe to call more than once; never throws. */
  close(): void {
    this.#last = undefined;
    this.#terminal.close();
  }

  #redraw(): void {
    if (!this.#last) return;
    const { report, status } = this.#last;
    const view = makeView(report, status, this.#options);
    const layout = layOut(view, this.#terminal.size(), this.#alertOffset, this.#options);
    this.#alertOffset = layout.alertOffset;
    this.#alertsShown = layout.alertsShown;
    const update = patch(this.#frame, layout.lines);
    this.#frame = undefined;
    if (update !== "") this.#terminal.write(update);
    this.#frame = layout.lines;
  }

  #onEvent(event: TerminalEvent): void {
    try {
      if (event.kind === "key") return this.#onKey(event.key);
      this.#frame = undefined;
      this.#redraw();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #onKey(key: string): void {
    switch (key) {
      case "q":
      case "ctrl-c":
        return this.#options.onQuit();
      case "up":
      case "k":
        return this.#scrollTo(this.#alertOffset - 1);
      case "down":
      case "j":
        return this.#scrollTo(this.#alertOffset + 1);
      case "pageup":
        return this.#scrollTo(this.#alertOffset - Math.max(this.#alertsShown, 1));
      case "pagedown":
        return this.#scrollTo(this.#alertOffset + Math.max(this.#alertsShown, 1));
      case "home":
        return this.#scrollTo(0);
      case "end":
        return this.#scrollTo(Infinity);
      case "ctrl-l":
        this.#frame = undefined;
        return this.#redraw();
    }
  }

  #scrollTo(offset: number): void {
    this.#alertOffset = Math.max(offset, 0);
    this.#redraw();
  }
}
