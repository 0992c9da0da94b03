import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { KeyDecoder, StandardTerminal } from "../../src/io/terminal.ts";

const encoder = new TextEncoder();

function decode(text: string): string[] {
  const decoder = new KeyDecoder();
  return [...decoder.push(encoder.encode(text)), ...decoder.flush()];
}

Deno.test("KeyDecoder names arrows, pages, home and end in the forms that terminals send", () => {
  assertEquals(decode("\x1b[A\x1b[B\x1b[C\x1b[D"), ["up", "down", "right", "left"]);
  assertEquals(decode("\x1bOA\x1bOB\x1bOH\x1bOF"), ["up", "down", "home", "end"]);
  assertEquals(decode("\x1b[5~\x1b[6~\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[H\x1b[F"), [
    "pageup",
    "pagedown",
    "home",
    "end",
    "home",
    "end",
    "home",
    "end",
  ]);
  assertEquals(decode("\x1b[1;5A\x1b[5;2~"), ["up", "pageup"]);
});

Deno.test("KeyDecoder passes characters on and names controls", () => {
  assertEquals(decode("qé日\r\t\x7f\x03\x0c"), [
    "q",
    "é",
    "日",
    "enter",
    "tab",
    "backspace",
    "ctrl-c",
    "ctrl-l",
  ]);
});

Deno.test("KeyDecoder ignores sequences that are no keys", () => {
  assertEquals(decode("\x1b[200~\x1b[?1;2c\x1b[Ij"), ["j"]);
});

Deno.test("KeyDecoder takes ESC for a key when nothing follows it", () => {
  const decoder = new KeyDecoder();
  assertEquals(decoder.push(encoder.encode("\x1b")), []);
  assert(decoder.pending);
  assertEquals(decoder.flush(), ["escape"]);
  assert(!decoder.pending);
  assertEquals(decode("\x1b\x1b[A"), ["escape", "up"]);
});

Deno.test("KeyDecoder gives the same keys wherever its input is cut", () => {
  const input = encoder.encode("j\x1b[A\x1bOBé\x1b[5~日q\x1b[1;5Bk");
  const whole = new KeyDecoder().push(input);
  assertEquals(whole, ["j", "up", "down", "é", "pageup", "日", "q", "down", "k"]);
  fc.assert(fc.property(fc.array(fc.nat(input.length)), (cuts) => {
    const decoder = new KeyDecoder();
    const edges = [0, ...cuts.toSorted((a, b) => a - b), input.length];
    const keys = edges.slice(1).flatMap((end, index) => decoder.push(input.slice(edges[index], end)));
    assertEquals(keys, whole);
  }));
});

Deno.test("KeyDecoder holds no sequence without end", () => {
  const decoder = new KeyDecoder();
  decoder.push(encoder.encode("\x1b[" + "1;".repeat(1_000)));
  assert(!decoder.pending);
});

Deno.test("StandardTerminal writes nothing and closes in peace when it was not opened", () => {
  const terminal = new StandardTerminal();
  terminal.write("x");
  terminal.close();
  terminal.close();
});
