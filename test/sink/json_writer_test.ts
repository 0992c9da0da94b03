import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { jsonName, JsonWriter } from "../../src/sink/json_writer.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const NAME = jsonName("n");

/** What is written by `write`, as text. */
function written(write: (json: JsonWriter) => void, json = new JsonWriter()): string {
  json.clear();
  write(json);
  return decoder.decode(json.from(0));
}

/** UTF-16 as it may come: halves of surrogate pairs, controls, quotes. */
const anyText = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 }),
  fc.array(fc.constantFrom(...'a/"\\\u0000\n\u001f \u007f\u0080é\u2028\u2029\ud83d\ude00'), {
    maxLength: 300,
  })
    .map((units) => units.map((unit) => unit.charCodeAt(0))),
  fc.array(fc.integer({ min: 0x20, max: 0x7f }), { maxLength: 300 }),
).map((units) => String.fromCharCode(...units));

Deno.test("JsonWriter.string writes any text as JSON.stringify does, the first time and again", () => {
  const json = new JsonWriter();
  fc.assert(
    fc.property(anyText, (text) => {
      const expected = decoder.decode(encoder.encode(`,"n":${JSON.stringify(text)}`));
      for (let i = 0; i < 2; i++) assertEquals(written((json) => json.string(NAME, text), json), expected);
    }),
    { numRuns: 1000, seed: 1 },
  );
});

Deno.test("JsonWriter.string forgets what it remembers before it takes more memory, and goes on", () => {
  const json = new JsonWriter();
  const texts = Array.from({ length: 5000 }, (_, i) => `${i} ${"agent ".repeat(20)}`);
  for (const text of [...texts, ...texts.slice(-10), ...texts.slice(0, 10)]) {
    assertEquals(written((json) => json.string(NAME, text), json), `,"n":${JSON.stringify(text)}`);
  }
});

Deno.test("JsonWriter.number writes any number as JSON.stringify does", () => {
  const micros = fc.integer({ min: 0, max: 2 ** 40 });
  const numbers = fc.oneof(
    micros,
    micros.map((micros) => micros / 1000),
    fc.integer({ min: 0, max: 10_000 }).map((micros) => micros / 1000),
    fc.integer(),
    fc.double(),
  );
  const check = (number: number) =>
    assertEquals(written((json) => json.number(NAME, number)), `,"n":${JSON.stringify(number)}`);
  const edges = [0, -0, 9, 10, 99, 100, 0.001, 0.01, 0.1, 1.5, 0.421, 10.01, 999.999, 0.0001, 0.9999];
  const limits = [2 ** 31 - 1, 2 ** 31, (2 ** 31 - 1) / 1000, 2 ** 31 / 1000, 2 ** 53, 1e21, 1e-7, Infinity];
  for (const number of [...edges, ...limits]) {
    check(number);
    check(-number);
  }
  fc.assert(fc.property(numbers, check), { numRuns: 1000, seed: 1 });
});

Deno.test("JsonWriter.string and number write nothing for undefined", () => {
  const nothing = written((json) => {
    json.string(NAME, undefined);
    json.number(NAME, undefined);
  });
  assertEquals(nothing, "");
});

Deno.test("JsonWriter.plainString writes plain ASCII, and nothing where any byte is not", () => {
  for (let byte = 0; byte < 256; byte++) {
    const bytes = new Uint8Array([0x2f, byte, 0x22]);
    const text = String.fromCharCode(0x2f, byte);
    const isPlain = byte < 0x80 && JSON.stringify(text) === `"${text}"`;
    let done = false;
    const line = written((json) => done = json.plainString(NAME, bytes, 2));
    assertEquals([done, line], isPlain ? [true, `,"n":"${text}"`] : [false, ""]);
  }
});

Deno.test("JsonWriter.digits fills up with zeros", () => {
  assertEquals(written((json) => json.digits(42, 6)), "000042");
  assertEquals(written((json) => json.digits(999_999, 6)), "999999");
});

Deno.test("JsonWriter makes room for whatever comes, in each way of writing", () => {
  const long = "x".repeat(2 ** 20), bytes = encoder.encode(long);
  const ways: [(json: JsonWriter) => void, string][] = [
    [(json) => json.raw(bytes), long],
    [(json) => json.string(NAME, long), `,"n":"${long}"`],
    [(json) => json.string(NAME, long.replaceAll("x", "\u2028")), `,"n":"${long.replaceAll("x", "\u2028")}"`],
    [(json) => json.plainString(NAME, bytes, bytes.length), `,"n":"${long}"`],
  ];
  for (const [write, expected] of ways) {
    // Not shown when it fails: it is long.
    assertEquals(written(write) === expected, true);
  }
  const small: [(json: JsonWriter) => void, string][] = [
    [(json) => json.string(NAME, "a"), ',"n":"a"'],
    [(json) => json.number(NAME, 12.5), ',"n":12.5'],
    [(json) => json.number(NAME, 1e300), ',"n":1e+300'],
    [(json) => json.digits(1, 3), "001"],
  ];
  // However many bytes were there before, so that the room ends at each of theirs.
  for (const [write, expected] of small) {
    for (let before = 0; before < expected.length; before++) {
      const many = written((json) => {
        json.raw(bytes.subarray(0, before));
        for (let i = 0; i < 2 ** 16; i++) write(json);
      });
      assertEquals(many === "x".repeat(before) + expected.repeat(2 ** 16), true, expected);
    }
  }
});

Deno.test("JsonWriter writes microseconds as the milliseconds that JSON.stringify writes, and less than 0 as 0", () => {
  const micros = fc.oneof(
    fc.nat(5000),
    fc.nat(),
    fc.integer(),
    fc.double({ min: -1, max: 1e12, noNaN: true }),
  );
  fc.assert(fc.property(micros, (micros) => {
    const expected = JSON.stringify(Math.max(0, micros) / 1000);
    assertEquals(written((json) => json.milliseconds(NAME, micros)), `,"n":${expected}`);
  }));
  for (const micros of [0, 1, 10, 100, 999, 1000, 1001, 1010, 1100, 2 ** 31 - 1, 2 ** 31]) {
    assertEquals(written((json) => json.milliseconds(NAME, micros)), `,"n":${JSON.stringify(micros / 1000)}`);
  }
  assertEquals(written((json) => json.milliseconds(NAME, NaN)), "");
});
