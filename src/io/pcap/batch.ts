/**
 * One batch of frames: memory that libpcap writes savefile records to and JavaScript reads in place.
 *
 * @module
 */

import type { FrameBatch } from "../../app/ports.ts";
import type { FrameHandler, RunHandler } from "../../frame.ts";
import { forEachRecord } from "../../savefile.ts";
import { cString, type LibC, libc, Memory } from "../libc.ts";
import { libpcap } from "./library.ts";

/** Bytes before each frame in a savefile: seconds, microseconds, captured and original length. */
export const RECORD_HEADER_SIZE = 16;

/** Space asked for first; halved until the C library grants it. Only pages that are touched cost memory. */
const WANTED_SIZE = 512 * 2 ** 20;

/** Most packets that a batch is made for. */
const MOST_PACKETS = 2048;

/** Size of the stream's own buffer: large enough that its copies to the batch are few. */
const STREAM_BUFFER_SIZE = 64 * 1024;

/** `_IOFBF`, the same on Linux and macOS. */
const FULLY_BUFFERED = 0;

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Memory with a C stream over it. Never freed: libc flushes open streams when the process exits, so the
 * memory must outlive everything. {@link acquire} and {@link release} keep the few there are in a pool.
 */
export class BatchMemory {
  readonly #libc: LibC = libc();
  readonly #view: DataView;

  private constructor(readonly memory: Memory, readonly stream: NonNullable<Deno.PointerValue>) {
    this.#view = new DataView(memory.bytes.buffer);
  }

  static readonly #pool: BatchMemory[] = [];

  /** A batch from the pool or a new one; `undefined` when there is no memory or no `fmemopen`. */
  static acquire(): BatchMemory | undefined {
    const pooled = BatchMemory.#pool.pop();
    if (pooled) return pooled;
    const c = libc();
    for (let size = WANTED_SIZE; size >= 2 ** 20; size /= 2) {
      const memory = Memory.allocate(size);
      if (!memory) continue;
      const stream = c.fmemopen(memory.pointer, BigInt(size), cString("w"));
      if (stream === null) return undefined;
      c.setvbuf(stream, null, FULLY_BUFFERED, BigInt(STREAM_BUFFER_SIZE));
      return new BatchMemory(memory, stream);
    }
    return undefined;
  }

  /** Puts the batch back into the pool. Nothing may use it any more. */
  release(): void {
    BatchMemory.#pool.push(this);
  }

  /** How many packets of `snaplen` bytes surely fit. A full stream would lose records without a word. */
  capacity(snaplen: number): number {
    return Math.min(MOST_PACKETS, Math.floor(this.memory.bytes.length / (snaplen + RECORD_HEADER_SIZE)));
  }

  /** Makes a dumper of a handle over this memory and leaves the stream at the start of it. */
  dumper(handle: NonNullable<Deno.PointerValue>): Deno.PointerValue {
    const dumper = libpcap().pcap_dump_fopen(handle, this.stream);
    this.rewind();
    return dumper;
  }

  /** Makes the next record go to the start of the memory. */
  rewind(): void {
    this.#libc.rewind(this.stream);
  }

  /**
   * What was written since {@link rewind}.
   *
   * @throws {RangeError} when the stream has lost something, which the capacity rules out.
   */
  run(linkType: number): RecordRun {
    this.#libc.fflush(this.stream);
    if (this.#libc.ferror(this.stream) !== 0) {
      throw new RangeError("a batch of packets did not fit into its memory");
    }
    const end = Number(this.#libc.ftell(this.stream));
    return new RecordRun(this.memory.bytes, this.#view, end, linkType);
  }
}

/** A run of savefile records at the start of a batch's memory. */
export class RecordRun implements FrameBatch {
  constructor(
    readonly bytes: Uint8Array<ArrayBuffer>,
    readonly view: DataView,
    /** Offset behind the last record. */
    readonly end: number,
    readonly linkType: number,
  ) {}

  deliver(handler: FrameHandler, runs?: RunHandler): void {
    if (runs && littleEndian) runs(this.bytes, this.view, 0, this.end, this.linkType);
    else forEachRecord(this.bytes, this.view, 0, this.end, this.linkType, littleEndian, handler);
  }
}
