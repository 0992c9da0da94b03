/**
 * The fast lane: of the frames that most captures are made of, Ethernet with plain IPv4 and TCP, those that are the next
 * in order of a connection under way go from the capture's memory to the connection in one loop. All others are left to the
 * layers, one by one, which would do the same with these, in several times the time.
 *
 * @module
 */

import { Frame, type FrameHandler } from "../frame.ts";
import { MAXIMUM_SNAPLEN } from "../savefile.ts";
import { Flag } from "../wire/packet.ts";
import type { FlowTable } from "./flows.ts";

/** Bytes before each frame: seconds, microseconds, captured and original length. */
const RECORD_HEADER = 16;
/** LINKTYPE_ETHERNET. */
const ETHERNET = 1;
const ETHERTYPE_IPV4 = 0x0800;
/** Version 4 with a header of five words: no options. */
const PLAIN_IPV4 = 0x45;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const PROTOCOL_TCP = 6;
/** Offsets within the frame. */
const IPV4 = 14, TCP = 34;
const SMALLEST_TCP_HEADER = 20;

/** Where time stands for what the frames are a part of. */
export interface Progress {
  packets: number;
  bytes: number;
  /** Time of the first frame, and the latest seen; 0 before the first. */
  start: number;
  time: number;
  /** When next to call {@link FastLane.advance}. */
  advanceAt: number;
}

/** Takes runs of records. */
export class FastLane {
  readonly #frame = new Frame();

  /**
   * @param progress Kept up to date.
   * @param otherwise Takes each frame that is not for the fast lane.
   * @param advance Is called when the time is `progress.advanceAt`, and sets that anew.
   */
  constructor(
    readonly flows: FlowTable,
    readonly progress: Progress,
    readonly otherwise: FrameHandler,
    readonly advance: () => void,
  ) {}

  /** As {@link RunHandler}. The loop over every packet of most captures: nothing is allocated in it. */
  take(bytes: Uint8Array, view: DataView, start: number, end: number, linkType: number): number {
    const { progress } = this;
    const frame = this.#frame;
    frame.setMemory(bytes, view);
    frame.linkType = linkType;
    let packets = 0, wireBytes = 0, latest = progress.time, { advanceAt } = progress;
    let record = start;
    while (end - record >= RECORD_HEADER) {
      const at = record + RECORD_HEADER;
      const captured = view.getUint32(record + 8, true);
      if (captured > end - at || captured > MAXIMUM_SNAPLEN) break;
      const time = frame.time = timeOf(view, record);
      const stated = view.getUint32(record + 12, true);
      const wireLength = stated < captured ? captured : stated;
      const frameEnd = record = at + captured;
      packets++;
      wireBytes += wireLength;
      if (time > latest) latest = time;
      if (linkType !== ETHERNET || !this.#usual(frame, at, frameEnd)) {
        frame.start = at;
        frame.end = frameEnd;
        frame.wireLength = wireLength;
        this.otherwise(frame);
      }
      if (latest >= advanceAt) {
        progress.time = latest;
        this.advance();
        advanceAt = progress.advanceAt;
      }
    }
    if (progress.packets === 0 && packets > 0) progress.start = timeOf(view, start);
    progress.packets += packets;
    progress.bytes += wireBytes;
    progress.time = latest;
    return record;
  }

  /** Takes a frame if it is one of those. Returns false when it is not: then nothing was done. */
  #usual(frame: Frame, start: number, end: number): boolean {
    const { bytes, view } = frame;
    if (
      end - start < TCP + SMALLEST_TCP_HEADER ||
      view.getUint16(start + 12) !== ETHERTYPE_IPV4 || bytes[start + IPV4] !== PLAIN_IPV4 ||
      bytes[start + IPV4 + 9] !== PROTOCOL_TCP ||
      (view.getUint16(start + IPV4 + 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0
    ) {
      return false;
    }
    const tcp = start + TCP;
    const headerLength = (bytes[tcp + 12]! >> 4) << 2;
    const payload = tcp + headerLength;
    const payloadEnd = start + IPV4 + view.getUint16(start + IPV4 + 2);
    const flags = bytes[tcp + 13]!;
    const noWindow = view.getUint16(tcp + 14) === 0;
    // What was not captured whole needs more than this, and so does a total length of 0.
    if (
      headerLength < SMALLEST_TCP_HEADER || payload > payloadEnd || payloadEnd > end || noWindow ||
      (flags & (Flag.syn | Flag.fin | Flag.rst | Flag.ack)) !== Flag.ack
    ) {
      return false;
    }
    const source = view.getInt32(start + IPV4 + 12), destination = view.getInt32(start + IPV4 + 16);
    const sourcePort = view.getUint16(tcp), destinationPort = view.getUint16(tcp + 2);
    const isLower = source < destination || (source === destination && sourcePort <= destinationPort);
    return this.flows.inOrder(
      isLower ? source : destination,
      isLower ? destination : source,
      isLower ? (sourcePort << 16) | destinationPort : (destinationPort << 16) | sourcePort,
      isLower ? 0 : 1,
      view.getInt32(tcp + 4),
      view.getInt32(tcp + 8),
      frame,
      payload,
      payloadEnd,
    );
  }
}

/** Microseconds since the epoch. */
function timeOf(view: DataView, record: number): number {
  return view.getUint32(record, true) * 1e6 + view.getUint32(record + 4, true);
}
