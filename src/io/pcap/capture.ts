/**
 * Frames from libpcap, live or from a file. libpcap fills one batch on a thread of its own while the other
 * is being decoded: each `pcap_dispatch` is given libpcap's own `pcap_dump` as its callback, so JavaScript
 * is entered once a batch and not once a packet.
 *
 * @module
 */

import type {
  FilterOptions,
  FrameBatch,
  FrameSource,
  LiveOptions,
  SourceDrops,
  SourceInfo,
} from "../../app/ports.ts";
import { CaptureError } from "../../errors.ts";
import { normalLinkType } from "../../savefile.ts";
import { cString, fromCString, libc } from "../libc.ts";
import { Pauses } from "../pauses.ts";
import { BatchMemory, type RecordRun } from "./batch.ts";
import { openWithoutLibpcap } from "./descriptor.ts";
import { deviceNames, firstDevice } from "./devices.ts";
import { wantedFilter } from "./filter.ts";
import { compileFilter, lastError, libpcap, withErrorBuffer } from "./library.ts";
import { Status } from "./symbols.ts";

type Handle = NonNullable<Deno.PointerValue>;

/** How long the kernel may hold packets back to hand over many at once, in milliseconds. */
const READ_TIMEOUT = 100;

/** How often drops are asked for while packets come, in milliseconds: it is a system call or two. */
const DROPS_INTERVAL = 250;

/**
 * Opens a device.
 *
 * @throws {CaptureError} when the device cannot be opened or the filter does not compile.
 */
export function openLive(options: LiveOptions): FrameSource {
  const pcap = libpcap();
  const name = options.interface ?? firstDevice();
  const [handle, error] = withErrorBuffer((buffer) => pcap.pcap_create(cString(name), buffer));
  if (handle === null) throw new CaptureError("device", name, `${name}: ${error}`);
  try {
    pcap.pcap_set_snaplen(handle, options.snaplen);
    pcap.pcap_set_promisc(handle, options.promiscuous && name !== "any" ? 1 : 0);
    pcap.pcap_set_timeout(handle, READ_TIMEOUT);
    pcap.pcap_set_buffer_size(handle, options.bufferBytes);
    const status = pcap.pcap_activate(handle);
    if (status < 0) throw activationError(handle, name, status);
    return new PcapSource(handle, "interface", name, options);
  } catch (error) {
    pcap.pcap_close(handle);
    throw error;
  }
}

/**
 * Opens a savefile. libpcap filters pcap files; what is read whole, pipes and pcapng need no libpcap, and without it a file
 * is read several times as fast.
 *
 * @throws {CaptureError} when it cannot be opened, or the filter does not compile for a pcap file. What else is wrong with
 * it comes with the first frames.
 */
export function openFile(path: string, options: FilterOptions): FrameSource {
  const withoutLibpcap = openWithoutLibpcap(path, options);
  if (withoutLibpcap) return withoutLibpcap;
  const [handle, error] = withErrorBuffer((buffer) => libpcap().pcap_open_offline(cString(path), buffer));
  if (handle === null) throw new CaptureError("file", path, openingError(path, error));
  try {
    return new PcapSource(handle, "file", path, options);
  } catch (error) {
    libpcap().pcap_close(handle);
    throw error;
  }
}

class PcapSource implements FrameSource {
  readonly info: SourceInfo;
  readonly #pcap = libpcap();
  readonly #handle: Handle;
  readonly #linkType: number;
  readonly #batches: readonly [BatchMemory, BatchMemory];
  readonly #dumpers: readonly Deno.PointerValue[];
  readonly #capacity: number;
  /** Packets per call, adapted to their size so that a batch stays small enough for the processor's caches. */
  #packetsPerCall = 256;
  /** Which batch the read under way, or the next one, fills. */
  #next = 0;
  #reading: Promise<number> | undefined;
  #remaining: number;
  #stopped = false;
  #closed = false;
  #drops: SourceDrops = { kernel: 0, interface: 0 };
  #dropsReadAt = 0;
  readonly #pauses = new Pauses();

  constructor(handle: Handle, kind: "interface" | "file", name: string, options: FilterOptions) {
    this.#handle = handle;
    this.#linkType = normalLinkType(this.#pcap.pcap_datalink(handle));
    this.#remaining = options.count ?? Infinity;
    const filter = wantedFilter(options, this.#linkType);
    if (filter !== "") this.#setFilter(filter);
    this.info = { kind, name, filter, linkTypes: [this.#linkType] };

    const first = BatchMemory.acquire();
    const second = first && BatchMemory.acquire();
    if (!first || !second) {
      first?.release();
      throw new CaptureError("library", name, "there is no memory for the capture's buffers");
    }
    this.#batches = [first, second];
    this.#dumpers = this.#batches.map((batch) => batch.dumper(handle));
    this.#capacity = first.capacity(this.#pcap.pcap_snapshot(handle));
    if (this.#dumpers.includes(null) || this.#capacity < 1) {
      const why = this.#capacity < 1 ? "its packets may be too large" : lastError(handle);
      first.release();
      second.release();
      throw new CaptureError("file", name, `${name}: packets of this kind cannot be read: ${why}`);
    }
  }

  async next(): Promise<FrameBatch | undefined> {
    if (this.#pauses.isDue) await this.#pauses.take();
    // What a read under way brings is handed over even after a stop.
    while (this.#reading || (!this.#stopped && this.#remaining > 0)) {
      const filled = this.#next;
      const status = await (this.#reading ??= this.#read());
      this.#reading = undefined;
      if (this.#closed) return undefined;
      if (performance.now() - this.#dropsReadAt >= DROPS_INTERVAL) this.#readDrops();
      const run = this.#batches[filled]!.run(this.#linkType);
      if (status === Status.error) return this.#failAfter(run);
      // The end of a file or a stop, which may come in the middle of a batch; a device may also have timed out.
      if (status === Status.breakLoop || (status === 0 && this.info.kind === "file")) this.#stopped = true;
      if (run.end === 0) continue;
      if (status > 0) {
        this.#remaining -= status;
        this.#adapt(run.end, status);
      }
      this.#next = 1 - filled;
      if (!this.#stopped && this.#remaining > 0) this.#reading = this.#read();
      return run;
    }
    if (!this.#closed) this.#readDrops();
    return undefined;
  }

  drops(): SourceDrops {
    return this.#drops;
  }

  stop(): void {
    this.#stopped = true;
    if (!this.#closed) this.#pcap.pcap_breakloop(this.#handle);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.stop();
    await this.#reading;
    this.#closed = true;
    // pcap_dump_close would close the streams, so the dumpers, which are these streams, are just let go.
    this.#pcap.pcap_close(this.#handle);
    for (const batch of this.#batches) batch.release();
  }

  #setFilter(expression: string): void {
    const program = compileFilter(this.#handle, expression);
    const status = this.#pcap.pcap_setfilter(this.#handle, program);
    this.#pcap.pcap_freecode(program);
    if (status !== 0) {
      throw new CaptureError("filter", expression, `filter "${expression}": ${lastError(this.#handle)}`);
    }
  }

  #read(): Promise<number> {
    this.#batches[this.#next]!.rewind();
    const count = Math.min(this.#packetsPerCall, this.#remaining);
    return this.#pcap.pcap_dispatch(
      this.#handle,
      count,
      this.#pcap.pcap_dump as unknown as Handle,
      this.#dumpers[this.#next]!,
    );
  }

  /** Aims at batches of a few MiB: large enough to be few, small enough for the caches. */
  #adapt(bytes: number, packets: number): void {
    const wanted = Math.max(16, Math.floor(4 * 2 ** 20 / (bytes / packets)));
    this.#packetsPerCall = Math.min(this.#capacity, wanted, this.#packetsPerCall * 2);
  }

  /** Delivers what came before a reading error; the error itself comes with the next call. */
  #failAfter(run: RecordRun): FrameBatch | undefined {
    const error = this.#readingError();
    if (run.end === 0) {
      this.#stopped = true;
      throw error;
    }
    this.#reading = Promise.resolve(Status.error);
    this.#next = 1 - this.#next;
    this.#batches[this.#next]!.rewind();
    return run;
  }

  #readingError(): CaptureError {
    const { kind, name } = this.info;
    const words = lastError(this.#handle);
    if (kind === "interface") return new CaptureError("device", name, `${name}: ${words}`);
    const at = libc().ftell(this.#pcap.pcap_file(this.#handle));
    return new CaptureError("file", name, `${name}: cut or damaged at byte ${at}: ${words}`);
  }

  /** Asks for the drops; not while a read is under way. */
  #readDrops(): void {
    if (this.info.kind !== "interface") return;
    this.#dropsReadAt = performance.now();
    // struct pcap_stat: received, dropped by the kernel, dropped by the interface.
    const stat = new Uint32Array(3);
    if (this.#pcap.pcap_stats(this.#handle, new Uint8Array(stat.buffer)) === 0) {
      this.#drops = { kernel: stat[1]!, interface: stat[2]! };
    }
  }
}

function activationError(handle: Handle, name: string, status: number): CaptureError {
  const detail = lastError(handle) || fromCString(libpcap().pcap_statustostr(status));
  switch (status) {
    case Status.permissionDenied:
    case Status.promiscuousPermissionDenied: {
      // Capabilities belong to a file: only to a program of its own can they be given.
      const or = Deno.build.standalone
        ? `, or once: sudo setcap cap_net_raw,cap_net_admin=ep ${Deno.execPath()}`
        : "";
      return new CaptureError("permission", name, `${name}: no permission to capture: run it with sudo${or}`);
    }
    case Status.noSuchDevice: {
      const names = deviceNames();
      return new CaptureError("device", name, `${name}: no such device; there are: ${names.join(", ")}`);
    }
    case Status.interfaceNotUp:
      return new CaptureError("device", name, `${name}: the device is down; bring it up first`);
    default:
      return new CaptureError("device", name, `${name}: ${detail}`);
  }
}

/** Says what is wrong with a file, where libpcap's words, which name it in some cases only, are no help. */
function openingError(path: string, error: string): string {
  if (error.includes("only got 0")) return `${path}: empty file`;
  if (error.includes("unknown file format")) {
    return `${path}: not a capture file: neither pcap nor pcapng at byte 0; if it is compressed, unzip it first`;
  }
  return error.startsWith(path) ? error : `${path}: ${error}`;
}
