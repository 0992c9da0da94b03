import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Terminal, TerminalEvent, TerminalSize } from "../../src/app/ports.ts";
import { Screen } from "../../src/report/screen.ts";
import { liveStatus, sampleAlert, sampleExchanges, sampleReport } from "./sample_report.ts";

class FakeTerminal implements Terminal {
  current: TerminalSize = { columns: 80, rows: 24 };
  written: string[] = [];
  failure: Error | undefined;
  closed = 0;
  send: (event: TerminalEvent) => void = () => {};

  size(): TerminalSize {
    return this.current;
  }

  write(text: string): void {
    if (this.failure) throw this.failure;
    this.written.push(text);
  }

  open(onEvent: (event: TerminalEvent) => void): void {
    this.send = onEvent;
  }

  close(): void {
    this.closed++;
  }

  press(...keys: string[]): void {
    for (const key of keys) this.send({ kind: "key", key });
  }

  /** What was written since the last call. */
  take(): string {
    return this.written.splice(0).join("");
  }
}

function openScreen() {
  const terminal = new FakeTerminal();
  let quits = 0;
  const errors: unknown[] = [];
  const screen = new Screen(terminal, {
    color: false,
    unicode: true,
    onQuit: () => quits++,
    onError: (error) => errors.push(error),
  });
  screen.open();
  return { terminal, screen, errors, quits: () => quits };
}

/** Thirty alerts, the newest at 08:39. */
function reportWithAlerts(last = 39) {
  const report = sampleReport();
  report.alerts = [];
  for (let minute = 10; minute <= last; minute++) {
    report.alerts.push(sampleAlert(`08:${minute}:00`, `08:${minute}:30`, 30, 1, 11));
  }
  return report;
}

Deno.test("Screen writes nothing for a report that looks the same", () => {
  const { terminal, screen } = openScreen();
  screen.draw(sampleReport(), liveStatus);
  terminal.take();
  screen.draw(sampleReport(), liveStatus);
  assertEquals(terminal.take(), "");
});

Deno.test("Screen redraws the last report at once and whole on resize and on resume", () => {
  const { terminal, screen } = openScreen();
  terminal.send({ kind: "resize" });
  assertEquals(terminal.take(), "");
  screen.draw(sampleReport(), liveStatus);
  terminal.take();
  terminal.current = { columns: 40, rows: 10 };
  terminal.send({ kind: "resize" });
  const resized = terminal.take();
  assertStringIncludes(resized, "\x1b[2J");
  assertStringIncludes(resized, "\x1b[10;1H");
  terminal.send({ kind: "resume" });
  assertEquals(terminal.take(), resized);
});

Deno.test("Screen scrolls the alerts with arrows, letters, pages, home and end", () => {
  const { terminal, screen } = openScreen();
  screen.draw(reportWithAlerts(), liveStatus);
  const place = (...keys: string[]) => {
    terminal.press(...keys);
    return /(\d+)–\d+ of 30/.exec(terminal.take())?.[1];
  };
  assertEquals(place(), "1");
  assertEquals([place("down"), place("j"), place("up"), place("k")], ["2", "3", "2", "1"]);
  assertEquals([place("pagedown"), place("pageup")], ["4", "1"]);
  assertEquals([place("end"), place("home")], ["28", "1"]);
  assertEquals(place("up"), undefined);
});

Deno.test("Screen keeps the alert that was scrolled to when a new one comes in", () => {
  const { terminal, screen } = openScreen();
  screen.draw(reportWithAlerts(39), liveStatus);
  terminal.press("down", "down");
  terminal.take();
  screen.draw(reportWithAlerts(40), liveStatus);
  const update = terminal.take();
  assertStringIncludes(update, "4–6 of 31");
  assert(!update.includes("08:37:00"));
});

Deno.test("Screen cycles the tables' columns with t, at once", () => {
  const { terminal, screen } = openScreen();
  screen.draw(sampleReport(), liveStatus);
  terminal.take();
  const pressed = ["t", "t", "t", "t", "t"].map((key) => {
    terminal.press(key);
    return /Sections(, p\d\d ms)? +(dns|requests) {2}/.exec(terminal.take())?.[0].replaceAll(/ +/g, " ");
  });
  assertEquals(pressed, [
    "Sections, p50 ms dns ",
    "Sections, p95 ms dns ",
    "Sections, p99 ms dns ",
    "Sections requests ",
    "Sections, p50 ms dns ",
  ]);
});

Deno.test("Screen opens the exchanges with w and goes back with w and Escape", () => {
  const { terminal, screen } = openScreen();
  screen.draw(sampleReport(), liveStatus, () => sampleExchanges(20));
  for (const back of ["w", "escape"]) {
    terminal.take();
    terminal.press("w");
    assertStringIncludes(terminal.take(), "1 of 20");
    terminal.press(back);
    assertStringIncludes(terminal.take(), "Hosts ");
  }
});

Deno.test("Screen moves through the exchanges with arrows, letters, pages, home and end", () => {
  const { terminal, screen } = openScreen();
  screen.draw(sampleReport(), liveStatus, () => sampleExchanges(40));
  const place = (key: string) => {
    terminal.press(key);
    return /(\d+) of \d+/.exec(terminal.take())?.[1];
  };
  assertEquals(["w", "down", "j", "up", "k", "end", "home"].map(place), ["1", "2", "3", "2", "1", "40", "1"]);
  const page = Number(place("pagedown"));
  assert(page > 4);
  assertEquals(place("pageup"), "1");
  terminal.press("s");
  assertStringIncludes(terminal.take(), "1 of 2");
});

Deno.test("Screen asks for recent exchanges only while they are shown", () => {
  const { terminal, screen } = openScreen();
  let asked = 0;
  const draw = () => screen.draw(sampleReport(), liveStatus, () => (asked++, sampleExchanges(5)));
  draw();
  assertEquals(asked, 0);
  terminal.press("w");
  assertEquals(asked, 1);
  draw();
  terminal.press("down");
  assertEquals(asked, 2);
  terminal.press("w");
  draw();
  assertEquals(asked, 2);
});

Deno.test("Screen keeps the selected exchange when a new report comes in", () => {
  const { terminal, screen } = openScreen();
  screen.draw(sampleReport(), liveStatus, () => sampleExchanges(40));
  terminal.press("w", "down");
  terminal.take();
  screen.draw(sampleReport(), liveStatus, () => sampleExchanges(40, 47));
  terminal.current = { columns: 80, rows: 30 };
  terminal.send({ kind: "resize" });
  assertStringIncludes(terminal.take(), "9 of 40");
});

Deno.test("Screen ends the run with q from the exchanges, too, and does not scroll the alerts there", () => {
  const { terminal, screen, quits } = openScreen();
  screen.draw(reportWithAlerts(), liveStatus, () => sampleExchanges(5));
  terminal.press("w", "down", "down");
  terminal.take();
  terminal.press("w");
  assertStringIncludes(terminal.take(), "1–3 of 30");
  terminal.press("w", "q", "ctrl-c");
  assertEquals(quits(), 2);
});

Deno.test("Screen passes q and Ctrl-C on and ignores other keys", () => {
  const { terminal, screen, quits } = openScreen();
  screen.draw(sampleReport(), liveStatus);
  terminal.take();
  terminal.press("x", "tab", "q", "ctrl-c");
  assertEquals(quits(), 2);
  assertEquals(terminal.take(), "");
});

Deno.test("Screen throws from draw and reports from events when the terminal is gone", () => {
  const { terminal, screen, errors } = openScreen();
  screen.draw(sampleReport(), liveStatus);
  terminal.failure = new Error("gone");
  terminal.send({ kind: "resize" });
  assertEquals(errors, [terminal.failure]);
  assertThrows(() => screen.draw(sampleReport(), { ...liveStatus, elapsedSeconds: 131 }), Error, "gone");
});

Deno.test("Screen redraws whole after a write that failed", () => {
  const { terminal, screen } = openScreen();
  screen.draw(sampleReport(), liveStatus);
  terminal.take();
  terminal.failure = new Error("busy");
  assertThrows(() => screen.draw(sampleReport(), { ...liveStatus, elapsedSeconds: 131 }));
  terminal.failure = undefined;
  screen.draw(sampleReport(), { ...liveStatus, elapsedSeconds: 131 });
  assertStringIncludes(terminal.take(), "\x1b[2J");
});

Deno.test("Screen draws nothing after close", () => {
  const { terminal, screen } = openScreen();
  screen.draw(sampleReport(), liveStatus);
  screen.close();
  screen.close();
  terminal.take();
  terminal.send({ kind: "resize" });
  terminal.press("down");
  assertEquals(terminal.take(), "");
  assertEquals(terminal.closed, 2);
});
