/**
 * Keyed hashes of text and of words: whoever sends what is hashed does not know the key, and so cannot choose
 * what collides.
 *
 * @module
 */

/** 64 bits as two whole numbers of 32: a key, or a hash. */
export type Bits64 = readonly [number, number];

/** Makes a random key. One for a process is enough. */
export function randomHashKey(): Bits64 {
  const words = crypto.getRandomValues(new Int32Array(2));
  return [words[0] ?? 0, words[1] ?? 0];
}

/** The four words of HalfSipHash's state and its round. */
class State {
  a: number;
  b: number;
  c: number;
  d: number;

  constructor(key: Bits64) {
    this.a = key[0];
    this.b = key[1] ^ 0xee;
    this.c = 0x6c796765 ^ key[0];
    this.d = 0x74656462 ^ key[1];
  }

  round(): void {
    let { a, b, c, d } = this;
    a = (a + b) | 0;
    b = (b << 5 | b >>> 27) ^ a;
    a = a << 16 | a >>> 16;
    c = (c + d) | 0;
    d = (d << 8 | d >>> 24) ^ c;
    a = (a + d) | 0;
    d = (d << 7 | d >>> 25) ^ a;
    c = (c + b) | 0;
    b = (b << 13 | b >>> 19) ^ c;
    c = c << 16 | c >>> 16;
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  absorb(word: number): void {
    this.d ^= word;
    this.round();
    this.a ^= word;
  }

  finish(): number {
    this.round();
    this.round();
    this.round();
    return this.b ^ this.d;
  }
}

/**
 * Hashes `text` under `key` with HalfSipHash-1-3 and 64 bits of output, taking two UTF-16 code units as a
 * word and the length as the last word. To hash a pair, hash the second under the hash of the first.
 */
export function hash(text: string, key: Bits64): Bits64 {
  const state = new State(key);
  const { length } = text;
  for (let index = 0; index < length; index += 2) {
    state.absorb(text.charCodeAt(index) | text.charCodeAt(index + 1) << 16);
  }
  state.absorb(length);
  state.c ^= 0xee;
  const first = state.finish();
  state.b ^= 0xdd;
  return [first, state.finish()];
}

/** Which bytes of the last word count, by the length in bytes modulo 4, in the machine's byte order. */
export const LAST_WORD = new Int32Array(
  new Uint8Array([255, 255, 255, 255, 255, 0, 0, 0, 255, 255, 0, 0, 255, 255, 255, 0]).buffer,
);

/**
 * A hash of words for tables: each half of a word is multiplied by a random number of its place, and all are added
 * up. For any two keys chosen without knowing these numbers, the highest 17 bits of their hashes are independent
 * (D. Lemire and O. Kaser, "Strongly universal string hashing is fast", 2014): take the highest bits. Similar keys
 * have hashes at equal distances, so an estimate of different keys needs them mixed.
 */
export class WordHash {
  readonly #key: Bits64;
  readonly #name: string;
  /** Two random numbers a word. */
  #factors = new Int32Array(0);
  readonly #lengthFactor: number;

  /** Hashes of the same key and another `name` are independent. */
  constructor(key: Bits64, name: string) {
    this.#key = key;
    this.#name = name;
    this.#lengthFactor = hash(name, key)[0];
    this.#grow(16);
  }

  /** Hashes the first `length` bytes of `words`. What is given as `start` is hashed with them. */
  of(start: number, words: Int32Array, length: number): number {
    let sum = start + Math.imul(length, this.#lengthFactor) | 0;
    const last = (length + 3 >> 2) - 1;
    if (last < 0) return sum;
    if (2 * last >= this.#factors.length) this.#grow(last + 1);
    const factors = this.#factors;
    for (let index = 0; index < last; index++) {
      const word = words[index]!;
      sum = sum + Math.imul(word & 0xffff, factors[2 * index]!) +
          Math.imul(word >>> 16, factors[2 * index + 1]!) | 0;
    }
    const word = words[last]! & LAST_WORD[length & 3]!;
    return sum + Math.imul(word & 0xffff, factors[2 * last]!) +
        Math.imul(word >>> 16, factors[2 * last + 1]!) | 0;
  }

  #grow(words: number): void {
    const old = this.#factors;
    const grown = new Int32Array(Math.max(2 * words, 2 * old.length));
    grown.set(old);
    for (let index = old.length; index < grown.length; index += 2) {
      grown.set(hash(`${this.#name} ${index}`, this.#key), index);
    }
    this.#factors = grown;
  }
}
