/**
 * Who and what a request asks for: hosts, paths and sections, made once for bytes seen again and again.
 *
 * @module
 */

import { ByteCache, text } from "../bytes.ts";

/** A host as asked for. */
export interface Authority {
  /** Lower case, IPv6 literals without brackets. */
  readonly host: string;
  /** `undefined` when none was named. */
  readonly port: number | undefined;
}

/** A path and its section. */
export interface PathSection {
  readonly path: string;
  /** First segment with its slash, `/` for the root. */
  readonly section: string;
}

/** A request target (RFC 9112 section 3.2) taken apart. */
export interface Target extends PathSection {
  /** Of an absolute-form or authority-form target. */
  readonly authority: Authority | undefined;
  /** Where the query begins and ends in the bytes, -1 when there is none. */
  readonly queryStart: number;
  readonly queryEnd: number;
}

const SLASH = 0x2f, QUESTION = 0x3f, HASH = 0x23, COLON = 0x3a, AT = 0x40;

const authorities = new ByteCache(makeAuthority, 4096);
const paths = new ByteCache(makePath, 2 ** 17);
const texts = new ByteCache(text, 4096);

/** A `Host` field's value or an authority, taken apart. User information is left out. */
export function authorityOf(bytes: Uint8Array, start: number, end: number): Authority {
  return authorities.get(bytes, start, end);
}

/** Short text that repeats itself, such as a method or a user agent. */
export function cachedText(bytes: Uint8Array, start: number, end: number): string {
  return texts.get(bytes, start, end);
}

/**
 * Takes a request target apart: origin form (`/path?query`), absolute form (`http://host/path`), authority form
 * (`host:port`, of CONNECT) and `*`.
 */
export function parseTarget(bytes: Uint8Array, start: number, end: number, isConnect: boolean): Target {
  if (isConnect) return targetOf(bytes, end, end, authorityOf(bytes, start, end));
  if (bytes[start] === SLASH) return targetOf(bytes, start, end, undefined);
  const afterScheme = findAuthority(bytes, start, end);
  if (afterScheme < 0) return targetOf(bytes, start, end, undefined);
  let authorityEnd = afterScheme;
  while (authorityEnd < end && !endsAuthority(bytes[authorityEnd]!)) authorityEnd++;
  const target = targetOf(bytes, authorityEnd, end, authorityOf(bytes, afterScheme, authorityEnd));
  return target.path === "" ? { ...target, path: "/" } : target;
}

/** The query of a target that was taken apart from `bytes`, without its `?`. */
export function queryOf(target: Target, bytes: Uint8Array): string | undefined {
  return target.queryStart < 0 ? undefined : cachedText(bytes, target.queryStart, target.queryEnd);
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

function targetOf(bytes: Uint8Array, start: number, end: number, authority: Authority | undefined): Target {
  let pathEnd = start;
  while (pathEnd < end && bytes[pathEnd] !== QUESTION && bytes[pathEnd] !== HASH) pathEnd++;
  let queryStart = -1, queryEnd = -1;
  if (pathEnd < end && bytes[pathEnd] === QUESTION) {
    queryStart = pathEnd + 1;
    queryEnd = queryStart;
    while (queryEnd < end && bytes[queryEnd] !== HASH) queryEnd++;
  }
  const { path, section } = paths.get(bytes, start, pathEnd);
  return { path, section, authority, queryStart, queryEnd };
}

function makePath(bytes: Uint8Array, start: number, end: number): PathSection {
  const path = text(bytes, start, end);
  const second = path.indexOf("/", 1);
  const section = second < 0 ? path : path.slice(0, second);
  return { path, section: section === "" ? "/" : section };
}

function makeAuthority(bytes: Uint8Array, start: number, end: number): Authority {
  const authority = text(bytes, afterUserInfo(bytes, start, end), end).toLowerCase();
  const literal = /^\[([^\]]*)\](?::(\d*))?$/.exec(authority);
  if (literal) return { host: literal[1]!, port: portOf(literal[2]) };
  const named = /^([^:]*):(\d*)$/.exec(authority);
  return named ? { host: named[1]!, port: portOf(named[2]) } : { host: authority, port: undefined };
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
