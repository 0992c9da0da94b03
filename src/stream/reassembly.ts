/**
 * One direction of a TCP connection put back into order: retransmitted and overlapping bytes are dropped, segments
 * that came early are held until the hole before them is filled or given up.
 *
 * Early also means before its cause: a segment that acknowledges bytes of the other direction which have not
 * been delivered yet is held until they are, so that a response never comes before its request.
 *
 * @module
 */

import { Flag } from "../wire/packet.ts";

/** Takes what one direction of a connection carried, in order. */
export interface StreamHandler {
  /**
   * Bytes of one segment, valid during the call. `sequence` is that of the first byte, `acknowledgement` what the
   * segment acknowledged (`undefined` when nothing), `time` when it was captured.
   */
  data(
    bytes: Uint8Array,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number | undefined,
    time: number,
  ): void;
  /** `length` bytes that were not captured: `lost` when no segment had them, else cut off by the snaplen. */
  missing(length: number, lost: boolean, time: number): void;
  /** The sender closed this direction. */
  end(time: number): void;
}

/** A segment as it was captured: `bytes[at, end)` of a payload of `payloadLength` bytes. */
export interface Segment {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
  readonly payloadLength: number;
  readonly acknowledgement: number;
  /** As in the TCP header. */
  readonly flags: number;
  readonly time: number;
}

/** How much of something all connections together hold, and how much they may. */
export class Budget {
  used = 0;
  constructor(readonly limit: number) {}
}

/** Sizes of pooled memory are powers of two from this on. */
const SMALLEST_SIZE_BITS = 8;

/** Memory for held segments: pooled, as a flood would else leave more behind than is collected in time. */
export class HeldMemory extends Budget {
  /** What is free, by size. */
  readonly #free: Uint8Array[][] = [];

  /** A copy of `bytes[at, end)`, at the start of memory that may be longer. */
  copy(bytes: Uint8Array, at: number, end: number): Uint8Array {
    const length = end - at;
    const memory = this.#freeOf(length).pop() ?? new Uint8Array(2 ** sizeBits(length));
    memory.set(bytes.subarray(at, end));
    return memory;
  }

  /** Takes memory back. */
  free(memory: Uint8Array): void {
    this.#freeOf(memory.length).push(memory);
  }

  #freeOf(length: number): Uint8Array[] {
    return this.#free[sizeBits(length)] ??= [];
  }
}

function sizeBits(length: number): number {
  return Math.max(SMALLEST_SIZE_BITS, 32 - Math.clz32(length - 1));
}

/** Segments held by one stream at most. */
const MOST_HELD_SEGMENTS = 1024;
/** Bytes held by one stream at most. */
const MOST_HELD_BYTES = 2 ** 20;
/**
 * What the other end has received and is not here was missed by the capture, or was captured out of order: how
 * long it may come late, in microseconds.
 */
export const REORDERING = 100_000;
/** Any other hole waits for the sender to retransmit, in microseconds. */
const HOLE_PATIENCE = 10_000_000;
/** A sequence number so far from where a stream stands does not belong to its connection. */
export const FAR = 2 ** 28;

/** What a held segment counts besides its bytes: about what it costs. */
export const HELD_SEGMENT = 512;

interface HeldSegment {
  readonly sequence: number;
  /** Bytes on the wire, and how many of them were captured: these begin `bytes`. */
  readonly length: number;
  readonly captured: number;
  readonly bytes: Uint8Array;
  readonly acknowledgement: number | undefined;
  readonly time: number;
  /** The direction ends behind this segment. */
  readonly fin: boolean;
}

/** One direction of a connection. Reused: {@link reset} makes it new. */
export class Stream {
  /** False until a SYN or the first payload said where the stream stands. */
  started = false;
  /** True when it was a SYN. */
  fromSyn = false;
  /** True once the FIN was reached. */
  ended = false;
  /** Sequence number of the next byte to deliver. */
  next = 0;
  /** Holes given up for want of room, since {@link takeOverflows}. */
  overflows = 0;
  /** Where the stream started: a SYN with another number belongs to another connection. */
  base = 0;
  /** Made with the first: most streams hold none. */
  #held: HeldSegment[] | undefined = undefined;
  #heldBytes = 0;
  #heldSegments = 0;
  /** Since when the first segment held has waited. */
  #heldSince = NaN;
  /** What the other end has acknowledged, and up to where the other direction no longer waits for this one. */
  #acknowledgedTo = 0;
  #concededTo = 0;

  reset(memory: HeldMemory): void {
    this.drop(memory);
    this.started = false;
    this.fromSyn = false;
    this.ended = false;
  }

  /** Sets where the stream stands, as a SYN says or as met in the middle. */
  start(sequence: number, fromSyn: boolean): void {
    this.started = true;
    this.fromSyn = fromSyn;
    this.next = sequence;
    this.base = sequence;
    this.#acknowledgedTo = sequence;
    this.#concededTo = sequence;
  }

  /** True while the next segment in order would be delivered at once. */
  get isSteady(): boolean {
    return this.started && !this.ended && !this.holds;
  }

  /** True while segments are held. */
  get holds(): boolean {
    return this.#held !== undefined && this.#held.length > 0;
  }

  /**
   * Takes a segment of a started stream.
   *
   * @param sequence Of its first payload byte.
   * @param other The other direction.
   * @returns true when some of its bytes had been received before.
   */
  receive(
    segment: Segment,
    sequence: number,
    handler: StreamHandler,
    memory: HeldMemory,
    other: Stream,
  ): boolean {
    const { bytes, at, end, payloadLength: length, flags, time } = segment;
    const acknowledgement = flags & Flag.ack ? segment.acknowledgement : undefined;
    const fin = (flags & Flag.fin) !== 0;
    const old = (this.next - sequence) | 0;
    if (old > length || (old === length && !fin)) return length > 0;
    // A FIN alone may be so far off; with payload it would have begun another connection.
    if (this.ended || old < -FAR) return old > 0;
    const isEarly = old < 0 || other.lacks(acknowledgement);
    if (isEarly && !this.holds && memory.used + end - at + HELD_SEGMENT > memory.limit) {
      // There is no room to wait: nothing is copied, and what it would wait for is given up at once.
      if (old < 0) {
        this.overflows++;
        this.next = sequence;
        handler.missing(-old, true, time);
      }
    } else if (isEarly) {
      const copy = memory.copy(bytes, at, end);
      const held = { sequence, length, captured: end - at, bytes: copy, acknowledgement, time, fin };
      return this.#hold(held, time, handler, memory, other);
    }
    const known = Math.max(old, 0);
    const start = Math.min(at + known, end);
    this.#deliver(bytes, start, end, length - known, acknowledgement, fin, time, handler);
    return known > 0 && length > 0;
  }

  /** The other end has received everything before `acknowledgement`. */
  acknowledge(acknowledgement: number): void {
    if (((acknowledgement - this.#acknowledgedTo) | 0) > 0) this.#acknowledgedTo = acknowledgement;
  }

  /** True when bytes that `acknowledgement` covers have not been delivered and may yet be. */
  lacks(acknowledgement: number | undefined): boolean {
    if (acknowledgement === undefined) return false;
    const ahead = (acknowledgement - this.next) | 0;
    return ahead > 0 && ahead < FAR && this.started && !this.ended &&
      ((acknowledgement - this.#concededTo) | 0) > 0;
  }

  /** Delivers the held segments that nothing precedes any more. Returns true when there were some. */
  deliverHeld(handler: StreamHandler, memory: HeldMemory, other: Stream): boolean {
    const held = this.#held ?? [];
    let delivered = 0;
    for (; delivered < held.length; delivered++) {
      const { sequence, length, captured, bytes, acknowledgement, fin, time } = held[delivered]!;
      const old = (this.next - sequence) | 0;
      // Nothing comes behind the end.
      if (!this.ended && (old < 0 || other.lacks(acknowledgement))) break;
      this.#heldBytes -= captured;
      memory.used -= captured + HELD_SEGMENT;
      this.#heldSegments--;
      if (!this.ended && (old < length || (old === length && fin))) {
        const start = Math.min(old, captured);
        this.#deliver(bytes, start, captured, length - old, acknowledgement, fin, time, handler);
      }
      memory.free(bytes);
    }
    if (delivered === 0) return false;
    held.splice(0, delivered);
    if (held.length > 0) this.#heldSince = held[0]!.time;
    return true;
  }

  /** True when segments wait for bytes before them, and not merely for the other direction. */
  get hasHole(): boolean {
    const first = this.#held?.[0];
    return first !== undefined && ((first.sequence - this.next) | 0) > 0;
  }

  /** True when the first segment held has waited for long enough at `now`. */
  isOverdue(now: number, other: Stream): boolean {
    const first = this.#held?.[0];
    if (!first) return false;
    const isHole = this.hasHole;
    // What it waits for is then behind that hole, which is given up in its own time.
    if (!isHole && other.hasHole) return false;
    const isReceived = !isHole || ((this.#acknowledgedTo - first.sequence) | 0) >= 0;
    return now - this.#heldSince >= (isReceived ? REORDERING : HOLE_PATIENCE);
  }

  /** Gives up what the first segment held waits for: the hole before it, else the other direction. */
  giveUp(handler: StreamHandler, other: Stream): void {
    const first = this.#held![0]!;
    const length = (first.sequence - this.next) | 0;
    if (length > 0) {
      this.next = first.sequence;
      handler.missing(length, true, first.time);
    } else if (first.acknowledgement !== undefined) {
      other.#concededTo = first.acknowledgement;
    }
  }

  /** What the other end acknowledged behind the last byte delivered, FIN included: it was never captured. */
  get tail(): number {
    const length = (this.#acknowledgedTo - this.next) | 0;
    return this.started && !this.ended && length > 0 && length < FAR ? length : 0;
  }

  /** Passes over the tail. Its last number is taken for the FIN. */
  giveUpTail(handler: StreamHandler, time: number): void {
    const length = this.tail - 1;
    this.next = this.#acknowledgedTo;
    if (length > 0) handler.missing(length, true, time);
  }

  takeOverflows(): number {
    const { overflows } = this;
    this.overflows = 0;
    return overflows;
  }

  /** Lets go of what is held. */
  drop(memory: HeldMemory): void {
    memory.used -= this.#heldBytes + this.#heldSegments * HELD_SEGMENT;
    if (this.#held) { for (const { bytes } of this.#held) memory.free(bytes); }
    this.#heldBytes = 0;
    this.#heldSegments = 0;
    this.#held = undefined;
    this.overflows = 0;
  }

  #deliver(
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
    acknowledgement: number | undefined,
    fin: boolean,
    time: number,
    handler: StreamHandler,
  ): void {
    const sequence = this.next;
    this.next = (sequence + length) | 0;
    if (end > start) handler.data(bytes, start, end, sequence, acknowledgement, time);
    const cut = length - (end - start);
    if (cut > 0) handler.missing(cut, false, time);
    if (fin) {
      this.ended = true;
      handler.end(time);
    }
  }

  /** Puts a segment in its place among those held. Returns true when some of its bytes were there already. */
  #hold(
    segment: HeldSegment,
    time: number,
    handler: StreamHandler,
    memory: HeldMemory,
    other: Stream,
  ): boolean {
    const held = this.#held ??= [];
    if (held.length === 0) this.#heldSince = time;
    // Early segments come mostly in order among themselves: search from the back.
    let place = held.length;
    while (place > 0 && ((held[place - 1]!.sequence - segment.sequence) | 0) > 0) place--;
    const before = held[place - 1];
    const coveredTo = before ? (before.sequence + before.length) | 0 : segment.sequence;
    const segmentEnd = (segment.sequence + segment.length) | 0;
    if (before && ((coveredTo - segmentEnd) | 0) >= 0 && (before.fin || !segment.fin)) {
      memory.free(segment.bytes);
      return true;
    }
    held.splice(place, 0, segment);
    this.#heldBytes += segment.captured;
    this.#heldSegments++;
    memory.used += segment.captured + HELD_SEGMENT;
    while (
      held.length > MOST_HELD_SEGMENTS || this.#heldBytes > MOST_HELD_BYTES ||
      (memory.used > memory.limit && held.length > 0)
    ) {
      if (this.hasHole) this.overflows++;
      this.giveUp(handler, other);
      this.deliverHeld(handler, memory, other);
    }
    return ((coveredTo - segment.sequence) | 0) > 0;
  }
}
