/**
 * IEEE 802.11 data frames that are not encrypted, and what capturing programs put before them: radiotap, PPI, Prism and
 * AVS headers.
 *
 * @module
 */

import { i32, u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

/** Frame control, duration, three addresses, sequence control. */
const HEADER = 24;
const ADDRESS = 6;
const QOS = 2, HT_CONTROL = 4;

const DATA = 2;
/** Bits of a data frame's subtype. */
const NO_DATA = 0x4, HAS_QOS = 0x8;
/** Bits of the second byte of frame control. */
const Flag = { toDs: 0x01, fromDs: 0x02, moreFragments: 0x04, protected: 0x40, order: 0x80 } as const;
const AGGREGATED = 0x80;

export function decodeIeee80211(packet: Packet): Layer {
  return decodeDataFrame(packet, false);
}

/** @param padded Whether the header is padded to 4 bytes, as some drivers do. */
function decodeDataFrame(packet: Packet, padded: boolean): Layer {
  const { bytes, at } = packet;
  // Control frames, acknowledgements among them, are shorter than the header of data.
  if (packet.end - at < 2) return Layer.malformed;
  const control = bytes[at]!, flags = bytes[at + 1]!;
  const version = control & 0x03, type = (control >> 2) & 0x03, subtype = control >> 4;
  if (version !== 0) return Layer.malformed;
  if (type !== DATA || subtype & NO_DATA || flags & Flag.protected) return Layer.other;

  const toDs = (flags & Flag.toDs) !== 0, fromDs = (flags & Flag.fromDs) !== 0;
  const qos = at + HEADER + (toDs && fromDs ? ADDRESS : 0);
  const hasQos = (subtype & HAS_QOS) !== 0;
  const headerEnd = qos + (hasQos ? QOS + (flags & Flag.order ? HT_CONTROL : 0) : 0);
  const body = padded ? headerEnd + ((at - headerEnd) & 3) : headerEnd;
  if (body > packet.end) return Layer.malformed;
  // Fragments are not put together.
  const fragmentNumber = bytes[at + 22]! & 0x0f;
  if (fragmentNumber !== 0 || flags & Flag.moreFragments) return Layer.malformed;

  const [first, second, third] = [at + 4, at + 4 + ADDRESS, at + 4 + 2 * ADDRESS] as const;
  packet.destinationMac = toDs ? third : first;
  packet.sourceMac = !fromDs ? second : toDs ? at + HEADER : third;
  packet.at = body;
  return hasQos && bytes[qos]! & AGGREGATED ? Layer.aggregatedMsdu : Layer.llc;
}

/** One of the frames that an aggregated frame (A-MSDU) holds: addresses, length, and LLC. */
export function decodeAggregatedMsdu(packet: Packet): Layer {
  const HEADER = 14;
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  const length = u16(bytes, at + 12);
  if (length === 0 || length > packet.wireEnd - at - HEADER) return Layer.malformed;
  const next = at + ((HEADER + length + 3) & ~3);
  if (packet.wireEnd - next > HEADER) packet.leaveRest(next, Layer.aggregatedMsdu);
  packet.destinationMac = at;
  packet.sourceMac = at + 6;
  packet.trim(at + HEADER + length);
  packet.at = at + HEADER;
  return Layer.llc;
}

/** Radiotap (https://www.radiotap.org): of its fields only the flags tell how to read the frame. */
export function decodeRadiotap(packet: Packet): Layer {
  const HEADER = 8, TIMER = 1, FLAGS = 2;
  const HAS_CHECK_SEQUENCE = 0x10, PADDED = 0x20;
  const { bytes, at } = packet;
  if (packet.end - at < HEADER || bytes[at] !== 0) return Layer.malformed;
  const length = littleEndian16(bytes, at + 2);
  if (length < HEADER || length > packet.end - at) return Layer.malformed;
  packet.at = at + length;

  const present = bytes[at + 4]!;
  if (!(present & FLAGS)) return decodeDataFrame(packet, false);
  // Words of presence bits, as long as the uppermost bit says that another follows; then the fields.
  let word = at + 4;
  while (word + 4 <= packet.at && bytes[word + 3]! & 0x80) word += 4;
  const field = word + 4;
  const flagsAt = present & TIMER ? at + ((field - at + 7) & ~7) + 8 : field;
  if (flagsAt >= packet.at) return Layer.malformed;
  const flags = bytes[flagsAt]!;
  if (flags & HAS_CHECK_SEQUENCE) trimCheckSequence(packet);
  return decodeDataFrame(packet, (flags & PADDED) !== 0);
}

/** Per-Packet Information: a header that names the link type of what follows it. */
export function decodePpi(packet: Packet): Layer {
  const HEADER = 8;
  const { bytes, at } = packet;
  if (packet.end - at < HEADER || bytes[at] !== 0) return Layer.malformed;
  const length = littleEndian16(bytes, at + 2);
  if (length < HEADER || length > packet.end - at) return Layer.malformed;
  packet.at = at + length;
  switch (littleEndian16(bytes, at + 4)) {
    case 105:
      return Layer.ieee80211;
    case 1:
      return Layer.ethernet;
    default:
      return Layer.other;
  }
}

/** The header of Prism cards, and AVS, which came after it and is also met under its link type. */
export function decodePrism(packet: Packet): Layer {
  const HEADER = 8;
  const PRISM = 0x44, AVS = 0x80211;
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  const isLittleEndian = bytes[at] === PRISM;
  const magic = i32(bytes, at);
  const isPrism = isLittleEndian || magic === PRISM, isAvs = magic >>> 12 === AVS;
  if (!isPrism && !isAvs) return Layer.malformed;
  const length = isLittleEndian ? littleEndian16(bytes, at + 4) : u16(bytes, at + 6);
  if (length < HEADER || length > packet.end - at) return Layer.malformed;
  packet.at = at + length;
  return Layer.ieee80211;
}

function trimCheckSequence(packet: Packet): void {
  const CHECK_SEQUENCE = 4;
  packet.trim(Math.max(packet.at, packet.wireEnd - CHECK_SEQUENCE));
}

function littleEndian16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}
