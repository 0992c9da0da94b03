/**
 * One direction of a TCP connection put back into order: retransmitted and overlapping bytes are dropped, segments
 * that came early are held until the hole before them is filled or given up.
 *
 * @module
 */

/** Takes what one direction of a connection carried, in order. */
export interface StreamHandler {
  /**
   * Bytes of one segment, valid during the call. `sequence` is that of the first byte, `acknowledgement` what the
   * segment acknowledged (0 when nothing), `time` when it was captured.
   */
  data(
    bytes: Uint8Array,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number,
    time: number,
  ): void;
  /** `length` bytes that were not captured: `lost` when no segment had them, else cut off by the snaplen. */
  missing(length: number, lost: boolean, time: number): void;
  /** The sender closed this direction. */
  end(time: number): void;
}

/** Bytes held for all streams together, and their limit. */
export class HeldBudget {
  used = 0;
  constructor(readonly limit: number) {}
}

/** Segments held by one stream at most. */
const MOST_HELD_SEGMENTS = 1024;
/** Bytes held by one stream at most. */
const MOST_HELD_BYTES = 2 ** 20;
/** A hole whose bytes the receiver has acknowledged was missed by the capture; it may yet have come out of order. */
const ACKNOWLEDGED_HOLE_PATIENCE = 100_000;
/** Any other hole waits for the sender to retransmit, in microseconds. */
const HOLE_PATIENCE = 10_000_000;

interface HeldSegment {
  readonly sequence: number;
  /** Bytes on the wire; `bytes` has those that were captured. */
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly acknowledgement: number;
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
  /** Where the stream started: a SYN with another number belongs to another connection. */
  base = 0;
  #held: HeldSegment[] = [];
  #heldBytes = 0;
  #holeSince = 0;
  #acknowledgedTo = 0;
  #overflows = 0;

  reset(budget: HeldBudget): void {
    this.drop(budget);
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
  }

  /** True while segments wait behind a hole. */
  get hasHole(): boolean {
    return this.#held.length > 0;
  }

  /**
   * Takes a segment of a started stream: `length` bytes on the wire, of which `bytes[start, end)` were captured.
   *
   * @returns true when some of its bytes had been received before.
   */
  receive(
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
    sequence: number,
    acknowledgement: number,
    fin: boolean,
    time: number,
    handler: StreamHandler,
    budget: HeldBudget,
  ): boolean {
    const ahead = (sequence - this.next) | 0;
    if (ahead > 0) {
      const segment = { sequence, length, bytes: bytes.slice(start, end), acknowledgement, time, fin };
      return this.#hold(segment, time, handler, budget);
    }
    const old = -ahead;
    if (old > length || (old === length && !fin)) return length > 0;
    if (this.ended) return old > 0;
    this.#deliver(bytes, Math.min(start + old, end), end, length - old, acknowledgement, fin, time, handler);
    if (this.#held.length > 0) this.#deliverHeld(handler, budget);
    return old > 0 && length > 0;
  }

  /** The receiver acknowledged everything before `acknowledgement`. */
  acknowledge(acknowledgement: number): void {
    if (((acknowledgement - this.#acknowledgedTo) | 0) > 0) this.#acknowledgedTo = acknowledgement;
  }

  /** Gives up holes that have waited long enough at `now`. Returns how many were given up. */
  expireHoles(now: number, handler: StreamHandler, budget: HeldBudget): number {
    let given = 0;
    while (this.#held.length > 0) {
      const acknowledged = ((this.#acknowledgedTo - this.#held[0]!.sequence) | 0) >= 0;
      if (now - this.#holeSince < (acknowledged ? ACKNOWLEDGED_HOLE_PATIENCE : HOLE_PATIENCE)) break;
      this.#giveUpHole(handler, budget);
      given++;
    }
    return given;
  }

  /** Gives up all holes and delivers what was held. Returns how many holes there were. */
  flush(handler: StreamHandler, budget: HeldBudget): number {
    let given = 0;
    while (this.#held.length > 0) {
      this.#giveUpHole(handler, budget);
      given++;
    }
    return given;
  }

  /** Holes given up within {@link receive} for want of room, since last asked. */
  takeOverflows(): number {
    const overflows = this.#overflows;
    this.#overflows = 0;
    return overflows;
  }

  /** Lets go of what is held. */
  drop(budget: HeldBudget): void {
    budget.used -= this.#heldBytes;
    this.#heldBytes = 0;
    this.#held.length = 0;
    this.#overflows = 0;
  }

  #deliver(
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
    acknowledgement: number,
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

  /** Puts a segment in its place among those held. */
  #hold(segment: HeldSegment, time: number, handler: StreamHandler, budget: HeldBudget): boolean {
    if (this.ended) return false;
    const held = this.#held;
    if (held.length === 0) this.#holeSince = time;
    // Early segments come mostly in order among themselves: search from the back.
    let place = held.length;
    while (place > 0 && ((held[place - 1]!.sequence - segment.sequence) | 0) > 0) place--;
    const before = held[place - 1];
    const coveredTo = before ? (before.sequence + before.length) | 0 : segment.sequence;
    const segmentEnd = (segment.sequence + segment.length) | 0;
    if (before && ((coveredTo - segmentEnd) | 0) >= 0 && (before.fin || !segment.fin)) return true;
    held.splice(place, 0, segment);
    this.#heldBytes += segment.bytes.length;
    budget.used += segment.bytes.length;
    while (
      held.length > MOST_HELD_SEGMENTS || this.#heldBytes > MOST_HELD_BYTES ||
      (budget.used > budget.limit && held.length > 0)
    ) {
      this.#giveUpHole(handler, budget);
      this.#overflows++;
    }
    return ((coveredTo - segment.sequence) | 0) > 0;
  }

  /** Passes over the hole before the first held segment and delivers what then is in order. */
  #giveUpHole(handler: StreamHandler, budget: HeldBudget): void {
    const first = this.#held[0]!;
    const length = (first.sequence - this.next) | 0;
    if (length > 0) {
      this.next = first.sequence;
      handler.missing(length, true, first.time);
    }
    this.#deliverHeld(handler, budget);
  }

  /** Delivers the held segments that no hole precedes any more. */
  #deliverHeld(handler: StreamHandler, budget: HeldBudget): void {
    const held = this.#held;
    let delivered = 0;
    for (; delivered < held.length; delivered++) {
      const { sequence, length, bytes, acknowledgement, fin, time } = held[delivered]!;
      const old = (this.next - sequence) | 0;
      if (old < 0) break;
      this.#heldBytes -= bytes.length;
      budget.used -= bytes.length;
      if (this.ended || old > length || (old === length && !fin)) continue;
      const start = Math.min(old, bytes.length);
      this.#deliver(bytes, start, bytes.length, length - old, acknowledgement, fin, time, handler);
    }
    held.splice(0, delivered);
    if (held.length > 0) this.#holeSince = held[0]!.time;
  }
}
