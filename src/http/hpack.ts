/**
 * HPACK, the header compression of HTTP/2 (RFC 7541): field blocks to fields, for one who listens in.
 *
 * A listener may miss blocks. What these put into the dynamic table is not known then, and fields that refer to it
 * are reported as unknown; what later blocks put there is known again.
 *
 * @module
 */

import { equalsBytes } from "../bytes.ts";
import type { Budget } from "../stream/reassembly.ts";
import { decodeHuffman, longestDecoded } from "./huffman.ts";

/** Takes the fields of a block, in order. */
export interface FieldHandler {
  /** `name` as {@link FieldNames} numbers it; the value is empty for names that nobody wants. Keep it if you like. */
  field(name: number, value: Uint8Array): void;
  /** A field whose name and value were sent in a block that was missed. */
  unknown(): void;
}

/** How decoding a block went. */
export const BlockResult = {
  /** All its fields were reported. */
  complete: 0,
  /** It is longer than anyone may want: the rest was decoded for the dynamic table's sake alone. */
  tooLong: 1,
  /** It breaks the rules. The dynamic table is lost. */
  invalid: 2,
} as const;
export type BlockResult = typeof BlockResult[keyof typeof BlockResult];

/** A table's entry. Of fields that nobody wants, the value is not kept. */
interface Entry {
  readonly name: number;
  readonly nameLength: number;
  readonly value: Uint8Array;
  readonly size: number;
}

/** The static table (RFC 7541 appendix A), from index 1 on: names, with a value where the entry has one. */
const STATIC_FIELDS = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split("\n");

/** The number of names that nobody asked for. */
const OTHER = 0;
/** The number of names that are not known. */
const UNKNOWN = -1;
/** An entry counts as this much more than its name and value (RFC 7541 section 4.1). */
const ENTRY_OVERHEAD = 32;
const DEFAULT_TABLE_SIZE = 4096;
/** Larger tables are kept in part: what is older is unknown. */
const LARGEST_TABLE = 65_536;
/** Names, values and overhead of a block's fields, as a receiver would limit them. */
const LONGEST_LIST = 65_536;
/** Integers with more continuation bytes are refused; four hold more than any string's length. */
const MOST_INTEGER_BYTES = 4;

const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();

/** The field names that matter to someone, numbered from 1 in the order given; all others are 0. */
export class FieldNames {
  /** The static table with names as numbers; index 0 is unused. */
  readonly staticEntries: readonly Entry[];
  readonly #byLength = new Map<number, { readonly bytes: Uint8Array; readonly number: number }[]>();

  /** @param names In lower case, as HTTP/2 sends them. */
  constructor(names: readonly string[]) {
    names.forEach((name, i) => {
      const bytes = encoder.encode(name);
      const sameLength = this.#byLength.get(bytes.length);
      if (sameLength) sameLength.push({ bytes, number: i + 1 });
      else this.#byLength.set(bytes.length, [{ bytes, number: i + 1 }]);
    });
    this.staticEntries = ["", ...STATIC_FIELDS].map((field) => {
      const [name, ...value] = field.split(" ");
      const bytes = encoder.encode(name), number = this.numberOf(bytes, 0, bytes.length);
      return entryOf(number, bytes.length, encoder.encode(value.join(" ")));
    });
  }

  /** The number of the name `bytes[start, end)`. */
  numberOf(bytes: Uint8Array, start: number, end: number): number {
    const candidates = this.#byLength.get(end - start);
    if (candidates === undefined) return OTHER;
    for (const candidate of candidates) {
      if (equalsBytes(bytes, start, end, candidate.bytes)) return candidate.number;
    }
    return OTHER;
  }
}

/** Where Huffman-coded strings are decoded to. Grows to what the longest block needs. */
let scratch = new Uint8Array(4096);

/**
 * Decodes the field blocks that one end sends, in the order in which they are sent.
 *
 * How large the dynamic table may be is what the sender says in its size updates. That the receiver's SETTINGS allow
 * it is the receiver's to check.
 */
export class HpackDecoder {
  readonly #names: FieldNames;
  readonly #budget: Budget;
  /** The dynamic table: entries from `#oldest` on, the newest last. */
  #entries: Entry[] = [];
  #oldest = 0;
  #size = 0;
  #sizeLimit = DEFAULT_TABLE_SIZE;
  /** False while the sender's table may have older entries than these. */
  #complete = true;
  /** Where reading stands, and the string last read. */
  #at = 0;
  #string: Uint8Array = EMPTY;
  #stringStart = 0;
  #stringEnd = 0;

  constructor(names: FieldNames, budget: Budget) {
    this.#names = names;
    this.#budget = budget;
  }

  /** Bytes in the dynamic table as RFC 7541 section 4.1 counts them. */
  get tableSize(): number {
    return this.#size;
  }

  /** One or more blocks were missed: what the dynamic table holds is not known any more. */
  lose(): void {
    this.#evictTo(0);
    this.#complete = false;
  }

  /** Decodes the block `bytes[start, end)`. */
  decode(bytes: Uint8Array, start: number, end: number, handler: FieldHandler): BlockResult {
    this.#at = start;
    let listSize = 0, fields = 0;
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      if ((first & 0xe0) === 0x20) {
        // Size updates come before all fields (RFC 7541 section 4.2).
        const size = this.#integer(bytes, end, 5);
        if (fields > 0 || size < 0) return this.#invalid();
        this.#resize(size);
        continue;
      }
      const entry = first & 0x80
        ? this.#entry(this.#integer(bytes, end, 7))
        : this.#literal(bytes, end, (first & 0x40) !== 0);
      if (entry === undefined) return this.#invalid();
      fields++;
      listSize += entry.size;
      if (listSize > LONGEST_LIST) continue;
      if (entry.name === UNKNOWN) handler.unknown();
      else handler.field(entry.name, entry.value);
    }
    return listSize > LONGEST_LIST ? BlockResult.tooLong : BlockResult.complete;
  }

  /** A literal field (RFC 7541 section 6.2), which becomes an entry of the table when `indexed`. */
  #literal(bytes: Uint8Array, end: number, indexed: boolean): Entry | undefined {
    const index = this.#integer(bytes, end, indexed ? 6 : 4);
    let name: number, nameLength: number;
    if (index === 0) {
      if (!this.#readString(bytes, end)) return undefined;
      name = this.#names.numberOf(this.#string, this.#stringStart, this.#stringEnd);
      nameLength = this.#stringEnd - this.#stringStart;
    } else {
      const named = this.#entry(index);
      if (named === undefined) return undefined;
      ({ name, nameLength } = named);
    }
    if (!this.#readString(bytes, end)) return undefined;
    const valueLength = this.#stringEnd - this.#stringStart;
    const value = name > OTHER ? this.#string.slice(this.#stringStart, this.#stringEnd) : EMPTY;
    const entry: Entry = { name, nameLength, value, size: nameLength + valueLength + ENTRY_OVERHEAD };
    if (indexed) this.#insert(entry);
    return entry;
  }

  /** The entry at an index, unknown where entries were missed, `undefined` where there can be none. */
  #entry(index: number): Entry | undefined {
    if (index <= 0) return undefined;
    if (index < this.#names.staticEntries.length) return this.#names.staticEntries[index];
    const place = this.#entries.length - 1 - (index - this.#names.staticEntries.length);
    if (place >= this.#oldest) return this.#entries[place];
    return this.#complete ? undefined : UNKNOWN_ENTRY;
  }

  /** Adds an entry; one that is larger than the table empties it (RFC 7541 section 4.4). */
  #insert(entry: Entry): void {
    const { size } = entry;
    this.#evictTo(this.#sizeLimit - size);
    if (size > this.#sizeLimit) return;
    if (this.#budget.used + size > this.#budget.limit) {
      // Without room for the newest, the positions of the others are of no use.
      this.lose();
      return;
    }
    this.#entries.push(entry);
    this.#size += size;
    this.#budget.used += size;
  }

  #resize(size: number): void {
    this.#sizeLimit = Math.min(size, LARGEST_TABLE);
    this.#evictTo(this.#sizeLimit);
    if (size > LARGEST_TABLE) this.#complete = false;
    // Now nothing is in the table that is not known.
    else if (size === 0) this.#complete = true;
  }

  /** Evicts the oldest entries until the rest take no more than `limit`. */
  #evictTo(limit: number): void {
    while (this.#size > 0 && this.#size > limit) {
      const { size } = this.#entries[this.#oldest++]!;
      this.#size -= size;
      this.#budget.used -= size;
    }
    if (this.#oldest * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  /** Reads an integer with a prefix of `bits` bits (RFC 7541 section 5.1), -1 when there is none. */
  #integer(bytes: Uint8Array, end: number, bits: number): number {
    const most = (1 << bits) - 1;
    let value = bytes[this.#at++]! & most;
    if (value < most) return value;
    for (let i = 0; i < MOST_INTEGER_BYTES && this.#at < end; i++) {
      const byte = bytes[this.#at++]!;
      value += (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    return -1;
  }

  /** Reads a string (RFC 7541 section 5.2) to where `#string` says. Returns false when there is none. */
  #readString(bytes: Uint8Array, end: number): boolean {
    if (this.#at >= end) return false;
    const isHuffman = bytes[this.#at]! >= 0x80;
    const length = this.#integer(bytes, end, 7);
    const start = this.#at;
    if (length < 0 || length > end - start) return false;
    this.#at = start + length;
    if (!isHuffman) {
      this.#string = bytes;
      this.#stringStart = start;
      this.#stringEnd = start + length;
      return true;
    }
    const room = longestDecoded(length);
    if (scratch.length < room) scratch = new Uint8Array(room);
    this.#string = scratch;
    this.#stringStart = 0;
    this.#stringEnd = decodeHuffman(bytes, start, start + length, scratch);
    return this.#stringEnd >= 0;
  }

  #invalid(): BlockResult {
    this.lose();
    return BlockResult.invalid;
  }
}

function entryOf(name: number, nameLength: number, value: Uint8Array): Entry {
  return { name, nameLength, value, size: nameLength + value.length + ENTRY_OVERHEAD };
}

const UNKNOWN_ENTRY = entryOf(UNKNOWN, 0, EMPTY);
