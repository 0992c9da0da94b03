import { assertEquals } from "@std/assert";
import {
  duration,
  filterExpression,
  integer,
  oneOf,
  outputFile,
  portList,
  scaled,
  switched,
  switchedOff,
  text,
} from "../../src/cli/value_types.ts";

Deno.test("text rejects nothing and a zero byte, which ends a string of C", () => {
  const { parse } = text("a name");
  assertEquals(parse("eth0"), "eth0");
  assertEquals(parse("-"), "-");
  assertEquals(parse(""), undefined);
  assertEquals(parse("a\0b"), undefined);
});

Deno.test("filterExpression accepts the empty expression", () => {
  assertEquals(filterExpression.parse(""), "");
  assertEquals(filterExpression.parse("a\0"), undefined);
});

Deno.test("outputFile rejects standard output", () => {
  const { parse } = outputFile("a.pcap");
  assertEquals(parse("b.pcap"), "b.pcap");
  assertEquals(parse("-"), undefined);
});

Deno.test("integer accepts its bounds and rejects what is beyond them", () => {
  const { parse } = integer(1, 1000);
  assertEquals(["1", "1000", "007"].map(parse), [1, 1000, 7]);
  assertEquals(["0", "1001", "-1", "1.5", "1e2", "0x10", "", " 1", "ten"].filter((word) => parse(word)), []);
});

Deno.test("integer without an upper bound stops where numbers are no longer exact", () => {
  const { parse, expects } = integer(1);
  assertEquals(parse("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assertEquals(parse("9007199254740993"), undefined);
  assertEquals(expects, "a whole number of 1 or more");
});

Deno.test("scaled checks the number and returns the product", () => {
  const { parse } = scaled(1, 2047, 1 << 20);
  assertEquals(parse("2047"), 2_146_435_072);
  assertEquals(parse("2048"), undefined);
});

Deno.test("duration accepts its bounds and rejects what is beyond them", () => {
  const { parse, expects } = duration("100ms", "1h", "10s");
  assertEquals(["100ms", "1h", "1m30s"].map(parse), [100_000, 3_600_000_000, 90_000_000]);
  assertEquals(["99ms", "1h1s", "0s", "10", "-5s", ""].filter((word) => parse(word) !== undefined), []);
  assertEquals(expects, "a duration, such as 10s, from 100ms to 1h");
});

Deno.test("portList keeps each port once, in order", () => {
  assertEquals(portList.parse("8080,80, 8080"), [8080, 80]);
});

Deno.test("portList rejects what is not a port and too many of them", () => {
  for (const list of ["", "0", "65536", "80,", "80-90", "http", "80;81"]) {
    assertEquals(portList.parse(list), undefined, list);
  }
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assertEquals(portList.parse(hundred.join())?.length, 100);
  assertEquals(portList.parse([...hundred, 101].join()), undefined);
});

Deno.test("oneOf accepts its words only", () => {
  const { parse, expects } = oneOf("auto", "always", "never");
  assertEquals(parse("never"), "never");
  assertEquals(parse("Never"), undefined);
  assertEquals(expects, "auto, always or never");
});

Deno.test("switched reads every word for yes and no in any case", () => {
  assertEquals(["true", "yes", "on", "1", "YES"].map(switched.parse), [true, true, true, true, true]);
  assertEquals(["false", "no", "off", "0", "Off"].map(switched.parse), [false, false, false, false, false]);
  assertEquals(["", "2", "y"].map(switched.parse), [undefined, undefined, undefined]);
});

Deno.test("switchedOff is the opposite of switched", () => {
  assertEquals(["yes", "no", "maybe"].map(switchedOff.parse), [false, true, undefined]);
});
