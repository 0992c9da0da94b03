/**
 * ARP (RFC 826) for IPv4 over link layers with addresses of 6 bytes, which Ethernet and 802.11 have.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

/** Hardware type, protocol type, the lengths of both kinds of addresses, operation, and each address twice. */
const LENGTH = 28;
const ETHERNET = 1, IPV4 = 0x0800;
/** A length of 6 for hardware addresses, and of 4 for protocol addresses. */
const ADDRESS_LENGTHS = 0x0604;

/** Where the fields are, counted from `at` of a packet that ended with `Layer.arp`; all of them are there. */
export const ArpField = {
  operation: 6,
  senderMac: 8,
  senderAddress: 14,
  targetMac: 18,
  targetAddress: 24,
} as const;

/** Values of the operation, a 16-bit number. */
export const ArpOperation = { request: 1, reply: 2 } as const;

/**
 * Leaves `at` at the header, whose fields {@link ArpField} names, and the length of its addresses in the packet. ARP for other
 * link layers or protocols is `Layer.other`, a packet that is cut short `Layer.malformed`.
 */
export function decodeArp(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < ArpField.operation) return Layer.malformed;
  const isKnown = u16(bytes, at) === ETHERNET && u16(bytes, at + 2) === IPV4 &&
    u16(bytes, at + 4) === ADDRESS_LENGTHS;
  if (!isKnown) return Layer.other;
  if (packet.end - at < LENGTH) return Layer.malformed;
  packet.addressLength = 4;
  return Layer.arp;
}
