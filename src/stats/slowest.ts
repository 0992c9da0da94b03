/**
 * The exchanges that took longest.
 *
 * @module
 */

import { Exchange } from "../http/exchange.ts";
import { exchangeFigures, totalOf } from "./exchange_figures.ts";
import type { ExchangeFigures } from "./report.ts";

/** Keeps the slowest exchanges, of which the end was seen, up to a cap. Among equal ones the first stay. */
export class Slowest {
  readonly #cap: number;
  /** Copies, slowest first, and how long they took in microseconds. */
  readonly #kept: Exchange[] = [];
  readonly #totals: number[] = [];
  /** What takes no longer than this is not kept. */
  #least = -Infinity;

  constructor(cap: number) {
    this.#cap = cap;
    if (cap === 0) this.#least = Infinity;
  }

  /** Takes an exchange if it is one of them. */
  offer(exchange: Exchange): void {
    // Only the first on a connection takes longer than what is compared here.
    if (exchange.endedAt - exchange.time > this.#least || exchange.isFirst) this.#consider(exchange);
  }

  /** The `n` slowest, slowest first. */
  top(n: number): ExchangeFigures[] {
    return this.#kept.slice(0, n).map(exchangeFigures);
  }

  #consider(exchange: Exchange): void {
    const total = totalOf(exchange);
    if (!(total > this.#least)) return;
    const kept = this.#kept, totals = this.#totals;
    if (kept.length === this.#cap) {
      kept.pop()!.release();
      totals.pop();
    }
    let at = kept.length;
    for (; at > 0 && totals[at - 1]! < total; at--) {
      kept[at] = kept[at - 1]!;
      totals[at] = totals[at - 1]!;
    }
    kept[at] = copyOf(exchange);
    totals[at] = total;
    if (kept.length === this.#cap) this.#least = totals[this.#cap - 1]!;
  }
}

/** A copy of what is shown of an exchange. That is made into figures only when it is shown: most are soon outdone. */
function copyOf(exchange: Exchange): Exchange {
  const copy = Exchange.make(exchange.endpoints, exchange);
  copy.sentAt = exchange.sentAt;
  copy.answeredAt = exchange.answeredAt;
  copy.endedAt = exchange.endedAt;
  copy.method = exchange.method;
  copy.authority = exchange.authority;
  copy.target.take(exchange.target.bytes, 0, exchange.target.length);
  copy.status = exchange.status;
  copy.requestBodyBytes = exchange.requestBodyBytes;
  copy.responseBodyBytes = exchange.responseBodyBytes;
  copy.retransmissions = exchange.retransmissions;
  copy.gaps = exchange.gaps;
  copy.isFirst = exchange.isFirst;
  return copy;
}
