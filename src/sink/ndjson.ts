/**
 * Exchanges as NDJSON, one record a line: flat objects with Elastic Common Schema names, without what was not observed.
 *
 * @module
 */

import type { Output, Sink } from "../app/ports.ts";
import type { Endpoints, Exchange } from "../http/exchange.ts";
import type { Location, Opening, Phase } from "../network/opening.ts";
import { rfc3339 } from "../time.ts";
import { jsonName, JsonWriter } from "./json_writer.ts";

/** Bytes gathered before they are written. */
const ENOUGH = 64 * 1024;
/** How many pairs of client and server are remembered as bytes: a power of two. */
const ENDPOINT_SLOTS = 1024;
const SECOND = 1_000_000;

const encoder = new TextEncoder();
const TIME_END = encoder.encode('Z"');
const LINE_END = encoder.encode("}\n");
const HOST_MISSING = encoder.encode(',"host.missing":true');
const REUSED = encoder.encode(',"tcp.reused":true'), NOT_REUSED = encoder.encode(',"tcp.reused":false');
const QUIET_REUSED = encoder.encode(',"tcp.reused":true,"tcp.retransmissions":0,"tcp.gaps":0');
const ZERO_WINDOW = encoder.encode(',"tcp.zero_window":true');
const RESET = encoder.encode(',"tcp.reset":true');
const ICMP_ERROR = encoder.encode(',"icmp.error":true');

const CLIENT_IP = jsonName("client.ip");
const CLIENT_PORT = jsonName("client.port");
const SERVER_IP = jsonName("server.ip");
const SERVER_PORT = jsonName("server.port");
const CLIENT_MAC = jsonName("client.mac");
const SERVER_MAC = jsonName("server.mac");
const CLIENT_LOCATION = locationNames("client"), SERVER_LOCATION = locationNames("server");
const VLAN = jsonName("network.vlan.id");
const PROTOCOL = jsonName("network.protocol");
const METHOD = jsonName("http.request.method");
const VERSION = jsonName("http.version");
const DOMAIN = jsonName("url.domain");
const PORT = jsonName("url.port");
const PATH = jsonName("url.path");
const QUERY = jsonName("url.query");
const SECTION = jsonName("section");
const STATUS = jsonName("http.response.status_code");
const MIME_TYPE = jsonName("http.response.mime_type");
const GRPC_STATUS = jsonName("rpc.grpc.status_code");
const REQUEST_BYTES = jsonName("http.request.body.bytes");
const RESPONSE_BYTES = jsonName("http.response.body.bytes");
const USER_AGENT = jsonName("user_agent.original");
const REFERRER = jsonName("http.request.referrer");
const DNS_SERVER = jsonName("dns.server.ip");
const DNS_PROTOCOL = jsonName("dns.protocol");
const DNS_NAME = jsonName("dns.question.name");
const DNS = jsonName("timings.dns");
const ARP = jsonName("timings.arp");
const CONNECT = jsonName("timings.connect");
const SEND = jsonName("timings.send");
const WAIT = jsonName("timings.wait");
const RECEIVE = jsonName("timings.receive");
const SERVER = jsonName("timings.server");
const UNTRUSTED = jsonName("timings.untrusted");
const ROUND_TRIP = jsonName("tcp.rtt");
const SYN_RETRANSMISSIONS = jsonName("tcp.syn_retransmissions");
const RETRANSMISSIONS = jsonName("tcp.retransmissions");
const GAPS = jsonName("tcp.gaps");

/** The names of what is said of an end's location. */
interface LocationNames {
  readonly onLink: Uint8Array;
  readonly behind: Uint8Array;
  readonly gatewayAddress: Uint8Array;
  readonly gatewayMac: Uint8Array;
}

function locationNames(end: "client" | "server"): LocationNames {
  return {
    onLink: encoder.encode(`,"${end}.on_link":true`),
    behind: encoder.encode(`,"${end}.on_link":false`),
    gatewayAddress: jsonName(`${end}.gateway.ip`),
    gatewayMac: jsonName(`${end}.gateway.mac`),
  };
}

/** By phases: the list of them as JSON. */
const phaseLists = new Map<string, Uint8Array>();

function phaseList(phases: readonly Phase[]): Uint8Array {
  const key = phases.join();
  const known = phaseLists.get(key) ?? encoder.encode(JSON.stringify(phases));
  phaseLists.set(key, known);
  return known;
}

/** Writes each ended exchange as a line of JSON. */
export class NdjsonSink implements Sink {
  readonly #output: Output;
  readonly #json = new JsonWriter();
  /** The second that the last line began in, in microseconds since the epoch, and the line's start up to the decimals. */
  #second = NaN;
  #lineStart = new Uint8Array(0);
  /** By some bits of the client's port: endpoints last written, and as what once they came again. */
  readonly #endpoints: (Endpoints | undefined)[] = new Array(ENDPOINT_SLOTS).fill(undefined);
  readonly #endpointFields: (Uint8Array | undefined)[] = new Array(ENDPOINT_SLOTS).fill(undefined);

  constructor(output: Output) {
    this.#output = output;
  }

  write(exchange: Exchange): void {
    const json = this.#json;
    this.#beginLine(exchange.time);
    this.#writeEndpoints(exchange.endpoints);
    json.string(PROTOCOL, exchange.protocol);
    json.string(METHOD, exchange.method);
    json.string(VERSION, exchange.version);
    json.string(DOMAIN, exchange.host);
    if (exchange.hostMissing) json.raw(HOST_MISSING);
    json.number(PORT, exchange.port);
    const { bytes, length, sectionLength } = exchange.target;
    if (!json.plainString(PATH, bytes, length)) json.string(PATH, exchange.path);
    json.string(QUERY, exchange.query);
    const hasSection = sectionLength > 0 && json.plainString(SECTION, bytes, sectionLength);
    if (!hasSection) json.string(SECTION, exchange.section);
    const answered = exchange.status !== 0;
    if (answered) json.number(STATUS, exchange.status);
    json.string(MIME_TYPE, exchange.mimeType);
    json.number(GRPC_STATUS, exchange.grpcStatus);
    json.number(REQUEST_BYTES, exchange.requestBodyBytes);
    if (answered || exchange.responseBodyBytes > 0) json.number(RESPONSE_BYTES, exchange.responseBodyBytes);
    json.string(USER_AGENT, exchange.userAgent);
    json.string(REFERRER, exchange.referrer);
    const { opening, reused } = exchange;
    if (opening) this.#writeOpening(opening);
    const { sentAt, answeredAt } = exchange;
    json.milliseconds(SEND, sentAt - exchange.time);
    json.milliseconds(WAIT, answeredAt - sentAt);
    json.milliseconds(RECEIVE, exchange.endedAt - answeredAt);
    json.milliseconds(SERVER, exchange.serverMicros);
    const isQuiet = exchange.retransmissions === 0 && exchange.gaps === 0 && !exchange.hasZeroWindow &&
      !exchange.wasReset && !exchange.hasIcmpError;
    // What nearly all lines end with is at hand.
    if (isQuiet && reused && !opening) json.raw(QUIET_REUSED);
    else this.#writeConnection(exchange);
    json.raw(LINE_END);
    if (json.length > ENOUGH) this.flush();
  }

  flush(): void {
    if (this.#json.length === 0) return;
    const lines = this.#json.from(0);
    // What could not be written is not tried again.
    this.#json.clear();
    this.#output.write(lines);
  }

  close(): void {
    this.flush();
  }

  /** Writes a line up to its time. Lines that follow each other share their second, whose text is what takes the time. */
  #beginLine(time: number): void {
    const json = this.#json;
    const whole = Math.floor(time);
    let decimals = whole - this.#second;
    if (!(decimals >= 0 && decimals < SECOND && Number.isSafeInteger(whole))) {
      const [second, fraction] = rfc3339(time).slice(0, -1).split(".") as [string, string];
      decimals = Number(fraction);
      this.#second = Number.isSafeInteger(whole) ? whole - decimals : NaN;
      this.#lineStart = encoder.encode(`{"@timestamp":"${second}.`);
    }
    json.raw(this.#lineStart);
    json.digits(decimals, 6);
    json.raw(TIME_END);
  }

  /** Writes what happened to the connection, and how far that changed the times. */
  #writeConnection(exchange: Exchange): void {
    const json = this.#json;
    const { opening, reused } = exchange;
    this.#writeUntrusted(exchange.untrusted);
    if (reused !== undefined) json.raw(reused ? REUSED : NOT_REUSED);
    json.number(ROUND_TRIP, opening?.roundTrip);
    json.number(SYN_RETRANSMISSIONS, opening?.handshake.retransmissions);
    json.number(RETRANSMISSIONS, exchange.retransmissions);
    json.number(GAPS, exchange.gaps);
    if (exchange.hasZeroWindow) json.raw(ZERO_WINDOW);
    if (exchange.wasReset) json.raw(RESET);
    if (exchange.hasIcmpError) json.raw(ICMP_ERROR);
  }

  /** Writes what came before the first exchange of a connection. */
  #writeOpening(opening: Opening): void {
    const json = this.#json;
    const { lookup } = opening;
    if (lookup) {
      json.string(DNS_SERVER, lookup.server);
      json.string(DNS_PROTOCOL, lookup.protocol);
      json.string(DNS_NAME, lookup.name);
    }
    json.number(DNS, opening.dns);
    json.number(ARP, opening.arp);
    json.number(CONNECT, opening.connect);
  }

  #writeUntrusted(phases: readonly Phase[]): void {
    if (phases.length === 0) return;
    this.#json.raw(UNTRUSTED);
    this.#json.raw(phaseList(phases));
  }

  #writeLocation(location: Location | undefined, names: LocationNames): void {
    if (!location) return;
    const json = this.#json;
    json.raw(location.onLink ? names.onLink : names.behind);
    json.string(names.gatewayAddress, location.gateway?.address);
    json.string(names.gatewayMac, location.gateway?.mac);
  }

  #writeEndpoints(endpoints: Endpoints): void {
    const json = this.#json;
    const slot = endpoints.clientPort & (ENDPOINT_SLOTS - 1);
    const isKnown = this.#endpoints[slot] === endpoints;
    const known = isKnown ? this.#endpointFields[slot] : undefined;
    if (known) return json.raw(known);
    const start = json.length;
    json.string(CLIENT_IP, endpoints.clientAddress);
    json.number(CLIENT_PORT, endpoints.clientPort);
    json.string(SERVER_IP, endpoints.serverAddress);
    json.number(SERVER_PORT, endpoints.serverPort);
    json.string(CLIENT_MAC, endpoints.clientMac);
    json.string(SERVER_MAC, endpoints.serverMac);
    this.#writeLocation(endpoints.clientLocation, CLIENT_LOCATION);
    this.#writeLocation(endpoints.serverLocation, SERVER_LOCATION);
    json.number(VLAN, endpoints.vlan);
    this.#endpoints[slot] = endpoints;
    this.#endpointFields[slot] = isKnown ? json.from(start).slice() : undefined;
  }
}
