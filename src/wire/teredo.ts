/**
 * Teredo (RFC 4380): IPv6 in UDP, behind an authentication and an origin indication where there are such.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { guessIp } from "./guess.ts";
import { Layer, type Packet } from "./packet.ts";

/** Header of the IPv6 packet that is always there. */
const FIXED_LENGTH = 40;
const ORIGIN = 0, ORIGIN_LENGTH = 8;
const AUTHENTICATION = 1;
/** Type, lengths of identifier and value, nonce, confirmation. */
const AUTHENTICATION_FIXED_LENGTH = 13;

export function decodeTeredo(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.wireEnd - at < FIXED_LENGTH) return Layer.other;
  if (packet.end - at < FIXED_LENGTH) return Layer.malformed;
  if (u16(bytes, at) === AUTHENTICATION) {
    packet.at += AUTHENTICATION_FIXED_LENGTH + bytes[at + 2]! + bytes[at + 3]!;
  }
  if (packet.end - packet.at >= 2 && u16(bytes, packet.at) === ORIGIN) packet.at += ORIGIN_LENGTH;
  if (packet.wireEnd - packet.at < FIXED_LENGTH) return Layer.other;
  if (packet.end - packet.at < 2) return Layer.malformed;
  return guessIp(packet) === Layer.ipv6 ? Layer.ipv6 : Layer.other;
}
