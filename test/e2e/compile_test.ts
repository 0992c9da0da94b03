import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Conversation } from "../support/frames.ts";
import { pcapFile } from "../support/savefile_builder.ts";
import { e2e, isRoot, run, type RunResult, tempDir } from "./support.ts";

const checkout = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Root's cache is one for the whole system, so these tests start the executable as another user. */
const user = isRootIfKnown() ? { uid: 65534, gid: 65534 } : {};

function isRootIfKnown(): boolean {
  return Deno.permissions.querySync({ name: "sys", kind: "uid" }).state === "granted" && isRoot();
}

function compile(deno: string, args: string[], env: Record<string, string> = {}): Promise<RunResult> {
  return run(deno, ["task", "--cwd", checkout, "compile", ...args], { env: { NO_COLOR: "1", ...env } });
}

/** A self-extracting executable and a place for its cache, both with a space in their paths. */
interface Bench extends AsyncDisposable {
  executable: string;
  /** The directory that the executable unpacks into. */
  cache: string;
  start(args: string[], executable?: string): Promise<RunResult>;
}

let compiled: Promise<Uint8Array> | undefined;

/** Compiles once for all tests. */
function selfExtracting(): Promise<Uint8Array> {
  compiled ??= (async () => {
    await using directory = await tempDir();
    const output = `${directory.path}/trafficsniffer`;
    const result = await compile(Deno.execPath(), ["--self-extracting", "--output", output]);
    assertEquals(result.code, 0, result.stderr);
    assertStringIncludes(result.stderr, "self-extracting executable");
    return await Deno.readFile(output);
  })();
  return compiled;
}

async function bench(): Promise<Bench> {
  const bytes = await selfExtracting();
  const directory = await tempDir();
  const executable = `${directory.path}/traffic sniffer`;
  const home = `${directory.path}/cache home`;
  await Deno.writeFile(executable, bytes, { mode: 0o755 });
  await Deno.mkdir(home);
  if (user.uid !== undefined) await Deno.chown(home, user.uid, user.gid);
  return {
    executable,
    cache: `${home}/trafficsniffer`,
    start: (args, path = executable) =>
      run(path, args, {
        ...user,
        cwd: "/",
        clearEnv: true,
        env: { PATH: Deno.env.get("PATH") ?? "", XDG_CACHE_HOME: home },
      }),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

/** Writes a capture of one request and its response, readable by all. */
async function writeCapture(file: string): Promise<void> {
  const conversation = new Conversation();
  conversation.handshake();
  conversation.client("GET /api/v1 HTTP/1.1\r\nHost: a.test\r\n\r\n");
  conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  conversation.close();
  await Deno.writeFile(file, pcapFile(conversation.frames));
}

/** Asserts that what a `-r FILE -o json` of that capture gave is its report. */
function assertReport({ code, stdout, stderr }: RunResult): void {
  assertEquals(code, 0, stderr);
  const { totals, hosts } = JSON.parse(stdout);
  assertEquals([totals.requests, totals.responses, hosts[0].host], [1, 1, "a.test"]);
}

/** Asserts that an executable, started as root, sees requests on loopback, live. */
async function assertSeesTraffic(executable: string, env: Record<string, string>): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("x"));
  const { port } = server.addr;
  const watching = run(executable, ["-i", "lo", "-p", `${port}`, "-o", "json", "-q", "--duration", "3s"], {
    env,
  });
  const requests = setInterval(() => {
    fetch(`http://127.0.0.1:${port}/live/x`).then((response) => response.text());
  }, 100);
  const { code, stdout, stderr } = await watching;
  clearInterval(requests);
  assertEquals(code, 0, stderr);
  const { sections, totals } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  assert(totals.responses >= 5, stdout);
  assertEquals(sections[0].section, "/live");
}

/** Names of what is unpacked, without Deno's own cache. */
function unpacked(cache: string): string[] {
  return [...Deno.readDirSync(cache)].map(({ name }) => name).filter((name) => name !== "deno").sort();
}

e2e("compile makes a binary that runs from the base executable in DENORT_BIN", {
  needs: ["TRAFFICSNIFFER_COMPILE_BASE"],
}, async () => {
  const base = await run("sh", [Deno.env.get("TRAFFICSNIFFER_COMPILE_BASE") ?? ""]);
  assertEquals(base.code, 0, base.stderr);
  const variable = (name: string) => new RegExp(`^${name}=([^;\\n]*)`, "m").exec(base.stdout)?.[1] ?? "";
  await using directory = await tempDir();
  const output = `${directory.path}/trafficsniffer`;
  const result = await compile(variable("DENO"), ["--output", output], {
    DENORT_BIN: variable("DENORT_BIN"),
  });
  assertEquals(result.code, 0, result.stderr);
  assertStringIncludes(result.stderr, `${output}: binary`);
  assertMatch((await run(output, ["--version"])).stdout, /^trafficsniffer \d/);
  await writeCapture(`${directory.path}/a.pcap`);
  const temporary = `${directory.path}/temporary`;
  await Deno.mkdir(temporary);
  assertReport(
    await run(output, ["-r", `${directory.path}/a.pcap`, "-o", "json"], { env: { TMPDIR: temporary } }),
  );
  assertEquals([...Deno.readDirSync(temporary)], [], "it must not cache code where others can write");
  if (isRoot()) await assertSeesTraffic(output, { TMPDIR: temporary });
});

e2e("compile leaves no file behind when the base executable is of another version", {
  needs: ["TRAFFICSNIFFER_COMPILE_BASE"],
}, async () => {
  const base = await run("sh", [Deno.env.get("TRAFFICSNIFFER_COMPILE_BASE") ?? ""]);
  const denort = /^DENORT_BIN=([^;\n]*)/m.exec(base.stdout)?.[1] ?? "";
  await using directory = await tempDir();
  const output = `${directory.path}/trafficsniffer`;
  const result = await compile(Deno.execPath(), ["--output", output], { DENORT_BIN: denort });
  assertEquals(result.code, 1);
  assertStringIncludes(result.stderr, `Is ${denort} of Deno ${Deno.version.deno}?`);
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

e2e("compile refuses a target it does not know", {}, async () => {
  const result = await compile(Deno.execPath(), ["--target", "sparc"]);
  assertEquals(result.code, 1);
  assertStringIncludes(result.stderr, "unknown target sparc");
});

e2e("a self-extracting executable starts from any directory and unpacks into a private one", {}, async () => {
  await using place = await bench();
  const result = await place.start(["--version"]);
  assertMatch(result.stdout, /^trafficsniffer \d/, result.stderr);
  assertEquals(result.stderr, "");
  assertEquals(((await Deno.lstat(place.cache)).mode ?? 0) & 0o7777, 0o700);
  assertEquals(unpacked(place.cache).length, 2);
});

e2e("a self-extracting executable reads a capture", {}, async () => {
  await using place = await bench();
  const file = `${place.executable}.pcap`;
  await writeCapture(file);
  assertReport(await place.start(["-r", file, "-o", "json"]));
});

e2e("a self-extracting executable sees live traffic", { needs: ["root"] }, async () => {
  await using directory = await tempDir();
  const executable = `${directory.path}/trafficsniffer`;
  await Deno.writeFile(executable, await selfExtracting(), { mode: 0o755 });
  await assertSeesTraffic(executable, {});
});

e2e("a self-extracting executable does not unpack again at its second start", {}, async () => {
  await using place = await bench();
  await place.start(["--version"]);
  const files = () =>
    unpacked(place.cache).map((name) => {
      const { ino, mtime } = Deno.lstatSync(`${place.cache}/${name}`);
      return { name, ino, mtime };
    });
  const first = files();
  const result = await place.start(["--version"]);
  assertMatch(result.stdout, /^trafficsniffer \d/, result.stderr);
  assertEquals(files(), first);
});

e2e("two first starts of a self-extracting executable at once both run", {}, async () => {
  await using place = await bench();
  const results = await Promise.all([place.start(["--version"]), place.start(["--version"])]);
  for (const result of results) assertMatch(result.stdout, /^trafficsniffer \d/, result.stderr);
  assertEquals(unpacked(place.cache).length, 2);
});

e2e("a self-extracting executable refuses a cache that others could have changed", {}, async (context) => {
  await using place = await bench();
  await place.start(["--version"]);
  const [deno = "", program = ""] = unpacked(place.cache).map((name) => `${place.cache}/${name}`)
    .sort((a, b) => Number(a.endsWith(".js")) - Number(b.endsWith(".js")));

  const refused = async (path: string) => {
    const result = await place.start(["--version"]);
    assertEquals(result.code, 1);
    assertEquals(result.stdout, "");
    assertMatch(result.stderr, /^trafficsniffer: refusing [^\n]*\n$/);
    assertStringIncludes(result.stderr, `refusing ${path}:`);
  };
  const replaceByLink = async (path: string) => {
    await Deno.rename(path, `${path}.moved`);
    await Deno.symlink(`${path}.moved`, path);
    return async () => {
      await Deno.remove(path);
      await Deno.rename(`${path}.moved`, path);
    };
  };

  for (
    const [what, path] of Object.entries({ "the directory": place.cache, Deno: deno, "the program": program })
  ) {
    const { mode } = await Deno.lstat(path);
    assert(mode !== null);
    for (const others of [0o777, 0o770, 0o702]) {
      await context.step(
        `mode ${others.toString(8)} of ${what}`,
        async () => {
          await Deno.chmod(path, others);
          await refused(path);
          await Deno.chmod(path, mode & 0o7777);
        },
      );
    }
    await context.step(
      `a link in place of ${what}`,
      async () => {
        const restore = await replaceByLink(path);
        await refused(path);
        await restore();
      },
    );
    if (user.uid !== undefined) {
      await context.step(
        `another owner of ${what}`,
        async () => {
          await Deno.chown(path, 65533, null);
          await refused(path);
          await Deno.chown(path, user.uid ?? null, null);
        },
      );
    }
  }
  await context.step("and runs again when all is as it was", async () => {
    assertMatch((await place.start(["--version"])).stdout, /^trafficsniffer \d/);
  });
});

e2e(
  "a self-extracting executable refuses a waiting directory that others can write, before unpacking",
  {},
  async () => {
    await using place = await bench();
    await Deno.mkdir(place.cache);
    await Deno.chmod(place.cache, 0o777);
    if (user.uid !== undefined) await Deno.chown(place.cache, user.uid, user.gid);
    const result = await place.start(["--version"]);
    assertEquals(result.code, 1);
    assertStringIncludes(result.stderr, "refusing");
    assertEquals(unpacked(place.cache), []);
  },
);

e2e("a self-extracting executable that was damaged says so and leaves nothing", {}, async (context) => {
  await using place = await bench();
  const bytes = await Deno.readFile(place.executable);
  const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    "cut short": (bytes) => bytes.subarray(0, bytes.length - 1_000_000),
    "one bit flipped": (bytes) => bytes.with(bytes.length - 1_000_000, (bytes.at(-1_000_000) ?? 0) ^ 1),
    // The bytes unpack without complaint, so that only the digest tells.
    "content of another digest": (bytes) => {
      const at = new TextDecoder("latin1").decode(bytes.subarray(0, 4096)).indexOf("deno_sha256=") + 12;
      return bytes.with(at, bytes[at] === 0x30 ? 0x31 : 0x30);
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    await context.step(name, async () => {
      const path = `${place.executable} damaged`;
      await Deno.writeFile(path, damage(bytes), { mode: 0o755 });
      const result = await place.start(["--version"], path);
      assertEquals(result.code, 1);
      assertMatch(result.stderr, /^trafficsniffer: [^\n]*damaged[^\n]*\n$/);
      assertEquals(unpacked(place.cache).filter((name) => !name.endsWith(".js")), []);
    });
  }
});
