import { assertEquals, assertThrows } from "@std/assert";
import { writeFully } from "../../src/io/write_fully.ts";

const encoder = new TextEncoder();

Deno.test("writeFully goes on after a part was taken and after nothing could be", () => {
  const taken: number[] = [];
  let call = 0;
  let waits = 0;
  const writeSync = (bytes: Uint8Array) => {
    if (call++ % 2 === 0) throw new Deno.errors.WouldBlock();
    const part = bytes.subarray(0, 3);
    taken.push(...part);
    return part.length;
  };
  writeFully({ writeSync }, encoder.encode("12345678"), 3, () => waits++);
  assertEquals(new TextDecoder().decode(new Uint8Array(taken)), "12345678");
  assertEquals(waits, 3);
});

Deno.test("writeFully gives up on a reader that takes nothing", () => {
  let waits = 0;
  const writeSync = () => {
    throw new Deno.errors.WouldBlock();
  };
  assertThrows(
    () => writeFully({ writeSync }, encoder.encode("x"), 400, () => waits++),
    Deno.errors.TimedOut,
  );
  assertEquals(waits, 399);
});

Deno.test("writeFully passes on that the reader is gone", () => {
  const writeSync = () => {
    throw new Deno.errors.BrokenPipe("gone");
  };
  assertThrows(() => writeFully({ writeSync }, encoder.encode("x")), Deno.errors.BrokenPipe);
});
