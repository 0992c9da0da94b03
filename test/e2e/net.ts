/**
 * What tests of live capture share: the program as users start it, more kinds of links, and what a request
 * looks like to the server's log and to the program.
 *
 * @module
 */

import { type AccessLogEntry, type Namespace, poll, run, withNetns } from "./support.ts";

const checkout = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** No command runs longer: what hangs makes its test fail. */
const MOST_SECONDS = 60;

/** A command that was started, its output so far and its end. */
export interface Running extends AsyncDisposable {
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the exit code once all output was read. */
  readonly end: Promise<number>;
  kill(signal: Deno.Signal): void;
}

/** Starts a command, in a namespace where one is given. Killed when disposed of. */
export function start(
  command: string,
  args: readonly string[],
  options: { namespace?: Namespace | undefined; stdin?: ReadableStream<Uint8Array> } = {},
): Running {
  const [file, all] = options.namespace?.inside(command, args) ?? [command, [...args]];
  const child = new Deno.Command(file, {
    args: all,
    cwd: checkout,
    // Else Deno looks up where updates are.
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: options.stdin ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // When the reader ends first, what is still being written to it goes nowhere.
  const feeding = options.stdin?.pipeTo(child.stdin).catch(() => {});
  let stdout = "", stderr = "", ended = false;
  const watchdog = setTimeout(() => child.kill("SIGKILL"), MOST_SECONDS * 1000);
  const end = (async () => {
    await Promise.all([
      collect(child.stdout, (text) => stdout += text),
      collect(child.stderr, (text) => stderr += text),
    ]);
    const { code } = await child.status;
    clearTimeout(watchdog);
    ended = true;
    return code;
  })();
  return {
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    end,
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGKILL");
      await end;
      await feeding;
    },
  };
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}

/** The arguments of Deno that start the program with `--allow-ffi` and `permissions`. */
export function programArguments(args: readonly string[], permissions: readonly string[] = []): string[] {
  return ["run", "--no-prompt", "--allow-ffi", ...permissions, `${checkout}main.ts`, ...args];
}

/** Starts the program. */
export function startProgram(
  args: readonly string[],
  options: {
    namespace?: Namespace;
    permissions?: readonly string[];
    stdin?: ReadableStream<Uint8Array>;
  } = {},
): Running {
  return start(Deno.execPath(), programArguments(args, options.permissions), options);
}

/** Waits until the program says that its capture is open. */
export async function watching(program: Running): Promise<void> {
  await waitFor(program, "it to watch", () => /: (watching|reading) /.test(program.stderr));
}

/** Waits until `attempt` is truthy; on a timeout the error tells what the command had said by then. */
export async function waitFor<T>(
  running: Running,
  awaited: string,
  attempt: () => T | Promise<T>,
  timeout?: number,
): Promise<NonNullable<T>> {
  try {
    return await poll(awaited, attempt, timeout);
  } catch (error) {
    const said = `${running.stderr}\n${running.stdout.slice(-2000)}`;
    throw new Error(`${error instanceof Error ? error.message : error}; it said: ${said}`);
  }
}

/** The whole lines of JSON on its standard output so far. */
export function jsonLines<T = Record<string, unknown>>(running: Running): T[] {
  return running.stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** Sends SIGINT; the exit code, and how long it took to end in milliseconds. */
export async function interrupt(program: Running): Promise<{ code: number; milliseconds: number }> {
  const begin = performance.now();
  program.kill("SIGINT");
  return { code: await program.end, milliseconds: performance.now() - begin };
}

/** Runs a command in a namespace; it must succeed. */
export async function inside(
  namespace: Namespace,
  command: string,
  args: readonly string[],
): Promise<string> {
  const { code, stdout, stderr } = await run(...namespace.inside(command, args));
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed (${code}): ${stderr.trim()}`);
  return stdout;
}

/** A link of two TUN or TAP devices that a process of its own joins. */
export interface TunLink {
  /** TUN devices carry raw IP packets, TAP devices Ethernet frames. */
  kind: "tun" | "tap";
  /** Names of the devices. */
  devices: readonly [string, string];
  /** From one end to the other, in milliseconds. */
  delay: number;
}

/** Makes such a link, both ends in one namespace. It lasts until the process is disposed of. */
export async function startTunLink(namespace: Namespace, link: TunLink): Promise<Running> {
  const script = decodeURIComponent(new URL("tun_link.ts", import.meta.url).pathname);
  const args = [link.kind, ...link.devices, String(link.delay)];
  const process = start(Deno.execPath(), ["run", "--no-prompt", "--allow-ffi", script, ...args], {
    namespace,
  });
  await waitFor(process, "the devices", () => process.stdout.includes("ready"));
  return process;
}

/** Calls `use` with two namespaces that a link of TUN devices joins: frames on it are raw IP packets. */
export async function withTunLink(
  use: (client: Namespace, server: Namespace) => Promise<void>,
): Promise<void> {
  await withNetns(async (client, server) => {
    await using _link = await startTunLink(client, { kind: "tun", devices: ["tun0", "tun1"], delay: 0 });
    await inside(client, "ip", ["link", "set", "tun1", "netns", server.name]);
    const ends = [
      { ...client, device: "tun0", address4: "10.78.0.1", address6: "fd78::1" },
      { ...server, device: "tun1", address4: "10.78.0.2", address6: "fd78::2" },
    ] as const;
    for (const end of ends) {
      await inside(end, "ip", ["link", "set", end.device, "addrgenmode", "none", "up"]);
      await inside(end, "ip", ["address", "add", `${end.address4}/24`, "dev", end.device]);
      await inside(end, "ip", ["address", "add", `${end.address6}/64`, "dev", end.device, "nodad"]);
    }
    await use(...ends);
  });
}

/** What server and program must agree on about a request. */
export interface Seen {
  method: string;
  host: string;
  path: string;
  status: number;
}

/** A request as nginx logged it; its host without port and brackets, in lower case. */
export function seenByServer({ method, host, uri, status }: AccessLogEntry): Seen {
  const name = new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, "");
  return { method, host: name, path: uri.split("?")[0]!, status };
}

/** A request as `-o ndjson` has it; status 0 without a response. */
export function seenByProgram(record: Record<string, unknown>): Seen {
  return {
    method: String(record["http.request.method"]),
    host: String(record["url.domain"]),
    path: String(record["url.path"]),
    status: Number(record["http.response.status_code"] ?? 0),
  };
}

/** In an order that does not depend on when a request was seen. */
export function sorted<T>(list: readonly T[]): T[] {
  const keyed = list.map((item) => [JSON.stringify(item), item] as const);
  return keyed.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map(([, item]) => item);
}
