/**
 * Savefiles: the bytes of a pcap or pcapng file to frames, and frames to pcap. Pure and incremental, so that
 * a live pipe can be read as well as a file.
 *
 * The formats: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html and
 * https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html.
 *
 * @module
 */

import { Frame, type FrameHandler, type RunHandler } from "./frame.ts";

/** Longest frame that is believed, in bytes: libpcap's own limit. A longer one means a damaged file. */
export const MAXIMUM_SNAPLEN = 262_144;

/** Longest pcapng block that is held whole in memory, in bytes. */
const MAXIMUM_BLOCK = 16 * 1024 * 1024;

/** Most interfaces that one pcapng section may describe. */
const MAXIMUM_INTERFACES = 65_536;

const RAW_IP = 101;

/** What is known of the input after the bytes so far. */
export type SavefileStatus =
  /** The bytes so far end with a whole record (or block): the input may end here. */
  | { readonly kind: "complete" }
  /** The last record is unfinished; it needs at least `missing` more bytes. */
  | { readonly kind: "partial"; readonly missing: number }
  /**
   * The input cannot be read further. `offset` is the byte of the whole stream where the bad record begins,
   * `problem` says what is wrong in one line that names the byte. All frames before it were delivered.
   */
  | { readonly kind: "invalid"; readonly offset: number; readonly problem: string };

const COMPLETE: SavefileStatus = { kind: "complete" };

/** How the records of a classic pcap file are laid out. */
interface RecordLayout {
  readonly littleEndian: boolean;
  /** 16, or 24 in Kuznetzov's modified format. */
  readonly headerLength: number;
  /** Units of the time stamp's second field in a microsecond: 1 or 1000. */
  readonly unitsPerMicrosecond: number;
  readonly linkType: number;
}

/** How far `readRecords` came. */
interface RecordRun {
  records: number;
  /** Index of the first byte not consumed. */
  offset: number;
}

/** A pcapng interface. */
interface Interface {
  readonly linkType: number;
  /** 0 for no limit. */
  readonly snaplen: number;
  readonly ticksPerSecond: bigint;
  /** Added to every time, in microseconds. */
  readonly timeOffset: number;
}

/** Reads the same in both byte orders. */
const SECTION_HEADER = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
const OPTION_END = 0;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_TIME_OFFSET = 14;
const DEFAULT_TICKS_PER_SECOND = 1_000_000n;

/**
 * Reads a savefile that arrives in chunks of any size: pcap with micro- or nanoseconds, in both byte orders,
 * Kuznetzov's modified pcap, and pcapng. Each frame is handed over as soon as its record is whole, in place
 * where the record lies in one chunk. Only an unfinished record is kept between calls.
 *
 * Times are rounded down to microseconds. A simple packet block, which has no time, gets that of the frame
 * before it. A frame longer than its file's own snaplen is delivered whole.
 */
export class SavefileReader {
  #format: "unknown" | "pcap" | "pcapng" = "unknown";
  #failure: SavefileStatus | undefined;
  #snaplen = 0;
  readonly #linkTypes = new Set<number>();

  /** The unfinished record: the first `#carried` bytes of `#carry`. */
  #carry = new Uint8Array(4096);
  #carryView = new DataView(this.#carry.buffer);
  #carried = 0;
  /** How many bytes must be there to get on. */
  #need = 4;

  /** Offset in the stream of the next byte to parse: that of `#carry[0]` when something is carried. */
  #position = 0;
  /** Offset in the stream of the record being read, and its length once known, else 0. */
  #recordOffset = 0;
  #recordLength = 0;

  readonly #frame = new Frame();
  #layout: RecordLayout = { littleEndian: true, headerLength: 16, unitsPerMicrosecond: 1, linkType: 0 };
  readonly #run: RecordRun = { records: 0, offset: 0 };
  #runs: RunHandler | undefined;

  #littleEndian = true;
  #interfaces: Interface[] = [];
  #lastTime = 0;
  /** Bytes of the block being read that are passed over unread; its closing length follows them. */
  #skip = 0;
  #inSkippedBlock = false;

  /** Distinct LINKTYPE_ values seen so far, in order of appearance. */
  get linkTypes(): number[] {
    return [...this.#linkTypes];
  }

  /** Largest snaplen that the file states for its frames, in bytes; 0 while none is known. */
  get snaplen(): number {
    return this.#snaplen;
  }

  /**
   * Takes the next bytes of the stream and hands each frame that they complete to `handler`, or to `runs` where that is
   * given and records are laid out as it takes them. The chunk is not kept. Once the status is invalid it stays so and further bytes are ignored.
   */
  push(chunk: Uint8Array, handler: FrameHandler, runs?: RunHandler): SavefileStatus {
    this.#runs = runs;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < chunk.length && this.#failure === undefined) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        this.#position += skipped;
        at += skipped;
      } else if (this.#carried > 0) {
        const taken = Math.min(this.#need - this.#carried, chunk.length - at);
        this.#append(chunk, at, at + taken);
        at += taken;
        if (this.#carried < this.#need) break;
        // Exactly what was needed is there, so either all of it is consumed or more is needed.
        const consumed = this.#parse(this.#carry, this.#carryView, 0, this.#carried, handler);
        this.#position += consumed;
        this.#carried -= consumed;
      } else {
        const next = this.#parse(chunk, view, at, chunk.length, handler);
        this.#position += next - at;
        if (next === at) {
          this.#append(chunk, at, chunk.length);
          at = chunk.length;
        } else {
          at = next;
        }
      }
    }
    return this.#status();
  }

  /** Says whether the stream may end here: complete, or invalid when it is empty or cut within a record. */
  end(): SavefileStatus {
    const status = this.#status();
    if (status.kind !== "partial") return status;
    if (this.#received === 0) return this.#fail(0, "empty file");
    if (this.#format === "unknown" && this.#carried < 4) {
      return this.#fail(0, notACapture(this.#carry.subarray(0, this.#carried)));
    }
    const what = this.#format === "unknown" ? "the file header" : "a record";
    const missing = `${this.#recordLength > 0 ? "" : "at least "}${status.missing}`;
    return this.#fail(
      this.#recordOffset,
      `cut in the middle of ${what}: it begins at byte ${this.#recordOffset} and lacks ${missing} bytes`,
    );
  }

  get #received(): number {
    return this.#position + this.#carried;
  }

  #status(): SavefileStatus {
    if (this.#failure !== undefined) return this.#failure;
    const received = this.#received - this.#recordOffset;
    if (received === 0 && this.#format !== "unknown") return COMPLETE;
    return { kind: "partial", missing: (this.#recordLength || this.#need) - received };
  }

  #fail(offset: number, problem: string): SavefileStatus {
    this.#failure = { kind: "invalid", offset, problem };
    return this.#failure;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#carried + end - start;
    if (length > this.#carry.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#carry.length));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
      this.#carryView = new DataView(grown.buffer);
    }
    this.#carry.set(bytes.subarray(start, end), this.#carried);
    this.#carried = length;
  }

  /**
   * Parses what is whole in `bytes[start, end)`, whose first byte is at `#position`, and returns the index
   * of the first byte not consumed. When it stops for want of bytes, `#need` says how many it wants from
   * there.
   */
  #parse(bytes: Uint8Array, view: DataView, start: number, end: number, handler: FrameHandler): number {
    switch (this.#format) {
      case "unknown":
        return this.#parseStart(bytes, view, start, end, handler);
      case "pcap":
        return this.#parseRecords(bytes, view, start, end, handler);
      case "pcapng":
        return this.#parseBlocks(bytes, view, start, end, handler);
    }
  }

  #parseStart(bytes: Uint8Array, view: DataView, start: number, end: number, handler: FrameHandler): number {
    if (end - start < 4) return this.#wait(start, 4);
    if (view.getUint32(start) === SECTION_HEADER) {
      if (end - start >= 12 && byteOrder(view, start + 8) === undefined) {
        this.#fail(0, notACapture(bytes.subarray(start, start + 12)));
        return start;
      }
      if (end - start < 12) return this.#wait(start, 12);
      this.#format = "pcapng";
      return this.#parseBlocks(bytes, view, start, end, handler);
    }
    const littleEndian = bytes[start + 3] === 0xa1;
    const magic = view.getUint32(start, littleEndian);
    if (magic !== 0xa1b2_c3d4 && magic !== 0xa1b2_3c4d && magic !== 0xa1b2_cd34) {
      this.#fail(0, notACapture(bytes.subarray(start, start + 4)));
      return start;
    }
    this.#recordLength = 24;
    if (end - start < 24) return this.#wait(start, 24);
    const major = view.getUint16(start + 4, littleEndian);
    const minor = view.getUint16(start + 6, littleEndian);
    // Before 2.3 the two lengths of a record were the other way round.
    if (major !== 2 || minor < 3 || minor > 4) {
      this.#fail(0, `pcap version ${major}.${minor} is not supported, only 2.3 and 2.4 are`);
      return start;
    }
    this.#layout = {
      littleEndian,
      headerLength: magic === 0xa1b2_cd34 ? 24 : 16,
      unitsPerMicrosecond: magic === 0xa1b2_3c4d ? 1000 : 1,
      // The upper half tells the length of the frame check sequence.
      linkType: normalLinkType(view.getUint32(start + 20, littleEndian) & 0xffff),
    };
    this.#noteInterface(this.#layout.linkType, view.getUint32(start + 16, littleEndian));
    this.#format = "pcap";
    this.#recordOffset = this.#position + 24;
    this.#recordLength = 0;
    return start + 24;
  }

  #parseRecords(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    handler: FrameHandler,
  ): number {
    const { headerLength, littleEndian, unitsPerMicrosecond, linkType } = this.#layout;
    const run = this.#run;
    if (this.#runs && littleEndian && headerLength === 16 && unitsPerMicrosecond === 1) {
      run.offset = this.#runs(bytes, view, start, end, linkType);
    } else {
      this.#frame.setMemory(bytes, view);
      readRecords(this.#layout, this.#frame, start, end, handler, run);
    }
    this.#recordOffset = this.#position + run.offset - start;
    this.#recordLength = 0;
    if (end - run.offset < headerLength) return this.#wait(run.offset, headerLength);
    const captured = view.getUint32(run.offset + 8, littleEndian);
    if (captured > MAXIMUM_SNAPLEN) {
      this.#failFrameLength(captured);
      return run.offset;
    }
    this.#recordLength = headerLength + captured;
    return this.#wait(run.offset, this.#recordLength);
  }

  #parseBlocks(bytes: Uint8Array, view: DataView, start: number, end: number, handler: FrameHandler): number {
    let at = start;
    while (this.#failure === undefined && this.#skip === 0) {
      const available = end - at;
      if (this.#inSkippedBlock) {
        if (available < 4) return this.#wait(at, 4);
        if (!this.#checkClosingLength(view, at)) return at;
        at += 4;
        this.#inSkippedBlock = false;
        this.#recordOffset += this.#recordLength;
        this.#recordLength = 0;
        continue;
      }
      if (available < 8) return this.#wait(at, 8);
      const type = view.getUint32(at, this.#littleEndian);
      if (type === SECTION_HEADER) {
        if (available < 12) return this.#wait(at, 12);
        const littleEndian = byteOrder(view, at + 8);
        if (littleEndian === undefined) {
          this.#failBlock("a section header without byte-order magic");
          return at;
        }
        this.#littleEndian = littleEndian;
      }
      const length = view.getUint32(at + 4, this.#littleEndian);
      const body = bodyLength(type);
      if (length < 12 + body || length % 4 !== 0) {
        this.#failBlock(`a block of type ${type} cannot be ${length} bytes long`);
        return at;
      }
      this.#recordLength = length;
      if (type === SECTION_HEADER) {
        if (available < 24) return this.#wait(at, 24);
        if (!this.#startSection(view, at)) return at;
        this.#skipBlock(length - 28);
        at += 24;
      } else if (body === 0) {
        this.#skipBlock(length - 12);
        at += 8;
      } else if (length > MAXIMUM_BLOCK) {
        this.#failBlock(
          `a block of type ${type} has ${length} bytes, more than the maximum of ${MAXIMUM_BLOCK}`,
        );
        return at;
      } else if (available < length) {
        return this.#wait(at, length);
      } else {
        if (!this.#checkClosingLength(view, at + length - 4)) return at;
        const blockEnd = at + length - 4;
        if (type === INTERFACE_DESCRIPTION) this.#addInterface(view, at + 8, blockEnd);
        else this.#deliverPacket(type, bytes, view, at + 8, blockEnd, handler);
        if (this.#failure !== undefined) return at;
        at += length;
        this.#recordOffset += length;
        this.#recordLength = 0;
      }
    }
    return at;
  }

  #wait(at: number, need: number): number {
    this.#need = need;
    return at;
  }

  /** Passes over `length` bytes of the block, in which nothing is of use, up to its closing length. */
  #skipBlock(length: number): void {
    this.#skip = length;
    this.#inSkippedBlock = true;
  }

  #failBlock(problem: string): void {
    this.#fail(this.#recordOffset, `damaged at byte ${this.#recordOffset}: ${problem}`);
  }

  #failFrameLength(captured: number): void {
    this.#failBlock(`a frame of ${captured} bytes is longer than the maximum of ${MAXIMUM_SNAPLEN}`);
  }

  #checkClosingLength(view: DataView, at: number): boolean {
    const closing = view.getUint32(at, this.#littleEndian);
    if (closing === this.#recordLength) return true;
    this.#failBlock(
      `a block says that it has ${this.#recordLength} bytes at its start and ${closing} at its end`,
    );
    return false;
  }

  #startSection(view: DataView, at: number): boolean {
    const major = view.getUint16(at + 12, this.#littleEndian);
    if (major !== 1) {
      const minor = view.getUint16(at + 14, this.#littleEndian);
      this.#failBlock(`pcapng version ${major}.${minor} is not supported, only 1.x is`);
      return false;
    }
    this.#interfaces = [];
    return true;
  }

  #noteInterface(linkType: number, snaplen: number): void {
    this.#linkTypes.add(linkType);
    const limit = snaplen === 0 || snaplen > MAXIMUM_SNAPLEN ? MAXIMUM_SNAPLEN : snaplen;
    this.#snaplen = Math.max(this.#snaplen, limit);
  }

  /** Reads an interface description block, whose body is `[at, end)`. */
  #addInterface(view: DataView, at: number, end: number): void {
    const littleEndian = this.#littleEndian;
    if (this.#interfaces.length === MAXIMUM_INTERFACES) {
      return this.#failBlock(`more than ${MAXIMUM_INTERFACES} interfaces`);
    }
    const linkType = normalLinkType(view.getUint16(at, littleEndian));
    const snaplen = view.getUint32(at + 4, littleEndian);
    let ticksPerSecond = DEFAULT_TICKS_PER_SECOND;
    let timeOffset = 0;
    let option = at + 8;
    while (option < end) {
      const code = view.getUint16(option, littleEndian);
      const length = view.getUint16(option + 2, littleEndian);
      const value = option + 4;
      if (code === OPTION_END) break;
      option = value + ((length + 3) & ~3);
      if (option > end) {
        return this.#failBlock(
          `option ${code} of an interface, ${length} bytes long, does not fit its block`,
        );
      }
      if (code === OPTION_TIME_RESOLUTION) {
        if (length !== 1) return this.#failBlock(`a time resolution must have 1 byte and has ${length}`);
        const resolution = view.getUint8(value);
        ticksPerSecond = (resolution & 0x80) === 0
          ? 10n ** BigInt(resolution)
          : 1n << BigInt(resolution & 0x7f);
      } else if (code === OPTION_TIME_OFFSET) {
        if (length !== 8) return this.#failBlock(`a time offset must have 8 bytes and has ${length}`);
        timeOffset = 1e6 * Number(view.getBigInt64(value, littleEndian));
      }
    }
    this.#noteInterface(linkType, snaplen);
    this.#interfaces.push({ linkType, snaplen, ticksPerSecond, timeOffset });
  }

  /** Reads a packet block of any of the three types, whose body is `[at, end)`. */
  #deliverPacket(
    type: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    handler: FrameHandler,
  ): void {
    const littleEndian = this.#littleEndian;
    const interfaceId = type === ENHANCED_PACKET
      ? view.getUint32(at, littleEndian)
      : type === OBSOLETE_PACKET
      ? view.getUint16(at, littleEndian)
      : 0;
    const source = this.#interfaces[interfaceId];
    if (source === undefined) {
      return this.#failBlock(
        `a packet names interface ${interfaceId} where ${this.#interfaces.length} are described`,
      );
    }
    let captured: number;
    let wireLength: number;
    if (type === SIMPLE_PACKET) {
      wireLength = view.getUint32(at, littleEndian);
      captured = source.snaplen === 0 ? wireLength : Math.min(wireLength, source.snaplen);
    } else {
      captured = view.getUint32(at + 12, littleEndian);
      wireLength = view.getUint32(at + 16, littleEndian);
      const high = view.getUint32(at + 4, littleEndian);
      const low = view.getUint32(at + 8, littleEndian);
      this.#lastTime = microseconds(high, low, source);
    }
    const frame = at + bodyLength(type);
    if (captured > MAXIMUM_SNAPLEN) return this.#failFrameLength(captured);
    if (captured > end - frame) {
      return this.#failBlock(`a frame of ${captured} bytes in a block with room for ${end - frame}`);
    }
    const delivered = this.#frame;
    delivered.bytes = bytes;
    delivered.view = view;
    delivered.start = frame;
    delivered.end = frame + captured;
    delivered.wireLength = Math.max(wireLength, captured);
    delivered.time = this.#lastTime;
    delivered.linkType = source.linkType;
    handler(delivered);
  }
}

/** Length of the fixed part of a block's body; 0 for the types that are passed over. */
function bodyLength(type: number): number {
  switch (type) {
    case SECTION_HEADER:
      return 16;
    case INTERFACE_DESCRIPTION:
      return 8;
    case ENHANCED_PACKET:
    case OBSOLETE_PACKET:
      return 20;
    case SIMPLE_PACKET:
      return 4;
    default:
      return 0;
  }
}

/** Whether the byte-order magic at `at` is little-endian; `undefined` when it is no magic. */
function byteOrder(view: DataView, at: number): boolean | undefined {
  if (view.getUint32(at, true) === BYTE_ORDER_MAGIC) return true;
  if (view.getUint32(at, false) === BYTE_ORDER_MAGIC) return false;
  return undefined;
}

/** A pcapng time stamp in microseconds, held to the range in which numbers are exact. */
function microseconds(high: number, low: number, source: Interface): number {
  const time = source.ticksPerSecond === DEFAULT_TICKS_PER_SECOND
    ? high * 0x1_0000_0000 + low
    : Number(((BigInt(high) << 32n) | BigInt(low)) * 1_000_000n / source.ticksPerSecond);
  return Math.min(Math.max(time + source.timeOffset, 0), Number.MAX_SAFE_INTEGER);
}

function notACapture(start: Uint8Array): string {
  if (start[0] === 0x1f && start[1] === 0x8b) {
    return "compressed with gzip: unzip it first, as in gzip -dc FILE | trafficsniffer -r -";
  }
  const hex = Array.from(start, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `not a capture file: begins with ${hex}, which is neither pcap nor pcapng`;
}

/**
 * Hands each record of a run of classic pcap records with microseconds, `bytes[start, end)`, to `handler` as
 * a frame of type `linkType`, and returns how many there were. `view` covers the same memory as `bytes`. A
 * record at the end that is not whole, or that is longer than any frame can be, ends the run undelivered.
 */
export function forEachRecord(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  linkType: number,
  littleEndian: boolean,
  handler: FrameHandler,
): number {
  const run: RecordRun = { records: 0, offset: start };
  const layout: RecordLayout = { littleEndian, headerLength: 16, unitsPerMicrosecond: 1, linkType };
  const frame = new Frame();
  frame.setMemory(bytes, view);
  readRecords(layout, frame, start, end, handler, run);
  return run.records;
}

/** The loop over every packet of every capture: nothing is allocated in it. */
function readRecords(
  layout: RecordLayout,
  frame: Frame,
  start: number,
  end: number,
  handler: FrameHandler,
  run: RecordRun,
): void {
  const { littleEndian, headerLength, unitsPerMicrosecond } = layout;
  const { view } = frame;
  frame.linkType = layout.linkType;
  let records = 0;
  let offset = start;
  while (end - offset >= headerLength) {
    const captured = view.getUint32(offset + 8, littleEndian);
    if (captured > end - offset - headerLength || captured > MAXIMUM_SNAPLEN) break;
    const fraction = view.getUint32(offset + 4, littleEndian);
    frame.time = view.getUint32(offset, littleEndian) * 1e6 +
      (unitsPerMicrosecond === 1 ? fraction : Math.floor(fraction / unitsPerMicrosecond));
    const wireLength = view.getUint32(offset + 12, littleEndian);
    frame.wireLength = wireLength < captured ? captured : wireLength;
    frame.start = offset + headerLength;
    frame.end = offset = frame.start + captured;
    records++;
    handler(frame);
  }
  run.records = records;
  run.offset = offset;
}

/** The header of a pcap file, little-endian and with microseconds, for frames of type `linkType`. */
export function pcapFileHeader(linkType: number, snaplen: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(24);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0xa1b2_c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snaplen, true);
  view.setUint32(20, linkType, true);
  return header;
}

/** The frame `bytes[start, end)` as a record of the file that `pcapFileHeader` begins. `time` is in µs. */
export function pcapRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireLength: number,
  time: number,
): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(16 + end - start);
  const view = new DataView(record.buffer);
  view.setUint32(0, Math.floor(time / 1e6), true);
  view.setUint32(4, Math.floor(time % 1e6), true);
  view.setUint32(8, end - start, true);
  view.setUint32(12, wireLength, true);
  record.set(bytes.subarray(start, end), 16);
  return record;
}

/**
 * The LINKTYPE_ value for the link type field of a savefile or a DLT_ value of libpcap on Linux and macOS.
 * The two agree for every type decoded here but raw IP, which is 12 or 14 as a DLT_ value (and in files by
 * programs that confused them) and 101 as a LINKTYPE_ value.
 */
export function normalLinkType(value: number): number {
  return value === 12 || value === 14 ? RAW_IP : value;
}

const LINK_TYPE_NAMES = new Map([
  [0, "NULL"],
  [1, "EN10MB"],
  [6, "IEEE802"],
  [7, "ARCNET"],
  [8, "SLIP"],
  [9, "PPP"],
  [10, "FDDI"],
  [50, "PPP_SERIAL"],
  [51, "PPP_ETHER"],
  [RAW_IP, "RAW"],
  [104, "C_HDLC"],
  [105, "IEEE802_11"],
  [107, "FRELAY"],
  [108, "LOOP"],
  [113, "LINUX_SLL"],
  [117, "PFLOG"],
  [119, "PRISM_HEADER"],
  [127, "IEEE802_11_RADIO"],
  [129, "ARCNET_LINUX"],
  [163, "IEEE802_11_RADIO_AVS"],
  [189, "USB_LINUX"],
  [192, "PPI"],
  [220, "USB_LINUX_MMAPPED"],
  [228, "IPV4"],
  [229, "IPV6"],
  [239, "NFLOG"],
  [253, "NETLINK"],
  [258, "PKTAP"],
  [276, "LINUX_SLL2"],
]);

/** Name of a LINKTYPE_ value as tcpdump prints it, such as `EN10MB`; the number where it has no name here. */
export function linkTypeName(linkType: number): string {
  return LINK_TYPE_NAMES.get(linkType) ?? String(linkType);
}
