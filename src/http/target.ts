/**
 * Who and what a request asks for: hosts, paths and sections, made once for bytes seen again and again.
 *
 * @module
 */

import { ByteCache, text } from "../bytes.ts";

/** A host as asked for. The same object for the same bytes, mostly. */
export class Authority {
  /** What the consumer of exchanges remembers of this host: its own, not looked at here. */
  memo: object | undefined = undefined;

  constructor(
    /** Lower case, IPv6 literals without brackets. */
    readonly host: string,
    /** `undefined` when none was named. */
    readonly port: number | undefined,
  ) {}
}

/** Longer paths are cut: no server takes them. */
export const LONGEST_PATH = 64 * 1024;

/**
 * A path as bytes of its own, in whole words, so that it can be hashed and compared four bytes at a time. Bytes behind
 * its end, up to a whole word, are 0.
 */
export class PathBytes {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  words: Int32Array<ArrayBuffer> = new Int32Array(this.bytes.buffer);
  /** Length of the path and of its first segment with its slash, in bytes. A section of no bytes stands for the root. */
  length = 0;
  sectionLength = 0;

  /** Takes the path at the start of `source[start, end)`, which ends before a query or fragment; returns where. */
  take(source: Uint8Array, start: number, end: number): number {
    const most = Math.min(end - start, LONGEST_PATH);
    if (most > this.bytes.length) this.#grow(most);
    const bytes = this.bytes;
    let length = 0, section = 0;
    for (; length < most; length++) {
      const byte = source[start + length]!;
      if (byte === SLASH) {
        if (section === 0) section = length;
      } else if (byte === QUESTION || byte === HASH) {
        break;
      }
      bytes[length] = byte;
    }
    for (let i = length; (i & 3) !== 0; i++) bytes[i] = 0;
    this.length = length;
    this.sectionLength = section === 0 ? length : section;
    let pathEnd = start + length;
    while (
      length === LONGEST_PATH && pathEnd < end && source[pathEnd] !== QUESTION && source[pathEnd] !== HASH
    ) {
      pathEnd++;
    }
    return pathEnd;
  }

  /** Takes the path in `view[start, end)`, whose section ends at `sectionEnd`; a word behind it may be read. */
  takeWords(view: DataView, start: number, end: number, sectionEnd: number): void {
    const length = end - start;
    if (length > this.bytes.length) this.#grow(length);
    const words = this.words;
    let word = 0;
    for (let at = start; at < end; at += 4) words[word++] = view.getInt32(at, true);
    const rest = length & 3;
    if (rest !== 0) words[word - 1] = words[word - 1]! & ((1 << (rest << 3)) - 1);
    this.length = length;
    this.sectionLength = sectionEnd - start;
  }

  #grow(length: number): void {
    this.bytes = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
    this.words = new Int32Array(this.bytes.buffer);
  }

  get path(): string {
    return paths.get(this.bytes, 0, this.length);
  }

  /** `/api` of `/api/v1/x`, `/` for the root. */
  get section(): string {
    return this.sectionLength === 0 ? "/" : texts.get(this.bytes, 0, this.sectionLength);
  }
}

/** What a request target (RFC 9112 section 3.2) has besides its path: offsets into its bytes. */
export interface Target {
  /** Of an absolute-form or authority-form target. */
  authority: Authority | undefined;
  /** Where the path ends, and the target. */
  pathEnd: number;
  end: number;
}

const SLASH = 0x2f, QUESTION = 0x3f, HASH = 0x23, COLON = 0x3a, AT = 0x40;

const authorities = new ByteCache(makeAuthority, 4096);
const texts = new ByteCache(text, 4096);
const paths = new ByteCache(text, 2 ** 17);

/** A `Host` field's value or an authority, taken apart. User information is left out. */
export function authorityOf(bytes: Uint8Array, start: number, end: number): Authority {
  return authorities.get(bytes, start, end);
}

/** Short text that repeats itself, such as a method or a user agent. */
export function cachedText(bytes: Uint8Array, start: number, end: number): string {
  return texts.get(bytes, start, end);
}

/** The target last taken apart: one at a time is enough. */
const target: Target = { authority: undefined, pathEnd: 0, end: 0 };
/** The path of an absolute-form target that has none. */
const ROOT = new Uint8Array([SLASH]);

/**
 * Takes a request target apart: origin form (`/path?query`), absolute form (`http://host/path`), authority form
 * (`host:port`, of CONNECT) and `*`. The path goes to `path`; what is returned is valid until the next call.
 */
export function parseTarget(
  bytes: Uint8Array,
  start: number,
  end: number,
  isConnect: boolean,
  path: PathBytes,
): Target {
  target.authority = undefined;
  let pathStart = start;
  if (isConnect) {
    target.authority = authorityOf(bytes, start, end);
    pathStart = end;
  } else if (bytes[start] !== SLASH) {
    const afterScheme = findAuthority(bytes, start, end);
    if (afterScheme >= 0) {
      pathStart = afterScheme;
      while (pathStart < end && !endsAuthority(bytes[pathStart]!)) pathStart++;
      target.authority = authorityOf(bytes, afterScheme, pathStart);
    }
  }
  // An absolute-form target without a path asks for the root.
  const pathEnd = path.take(bytes, pathStart, end);
  if (path.length === 0 && target.authority && !isConnect) path.take(ROOT, 0, 1);
  target.pathEnd = pathEnd;
  target.end = end;
  return target;
}

/** The query, without its `?`, of a target that ends at `end` and whose path ends at `pathEnd`. */
export function queryOf(bytes: Uint8Array, pathEnd: number, end: number): string | undefined {
  if (pathEnd === end || bytes[pathEnd] !== QUESTION) return undefined;
  let queryEnd = pathEnd + 1;
  while (queryEnd < end && bytes[queryEnd] !== HASH) queryEnd++;
  return cachedText(bytes, pathEnd + 1, queryEnd);
}

/** A referrer without user information, query and fragment. */
export function referrerOf(bytes: Uint8Array, start: number, end: number): string {
  let cut = start;
  while (cut < end && bytes[cut] !== QUESTION && bytes[cut] !== HASH) cut++;
  return referrers.get(bytes, start, cut);
}

const referrers = new ByteCache((bytes, start, end) => {
  const authority = findAuthority(bytes, start, end);
  if (authority < 0) return text(bytes, start, end);
  let authorityEnd = authority;
  while (authorityEnd < end && !endsAuthority(bytes[authorityEnd]!)) authorityEnd++;
  const host = afterUserInfo(bytes, authority, authorityEnd);
  return text(bytes, start, authority) + text(bytes, host, end);
}, 4096);

function makeAuthority(bytes: Uint8Array, start: number, end: number): Authority {
  const authority = text(bytes, afterUserInfo(bytes, start, end), end).toLowerCase();
  const literal = /^\[([^\]]*)\](?::(\d*))?$/.exec(authority);
  if (literal) return new Authority(literal[1]!, portOf(literal[2]));
  const named = /^([^:]*):(\d*)$/.exec(authority);
  return named ? new Authority(named[1]!, portOf(named[2])) : new Authority(authority, undefined);
}

function portOf(digits: string | undefined): number | undefined {
  if (!digits || digits.length > 5) return undefined;
  const port = Number(digits);
  return port <= 65535 ? port : undefined;
}

/** The offset behind the last `@` of an authority, or its start. */
function afterUserInfo(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) {
    if (bytes[at] === AT) return at + 1;
  }
  return start;
}

function endsAuthority(byte: number): boolean {
  return byte === SLASH || byte === QUESTION || byte === HASH;
}

/** The offset behind `scheme://`, -1 when the bytes do not begin with one. */
function findAuthority(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isSchemeByte(bytes[at]!)) at++;
  const hasScheme = at > start && at + 2 < end && bytes[at] === COLON && bytes[at + 1] === SLASH &&
    bytes[at + 2] === SLASH;
  return hasScheme ? at + 3 : -1;
}

function isSchemeByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2b ||
    byte === 0x2d || byte === 0x2e;
}
