/**
 * Who among very many deserves figures that cannot be kept for all.
 *
 * @module
 */

/** How busy each of many holders is: the higher, the more it deserves a place. Holders are small numbers. */
export interface Holders {
  count(holder: number): number;
}

/**
 * Gives places, numbered from 1, to the busiest of many holders. Place 0 stands for all others.
 *
 * A holder gets a place while there are free ones. From then on a holder without one that is active is compared with
 * one that has one, in turn, and takes it over when it is busier by a quarter. So a flood of holders that are active
 * once, early or late, keeps no place from a busy one, and holders of about the same count do not push each other out.
 */
export class Places {
  readonly #cap: number;
  readonly #holders: Holders;
  readonly #onVacated: (place: number) => void;
  /** By place. Nobody has place 0. */
  readonly #owners: number[] = [-1];
  /** By holder: its place, 0 for none. */
  #places = new Int32Array(256);
  /** The place whose owner was last compared with. */
  #hand = 0;

  /** `onVacated` is told of a place that stands for something else from now on; its owner is the new one already. */
  constructor(holders: Holders, cap: number, onVacated: (place: number) => void) {
    this.#holders = holders;
    this.#cap = cap;
    this.#onVacated = onVacated;
  }

  /** All places are below. */
  get end(): number {
    return this.#owners.length;
  }

  /** The holder that has the place, -1 for place 0. */
  owner(place: number): number {
    return this.#owners[place]!;
  }

  /** The holder's place, 0 if it has none. */
  of(holder: number): number {
    return this.#places[holder] ?? 0;
  }

  /** The place of a holder that is active, which may get one now; 0 if it has none. Constant time. */
  claim(holder: number): number {
    return this.#places[holder] || this.#claim(holder);
  }

  /** Says that `holder` stands for something else from now on. It keeps its place, or gets one that is free. */
  restart(holder: number): void {
    const place = this.of(holder);
    if (place > 0) this.#onVacated(place);
    else if (this.end <= this.#cap) this.#append(holder);
  }

  #claim(newcomer: number): number {
    if (this.end <= this.#cap) return this.#append(newcomer);
    if (this.#cap === 0) return 0;
    this.#hand = this.#hand < this.#cap ? this.#hand + 1 : 1;
    const place = this.#hand, owner = this.#owners[place]!;
    if (this.#holders.count(newcomer) <= this.#holders.count(owner) * 1.25) return 0;
    this.#places[owner] = 0;
    this.#owners[place] = newcomer;
    this.#setPlace(newcomer, place);
    this.#onVacated(place);
    return place;
  }

  #append(owner: number): number {
    const place = this.#owners.push(owner) - 1;
    this.#setPlace(owner, place);
    return place;
  }

  #setPlace(holder: number, place: number): void {
    if (holder >= this.#places.length) {
      const places = new Int32Array(Math.max(2 * this.#places.length, holder + 1));
      places.set(this.#places);
      this.#places = places;
    }
    this.#places[holder] = place;
  }
}
