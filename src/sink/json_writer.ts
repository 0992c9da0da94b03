/**
 * JSON as bytes, written one behind the other into memory that is used again and again.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Room at the start; it doubles when more is gathered. */
const FIRST_ROOM = 128 * 1024;
/** Strings up to this length are written anew each time, longer ones up to that length are remembered: UTF-16 units. */
const SHORT_STRING = 32, LONGEST_REMEMBERED = 256;
/** Bytes of remembered strings. */
const MEMORY = 256 * 1024;

const ZERO = 0x30, QUOTE = 0x22, BACKSLASH = 0x5c, DOT = 0x2e;

/** By byte: 1 for those that stand for themselves in a JSON string, 0 for others, of which all beyond ASCII. */
const standsForItself = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

/** A name as the bytes that its value follows, in an object where it is not the first: `,"name":`. */
export function jsonName(name: string): Uint8Array {
  return encoder.encode(`,${JSON.stringify(name)}:`);
}

/**
 * Gathers bytes of JSON. What it writes is what `JSON.stringify` would, in UTF-8.
 *
 * @example
 * ```ts
 * const json = new JsonWriter(), PORT = jsonName("port");
 * json.raw(new TextEncoder().encode('{"host":"a.test"'));
 * json.number(PORT, 80); // {"host":"a.test","port":80
 * ```
 */
export class JsonWriter {
  #bytes = new Uint8Array(FIRST_ROOM);
  #length = 0;
  /** Strings as they were written: views of one piece of memory, which costs less than a piece for each. */
  readonly #remembered = new Map<string, Uint8Array>();
  readonly #memory = new Uint8Array(MEMORY);
  #memoryUsed = 0;

  /** How many bytes were gathered. */
  get length(): number {
    return this.#length;
  }

  /** What was gathered from the offset `start` on: a view, valid until more is written. */
  from(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#length);
  }

  /** Begins anew. */
  clear(): void {
    this.#length = 0;
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes a name and a string; nothing for `undefined`. */
  string(name: Uint8Array, value: string | undefined): void {
    if (value === undefined) return;
    if (value.length <= SHORT_STRING && this.#plainText(name, value)) return;
    this.raw(name);
    const remembered = this.#remembered.get(value);
    if (remembered) return this.raw(remembered);
    const start = this.#length;
    this.#json(value);
    if (value.length <= LONGEST_REMEMBERED) this.#remember(value, this.from(start));
  }

  /**
   * Writes a name and the string that is `bytes[0, length)`, if that is ASCII without need of an escape. Otherwise
   * writes nothing and returns false.
   */
  plainString(name: Uint8Array, bytes: Uint8Array, length: number): boolean {
    this.#reserve(name.length + length + 2);
    const written = this.#bytes;
    let at = this.#length + name.length;
    written[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const byte = bytes[i]!;
      if (standsForItself[byte] === 0) return false;
      written[at++] = byte;
    }
    written[at++] = QUOTE;
    written.set(name, this.#length);
    this.#length = at;
    return true;
  }

  /** Writes a name and a number; nothing for `undefined`. */
  number(name: Uint8Array, value: number | undefined): void {
    if (value === undefined) return;
    this.raw(name);
    const whole = value | 0;
    if (whole === value && whole >= 0) return this.#integer(whole);
    const thousandths = (value * 1000 + 0.5) | 0;
    if (thousandths >= 0 && thousandths / 1000 === value) return this.#thousandths(thousandths);
    this.#json(value);
  }

  /** Writes a name and microseconds as milliseconds: 0 for less than that, nothing for `NaN`. */
  milliseconds(name: Uint8Array, micros: number): void {
    if (micros !== micros) return;
    const whole = micros | 0;
    if (whole !== micros) return this.number(name, Math.max(0, micros) / 1000);
    this.raw(name);
    this.#thousandths(Math.max(0, whole));
  }

  /** Writes the last `count` digits of an integer from 0 to 2 ** 31 - 1, zeros in front where it has fewer. */
  digits(value: number, count: number): void {
    this.#reserve(count);
    let rest = value;
    for (let at = this.#length + count - 1; at >= this.#length; at--) {
      const tenth = (rest / 10) | 0;
      this.#bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.#length += count;
  }

  #integer(value: number): void {
    let count = 1;
    for (let limit = 10; value >= limit; limit *= 10) count++;
    this.digits(value, count);
  }

  /** Writes `value / 1000` with no more decimals than it needs. */
  #thousandths(value: number): void {
    const whole = (value / 1000) | 0;
    this.#integer(whole);
    let decimals = value - whole * 1000, count = 3;
    if (decimals === 0) return;
    while (decimals % 10 === 0) {
      decimals /= 10;
      count--;
    }
    this.#reserve(1);
    this.#bytes[this.#length++] = DOT;
    this.digits(decimals, count);
  }

  /** As {@link plainString}, from text. */
  #plainText(name: Uint8Array, value: string): boolean {
    const { length } = value;
    this.#reserve(name.length + length + 2);
    const written = this.#bytes;
    let at = this.#length + name.length;
    written[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      // There is nothing in the table beyond a byte.
      if (standsForItself[unit] !== 1) return false;
      written[at++] = unit;
    }
    written[at++] = QUOTE;
    written.set(name, this.#length);
    this.#length = at;
    return true;
  }

  /** Writes whatever `JSON.stringify` makes of a value. */
  #json(value: string | number): void {
    const json = JSON.stringify(value);
    // No UTF-16 unit takes more than three bytes.
    this.#reserve(3 * json.length);
    this.#length += encoder.encodeInto(json, this.#bytes.subarray(this.#length)).written;
  }

  #remember(value: string, encoded: Uint8Array): void {
    if (this.#memoryUsed + encoded.length > MEMORY) {
      // What repeats will soon be here again.
      this.#remembered.clear();
      this.#memoryUsed = 0;
    }
    const kept = this.#memory.subarray(this.#memoryUsed, this.#memoryUsed + encoded.length);
    kept.set(encoded);
    this.#remembered.set(value, kept);
    this.#memoryUsed += encoded.length;
  }

  /** Makes room for so many bytes more. */
  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    bytes.set(this.from(0));
    this.#bytes = bytes;
  }
}
