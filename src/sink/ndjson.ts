/**
 * Exchanges as NDJSON, one record a line.
 *
 * @module
 */

import type { Output, Sink } from "../app/ports.ts";
import { type Exchange, toRecord } from "../http/exchange.ts";

/** Characters gathered before they are written. */
const ENOUGH = 64 * 1024;

/** Writes each ended exchange as a line of JSON. */
export class NdjsonSink implements Sink {
  readonly #output: Output;
  #lines = "";

  constructor(output: Output) {
    this.#output = output;
  }

  write(exchange: Exchange): void {
    this.#lines += JSON.stringify(toRecord(exchange)) + "\n";
    if (this.#lines.length > ENOUGH) this.flush();
  }

  flush(): void {
    if (this.#lines === "") return;
    const lines = this.#lines;
    this.#lines = "";
    this.#output.write(lines);
  }

  close(): void {
    this.flush();
  }
}
