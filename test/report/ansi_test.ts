import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { patch } from "../../src/report/ansi.ts";
import { cut, width } from "../../src/report/sanitize.ts";

/**
 * As much of a terminal as frames use: cells, a cursor that stays on the last column until the next character
 * wraps, erasing from the cursor's own cell on, and scrolling at the bottom.
 */
class ModelTerminal {
  cells: string[][];
  scrolled = 0;
  wraps = true;
  synchronized = false;
  #row = 0;
  #column = 0;
  #wrapPending = false;
  #attribute = "";

  constructor(readonly columns: number, readonly rows: number) {
    this.cells = Array.from({ length: rows }, () => this.#blank());
  }

  #blank(): string[] {
    return Array<string>(this.columns).fill(" ");
  }

  write(text: string): void {
    // deno-lint-ignore no-control-regex -- what frames are made of
    for (const [token, parameters, command] of text.matchAll(/\x1b\[([?0-9;]*)([A-Za-z])|[^]/gu)) {
      if (command === undefined) this.#put(token);
      else this.#control(parameters!, command);
    }
  }

  #control(parameters: string, command: string): void {
    switch (command + parameters) {
      case "h?7":
        return void (this.wraps = true);
      case "l?7":
        return void (this.wraps = false);
      case "h?2026":
        return void (this.synchronized = true);
      case "l?2026":
        return void (this.synchronized = false);
      case "J2":
        return void (this.cells = this.cells.map(() => this.#blank()));
      case "K":
        this.#wrapPending = false;
        return void this.cells[this.#row]!.fill(" ", this.#column);
    }
    if (command === "m") {
      this.#attribute = parameters === "0" ? "" : parameters;
    } else if (command === "H") {
      const [row, column] = parameters.split(";").map(Number);
      this.#row = Math.min(row!, this.rows) - 1;
      this.#column = Math.min(column!, this.columns) - 1;
      this.#wrapPending = false;
    } else {
      throw new Error(`unexpected sequence ${parameters}${command}`);
    }
  }

  #put(character: string): void {
    const cells = width(character);
    if (this.#wrapPending || this.#column + cells > this.columns) {
      if (this.wraps) {
        this.#column = 0;
        this.#row++;
      } else {
        this.#column = this.columns - cells;
      }
    }
    this.#wrapPending = false;
    if (this.#row === this.rows) {
      this.cells.shift();
      this.cells.push(this.#blank());
      this.#row--;
      this.scrolled++;
    }
    const row = this.cells[this.#row]!;
    row[this.#column] = `${this.#attribute}${character}`;
    if (cells === 2) row[this.#column + 1] = "";
    this.#column += cells;
    if (this.#column >= this.columns) {
      this.#column = this.columns - 1;
      this.#wrapPending = true;
    }
  }
}

Deno.test("patch of equal frames is nothing", () => {
  assertEquals(patch(["a", "b"], ["a", "b"]), "");
});

Deno.test("patch rewrites only the lines that differ", () => {
  const update = patch(["one", "two", "three"], ["one", "2", "three"]);
  assertStringIncludes(update, "\x1b[2;1H");
  assert(!update.includes("one") && !update.includes("three"));
});

Deno.test("patch redraws everything without a previous frame or for another number of lines", () => {
  for (const previous of [undefined, ["a"], ["a", "b", "c"]]) {
    const update = patch(previous, ["a", "b"]);
    assertStringIncludes(update, "\x1b[2J");
    assertStringIncludes(update, "\x1b[1;1H");
  }
});

Deno.test("patch draws a frame as wide as the terminal whole and does not scroll it", () => {
  const terminal = new ModelTerminal(3, 2);
  terminal.write(patch(undefined, ["abc", "def"]));
  assertEquals(terminal.cells, [["a", "b", "c"], ["d", "e", "f"]]);
  assertEquals(terminal.scrolled, 0);
});

Deno.test("patch for a wider and higher terminal does not scroll the one it meets", () => {
  const terminal = new ModelTerminal(3, 2);
  terminal.write(patch(undefined, ["abcdef", "ghijkl", "mnopqr"]));
  assertEquals(terminal.scrolled, 0);
});

const columns = 12;
const frame = fc.array(
  fc.array(fc.constantFrom("a", "bc", " ", "日", "\x1b[1mX\x1b[0m", "---"), { maxLength: 14 })
    .map((parts) => {
      let left = columns;
      return parts.map((part) => {
        const bold = part.startsWith("\x1b");
        const text = cut(bold ? "X" : part, left, "");
        left -= width(text);
        return bold && text !== "" ? part : text;
      }).join("");
    }),
  { minLength: 6, maxLength: 6 },
);

Deno.test("patches one after another leave what drawing the last frame leaves", () => {
  fc.assert(fc.property(fc.array(frame, { minLength: 2, maxLength: 5 }), (frames) => {
    const patched = new ModelTerminal(columns, 6);
    frames.forEach((next, index) => patched.write(patch(frames[index - 1], next)));
    const fresh = new ModelTerminal(columns, 6);
    fresh.write(patch(undefined, frames.at(-1)!));
    assertEquals(patched.cells, fresh.cells);
    assertEquals([patched.scrolled, patched.wraps, patched.synchronized], [0, true, false]);
  }));
});
