/**
 * One direction of an HTTP/2 connection cut into frames (RFC 9113 sections 3.4, 4 and 6), over any segmentation, and
 * found again after a loss.
 *
 * @module
 */

import { i32, u16 } from "../bytes.ts";
import type { StreamHandler } from "../stream/reassembly.ts";

/** Takes what the frames of one direction say. `time` is when the last byte of it was captured. */
export interface FrameHandler {
  /** The direction began as HTTP/2 begins. */
  opened(): void;
  /**
   * A field block: the header or trailers of `stream`, or the request that `stream` promises for `promised`, 0 for
   * none. `bytes[start, end)` is valid during the call.
   */
  block(
    stream: number,
    promised: number,
    endsStream: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    startTime: number,
    time: number,
  ): void;
  /** `length` bytes of a stream's content, without padding. */
  content(stream: number, length: number, endsStream: boolean, time: number): void;
  reset(stream: number, time: number): void;
  /** The streams that the other end opened after `lastStream` will not be answered. */
  goAway(lastStream: number): void;
  /** The longest payload that the other direction's frames may have. */
  frameLimit(length: number): void;
  /** A field block could not be put together; where the next frame begins is known. */
  blockLost(): void;
  /** Where frames begin is not known any more: some may pass unseen until the next is found. */
  lostTrack(): void;
  /** Something that should have been a frame, or the beginning of HTTP/2, is none. */
  unparsed(): void;
}

const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

const Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

/** By type, the flags that mean something. */
const KNOWN_FLAGS = [0x09, 0x2d, 0, 0, 0x01, 0x0c, 0x01, 0, 0, 0x04] as const;

/** What a client sends first (RFC 9113 section 3.4). */
const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** This much of it is no other protocol's: the first line. */
const CERTAIN_PREFACE = 16;

const HEADER_LENGTH = 9;
const DEFAULT_FRAME_LIMIT = 16_384;
const MAX_FRAME_SIZE_SETTING = 5;
/** Longer field blocks are given up, and so are longer frames of other types that are read. */
const LONGEST_BLOCK = 65_536;

const State = { start: 0, preface: 1, header: 2, payload: 3, lost: 4, ignored: 5 } as const;
type State = typeof State[keyof typeof State];

/** Bytes gathered until there are enough of them. */
class Gathered {
  bytes = new Uint8Array(0);
  length = 0;

  append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.length + end - start;
    if (this.bytes.length < needed) {
      const larger = new Uint8Array(Math.max(256, needed * 2));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = needed;
  }

  clear(): void {
    this.bytes = new Uint8Array(0);
    this.length = 0;
  }
}

/** Cuts one direction into frames. */
export class FrameReader implements StreamHandler {
  readonly #handler: FrameHandler;
  /** The longest payload that frames of this direction may have. */
  frameLimit = DEFAULT_FRAME_LIMIT;
  #state: State = State.start;
  /** The sequence number that the first frame must have, when it is known. */
  #expected: number | undefined;
  /** Bytes of the preface that have come. */
  #matched = 0;
  /** The frame under way. */
  readonly #header = new Uint8Array(HEADER_LENGTH);
  #headerBytes = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  #startTime = 0;
  /** Payload bytes to come. */
  #remaining = 0;
  /** True when the payload is read, else it is passed over. */
  #isRead = false;
  readonly #payload = new Gathered();
  /** Of DATA: content bytes passed over, and how many there are before the padding. */
  #passed = 0;
  #contentLength = 0;
  /** True when the length of the padding comes next. */
  #padLengthNext = false;
  /** False until the first frame. */
  #isOpened = false;
  /** The field block that CONTINUATION frames go on with: its stream, 0 when there is none. */
  #blockStream = 0;
  #blockPromised = 0;
  #blockEndsStream = false;
  #blockStartTime = 0;
  readonly #block = new Gathered();

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Says that the first byte must have the sequence number `sequence`; another tells of a loss. */
  expect(sequence: number): void {
    this.#expected = sequence;
  }

  /** Stops looking for frames. */
  ignore(): void {
    this.#state = State.ignored;
    this.#payload.clear();
    this.#block.clear();
  }

  /** Where frames begin is not known any more. */
  lose(): void {
    this.#state = State.lost;
    this.#payload.clear();
    this.#block.clear();
    this.#blockStream = 0;
    this.#headerBytes = 0;
    this.#isOpened = true;
    this.#handler.lostTrack();
  }

  data(
    bytes: Uint8Array,
    start: number,
    end: number,
    sequence: number,
    _acknowledgement: number,
    time: number,
  ): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case State.start:
          if (this.#expected !== undefined && this.#expected !== sequence) this.lose();
          // No frame is so long that it could begin like the preface.
          else this.#state = bytes[at] === PREFACE[0] ? State.preface : State.header;
          break;
        case State.preface:
          if (bytes[at++] !== PREFACE[this.#matched++]) this.#invalid();
          else if (this.#matched === PREFACE.length) {
            this.#state = State.header;
            this.#handler.opened();
          }
          break;
        case State.header:
          at = this.#readHeader(bytes, at, end, time);
          break;
        case State.payload:
          at = this.#readPayload(bytes, at, end, time);
          break;
        case State.lost:
          // Frames are looked for where segments begin.
          if (at !== start || !framesFit(bytes, at, end, this.frameLimit)) return;
          this.#state = State.header;
          break;
        case State.ignored:
          return;
      }
    }
  }

  missing(length: number, lost: boolean, time: number): void {
    switch (this.#state) {
      case State.ignored:
      case State.lost:
        return;
      case State.payload: {
        if (this.#isRead) this.#stopReading(time);
        const taken = Math.min(length, this.#remaining);
        // Padding whose length was missed counts as content.
        this.#padLengthNext = false;
        this.#pass(taken, time);
        if (length > taken) this.lose();
        return;
      }
      default:
        if (!lost || this.#headerBytes > 0) this.#handler.unparsed();
        this.lose();
    }
  }

  end(time: number): void {
    if (this.#state === State.payload) {
      if (this.#isRead) this.#stopReading(time);
      this.#reportContent(false, time);
    } else if (this.#state === State.header && this.#headerBytes > 0) {
      this.#handler.unparsed();
    }
    this.ignore();
  }

  #readHeader(bytes: Uint8Array, at: number, end: number, time: number): number {
    if (this.#headerBytes === 0) {
      this.#startTime = time;
      if (end - at >= HEADER_LENGTH) {
        this.#beginFrame(bytes, at, time);
        return at + HEADER_LENGTH;
      }
    }
    while (at < end && this.#headerBytes < HEADER_LENGTH) this.#header[this.#headerBytes++] = bytes[at++]!;
    if (this.#headerBytes === HEADER_LENGTH) this.#beginFrame(this.#header, 0, time);
    return at;
  }

  #beginFrame(bytes: Uint8Array, at: number, time: number): void {
    const length = lengthAt(bytes, at);
    this.#headerBytes = 0;
    this.#type = bytes[at + 3]!;
    this.#flags = bytes[at + 4]!;
    this.#stream = i32(bytes, at + 5) & 0x7fffffff;
    if (!mayBeFrame(length, this.#type, this.#flags, this.#stream, this.frameLimit)) {
      return this.#invalid();
    }
    if (!this.#isOpened) {
      // Both ends begin with SETTINGS (RFC 9113 section 3.4).
      if (this.#type !== Type.settings) return this.#invalid();
      this.#isOpened = true;
      this.#handler.opened();
    }
    const goesOn = this.#type === Type.continuation && this.#stream === this.#blockStream;
    if (this.#blockStream !== 0 && !goesOn) this.#dropBlock(time);
    this.#remaining = length;
    this.#passed = 0;
    this.#contentLength = this.#type === Type.data ? length : 0;
    this.#padLengthNext = this.#type === Type.data && (this.#flags & Flag.padded) !== 0;
    this.#isRead = this.#type === Type.continuation ? goesOn : isReadType(this.#type, this.#flags);
    if (this.#isRead && length > LONGEST_BLOCK) this.#stopReading(time);
    this.#state = State.payload;
    if (length === 0) this.#endFrame(bytes, at, at, time);
  }

  #readPayload(bytes: Uint8Array, at: number, end: number, time: number): number {
    if (this.#padLengthNext) {
      const padding = bytes[at]!;
      this.#padLengthNext = false;
      this.#remaining--;
      this.#contentLength = this.#remaining - padding;
      if (this.#contentLength < 0) this.#invalid();
      else if (this.#remaining === 0) this.#endFrame(bytes, at, at, time);
      return at + 1;
    }
    const taken = Math.min(end - at, this.#remaining);
    if (!this.#isRead) {
      this.#pass(taken, time);
      return at + taken;
    }
    this.#remaining -= taken;
    if (this.#remaining === 0 && this.#payload.length === 0) {
      this.#endFrame(bytes, at, at + taken, time);
      return at + taken;
    }
    this.#payload.append(bytes, at, at + taken);
    if (this.#remaining === 0) {
      this.#endFrame(this.#payload.bytes, 0, this.#payload.length, time);
      this.#payload.clear();
    }
    return at + taken;
  }

  /** Passes over payload that is not read. */
  #pass(length: number, time: number): void {
    this.#passed += length;
    this.#remaining -= length;
    if (this.#remaining === 0) this.#endFrame(NOTHING, 0, 0, time);
  }

  /** The frame under way is over: `bytes[start, end)` is its payload if it was read. */
  #endFrame(bytes: Uint8Array, start: number, end: number, time: number): void {
    this.#state = State.header;
    if (!this.#isRead) {
      const mayEndStream = this.#type === Type.data || this.#type === Type.headers;
      this.#reportContent(mayEndStream && (this.#flags & Flag.endStream) !== 0, time);
      return;
    }
    switch (this.#type) {
      case Type.reset:
        this.#handler.reset(this.#stream, time);
        break;
      case Type.goAway:
        this.#handler.goAway(i32(bytes, start) & 0x7fffffff);
        break;
      case Type.settings:
        for (let at = start; at < end; at += 6) {
          if (u16(bytes, at) === MAX_FRAME_SIZE_SETTING) this.#handler.frameLimit(i32(bytes, at + 2));
        }
        break;
      default:
        this.#fragment(bytes, start, end, time);
    }
  }

  /** Takes the payload of a frame with a part of a field block. */
  #fragment(bytes: Uint8Array, start: number, end: number, time: number): void {
    if (this.#type !== Type.continuation) {
      if (this.#flags & Flag.padded) end -= bytes[start++]!;
      if (this.#type === Type.headers && this.#flags & Flag.priority) start += 5;
      this.#blockPromised = 0;
      if (this.#type === Type.pushPromise) {
        this.#blockPromised = i32(bytes, start) & 0x7fffffff;
        start += 4;
      }
      if (start > end) return this.#invalid();
      this.#blockStream = this.#stream;
      this.#blockEndsStream = this.#type === Type.headers && (this.#flags & Flag.endStream) !== 0;
      this.#blockStartTime = this.#startTime;
    }
    const isLast = (this.#flags & Flag.endHeaders) !== 0;
    if (!isLast || this.#block.length > 0) {
      if (this.#block.length + end - start > LONGEST_BLOCK) return this.#dropBlock(time);
      this.#block.append(bytes, start, end);
      if (!isLast) return;
      bytes = this.#block.bytes;
      start = 0;
      end = this.#block.length;
    }
    const stream = this.#blockStream;
    this.#blockStream = 0;
    this.#handler.block(
      stream,
      this.#blockPromised,
      this.#blockEndsStream,
      bytes,
      start,
      end,
      this.#blockStartTime,
      time,
    );
    if (this.#block.length > 0) this.#block.clear();
  }

  /** Gives up the field block under way. */
  #dropBlock(time: number): void {
    const stream = this.#blockStream;
    this.#blockStream = 0;
    this.#block.clear();
    this.#handler.blockLost();
    if (this.#blockEndsStream) this.#handler.content(stream, 0, true, time);
  }

  /** The rest of a payload that was being read is passed over. */
  #stopReading(time: number): void {
    this.#isRead = false;
    this.#payload.clear();
    if (this.#type === Type.continuation) this.#dropBlock(time);
    else if (this.#type === Type.headers || this.#type === Type.pushPromise) this.#handler.blockLost();
  }

  #reportContent(endsStream: boolean, time: number): void {
    const length = Math.min(this.#passed, this.#contentLength);
    if (length > 0 || endsStream) this.#handler.content(this.#stream, length, endsStream, time);
  }

  #invalid(): void {
    this.lose();
    this.#handler.unparsed();
  }
}

const NOTHING = new Uint8Array(0);

/**
 * True when the bytes where a segment begins can only be those of HTTP/2 frames: several headers that follow each
 * other, or one whose payload ends with the segment.
 */
export function framesFit(bytes: Uint8Array, start: number, end: number, frameLimit: number): boolean {
  let at = start, frames = 0;
  while (end - at >= HEADER_LENGTH) {
    const length = lengthAt(bytes, at), type = bytes[at + 3]!, flags = bytes[at + 4]!;
    const stream = i32(bytes, at + 5);
    if (stream < 0 || !mayBeFrame(length, type, flags, stream, frameLimit)) return false;
    // What is allowed and that nobody sends would also be found where there are only zeros.
    const knownFlags = KNOWN_FLAGS[type];
    if (knownFlags === undefined || (flags & ~knownFlags) !== 0) return false;
    if (length === 0 && type !== Type.settings && !(type === Type.data && flags & Flag.endStream)) {
      return false;
    }
    at += HEADER_LENGTH + length;
    frames++;
    if (at === end) return true;
  }
  return frames > 1;
}

/** What a direction may begin with that shows it to be HTTP/2. */
export const Http2Start = { none: 0, preface: 1, settings: 2, frames: 3 } as const;
export type Http2Start = typeof Http2Start[keyof typeof Http2Start];

/** What the bytes at the start of a segment show: the preface, a frame of SETTINGS or other frames. */
export function http2Start(bytes: Uint8Array, start: number, end: number): Http2Start {
  let matched = 0;
  while (matched < PREFACE.length && start + matched < end && bytes[start + matched] === PREFACE[matched]) {
    matched++;
  }
  if (matched === PREFACE.length || (matched >= CERTAIN_PREFACE && start + matched === end)) {
    return Http2Start.preface;
  }
  if (!framesFit(bytes, start, end, DEFAULT_FRAME_LIMIT)) return Http2Start.none;
  return bytes[start + 3] === Type.settings ? Http2Start.settings : Http2Start.frames;
}

/** True when there may be a frame with such a header (RFC 9113 section 6); frames of unknown types may be any. */
function mayBeFrame(length: number, type: number, flags: number, stream: number, limit: number): boolean {
  if (length > limit) return false;
  const padLength = flags & Flag.padded ? 1 : 0;
  switch (type) {
    case Type.data:
      return stream !== 0 && length >= padLength;
    case Type.headers:
      return stream !== 0 && length >= padLength + (flags & Flag.priority ? 5 : 0);
    case Type.priority:
      return stream !== 0 && length === 5;
    case Type.reset:
      return stream !== 0 && length === 4;
    case Type.settings:
      return stream === 0 && (flags & Flag.ack ? length === 0 : length % 6 === 0);
    case Type.pushPromise:
      return stream !== 0 && length >= padLength + 4;
    case Type.ping:
      return stream === 0 && length === 8;
    case Type.goAway:
      return stream === 0 && length >= 8;
    case Type.windowUpdate:
      return length === 4;
    case Type.continuation:
      return stream !== 0;
    default:
      return true;
  }
}

/** True for frames whose payload says something. */
function isReadType(type: number, flags: number): boolean {
  switch (type) {
    case Type.headers:
    case Type.pushPromise:
    case Type.goAway:
    case Type.reset:
      return true;
    case Type.settings:
      return (flags & Flag.ack) === 0;
    default:
      return false;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | u16(bytes, at + 1);
}
