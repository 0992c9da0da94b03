/**
 * Teredo (RFC 4380): IPv6 in UDP, behind an authentication and an origin indication where there are such.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { guessIp } from "./ip_protocol.ts";
import { Layer, type Packet } from "./packet.ts";

const ORIGIN = 0, ORIGIN_LENGTH = 8;
const AUTHENTICATION = 1;
/** Type, lengths of identifier and value, nonce, confirmation. */
const AUTHENTICATION_FIXED_LENGTH = 13;

export function decodeTeredo(packet: Packet): Layer {
  const { bytes, at, end, wireEnd } = packet;
  let payload = at;
  if (wireEnd - payload >= 4 && end - payload >= 4 && u16(bytes, payload) === AUTHENTICATION) {
    payload += AUTHENTICATION_FIXED_LENGTH + bytes[payload + 2]! + bytes[payload + 3]!;
  }
  if (end - payload >= 2 && u16(bytes, payload) === ORIGIN) payload += ORIGIN_LENGTH;
  if (payload >= wireEnd) return Layer.other;
  if (payload >= end) return Layer.malformed;
  packet.at = payload;
  return guessIp(packet) === Layer.ipv6 ? Layer.ipv6 : Layer.other;
}
