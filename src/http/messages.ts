/**
 * One direction of a connection cut into HTTP/1 messages, over any segmentation, and found again after a loss.
 *
 * @module
 */

import { viewOf } from "../bytes.ts";
import { Frame } from "../frame.ts";
import type { Budget, StreamHandler } from "../stream/reassembly.ts";
import { Body, Framing } from "./body.ts";
import {
  findHeadEnd,
  type Head,
  INVALID,
  isUsualMethod,
  PARTIAL,
  StartKind,
  startKind,
  unfold,
} from "./http1.ts";

/** How a message's body is framed, and `ignore` for a connection that stops being HTTP with this message. */
export interface BodyPlan {
  readonly framing: Framing;
  readonly length: number;
  readonly ignore: boolean;
  /** True when there is no body after all if a status line stands where it should begin: it may answer HEAD. */
  readonly mayBeEmpty: boolean;
}

/** Where and when a message began. Each reader has one, made new with each message. */
export interface MessageStart {
  readonly sequence: number;
  /** What the message's first segment acknowledged, `undefined` when nothing. */
  readonly acknowledgement: number | undefined;
  readonly time: number;
  /** True where a message had to begin, false where one was found after a loss. */
  readonly expected: boolean;
}

/** Takes the messages of both directions. */
export interface MessageHandler {
  /**
   * Takes a message of the usual kind, whole in the range of the frame's bytes, where a message had to begin. Returns the
   * offset behind it, or -1 when it is another one: then nothing was done.
   */
  usual(
    frame: Frame,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number,
    direction: 0 | 1,
  ): number;
  /** A head of `length` bytes is complete; its offsets are into `bytes`. What it returns is used at once. */
  head(head: Head, bytes: Uint8Array, start: MessageStart, length: number, direction: 0 | 1): BodyPlan;
  /** A response of HTTP/0.9 begins, which has no head: its content goes on until the direction ends. */
  content(start: MessageStart): void;
  /**
   * The message that the last head began is over, after `bodyBytes` bytes of content: fewer than it had when it was
   * `cut`, and no gap tells so.
   */
  messageEnd(bodyBytes: number, time: number, cut: boolean, direction: 0 | 1): void;
  /**
   * What begins at `start` is no message of HTTP/1. Returns true when both directions were handed over to another
   * protocol from there on, which is then given `bytes[begin, end)`.
   */
  notHttp1(bytes: Uint8Array, begin: number, end: number, start: MessageStart, direction: 0 | 1): boolean;
  /**
   * Where messages begin is not known any more: some may pass unseen until the next is found. `missed` when at
   * least one surely did.
   */
  lostTrack(missed: boolean, direction: 0 | 1): void;
  /** Something that should have been a message could not be read. */
  unparsed(): void;
}

const State = { between: 0, head: 1, body: 2, lost: 3, ignored: 4, handedOver: 5 } as const;
type State = typeof State[keyof typeof State];

/** Of longer heads only so much is looked at. */
const LONGEST_HEAD = 64 * 1024;
const FIRST_HEAD_BUFFER = 256;
/** What such a buffer costs besides its bytes. */
const BUFFER_OVERHEAD = 512;
const CR = 13, LF = 10;

/** Buffers of the smallest size that are free. */
const smallBuffers: Uint8Array[] = [];
const MOST_SMALL_BUFFERS = 1024;

/** What bytes that came otherwise are put into to be looked at like a frame's. */
const bytesOfFrame = new Frame();

/** Cuts one direction into messages. */
export class MessageReader implements StreamHandler, MessageStart {
  readonly #handler: MessageHandler;
  readonly #direction: 0 | 1;
  readonly #head: Head;
  /** Made with the first body to be passed over. */
  #body: Body | undefined = undefined;
  #state: State = State.between;
  // Where the message under way began: this is its MessageStart.
  sequence = 0;
  acknowledgement: number | undefined = undefined;
  time = NaN;
  expected = true;
  /** When the last bytes were captured. */
  #lastTime = NaN;
  /** A head that did not come in one segment. */
  #buffer: Uint8Array | undefined = undefined;
  #buffered = 0;
  readonly #budget: Budget;
  /** True once a message was read: from then on there should be nothing else. */
  #isHttp = false;
  /** True while a head is read that may turn out to be none: the direction had lost track. */
  #tentative = false;
  /** True before the body of which {@link BodyPlan.mayBeEmpty} says so. */
  #mayBeEmpty = false;
  /** True when the next message answers a request of HTTP/0.9. */
  #mayLackHead = false;
  /** What takes the bytes behind the message under way, when that is not this reader. */
  #successor: StreamHandler | undefined = undefined;

  /**
   * @param head Where heads are parsed to; shared by all readers.
   * @param budget Bytes of unfinished heads; shared by all readers.
   */
  constructor(handler: MessageHandler, direction: 0 | 1, head: Head, budget: Budget) {
    this.#handler = handler;
    this.#direction = direction;
    this.#head = head;
    this.#budget = budget;
  }

  /**
   * Makes it new for a connection.
   *
   * @param fromStart False when the connection was met in the middle, where no message need begin.
   */
  begin(fromStart: boolean): void {
    this.#dropBuffer();
    this.#state = fromStart ? State.between : State.lost;
    this.#tentative = !fromStart;
    this.#lastTime = NaN;
    this.#isHttp = false;
    this.#mayBeEmpty = false;
    this.#mayLackHead = false;
    this.#successor = undefined;
  }

  /** True where a message has to begin. */
  get expectsMessage(): boolean {
    return this.#state === State.between && !this.#mayLackHead;
  }

  /** Notes that a message was read for it. */
  tookMessage(frame: Frame): void {
    this.#lastTime = frame.time;
    this.#isHttp = true;
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
    if (this.expectsMessage && acknowledgement !== undefined) {
      bytesOfFrame.setMemory(bytes, viewOf(bytes));
      bytesOfFrame.time = time;
      const behind = this.#handler.usual(
        bytesOfFrame,
        start,
        end,
        sequence,
        acknowledgement,
        this.#direction,
      );
      if (behind >= 0) {
        this.tookMessage(bytesOfFrame);
        at = behind;
      }
    }
    while (at < end) {
      switch (this.#state) {
        case State.between:
        case State.lost: {
          // Empty lines before a message are allowed (RFC 9112 section 2.2).
          while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
          if (at === end) return;
          this.sequence = (sequence + at - start) | 0;
          this.acknowledgement = acknowledgement;
          this.time = time;
          this.expected = this.#state === State.between;
          at = this.#beginMessage(bytes, at, end, time);
          break;
        }
        case State.head:
          at = this.#continueHead(bytes, at, end, time);
          break;
        case State.body:
          if (this.#mayBeEmpty && this.#isStatusLine(bytes, at, end)) {
            this.#endBody(time);
            break;
          }
          this.#mayBeEmpty = false;
          at = this.#body!.consume(bytes, at, end);
          // Once track is lost, messages are looked for where segments begin.
          if (this.#body!.done && !this.#endBody(time)) return;
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
        if (lost || !this.#giveUpHead(time)) {
          if (!this.#tentative) this.#handler.unparsed();
          this.#loseTrack(true);
        }
        break;
      case State.body: {
        this.#mayBeEmpty = false;
        const behind = this.#body!.skip(length);
        if (behind < 0 || this.#body!.done) this.#endBody(time, behind < 0 && !lost);
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
    if (this.#state === State.head && this.#isContent) this.#bufferIsContent();
    if (this.#state === State.body) this.#endBody(time, !this.#body!.endsWithConnection);
    else if (this.#state === State.head && !this.#tentative) this.#handler.unparsed();
    this.#successor?.end(time);
    this.ignore();
  }

  /** The next message answers a request of HTTP/0.9: it need not have a head. */
  expectContent(): void {
    this.#mayLackHead = true;
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
    const kind = startKind(bytes, at, end, !this.#tentative);
    const parsed = kind === StartKind.unknown
      ? INVALID
      : kind === StartKind.partial
      ? PARTIAL
      : this.#parse(bytes, at, end);
    if (parsed >= 0 && this.#isPlausible(bytes)) {
      this.#headComplete(bytes, at, parsed, time);
      return parsed;
    }
    if (parsed !== PARTIAL) {
      if (this.#isContent) {
        this.#beginContent();
        return at;
      }
      if (this.#handler.notHttp1(bytes, at, end, this, this.#direction)) return at;
      this.#invalid();
      return end;
    }
    this.#state = State.head;
    this.#buffered = 0;
    if (this.#append(bytes, at, end)) this.#limitHead(time);
    else this.#invalid();
    return end;
  }

  #continueHead(bytes: Uint8Array, at: number, end: number, time: number): number {
    const before = this.#buffered;
    const buffer = this.#append(bytes, at, end);
    if (!buffer) {
      this.#invalid();
      return end;
    }
    const length = this.#buffered;
    const parsed = this.#parseBuffer(buffer, before);
    if (parsed === PARTIAL) {
      this.#limitHead(time);
      return end;
    }
    if (parsed >= 0 && this.#isPlausible(buffer)) {
      this.#headComplete(buffer, 0, parsed, time);
      this.#dropBuffer();
      return at + parsed - before;
    }
    if (this.#isContent) {
      this.#bufferIsContent();
      return at + length - before;
    }
    if (this.#handler.notHttp1(buffer, 0, length, this, this.#direction)) {
      const { sequence, acknowledgement, time } = this;
      this.#successor?.data(buffer, 0, length, sequence, acknowledgement, time);
      this.#dropBuffer();
      return at + length - before;
    }
    this.#invalid();
    return end;
  }

  /** Parses the unfinished head, which had `before` bytes when it was last looked at. */
  #parseBuffer(buffer: Uint8Array, before: number): number {
    const length = this.#buffered;
    if (startKind(buffer, 0, length, !this.#tentative) === StartKind.unknown) return INVALID;
    // A blank line may lie across what was there before: look from two bytes earlier.
    const headEnd = findHeadEnd(buffer, 0, Math.max(0, before - 2), length);
    if (headEnd >= 0) return this.#parse(buffer, 0, headEnd);
    const simple = this.#tentative ? INVALID : this.#head.parseSimple(buffer, 0, length);
    return simple === INVALID ? PARTIAL : simple;
  }

  /** Parses a head; one of HTTP/0.9 says too little to be believed where no message need begin. */
  #parse(bytes: Uint8Array, at: number, end: number): number {
    const parsed = this.#head.parse(bytes, at, end);
    return parsed === INVALID && !this.#tentative ? this.#head.parseSimple(bytes, at, end) : parsed;
  }

  /** True when what is no head is content that has none. */
  get #isContent(): boolean {
    return this.#mayLackHead && !this.#tentative;
  }

  #beginContent(): void {
    this.#mayLackHead = false;
    this.#isHttp = true;
    this.#startBody(Framing.untilClose, 0);
    this.#state = State.body;
    this.#handler.content(this);
  }

  #bufferIsContent(): void {
    this.#beginContent();
    this.#body!.consume(this.#buffer!, 0, this.#buffered);
    this.#dropBuffer();
  }

  #isStatusLine(bytes: Uint8Array, at: number, end: number): boolean {
    return this.#head.parse(bytes, at, end) !== INVALID && this.#head.hasStartLine && !this.#head.isRequest;
  }

  /** True when a head is believed: where none need be, one of a usual method only, for `EAD` is the end of `HEAD`. */
  #isPlausible(bytes: Uint8Array): boolean {
    return !this.#tentative || !this.#head.isRequest ||
      isUsualMethod(bytes, this.#head.methodStart, this.#head.methodEnd);
  }

  /** Gives up the unfinished head when it is as long as it may be. */
  #limitHead(time: number): void {
    if (this.#buffered === LONGEST_HEAD && !this.#giveUpHead(time)) this.#invalid();
  }

  /** Adds to the unfinished head, as far as a head may be long. Returns `undefined` when there is no room. */
  #append(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
    const taken = Math.min(end - at, LONGEST_HEAD - this.#buffered);
    const needed = this.#buffered + taken;
    let buffer = this.#buffer;
    if (!buffer || buffer.length < needed) {
      const size = needed <= FIRST_HEAD_BUFFER ? FIRST_HEAD_BUFFER : Math.min(LONGEST_HEAD, needed * 2);
      if (this.#budget.used + size + BUFFER_OVERHEAD > this.#budget.limit) return undefined;
      buffer = size === FIRST_HEAD_BUFFER
        ? smallBuffers.pop() ?? new Uint8Array(FIRST_HEAD_BUFFER)
        : new Uint8Array(size);
      if (this.#buffer) buffer.set(this.#buffer.subarray(0, this.#buffered));
      this.#dropBuffer();
      this.#budget.used += buffer.length + BUFFER_OVERHEAD;
      this.#buffer = buffer;
    }
    buffer.set(bytes.subarray(at, at + taken), this.#buffered);
    this.#buffered = needed;
    return buffer;
  }

  #dropBuffer(): void {
    if (!this.#buffer) return;
    this.#budget.used -= this.#buffer.length + BUFFER_OVERHEAD;
    const isSmall = this.#buffer.length === FIRST_HEAD_BUFFER;
    if (isSmall && smallBuffers.length < MOST_SMALL_BUFFERS) smallBuffers.push(this.#buffer);
    this.#buffer = undefined;
  }

  #headComplete(bytes: Uint8Array, at: number, end: number, time: number): void {
    const plan = this.#giveHead(bytes, at, end);
    const { ignore } = plan;
    this.#mayBeEmpty = plan.mayBeEmpty;
    if (plan.framing === Framing.none) {
      this.#state = this.#successor ? State.handedOver : State.between;
      this.#handler.messageEnd(0, time, false, this.#direction);
    } else {
      this.#startBody(plan.framing, plan.length);
      this.#state = State.body;
    }
    if (ignore) this.#state = this.#successor ? State.handedOver : State.ignored;
  }

  #startBody(framing: Framing, length: number): void {
    this.#body ??= new Body();
    this.#body.start(framing, length);
  }

  /** Hands over the head in `bytes[at, end)`, its fields on one line each. */
  #giveHead(bytes: Uint8Array, at: number, end: number): BodyPlan {
    this.#tentative = false;
    this.#mayLackHead = false;
    this.#isHttp = true;
    if (!this.#head.hasFolds) {
      return this.#handler.head(this.#head, bytes, this, end - at, this.#direction);
    }
    const unfolded = unfold(bytes, at, end);
    this.#head.parse(unfolded, 0, unfolded.length);
    return this.#handler.head(this.#head, unfolded, this, end - at, this.#direction);
  }

  /**
   * Gives up a head that is too long or was cut off by the snaplen. The message is not lost when its start line is
   * known, but what the rest of the head says, as how long the body is, is. Returns false
   * when there is no message.
   */
  #giveUpHead(time: number): boolean {
    const buffer = this.#buffer!, length = this.#buffered;
    const isPartial = this.#head.parse(buffer, 0, length) === PARTIAL;
    if (!isPartial || !this.#head.hasStartLine || !this.#isPlausible(buffer)) return false;
    const { ignore } = this.#giveHead(buffer, 0, length);
    this.#handler.messageEnd(0, time, true, this.#direction);
    this.#handler.unparsed();
    if (ignore) {
      this.#dropBuffer();
      this.#state = this.#successor ? State.handedOver : State.ignored;
    } else {
      this.#loseTrack(false);
    }
    return true;
  }

  /** Returns false when the body was broken, so that the next message must be looked for. */
  #endBody(time: number, cut = false): boolean {
    const { broken, bytes } = this.#body!;
    this.#state = this.#successor ? State.handedOver : State.between;
    this.#handler.messageEnd(bytes, time, cut || broken, this.#direction);
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
    this.#handler.lostTrack(missed, this.#direction);
  }

  /** Looks for a message where the next segment begins. */
  #searchOn(): void {
    this.#state = State.lost;
    this.#tentative = true;
    this.#dropBuffer();
  }
}
