/**
 * One direction of a connection cut into HTTP/1 messages, over any segmentation, and found again after a loss.
 *
 * @module
 */

import type { StreamHandler } from "../stream/reassembly.ts";
import { Body, type Framing } from "./body.ts";
import { findHeadEnd, type Head, INVALID, PARTIAL, StartKind, startKind } from "./http1.ts";

/** How a message's body is framed, and `ignore` for a connection that stops being HTTP with this message. */
export interface BodyPlan {
  readonly framing: Framing;
  readonly length: number;
  readonly ignore: boolean;
}

/** Where and when a message began. */
export interface MessageStart {
  readonly sequence: number;
  /** What the message's first segment acknowledged. */
  readonly acknowledgement: number;
  readonly time: number;
}

/** Takes the messages of one direction. */
export interface MessageHandler {
  /** A head is complete; its offsets are into `bytes`. */
  head(head: Head, bytes: Uint8Array, start: MessageStart): BodyPlan;
  /** The message that the last head began is over, after `bodyBytes` bytes of content. */
  end(bodyBytes: number, time: number): void;
  /**
   * What begins at `start` is no message of HTTP/1. Returns true when both directions were handed over to another
   * protocol from there on, which is then given `bytes[begin, end)`.
   */
  notHttp1(bytes: Uint8Array, begin: number, end: number, start: MessageStart): boolean;
  /** Where messages begin is not known any more: some may pass unseen until the next is found. */
  lostTrack(): void;
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
  #start: MessageStart = { sequence: 0, acknowledgement: 0, time: 0 };
  /** A head that did not come in one segment. */
  #buffer: Uint8Array | undefined;
  #buffered = 0;
  /** True while a head is read that may turn out to be none: the direction had lost track. */
  #tentative: boolean;
  /** What takes the bytes behind the message under way, when that is not this reader. */
  #successor: StreamHandler | undefined;

  /**
   * @param head Where heads are parsed to; shared by all readers.
   * @param fromStart False when the connection was met in the middle, where no message need begin.
   */
  constructor(handler: MessageHandler, head: Head, fromStart: boolean) {
    this.#handler = handler;
    this.#head = head;
    this.#tentative = !fromStart;
    if (!fromStart) this.#state = State.lost;
  }

  data(
    bytes: Uint8Array,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number,
    time: number,
  ): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case State.between:
        case State.lost: {
          // Empty lines before a message are allowed (RFC 9112 section 2.2).
          while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
          if (at === end) return;
          this.#start = { sequence: (sequence + at - start) | 0, acknowledgement, time };
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
        this.#loseTrack();
        break;
      case State.head:
        if (!this.#tentative) this.#handler.unparsed();
        this.#loseTrack();
        break;
      case State.body: {
        const behind = this.#body.skip(length);
        if (behind < 0 || this.#body.done) this.#endBody(time);
        if (behind === 0) break;
        if (this.#successor) this.#successor.missing(length, lost, time);
        else this.#loseTrack();
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
    this.#state = State.ignored;
    this.#buffer = undefined;
  }

  /** Stops looking for messages: the connection carries something else from here on. */
  ignore(): void {
    this.#state = State.ignored;
    this.#buffer = undefined;
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
    if (parsed >= 0) {
      this.#headComplete(bytes, time);
      return parsed;
    }
    if (parsed === INVALID) {
      if (this.#handler.notHttp1(bytes, at, end, this.#start)) return at;
      this.#invalid();
      return end;
    }
    this.#state = State.head;
    this.#buffered = 0;
    this.#append(bytes, at, end);
    if (this.#buffered === LONGEST_HEAD) this.#invalid();
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
    if (headEnd < 0 && this.#buffered < LONGEST_HEAD) return end;
    const parsed = headEnd < 0 ? INVALID : this.#head.parse(buffer, 0, headEnd);
    if (parsed < 0) {
      if (this.#handler.notHttp1(buffer, 0, this.#buffered, this.#start)) {
        const { sequence, acknowledgement, time } = this.#start;
        this.#successor?.data(buffer, 0, this.#buffered, sequence, acknowledgement, time);
        this.#buffer = undefined;
        return at + this.#buffered - before;
      }
      this.#invalid();
      return end;
    }
    this.#headComplete(buffer, time);
    this.#buffer = undefined;
    return at + parsed - before;
  }

  /** Adds to the unfinished head, as far as a head may be long. */
  #append(bytes: Uint8Array, at: number, end: number): Uint8Array {
    const taken = Math.min(end - at, LONGEST_HEAD - this.#buffered);
    const needed = this.#buffered + taken;
    let buffer = this.#buffer;
    if (!buffer || buffer.length < needed) {
      buffer = new Uint8Array(Math.min(LONGEST_HEAD, Math.max(FIRST_HEAD_BUFFER, needed * 2)));
      if (this.#buffer) buffer.set(this.#buffer.subarray(0, this.#buffered));
      this.#buffer = buffer;
    }
    buffer.set(bytes.subarray(at, at + taken), this.#buffered);
    this.#buffered = needed;
    return buffer;
  }

  #headComplete(bytes: Uint8Array, time: number): void {
    const plan = this.#handler.head(this.#head, bytes, this.#start);
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
    if (broken) this.#invalid();
    return !broken;
  }

  /** What should be a message is none. */
  #invalid(): void {
    if (!this.#tentative) this.#handler.unparsed();
    this.#loseTrack();
  }

  #loseTrack(): void {
    this.#state = State.lost;
    this.#tentative = true;
    this.#buffer = undefined;
    this.#handler.lostTrack();
  }
}
