/**
 * Savefiles for tests: frames to pcap and pcapng bytes in every form of the two formats, and single pcapng
 * blocks, right or wrong.
 *
 * @module
 */

import { concat, type Frame, LINK_TYPES } from "./frames.ts";

/** Integers of `bits` bits, one after the other, in the byte order given. */
function fields(littleEndian: boolean, ...values: readonly [bits: 16 | 32, value: number][]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((length, [bits]) => length + bits / 8, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const [bits, value] of values) {
    if (bits === 16) view.setUint16(offset, value, littleEndian);
    else view.setUint32(offset, value, littleEndian);
    offset += bits / 8;
  }
  return bytes;
}

/** How a pcap file is written. */
export interface PcapOptions {
  /** True unless said. */
  littleEndian?: boolean;
  /** Nanosecond format. Fractions of a frame's microsecond are kept. */
  nanoseconds?: boolean;
  /** Kuznetzov's format, with 24 bytes of header a record. */
  modified?: boolean;
  snaplen?: number;
  version?: readonly [major: number, minor: number];
  /** The whole field of the link type, with its upper bits; that of the first frame unless said. */
  linkTypeField?: number;
}

/** A pcap file of `frames`. */
export function pcapFile(frames: readonly Frame[], options: PcapOptions = {}): Uint8Array<ArrayBuffer> {
  const littleEndian = options.littleEndian ?? true;
  const [major, minor] = options.version ?? [2, 4];
  const header = fields(
    littleEndian,
    [32, options.nanoseconds ? 0xa1b23c4d : options.modified ? 0xa1b2cd34 : 0xa1b2c3d4],
    [16, major],
    [16, minor],
    [32, 0],
    [32, 0],
    [32, options.snaplen ?? 262144],
    [32, options.linkTypeField ?? frames[0]?.linkType ?? LINK_TYPES.ethernet],
  );
  return concat(header, ...frames.map((frame) => pcapRecord(frame, options)));
}

/** One record of a pcap file. */
export function pcapRecord(frame: Frame, options: PcapOptions = {}): Uint8Array<ArrayBuffer> {
  const fraction = frame.time % 1e6;
  const header = fields(
    options.littleEndian ?? true,
    [32, Math.floor(frame.time / 1e6)],
    [32, Math.floor(options.nanoseconds ? fraction * 1000 : fraction)],
    [32, frame.bytes.length],
    [32, frame.wireLength],
  );
  return concat(header, new Uint8Array(options.modified ? 8 : 0), frame.bytes);
}

/** A pcapng option: its code and value. */
export type PcapngOption = readonly [code: number, value: Uint8Array];

/** An interface of a pcapng section. */
export interface PcapngInterface {
  linkType: number;
  /** 0, no limit, unless said. */
  snaplen?: number;
  /** The byte of if_tsresol: n is 10^-n seconds, 0x80 + n is 2^-n. Microseconds, without the option, unless said. */
  resolution?: number;
  /** if_tsoffset in seconds. */
  timeOffset?: number;
  /** Further options, written first. */
  options?: readonly PcapngOption[];
}

/** Writes pcapng blocks in one byte order, knowing the interfaces of the section so far. */
export class PcapngBuilder {
  readonly #littleEndian: boolean;
  readonly #parts: Uint8Array[] = [];
  #interfaces: PcapngInterface[] = [];

  constructor(options: { littleEndian?: boolean } = {}) {
    this.#littleEndian = options.littleEndian ?? true;
  }

  /** All blocks so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return concat(...this.#parts);
  }

  /** Any block. `body` is padded to 4 bytes; the two lengths are right unless said. */
  block(type: number, body: Uint8Array, lengths: { start?: number; end?: number } = {}): this {
    const padding = new Uint8Array((4 - body.length % 4) % 4);
    const length = 12 + body.length + padding.length;
    this.#parts.push(
      fields(this.#littleEndian, [32, type], [32, lengths.start ?? length]),
      body,
      padding,
      fields(this.#littleEndian, [32, lengths.end ?? length]),
    );
    return this;
  }

  /** A section header block; the interfaces start anew. */
  section(options: { major?: number; options?: readonly PcapngOption[] } = {}): this {
    this.#interfaces = [];
    const header = fields(
      this.#littleEndian,
      [32, 0x1a2b3c4d],
      [16, options.major ?? 1],
      [16, 0],
      [32, 0xffffffff],
      [32, 0xffffffff],
    );
    return this.block(0x0a0d0d0a, concat(header, this.#options(options.options ?? [])));
  }

  /** An interface description block. */
  interface(description: PcapngInterface): this {
    this.#interfaces.push(description);
    const options: PcapngOption[] = [...description.options ?? []];
    if (description.resolution !== undefined) options.push([9, Uint8Array.of(description.resolution)]);
    if (description.timeOffset !== undefined) {
      const value = new Uint8Array(8);
      new DataView(value.buffer).setBigInt64(0, BigInt(description.timeOffset), this.#littleEndian);
      options.push([14, value]);
    }
    const header = fields(
      this.#littleEndian,
      [16, description.linkType],
      [16, 0],
      [32, description.snaplen ?? 0],
    );
    return this.block(1, concat(header, this.#options(options)));
  }

  /** An enhanced packet block. */
  packet(frame: Frame, options: { interfaceId?: number; options?: readonly PcapngOption[] } = {}): this {
    const interfaceId = options.interfaceId ?? 0;
    return this.#packet(6, [[32, interfaceId]], interfaceId, frame, options.options ?? []);
  }

  /** An obsolete packet block. */
  obsoletePacket(frame: Frame, interfaceId = 0): this {
    const dropsUnknown = 0xffff;
    return this.#packet(2, [[16, interfaceId], [16, dropsUnknown]], interfaceId, frame, []);
  }

  /** A simple packet block. */
  simplePacket(frame: Frame): this {
    return this.block(3, concat(fields(this.#littleEndian, [32, frame.wireLength]), frame.bytes));
  }

  #packet(
    type: number,
    source: readonly [16 | 32, number][],
    interfaceId: number,
    frame: Frame,
    options: readonly PcapngOption[],
  ): this {
    const { resolution = 6, timeOffset = 0 } = this.#interfaces[interfaceId] ?? {};
    const perSecond = resolution & 0x80 ? 2n ** BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);
    // Through eighths of a microsecond: whole numbers stay exact, and so do halves. Rounded up, so that
    // rounding down gives back the time also where the resolution does not divide a microsecond.
    const eighths = BigInt(Math.round((frame.time - timeOffset * 1e6) * 8));
    const ticks = (eighths * perSecond + 7_999_999n) / 8_000_000n;
    const header = fields(
      this.#littleEndian,
      ...source,
      [32, Number(ticks >> 32n)],
      [32, Number(ticks & 0xffff_ffffn)],
      [32, frame.bytes.length],
      [32, frame.wireLength],
    );
    const padding = new Uint8Array((4 - frame.bytes.length % 4) % 4);
    return this.block(type, concat(header, frame.bytes, padding, this.#options(options)));
  }

  #options(options: readonly PcapngOption[]): Uint8Array {
    if (options.length === 0) return new Uint8Array(0);
    const parts = options.map(([code, value]) =>
      concat(
        fields(this.#littleEndian, [16, code], [16, value.length]),
        value,
        new Uint8Array((4 - value.length % 4) % 4),
      )
    );
    return concat(...parts, new Uint8Array(4));
  }
}

/** A pcapng file of `frames`, with one interface for each link type among them. */
export function pcapngFile(
  frames: readonly Frame[],
  options: { littleEndian?: boolean; resolution?: number; timeOffset?: number } = {},
): Uint8Array<ArrayBuffer> {
  const linkTypes = [...new Set(frames.map(({ linkType }) => linkType))];
  const { littleEndian = true, ...description } = options;
  const builder = new PcapngBuilder({ littleEndian }).section();
  for (const linkType of linkTypes) builder.interface({ linkType, ...description });
  for (const frame of frames) builder.packet(frame, { interfaceId: linkTypes.indexOf(frame.linkType) });
  return builder.bytes;
}
