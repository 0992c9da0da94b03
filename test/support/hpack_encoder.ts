/**
 * HPACK for tests (RFC 7541), the sending side: fields to blocks, with every representation there is.
 *
 * @module
 */

import { concat } from "./frames.ts";

export type Field = readonly [name: string, value: string];

/** How a field that is in no table is written. */
export type Indexing = "incremental" | "none" | "never";

/** Code lengths by symbol, in base 36; the last is the end-of-string symbol's. */
const CODE_LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad677777777777777777777" +
  "77878djde6f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmo" +
  "lmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu";

/** The part of the static table that is used here, by index. */
const STATIC: Readonly<Record<number, Field>> = {
  1: [":authority", ""],
  2: [":method", "GET"],
  3: [":method", "POST"],
  4: [":path", "/"],
  6: [":scheme", "http"],
  8: [":status", "200"],
  9: [":status", "204"],
  13: [":status", "404"],
  31: ["content-type", ""],
  33: ["date", ""],
  51: ["referer", ""],
  58: ["user-agent", ""],
};
const STATIC_LENGTH = 61;

const codes = canonicalCodes();

/** Encodes blocks, keeping the dynamic table as the decoder must. */
export class HpackEncoder {
  /** Newest first. */
  #table: Field[] = [];
  #limit = 4096;
  #update: number | undefined;

  /** Announces another table size at the start of the next block. */
  resize(size: number): void {
    this.#limit = size;
    this.#update = size;
    this.#evict();
  }

  encode(fields: readonly Field[], options: { huffman?: boolean; indexing?: Indexing } = {}): Uint8Array {
    const parts: Uint8Array[] = [];
    if (this.#update !== undefined) parts.push(integer(this.#update, 5, 0x20));
    this.#update = undefined;
    for (const [name, value] of fields) {
      const index = this.#find((field) => field[0] === name && field[1] === value);
      if (index > 0) {
        parts.push(integer(index, 7, 0x80));
        continue;
      }
      const indexing = options.indexing ?? "incremental";
      const named = this.#find((field) => field[0] === name);
      parts.push(
        indexing === "incremental"
          ? integer(named, 6, 0x40)
          : integer(named, 4, indexing === "never" ? 0x10 : 0),
      );
      if (named === 0) parts.push(string(name, options.huffman ?? true));
      parts.push(string(value, options.huffman ?? true));
      if (indexing === "incremental") {
        this.#table.unshift([name, value]);
        this.#evict();
      }
    }
    return concat(...parts);
  }

  #find(matches: (field: Field) => boolean): number {
    for (const index in STATIC) {
      if (matches(STATIC[index]!)) return Number(index);
    }
    return this.#table.findIndex(matches) < 0 ? 0 : STATIC_LENGTH + 1 + this.#table.findIndex(matches);
  }

  #evict(): void {
    const size = () => this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#limit) this.#table.pop();
  }
}

/** An integer with a prefix of `bits` bits behind the bits of `first`. */
export function integer(value: number, bits: number, first: number): Uint8Array {
  const most = 2 ** bits - 1;
  if (value < most) return Uint8Array.of(first | value);
  const bytes = [first | most];
  for (value -= most; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Uint8Array.from([...bytes, value]);
}

/** A string literal of characters up to U+00FF. */
export function string(text: string, huffman: boolean): Uint8Array {
  const plain = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const bytes = huffman ? encodeHuffman(plain) : plain;
  return concat(integer(bytes.length, 7, huffman ? 0x80 : 0), bytes);
}

/** The Huffman code of `bytes`, padded with ones. */
export function encodeHuffman(bytes: Uint8Array): Uint8Array {
  const bits = Array.from(bytes, (byte) => codes[byte]!).join("");
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Uint8Array.from(padded.match(/.{8}/g) ?? [], (octet) => parseInt(octet, 2));
}

/** The code of each symbol as bits: in the order of length and symbol, each is the one before plus 1, lengthened. */
function canonicalCodes(): string[] {
  const symbols = Array.from(CODE_LENGTHS, (digit, symbol) => ({ symbol, bits: parseInt(digit, 36) }));
  const result: string[] = [];
  let code = -1, length = 0;
  for (const { symbol, bits } of symbols.toSorted((a, b) => a.bits - b.bits || a.symbol - b.symbol)) {
    code = (code + 1) * 2 ** (bits - length);
    length = bits;
    result[symbol] = code.toString(2).padStart(bits, "0");
  }
  return result;
}
