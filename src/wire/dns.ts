/**
 * DNS messages (RFC 1035 section 4), as UDP datagrams hold them and TCP streams behind a length: the header, the first question, and
 * the answers as far as they lead to addresses. Multicast DNS (RFC 6762) and LLMNR (RFC 4795) use the same format.
 *
 * @module
 */

import { ByteCache, formatAddress, text, u16 } from "../bytes.ts";

/** Types of questions and records (RFC 1035 section 3.2.2, RFC 3596, RFC 9460). */
export const DnsType = { a: 1, cname: 5, aaaa: 28, svcb: 64, https: 65 } as const;

/** A record of the answer section. */
export interface DnsAnswer {
  /** Whose record it is, written as {@link DnsMessage.name}. */
  readonly name: string;
  readonly type: number;
  /** The name that a CNAME, SVCB or HTTPS record leads to, when it is another one. */
  readonly target: string | undefined;
  /** What an A or AAAA record holds, and what SVCB and HTTPS records hint at. */
  readonly addresses: readonly string[];
}

/** Where the answers lead from a name. */
export interface DnsResolution {
  /** The last of the chain of CNAME records, or the name itself. */
  readonly canonicalName: string;
  readonly addresses: readonly string[];
}

const HEADER = 12;
/** Behind the name: of a question type and class; of a record type, class, time to live and length. */
const QUESTION_FIXED = 4, RECORD_FIXED = 10;
/** DNS Stateful Operations (RFC 8490) is the last opcode that is assigned. */
const LAST_OPCODE = 6;
const INTERNET = 1;
/** The uppermost bit of a class asks for unicast, or flushes a cache, in multicast DNS (RFC 6762 section 18.12). */
const CLASS = 0x7fff;

/** What more there is in a message than this is left unread: records, and addresses. */
const MOST_RECORDS = 256, MOST_ADDRESSES = 256;
/** Longer chains of names are not followed; resolvers give up sooner. */
const MOST_NAMES = 16;
/** Pointers in one name, and octets of it on the wire (RFC 1035 section 2.3.4), its last, empty label not counted. */
const MOST_POINTERS = 128, MOST_OCTETS = 254;
const POINTER = 0xc0, POINTER_OFFSET = 0x3fff;

const NONE: readonly never[] = [];

/**
 * A DNS message. One instance is reused: {@link read} gives it another. All values are its own, none refers to the bytes read.
 *
 * Names are in lower case, without the final dot; the root is `""`. Bytes of a label that are no printable ASCII, dots,
 * backslashes and spaces are written `\DDD`, as in zone files (RFC 1035 section 5.1).
 */
export class DnsMessage {
  id = 0;
  isResponse = false;
  opcode = 0;
  rcode = 0;
  /** The TC bit: the whole message did not fit, and is to be had over TCP. */
  isTruncated = false;
  /** How many questions and answers there are by the header. */
  questionCount = 0;
  answerCount = 0;
  /** The first question. `""` and 0 when there is none, as in the responses of multicast DNS. */
  name = "";
  type = 0;
  class = 0;
  /** The answers of class IN, of responses alone, 256 at most. The list is filled anew by each {@link read}. */
  readonly answers: DnsAnswer[] = [];
  /** True when not all answers could be read: cut by the capture, malformed, or too many. */
  isPartial = false;

  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** The name that was read last. */
  #lastName = "";
  #addressCount = 0;
  readonly #names = new ByteCache(text, 1024);
  readonly #letters = new Uint8Array(4 * (MOST_OCTETS + 1));

  /**
   * Reads the message `bytes[start, end)`.
   *
   * @returns false when it is no DNS message, or is cut before the end of its first question. When answers alone are cut it is true,
   *   and so is {@link isPartial}.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.#clear();
    if (end - start < HEADER) return false;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    const flags = u16(bytes, start + 2);
    this.id = u16(bytes, start);
    this.isResponse = (flags & 0x8000) !== 0;
    this.opcode = (flags >> 11) & 0x0f;
    this.isTruncated = (flags & 0x0200) !== 0;
    this.rcode = flags & 0x0f;
    this.questionCount = u16(bytes, start + 4);
    this.answerCount = u16(bytes, start + 6);
    if (this.opcode > LAST_OPCODE) return false;
    const answers = this.#readQuestions();
    if (answers < 0) return false;
    if (this.isResponse) this.isPartial = !this.#readAnswers(answers);
    return true;
  }

  /** Follows the answers from a name, as the question's, in whatever order they are. */
  follow(name: string): DnsResolution {
    const names = [name];
    const addresses = new Set<string>();
    let canonicalName = name;
    for (const current of names) {
      for (const answer of this.answers) {
        if (answer.name !== current) continue;
        for (const address of answer.addresses) addresses.add(address);
        const { target } = answer;
        if (target === undefined || names.length === MOST_NAMES || names.includes(target)) continue;
        names.push(target);
        if (answer.type === DnsType.cname) canonicalName = target;
      }
    }
    return { canonicalName, addresses: [...addresses] };
  }

  #clear(): void {
    this.id = 0;
    this.isResponse = false;
    this.opcode = 0;
    this.rcode = 0;
    this.isTruncated = false;
    this.questionCount = 0;
    this.answerCount = 0;
    this.name = "";
    this.type = 0;
    this.class = 0;
    this.answers.length = 0;
    this.isPartial = false;
    this.#addressCount = 0;
  }

  /** Reads the first question. Returns where the answers begin; -1 when the first question is not whole. */
  #readQuestions(): number {
    const bytes = this.#bytes, end = this.#end;
    let at = this.#start + HEADER;
    if (this.questionCount === 0) return at;
    at = this.#readName(at);
    if (at < 0 || end - at < QUESTION_FIXED) return -1;
    this.name = this.#lastName;
    this.type = u16(bytes, at);
    this.class = u16(bytes, at + 2) & CLASS;
    at += QUESTION_FIXED;
    for (let questions = 1; questions < this.questionCount && at <= end; questions++) {
      at = this.#skipName(at) + QUESTION_FIXED;
    }
    return at;
  }

  /** Reads the answers. Returns whether all could be read. */
  #readAnswers(start: number): boolean {
    const bytes = this.#bytes, end = this.#end;
    let at = start;
    for (let records = 0; records < this.answerCount; records++) {
      at = this.#readName(at);
      if (records === MOST_RECORDS || at < 0 || end - at < RECORD_FIXED) return false;
      const data = at + RECORD_FIXED, dataEnd = data + u16(bytes, at + 8);
      if (dataEnd > end) return false;
      const isInternet = (u16(bytes, at + 2) & CLASS) === INTERNET;
      if (isInternet) this.#readData(this.#lastName, u16(bytes, at), data, dataEnd);
      at = dataEnd;
    }
    return true;
  }

  /** Adds a record. What its data has that makes no sense is left out. */
  #readData(name: string, type: number, start: number, end: number): void {
    let target: string | undefined;
    let addresses: readonly string[] = NONE;
    switch (type) {
      case DnsType.a:
        if (end - start === 4) addresses = this.#readAddresses(start, end, 4);
        break;
      case DnsType.aaaa:
        if (end - start === 16) addresses = this.#readAddresses(start, end, 16);
        break;
      case DnsType.cname:
        target = this.#readTarget(start, end);
        break;
      case DnsType.svcb:
      case DnsType.https:
        target = this.#readTarget(start + 2, end);
        addresses = this.#readHints(start, end);
        break;
    }
    this.answers.push({ name, type, target: target === name ? undefined : target, addresses });
  }

  /** Reads the name that a record leads to. The root stands for the record's own name in SVCB and HTTPS. */
  #readTarget(at: number, end: number): string | undefined {
    const behind = this.#readName(at);
    return behind < 0 || behind > end || this.#lastName === "" ? undefined : this.#lastName;
  }

  /** Hints of an SVCB or HTTPS record (RFC 9460 section 7.3), behind its priority and target. An alias, of priority 0, has none. */
  #readHints(start: number, end: number): readonly string[] {
    const PARAMETER = 4, IPV4_HINT = 4, IPV6_HINT = 6;
    const bytes = this.#bytes;
    if (end - start < 2 || u16(bytes, start) === 0) return NONE;
    const hints: string[] = [];
    let at = this.#skipName(start + 2);
    while (end - at >= PARAMETER) {
      const key = u16(bytes, at), value = at + PARAMETER, valueEnd = value + u16(bytes, at + 2);
      if (valueEnd > end) break;
      if (key === IPV4_HINT) hints.push(...this.#readAddresses(value, valueEnd, 4));
      if (key === IPV6_HINT) hints.push(...this.#readAddresses(value, valueEnd, 16));
      at = valueEnd;
    }
    return hints;
  }

  /** Addresses that fill a byte range. */
  #readAddresses(start: number, end: number, length: 4 | 16): readonly string[] {
    if ((end - start) % length !== 0) return NONE;
    const addresses: string[] = [];
    for (let at = start; at < end && this.#addressCount < MOST_ADDRESSES; at += length) {
      addresses.push(formatAddress(this.#bytes, at, length));
      this.#addressCount++;
    }
    return addresses;
  }

  /**
   * Reads the name at `at` into `#lastName` (RFC 1035 section 4.1.4). Pointers lead backwards alone, so that none is
   * followed twice.
   *
   * @returns where what follows the name begins, -1 when there is no whole name.
   */
  #readName(at: number): number {
    const bytes = this.#bytes, end = this.#end, letters = this.#letters;
    let behind = -1, length = 0, octets = 0, pointers = 0;
    let labels = at;
    for (let label = at; label < end;) {
      const size = bytes[label]!;
      if (size === 0) {
        this.#lastName = this.#names.get(letters, 0, length);
        return behind < 0 ? label + 1 : behind;
      }
      if (size >= POINTER) {
        if (label + 1 >= end) return -1;
        if (behind < 0) behind = label + 2;
        const target = this.#start + (u16(bytes, label) & POINTER_OFFSET);
        if (target >= labels || target < this.#start + HEADER || ++pointers > MOST_POINTERS) return -1;
        label = labels = target;
        continue;
      }
      octets += size + 1;
      const labelEnd = label + 1 + size;
      // Between the sizes of labels and pointers are kinds that were never used.
      if (size >= 0x40 || octets > MOST_OCTETS || labelEnd > end) return -1;
      if (length > 0) letters[length++] = DOT;
      for (let i = label + 1; i < labelEnd; i++) length = writeLetter(letters, length, bytes[i]!);
      label = labelEnd;
    }
    return -1;
  }

  /** Where what follows the name at `at` begins, behind the end when there is no whole name. */
  #skipName(at: number): number {
    for (let label = at; label < this.#end;) {
      const size = this.#bytes[label]!;
      if (size === 0) return label + 1;
      if (size >= POINTER) return label + 2;
      label += size + 1;
    }
    return this.#end + 1;
  }
}

const DOT = 0x2e, BACKSLASH = 0x5c, ZERO = 0x30;

/** Writes a byte of a label, and returns where the next one goes. */
function writeLetter(letters: Uint8Array, at: number, byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) {
    letters[at] = byte | 0x20;
    return at + 1;
  }
  if (byte > 0x20 && byte < 0x7f && byte !== DOT && byte !== BACKSLASH) {
    letters[at] = byte;
    return at + 1;
  }
  letters[at] = BACKSLASH;
  letters[at + 1] = ZERO + Math.trunc(byte / 100);
  letters[at + 2] = ZERO + Math.trunc(byte / 10) % 10;
  letters[at + 3] = ZERO + byte % 10;
  return at + 4;
}
