/**
 * How long a message's body is (RFC 9112 sections 6 and 7): passes over it, also over parts of it that were not
 * captured, to the next message.
 *
 * @module
 */

/** How a body ends. */
export const Framing = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const;
export type Framing = typeof Framing[keyof typeof Framing];

/** Where in the chunked coding the body stands. */
const Chunk = { size: 0, extension: 1, data: 2, dataEnd: 3, trailerStart: 4, trailer: 5 } as const;
type Chunk = typeof Chunk[keyof typeof Chunk];

const CR = 13, LF = 10;
/** A longer size line is no chunk's. */
const MOST_SIZE_DIGITS = 12;

/** Passes over one body after another. */
export class Body {
  /** Content bytes passed so far, without the chunked coding's own. */
  bytes = 0;
  /** True when the body is over. */
  done = true;
  /** True when the chunked coding is broken: where the message ends is not known. */
  broken = false;
  #framing: Framing = Framing.none;
  /** Bytes to come of the body or the chunk. */
  #remaining = 0;
  #chunk: Chunk = Chunk.size;
  #digits = 0;

  /** Begins a body of `length` bytes, which matters for `Framing.length` only. */
  start(framing: Framing, length: number): void {
    this.#framing = framing;
    this.#remaining = framing === Framing.length ? length : 0;
    this.#chunk = Chunk.size;
    this.#digits = 0;
    this.bytes = 0;
    this.broken = false;
    this.done = framing === Framing.none || (framing === Framing.length && length === 0);
  }

  /** True when only the end of the connection ends the body. */
  get endsWithConnection(): boolean {
    return this.#framing === Framing.untilClose;
  }

  /** Passes over what of `bytes[at, end)` belongs to the body and returns the offset behind it. */
  consume(bytes: Uint8Array, at: number, end: number): number {
    switch (this.#framing) {
      case Framing.length:
        return at + this.#take(end - at);
      case Framing.chunked:
        return this.#consumeChunks(bytes, at, end);
      case Framing.untilClose:
        this.bytes += end - at;
        return end;
      default:
        return at;
    }
  }

  /**
   * Passes over `length` bytes that were not captured. Returns how many of them are behind the body's end, or -1
   * when the missing bytes held what says where the body ends.
   */
  skip(length: number): number {
    switch (this.#framing) {
      case Framing.length:
        return length - this.#take(length);
      case Framing.untilClose:
        this.bytes += length;
        return 0;
      case Framing.chunked:
        if (this.#chunk !== Chunk.data || length > this.#remaining) return -1;
        this.#takeChunkData(length);
        return 0;
      default:
        return length;
    }
  }

  #take(available: number): number {
    const taken = Math.min(available, this.#remaining);
    this.#remaining -= taken;
    this.bytes += taken;
    if (this.#remaining === 0) this.done = true;
    return taken;
  }

  #takeChunkData(available: number): number {
    const taken = Math.min(available, this.#remaining);
    this.#remaining -= taken;
    this.bytes += taken;
    if (this.#remaining === 0) this.#chunk = Chunk.dataEnd;
    return taken;
  }

  #consumeChunks(bytes: Uint8Array, at: number, end: number): number {
    while (at < end && !this.done) {
      if (this.#chunk === Chunk.data) {
        at += this.#takeChunkData(end - at);
        continue;
      }
      const byte = bytes[at++]!;
      switch (this.#chunk) {
        case Chunk.size:
          this.#sizeByte(byte);
          break;
        case Chunk.extension:
          if (byte === LF) this.#sizeEnd();
          break;
        case Chunk.dataEnd:
          if (byte === LF) this.#nextChunk();
          else if (byte !== CR) this.#break();
          break;
        case Chunk.trailerStart:
          if (byte === LF) this.done = true;
          else if (byte !== CR) this.#chunk = Chunk.trailer;
          break;
        case Chunk.trailer:
          if (byte === LF) this.#chunk = Chunk.trailerStart;
          break;
      }
    }
    return at;
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#remaining = this.#remaining * 16 + digit;
      if (++this.#digits > MOST_SIZE_DIGITS) this.#break();
    } else if (this.#digits === 0) {
      this.#break();
    } else if (byte === LF) {
      this.#sizeEnd();
    } else {
      this.#chunk = Chunk.extension;
    }
  }

  #sizeEnd(): void {
    this.#chunk = this.#remaining === 0 ? Chunk.trailerStart : Chunk.data;
  }

  #nextChunk(): void {
    this.#chunk = Chunk.size;
    this.#digits = 0;
    this.#remaining = 0;
  }

  #break(): void {
    this.broken = true;
    this.done = true;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
