/**
 * The addresses of packets as text, made once for those seen again and again, and keys for tables by address.
 *
 * @module
 */

import { ByteCache, formatAddress, formatMac } from "../bytes.ts";
import type { Packet } from "../wire/packet.ts";

const addresses = new ByteCache((bytes, start, end) => formatAddress(bytes, start, end - start), 2 ** 12);
const macs = new ByteCache((bytes, start) => formatMac(bytes, start), 1024);

/** The packet's IP address at `at`, such as `packet.source`. */
export function addressOf({ bytes, addressLength }: Packet, at: number): string {
  return addresses.get(bytes, at, at + addressLength);
}

/** The link layer address at `at`, such as `packet.sourceMac`; `undefined` when that is -1. */
export function macOf({ bytes }: Packet, at: number): string | undefined {
  return at < 0 ? undefined : macs.get(bytes, at, at + 6);
}

/**
 * A key for what is found by an address, or another text, within a network as `Packet.network` tells them apart. Most
 * packets are in none, and then it costs nothing.
 */
export function keyIn(network: number, text: string): string {
  return network === 0 ? text : `${network} ${text}`;
}
