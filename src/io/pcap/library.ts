/**
 * libpcap, opened when first needed, and its strings and programs as values.
 *
 * @module
 */

import { CaptureError } from "../../errors.ts";
import { cString, fromCString } from "../libc.ts";
import { symbols } from "./symbols.ts";

/** libpcap's functions as this program sees them. */
export type LibPcap = Deno.DynamicLibrary<typeof symbols>["symbols"];

const names = Deno.build.os === "darwin"
  ? ["libpcap.A.dylib", "libpcap.dylib", "/opt/homebrew/opt/libpcap/lib/libpcap.dylib"]
  : ["libpcap.so.1", "libpcap.so.0.8", "libpcap.so"];

let opened: LibPcap | undefined;

/**
 * Opens libpcap once.
 *
 * @throws {CaptureError} naming the packages that have it when no libpcap is installed, or the permission
 * that is missing.
 */
export function libpcap(): LibPcap {
  if (opened) return opened;
  for (const name of names) {
    try {
      opened = Deno.dlopen(name, symbols).symbols;
      return opened;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new CaptureError("library", "libpcap", "capturing needs Deno's --allow-ffi");
      }
    }
  }
  throw new CaptureError(
    "library",
    "libpcap",
    "libpcap is not installed: install libpcap0.8 (apt), libpcap (dnf, apk, pacman) or libpcap (brew)",
  );
}

/** libpcap's name and version, such as `libpcap version 1.10.3 (with TPACKET_V3)`. */
export function libpcapVersion(): string {
  return fromCString(libpcap().pcap_lib_version());
}

/** Size of libpcap's error buffer (PCAP_ERRBUF_SIZE). */
const ERROR_BUFFER_SIZE = 256;

/** Calls `open` with an error buffer; its result and what libpcap wrote there. */
export function withErrorBuffer<T>(open: (buffer: Uint8Array<ArrayBuffer>) => T): [result: T, error: string] {
  const buffer = new Uint8Array(ERROR_BUFFER_SIZE);
  const result = open(buffer);
  const end = buffer.indexOf(0);
  return [result, new TextDecoder().decode(buffer.subarray(0, end < 0 ? undefined : end))];
}

/** The handle's last error. */
export function lastError(handle: Deno.PointerValue): string {
  return fromCString(libpcap().pcap_geterr(handle));
}

/** A compiled filter: a `struct bpf_program`, whose instructions libpcap allocates. */
export type FilterProgram = Uint8Array<ArrayBuffer>;

const NETMASK_UNKNOWN = 0xffffffff;

/**
 * Compiles a filter expression for a handle's link type.
 *
 * @throws {CaptureError} with libpcap's own words and the expression.
 */
export function compileFilter(handle: Deno.PointerValue, expression: string): FilterProgram {
  const program = new Uint8Array(16);
  if (libpcap().pcap_compile(handle, program, cString(expression), 1, NETMASK_UNKNOWN) !== 0) {
    throw new CaptureError("filter", expression, `filter "${expression}": ${lastError(handle)}`);
  }
  return program;
}
