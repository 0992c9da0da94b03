/**
 * Exchanges as an HTTP Archive (HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/), made only from what was seen on
 * the wire.
 *
 * @module
 */

import type { Output, Sink } from "../app/ports.ts";
import type { Endpoints, Exchange } from "../http/exchange.ts";
import { rfc3339 } from "../time.ts";

/** Characters gathered before they are written. */
const ENOUGH = 64 * 1024;

/**
 * Writes each ended exchange as an entry, in the order in which they end; readers sort entries by when they started.
 * The archive is whole, and valid JSON, when the sink is closed.
 */
export class HarSink implements Sink {
  readonly #output: Output;
  readonly #entries = new EntryMaker();
  #pending: string;
  #isEmpty = true;
  #isClosed = false;

  /** @param version This program's, which the archive names as its creator. */
  constructor(output: Output, version: string) {
    this.#output = output;
    const creator = JSON.stringify({ name: "trafficsniffer", version });
    this.#pending = `{"log":{"version":"1.2","creator":${creator},"entries":[`;
  }

  write(exchange: Exchange): void {
    this.#pending += (this.#isEmpty ? "\n" : ",\n") + JSON.stringify(this.#entries.make(exchange));
    this.#isEmpty = false;
    if (this.#pending.length > ENOUGH) this.flush();
  }

  flush(): void {
    if (this.#pending === "") return;
    const text = this.#pending;
    // What could not be written is not tried again.
    this.#pending = "";
    this.#output.write(text);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pending += "\n]}}\n";
    this.flush();
  }
}

/** Makes entries. Names that begin with an underscore are not HAR's own; what is `undefined` is left out. */
class EntryMaker {
  /** Connections have numbers: ports are used again, and by several clients. */
  readonly #connections = new WeakMap<Endpoints, string>();
  #lastConnection = 0;

  make(exchange: Exchange) {
    const { endpoints, opening } = exchange;
    const { startedAt, time, timings, notObserved } = timingsOf(exchange);
    const { clientLocation, serverLocation } = endpoints;
    return {
      startedDateTime: rfc3339(startedAt),
      time,
      request: requestOf(exchange),
      response: responseOf(exchange),
      cache: {},
      timings,
      serverIPAddress: endpoints.serverAddress,
      connection: this.#connectionOf(endpoints),
      _serverPort: endpoints.serverPort,
      _serverMac: endpoints.serverMac,
      _serverGateway: serverLocation?.gateway,
      _clientIPAddress: endpoints.clientAddress,
      _clientPort: endpoints.clientPort,
      _clientMac: endpoints.clientMac,
      _clientGateway: clientLocation?.gateway,
      _dnsServer: opening?.lookup?.server,
      _reused: exchange.reused,
      _retransmissions: exchange.retransmissions,
      _gaps: exchange.gaps,
      _untrusted: unlessEmpty(exchange.untrusted),
      _notObserved: unlessEmpty(notObserved),
    };
  }

  #connectionOf(endpoints: Endpoints): string {
    let name = this.#connections.get(endpoints);
    if (name === undefined) {
      name = String(++this.#lastConnection);
      this.#connections.set(endpoints, name);
    }
    return name;
  }
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/**
 * The phases laid end to end, as viewers draw them, in milliseconds, -1 where HAR allows that for a phase that was not
 * there. `blocked` is what lies between those that were seen, address resolution among it. What of a phase passed during an
 * earlier one is not counted twice, so that `startedAt` and `time` always lead to the end.
 */
function timingsOf(exchange: Exchange) {
  const { opening, time: requestedAt, sentAt, answeredAt, endedAt } = exchange;
  const startedAt = opening?.startedAt ?? requestedAt;
  let reached = startedAt, blocked = 0;
  const pass = (from: number, to: number): number | undefined => {
    if (Number.isNaN(from) || Number.isNaN(to)) return undefined;
    const start = Math.max(reached, from);
    blocked += start - reached;
    reached = Math.max(start, to);
    return (reached - start) / 1000;
  };
  const dns = opening?.lookup && pass(opening.lookup.startedAt, opening.lookup.answeredAt);
  const connect = opening && pass(opening.handshake.synAt, opening.handshake.ackAt);
  const sent = {
    send: pass(requestedAt, sentAt),
    wait: pass(sentAt, answeredAt),
    receive: pass(answeredAt, endedAt),
  };
  return {
    startedAt,
    time: (reached - startedAt) / 1000,
    timings: {
      blocked: blocked > 0 ? blocked / 1000 : -1,
      dns: dns ?? -1,
      connect: connect ?? -1,
      ssl: -1,
      send: sent.send ?? 0,
      wait: sent.wait ?? 0,
      receive: sent.receive ?? 0,
      _arp: exchange.arp,
      _server: exchange.server,
    },
    /** HAR wants numbers for these: they are 0. */
    notObserved: (["send", "wait", "receive"] as const).filter((phase) => sent[phase] === undefined),
  };
}

/** Headers are those that are kept: never one that authorises or identifies a session. */
function requestOf(exchange: Exchange) {
  const { query, userAgent, referrer, version } = exchange;
  const headers = [];
  if (!exchange.hostMissing) {
    headers.push({ name: version === "2" ? ":authority" : "Host", value: authorityOf(exchange) });
  }
  if (userAgent !== undefined) headers.push({ name: "User-Agent", value: userAgent });
  if (referrer !== undefined) headers.push({ name: "Referer", value: referrer });
  return {
    method: exchange.method,
    url: urlOf(exchange),
    httpVersion: `HTTP/${version}`,
    cookies: [],
    headers,
    queryString: Array.from(new URLSearchParams(query), ([name, value]) => ({ name, value })),
    headersSize: -1,
    bodySize: exchange.requestBodyBytes,
  };
}

/** A response that was not seen has status 0. Of the version of HTTP/1 responses, which is theirs alone, 1 is all that is kept. */
function responseOf(exchange: Exchange) {
  const { status, mimeType, responseBodyBytes, version } = exchange;
  const isAnswered = status !== 0 || (version === "0.9" && exchange.receive !== undefined);
  return {
    status,
    statusText: "",
    httpVersion: isAnswered ? `HTTP/${version.replace(/^1\..*/, "1")}` : "",
    cookies: [],
    headers: mimeType === undefined ? [] : [{ name: "Content-Type", value: mimeType }],
    content: { size: responseBodyBytes, mimeType: mimeType ?? "x-unknown" },
    redirectURL: "",
    headersSize: -1,
    bodySize: isAnswered ? responseBodyBytes : -1,
    _error: isAnswered ? undefined : failureOf(exchange),
  };
}

function failureOf({ wasReset, hasIcmpError }: Exchange): string {
  if (wasReset) return "connection reset";
  return hasIcmpError ? "ICMP error" : "no response seen";
}

/** Host and port as they were asked for. */
function authorityOf({ host, port }: Exchange): string {
  return bracketed(host) + (port === undefined ? "" : `:${port}`);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * The target URI (RFC 9112 section 3.3), one that every reader can parse: a host that no URL can hold is left to the header,
 * and the server's address stands in its place. The port is the one asked for, or the server's where no host was named.
 * CONNECT and `*` have no path.
 */
function urlOf(exchange: Exchange): string {
  const { hostMissing, endpoints, path, query, target } = exchange;
  const host = urlHost(exchange.host) ?? bracketed(endpoints.serverAddress);
  const port = exchange.port ??
    (hostMissing && endpoints.serverPort !== 80 ? endpoints.serverPort : undefined);
  const root = path === "" || path.startsWith("/") ? "" : "/";
  return `http://${host}` + (port === undefined ? "" : `:${port}`) +
    (path === "*" ? "" : root + percentEncoded(path, target.bytes.subarray(0, target.length))) +
    (query === undefined ? "" : `?${percentEncoded(query, encoder.encode(query))}`);
}

/** A host as URLs have it, in ASCII; `undefined` of what is none. */
function urlHost(host: string): string | undefined {
  if (host === lastHost) return lastUrlHost;
  const url = URL.parse(`http://${bracketed(host)}/`);
  const isHost = url !== null && url.href === `http://${url.hostname}/` && URL_HOST.test(url.hostname);
  lastHost = host;
  return lastUrlHost = isHost ? url.hostname : undefined;
}

/** A registered name or an IP literal (RFC 3986 section 3.2.2). */
const URL_HOST = /^(?:[\w.~!$&'()*+,;=-]+|\[[\da-f:.]+\])$/;

/** Requests that follow each other often ask for the same host. */
let lastHost: string | undefined;
let lastUrlHost: string | undefined;

const encoder = new TextEncoder();

/** What may stand in a path or query (RFC 3986 sections 3.3, 3.4). */
const URL_TEXT = /^(?:[\w.~!$&'()*+,;=:@/?-]|%[\da-f]{2})*$/i;

/** The text with everything else percent-encoded, of the bytes that it was made from. */
function percentEncoded(text: string, bytes: Uint8Array): string {
  if (URL_TEXT.test(text)) return text;
  let encoded = "";
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    const character = String.fromCharCode(byte);
    const isPlain = character === "%"
      ? URL_TEXT.test(String.fromCharCode(...bytes.subarray(at, at + 3)))
      : URL_TEXT.test(character);
    encoded += isPlain ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
