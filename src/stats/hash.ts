/**
 * A keyed hash of strings: whoever sends the strings does not know the key and so cannot choose strings that
 * collide.
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
