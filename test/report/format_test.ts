import { assertEquals } from "@std/assert";
import { bytes, count, decimal, duration, percent, timeSeenFrom } from "../../src/report/format.ts";

Deno.test("count groups thousands", () => {
  assertEquals([0, 999, 1_000, 12_345_678].map(count), ["0", "999", "1,000", "12,345,678"]);
});

Deno.test("decimal has one digit after the point and does not round something to nothing", () => {
  assertEquals([0, 0.01, 0.05, 1, 1028.75].map(decimal), ["0.0", "<0.1", "0.1", "1.0", "1,028.8"]);
});

Deno.test("percent reads a part of one", () => {
  assertEquals([0, 0.0001, 0.35, 1].map(percent), ["0.0%", "<0.1%", "35.0%", "100.0%"]);
});

Deno.test("bytes has binary units as IEC writes them", () => {
  assertEquals([0, 2 ** 10, 1.5 * 2 ** 20, 2 ** 30].map(bytes), ["0 B", "1 KiB", "1.5 MiB", "1 GiB"]);
});

Deno.test("duration counts whole seconds, and milliseconds below one", () => {
  assertEquals([0, 0.2504, 1.9, 130, 3_600].map(duration), ["0s", "250ms", "1s", "2m10s", "1h"]);
});

Deno.test("timeSeenFrom names the day only when it is another", () => {
  const today = "2026-03-14T09:31:55.000000Z";
  assertEquals(timeSeenFrom(today, "2026-03-14T08:00:01.999999Z"), "08:00:01");
  assertEquals(timeSeenFrom(today, "2026-03-13T23:59:59.000000Z"), "2026-03-13 23:59:59");
});
