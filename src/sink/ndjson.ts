/**
 * Exchanges as NDJSON, one record a line: flat objects with Elastic Common Schema names, without what was not observed.
 *
 * @module
 */

import type { Output, Sink } from "../app/ports.ts";
import type { Endpoints, Exchange } from "../http/exchange.ts";
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

const CLIENT_IP = jsonName("client.ip");
const CLIENT_PORT = jsonName("client.port");
const SERVER_IP = jsonName("server.ip");
const SERVER_PORT = jsonName("server.port");
const CLIENT_MAC = jsonName("client.mac");
const SERVER_MAC = jsonName("server.mac");
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
const SEND = jsonName("timings.send");
const WAIT = jsonName("timings.wait");
const RECEIVE = jsonName("timings.receive");
const RETRANSMISSIONS = jsonName("tcp.retransmissions");
const GAPS = jsonName("tcp.gaps");

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
    json.number(SEND, exchange.send);
    json.number(WAIT, exchange.wait);
    json.number(RECEIVE, exchange.receive);
    json.number(RETRANSMISSIONS, exchange.retransmissions);
    json.number(GAPS, exchange.gaps);
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
    json.number(VLAN, endpoints.vlan);
    this.#endpoints[slot] = endpoints;
    this.#endpointFields[slot] = isKnown ? json.from(start).slice() : undefined;
  }
}
