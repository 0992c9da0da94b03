/**
 * A captured frame, as it goes from where frames come from to where they are decoded.
 *
 * @module
 */

/**
 * One captured frame: `bytes[start, end)`. Made once and filled in for each frame, so it is valid only during the call
 * that it is handed over with.
 */
export class Frame {
  bytes: Uint8Array = new Uint8Array(0);
  /** The same memory as `bytes`, with the same offsets. */
  view = new DataView(this.bytes.buffer);
  start = 0;
  end = 0;
  /** Length on the wire, at least `end - start`: more when the capture was cut by the snaplen. */
  wireLength = 0;
  /** Microseconds since the epoch. */
  time = NaN;
  /** LINKTYPE_ value of the savefile formats. */
  linkType = 0;

  /** Says what memory the next frames lie in. */
  setMemory(bytes: Uint8Array, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)): void {
    this.bytes = bytes;
    this.view = view;
  }
}

/** Takes one captured frame. */
export type FrameHandler = (frame: Frame) => void;

/**
 * Takes a run of frames at once: classic pcap records with times in microseconds and little-endian, of type `linkType`, in
 * `bytes[start, end)`. Returns the offset of the first record that is not whole, or is longer than any frame can be.
 */
export type RunHandler = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  linkType: number,
) => number;
