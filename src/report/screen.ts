/**
 * The live screen: the last report, or a page of single exchanges, redrawn in place when a new report comes, when the
 * terminal changes size, after a suspension and when the user presses a key.
 *
 * @module
 */

import type { Terminal, TerminalEvent } from "../app/ports.ts";
import type { ExchangeFigures, Report } from "../stats/report.ts";
import { patch } from "./ansi.ts";
import { ExchangesPage } from "./exchanges_page.ts";
import { layOut } from "./layout.ts";
import type { Look } from "./lines.ts";
import { TABLE_COLUMNS } from "./traffic_view.ts";
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
  #last: { report: Report; status: RunStatus; recent: () => readonly ExchangeFigures[] } | undefined;
  /** The frame on the terminal, `undefined` when that is not known. */
  #frame: readonly string[] | undefined;
  #alertOffset = 0;
  #alertsShown = 0;
  /** Place of the tables' columns in `TABLE_COLUMNS`. */
  #columns = 0;
  /** The page that hides the report. */
  #page: ExchangesPage | undefined;

  constructor(terminal: Terminal, options: ScreenOptions) {
    this.#terminal = terminal;
    this.#options = options;
  }

  /** Takes the terminal. */
  open(): void {
    this.#terminal.open((event) => this.#onEvent(event));
  }

  /**
   * Shows a report. `recent` gives the most recent exchanges, the newest first, and is called only when they are to be
   * seen, also later. Throws what the terminal throws when it is gone.
   */
  draw(report: Report, status: RunStatus, recent: () => readonly ExchangeFigures[] = () => []): void {
    // Alerts come in at the top: one that the user has scrolled to stays where it is.
    if (this.#alertOffset > 0) {
      const before = this.#last?.report.alerts.length ?? 0;
      this.#alertOffset += Math.max(report.alerts.length - before, 0);
    }
    this.#last = { report, status, recent };
    this.#page?.update(recent(), report.slowest);
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
    const lines = this.#page
      ? this.#page.layOut(report, status, this.#terminal.size(), this.#options)
      : this.#layOutReport(report, status);
    const update = patch(this.#frame, lines);
    this.#frame = undefined;
    if (update !== "") this.#terminal.write(update);
    this.#frame = lines;
  }

  #layOutReport(report: Report, status: RunStatus): string[] {
    const { unicode } = this.#options;
    const view = makeView(report, status, { unicode, columns: TABLE_COLUMNS[this.#columns]! });
    const layout = layOut(view, this.#terminal.size(), this.#alertOffset, this.#options);
    this.#alertOffset = layout.alertOffset;
    this.#alertsShown = layout.alertsShown;
    return layout.lines;
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
      case "ctrl-l":
        this.#frame = undefined;
        return this.#redraw();
    }
    if (this.#page) this.#onPageKey(this.#page, key);
    else this.#onReportKey(key);
  }

  #onReportKey(key: string): void {
    switch (key) {
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
      case "t":
        this.#columns = (this.#columns + 1) % TABLE_COLUMNS.length;
        return this.#redraw();
      case "w":
        return this.#openPage();
    }
  }

  #onPageKey(page: ExchangesPage, key: string): void {
    switch (key) {
      case "up":
      case "k":
        page.move(-1);
        break;
      case "down":
      case "j":
        page.move(1);
        break;
      case "pageup":
        page.page(-1);
        break;
      case "pagedown":
        page.page(1);
        break;
      case "home":
        page.move(-Infinity);
        break;
      case "end":
        page.move(Infinity);
        break;
      case "s":
        page.toggleOrder();
        break;
      case "w":
      case "escape":
        this.#page = undefined;
        break;
      default:
        return;
    }
    this.#redraw();
  }

  #openPage(): void {
    if (!this.#last) return;
    this.#page = new ExchangesPage();
    this.#page.update(this.#last.recent(), this.#last.report.slowest);
    this.#redraw();
  }

  #scrollTo(offset: number): void {
    this.#alertOffset = Math.max(offset, 0);
    this.#redraw();
  }
}
