/**
 * DNS messages for tests, made in code, with names compressed as servers do.
 *
 * ```ts
 * const question = dnsMessage({ id: 7, questions: [{ name: "a.test" }] });
 * const answer = dnsMessage({
 *   id: 7,
 *   isResponse: true,
 *   questions: [{ name: "a.test" }],
 *   answers: [cname("a.test", "b.test"), address("b.test", "10.0.0.2")],
 * });
 * const frame = ethernet(ipv4(udp(question, { destinationPort: 53 }), { protocol: PROTOCOLS.udp }));
 * ```
 *
 * @module
 */

import { addressBytes, concat } from "./frames.ts";

/** Types of records. */
export const DNS_TYPES = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  ptr: 12,
  txt: 16,
  aaaa: 28,
  srv: 33,
  opt: 41,
  svcb: 64,
  https: 65,
} as const;

/** A question; for A records of class IN unless said. */
export interface DnsQuestion {
  /** Labels separated by dots; `\\.` and `\\DDD` stand for such a byte within a label. */
  readonly name: string;
  readonly type?: number;
  readonly class?: number;
}

/** A record; a minute to live and of class IN unless said. */
export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly class?: number;
  readonly ttl?: number;
  /** What the record holds: bytes, or names that may be compressed, in order. */
  readonly data: readonly (Uint8Array | string)[];
}

export interface DnsMessageOptions {
  id?: number;
  isResponse?: boolean;
  opcode?: number;
  rcode?: number;
  /** The TC bit. */
  isTruncated?: boolean;
  questions?: readonly DnsQuestion[];
  answers?: readonly DnsRecord[];
  authorities?: readonly DnsRecord[];
  additional?: readonly DnsRecord[];
  /** False writes all names whole. */
  compress?: boolean;
}

/** A message (RFC 1035 section 4.1), as a UDP datagram has it. */
export function dnsMessage(options: DnsMessageOptions = {}): Uint8Array<ArrayBuffer> {
  const { questions = [], answers = [], authorities = [], additional = [] } = options;
  const flags = (options.isResponse ? 0x8000 : 0) | ((options.opcode ?? 0) << 11) |
    (options.isTruncated ? 0x0200 : 0) | 0x0100 | (options.rcode ?? 0);
  const writer = new MessageWriter(options.compress ?? true);
  const counts = [questions, answers, authorities, additional].map(({ length }) => length);
  for (const number of [options.id ?? 0, flags, ...counts]) writer.uint16(number);
  for (const question of questions) {
    writer.name(question.name);
    writer.uint16(question.type ?? DNS_TYPES.a);
    writer.uint16(question.class ?? 1);
  }
  for (const record of [...answers, ...authorities, ...additional]) writer.record(record);
  return Uint8Array.from(writer.bytes);
}

/** The same behind its length, as a TCP stream has it (RFC 1035 section 4.2.2). */
export function overTcp(message: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(message.length >> 8, message.length & 0xff), message);
}

/** An A or AAAA record, by the kind of address. */
export function address(name: string, value: string, options: Partial<DnsRecord> = {}): DnsRecord {
  const type = value.includes(":") ? DNS_TYPES.aaaa : DNS_TYPES.a;
  return { name, type, data: [addressBytes(value)], ...options };
}

/** A CNAME record. */
export function cname(name: string, target: string, options: Partial<DnsRecord> = {}): DnsRecord {
  return { name, type: DNS_TYPES.cname, data: [target], ...options };
}

/**
 * An HTTPS record (RFC 9460): an alias with priority 0, else a service at `target`, `.` being the owner's name, with hints at
 * its addresses.
 */
export function https(
  name: string,
  priority: number,
  target: string,
  hints: readonly string[] = [],
  options: Partial<DnsRecord> = {},
): DnsRecord {
  const v4 = hints.filter((hint) => !hint.includes(":")), v6 = hints.filter((hint) => hint.includes(":"));
  return {
    name,
    type: DNS_TYPES.https,
    data: [
      Uint8Array.of(priority >> 8, priority & 0xff),
      wireName(target === "." ? "" : target),
      serviceParameter(1, [2, 0x68, 0x32]),
      ...v4.length > 0 ? [serviceParameter(4, v4.flatMap((hint) => [...addressBytes(hint)]))] : [],
      ...v6.length > 0 ? [serviceParameter(6, v6.flatMap((hint) => [...addressBytes(hint)]))] : [],
    ],
    ...options,
  };
}

function serviceParameter(key: number, value: readonly number[]): Uint8Array {
  return Uint8Array.of(key >> 8, key & 0xff, value.length >> 8, value.length & 0xff, ...value);
}

/** A name without compression (RFC 1035 section 3.1). */
export function wireName(name: string): Uint8Array {
  return Uint8Array.from([...labelsOf(name).flatMap((label) => [label.length, ...label]), 0]);
}

/** The bytes of each label. */
function labelsOf(name: string): number[][] {
  if (name === "") return [];
  const labels: number[][] = [[]];
  for (const [, escaped, plain] of name.matchAll(/\\(\d{3}|.)|([^\\])/gu)) {
    if (plain === ".") labels.push([]);
    else if (plain !== undefined) labels.at(-1)!.push(...new TextEncoder().encode(plain));
    else if (escaped!.length === 3) labels.at(-1)!.push(Number(escaped));
    else labels.at(-1)!.push(escaped!.charCodeAt(0));
  }
  return labels;
}

class MessageWriter {
  readonly bytes: number[] = [];
  /** Where the endings of names stand. */
  readonly #endings = new Map<string, number>();

  constructor(readonly compress: boolean) {}

  uint16(value: number): void {
    this.bytes.push((value >> 8) & 0xff, value & 0xff);
  }

  name(name: string): void {
    const labels = labelsOf(name);
    for (let i = 0; i < labels.length; i++) {
      const ending = JSON.stringify(labels.slice(i));
      const known = this.#endings.get(ending);
      if (this.compress && known !== undefined) return this.uint16(0xc000 | known);
      if (this.bytes.length < 0x4000) this.#endings.set(ending, this.bytes.length);
      this.bytes.push(labels[i]!.length, ...labels[i]!);
    }
    this.bytes.push(0);
  }

  record(record: DnsRecord): void {
    const ttl = record.ttl ?? 60;
    this.name(record.name);
    this.uint16(record.type);
    this.uint16(record.class ?? 1);
    this.uint16(ttl >>> 16);
    this.uint16(ttl & 0xffff);
    const lengthAt = this.bytes.length;
    this.uint16(0);
    for (const part of record.data) {
      if (typeof part === "string") this.name(part);
      else for (const byte of part) this.bytes.push(byte);
    }
    const length = this.bytes.length - lengthAt - 2;
    this.bytes[lengthAt] = length >> 8;
    this.bytes[lengthAt + 1] = length & 0xff;
  }
}
