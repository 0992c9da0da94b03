/**
 * The busiest of very many keys, in bounded memory.
 *
 * @module
 */

import { HyperLogLog } from "./distinct.ts";
import { type Bits64, hash, randomHashKey } from "./hash.ts";

/** The counters of one key. Subclasses add their own. */
export class TopEntry {
  /** Hits counted, never more than there were. 0 once the table has dropped the entry. */
  count = 0;

  /** `missed` is how many earlier hits of the key may have been dropped at most. */
  constructor(readonly group: string, readonly key: string, readonly missed: number) {}
}

/** What a top table may be given. */
export interface TopTableOptions {
  /** Most entries kept. */
  cap?: number;
  /** Key of the hash that the estimate of different keys uses. */
  hashKey?: Bits64;
}

/**
 * Counts hits by key, where a key is a name within a group: a path within a host, say. Groups may be many;
 * the cap is for all of them together.
 *
 * Exact until a key more than the cap comes. Then, and each time the table is full again, the lower half by
 * count is dropped (lossy counting, after Manku and Motwani, "Approximate frequency counts over data streams",
 * 2002): a count is then a lower bound, and at most `errorBound` hits are missing from it.
 */
export class TopTable<T extends TopEntry> {
  readonly #Entry: new (group: string, key: string, missed: number) => T;
  readonly #cap: number;
  readonly #hashKey: Bits64;
  readonly #sketch = new HyperLogLog();
  /** By group. A group of one key is held as its entry alone: under a flood most are, and a map is large. */
  readonly #groups = new Map<string, T | Map<string, T>>();
  #size = 0;
  #approximate = false;
  #errorBound = 0;

  /** `Entry` is the class of the entries. */
  constructor(
    Entry: new (group: string, key: string, missed: number) => T,
    { cap = 100_000, hashKey = randomHashKey() }: TopTableOptions = {},
  ) {
    this.#Entry = Entry;
    this.#cap = cap;
    this.#hashKey = hashKey;
  }

  /** Entries held now. */
  get size(): number {
    return this.#size;
  }

  /** Groups that have an entry held now. */
  get groups(): number {
    return this.#groups.size;
  }

  /** How many different keys were added; an estimate when `approximate`. */
  get distinct(): number {
    return this.#approximate ? Math.max(this.#cap + 1, this.#sketch.count) : this.#size;
  }

  /** True once entries were dropped. */
  get approximate(): boolean {
    return this.#approximate;
  }

  /** The most by which any count, including the 0 of a key not held, can be too low. */
  get errorBound(): number {
    return this.#errorBound;
  }

  /** Counts a hit and returns the key's entry. */
  add(key: string, group = ""): T {
    const entry = this.get(key, group) ?? this.#insert(key, group);
    entry.count++;
    return entry;
  }

  /** The key's entry, `undefined` when it is not held. */
  get(key: string, group = ""): T | undefined {
    const held = this.#groups.get(group);
    if (held instanceof TopEntry) return held.key === key ? held : undefined;
    return held?.get(key);
  }

  /**
   * The `n` entries of the highest count, highest first, of one group or of all. Equal counts are ordered by
   * group and key.
   */
  top(n: number, group?: string): T[] {
    if (n <= 0) return [];
    const groups = group === undefined ? this.#groups.values() : [this.#groups.get(group) ?? []];
    const best: T[] = [];
    let last: T | undefined;
    for (const held of groups) {
      for (const entry of entriesOf(held)) {
        if (last !== undefined && byRank(entry, last) > 0) continue;
        best.push(entry);
        // Sorting only every n additions keeps this linear in the number of entries.
        if (best.length < 2 * n) continue;
        best.sort(byRank).length = n;
        last = best[n - 1];
      }
    }
    return best.sort(byRank).slice(0, n);
  }

  #insert(key: string, group: string): T {
    if (this.#size >= this.#cap) this.#sweep();
    const entry = new this.#Entry(group, key, this.#errorBound);
    const held = this.#groups.get(group);
    if (held === undefined) this.#groups.set(group, entry);
    else if (held instanceof TopEntry) this.#groups.set(group, new Map([[held.key, held], [key, entry]]));
    else held.set(key, entry);
    this.#size++;
    // A key that is held is in the sketch already, so only newcomers pay for a hash.
    this.#sketch.add(hash(key, hash(group, this.#hashKey)));
    return entry;
  }

  /**
   * Drops the lower half by what each key can have had at most, the oldest first among equals. The highest of
   * these is the new error bound: no key dropped now had more, and an earlier one that comes back starts
   * with that much missed.
   */
  #sweep(): void {
    const most = new Float64Array(this.#size);
    let index = 0;
    for (const held of this.#groups.values()) {
      for (const entry of entriesOf(held)) most[index++] = entry.count + entry.missed;
    }
    most.sort();
    const quota = Math.ceil(this.#size / 2);
    const bound = most[quota - 1] ?? 0;
    let equals = quota - most.indexOf(bound);
    for (const [group, held] of this.#groups) {
      for (const entry of entriesOf(held)) {
        const atMost = entry.count + entry.missed;
        if (atMost > bound || atMost === bound && equals-- <= 0) continue;
        entry.count = 0;
        if (held instanceof Map) held.delete(entry.key);
        if (held === entry || held instanceof Map && held.size === 0) this.#groups.delete(group);
      }
    }
    this.#size -= quota;
    this.#errorBound = bound;
    this.#approximate = true;
  }
}

function entriesOf<T extends TopEntry>(held: T | Map<string, T> | T[]): Iterable<T> {
  return held instanceof TopEntry ? [held] : held.values();
}

function byRank(a: TopEntry, b: TopEntry): number {
  return b.count - a.count || compare(a.group, b.group) || compare(a.key, b.key);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
