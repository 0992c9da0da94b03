/**
 * Opens the system's libraries before any test of the importing file, since the program opens them once and never
 * closes them, which Deno would call a leak of the test that happened to be first.
 *
 * @module
 */

import { libc } from "../../src/io/libc.ts";
import { libpcap } from "../../src/io/pcap/library.ts";

if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") {
  try {
    libc();
    libpcap();
  } catch {
    // The tests that need them will say so.
  }
}
