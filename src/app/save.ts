/**
 * Saving what is captured (`--write`): each frame goes to a pcap file besides being decoded.
 *
 * @module
 */

import { CaptureError } from "../errors.ts";
import type { FrameHandler } from "../frame.ts";
import { linkTypeName, MAXIMUM_SNAPLEN, pcapFileHeader, pcapRecord } from "../savefile.ts";
import type { Output } from "./ports.ts";

/** Bytes gathered before they are written. */
const ENOUGH = 256 * 1024;

/** Writes frames of one link type to an output as a pcap file. */
export class FrameSaver {
  readonly #output: Output;
  readonly #path: string;
  #linkType: number | undefined;
  #records: Uint8Array[] = [];
  #size = 0;

  constructor(output: Output, path: string) {
    this.#output = output;
    this.#path = path;
  }

  /** Takes one frame. Throws a {@link CaptureError} when its link type is another than the first one's. */
  readonly frame: FrameHandler = ({ bytes, start, end, wireLength, time, linkType }) => {
    if (this.#linkType === undefined) this.#begin(linkType);
    if (linkType !== this.#linkType) {
      const both = `${linkTypeName(this.#linkType!)} and ${linkTypeName(linkType)}`;
      const message = `${this.#path}: a pcap file cannot hold frames of two link types, ${both}`;
      throw new CaptureError("file", this.#path, message);
    }
    const record = pcapRecord(bytes, start, end, wireLength, time);
    this.#records.push(record);
    this.#size += record.length;
    if (this.#size >= ENOUGH) this.flush();
  };

  /** Writes what was gathered. */
  flush(): void {
    if (this.#size === 0) return;
    const gathered = new Uint8Array(this.#size);
    let at = 0;
    for (const record of this.#records) {
      gathered.set(record, at);
      at += record.length;
    }
    this.#records = [];
    this.#size = 0;
    this.#output.write(gathered);
  }

  /** Ends the file. One without frames is of the source's link type, if that is known. */
  close(linkType: number | undefined): void {
    if (this.#linkType === undefined) this.#begin(linkType ?? 1);
    this.flush();
    this.#output.close();
  }

  #begin(linkType: number): void {
    this.#linkType = linkType;
    this.#output.write(pcapFileHeader(linkType, MAXIMUM_SNAPLEN));
  }
}
