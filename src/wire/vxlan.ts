/**
 * VXLAN (RFC 7348): Ethernet in UDP. Senders use the reserved bits, so only the flag of the network identifier is asked for.
 *
 * @module
 */

import { i32 } from "../bytes.ts";
import { guessEthernet } from "./guess.ts";
import { Layer, Network, type Packet } from "./packet.ts";

const HEADER = 8;
const HAS_IDENTIFIER = 0x08;

export function decodeVxlan(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.wireEnd - at < HEADER) return Layer.other;
  if (packet.end - at < HEADER) return Layer.malformed;
  if (!(bytes[at]! & HAS_IDENTIFIER) || !guessEthernet(packet, at + HEADER)) return Layer.other;
  packet.enterNetwork(Network.virtualNetwork, i32(bytes, at + 4) >>> 8);
  packet.at = at + HEADER;
  return Layer.ethernet;
}
