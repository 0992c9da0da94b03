/**
 * Decoding for the tests of single layers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { decodeFrame } from "../../src/wire/decode.ts";
import { Layer, Packet } from "../../src/wire/packet.ts";
import { concat } from "../support/frames.ts";

/** A packet reset to `bytes`, which lie in the middle of a larger buffer, and what a layer made of it. */
export function decode(
  layer: (packet: Packet) => Layer,
  bytes: Uint8Array,
  wireLength = bytes.length,
): { packet: Packet; next: Layer; offset: number } {
  const packet = new Packet();
  const buffer = surrounded(bytes);
  packet.reset(buffer, MARGIN, MARGIN + bytes.length, wireLength, 0);
  const next = layer(packet);
  assertInside(packet, bytes.length);
  return { packet, next, offset: packet.at - MARGIN };
}

/** The facts of a whole frame's segment, or how decoding it ended. */
export interface Segment {
  readonly layer: Layer;
  readonly payload: string;
  readonly payloadLength: number;
  readonly packet: Packet;
}

/** Decodes a whole frame. `wireLength` is its own length unless said. */
export function decodeWhole(linkType: number, bytes: Uint8Array, wireLength = bytes.length): Segment {
  const packet = new Packet();
  packet.reset(surrounded(bytes), MARGIN, MARGIN + bytes.length, wireLength, 0);
  const layer = decodeFrame(packet, linkType);
  assertInside(packet, bytes.length);
  const payload = layer === Layer.segment
    ? new TextDecoder().decode(packet.bytes.subarray(packet.at, packet.end))
    : "";
  return { layer, payload, payloadLength: packet.payloadLength, packet };
}

/**
 * Cuts a frame at each byte, as a snaplen does. Within its headers, which are the first `headers` bytes, it must
 * count as malformed, or as not TCP where the cut hides that it is; behind them as a segment with the payload
 * that is left, of the same length on the wire.
 */
export function assertCutAnywhere(linkType: number, bytes: Uint8Array, headers: number): void {
  const whole = decodeWhole(linkType, bytes);
  assertEquals(whole.layer, Layer.segment);
  for (let cut = 0; cut < bytes.length; cut++) {
    const { layer, payload, payloadLength } = decodeWhole(linkType, bytes.subarray(0, cut), bytes.length);
    if (cut < headers) {
      assertEquals(layer, Layer.malformed, `cut at ${cut}`);
    } else {
      assertEquals(layer, Layer.segment, `cut at ${cut}`);
      assert(whole.payload.startsWith(payload));
      assertEquals(payloadLength, whole.payloadLength);
    }
  }
}

/** Bytes on both sides of a frame in its buffer, which must not be read. */
const MARGIN = 50;

function surrounded(bytes: Uint8Array): Uint8Array {
  return concat(new Uint8Array(MARGIN).fill(0x45), bytes, new Uint8Array(MARGIN).fill(0x45));
}

function assertInside(packet: Packet, length: number): void {
  assert(packet.at >= MARGIN && packet.at <= packet.end && packet.end <= MARGIN + length);
  assert(packet.wireEnd >= packet.end);
}
