import { assertEquals } from "@std/assert";
import { rfc3339 } from "../src/time.ts";

Deno.test("rfc3339 writes UTC with six decimals", () => {
  assertEquals(rfc3339(1_700_000_000_123_456), "2023-11-14T22:13:20.123456Z");
  assertEquals(rfc3339(0), "1970-01-01T00:00:00.000000Z");
  assertEquals(rfc3339(1_000_007), "1970-01-01T00:00:01.000007Z");
});

Deno.test("rfc3339 writes moments before 1970 and drops parts of a microsecond", () => {
  assertEquals(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
  assertEquals(rfc3339(1.9), "1970-01-01T00:00:00.000001Z");
});

Deno.test("rfc3339 takes a moment beyond what a number holds exactly as the nearest within", () => {
  for (const late of [1.8e19, Infinity, Number.MAX_SAFE_INTEGER]) {
    assertEquals(rfc3339(late), "2255-06-05T23:47:34.740991Z");
  }
  assertEquals(rfc3339(-1e19), "1684-07-28T00:12:25.259009Z");
});
