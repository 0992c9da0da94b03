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

/** A 32-bit hash of a byte range, different in each process. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = seed ^ (end - start);
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    hash ^= hash >>> 15;
  }
  return finishHash(hash);
}

/** Mixes one more word into a hash. Begin with 0, end with {@link finishHash}. */
export function hashWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ seed ^ word, 0x9e3779b1 | 0);
  return (mixed << 13) | (mixed >>> 19);
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
  readonly #keys: (Uint8Array | undefined)[];
  readonly #values: (T | undefined)[];
  readonly #mask: number;

  /**
   * @param make Makes the value of a byte range.
   * @param slots How many values are remembered, a power of two.
   * @param longest Longer ranges are not remembered.
   */
  constructor(
    readonly make: (bytes: Uint8Array, start: number, end: number) => T,
    slots: number,
    readonly longest = 256,
  ) {
    this.#keys = new Array(slots).fill(undefined);
    this.#values = new Array(slots).fill(undefined);
    this.#mask = slots - 2;
  }

  /** The value of `bytes[start, end)`. */
  get(bytes: Uint8Array, start: number, end: number): T {
    if (end - start > this.longest) return this.make(bytes, start, end);
    const first = hashBytes(bytes, start, end) & this.#mask;
    const keys = this.#keys, values = this.#values;
    const newer = keys[first];
    if (newer !== undefined && equalsBytes(bytes, start, end, newer)) return values[first]!;
    const older = keys[first + 1];
    if (older !== undefined && equalsBytes(bytes, start, end, older)) return values[first + 1]!;
    keys[first + 1] = newer;
    values[first + 1] = values[first];
    keys[first] = bytes.slice(start, end);
    return (values[first] = this.make(bytes, start, end));
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
