/**
 * HTTP/1.x message heads (RFC 9112 sections 2 to 6): the start line and those header fields that matter here,
 * as offsets into the bytes they were read from.
 *
 * @module
 */

import { findLineFeed as lineFeedIn, viewOf } from "../bytes.ts";

/** What bytes at the start of a message may be. */
export const StartKind = { unknown: 0, request: 1, response: 2, partial: 3 } as const;
export type StartKind = typeof StartKind[keyof typeof StartKind];

/** Results of {@link Head.parse} other than an offset. */
export const PARTIAL = -1;
export const INVALID = -2;

/** Values of {@link Head.contentLength} when the field does not tell the length. */
export const NO_LENGTH = -1;
export const BAD_LENGTH = -2;

const CR = 13, LF = 10, SPACE = 32, TAB = 9, COLON = 58, COMMA = 44, POINT = 46, ZERO = 48;
export const LONGEST_METHOD = 24;
/** "HTTP/" */
const PROTOCOL = [0x48, 0x54, 0x54, 0x50, 0x2f] as const;
/** "HTTP/1.1" */
const VERSION_LENGTH = 8;
/** What SHOUTcast servers write for `HTTP/1.0`. */
const ICY = [0x49, 0x43, 0x59] as const;
/** "GET /" */
const SIMPLE_REQUEST = [0x47, 0x45, 0x54, 0x20, 0x2f] as const;

/** One parsed head. Reused; offsets are into the bytes last parsed, -1 where a field is absent. */
export class Head {
  isRequest = false;
  /** True for a request of HTTP/0.9, which has no version and no fields. */
  isSimple = false;
  /** False when not even the start line was whole and valid. */
  hasStartLine = false;
  /** True when fields go on over several lines: they are read whole from what {@link unfold} makes of the head. */
  hasFolds = false;
  /** The digit after `HTTP/1.` of a request: clients take any version of a response. */
  minorVersion = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  status = 0;
  hostStart = -1;
  hostEnd = -1;
  typeStart = -1;
  typeEnd = -1;
  agentStart = -1;
  agentEnd = -1;
  refererStart = -1;
  refererEnd = -1;
  upgradeStart = -1;
  upgradeEnd = -1;
  /** A number of bytes, {@link NO_LENGTH} or {@link BAD_LENGTH}. */
  contentLength = NO_LENGTH;
  hasTransferEncoding = false;
  /** True when the last transfer coding is `chunked`. */
  chunked = false;

  /**
   * Parses the head that begins at `start`.
   *
   * @returns the offset behind its blank line, {@link PARTIAL} when it does not end before `end`, or
   * {@link INVALID} when it is not a head of HTTP/1.
   */
  parse(bytes: Uint8Array, start: number, end: number): number {
    let lineEnd = findLineFeed(bytes, start, end);
    this.hasStartLine = lineEnd >= 0 && this.#startLine(bytes, start, beforeCr(bytes, start, lineEnd));
    if (lineEnd < 0) return PARTIAL;
    if (!this.hasStartLine) return INVALID;
    this.isSimple = false;
    this.#clearFields();
    for (;;) {
      const line = lineEnd + 1;
      if (line >= end) return PARTIAL;
      const first = bytes[line]!;
      if (first === LF) return line + 1;
      if (first === CR && line + 1 < end && bytes[line + 1] === LF) return line + 2;
      lineEnd = findLineFeed(bytes, line, end);
      if (lineEnd < 0) return PARTIAL;
      this.#field(bytes, line, beforeCr(bytes, line, lineEnd), first);
    }
  }

  /**
   * Parses a request of HTTP/0.9 (RFC 1945 section 4.1): `GET /path` alone, with nothing behind it but empty lines.
   *
   * @returns the offset behind its line, or {@link INVALID}.
   */
  parseSimple(bytes: Uint8Array, start: number, end: number): number {
    if (!startsWith(bytes, start, end, SIMPLE_REQUEST)) return INVALID;
    let target = start + SIMPLE_REQUEST.length;
    while (target < end && bytes[target]! > SPACE) target++;
    let behind = target;
    while (behind < end && (bytes[behind] === CR || bytes[behind] === LF)) behind++;
    const lineFeed = bytes[target] === CR ? target + 1 : target;
    if (behind < end || lineFeed >= end || bytes[lineFeed] !== LF) return INVALID;
    this.isRequest = true;
    this.isSimple = true;
    this.methodStart = start;
    this.methodEnd = start + 3;
    this.targetStart = start + 4;
    this.targetEnd = target;
    this.#clearFields();
    return lineFeed + 1;
  }

  /** True when the `Upgrade` field names `protocol`, given in lower case. */
  upgradesTo(bytes: Uint8Array, protocol: Uint8Array): boolean {
    return this.upgradeStart >= 0 && this.upgradeEnd - this.upgradeStart === protocol.length &&
      isWord(bytes, this.upgradeStart, protocol);
  }

  #clearFields(): void {
    this.hostStart = -1;
    this.typeStart = -1;
    this.agentStart = -1;
    this.refererStart = -1;
    this.upgradeStart = -1;
    this.contentLength = NO_LENGTH;
    this.hasTransferEncoding = false;
    this.chunked = false;
    this.hasFolds = false;
  }

  #startLine(bytes: Uint8Array, start: number, end: number): boolean {
    if (startsWith(bytes, start, end, PROTOCOL)) {
      this.isRequest = false;
      return this.#statusLine(bytes, versionEnd(bytes, start + PROTOCOL.length, end), end);
    }
    if (startsWith(bytes, start, end, ICY) && this.#statusLine(bytes, start + ICY.length, end)) {
      this.isRequest = false;
      return true;
    }
    this.isRequest = true;
    return this.#requestLine(bytes, start, end);
  }

  /** The rest of `HTTP/1.1 200 OK` behind the version: the reason is not looked at, even where no space is before it. */
  #statusLine(bytes: Uint8Array, start: number, end: number): boolean {
    let digits = start;
    while (digits < end && bytes[digits] === SPACE) digits++;
    const behind = digits + 3;
    if (digits === start || end < behind || (end > behind && isDigit(bytes[behind]!))) return false;
    const status = decimal(bytes, digits, behind);
    if (status < 100) return false;
    this.status = status;
    return true;
  }

  /** `GET /path HTTP/1.1`: the method is up to the first space, the target, if there is one, between it and the version. */
  #requestLine(bytes: Uint8Array, start: number, end: number): boolean {
    while (end > start && bytes[end - 1] === SPACE) end--;
    const version = end - VERSION_LENGTH;
    if (version <= start || bytes[version - 1] !== SPACE || !isProtocol(bytes, version, end)) return false;
    let at = start;
    while (at < version && isMethodByte(bytes[at]!, true)) at++;
    if (at === start || at - start > LONGEST_METHOD || bytes[at] !== SPACE) return false;
    let target = at + 1, targetEnd = version - 1;
    while (target < targetEnd && bytes[target] === SPACE) target++;
    while (targetEnd > target && bytes[targetEnd - 1] === SPACE) targetEnd--;
    this.methodStart = start;
    this.methodEnd = at;
    this.targetStart = target;
    this.targetEnd = Math.max(target, targetEnd);
    this.minorVersion = bytes[end - 1]! - 48;
    return true;
  }

  /**
   * Looks at the fields whose names begin like one that matters; `first` is the line's first byte. Names with a space
   * before the colon are not believed, as servers do not (RFC 9112 section 5.1).
   */
  #field(bytes: Uint8Array, start: number, end: number, first: number): void {
    switch (first | 0x20) {
      case 0x68: // h
        if (this.hostStart < 0 && isName(bytes, start, end, HOST)) {
          this.hostStart = valueStart(bytes, start + HOST.length + 1, end);
          this.hostEnd = valueEnd(bytes, this.hostStart, end);
        }
        break;
      case 0x63: // c
        if (isName(bytes, start, end, CONTENT_LENGTH)) {
          this.#length(bytes, valueStart(bytes, start + CONTENT_LENGTH.length + 1, end), end);
        } else if (this.typeStart < 0 && isName(bytes, start, end, CONTENT_TYPE)) {
          this.typeStart = valueStart(bytes, start + CONTENT_TYPE.length + 1, end);
          this.typeEnd = valueEnd(bytes, this.typeStart, end);
        }
        break;
      case 0x74: // t
        if (isName(bytes, start, end, TRANSFER_ENCODING)) {
          this.#coding(bytes, start + TRANSFER_ENCODING.length + 1, end);
        }
        break;
      case 0x75: // u
        if (this.agentStart < 0 && isName(bytes, start, end, USER_AGENT)) {
          this.agentStart = valueStart(bytes, start + USER_AGENT.length + 1, end);
          this.agentEnd = valueEnd(bytes, this.agentStart, end);
        } else if (this.upgradeStart < 0 && isName(bytes, start, end, UPGRADE)) {
          this.upgradeStart = valueStart(bytes, start + UPGRADE.length + 1, end);
          this.upgradeEnd = valueEnd(bytes, this.upgradeStart, end);
        }
        break;
      case SPACE: // a field that goes on
      case TAB | 0x20:
        this.hasFolds ||= first === SPACE || first === TAB;
        break;
      case 0x72: // r
        if (this.refererStart < 0 && isName(bytes, start, end, REFERER)) {
          this.refererStart = valueStart(bytes, start + REFERER.length + 1, end);
          this.refererEnd = valueEnd(bytes, this.refererStart, end);
        }
        break;
    }
  }

  /** Transfer-Encoding: `identity`, of older versions of HTTP, stands for none. */
  #coding(bytes: Uint8Array, start: number, end: number): void {
    const first = valueStart(bytes, start, end);
    let last = valueEnd(bytes, first, end);
    while (endsInWord(bytes, first, last, IDENTITY)) {
      last -= IDENTITY.length;
      while (last > first && isListSpace(bytes[last - 1]!)) last--;
      if (last === first) return;
    }
    this.hasTransferEncoding = true;
    this.chunked = endsInWord(bytes, first, last, CHUNKED);
  }

  /** Content-Length: digits, or the same digits several times in a list (RFC 9112 section 6.3). */
  #length(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at <= end;) {
      let itemEnd = at;
      while (itemEnd < end && bytes[itemEnd] !== COMMA) itemEnd++;
      const first = valueStart(bytes, at, itemEnd);
      const length = decimal(bytes, first, valueEnd(bytes, first, itemEnd));
      const agrees = this.contentLength === NO_LENGTH || this.contentLength === length;
      this.contentLength = length >= 0 && agrees ? length : BAD_LENGTH;
      at = itemEnd + 1;
    }
  }
}

/**
 * A copy of the head in `bytes[start, end)` with each field on one line (RFC 9112 section 5.2): the line break before
 * a line that begins with white space becomes spaces. A field's line never becomes part of the start line.
 */
export function unfold(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const head = bytes.slice(start, end);
  let lineFeed = findLineFeed(head, 0, head.length);
  while ((lineFeed = findLineFeed(head, lineFeed + 1, head.length)) >= 0) {
    const next = head[lineFeed + 1];
    if (next === SPACE || next === TAB) head.fill(SPACE, beforeCr(head, 0, lineFeed), lineFeed + 1);
  }
  return head;
}

/**
 * What the bytes at `start` may begin. `partial` means that they are the beginning of a possible start line
 * and too short to tell. Where no message need begin, methods are not believed in lower case.
 */
export function startKind(bytes: Uint8Array, start: number, end: number, expected: boolean): StartKind {
  let matching = 0;
  while (
    matching < PROTOCOL.length && start + matching < end && bytes[start + matching] === PROTOCOL[matching]
  ) {
    matching++;
  }
  if (matching === PROTOCOL.length) return StartKind.response;
  if (start + matching === end) return StartKind.partial;
  let at = start;
  const methodLimit = Math.min(end, start + LONGEST_METHOD + 1);
  while (at < methodLimit && isMethodByte(bytes[at]!, expected)) at++;
  if (at === end) return at - start <= LONGEST_METHOD ? StartKind.partial : StartKind.unknown;
  if (at - start < 3 || bytes[at] !== SPACE) return StartKind.unknown;
  if (at + 1 === end) return StartKind.partial;
  return bytes[at + 1]! >= SPACE ? StartKind.request : StartKind.unknown;
}

/**
 * Finds where a head ends whose last byte is not before `from`; `start` is where the head begins.
 *
 * @returns the offset behind the blank line, or {@link PARTIAL}.
 */
export function findHeadEnd(bytes: Uint8Array, start: number, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    if (bytes[at] !== LF || at === start) continue;
    const before = bytes[at - 1] === CR ? at - 2 : at - 1;
    if (before >= start && bytes[before] === LF) return at + 1;
  }
  return PARTIAL;
}

/** The standard methods, QUERY, and those of WebDAV and UPnP. */
const USUAL_METHODS = new Set(
  ("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK " +
    "SEARCH REPORT MKCALENDAR ACL BIND UNBIND REBIND SUBSCRIBE UNSUBSCRIBE NOTIFY M-SEARCH PURGE").split(" "),
);

/** True for a method in general use: bytes that happen to have the shape of a request line have none. */
export function isUsualMethod(bytes: Uint8Array, start: number, end: number): boolean {
  return USUAL_METHODS.has(String.fromCharCode(...bytes.subarray(start, end)));
}

/** Those in use are upper case letters, with `-` and `_` in some of WebDAV's and UPnP's. */
function isMethodByte(byte: number, inAnyCase: boolean): boolean {
  return (inAnyCase && byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x2d ||
    byte === 0x5f;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** The end of the digits and points of a version. */
function versionEnd(bytes: Uint8Array, start: number, end: number): number {
  while (start < end && (isDigit(bytes[start]!) || bytes[start] === POINT)) start++;
  return start;
}

function startsWith(bytes: Uint8Array, start: number, end: number, letters: readonly number[]): boolean {
  if (end - start < letters.length) return false;
  for (let i = 0; i < letters.length; i++) {
    if (bytes[start + i] !== letters[i]) return false;
  }
  return true;
}

/** True when `HTTP/1.` and a digit stand at `start`. */
function isProtocol(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < VERSION_LENGTH || !startsWith(bytes, start, end, PROTOCOL)) return false;
  const minor = bytes[start + 7]!;
  return bytes[start + 5] === 0x31 && bytes[start + 6] === 0x2e && minor >= 48 && minor <= 57;
}

/** The offset of the first line feed, -1 when there is none. */
function findLineFeed(bytes: Uint8Array, start: number, end: number): number {
  const at = lineFeedIn(bytes, viewOf(bytes), start, end);
  return at < end ? at : -1;
}

function beforeCr(bytes: Uint8Array, start: number, lineEnd: number): number {
  return lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
}

/** Where a field's value begins and ends: without the white space around it. */
export function valueStart(bytes: Uint8Array, start: number, end: number): number {
  while (start < end && (bytes[start] === SPACE || bytes[start] === TAB)) start++;
  return start;
}

export function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
  return end;
}

/** The number that all bytes of a range spell, -1 when they do not or it is too large to be exact. */
function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  while (start < end && bytes[start] === ZERO) start++;
  if (end - start > 15) return -1;
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** Field names in lower case. */
const [
  HOST,
  CONTENT_LENGTH,
  CONTENT_TYPE,
  TRANSFER_ENCODING,
  USER_AGENT,
  REFERER,
  UPGRADE,
  CHUNKED,
  IDENTITY,
] = [
  "host",
  "content-length",
  "content-type",
  "transfer-encoding",
  "user-agent",
  "referer",
  "upgrade",
  "chunked",
  "identity",
].map((name) => new TextEncoder().encode(name)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** True when the line is the field `name`, in any case. */
function isName(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  return end - start > name.length && bytes[start + name.length] === COLON && isWord(bytes, start, name);
}

/** True when the letters of `word` stand at `start`, in any case. */
function isWord(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) {
    const letter = word[i]!;
    if (bytes[start + i] !== letter && (letter < 0x61 || bytes[start + i] !== letter - 0x20)) return false;
  }
  return true;
}

/** True when `word` is the last of a list that ends at `end`. */
function endsInWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  const last = end - word.length;
  return last >= start && isWord(bytes, last, word) && (last === start || isListSpace(bytes[last - 1]!));
}

function isListSpace(byte: number): boolean {
  return byte === COMMA || byte === SPACE || byte === TAB;
}
