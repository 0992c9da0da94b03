import { assert, assertEquals } from "@std/assert";
import { concat } from "../support/frames.ts";
import { corpusTest, openCapture } from "../support/corpus.ts";
import { parseTable } from "../support/tshark_truth.ts";
import { u16 } from "../../src/bytes.ts";
import type { Frame } from "../../src/frame.ts";
import { SavefileReader } from "../../src/savefile.ts";
import { decodeFrame, decodeRest } from "../../src/wire/decode.ts";
import { DnsMessage, DnsType } from "../../src/wire/dns.ts";
import { Layer, Packet } from "../../src/wire/packet.ts";

/**
 * DNS messages of captures that others made, compared with what tshark says of them, frame by frame. `TRAFFICSNIFFER_CORPUS`
 * names the folder: `captures/`, `truth/` and `INDEX.tsv`, which lists the captures.
 */

/** Differences that are right, or where the comparison does not apply. */
interface Explained {
  readonly file: string;
  /** As {@link compare} words them. */
  readonly differences: readonly string[];
  readonly reason: string;
}

const EXPLAINED: readonly Explained[] = [
  {
    file: "AlexeyVasilev__PcapFlowLab__pcap_flow_lab_showcase.pcap",
    differences: ["frame 833: warn.example.test is not read whole"],
    reason: "its header promises two answers and it ends behind the question: tshark calls it malformed too",
  },
];

/** The messages of one frame, their values in the order of the table's columns. */
interface Messages {
  readonly ids: string[];
  readonly responses: string[];
  readonly rcodes: string[];
  readonly names: string[];
  readonly types: string[];
  readonly v4: string[];
  readonly v6: string[];
  readonly aliases: string[];
  /** True when there are authorities or additional records, of which tshark gives the addresses too. */
  hasMore: boolean;
  isPartial: boolean;
}

const COLUMNS = {
  ids: "dns.id",
  responses: "dns.flags.response",
  rcodes: "dns.flags.rcode",
  names: "dns.qry.name",
  types: "dns.qry.type",
  v4: "dns.a",
  v6: "dns.aaaa",
  aliases: "dns.cname",
} as const;

/** A corpus with less proves nothing. */
const FEWEST = { files: 15, messages: 350 };

corpusTest(
  "every DNS message of TRAFFICSNIFFER_CORPUS is read as tshark does, or the difference is explained",
  compareAll,
);

async function compareAll(folder: string): Promise<void> {
  const total = { files: 0, messages: 0 };
  const differences: string[] = [];
  for (const row of parseTable(Deno.readTextFileSync(`${folder}/INDEX.tsv`))) {
    const file = row.get("file")!;
    // What came in HTTP is no message of its own.
    const truth = parseTable(Deno.readTextFileSync(`${folder}/truth/${file}.dns.tsv`)).filter((line) =>
      !line.get("frame.protocols")!.includes(":http2:dns")
    );
    const ours = await readCapture(`${folder}/captures/${file}`);
    const expected = new Map(truth.map((line) => [Number(line.get("frame.number")), line]));
    differences.push(...compare(expected, ours).map((difference) => `${file}: ${difference}`));
    if (truth.length > 0) total.files++;
    for (const { ids } of ours.values()) total.messages += ids.length;
  }
  const explained = EXPLAINED.flatMap((it) =>
    it.differences.map((difference) => `${it.file}: ${difference}`)
  );
  assertEquals(
    differences.filter((one) => !explained.includes(one)),
    [],
    "differences that nobody has explained",
  );
  assertEquals(
    explained.filter((one) => !differences.includes(one)),
    [],
    "explained differences that are none any more",
  );
  console.log(`${total.messages} DNS messages of ${total.files} captures`);
  for (const figure of ["files", "messages"] as const) {
    assert(total[figure] >= FEWEST[figure], `only ${total[figure]} ${figure}`);
  }
}

function compare(
  expected: ReadonlyMap<number, ReadonlyMap<string, string>>,
  ours: ReadonlyMap<number, Messages>,
): string[] {
  const differences: string[] = [];
  for (const frame of new Set([...expected.keys(), ...ours.keys()])) {
    const line = expected.get(frame), messages = ours.get(frame);
    if (!line) differences.push(`frame ${frame}: additional ${messages!.names}`);
    else if (!messages) differences.push(`frame ${frame}: ${line.get("dns.qry.name")} is missing`);
    else {
      if (messages.isPartial) differences.push(`frame ${frame}: ${messages.names} is not read whole`);
      for (const [key, column] of Object.entries(COLUMNS) as [keyof typeof COLUMNS, string][]) {
        const theirs = line.get(column)!.toLowerCase(), own = messages[key].join("|");
        const mayHaveMore = messages.hasMore && (key === "v4" || key === "v6");
        const isSame = mayHaveMore ? own === "" || `${theirs}|`.startsWith(`${own}|`) : theirs === own;
        if (!isSame) differences.push(`frame ${frame}: ${column} ${theirs}, ours ${own}`);
      }
    }
  }
  return differences;
}

/** Reads the DNS messages of a capture, over UDP and TCP, by frame number. */
async function readCapture(path: string): Promise<Map<number, Messages>> {
  const byFrame = new Map<number, Messages>();
  const streams = new Map<string, Stream>();
  const packet = new Packet();
  const message = new DnsMessage();
  let number = 0;

  const take = (bytes: Uint8Array, start: number, end: number) => {
    if (!message.read(bytes, start, end)) return;
    const messages = byFrame.get(number) ?? noMessages();
    byFrame.set(number, messages);
    messages.ids.push(`0x${message.id.toString(16).padStart(4, "0")}`);
    messages.responses.push(message.isResponse ? "1" : "0");
    if (message.isResponse) messages.rcodes.push(String(message.rcode));
    messages.names.push(message.name === "" ? "<root>" : message.name);
    messages.types.push(String(message.type));
    for (const { type, target, addresses } of message.answers) {
      if (type === DnsType.a) messages.v4.push(...addresses);
      if (type === DnsType.aaaa) messages.v6.push(...addresses);
      if (type === DnsType.cname) messages.aliases.push(target ?? "");
    }
    messages.hasMore ||= u16(bytes, start + 8) + u16(bytes, start + 10) > 0;
    messages.isPartial ||= message.isPartial;
  };

  const frame = (frame: Frame) => {
    number++;
    packet.reset(frame.bytes, frame.start, frame.end, frame.wireLength, frame.time);
    for (
      let layer: Layer | undefined = decodeFrame(packet, frame.linkType);
      layer !== undefined;
      layer = decodeRest(packet)
    ) {
      const { bytes, at, end, sourcePort, destinationPort } = packet;
      const isSegment = layer === Layer.segment;
      if (!isSegment && layer !== Layer.datagram) continue;
      if (sourcePort !== 53 && destinationPort !== 53) continue;
      if (!isSegment) {
        take(bytes, at, end);
        continue;
      }
      const key = `${
        bytes.subarray(packet.source, packet.source + 2 * packet.addressLength)
      } ${sourcePort} ${destinationPort}`;
      const stream = streams.get(key) ?? new Stream();
      streams.set(key, stream);
      for (const whole of stream.push(packet)) take(whole, 0, whole.length);
    }
  };
  const reader = new SavefileReader();
  for await (const chunk of await openCapture(path)) reader.push(chunk, frame);
  reader.end();
  return byFrame;
}

function noMessages(): Messages {
  return {
    ids: [],
    responses: [],
    rcodes: [],
    names: [],
    types: [],
    v4: [],
    v6: [],
    aliases: [],
    hasMore: false,
    isPartial: false,
  };
}

/** One direction of a TCP connection in order: messages, each behind its length. Segments that were seen before are left out. */
class Stream {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #next: number | undefined;

  push(packet: Packet): Uint8Array[] {
    const { bytes, at, end, sequence } = packet;
    if (at === end || sequence !== (this.#next ?? sequence)) return [];
    this.#next = (sequence + end - at) | 0;
    this.#bytes = concat(this.#bytes, bytes.subarray(at, end));
    const messages: Uint8Array[] = [];
    for (;;) {
      const messageEnd = this.#bytes.length < 2 ? Infinity : 2 + u16(this.#bytes, 0);
      if (messageEnd > this.#bytes.length) return messages;
      messages.push(this.#bytes.slice(2, messageEnd));
      this.#bytes = this.#bytes.slice(messageEnd);
    }
  }
}
