/**
 * Heads of the usual form, read in one pass: `METHOD /path HTTP/1.1` or `HTTP/1.1 200 OK`, lines that end with CR LF, no
 * folded fields, no transfer coding. {@link Head} reads all others, and would read these the same.
 *
 * @module
 */

import { findLineFeed } from "../bytes.ts";
import { LONGEST_METHOD, valueEnd, valueStart } from "./http1.ts";

const CR = 13, LF = 10, SPACE = 32, COLON = 58;
const SLASH = 0x2f, QUESTION = 0x3f, HASH = 0x23;
const LETTER_A = 0x41, LETTER_C = 0x43, LETTER_Z = 0x5a, DIGIT_0 = 0x30, DIGIT_1 = 0x31;
const LEAST_METHOD = 3;
/** More digits need more than an integer. */
const MOST_DIGITS = 9;

/** The head last read: offsets into its bytes, -1 where a field is absent. One at a time is enough. */
export class UsualHead {
  methodEnd = 0;
  /** The target begins one behind the method's end. Its section, its path and itself end here. */
  sectionEnd = 0;
  pathEnd = 0;
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
  contentLength = -1;
  /** Behind the blank line. */
  end = 0;

  /**
   * @param details False when media type, user agent and referrer are not wanted.
   */
  constructor(readonly details: boolean) {}

  /** Reads the request head at `start`. Returns false when it is not of the usual form, or not whole. */
  request(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    let at = start;
    while (at < end && bytes[at]! >= LETTER_A && bytes[at]! <= LETTER_Z) at++;
    const length = at - start;
    // The shortest of what may follow is `/ HTTP/1.1` and two line ends.
    if (length < LEAST_METHOD || length > LONGEST_METHOD || end - at < 15) return false;
    // CONNECT, whatever follows, asks for an authority.
    if (length === 7 && bytes[start] === LETTER_C) return false;
    if (bytes[at] !== SPACE || bytes[at + 1] !== SLASH) return false;
    this.methodEnd = at;
    // The path: behind its first slash up to a query, a fragment or the end.
    let section = 0;
    for (at += 2; at < end; at++) {
      const byte = bytes[at]!;
      if (byte <= SPACE || byte === QUESTION || byte === HASH) break;
      if (byte === SLASH && section === 0) section = at;
    }
    this.sectionEnd = section === 0 ? at : section;
    this.pathEnd = at;
    while (at < end && bytes[at]! > SPACE) at++;
    this.targetEnd = at;
    if (
      end - at < 13 || bytes[at] !== SPACE || !isProtocol(bytes, at + 1) || bytes[at + 8] !== DIGIT_1 ||
      bytes[at + 9] !== CR || bytes[at + 10] !== LF
    ) {
      return false;
    }
    return this.#fields(bytes, view, at + 11, end);
  }

  /** Reads the response head at `start`. Returns false when it is not of the usual form, or not whole. */
  response(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    if (end - start < 16 || !isProtocol(bytes, start) || bytes[start + 8] !== SPACE) return false;
    const minorVersion = bytes[start + 7]! - DIGIT_0;
    if (minorVersion < 0 || minorVersion > 9) return false;
    const hundreds = bytes[start + 9]! - DIGIT_0, tens = bytes[start + 10]! - DIGIT_0;
    const ones = bytes[start + 11]! - DIGIT_0;
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return false;
    const behind = bytes[start + 12];
    if (behind !== SPACE && behind !== CR) return false;
    this.status = hundreds * 100 + tens * 10 + ones;
    const lineFeed = findLineFeed(bytes, view, start + 12, end);
    return bytes[lineFeed - 1] === CR && this.#fields(bytes, view, lineFeed + 1, end);
  }

  /** Passes over the lines up to the blank one; only those whose first letter promises something are looked at. */
  #fields(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    this.hostStart = -1;
    this.typeStart = -1;
    this.agentStart = -1;
    this.refererStart = -1;
    this.contentLength = -1;
    let line = start;
    for (;;) {
      if (end - line < 2) return false;
      const first = bytes[line]!;
      if (first <= SPACE) {
        this.end = line + 2;
        return first === CR && bytes[line + 1] === LF;
      }
      const at = findLineFeed(bytes, view, line + 1, end);
      if (at === end || bytes[at - 1] !== CR) return false;
      switch (first | 0x20) {
        case 0x68: // h
          if (this.hostStart < 0 && isField(bytes, line, at, HOST)) {
            this.hostStart = valueStart(bytes, line + HOST.length, at - 1);
            this.hostEnd = valueEnd(bytes, this.hostStart, at - 1);
          }
          break;
        case 0x63: // c
          if (isField(bytes, line, at, CONTENT_LENGTH)) {
            if (!this.#length(bytes, line + CONTENT_LENGTH.length, at - 1)) return false;
          } else if (this.details && this.typeStart < 0 && isField(bytes, line, at, CONTENT_TYPE)) {
            this.typeStart = valueStart(bytes, line + CONTENT_TYPE.length, at - 1);
            this.typeEnd = valueEnd(bytes, this.typeStart, at - 1);
          }
          break;
        case 0x74: // t
          if (isField(bytes, line, at, TRANSFER_ENCODING)) return false;
          break;
        case 0x75: // u
          if (this.details && this.agentStart < 0 && isField(bytes, line, at, USER_AGENT)) {
            this.agentStart = valueStart(bytes, line + USER_AGENT.length, at - 1);
            this.agentEnd = valueEnd(bytes, this.agentStart, at - 1);
          }
          break;
        case 0x72: // r
          if (this.details && this.refererStart < 0 && isField(bytes, line, at, REFERER)) {
            this.refererStart = valueStart(bytes, line + REFERER.length, at - 1);
            this.refererEnd = valueEnd(bytes, this.refererStart, at - 1);
          }
          break;
      }
      line = at + 1;
    }
  }

  /** One number, given once. */
  #length(bytes: Uint8Array, start: number, end: number): boolean {
    let at = valueStart(bytes, start, end);
    if (this.contentLength >= 0 || at === end || end - at > MOST_DIGITS) return false;
    let length = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - DIGIT_0;
      if (digit < 0 || digit > 9) return false;
      length = length * 10 + digit;
    }
    this.contentLength = length;
    return true;
  }
}

/** A field's name with its colon, in lower case, and for each byte what makes lower case of it. */
class FieldName {
  readonly bytes: Uint8Array;
  readonly lowerCase: Uint8Array;
  readonly length: number;

  constructor(name: string) {
    this.bytes = new TextEncoder().encode(`${name}:`);
    this.lowerCase = this.bytes.map((byte) => byte >= 0x61 ? 0x20 : 0);
    this.length = this.bytes.length;
  }
}

const HOST = new FieldName("host"),
  USER_AGENT = new FieldName("user-agent"),
  REFERER = new FieldName("referer");
const CONTENT_LENGTH = new FieldName("content-length"), CONTENT_TYPE = new FieldName("content-type");
const TRANSFER_ENCODING = new FieldName("transfer-encoding");

/** True when the line `bytes[start, end)` is the field `name`. */
function isField(bytes: Uint8Array, start: number, end: number, name: FieldName): boolean {
  const { bytes: letters, lowerCase, length } = name;
  // The colon tells most other names apart.
  if (end - start < length || bytes[start + length - 1] !== COLON) return false;
  for (let i = 0; i < length; i++) {
    if ((bytes[start + i]! | lowerCase[i]!) !== letters[i]) return false;
  }
  return true;
}

/** True when `HTTP/1.` stands at `start`. */
function isProtocol(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === 0x48 && bytes[start + 1] === 0x54 && bytes[start + 2] === 0x54 &&
    bytes[start + 3] === 0x50 && bytes[start + 4] === SLASH && bytes[start + 5] === DIGIT_1 &&
    bytes[start + 6] === 0x2e;
}
