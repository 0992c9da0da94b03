/**
 * What tshark says of a capture, read from tables of tab-separated values: one message a line, columns named in the
 * first line. `F.http1req.tsv`, `F.http1resp.tsv` and `F.h2.tsv` belong to the capture `F`. Of HTTP/1 there may be
 * variants, made with other settings of reassembly: each TCP connection is taken from the one that found most.
 *
 * @module
 */

/** A request, and the response that tshark gives to it. */
export interface TrueRequest {
  /** The frame that completes it. */
  readonly frame: number;
  /** `address:port`, innermost where there are tunnels. */
  readonly client: string;
  readonly server: string;
  /** `METHOD host[:port] target HTTP/version`, as {@link requestText} writes it. */
  readonly text: string;
  /** Status of the final response, 0 where tshark names none. */
  status: number;
  /** The frame that completes the response, 0 where there is none. */
  statusFrame: number;
  /** Of a gRPC call, `undefined` where there is none. */
  grpcStatus: number | undefined;
}

/** All that tshark says of the HTTP in a capture. */
export interface Truth {
  /** In the order of their frames. */
  readonly requests: readonly TrueRequest[];
  /** Final responses. */
  readonly responses: number;
  /** Frames of final responses to no request that tshark knows of. */
  readonly orphans: readonly number[];
}

/** Reads the table at `path` inside the truth folder, `undefined` where there is none. */
export type TableReader = (path: string) => string | undefined;

/** A line by column. */
type Row = ReadonlyMap<string, string>;

/** Parses a table of tab-separated values. */
export function parseTable(text: string): Row[] {
  const [header = "", ...lines] = text.replace(/\n$/, "").split("\n");
  const names = header.split("\t");
  return lines.map((line) => {
    const values = line.split("\t");
    return new Map(names.map((name, i) => [name, values[i] ?? ""]));
  });
}

/** What tshark says of the capture `file`. */
export function readTruth(file: string, read: TableReader): Truth {
  const table = (kind: string) => parseTable(read(`${file}.${kind}.tsv`) ?? "").filter(isOnTheWire);
  const variants = ["", ".ooo", ".hdr"].map((variant) => ({
    requests: table(`http1req${variant}`),
    responses: table(`http1resp${variant}`),
  }));
  const h2 = byStream(table("h2"));

  const requests: TrueRequest[] = [];
  const orphans: number[] = [];
  let responses = 0;
  const streams = variants.map((variant) => ({
    requests: byStream(variant.requests),
    responses: byStream(variant.responses),
  }));
  const numbers = new Set(streams.flatMap((v) => [...v.requests.keys(), ...v.responses.keys()]));
  for (const number of numbers) {
    const candidates = streams.map((variant) =>
      connectionOf(
        variant.requests.get(number) ?? [],
        (variant.responses.get(number) ?? []).filter((row) => isFinal(statusOf(row))),
      )
    );
    const best = candidates.reduce((a, b) => isBetter(b, a) ? b : a);
    // Variants without reassembly know less of a head that came in several segments.
    const full = candidates.find((it) => it.requests.length === best.requests.length)!;
    const ofConnection = best.requests.map(({ status, statusFrame }, at) => ({
      ...full.requests[at]!,
      status,
      statusFrame,
    }));
    adoptUpgraded(ofConnection, h2.get(number) ?? []);
    requests.push(...ofConnection);
    orphans.push(...best.orphans);
    responses += best.paired + best.orphans.length;
  }
  for (const rows of h2.values()) {
    const ofConnection = http2Requests(rows);
    requests.push(...ofConnection);
    responses += ofConnection.filter(({ status }) => status !== 0).length;
  }
  requests.sort((a, b) => a.frame - b.frame);
  return { requests, responses, orphans };
}

/** How requests are compared: host in lower case without user information, port only if given, target without fragment. */
export function requestText(
  request: { method: string; host: string; port: string; target: string; version: string },
): string {
  const { method, host, port, target, version } = request;
  return `${method} ${host}${port === "" ? "" : `:${port}`} ${target} HTTP/${version}`;
}

/** False for what is seen with keys alone, or is quoted in an ICMP error. */
function isOnTheWire(row: Row): boolean {
  return !/decrypted|in-icmp/.test(row.get("note") ?? "");
}

function byStream(rows: readonly Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, (row) => valueOf(row, "tcp.stream", "tcp"));
}

function statusOf(row: Row): number {
  return Number(row.get("http.response.code"));
}

/** Interim responses precede the final one; 101 is the last of HTTP/1. */
function isFinal(status: number): boolean {
  return status >= 200 || status === 101;
}

/** The messages of HTTP/1 on one connection, responses with the requests that tshark names. */
interface Http1Connection {
  readonly requests: readonly TrueRequest[];
  readonly orphans: readonly number[];
  /** How many requests have a response. */
  readonly paired: number;
}

/** True when one variant found more than another. A response without request may be a retransmission: they weigh least. */
function isBetter(a: Http1Connection, b: Http1Connection): boolean {
  const more = a.requests.length + a.paired - b.requests.length - b.paired;
  return more > 0 || (more === 0 && a.orphans.length > b.orphans.length);
}

function connectionOf(requestRows: readonly Row[], responseRows: readonly Row[]): Http1Connection {
  const requests = requestRows.map(http1Request);
  const orphans: number[] = [];
  for (const row of responseRows) {
    const frame = Number(row.get("frame.number"));
    const requestFrame = Number(row.get("http.request_in"));
    const request = requests.find((it) => it.frame === requestFrame && it.status === 0);
    if (request) {
      request.status = statusOf(row);
      request.statusFrame = frame;
    } else {
      orphans.push(frame);
    }
  }
  return { requests, orphans, paired: responseRows.length - orphans.length };
}

function http1Request(row: Row): TrueRequest {
  const method = row.get("http.request.method") ?? "";
  const uri = (row.get("http.request.uri") ?? "").replace(/#.*/s, "");
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)(.*)$/is.exec(uri);
  const [authority, target] = method === "CONNECT"
    ? [uri, ""]
    : absolute
    ? [absolute[1]!, absolute[2]!.replace(/^(?!\/)/, "/")]
    : [row.get("http.host") ?? "", uri];
  const version = (row.get("http.request.version") ?? "").replace("HTTP/", "");
  return trueRequest(row, method, authority, target, version);
}

function trueRequest(
  row: Row,
  method: string,
  authority: string,
  target: string,
  version: string,
): TrueRequest {
  const [client, server] = endsOf(row);
  return {
    frame: Number(row.get("frame.number")),
    client,
    server,
    text: requestText({ method, ...hostAndPort(authority), target, version }),
    status: 0,
    statusFrame: 0,
    grpcStatus: undefined,
  };
}

function hostAndPort(authority: string): { host: string; port: string } {
  const bare = authority.toLowerCase().replace(/^.*@/s, "");
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(bare);
  return { host: parts?.[1] ?? parts?.[2] ?? bare, port: parts?.[3] ?? "" };
}

/** Sender and receiver of a message. */
function endsOf(row: Row): [string, string] {
  const layers = layersBelow(row);
  const ip = layers.lastIndexOf("ipv6") > layers.lastIndexOf("ip") ? "ipv6" : "ip";
  return [
    `${valueOf(row, `${ip}.src`, ip)}:${valueOf(row, "tcp.srcport", "tcp")}`,
    `${valueOf(row, `${ip}.dst`, ip)}:${valueOf(row, "tcp.dstport", "tcp")}`,
  ];
}

/** The layers below the first message of HTTP in a frame. A frame may carry several packets. */
function layersBelow(row: Row): string[] {
  const layers = (row.get("frame.protocols") ?? "").split(":");
  const http = layers.findIndex((layer) => layer === "http" || layer === "http2");
  return http < 0 ? layers : layers.slice(0, http);
}

/** A field of the innermost `layer` below HTTP; the field has a value for each such layer in the frame, outer first. */
function valueOf(row: Row, field: string, layer: string): string {
  const depth = layersBelow(row).filter((it) => it === layer).length;
  const values = (row.get(field) ?? "").split("|");
  return values[depth - 1] ?? values[0]!;
}

const HEADERS = "1", PUSH_PROMISE = "5";

/** The exchanges of one HTTP/2 connection, one a stream. */
function http2Requests(rows: readonly Row[]): TrueRequest[] {
  const isRequest = (row: Row) => row.get("method") !== "";
  const requests = new Map<string, TrueRequest>();
  for (const row of rows.filter((row) => isRequest(row) && row.get("h2.type") === HEADERS)) {
    requests.set(row.get("h2.streamid")!, http2Request(row, false));
  }
  // Of a pushed request the table has the stream it was promised on. Promised streams are even and ascend.
  const promised = [...new Set(rows.map((row) => Number(row.get("h2.streamid"))))]
    .filter((id) => id % 2 === 0 && id > 0).sort((a, b) => a - b);
  for (const row of rows.filter((row) => isRequest(row) && row.get("h2.type") === PUSH_PROMISE)) {
    requests.set(
      String(promised.shift() ?? `promised in ${row.get("frame.number")}`),
      http2Request(row, true),
    );
  }
  for (const [id, request] of requests) answer(request, rows, id);
  return [...requests.values()];
}

function http2Request(row: Row, isPromise: boolean): TrueRequest {
  const method = row.get("method")!;
  const authority = row.get("authority") || row.get("host") || "";
  const target = (row.get("path") ?? "").replace(/#.*/s, "");
  const request = trueRequest(row, method, authority, target, "2");
  return isPromise ? { ...request, client: request.server, server: request.client } : request;
}

/** Gives a request what the header and the trailers of the response on its stream say. */
function answer(request: TrueRequest, rows: readonly Row[], id: string): void {
  for (const row of rows.filter((row) => row.get("h2.streamid") === id && row.get("method") === "")) {
    const status = Number(row.get("status"));
    if (status >= 200) {
      request.status = status;
      request.statusFrame = Number(row.get("frame.number"));
    }
    if (row.get("grpc-status")) request.grpcStatus = Number(row.get("grpc-status"));
  }
}

/** The final response to a request that was answered with a switch to HTTP/2 comes on stream 1 (RFC 7540 section 3.2). */
function adoptUpgraded(requests: readonly TrueRequest[], rows: readonly Row[]): void {
  const upgraded = requests.find(({ status }) => status === 101);
  const isFree = !rows.some((row) => row.get("h2.streamid") === "1" && row.get("method") !== "");
  if (upgraded && isFree) answer(upgraded, rows, "1");
}
