import { assertEquals } from "@std/assert";
import { version } from "../../src/cli/version.ts";

Deno.test("version is that of deno.json", async () => {
  const text = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
  assertEquals(version, JSON.parse(text).version);
});
