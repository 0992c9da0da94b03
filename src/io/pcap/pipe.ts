/**
 * Frames from a file descriptor, mostly standard input with a live capture coming through it. libpcap would
 * wait for more than is there, so the bytes are read here and the savefile is parsed by `src/savefile.ts`.
 *
 * @module
 */

import type {
  FilterOptions,
  FrameBatch,
  FrameHandler,
  FrameSource,
  SourceDrops,
  SourceInfo,
} from "../../app/ports.ts";
import { CaptureError } from "../../errors.ts";
import { SavefileReader, type SavefileStatus } from "../../savefile.ts";
import { type LibC, libc, Memory } from "../libc.ts";
import { defaultFilter } from "./filter.ts";
import { compileFilter, type FilterProgram, libpcap } from "./library.ts";

/** How long one wait for input lasts at most, in milliseconds: a stop is noticed within it. */
const POLL_TIMEOUT = 100;
/** A pipe holds 64 KiB, a file more. */
const CHUNK_SIZE = 2 ** 20;
/** `POLLIN`, the same on Linux and macOS. */
const POLLIN = 1;
const NO_DROPS: SourceDrops = { kernel: 0, interface: 0 };

/** Chunk memory that is free for the next source. */
const pool: Memory[] = [];

/** Reads a savefile from a descriptor. `name` is what reports and errors call it. */
export class PipeSource implements FrameSource {
  readonly #libc: LibC = libc();
  readonly #descriptor: number;
  readonly #name: string;
  readonly #options: FilterOptions;
  readonly #reader = new SavefileReader();
  readonly #memory: Memory;
  readonly #pollRequest: Memory;
  /** The filter compiled for each link type, made when its first frame comes. */
  readonly #programs = new Map<number, FilterProgram | undefined>();
  /** struct pcap_pkthdr as `pcap_offline_filter` takes it: a time, captured and original length. */
  readonly #header = new DataView(new ArrayBuffer(24));
  readonly #headerBytes = new Uint8Array(this.#header.buffer);
  #filter = "";
  #remaining: number;
  #stopped = false;
  #reading: Promise<unknown> | undefined;
  #failure: CaptureError | undefined;

  constructor(descriptor: number, name: string, options: FilterOptions) {
    this.#descriptor = descriptor;
    this.#name = name;
    this.#options = options;
    this.#remaining = options.count ?? Infinity;
    const memory = pool.pop() ?? Memory.allocate(CHUNK_SIZE);
    const pollRequest = pool.pop() ?? Memory.allocate(CHUNK_SIZE);
    if (!memory || !pollRequest) {
      throw new CaptureError("file", name, `${name}: there is no memory to read it`);
    }
    this.#memory = memory;
    this.#pollRequest = pollRequest;
  }

  get info(): SourceInfo {
    return { kind: "pipe", name: this.#name, filter: this.#filter, linkTypes: this.#reader.linkTypes };
  }

  async next(): Promise<FrameBatch | undefined> {
    if (this.#failure) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    while (!this.#stopped && this.#remaining > 0) {
      if (!await this.#readable()) continue;
      const length = Number(await this.#read());
      if (this.#stopped) break;
      if (length < 0) throw new CaptureError("file", this.#name, `${this.#name}: cannot be read`);
      if (length > 0) return { deliver: (handler) => this.#deliver(length, handler) };
      this.#stopped = true;
      this.#check(this.#reader.end());
      if (this.#failure) throw this.#failure;
    }
    return undefined;
  }

  drops(): SourceDrops {
    return NO_DROPS;
  }

  stop(): void {
    this.#stopped = true;
  }

  async close(): Promise<void> {
    this.stop();
    await this.#reading;
    this.#libc.close(this.#descriptor);
    for (const program of this.#programs.values()) if (program) libpcap().pcap_freecode(program);
    this.#programs.clear();
    pool.push(this.#memory, this.#pollRequest);
  }

  async #readable(): Promise<boolean> {
    // struct pollfd: descriptor, wanted events, events that came.
    const request = new DataView(this.#pollRequest.bytes.buffer, 0, 8);
    request.setInt32(0, this.#descriptor, true);
    request.setInt16(4, POLLIN, true);
    request.setInt16(6, 0, true);
    const poll = this.#libc.poll(this.#pollRequest.pointer, 1n, POLL_TIMEOUT);
    this.#reading = poll;
    return await poll > 0;
  }

  #read(): Promise<bigint> {
    const read = this.#libc.read(this.#descriptor, this.#memory.pointer, BigInt(CHUNK_SIZE));
    this.#reading = read;
    return read;
  }

  #deliver(length: number, handler: FrameHandler): number {
    let frames = 0;
    const status = this.#reader.push(
      this.#memory.bytes.subarray(0, length),
      (bytes, start, end, wireLength, time, linkType) => {
        if (this.#remaining <= 0 || !this.#matches(bytes, start, end, wireLength, linkType)) return;
        this.#remaining--;
        frames++;
        handler(bytes, start, end, wireLength, time, linkType);
      },
    );
    this.#check(status);
    return frames;
  }

  #check(status: SavefileStatus): void {
    if (status.kind !== "invalid") return;
    this.#failure = new CaptureError("file", this.#name, `${this.#name}: ${status.problem}`);
  }

  #matches(bytes: Uint8Array, start: number, end: number, wireLength: number, linkType: number): boolean {
    if (!this.#programs.has(linkType)) this.#programs.set(linkType, this.#compile(linkType));
    const program = this.#programs.get(linkType);
    if (!program) return true;
    if (end === start) return false;
    this.#header.setUint32(16, end - start, true);
    this.#header.setUint32(20, wireLength, true);
    const frame = bytes.subarray(start, end) as Uint8Array<ArrayBuffer>;
    return libpcap().pcap_offline_filter(program, this.#headerBytes, frame) !== 0;
  }

  /** The program for one link type, `undefined` for no filter. */
  #compile(linkType: number): FilterProgram | undefined {
    const { filter, ports } = this.#options;
    const expression = filter ?? (ports ? defaultFilter(ports, linkType) : "");
    if (expression === "") return undefined;
    this.#filter ||= expression;
    const pcap = libpcap();
    const handle = pcap.pcap_open_dead(dataLinkType(linkType), this.#reader.snaplen || 262_144);
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

/** `O_RDWR`, the same on Linux and macOS. */
const O_RDWR = 2;

/**
 * Takes standard input for a capture that comes through it and, where there is a terminal, puts the terminal in its
 * place, so that keys can be read. Returns the descriptor to read the capture from.
 */
export function takeStandardInput(): number {
  const c = libc();
  const descriptor = c.dup(0);
  const terminal = c.open(new TextEncoder().encode("/dev/tty\0"), O_RDWR);
  if (terminal >= 0) {
    c.dup2(terminal, 0);
    c.close(terminal);
  }
  return descriptor < 0 ? 0 : descriptor;
}
