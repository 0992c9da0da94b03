/**
 * The exchanges that ended last, for those who look at single ones.
 *
 * @module
 */

import type { Exchange } from "../http/exchange.ts";
import { exchangeFigures } from "../stats/exchange_figures.ts";
import type { ExchangeFigures } from "../stats/report.ts";

/** Exchanges kept. */
const KEPT = 200;

/** Keeps the last exchanges as they are and gives back those before: figures are made only when somebody looks. */
export class RecentExchanges {
  readonly #ring: (Exchange | undefined)[] = new Array(KEPT).fill(undefined);
  #next = 0;

  /** Takes an exchange that nobody else uses any more. */
  add(exchange: Exchange): void {
    this.#ring[this.#next]?.release();
    this.#ring[this.#next] = exchange;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** The newest first. */
  figures(): ExchangeFigures[] {
    const newestFirst = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].reverse();
    return newestFirst.filter((exchange) => exchange !== undefined).map(exchangeFigures);
  }
}
