/**
 * Byte ranges: big-endian reads, addresses as text, and text that is made once for bytes seen again and again.
 *
 * @module
 */

/** The 16-bit big-endian number at `at`, which must be inside. */
export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** The 32-bit big-endian number at `at`, which must be inside, as a signed integer: sequence arithmetic. */
export function i32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

const utf8 = new TextDecoder();

/** The text of a byte range; bytes that are not UTF-8 become U+FFFD. */
export function text(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end));
}

/** Starts every hash, so that nobody can choose keys that collide. */
const seed = crypto.getRandomValues(new Int32Array(1))[0]!;

let viewedBytes: Uint8Array = new Uint8Array(0);
let lastView = new DataView(viewedBytes.buffer);

/** A view of the same memory as `bytes`, with the same offsets. The one last made is kept: most calls are for the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewedBytes) {
    viewedBytes = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return lastView;
}

const LF_IN_EACH_BYTE = 0x0a0a0a0a;

/**
 * The offset of the first line feed in a byte range, `end` when there is none. Looks at eight bytes at a time: a byte that
 * is 0 after the exclusive or, and only such a byte, or one above it, borrows into its highest bit.
 */
export function findLineFeed(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    const low = view.getInt32(at, true) ^ LF_IN_EACH_BYTE;
    const lowFound = (low - 0x01010101) & ~low & 0x80808080;
    if (lowFound !== 0) return at + (lowestBit(lowFound) >> 3);
    const high = view.getInt32(at + 4, true) ^ LF_IN_EACH_BYTE;
    const highFound = (high - 0x01010101) & ~high & 0x80808080;
    if (highFound !== 0) return at + 4 + (lowestBit(highFound) >> 3);
  }
  while (at < end && bytes[at] !== 10) at++;
  return at;
}

/** Number of the lowest bit that is set. */
function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** A 32-bit hash of a byte range, different in each process. Takes four bytes at a time. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  return hashWords(gather(bytes, start, end), end - start);
}

/** Copies a byte range to words, the last one filled up with zeros. Returns the words, valid until the next call. */
function gather(bytes: Uint8Array, start: number, end: number): Int32Array {
  if (gathered.length * 4 < end - start) gathered = new Int32Array(2 ** Math.ceil(Math.log2(end - start)));
  const view = viewOf(bytes), words = gathered;
  let at = start, word = 0;
  for (const last = end - 4; at <= last; at += 4) words[word++] = view.getInt32(at, true);
  if (at === end) return words;
  let rest = 0;
  for (let shift = 0; at < end; shift += 8) rest |= bytes[at++]! << shift;
  words[word] = rest;
  return words;
}

let gathered = new Int32Array(64);

/** Hashes the words that hold `length` bytes. */
function hashWords(words: Int32Array, length: number): number {
  let hash = length;
  for (let word = 0; word << 2 < length; word++) hash = hashWord(hash, words[word]!);
  return finishHash(hash);
}

/** Odd, so that no information is lost, and secret: whoever makes the words cannot tell which sums are the same. */
const multiplier = crypto.getRandomValues(new Int32Array(1))[0]! | 1;

/** Mixes one more word into a hash. Begin with 0, end with {@link finishHash}. */
export function hashWord(hash: number, word: number): number {
  const mixed = Math.imul((hash + (word ^ seed)) | 0, multiplier);
  return mixed ^ (mixed >>> 15);
}

/** Spreads what was mixed over all 32 bits, the low ones too, which tables index by. */
export function finishHash(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** True when `bytes[start, end)` is `other`. */
export function equalsBytes(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  const length = end - start;
  if (length !== other.length) return false;
  for (let i = 0; i < length; i++) {
    if (bytes[start + i] !== other[i]) return false;
  }
  return true;
}

/**
 * Values made from short byte ranges (a host, a path, an address), remembered so that the same bytes give the
 * same value at the cost of a hash and a comparison. A cache and not a table: a new range takes the place of
 * the older of two that share its slot.
 */
export class ByteCache<T> {
  /** By slot: the words of the key, its length in bytes, and the value. */
  #keys: (Int32Array | undefined)[] = [];
  #lengths = new Int32Array(0);
  #values: (T | undefined)[] = [];
  readonly #mask: number;

  /**
   * @param make Makes the value of a byte range.
   * @param slots How many values are remembered, a power of two.
   * @param longest Longer ranges are not remembered.
   */
  constructor(
    readonly make: (bytes: Uint8Array, start: number, end: number) => T,
    readonly slots: number,
    readonly longest = 256,
  ) {
    this.#mask = slots - 2;
  }

  /** The value of `bytes[start, end)`. */
  get(bytes: Uint8Array, start: number, end: number): T {
    const length = end - start;
    if (length > this.longest) return this.make(bytes, start, end);
    const words = gather(bytes, start, end);
    const first = hashWords(words, length) & this.#mask;
    if (this.#isAt(first, words, length)) return this.#values[first]!;
    if (this.#isAt(first + 1, words, length)) return this.#values[first + 1]!;
    if (this.#keys.length === 0) this.#allocate();
    const keys = this.#keys, lengths = this.#lengths, values = this.#values;
    keys[first + 1] = keys[first];
    lengths[first + 1] = lengths[first]!;
    values[first + 1] = values[first];
    keys[first] = words.slice(0, (length + 3) >> 2);
    lengths[first] = length;
    return (values[first] = this.make(bytes, start, end));
  }

  /** Only what is used costs memory. */
  #allocate(): void {
    this.#keys = new Array(this.slots).fill(undefined);
    this.#lengths = new Int32Array(this.slots).fill(-1);
    this.#values = new Array(this.slots).fill(undefined);
  }

  #isAt(slot: number, words: Int32Array, length: number): boolean {
    if (this.#lengths[slot] !== length) return false;
    const key = this.#keys[slot]!;
    let word = 0;
    while (word < key.length && key[word] === words[word]) word++;
    return word === key.length;
  }
}

/** An IPv4 (4 bytes) or IPv6 (16 bytes, RFC 5952) address as text. */
export function formatAddress(bytes: Uint8Array, start: number, length: number): string {
  if (length === 4) return `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}`;
  const groups = Array.from({ length: 8 }, (_, i) => u16(bytes, start + 2 * i));
  // An IPv4 address mapped into IPv6 keeps its dots.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatAddress(bytes, start + 12, 4)}`;
  }
  // The first longest run of two or more zero groups becomes "::".
  let runStart = -1, runLength = 1;
  for (let i = 0; i < 8; i++) {
    let zeros = 0;
    while (i + zeros < 8 && groups[i + zeros] === 0) zeros++;
    if (zeros > runLength) [runStart, runLength] = [i, zeros];
    i += zeros;
  }
  const hex = groups.map((group) => group.toString(16));
  if (runStart < 0) return hex.join(":");
  return `${hex.slice(0, runStart).join(":")}::${hex.slice(runStart + runLength).join(":")}`;
}

/** A link layer address of 6 bytes as `aa:bb:cc:dd:ee:ff`. */
export function formatMac(bytes: Uint8Array, start: number): string {
  return Array.from(bytes.subarray(start, start + 6), (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
