/**
 * Frames from a file descriptor, read here and parsed by `src/savefile.ts`: of a pipe with a live capture coming through
 * it, where libpcap would wait for more than is there; of a pcapng file, as libpcap refuses those with several link
 * types; and of a pcap file that is read whole, as this takes an eighth of libpcap's time.
 *
 * @module
 */

import type { FilterOptions, FrameBatch, FrameSource, SourceDrops, SourceInfo } from "../../app/ports.ts";
import { CaptureError } from "../../errors.ts";
import type { Frame, FrameHandler, RunHandler } from "../../frame.ts";
import { MAXIMUM_SNAPLEN, SavefileReader, type SavefileStatus } from "../../savefile.ts";
import { cString, type LibC, libc, Memory } from "../libc.ts";
import { Pauses } from "../pauses.ts";
import { wantedFilter } from "./filter.ts";
import { compileFilter, type FilterProgram, libpcap } from "./library.ts";

/** How long one wait for input lasts at most, in milliseconds: a stop is noticed within it. */
const POLL_TIMEOUT = 100;
/** More than a pipe holds. */
const CHUNK_SIZE = 2 ** 20;
/** Of a file so much is read that it stays in the processor's cache until it is decoded. */
const FILE_CHUNK_SIZE = 2 ** 18;
/** `POLLIN`, the same on Linux and macOS. */
const POLLIN = 1;
const NO_DROPS: SourceDrops = { kernel: 0, interface: 0 };

/** Chunk memory that is free for the next source. */
const pool: Memory[] = [];

/** Reads a savefile from a descriptor. `name` is what reports and errors call it, and `kind` what it is. */
export class DescriptorSource implements FrameSource {
  readonly #libc: LibC = libc();
  readonly #descriptor: number;
  readonly #name: string;
  readonly #options: FilterOptions;
  readonly #reader = new SavefileReader();
  readonly #pauses = new Pauses();
  readonly #kind: "file" | "pipe";
  /** One is read into while the frames of the other are used. */
  readonly #chunks: readonly [Memory, Memory];
  readonly #pollRequest: Memory;
  /** Which chunk is read into, and the read under way. */
  #next = 0;
  #reading: Promise<number> | undefined;
  /** The filter compiled for each link type, made when its first frame comes; and the one used last. */
  readonly #programs = new Map<number, FilterProgram | undefined>();
  #program: FilterProgram | undefined;
  #programLinkType = -1;
  /** struct pcap_pkthdr as `pcap_offline_filter` takes it: a time, captured and original length. */
  readonly #header = new DataView(new ArrayBuffer(24));
  readonly #headerBytes = new Uint8Array(this.#header.buffer);
  #filter = "";
  #remaining: number;
  /** Offset in the file of what is read next. */
  #position = 0;
  #stopped = false;
  #closed = false;
  #failure: CaptureError | undefined;

  constructor(descriptor: number, name: string, kind: "file" | "pipe", options: FilterOptions) {
    this.#descriptor = descriptor;
    this.#name = name;
    this.#kind = kind;
    this.#options = options;
    this.#remaining = options.count ?? Infinity;
    const memory = () => pool.pop() ?? Memory.allocate(CHUNK_SIZE);
    const first = memory(), second = memory(), pollRequest = memory();
    if (!first || !second || !pollRequest) {
      throw new CaptureError("file", name, `${name}: there is no memory to read it`);
    }
    this.#chunks = [first, second];
    this.#pollRequest = pollRequest;
  }

  get info(): SourceInfo {
    return { kind: this.#kind, name: this.#name, filter: this.#filter, linkTypes: this.#reader.linkTypes };
  }

  async next(): Promise<FrameBatch | undefined> {
    if (this.#failure) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    if (this.#remaining <= 0) return undefined;
    if (this.#pauses.isDue) await this.#pauses.take();
    const length = this.#kind === "file" ? this.#readFile() : await (this.#reading ??= this.#read());
    this.#reading = undefined;
    if (this.#stopped) return undefined;
    if (length < 0) throw new CaptureError("file", this.#name, `${this.#name}: cannot be read`);
    if (length === 0) {
      this.#stopped = true;
      this.#check(this.#reader.end());
      if (this.#failure) throw this.#failure;
      return undefined;
    }
    const chunk = this.#chunks[this.#next]!.bytes.subarray(0, length);
    if (this.#kind === "pipe") {
      this.#next = 1 - this.#next;
      this.#reading = this.#read();
    }
    return { deliver: (handler, runs) => this.#deliver(chunk, handler, runs) };
  }

  drops(): SourceDrops {
    return NO_DROPS;
  }

  stop(): void {
    this.#stopped = true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.stop();
    await this.#reading;
    this.#libc.close(this.#descriptor);
    for (const program of this.#programs.values()) if (program) libpcap().pcap_freecode(program);
    this.#programs.clear();
    pool.push(...this.#chunks, this.#pollRequest);
  }

  /**
   * Reads on in a file, as {@link #read}, and at once: what a thread for it costs is more than it would save, as the
   * kernel reads ahead.
   */
  #readFile(): number {
    const { bytes } = this.#chunks[0];
    const { pread } = this.#libc;
    const length = Number(pread(this.#descriptor, bytes, BigInt(FILE_CHUNK_SIZE), BigInt(this.#position)));
    this.#position += length;
    return length;
  }

  /** Waits for input and reads it into the next chunk: how much, 0 at the end or when stopped, less than 0 on an error. */
  async #read(): Promise<number> {
    const chunk = this.#chunks[this.#next]!;
    while (!this.#stopped) {
      if (!await this.#readable()) continue;
      return Number(await this.#libc.read(this.#descriptor, chunk.pointer, BigInt(CHUNK_SIZE)));
    }
    return 0;
  }

  async #readable(): Promise<boolean> {
    // struct pollfd: descriptor, wanted events, events that came.
    const request = new DataView(this.#pollRequest.bytes.buffer, 0, 8);
    request.setInt32(0, this.#descriptor, true);
    request.setInt16(4, POLLIN, true);
    request.setInt16(6, 0, true);
    return await this.#libc.poll(this.#pollRequest.pointer, 1n, POLL_TIMEOUT) > 0;
  }

  #deliver(chunk: Uint8Array, handler: FrameHandler, runs: RunHandler | undefined): void {
    const chosen: FrameHandler = (frame) => {
      if (this.#remaining <= 0 || !this.#matches(frame)) return;
      this.#remaining--;
      handler(frame);
    };
    const all = takesAll(this.#options) && this.#remaining === Infinity;
    this.#check(all ? this.#reader.push(chunk, handler, runs) : this.#reader.push(chunk, chosen));
  }

  #check(status: SavefileStatus): void {
    if (status.kind !== "invalid") return;
    this.#failure = new CaptureError("file", this.#name, `${this.#name}: ${status.problem}`);
  }

  #matches({ bytes, start, end, wireLength, linkType }: Frame): boolean {
    if (linkType !== this.#programLinkType) this.#selectProgram(linkType);
    const program = this.#program;
    if (!program) return true;
    if (end === start) return false;
    this.#header.setUint32(16, end - start, true);
    this.#header.setUint32(20, wireLength, true);
    const frame = bytes.subarray(start, end) as Uint8Array<ArrayBuffer>;
    return libpcap().pcap_offline_filter(program, this.#headerBytes, frame) !== 0;
  }

  #selectProgram(linkType: number): void {
    if (!this.#programs.has(linkType)) this.#programs.set(linkType, this.#compile(linkType));
    this.#program = this.#programs.get(linkType);
    this.#programLinkType = linkType;
  }

  /** The program for one link type, `undefined` for no filter. */
  #compile(linkType: number): FilterProgram | undefined {
    const expression = wantedFilter(this.#options, linkType);
    if (expression === "") return undefined;
    this.#filter ||= expression;
    const pcap = libpcap();
    const handle = pcap.pcap_open_dead(dataLinkType(linkType), this.#reader.snaplen || MAXIMUM_SNAPLEN);
    try {
      return compileFilter(handle, expression);
    } finally {
      pcap.pcap_close(handle);
    }
  }
}

/** libpcap's own number for a LINKTYPE_ value: they differ for raw IP. */
function dataLinkType(linkType: number): number {
  const RAW_IN_FILES = 101, RAW = 12;
  return linkType === RAW_IN_FILES ? RAW : linkType;
}

/** `O_RDONLY`, `O_RDWR` and `SEEK_CUR`, the same on Linux and macOS. */
const O_RDONLY = 0, O_RDWR = 2;
const SEEK_CUR = 1;
/** The first bytes of a pcapng file, in both byte orders. */
const PCAPNG_MAGIC = 0x0a0d_0d0a;

/**
 * Opens a file if it needs no libpcap: a named pipe, pcapng, or any capture that is read whole. `undefined` for any other
 * and for none.
 */
export function openWithoutLibpcap(path: string, options: FilterOptions): DescriptorSource | undefined {
  const c = libc();
  const descriptor = c.open(cString(path), O_RDONLY);
  if (descriptor < 0) return undefined;
  const isPipe = c.lseek(descriptor, 0n, SEEK_CUR) < 0n;
  if (isPipe) return new DescriptorSource(descriptor, path, "pipe", options);
  const start = new Uint8Array(4);
  const length = Number(c.pread(descriptor, start, 4n, 0n));
  const isPcapng = length === 4 && new DataView(start.buffer).getUint32(0) === PCAPNG_MAGIC;
  // libpcap has better words for what cannot be read at all, such as a directory.
  if (isPcapng || (length >= 0 && takesAll(options))) {
    return new DescriptorSource(descriptor, path, "file", options);
  }
  c.close(descriptor);
  return undefined;
}

/** True when nothing is filtered out. */
function takesAll({ filter, ports }: FilterOptions): boolean {
  return filter === undefined ? ports === undefined : filter === "";
}

/**
 * Takes standard input for a capture that comes through it and, where there is a terminal, puts the terminal in its
 * place, so that keys can be read. Returns the descriptor to read the capture from.
 */
export function takeStandardInput(): number {
  const c = libc();
  const descriptor = c.dup(0);
  const terminal = c.open(cString("/dev/tty"), O_RDWR);
  if (terminal >= 0) {
    c.dup2(terminal, 0);
    c.close(terminal);
  }
  return descriptor < 0 ? 0 : descriptor;
}
