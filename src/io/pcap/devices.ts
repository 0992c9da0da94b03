/**
 * The devices that can be captured on.
 *
 * @module
 */

import type { Device } from "../../app/ports.ts";
import { CaptureError } from "../../errors.ts";
import { formatAddress } from "../../bytes.ts";
import { fromCString } from "../libc.ts";
import { libpcap, withErrorBuffer } from "./library.ts";

/** Flags of a `pcap_if_t`. */
const Flag = { loopback: 1, up: 2, running: 4 } as const;

/** AF_INET6 on Linux and macOS; AF_INET is 2 on both. */
const AF_INET = 2;
const AF_INET6 = Deno.build.os === "darwin" ? 30 : 10;

/**
 * All devices, the one that libpcap takes first being first.
 *
 * @throws {CaptureError} when libpcap cannot list them.
 */
export function listDevices(): Device[] {
  const pcap = libpcap();
  const head = new BigUint64Array(1);
  const [status, error] = withErrorBuffer((buffer) =>
    pcap.pcap_findalldevs(new Uint8Array(head.buffer), buffer)
  );
  if (status !== 0) throw new CaptureError("device", "", `the devices cannot be listed: ${error}`);
  const first = Deno.UnsafePointer.create(head[0]!);
  const devices: Device[] = [];
  // pcap_if_t: next, name, description, addresses, flags.
  for (let at = first; at !== null;) {
    const device = new Deno.UnsafePointerView(at);
    const flags = device.getUint32(32);
    devices.push({
      name: fromCString(device.getPointer(8)),
      description: fromCString(device.getPointer(16)),
      addresses: readAddresses(device.getPointer(24)),
      loopback: (flags & Flag.loopback) !== 0,
      up: (flags & Flag.up) !== 0,
      running: (flags & Flag.running) !== 0,
    });
    at = device.getPointer(0);
  }
  pcap.pcap_freealldevs(first);
  return devices;
}

/** Names of all devices. */
export function deviceNames(): string[] {
  return listDevices().map((device) => device.name);
}

/**
 * The device to capture on when none is named.
 *
 * @throws {CaptureError} when there is none.
 */
export function firstDevice(): string {
  const [first] = listDevices();
  if (first) return first.name;
  throw new CaptureError(
    "permission",
    "",
    "no device can be captured on: run it with sudo, or name one with --interface",
  );
}

/** Walks a list of pcap_addr (next, address, …) and formats those that are IP. */
function readAddresses(first: Deno.PointerValue): string[] {
  const addresses: string[] = [];
  for (let at = first; at !== null;) {
    const entry = new Deno.UnsafePointerView(at);
    const socketAddress = entry.getPointer(8);
    if (socketAddress !== null) {
      const view = new Deno.UnsafePointerView(socketAddress);
      const family = Deno.build.os === "darwin" ? view.getUint8(1) : view.getUint16(0);
      if (family === AF_INET) {
        addresses.push(formatAddress(new Uint8Array(view.getArrayBuffer(4, 4)), 0, 4));
      } else if (family === AF_INET6) {
        addresses.push(formatAddress(new Uint8Array(view.getArrayBuffer(16, 8)), 0, 16));
      }
    }
    at = entry.getPointer(0);
  }
  return addresses;
}
