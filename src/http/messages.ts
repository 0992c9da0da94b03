/**
 * One direction of a connection cut into HTTP/1 messages, over any segmentation, and found again after a loss.
 *
 * @module
 */

import type { Budget, StreamHandler } from "../stream/reassembly.ts";
import { Body, type Framing } from "./body.ts";
import { findHeadEnd, type Head, INVALID, isUsualMethod, PARTIAL, StartKind, startKind } from "./http1.ts";

/** How a message's body is framed, and `ignore` for a connection that stops being HTTP with this message. */
export interface BodyPlan {
  readonly framing: Framing;
  readonly length: number;
  readonly ignore: boolean;
}

/** Where and when a message began. */
export interface MessageStart {
  readonly sequence: number;
  /** What the message's first segment acknowledged, `undefined` when nothing. */
  readonly acknowledgement: number | undefined;
  readonly time: number;
  /** True where a message had to begin, false where one was found after a loss. */
  readonly expected: boolean;
}

/** Takes the messages of one direction. */
export interface MessageHandler {
  /** A head of `length` bytes is complete; its offsets are into `bytes`. */
  head(head: Head, bytes: Uint8Array, start: MessageStart, length: number): BodyPlan;
  /** The message that the last head began is over, after `bodyBytes` bytes of content. */
  end(bodyBytes: number, time: number): void;
  /**
   * What begins at `start` is no message of HTTP/1. Returns true when both directions were handed over to another
   * protocol from there on, which is then given `bytes[begin, end)`.
   */
  notHttp1(bytes: Uint8Array, begin: number, end: number, start: MessageStart): boolean;
  /**
   * Where messages begin is not known any more: some may pass unseen until the next is found. `missed` when at
   * least one surely did.
   */
  lostTrack(missed: boolean): void;
  /** Something that should have been a message could not be read. */
  unparsed(): void;
}

const State = { between: 0, head: 1, body: 2, lost: 3, ignored: 4, handedOver: 5 } as const;
type State = typeof State[keyof typeof State];

/** Longer heads are given up. */
const LONGEST_HEAD = 64 * 1024;
const FIRST_HEAD_BUFFER = 2048;
const CR = 13, LF = 10;

/** Cuts one direction into messages. */
export class MessageReader implements StreamHandler {
  readonly #handler: MessageHandler;
  readonly #head: Head;
  readonly #body = new Body();
  #state: State = State.between;
  #start: MessageStart = { sequence: 0, acknowledgement: undefined, time: 0, expected: true };
  /** When the last bytes were captured. */
  #lastTime = 0;
  /** A head that did not come in one segment. */
  #buffer: Uint8Array | undefined;
  #buffered = 0;
  readonly #budget: Budget;
  /** True once a message was read: from then on there should be nothing else. */
  #isHttp = false;
  /** True while a head is read that may turn out to be none: the direction had lost track. */
  #tentative: boolean;
  /** What takes the bytes behind the message under way, when that is not this reader. */
  #successor: StreamHandler | undefined;

  /**
   * @param head Where heads are parsed to; shared by all readers.
   * @param budget Bytes of unfinished heads; shared by all readers.
   * @param fromStart False when the connection was met in the middle, where no message need begin.
   */
  constructor(handler: MessageHandler, head: Head, budget: Budget, fromStart: boolean) {
    this.#handler = handler;
    this.#head = head;
    this.#budget = budget;
    this.#tentative = !fromStart;
    if (!fromStart) this.#state = State.lost;
  }

  data(
    bytes: Uint8Array,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number | undefined,
    time: number,
  ): void {
    this.#lastTime = time;
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case State.between:
        case State.lost: {
          // Empty lines before a message are allowed (RFC 9112 section 2.2).
          while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
          if (at === end) return;
          const expected = this.#state === State.between;
          this.#start = { sequence: (sequence + at - start) | 0, acknowledgement, time, expected };
          at = this.#beginMessage(bytes, at, end, time);
          break;
        }
        case State.head:
          at = this.#continueHead(bytes, at, end, time);
          break;
        case State.body:
          at = this.#body.consume(bytes, at, end);
          // Once track is lost, messages are looked for where segments begin.
          if (this.#body.done && !this.#endBody(time)) return;
          break;
        case State.ignored:
          return;
        case State.handedOver:
          this.#successor!.data(bytes, at, end, (sequence + at - start) | 0, acknowledgement, time);
          return;
      }
    }
  }

  missing(length: number, lost: boolean, time: number): void {
    switch (this.#state) {
      case State.between:
        if (!lost) this.#handler.unparsed();
        this.#loseTrack(true);
        break;
      case State.head:
        if (!this.#tentative) this.#handler.unparsed();
        this.#loseTrack(true);
        break;
      case State.body: {
        const behind = this.#body.skip(length);
        if (behind < 0 || this.#body.done) this.#endBody(time);
        if (behind === 0) break;
        if (this.#successor) {
          this.#successor.missing(length, lost, time);
        } else {
          if (!lost) this.#handler.unparsed();
          this.#loseTrack(behind > 0);
        }
        break;
      }
      case State.handedOver:
        this.#successor!.missing(length, lost, time);
        break;
    }
  }

  end(time: number): void {
    if (this.#state === State.body) this.#endBody(time);
    else if (this.#state === State.head && !this.#tentative) this.#handler.unparsed();
    this.#successor?.end(time);
    this.ignore();
  }

  /** Ends what is being read: nothing more will come. */
  abandon(): void {
    this.end(this.#lastTime);
  }

  /** Stops looking for messages: the connection carries something else from here on. */
  ignore(): void {
    this.#state = State.ignored;
    this.#dropBuffer();
  }

  /**
   * Leaves everything behind the message under way to `successor`. Returns false when it is not known where that
   * begins.
   */
  handOver(successor: StreamHandler): boolean {
    const isKnown = this.#state === State.between || this.#state === State.body;
    this.#successor = successor;
    if (this.#state !== State.body) this.#state = State.handedOver;
    return isKnown;
  }

  /** Looks for a message at the start of a segment, or where the last one ended. Returns the offset to go on at. */
  #beginMessage(bytes: Uint8Array, at: number, end: number, time: number): number {
    this.#tentative = this.#state === State.lost;
    const kind = startKind(bytes, at, end);
    const parsed = kind === StartKind.unknown
      ? INVALID
      : kind === StartKind.partial
      ? PARTIAL
      : this.#head.parse(bytes, at, end);
    if (parsed >= 0 && this.#isPlausible(bytes)) {
      this.#headComplete(bytes, parsed - at, time);
      return parsed;
    }
    if (parsed !== PARTIAL) {
      if (this.#handler.notHttp1(bytes, at, end, this.#start)) return at;
      this.#invalid();
      return end;
    }
    this.#state = State.head;
    this.#buffered = 0;
    this.#append(bytes, at, end);
    if (this.#isFull) this.#invalid();
    return end;
  }

  #continueHead(bytes: Uint8Array, at: number, end: number, time: number): number {
    const before = this.#buffered;
    const buffer = this.#append(bytes, at, end);
    if (startKind(buffer, 0, this.#buffered) === StartKind.unknown) {
      this.#invalid();
      return end;
    }
    // A blank line may lie across what was there before: look from two bytes earlier.
    const headEnd = findHeadEnd(buffer, 0, Math.max(0, before - 2), this.#buffered);
    if (headEnd < 0 && !this.#isFull) return end;
    const parsed = headEnd < 0 ? INVALID : this.#head.parse(buffer, 0, headEnd);
    if (parsed < 0 || !this.#isPlausible(buffer)) {
      if (this.#handler.notHttp1(buffer, 0, this.#buffered, this.#start)) {
        const { sequence, acknowledgement, time } = this.#start;
        const length = this.#buffered;
        this.#successor?.data(buffer, 0, length, sequence, acknowledgement, time);
        this.#dropBuffer();
        return at + length - before;
      }
      this.#invalid();
      return end;
    }
    this.#headComplete(buffer, parsed, time);
    this.#dropBuffer();
    return at + parsed - before;
  }

  /** True when a head is believed: where none need be, one of a usual method only, for `EAD` is the end of `HEAD`. */
  #isPlausible(bytes: Uint8Array): boolean {
    return !this.#tentative || !this.#head.isRequest ||
      isUsualMethod(bytes, this.#head.methodStart, this.#head.methodEnd);
  }

  /** True when the unfinished head is as long as it may be. */
  get #isFull(): boolean {
    return this.#buffered === LONGEST_HEAD || this.#budget.used > this.#budget.limit;
  }

  /** Adds to the unfinished head, as far as a head may be long. */
  #append(bytes: Uint8Array, at: number, end: number): Uint8Array {
    const taken = Math.min(end - at, LONGEST_HEAD - this.#buffered);
    const needed = this.#buffered + taken;
    let buffer = this.#buffer;
    if (!buffer || buffer.length < needed) {
      buffer = new Uint8Array(Math.min(LONGEST_HEAD, Math.max(FIRST_HEAD_BUFFER, needed * 2)));
      if (this.#buffer) buffer.set(this.#buffer.subarray(0, this.#buffered));
      this.#dropBuffer();
      this.#budget.used += buffer.length;
      this.#buffer = buffer;
    }
    buffer.set(bytes.subarray(at, at + taken), this.#buffered);
    this.#buffered = needed;
    return buffer;
  }

  #dropBuffer(): void {
    if (!this.#buffer) return;
    this.#budget.used -= this.#buffer.length;
    this.#buffer = undefined;
  }

  #headComplete(bytes: Uint8Array, length: number, time: number): void {
    this.#tentative = false;
    this.#isHttp = true;
    const plan = this.#handler.head(this.#head, bytes, this.#start, length);
    this.#body.start(plan.framing, plan.length);
    if (this.#body.done) this.#endBody(time);
    else this.#state = State.body;
    if (plan.ignore) this.#state = this.#successor ? State.handedOver : State.ignored;
  }

  /** Returns false when the body was broken, so that the next message must be looked for. */
  #endBody(time: number): boolean {
    const { broken } = this.#body;
    this.#state = this.#successor ? State.handedOver : State.between;
    this.#handler.end(this.#body.bytes, time);
    if (broken) {
      this.#handler.unparsed();
      this.#loseTrack(false);
    }
    return !broken;
  }

  /** What should be a message is none; where none need be, that is no loss. */
  #invalid(): void {
    if (this.#tentative) {
      this.#searchOn();
    } else {
      this.#handler.unparsed();
      this.#loseTrack(this.#isHttp);
    }
  }

  #loseTrack(missed: boolean): void {
    this.#searchOn();
    this.#handler.lostTrack(missed);
  }

  /** Looks for a message where the next segment begins. */
  #searchOn(): void {
    this.#state = State.lost;
    this.#tentative = true;
    this.#dropBuffer();
  }
}
