/**
 * PPPoE session frames (RFC 2516).
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, Network, type Packet } from "./packet.ts";

const HEADER = 6;
const VERSION_AND_TYPE = 0x11;
const SESSION_DATA = 0;

export function decodePppoe(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER || bytes[at] !== VERSION_AND_TYPE) return Layer.malformed;
  if (bytes[at + 1] !== SESSION_DATA) return Layer.other;
  const length = u16(bytes, at + 4);
  if (length > packet.wireEnd - at - HEADER) return Layer.malformed;
  packet.trim(at + HEADER + length);
  // Both ends use the number that the access concentrator gave.
  packet.enterNetwork(Network.pppoeSession, u16(bytes, at + 2));
  packet.at = at + HEADER;
  return Layer.ppp;
}
