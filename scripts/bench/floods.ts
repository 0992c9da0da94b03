/**
 * Floods: generated captures of more hosts, paths, connections, unfinished headers, holes, lookups and neighbours than
 * anyone would want to remember. As a program it writes one to standard output: `floods.ts NAME COUNT [DISTINCT]`.
 *
 * Frames are Ethernet with IPv4 and TCP or UDP, without checksums, or with ARP; one microsecond apart.
 *
 * @module
 */

const SYN = 0x02, ACK = 0x10, PUSH_ACK = 0x18, SYN_ACK = 0x12;

const FILE_HEADER = 24, RECORD_HEADER = 16, HEADERS = 14 + 20 + 20;
/** Offsets in a record of what differs from frame to frame. */
const TIME = 0, LENGTHS = 8, IP = RECORD_HEADER + 14, TCP = IP + 20, PAYLOAD = TCP + 20;

/** 2025-01-01, in seconds since the epoch. */
const START = 1_735_689_600;
const SERVER = 0xc0000250, FIRST_CLIENT = 0x0a000001;
/** Connections of one client address, with as many ports. */
const PORTS = 50_000, FIRST_PORT = 10_000;
const CHUNK = 1 << 20;

/** Writes frames of numbered connections into chunks of a pcap file. */
export class FrameWriter {
  packets = 0;
  readonly #sink: (chunk: Uint8Array) => void;
  readonly #bytes = new Uint8Array(CHUNK + (1 << 16));
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #toServer = template(true);
  readonly #toClient = template(false);
  #end = 0;

  /** `sink` takes chunks of the file, each valid only during the call. */
  constructor(sink: (chunk: Uint8Array) => void) {
    this.#sink = sink;
    // Little-endian, microseconds, version 2.4, no cut, Ethernet.
    new Uint32Array(this.#bytes.buffer, 0, 6).set([0xa1b2c3d4, 0x00040002, 0, 0, 262_144, 1]);
    this.#end = FILE_HEADER;
  }

  /**
   * Writes a frame of connection number `connection`. The payload may be changed with {@link digits} until the next
   * frame.
   */
  frame(
    connection: number,
    toServer: boolean,
    flags: number,
    sequence: number,
    acknowledged: number,
    payload: Uint8Array = NOTHING,
  ): void {
    const at = this.#record(HEADERS + payload.length), bytes = this.#bytes, view = this.#view;
    bytes.set(toServer ? this.#toServer : this.#toClient, at + RECORD_HEADER);
    bytes.set(payload, at + PAYLOAD);
    view.setUint16(at + IP + 2, 40 + payload.length);
    view.setUint32(at + IP + (toServer ? 12 : 16), FIRST_CLIENT + Math.floor(connection / PORTS));
    view.setUint16(at + TCP + (toServer ? 0 : 2), FIRST_PORT + connection % PORTS);
    view.setUint32(at + TCP + 4, sequence);
    view.setUint32(at + TCP + 8, acknowledged);
    bytes[at + TCP + 13] = flags;
  }

  /** Writes a whole frame, with 32-bit numbers in place of what it has at some offsets. */
  whole(frame: Uint8Array, ...numbers: readonly (readonly [offset: number, value: number])[]): void {
    const at = this.#record(frame.length) + RECORD_HEADER;
    this.#bytes.set(frame, at);
    for (const [offset, value] of numbers) this.#view.setUint32(at + offset, value);
  }

  /** Begins a record of so many bytes. Returns where. */
  #record(length: number): number {
    if (this.#end >= CHUNK) this.flush();
    const at = this.#end, view = this.#view;
    this.#end = at + RECORD_HEADER + length;
    view.setUint32(at + TIME, START + Math.floor(this.packets / 1e6), true);
    view.setUint32(at + TIME + 4, this.packets % 1e6, true);
    view.setUint32(at + LENGTHS, length, true);
    view.setUint32(at + LENGTHS + 4, length, true);
    this.packets++;
    return at;
  }

  /** Writes a number into the payload of the last frame, over the zeros that end before `end` there. */
  digits(end: number, payload: Uint8Array, value: number): void {
    const first = this.#end - payload.length;
    for (let at = first + end - 1; value > 0 && at >= first; at--, value = Math.floor(value / 10)) {
      this.#bytes[at] = 0x30 + value % 10;
    }
  }

  /** Hands over what is left. */
  flush(): void {
    this.#sink(this.#bytes.subarray(0, this.#end));
    this.#end = 0;
  }
}

const NOTHING = new Uint8Array();

/** A frame's bytes before the payload, as far as they are the same in all of one direction. */
function template(toServer: boolean): Uint8Array {
  const ip = IP - RECORD_HEADER, tcp = TCP - RECORD_HEADER;
  const bytes = new Uint8Array(HEADERS), view = new DataView(bytes.buffer);
  // Locally administered addresses, IPv4.
  bytes.set(
    toServer ? [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0] : [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0],
  );
  // Version and header length; Don't Fragment; time to live; TCP.
  bytes[ip] = 0x45;
  bytes.set([0x40, 0, 64, 6], ip + 6);
  view.setUint32(ip + (toServer ? 16 : 12), SERVER);
  view.setUint16(tcp + (toServer ? 2 : 0), 80);
  // Five words of header, the window.
  bytes[tcp + 12] = 5 << 4;
  view.setUint16(tcp + 14, 0xffff);
  return bytes;
}

const encoder = new TextEncoder();

/** A payload with a number in it, as zeros. */
function numbered(text: string): { payload: Uint8Array; end: number } {
  return { payload: encoder.encode(text), end: text.indexOf(ZEROS) + ZEROS.length };
}
const ZEROS = "00000000";

/** The kinds of floods. */
export const floodNames = [
  "hosts",
  "paths",
  "half-open",
  "unfinished",
  "endless",
  "holes",
  "lookups",
  "neighbours",
] as const;
export type FloodName = typeof floodNames[number];

/** Writes a flood of so many requests or connections, or packets where it is endless. */
const floods: Readonly<Record<FloodName, (out: FrameWriter, count: number, distinct: number) => void>> = {
  hosts(out, count, distinct) {
    exchanges(out, count, distinct, numbered(`GET / HTTP/1.1\r\nHost: h${ZEROS}.example\r\n\r\n`));
  },

  paths(out, count, distinct) {
    exchanges(out, count, distinct, numbered(`GET /items/${ZEROS} HTTP/1.1\r\nHost: www.example\r\n\r\n`));
  },

  /** Connections that were accepted and never used. */
  "half-open"(out, count) {
    for (let connection = 0; connection < count; connection++) {
      out.frame(connection, true, SYN, 0, 0);
      out.frame(connection, false, SYN_ACK, 0, 1);
    }
  },

  /** Connections with two parts of a header each, the second after all have sent the first. */
  unfinished(out, count) {
    const first = encoder.encode(`GET / HTTP/1.1\r\nHost: www.example\r\nX-First: ${"x".repeat(950)}\r\n`);
    const second = encoder.encode(`X-Second: ${"x".repeat(950)}\r\n`);
    for (let connection = 0; connection < count; connection++) {
      handshake(out, connection);
      out.frame(connection, true, PUSH_ACK, 1, 1, first);
    }
    for (let connection = 0; connection < count; connection++) {
      out.frame(connection, true, PUSH_ACK, 1 + first.length, 1, second);
    }
  },

  /** Header lines without end on eight connections. */
  endless(out, count) {
    const CONNECTIONS = 8;
    const head = encoder.encode("GET / HTTP/1.1\r\nHost: www.example\r\n");
    const lines = encoder.encode(`X-Line: ${"x".repeat(90)}\r\n`.repeat(14));
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      handshake(out, connection);
      out.frame(connection, true, PUSH_ACK, 1, 1, head);
    }
    for (let packet = 0; packet < count; packet++) {
      const round = Math.floor(packet / CONNECTIONS);
      const sequence = 1 + head.length + round * lines.length;
      out.frame(packet % CONNECTIONS, true, PUSH_ACK, sequence >>> 0, 1, lines);
    }
  },

  /** Connections whose first kilobyte is missing before four segments. */
  holes(out, count) {
    const HOLE = 1000, SEGMENTS = 4;
    const segment = new Uint8Array(1400).fill(0x78);
    for (let connection = 0; connection < count; connection++) {
      handshake(out, connection);
      for (let i = 0; i < SEGMENTS; i++) {
        out.frame(connection, true, ACK, 1 + HOLE + i * segment.length, 1, segment);
      }
    }
  },

  /** Queries for different names from different clients, of which half are answered. */
  lookups(out, count) {
    const LABEL = 55;
    for (let lookup = 0; lookup < count; lookup++) {
      const client = FIRST_CLIENT + lookup;
      // Four letters of the name that are a number.
      const name = 0x61616161 + (lookup & 0xf) + ((lookup >> 4 & 0xf) << 8) + ((lookup >> 8 & 0xf) << 16) +
        ((lookup >> 12 & 0xf) << 24);
      out.whole(DNS_QUERY, [CLIENT_OF_QUERY, client], [LABEL, name]);
      if (lookup % 2 === 0) out.whole(DNS_RESPONSE, [CLIENT_OF_RESPONSE, client], [LABEL, name]);
    }
  },

  /** Requests of different machines for different addresses, of which half are answered. */
  neighbours(out, count) {
    const SENDER_MAC = 24, SENDER = 28, TARGET_MAC = 34, TARGET = 38;
    for (let request = 0; request < count; request++) {
      const asker = FIRST_CLIENT + 2 * request, asked = asker + 1;
      out.whole(ARP_REQUEST, [SENDER_MAC, asker], [SENDER, asker], [TARGET, asked]);
      if (request % 2 === 1) continue;
      out.whole(ARP_REPLY, [SENDER_MAC, asked], [SENDER, asked], [TARGET_MAC, asker], [TARGET, asker]);
    }
  },
};

/** Where IPv4's source and destination are in a frame. */
const CLIENT_OF_QUERY = 26, CLIENT_OF_RESPONSE = 30;
const DNS_QUERY = datagram(40_000, 53, [7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], []);
const DNS_RESPONSE = datagram(53, 40_000, [7, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], [
  ...[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4],
  ...[192, 0, 2, 80],
]);

/** A frame with a DNS message: its header, a question for the address of `aaaa.example`, and what follows that. */
function datagram(
  sourcePort: number,
  destinationPort: number,
  header: readonly number[],
  rest: readonly number[],
): Uint8Array {
  const question = [4, ...encoder.encode("aaaa"), 7, ...encoder.encode("example"), 0, 0, 1, 0, 1];
  const message = [...header, ...question, ...rest];
  const length = (bytes: number) => [bytes >> 8, bytes & 0xff];
  return Uint8Array.from([
    ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0],
    ...[0x45, 0, ...length(28 + message.length), 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 53, 10, 0, 0, 53],
    ...[...length(sourcePort), ...length(destinationPort), ...length(8 + message.length), 0, 0],
    ...message,
  ]);
}

const ARP_REQUEST = arp(1, [255, 255, 255, 255, 255, 255]), ARP_REPLY = arp(2, [2, 0, 0, 0, 0, 1]);

function arp(operation: number, destination: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...[...destination, 2, 0, 0, 0, 0, 2, 8, 6],
    ...[0, 1, 8, 0, 6, 4, 0, operation],
    ...[2, 0, 0, 0, 0, 0, 10, 0, 0, 1],
    ...[2, 0, 0, 0, 0, 0, 10, 0, 0, 2],
  ]);
}

/**
 * Requests, each with its response, over 64 connections in turn. Their numbers are below `distinct`, all equally often
 * and in an order that is not theirs.
 */
function exchanges(
  out: FrameWriter,
  count: number,
  distinct: number,
  { payload, end }: { payload: Uint8Array; end: number },
): void {
  const CONNECTIONS = 64;
  /** A prime: with no common factor, its multiples meet each remainder once. */
  const STRIDE = 48_271;
  const response = encoder.encode("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello world\n");
  for (let connection = 0; connection < CONNECTIONS; connection++) handshake(out, connection);
  for (let index = 0; index < count; index++) {
    const connection = index % CONNECTIONS, round = Math.floor(index / CONNECTIONS);
    const asked = (1 + round * payload.length) >>> 0, answered = (1 + round * response.length) >>> 0;
    out.frame(connection, true, PUSH_ACK, asked, answered, payload);
    out.digits(end, payload, index * STRIDE % distinct);
    out.frame(connection, false, PUSH_ACK, answered, (asked + payload.length) >>> 0, response);
  }
}

function handshake(out: FrameWriter, connection: number): void {
  out.frame(connection, true, SYN, 0, 0);
  out.frame(connection, false, SYN_ACK, 0, 1);
  out.frame(connection, true, ACK, 1, 1);
}

/** Hands the pcap file of a flood to `sink`, in chunks that are valid only during the call; returns its packets. */
export function writeFlood(
  name: FloodName,
  count: number,
  distinct: number,
  sink: (chunk: Uint8Array) => void,
): number {
  const out = new FrameWriter(sink);
  floods[name](out, count, distinct);
  out.flush();
  return out.packets;
}

/** A sink that writes to a file or pipe. */
export function sinkInto(output: { writeSync(bytes: Uint8Array): number }): (chunk: Uint8Array) => void {
  return (chunk) => {
    for (let written = 0; written < chunk.length;) written += output.writeSync(chunk.subarray(written));
  };
}

if (import.meta.main) {
  const [name, count, distinct = count] = Deno.args;
  try {
    writeFlood(name as FloodName, Number(count), Number(distinct), sinkInto(Deno.stdout));
  } catch (error) {
    // The reader's own words say why it ended.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
