import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { CaptureError, Sniffer } from "../../src/app/sniffer.ts";
import type { FilterOptions } from "../../src/app/ports.ts";
import { libc } from "../../src/io/libc.ts";
import { openFile } from "../../src/io/pcap/capture.ts";
import { defaultFilter } from "../../src/io/pcap/filter.ts";
import { compileFilter, libpcap } from "../../src/io/pcap/library.ts";
import {
  authentication,
  destinationOptions,
  ethernet,
  fragment,
  fragmentIpv4,
  hopByHop,
  ipv4,
  ipv6,
  link,
  LINK_TYPES,
  nullLoopback,
  routing,
  tcp,
  udp,
} from "../support/frames.ts";
import "../support/libraries.ts";

function fixture(name: string): string {
  return decodeURIComponent(new URL(`../fixtures/${name}`, import.meta.url).pathname);
}

const KEEP_ALIVE = fixture("keep_alive.pcap");
const KEEP_ALIVE_PACKETS = 18;
const PCAP_HEADER_SIZE = 24;

/** Lengths on the wire of all frames of a file, and the error that reading ended with. */
async function readAll(
  path: string,
  options: FilterOptions = {},
): Promise<{ frames: number[]; error: unknown }> {
  const frames: number[] = [];
  const source = openFile(path, options);
  let error: unknown;
  try {
    for (let batch; (batch = await source.next()) !== undefined;) {
      batch.deliver(({ wireLength }) => void frames.push(wireLength));
    }
  } catch (reason) {
    error = reason;
  }
  await source.close();
  return { frames, error };
}

/** The error that opening a file ends with. */
function openingError(path: string, options: FilterOptions = {}): CaptureError {
  return oneLine(assertThrows(() => openFile(path, options)));
}

/** The error that opening a file, or reading it, ends with. */
async function failure(path: string, options: FilterOptions): Promise<CaptureError> {
  try {
    const { error } = await readAll(path, options);
    return oneLine(error);
  } catch (error) {
    return oneLine(error);
  }
}

function oneLine(error: unknown): CaptureError {
  assert(error instanceof CaptureError, String(error));
  assertEquals(error.message.includes("\n"), false, "more than one line");
  return error;
}

/** What files are read by: without a filter here, else by libpcap. */
const WAYS: Record<string, FilterOptions> = { "without a filter": {}, "with a filter": { ports: [80] } };

Deno.test("openFile reads all packets of a pcap and a pcapng file", async () => {
  for (const name of ["keep_alive.pcap", "nanoseconds.pcap", "pcapng.pcapng"]) {
    const { frames, error } = await readAll(fixture(name));
    assertEquals([frames.length, error], [KEEP_ALIVE_PACKETS, undefined], name);
  }
});

Deno.test("openFile tells what it reads", async () => {
  const source = openFile(fixture("raw_ip.pcap"), { ports: [80] });
  assertEquals(source.info, {
    kind: "file",
    name: fixture("raw_ip.pcap"),
    filter: defaultFilter([80], LINK_TYPES.raw),
    linkTypes: [LINK_TYPES.raw],
  });
  await source.close();
});

Deno.test("openFile stops after count packets", async () => {
  const { frames } = await readAll(KEEP_ALIVE, {});
  for (const count of [1, 7, KEEP_ALIVE_PACKETS, 1000]) {
    assertEquals((await readAll(KEEP_ALIVE, { count })).frames, frames.slice(0, count));
  }
});

Deno.test("openFile gives the packets that the filter matches", async () => {
  const { frames } = await readAll(KEEP_ALIVE);
  const long = frames.filter((length) => length >= 100);
  assert(long.length > 0 && long.length < frames.length);
  assertEquals((await readAll(KEEP_ALIVE, { filter: "greater 100" })).frames, long);
  assertEquals((await readAll(KEEP_ALIVE, { ports: [80] })).frames, frames);
  assertEquals((await readAll(KEEP_ALIVE, { ports: [8080] })).frames, []);
  assertEquals((await readAll(KEEP_ALIVE, { filter: "", ports: [8080] })).frames, frames, "no filter at all");
});

Deno.test("openFile counts what the filter lets through, not what it passes over", async () => {
  const { frames } = await readAll(KEEP_ALIVE, { filter: "greater 100" });
  assertEquals((await readAll(KEEP_ALIVE, { filter: "greater 100", count: 3 })).frames, frames.slice(0, 3));
});

Deno.test("openFile refuses a filter in libpcap's words with the expression", () => {
  const error = openingError(KEEP_ALIVE, { filter: "tcp port" });
  assertEquals([error.kind, error.subject], ["filter", "tcp port"]);
  assertStringIncludes(error.message, `filter "tcp port": `);
  assertStringIncludes(error.message, "syntax error");
});

for (const [way, options] of Object.entries(WAYS)) {
  Deno.test(`openFile names a file that is missing, empty or no capture, and what is wrong with it, ${way}`, async () => {
    for (
      const [path, words] of [
        [fixture("no_such.pcap"), "No such file or directory"],
        ["/dev/null", "empty file"],
        [decodeURIComponent(new URL(import.meta.url).pathname), "not a capture file"],
      ] as const
    ) {
      const error = await failure(path, options);
      assertEquals([error.kind, error.subject], ["file", path]);
      assertStringIncludes(error.message, `${path}: `);
      assertStringIncludes(error.message, words);
      assertEquals(error.message.split(path).length, 2, "the file is named once");
    }
  });

  Deno.test(`openFile says of a directory that it is one, ${way}`, async () => {
    const error = await failure(fixture(""), options);
    assertEquals([error.kind, error.subject], ["file", fixture("")]);
    assertMatch(error.message, /: .*is a directory/i);
  });

  Deno.test(`openFile delivers the packets before the cut of a file, then names the byte, ${way}`, async () => {
    const whole = await readAll(KEEP_ALIVE, options);
    const { frames, error } = await readAll(fixture("cut.pcap"), options);
    assertEquals(frames, whole.frames.slice(0, -1));
    const { size } = Deno.statSync(fixture("cut.pcap"));
    const words = options.ports
      ? `cut or damaged at byte ${size}: truncated dump file`
      : "cut in the middle of a record: it begins at byte 2896 and lacks 20 bytes";
    assertStringIncludes(oneLine(error).message, `cut.pcap: ${words}`);
  });
}

Deno.test("openFile stops where it is told to, and closing twice is harmless", async () => {
  const source = openFile(KEEP_ALIVE, {});
  source.stop();
  assertEquals(await source.next(), undefined);
  source.stop();
  await source.close();
  await source.close();
  source.stop();
});

for (const [way, options] of Object.entries(WAYS)) {
  Deno.test(`a file closed twice takes nothing from those opened since, ${way}`, async () => {
    const [keepAlive, segments] = [await readAll(KEEP_ALIVE), await readAll(fixture("segments.pcap"))];
    const closed = openFile(KEEP_ALIVE, options);
    await closed.close();
    const first = openFile(KEEP_ALIVE, options);
    await closed.close();
    const second = openFile(fixture("segments.pcap"), options);
    const batches = [await first.next(), await second.next()];
    const lengths = batches.map((batch) => {
      const list: number[] = [];
      batch!.deliver(({ wireLength }) => void list.push(wireLength));
      return list;
    });
    await Promise.all([first.close(), second.close()]);
    assertEquals(lengths, [keepAlive.frames, segments.frames]);
  });
}

Deno.test("openFile may be closed while a read is under way", async () => {
  const source = openFile(KEEP_ALIVE, {});
  const reading = source.next();
  await source.close();
  await reading;
});

Deno.test({
  name: "openFile lets timers go off while there is always more to read (needs --allow-write)",
  ignore: Deno.permissions.querySync({ name: "write" }).state !== "granted",
  async fn() {
    // Enough for a hundred batches.
    const once = await Deno.readFile(KEEP_ALIVE);
    const records = once.subarray(PCAP_HEADER_SIZE);
    const bytes = new Uint8Array(PCAP_HEADER_SIZE + records.length * 11_000);
    bytes.set(once.subarray(0, PCAP_HEADER_SIZE));
    for (let at = PCAP_HEADER_SIZE; at < bytes.length; at += records.length) bytes.set(records, at);
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, bytes);
    const source = openFile(path, {});
    let batches = 0, longestWait = 0;
    const timer = setInterval(() => batches = 0, 1);
    for (let batch; (batch = await source.next()) !== undefined;) {
      batch.deliver(() => {});
      longestWait = Math.max(longestWait, ++batches);
      // Decoding takes longer than reading.
      for (const end = performance.now() + 5; performance.now() < end;);
    }
    clearInterval(timer);
    await source.close();
    await Deno.remove(path);
    assertLess(longestWait, 30);
  },
});

Deno.test("two files are read at once", async () => {
  const [first, second] = await Promise.all([readAll(KEEP_ALIVE), readAll(fixture("segments.pcap"))]);
  assertEquals(first.frames.length, KEEP_ALIVE_PACKETS);
  assertEquals(second.frames, (await readAll(fixture("segments.pcap"))).frames);
});

/** libpcap's number where it is not the LINKTYPE_ value. */
const DEAD_LINK_TYPES: Partial<Record<number, number>> = { [LINK_TYPES.raw]: 12 };

/** Whether the default filter of a link type lets a frame through. */
function passes(linkType: number, ports: readonly number[], frame: Uint8Array): boolean {
  const pcap = libpcap();
  const handle = pcap.pcap_open_dead(DEAD_LINK_TYPES[linkType] ?? linkType, 262_144);
  const program = compileFilter(handle, defaultFilter(ports, linkType));
  const header = new DataView(new ArrayBuffer(24));
  header.setUint32(16, frame.length, true);
  header.setUint32(20, frame.length, true);
  const matched = pcap.pcap_offline_filter(
    program,
    new Uint8Array(header.buffer),
    frame as Uint8Array<ArrayBuffer>,
  );
  pcap.pcap_freecode(program);
  pcap.pcap_close(handle);
  return matched !== 0;
}

const to = (port: number) => tcp("GET / HTTP/1.1\r\n\r\n", { destinationPort: port });
const from = (port: number) => tcp("HTTP/1.1 200 OK\r\n\r\n", { sourcePort: port, destinationPort: 40_000 });
const v6 = { source: "2001:db8::1", destination: "2001:db8::2" };

/** Packets that the filter for the ports 80 and 8080 must let through. */
const WANTED: Record<string, Uint8Array> = {
  "IPv4 to port 80": ipv4(to(80)),
  "IPv4 from port 8080": ipv4(from(8080)),
  "IPv4 with options": ipv4(to(80), { options: Uint8Array.of(1, 1, 1, 0) }),
  "the first of two IPv4 fragments": fragmentIpv4(ipv4(to(80)), 24)[0]!,
  "the last of two IPv4 fragments": fragmentIpv4(ipv4(to(80)), 24)[1]!,
  "IPv6 to port 80": ipv6(to(80), v6),
  "IPv6 from port 8080": ipv6(from(8080), v6),
  "IPv6 with hop-by-hop options": ipv6(to(80), { extensions: [hopByHop()] }),
  "IPv6 with a routing header": ipv6(to(80), { extensions: [routing()] }),
  "IPv6 with a fragment header": ipv6(to(80), { extensions: [fragment({ offset: 1440 })] }),
  "IPv6 with an authentication header": ipv6(to(80), { extensions: [authentication()] }),
  "IPv6 with destination options": ipv6(to(80), { extensions: [destinationOptions()] }),
};

const UNWANTED: Record<string, Uint8Array> = {
  "IPv4 to port 443": ipv4(to(443)),
  "IPv6 to port 443": ipv6(to(443), v6),
  "UDP to port 80": ipv4(udp("x", { destinationPort: 80 }), { protocol: 17 }),
};

for (const [name, linkType] of Object.entries(LINK_TYPES)) {
  Deno.test(`defaultFilter on ${name} lets HTTP on its ports through, and what may hide it`, () => {
    for (const [what, packet] of Object.entries(WANTED)) {
      assert(passes(linkType, [80, 8080], link(linkType, packet)), what);
    }
    for (const [what, packet] of Object.entries(UNWANTED)) {
      assert(!passes(linkType, [80, 8080], link(linkType, packet)), what);
    }
  });
}

Deno.test("defaultFilter on Ethernet sees the same within one and two VLAN tags, and not within three", () => {
  for (const vlans of [[5], [40, 5]]) {
    for (const [what, packet] of Object.entries(WANTED)) {
      assert(passes(LINK_TYPES.ethernet, [80, 8080], ethernet(packet, { vlans })), `${what} in ${vlans}`);
    }
    for (const [what, packet] of Object.entries(UNWANTED)) {
      assert(!passes(LINK_TYPES.ethernet, [80, 8080], ethernet(packet, { vlans })), `${what} in ${vlans}`);
    }
  }
  assert(!passes(LINK_TYPES.ethernet, [80], ethernet(ipv4(to(80)), { vlans: [1, 2, 3] })));
});

Deno.test("defaultFilter on BSD loopback knows IPv6 by any system's number for it", () => {
  for (const linkType of [LINK_TYPES.null, LINK_TYPES.loop]) {
    for (const family of [10, 24, 28, 30]) {
      for (const littleEndian of [true, false]) {
        const frame = (port: number) => nullLoopback(ipv6(to(port), v6), { family, littleEndian });
        assert(passes(linkType, [8080, 80], frame(80)), `family ${family}`);
        assert(!passes(linkType, [8080, 80], frame(443)), `family ${family}`);
      }
    }
  }
});

Deno.test("defaultFilter compiles for every link type that has IP", () => {
  const PPP = 9, RAW = 12, PPP_SERIAL = 50, IEEE802_11 = 105, RADIOTAP = 127, IPV4 = 228, IPV6 = 229;
  for (const linkType of [PPP, RAW, PPP_SERIAL, IEEE802_11, RADIOTAP, IPV4, IPV6]) {
    passes(linkType, [80, 8080], new Uint8Array(64));
  }
});

/** The lowest descriptor that is free: it rises when descriptors leak. */
function freeDescriptor(): number {
  const descriptor = libc().dup(0);
  libc().close(descriptor);
  return descriptor;
}

/** Runs `cycle` many times; by then it must have all the memory and descriptors that it will ever need. */
async function assertNoLeak(cycle: () => Promise<unknown>, cycles: number): Promise<void> {
  const many = async () => {
    for (let i = 0; i < cycles; i++) await cycle();
  };
  await many();
  const descriptor = freeDescriptor();
  const growth: number[] = [];
  for (let round = 0; round < 8; round++) {
    const before = Deno.memoryUsage().rss;
    await many();
    growth.push((Deno.memoryUsage().rss - before) / 2 ** 20);
  }
  // V8 lets memory grow for some rounds before it collects what is outside its heap: what leaks grows in every round.
  assertLess(Math.min(...growth), 1, `MiB that each ${cycles} cycles added: ${growth}`);
  assertLess(freeDescriptor(), descriptor + 8, "file descriptors were left open");
}

Deno.test("openFile and close leak neither memory nor descriptors", async () => {
  await assertNoLeak(() => readAll(KEEP_ALIVE, { ports: [80] }), 100);
});

Deno.test("openFile that fails leaks neither memory nor descriptors", async () => {
  const refused = { filter: "bogus bogus" };
  // deno-lint-ignore require-await -- what a cycle is
  await assertNoLeak(async () => openingError(KEEP_ALIVE, refused), 100);
});

async function paths(sniffer: AsyncIterable<{ path: string }>): Promise<string[]> {
  const list: string[] = [];
  for await (const { path } of sniffer) list.push(path);
  return list;
}

const KEEP_ALIVE_PATHS = ["/", "/api/v1/users", "/api/v1/orders", "/missing", "/api/v2/users"];

Deno.test("Sniffer hands over the exchanges of a file, then its iteration ends", async () => {
  const sniffer = new Sniffer({ file: KEEP_ALIVE });
  assertEquals([sniffer.running, sniffer.figures.packets], [false, 0]);
  assertEquals(await paths(sniffer), KEEP_ALIVE_PATHS);
  assertEquals([sniffer.running, sniffer.figures.packets, sniffer.skipped], [false, KEEP_ALIVE_PACKETS, 0]);
});

Deno.test("Sniffer keeps query strings when asked to", async () => {
  const queries: (string | undefined)[] = [];
  for await (const { query } of new Sniffer({ file: KEEP_ALIVE, keepQuery: true })) queries.push(query);
  assertEquals(queries, [undefined, "id=1", undefined, undefined, undefined]);
});

Deno.test("Sniffer starts and stops any number of times", async () => {
  const sniffer = new Sniffer({ file: KEEP_ALIVE });
  await sniffer.stop();
  for (let i = 0; i < 5; i++) {
    sniffer.start();
    sniffer.start();
    assert(sniffer.running);
    await Promise.all([sniffer.stop(), sniffer.stop()]);
    assertEquals(sniffer.running, false);
    assertEquals(await paths(sniffer), KEEP_ALIVE_PATHS);
  }
});

Deno.test("Sniffer started by hand hands over what came before the iteration", async () => {
  const sniffer = new Sniffer({ file: KEEP_ALIVE });
  sniffer.start();
  assertEquals(await paths(sniffer), KEEP_ALIVE_PATHS);
});

Deno.test("Sniffer stops when its loop is left", async () => {
  const sniffer = new Sniffer({ file: KEEP_ALIVE });
  for await (const { path } of sniffer) {
    assertEquals(path, "/");
    break;
  }
  assertEquals(sniffer.running, false);
  const error = await assertRejects(async () => {
    for await (const _ of sniffer) throw new Error("of the caller");
  });
  assertEquals([(error as Error).message, sniffer.running], ["of the caller", false]);
});

Deno.test("Sniffer stops at the end of its block", async () => {
  let outside: Sniffer;
  {
    await using sniffer = new Sniffer({ file: KEEP_ALIVE });
    sniffer.start();
    outside = sniffer;
  }
  assertEquals(outside.running, false);
});

Deno.test("Sniffer stops on its AbortSignal, which ends its loop, and does not start after it", async () => {
  const controller = new AbortController();
  const sniffer = new Sniffer({ file: KEEP_ALIVE, signal: controller.signal });
  const list: string[] = [];
  for await (const { path } of sniffer) {
    list.push(path);
    controller.abort();
  }
  assertEquals(list, KEEP_ALIVE_PATHS.slice(0, list.length));
  assertEquals(sniffer.running, false);
  assertThrows(() => sniffer.start(), DOMException, "abort");
});

Deno.test("two Sniffers run at once", async () => {
  const all = await Promise.all([
    paths(new Sniffer({ file: KEEP_ALIVE })),
    paths(new Sniffer({ file: fixture("raw_ip.pcap") })),
    paths(new Sniffer({ file: KEEP_ALIVE })),
  ]);
  assertEquals(all, [KEEP_ALIVE_PATHS, ["/api/1", "/missing", "/api/2"], KEEP_ALIVE_PATHS]);
});

Deno.test("Sniffer skips the oldest exchanges when nobody takes them, and counts them", async () => {
  const sniffer = new Sniffer({ file: KEEP_ALIVE, queueLimit: 2 });
  sniffer.start();
  const iterator = sniffer[Symbol.asyncIterator]();
  await iterator.next();
  const rest = await paths({ [Symbol.asyncIterator]: () => iterator });
  assertEquals(sniffer.skipped + rest.length + 1, KEEP_ALIVE_PATHS.length);
  assertEquals(rest.at(-1), KEEP_ALIVE_PATHS.at(-1));
  assert(sniffer.skipped > 0);
});

Deno.test("Sniffer tells what is wrong: at its start what cannot be opened, in its loop what cannot be read", async () => {
  assertThrows(() => new Sniffer({ file: fixture("no_such.pcap") }).start(), CaptureError, "No such file");
  assertThrows(() => new Sniffer({ file: KEEP_ALIVE, filter: "bogus bogus" }).start(), CaptureError, "bogus");
  const list: string[] = [];
  const error = await assertRejects(async () => {
    for await (const { path } of new Sniffer({ file: fixture("cut.pcap") })) list.push(path);
  }, CaptureError);
  assertMatch((error as CaptureError).message, /cut .*at byte \d+/);
  assertEquals(list, KEEP_ALIVE_PATHS);
});

Deno.test("Sniffer leaks neither memory nor descriptors", async () => {
  const sniffer = new Sniffer({ file: KEEP_ALIVE });
  await assertNoLeak(() => paths(sniffer), 300);
});
