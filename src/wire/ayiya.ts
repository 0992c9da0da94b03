/**
 * AYIYA: IP in UDP with an identity and a signature before it, as tunnel brokers used it
 * (https://www.ietf.org/archive/id/draft-massar-v6ops-ayiya-02.txt).
 *
 * @module
 */

import { guessIp } from "./guess.ts";
import { layerOfProtocol } from "./ip_protocol.ts";
import { Layer, type Packet } from "./packet.ts";

/** Lengths and methods, next header, and the time. */
const HEADER = 8;
const FORWARD = 1;

export function decodeAyiya(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.wireEnd - at < HEADER) return Layer.other;
  if (packet.end - at < HEADER) return Layer.malformed;
  const identityLength = 2 ** (bytes[at]! >> 4);
  const signatureLength = (bytes[at + 1]! >> 4) * 4;
  const operation = bytes[at + 2]! & 0x0f;
  const payload = at + HEADER + identityLength + signatureLength;
  if (operation !== FORWARD || payload >= packet.wireEnd) return Layer.other;
  const inner = layerOfProtocol(bytes[at + 3]!);
  if (inner !== Layer.ipv6 && inner !== Layer.ipv4) return Layer.other;
  if (payload >= packet.end) return Layer.malformed;
  packet.at = payload;
  return guessIp(packet) === inner ? inner : Layer.other;
}
