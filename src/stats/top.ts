/**
 * The busiest of very many keys, in bounded memory.
 *
 * @module
 */

import { text } from "../bytes.ts";
import { HyperLogLog } from "./distinct.ts";
import { type Bits64, hash, LAST_WORD, randomHashKey, WordHash } from "./hash.ts";

const utf8 = new TextEncoder();

/** No host has a longer name, in bytes: names are cut here. */
const LONGEST_NAME = 1023;
const NAME_BITS = 10;

/** Where a name becomes words. */
const nameBytes = new Uint8Array(LONGEST_NAME + 1);
const nameWords = new Int32Array(nameBytes.buffer);

/** A host's name, made into words and hashed once for all the keys that are looked up with it. */
export class HostName {
  /** The name in UTF-8, with zeros up to a whole word. (A typed array would take longer to make.) */
  readonly words: readonly number[];
  readonly length: number;
  /** Two halves of a keyed hash of the name. */
  readonly hash: number;
  readonly hash2: number;

  constructor(name: string, hashKey: Bits64) {
    let length = 0;
    while (length < name.length && name.charCodeAt(length) < 0x80 && length < LONGEST_NAME) {
      nameBytes[length] = name.charCodeAt(length);
      length++;
    }
    // Nearly all names are short and ASCII, which needs no encoder.
    if (length < name.length) {
      length = utf8.encodeInto(name, nameBytes.subarray(0, LONGEST_NAME)).written;
      name = text(nameBytes, 0, length);
    }
    for (let index = length; (index & 3) !== 0; index++) nameBytes[index] = 0;
    const words = new Array<number>(wordsIn(length));
    for (let index = 0; index < words.length; index++) words[index] = nameWords[index]!;
    this.words = words;
    this.length = length;
    [this.hash, this.hash2] = hash(name, hashKey);
  }
}

/** What a top table may be given. */
export interface TopTableOptions {
  /** Most entries held. */
  cap?: number;
  /** Words of name and key that have a place of their own; what is longer takes cells from a common store. */
  ownWords?: number;
  /** Key of all hashes. */
  hashKey?: Bits64;
}

/** Words of a link of a chain: the key's hash, and the slot behind in its bucket, or among free ones; -1 at the end. */
const HASH = 0;
const NEXT = 1;

/** Words of a record: lengths in bytes of the key (high) and the name (low), -1 when the slot is free. */
const LENGTHS = 0;
/** A slot of another table, and its generation when it was linked to. */
const LINK = 1;
const LINK_GENERATION = 2;
/** The first own word: those of the name, then those of the key. */
const OWN = 3;

/** Words of a cell of the common store. */
const CELL_WORDS = 16;
/** Slots and cells that a new table has. */
const FIRST_SLOTS = 256;

/**
 * Counts hits by key, where a key is a host's name and some bytes: a path or a section; no bytes for the host itself.
 * An entry is a slot number, with which all about it is looked up. Keys are held as words in a few large arrays: nothing
 * is made when a key is looked up or comes anew, and the garbage collector has nothing to look at.
 *
 * Exact until there is no room: a key more than the cap, or long keys that fill the common store, which has as many
 * cells as the cap. From then on a new key takes the place of a key of the least hits (as Space-Saving does: A.
 * Metwally, D. Agrawal and A. El Abbadi, "Efficient computation of frequent and top-k elements in data streams", 2005):
 * that count is the error bound. A count is then a lower bound, which at most `missed` hits of the key are missing
 * from; a key that is not held had `errorBound` hits at most. While no long keys fill the store, the error bound is at
 * most all hits divided by the cap.
 *
 * A hand goes round the slots, looking for one that has no more hits than the bound. When it is round, the bound rises
 * to the least it has seen. As the bound never exceeds hits by slot, there is one step of the hand a hit at most, on
 * average; the longest wait is one round.
 */
export class TopTable {
  readonly #cap: number;
  readonly #ownWords: number;
  readonly #recordWords: number;
  /** Cells of the common store that all keys together may have. */
  readonly #cellCap: number;
  readonly #hasher: WordHash;
  /** For the second half of the hashes that the sketch takes. */
  readonly #hasher2: WordHash;
  readonly #sketch = new HyperLogLog();

  // By slot. A free one has a count of 0 and infinitely many missed.
  #counts = new Float64Array(0);
  #missed = new Float64Array(0);
  /** How often the slot was given to a key or freed, from 1 on. */
  #generations = new Int32Array(0);
  /** `HASH` and `NEXT`. They are apart so that looking for a key that is not held stays in little memory. */
  #chains = new Int32Array(0);
  /** The words from `LENGTHS` to `LINK_GENERATION` and own words. */
  #records = new Int32Array(0);
  /** The first cell of an entry's further words, -1 of a short one. */
  #firstCell = new Int32Array(0);

  /** First slots by the highest bits of a hash, -1 for none. */
  #buckets = new Int32Array(0);
  #shift = 32;
  /** Slots ever used, and how many of them hold an entry now. */
  #used = 0;
  #size = 0;
  #freeSlot = -1;

  /** The common store: words, and the cell behind in the chain of an entry or of free cells. */
  #cells = new Int32Array(0);
  #nextCell = new Int32Array(0);
  /** Cells ever used, and how many of them entries hold now. */
  #cellsUsed = 0;
  #cellsHeld = 0;
  #freeCell = -1;

  #hand = 0;
  #errorBound = 0;
  /** The least hits of any entry that the hand has passed in this round, or that came since it began. */
  #least = Infinity;
  /** Keys seen before the first was dropped, 0 until then. */
  #exactDistinct = 0;

  constructor({ cap = 100_000, ownWords = 21, hashKey = randomHashKey() }: TopTableOptions = {}) {
    this.#cap = cap;
    this.#ownWords = ownWords;
    this.#recordWords = OWN + ownWords;
    // Enough for the longest key, whatever the cap.
    this.#cellCap = Math.max(cap, 2048);
    this.#hasher = new WordHash(hashKey, "first");
    this.#hasher2 = new WordHash(hashKey, "second");
    this.#growSlots(Math.min(FIRST_SLOTS, cap));
  }

  /** Slots that there is room for now: all slot numbers are below. */
  get slots(): number {
    return this.#counts.length;
  }

  /** Entries held now. */
  get size(): number {
    return this.#size;
  }

  /** How many different keys were added; an estimate when `approximate`. */
  get distinct(): number {
    return this.approximate ? Math.max(this.#exactDistinct + 1, this.#sketch.count) : this.#size;
  }

  /** True once an entry was dropped. */
  get approximate(): boolean {
    return this.#exactDistinct > 0;
  }

  /** The most by which any count, including the 0 of a key not held, can be too low. */
  get errorBound(): number {
    return this.#errorBound;
  }

  /** The table's hash of the key that is `name` and the first `length` bytes of `words`. */
  hash(name: HostName, words: Int32Array, length: number): number {
    return this.#hasher.of(name.hash, words, length);
  }

  /** The slot of the key whose hash is `hash`, -1 when it is not held. */
  find(hash: number, name: HostName, words: Int32Array, length: number): number {
    const chains = this.#chains;
    let slot = this.#buckets[hash >>> this.#shift]!;
    while (slot >= 0) {
      if (chains[2 * slot + HASH] === hash && this.#holds(slot, name, words, length)) return slot;
      slot = chains[2 * slot + NEXT]!;
    }
    return -1;
  }

  /** Counts a hit of the key in the slot. */
  hit(slot: number): void {
    this.#counts[slot]!++;
  }

  /**
   * Gives a key that is not held a slot, which may have been another key's, for `hit` to count in. `hash` is what
   * `hash` gave for it.
   */
  insert(hash: number, name: HostName, words: Int32Array, length: number): number {
    const cells = this.#cellsFor(name.words.length + wordsIn(length));
    while (this.#size === this.#cap || this.#cellsHeld + cells > this.#cellCap) this.#dropOne();
    this.#size++;
    const slot = this.#takeSlot();
    this.#counts[slot] = 0;
    this.#missed[slot] = this.#errorBound;
    this.#least = Math.min(this.#least, this.#errorBound + 1);
    const record = slot * this.#recordWords;
    this.#records[record + LENGTHS] = length << NAME_BITS | name.length;
    this.#generations[slot]!++;
    this.#records[record + LINK_GENERATION] = -1;
    this.#store(slot, cells, name.words, words, length);
    this.#chains[2 * slot + HASH] = hash;
    this.#chain(slot, hash);
    // A key that is held is in the sketch already, so only newcomers pay for the second half.
    this.#sketch.add(hash, this.#hasher2.of(name.hash2, words, length));
    return slot;
  }

  /** Changes whenever the slot is given to another key or freed. */
  generation(slot: number): number {
    return this.#generations[slot]!;
  }

  /** Keeps with the slot's key a slot of another table. */
  link(slot: number, other: TopTable, otherSlot: number): void {
    const record = slot * this.#recordWords;
    this.#records[record + LINK] = otherSlot;
    this.#records[record + LINK_GENERATION] = other.generation(otherSlot);
  }

  /** The slot that is kept with the slot's key, if it still has the key that it had; -1 otherwise. */
  linked(slot: number, other: TopTable): number {
    const record = slot * this.#recordWords;
    const otherSlot = this.#records[record + LINK]!;
    return this.#records[record + LINK_GENERATION] === other.generation(otherSlot) ? otherSlot : -1;
  }

  /** Hits counted in the slot, never more than there were. */
  count(slot: number): number {
    return this.#counts[slot]!;
  }

  /** How many earlier hits of the slot's key may not have been counted, at most. */
  missed(slot: number): number {
    return this.#missed[slot]!;
  }

  /** The slot's host. */
  name(slot: number): string {
    return text(new Uint8Array(this.#wordsOf(slot).buffer), 0, this.#nameLength(slot));
  }

  /** The slot's bytes as text; those that are not UTF-8 become U+FFFD. */
  key(slot: number): string {
    const start = 4 * wordsIn(this.#nameLength(slot));
    return text(new Uint8Array(this.#wordsOf(slot).buffer), start, start + this.#keyLength(slot));
  }

  /**
   * The slots of the `n` highest counts, highest first, of one host or of all. Equal counts are ordered by host and
   * key.
   */
  top(n: number, name?: HostName): number[] {
    let best: number[] = [];
    if (n <= 0) return best;
    const byRank = (a: number, b: number) => this.#counts[b]! - this.#counts[a]! || this.#compareKeys(a, b);
    const counts = this.#counts;
    // What ranks behind the last cannot be among the best, and what has less than it need not be compared.
    let last = -1, least = 1;
    for (let slot = 0; slot < this.#used; slot++) {
      const count = counts[slot]!;
      if (count < least || name !== undefined && !this.#isOf(slot, name)) continue;
      if (count === least && last >= 0 && this.#compareKeys(slot, last) > 0) continue;
      best.push(slot);
      // Sorting only every n additions keeps this linear in the number of entries.
      if (best.length < 2 * n) continue;
      best = best.sort(byRank).slice(0, n);
      last = best[n - 1]!;
      least = counts[last]!;
    }
    return best.sort(byRank).slice(0, n);
  }

  #nameLength(slot: number): number {
    return this.#records[slot * this.#recordWords + LENGTHS]! & LONGEST_NAME;
  }

  #keyLength(slot: number): number {
    return this.#records[slot * this.#recordWords + LENGTHS]! >> NAME_BITS;
  }

  /** True when the slot holds the entry of this key. */
  #holds(slot: number, name: HostName, words: Int32Array, length: number): boolean {
    const records = this.#records, record = slot * this.#recordWords;
    if (records[record + LENGTHS] !== (length << NAME_BITS | name.length)) return false;
    const nameWords = name.words;
    const own = record + OWN, ownKey = own + nameWords.length;
    const last = wordsIn(length) - 1;
    if (nameWords.length + last >= this.#ownWords) return this.#holdsLong(slot, nameWords, words, length);
    for (let index = 0; index < nameWords.length; index++) {
      if (records[own + index] !== nameWords[index]) return false;
    }
    for (let index = 0; index < last; index++) {
      if (records[ownKey + index] !== words[index]) return false;
    }
    return last < 0 || records[ownKey + last] === (words[last]! & LAST_WORD[length & 3]!);
  }

  #holdsLong(slot: number, nameWords: readonly number[], words: Int32Array, length: number): boolean {
    const held = this.#wordsOf(slot), start = nameWords.length, last = wordsIn(length) - 1;
    if (nameWords.some((word, index) => word !== held[index])) return false;
    for (let index = 0; index < last; index++) {
      if (held[start + index] !== words[index]) return false;
    }
    return last < 0 || held[start + last] === (words[last]! & LAST_WORD[length & 3]!);
  }

  /** True when the slot's entry is of a host. */
  #isOf(slot: number, name: HostName): boolean {
    if (this.#nameLength(slot) !== name.length) return false;
    const count = name.words.length;
    if (count > this.#ownWords) {
      return this.#wordsOf(slot).every((word, i) => i >= count || word === name.words[i]);
    }
    const own = slot * this.#recordWords + OWN;
    for (let index = 0; index < count; index++) {
      if (this.#records[own + index] !== name.words[index]) return false;
    }
    return true;
  }

  /** Compares two entries by host, then by key, byte by byte. */
  #compareKeys(a: number, b: number): number {
    const records = this.#records, own = this.#ownWords;
    const startA = a * this.#recordWords + OWN, startB = b * this.#recordWords + OWN;
    const nameA = this.#nameLength(a), nameB = this.#nameLength(b);
    const keyA = this.#keyLength(a), keyB = this.#keyLength(b);
    const wordsA = wordsIn(nameA) + wordsIn(keyA), wordsB = wordsIn(nameB) + wordsIn(keyB);
    if (wordsA <= own && wordsB <= own) {
      return compareBytes(records, startA, nameA, records, startB, nameB) ||
        compareBytes(records, startA + wordsIn(nameA), keyA, records, startB + wordsIn(nameB), keyB);
    }
    const longA = this.#wordsOf(a), longB = this.#wordsOf(b);
    return compareBytes(longA, 0, nameA, longB, 0, nameB) ||
      compareBytes(longA, wordsIn(nameA), keyA, longB, wordsIn(nameB), keyB);
  }

  /** A copy of an entry's words. */
  #wordsOf(slot: number): Int32Array<ArrayBuffer> {
    const words = new Int32Array(wordsIn(this.#nameLength(slot)) + wordsIn(this.#keyLength(slot)));
    const own = slot * this.#recordWords + OWN;
    words.set(this.#records.subarray(own, own + Math.min(words.length, this.#ownWords)));
    let cell = this.#firstCell[slot]!;
    for (let at = this.#ownWords; at < words.length; at += CELL_WORDS) {
      const start = cell * CELL_WORDS;
      words.set(this.#cells.subarray(start, start + Math.min(words.length - at, CELL_WORDS)), at);
      cell = this.#nextCell[cell]!;
    }
    return words;
  }

  /** Cells that so many words take from the common store. */
  #cellsFor(words: number): number {
    return words > this.#ownWords ? Math.ceil((words - this.#ownWords) / CELL_WORDS) : 0;
  }

  #store(slot: number, cells: number, nameWords: readonly number[], words: Int32Array, length: number): void {
    let block = this.#records;
    let at = slot * this.#recordWords + OWN;
    let end = at + this.#ownWords;
    let cell = -1;
    this.#firstCell[slot] = -1;
    const nameCount = nameWords.length, last = nameCount + wordsIn(length) - 1;
    for (let index = 0; index <= last; index++) {
      if (at === end) {
        const next = this.#takeCell();
        if (cell < 0) this.#firstCell[slot] = next;
        else this.#nextCell[cell] = next;
        this.#nextCell[next] = -1;
        cell = next;
        block = this.#cells;
        at = cell * CELL_WORDS;
        end = at + CELL_WORDS;
      }
      block[at++] = index < nameCount ? nameWords[index]! : words[index - nameCount]!;
    }
    if (last >= nameCount) block[at - 1]! &= LAST_WORD[length & 3]!;
    this.#cellsHeld += cells;
  }

  /** Drops an entry of the least hits that any can have had. */
  #dropOne(): void {
    if (!this.approximate) this.#exactDistinct = this.#size;
    for (;;) {
      if (this.#hand === this.#used) {
        this.#hand = 0;
        this.#errorBound = this.#least;
        this.#least = Infinity;
      }
      const slot = this.#hand++;
      const most = this.#counts[slot]! + this.#missed[slot]!;
      if (most <= this.#errorBound) return this.#drop(slot);
      if (most < this.#least) this.#least = most;
    }
  }

  #drop(slot: number): void {
    const chains = this.#chains;
    const bucket = chains[2 * slot + HASH]! >>> this.#shift;
    const next = chains[2 * slot + NEXT]!;
    let before = this.#buckets[bucket]!;
    if (before === slot) {
      this.#buckets[bucket] = next;
    } else {
      while (chains[2 * before + NEXT] !== slot) before = chains[2 * before + NEXT]!;
      chains[2 * before + NEXT] = next;
    }

    let cell = this.#firstCell[slot]!;
    while (cell >= 0) {
      const next = this.#nextCell[cell]!;
      this.#nextCell[cell] = this.#freeCell;
      this.#freeCell = cell;
      this.#cellsHeld--;
      cell = next;
    }

    this.#size--;
    this.#counts[slot] = 0;
    this.#missed[slot] = Infinity;
    const record = slot * this.#recordWords;
    this.#records[record + LENGTHS] = -1;
    this.#generations[slot]!++;
    chains[2 * slot + NEXT] = this.#freeSlot;
    this.#freeSlot = slot;
  }

  #takeSlot(): number {
    const slot = this.#freeSlot;
    if (slot >= 0) {
      this.#freeSlot = this.#chains[2 * slot + NEXT]!;
      return slot;
    }
    if (this.#used === this.#counts.length) this.#growSlots(Math.min(2 * this.#used, this.#cap));
    return this.#used++;
  }

  #takeCell(): number {
    const cell = this.#freeCell;
    if (cell >= 0) {
      this.#freeCell = this.#nextCell[cell]!;
      return cell;
    }
    if (this.#cellsUsed === this.#nextCell.length) {
      const cells = Math.min(Math.max(2 * this.#cellsUsed, FIRST_SLOTS), this.#cellCap);
      this.#cells = grown(this.#cells, cells * CELL_WORDS);
      this.#nextCell = grown(this.#nextCell, cells);
    }
    return this.#cellsUsed++;
  }

  /** Makes room for so many slots and puts all entries into as many buckets or more. */
  #growSlots(slots: number): void {
    const counts = new Float64Array(slots), missed = new Float64Array(slots);
    counts.set(this.#counts);
    missed.set(this.#missed);
    this.#counts = counts;
    this.#missed = missed;
    this.#generations = grown(this.#generations, slots);
    this.#chains = grown(this.#chains, 2 * slots);
    this.#records = grown(this.#records, slots * this.#recordWords);
    this.#firstCell = grown(this.#firstCell, slots);
    this.#shift = Math.min(Math.clz32(slots - 1), 31);
    this.#buckets = new Int32Array(2 ** (32 - this.#shift)).fill(-1);
    for (let slot = 0; slot < this.#used; slot++) this.#chain(slot, this.#chains[2 * slot + HASH]!);
  }

  /** Puts a slot at the head of its bucket's chain. */
  #chain(slot: number, hash: number): void {
    const bucket = hash >>> this.#shift;
    this.#chains[2 * slot + NEXT] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
  }
}

/** Words that so many bytes take. */
function wordsIn(length: number): number {
  return length + 3 >> 2;
}

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(length);
  copy.set(array);
  return copy;
}

/** Compares two runs of words byte by byte. Bytes behind their ends, up to a whole word, are 0. */
function compareBytes(
  blockA: Int32Array,
  startA: number,
  lengthA: number,
  blockB: Int32Array,
  startB: number,
  lengthB: number,
): number {
  const count = wordsIn(Math.min(lengthA, lengthB));
  for (let index = 0; index < count; index++) {
    const a = blockA[startA + index]!, b = blockB[startB + index]!;
    if (a !== b) return firstByteOrder(a, b);
  }
  return lengthA - lengthB;
}

const LITTLE_ENDIAN = LAST_WORD[1] === 0xff;

/** Compares two words that differ by the first byte in memory in which they do. */
function firstByteOrder(a: number, b: number): number {
  const differing = a ^ b;
  const zeros = LITTLE_ENDIAN ? 31 - Math.clz32(differing & -differing) : Math.clz32(differing);
  const shift = LITTLE_ENDIAN ? zeros & ~7 : 24 - (zeros & ~7);
  return (a >>> shift & 0xff) - (b >>> shift & 0xff);
}
