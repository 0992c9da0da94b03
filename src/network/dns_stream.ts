/**
 * DNS over TCP (RFC 1035 section 4.2.2, RFC 7766): messages behind their length, any number in each direction.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import type { Frame } from "../frame.ts";
import type { Connection, Flow } from "../stream/flows.ts";
import type { Budget, StreamHandler } from "../stream/reassembly.ts";
import type { Packet } from "../wire/packet.ts";
import { addressOf } from "./addresses.ts";
import type { DnsLookups, MessageEnds } from "./dns_lookups.ts";

/** Bytes of the length before each message. */
const LENGTH_BYTES = 2;
/** The least that is held of a message that is not whole. */
const SMALLEST_BUFFER = 512;
const NOTHING = new Uint8Array(0);

/**
 * Reads one connection and hands its messages to {@link DnsLookups}. A direction is read from its SYN on: met in the middle, or behind a
 * loss, nothing tells where a message begins.
 */
export class DnsStream implements Connection {
  readonly #readers: readonly [MessageSplitter, MessageSplitter];

  /**
   * @param budget What all connections together may hold of messages that are not whole. A direction for which there is no
   *   room is not read on.
   * @param packet The first segment with payload, sent in `direction`.
   */
  constructor(lookups: DnsLookups, budget: Budget, flow: Flow, packet: Packet, direction: 0 | 1) {
    const sent = endsOf(packet), returned = turned(sent);
    const [first, second] = flow.streams;
    this.#readers = [
      new MessageSplitter(lookups, budget, direction === 0 ? sent : returned, first.fromSyn),
      new MessageSplitter(lookups, budget, direction === 0 ? returned : sent, second.fromSyn),
    ];
  }

  handler(direction: 0 | 1): StreamHandler {
    return this.#readers[direction];
  }

  inOrder(
    frame: Frame,
    start: number,
    end: number,
    _sequence: number,
    _acknowledgement: number,
    direction: 0 | 1,
  ): void {
    this.#readers[direction].take(frame.bytes, start, end, frame.time);
  }

  close(): void {
    for (const reader of this.#readers) reader.stop();
  }
}

/** Cuts what one direction carries into messages. */
class MessageSplitter implements StreamHandler {
  readonly #lookups: DnsLookups;
  readonly #budget: Budget;
  readonly #ends: MessageEnds;
  #isReading: boolean;
  /** The beginning of a message that is not whole, with its length: the first so many bytes. */
  #held = NOTHING;
  #length = 0;

  constructor(lookups: DnsLookups, budget: Budget, ends: MessageEnds, isFromStart: boolean) {
    this.#lookups = lookups;
    this.#budget = budget;
    this.#ends = ends;
    this.#isReading = isFromStart;
  }

  data(
    bytes: Uint8Array,
    start: number,
    end: number,
    _sequence: number,
    _acknowledgement: number | undefined,
    time: number,
  ): void {
    this.take(bytes, start, end, time);
  }

  missing(): void {
    this.stop();
  }

  end(): void {
    this.stop();
  }

  /** Reads what comes next. */
  take(bytes: Uint8Array, start: number, end: number, time: number): void {
    let at = start;
    while (this.#isReading && at < end) {
      // Whole messages are read where they lie.
      if (this.#length === 0) at = this.#readWhole(bytes, at, end, time);
      if (at < end) at = this.#hold(bytes, at, end, time);
    }
  }

  /** Ends reading and lets go of what is held. */
  stop(): void {
    this.#isReading = false;
    this.#letGo();
  }

  #letGo(): void {
    this.#budget.used -= this.#held.length;
    this.#held = NOTHING;
    this.#length = 0;
  }

  /** Reads the whole messages at the front. Returns where the first that is not whole begins. */
  #readWhole(bytes: Uint8Array, start: number, end: number, time: number): number {
    let at = start;
    while (end - at >= LENGTH_BYTES) {
      const messageEnd = at + LENGTH_BYTES + u16(bytes, at);
      if (messageEnd > end) break;
      this.#lookups.message(bytes, at + LENGTH_BYTES, messageEnd, this.#ends, time);
      at = messageEnd;
    }
    return at;
  }

  /** Adds to the message that is held as much as it lacks, and reads it when it is whole. Returns what comes behind. */
  #hold(bytes: Uint8Array, start: number, end: number, time: number): number {
    let at = start;
    // Its length first, and what that says then.
    for (let wanted = this.#wanted; this.#length < wanted && at < end; wanted = this.#wanted) {
      const taken = Math.min(wanted - this.#length, end - at);
      if (!this.#makeRoom(this.#length + taken)) {
        this.stop();
        return end;
      }
      this.#held.set(bytes.subarray(at, at + taken), this.#length);
      this.#length += taken;
      at += taken;
    }
    if (this.#length === this.#wanted) {
      this.#lookups.message(this.#held, LENGTH_BYTES, this.#length, this.#ends, time);
      this.#letGo();
    }
    return at;
  }

  /** How many bytes the message that is held will have, with its length. */
  get #wanted(): number {
    return LENGTH_BYTES + (this.#length < LENGTH_BYTES ? 0 : u16(this.#held, 0));
  }

  /** Makes room for so many bytes. Returns false when there is none. */
  #makeRoom(length: number): boolean {
    if (length <= this.#held.length) return true;
    const size = Math.max(SMALLEST_BUFFER, 2 ** Math.ceil(Math.log2(length)));
    const more = size - this.#held.length;
    if (this.#budget.used + more > this.#budget.limit) return false;
    this.#budget.used += more;
    const held = new Uint8Array(size);
    held.set(this.#held.subarray(0, this.#length));
    this.#held = held;
    return true;
  }
}

function endsOf(packet: Packet): MessageEnds {
  const { network, sourcePort, destinationPort } = packet;
  const source = addressOf(packet, packet.source), destination = addressOf(packet, packet.destination);
  return { network, source, sourcePort, destination, destinationPort };
}

function turned({ network, source, sourcePort, destination, destinationPort }: MessageEnds): MessageEnds {
  return {
    network,
    source: destination,
    sourcePort: destinationPort,
    destination: source,
    destinationPort: sourcePort,
  };
}
