import { assertEquals, assertRejects } from "@std/assert";
import type { FilterOptions } from "../../../src/app/ports.ts";
import { CaptureError } from "../../../src/errors.ts";
import { openFile } from "../../../src/io/pcap/capture.ts";
import { Conversation, type Frame, LINK_TYPES } from "../../support/frames.ts";
import { pcapFile, PcapngBuilder, pcapngFile } from "../../support/savefile_builder.ts";
import "../../support/libraries.ts";

const mayWrite = Deno.permissions.querySync({ name: "write" }).state === "granted";
const mayRun = Deno.permissions.querySync({ name: "run" }).state === "granted";

/** Defines a test that is left out where no file can be written. */
function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `${name} (needs --allow-write)`, ignore: !mayWrite, fn: run });
}

/** Frames of one connection to a port. */
function framesOf(linkType: number, port: number, time: number): Frame[] {
  const c = new Conversation({ linkType, server: { port }, time });
  c.handshake();
  c.client("GET / HTTP/1.1\r\n\r\n");
  return c.frames;
}

const ETHERNET = framesOf(LINK_TYPES.ethernet, 80, 1_000_000);
const RAW = framesOf(LINK_TYPES.raw, 8080, 2_000_000);
const MIXED = ETHERNET.flatMap((frame, i) => [frame, RAW[i]!]);

/** Reads a whole file: kind, link types and filter as told at the end, and the frames. */
async function read(
  path: string,
  options: FilterOptions = {},
): Promise<{ kind: string; linkTypes: readonly number[]; filter: string; frames: Frame[] }> {
  const source = openFile(path, options);
  const frames: Frame[] = [];
  try {
    for (let batch = await source.next(); batch; batch = await source.next()) {
      batch.deliver(({ bytes, start, end, wireLength, time, linkType }) => {
        frames.push({ bytes: bytes.slice(start, end), time, wireLength, linkType });
      });
    }
    const { kind, linkTypes, filter } = source.info;
    return { kind, linkTypes, filter, frames };
  } finally {
    await source.close();
  }
}

async function readBytes(bytes: Uint8Array, options: FilterOptions = {}): ReturnType<typeof read> {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, bytes);
    return await read(path, options);
  } finally {
    Deno.removeSync(path);
  }
}

for (const littleEndian of [true, false]) {
  const order = littleEndian ? "little-endian" : "big-endian";
  test(`openFile reads ${order} pcap with microseconds and nanoseconds, and pcapng`, async () => {
    for (
      const file of [
        pcapFile(ETHERNET, { littleEndian }),
        pcapFile(ETHERNET, { littleEndian, nanoseconds: true }),
        pcapngFile(ETHERNET, { littleEndian }),
        pcapngFile(ETHERNET, { littleEndian, resolution: 9 }),
      ]
    ) {
      // pcap is left to libpcap where there is a filter.
      for (const options of [{}, { ports: [80] }]) {
        const { kind, linkTypes, frames } = await readBytes(file, options);
        assertEquals([kind, linkTypes], ["file", [LINK_TYPES.ethernet]]);
        assertEquals(frames, ETHERNET.map((frame) => ({ ...frame, bytes: frame.bytes.slice() })));
      }
    }
  });
}

test("openFile reads a pcapng file of several link types", async () => {
  const { linkTypes, frames } = await readBytes(pcapngFile(MIXED));
  assertEquals(linkTypes, [LINK_TYPES.ethernet, LINK_TYPES.raw]);
  assertEquals(frames, MIXED.map((frame) => ({ ...frame, bytes: frame.bytes.slice() })));
});

test("openFile reads a pcapng file whose later section has another byte order and link type", async () => {
  const first = new PcapngBuilder().section().interface({ linkType: LINK_TYPES.ethernet });
  for (const frame of ETHERNET) first.packet(frame);
  const second = new PcapngBuilder({ littleEndian: false }).section().interface({ linkType: LINK_TYPES.raw });
  for (const frame of RAW) second.packet(frame);
  const { frames } = await readBytes(Uint8Array.of(...first.bytes, ...second.bytes));
  assertEquals(frames.length, ETHERNET.length + RAW.length);
});

test("openFile compiles the filter for each link type", async () => {
  const file = pcapngFile(MIXED);
  assertEquals((await readBytes(file, { filter: "tcp port 80" })).frames.length, ETHERNET.length);
  assertEquals((await readBytes(file, { filter: "tcp port 8080" })).frames.length, RAW.length);
  assertEquals((await readBytes(file, { ports: [80, 8080] })).frames.length, MIXED.length);
});

test("openFile stops after the packets asked for", async () => {
  assertEquals((await readBytes(pcapngFile(MIXED), { count: 3 })).frames.length, 3);
});

test("openFile says where a pcapng file is cut, after the frames before", async () => {
  const file = pcapngFile(ETHERNET);
  await assertRejects(
    () => readBytes(file.subarray(0, file.length - 5)),
    CaptureError,
    "cut in the middle of a record",
  );
});

Deno.test({
  name: "openFile reads a named pipe as a pipe (needs --allow-write --allow-run)",
  ignore: !mayWrite || !mayRun,
  fn: async () => {
    const folder = Deno.makeTempDirSync();
    try {
      const path = `${folder}/pipe`;
      await new Deno.Command("mkfifo", { args: [path] }).output();
      Deno.writeFileSync(`${folder}/file`, pcapFile(ETHERNET));
      const shell = new Deno.Command("sh", { args: ["-c", 'cat "$0/file" >"$0/pipe"', folder] }).spawn();
      const { kind, frames } = await read(path);
      await shell.status;
      assertEquals([kind, frames.length], ["pipe", ETHERNET.length]);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});
