/**
 * What end-to-end tests share: how a test says what it needs, network namespaces, nginx, temporary
 * directories and waiting.
 *
 * @module
 */

const PERMISSIONS = ["run", "read", "write", "net", "env", "sys", "ffi"] as const;

/**
 * Registers a test that needs all permissions and what `needs` names:
 *
 * - `"root"`: the root user;
 * - `"netns"`: the right to make network namespaces, and `ip`;
 * - a name in capitals: an environment variable that is set;
 * - a path: a file that is there;
 * - anything else: a command on PATH.
 *
 * Where something is missing the test is left out, and its name says why.
 */
export function e2e(
  name: string,
  options: { needs?: readonly string[] },
  test: (context: Deno.TestContext) => void | Promise<void>,
): void {
  const missing = missingNeeds(options.needs ?? []);
  if (missing.length === 0) Deno.test(name, test);
  else Deno.test({ name: `[left out: needs ${missing.join(", ")}] ${name}`, ignore: true, fn: test });
}

function missingNeeds(needs: readonly string[]): string[] {
  // Asked first: without these, finding out the rest would throw.
  const granted = PERMISSIONS.every((name) => Deno.permissions.querySync({ name }).state === "granted");
  if (!granted) return ["--allow-all"];
  return needs.filter((need) => !isMet(need));
}

function isMet(need: string): boolean {
  if (need === "root") return isRoot();
  if (need === "netns") return mayMakeNamespaces();
  if (/^[A-Z][A-Z0-9_]*$/.test(need)) return (Deno.env.get(need) ?? "") !== "";
  return need.startsWith("/") ? isFile(need) : isOnPath(need);
}

/** Whether the tests run as root. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}

let namespacesWork: boolean | undefined;

function mayMakeNamespaces(): boolean {
  if (namespacesWork !== undefined) return namespacesWork;
  const name = `ts${Deno.pid}try`;
  const ip = (action: string) =>
    new Deno.Command("ip", { args: ["netns", action, name] }).outputSync().success;
  namespacesWork = isRoot() && isOnPath("ip") && ip("add") && ip("delete");
  return namespacesWork;
}

function isOnPath(command: string): boolean {
  // Servers are in the sbin directories, which a user's PATH may lack.
  const directories = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  return directories.some((directory) => isFile(`${directory}/${command}`));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** How a command ended and what it printed. */
export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end, with an empty standard input. Throws where there is no such command. */
export async function run(
  command: string,
  args: readonly string[],
  options: Pick<Deno.CommandOptions, "cwd" | "env" | "clearEnv" | "uid" | "gid" | "signal"> = {},
): Promise<RunResult> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    ...options,
    args: [...args],
    stdin: "null",
  })
    .output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a command that must succeed and returns its standard output. */
export async function mustRun(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed (${code}): ${stderr.trim()}`);
  return stdout;
}

/**
 * Calls `attempt` until it returns something truthy and returns that. Throws after `timeout` milliseconds,
 * naming what was awaited.
 */
export async function poll<T>(
  awaited: string,
  attempt: () => T | Promise<T>,
  timeout = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + timeout;
  for (;;) {
    const result = await attempt();
    if (result) return result;
    if (performance.now() > end) throw new Error(`gave up after ${timeout} ms waiting for ${awaited}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A new temporary directory that every user can read, removed when disposed of. */
export async function tempDir(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "trafficsniffer-" });
  await Deno.chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A network namespace that is one end of a link. */
export interface Namespace {
  name: string;
  /** The end of the link in this namespace. */
  device: string;
  address4: string;
  address6: string;
  /** The command and arguments that run a command in this namespace. */
  inside(command: string, args: readonly string[]): [command: string, args: string[]];
}

let namespaceGroups = 0;

/** What the names of namespaces that belong together begin with: of this process alone, new at every call. */
export function namespacePrefix(): string {
  return `ts${Deno.pid}n${namespaceGroups++}`;
}

/** A namespace whose end of the link is `eth0`. It is not made here. */
export function namespace(name: string, address4: string, address6: string): Namespace {
  return {
    name,
    device: "eth0",
    address4,
    address6,
    inside: (command, args) => ["ip", ["netns", "exec", name, command, ...args]],
  };
}

/**
 * Makes two network namespaces joined by an Ethernet link, calls `use` with them and removes them, whatever
 * happened. Both have IPv4 and IPv6 addresses that are usable at once, and loopback.
 */
export async function withNetns(
  use: (client: Namespace, server: Namespace) => Promise<void>,
): Promise<void> {
  const prefix = namespacePrefix();
  const ends: [Namespace, Namespace] = [
    namespace(`${prefix}a`, "10.77.0.1", "fd77::1"),
    namespace(`${prefix}b`, "10.77.0.2", "fd77::2"),
  ];
  const ip = (...args: string[]) => mustRun("ip", args);
  try {
    for (const { name } of ends) await ip("netns", "add", name);
    const [client, server] = ends;
    await ip(
      ...["link", "add", client.device, "netns", client.name, "type", "veth"],
      ...["peer", "name", server.device, "netns", server.name],
    );
    for (const { name, device, address4, address6 } of ends) {
      const inNamespace = (...args: string[]) => ip("-n", name, ...args);
      // No link-local address and no duplicate address detection: nothing is sent but what the test sends.
      await inNamespace("link", "set", device, "addrgenmode", "none");
      await inNamespace("link", "set", "lo", "up");
      await inNamespace("link", "set", device, "up");
      await inNamespace("address", "add", `${address4}/24`, "dev", device);
      await inNamespace("address", "add", `${address6}/64`, "dev", device, "nodad");
    }
    await use(client, server);
  } finally {
    for (const { name } of ends) await run("ip", ["netns", "delete", name]);
  }
}

/** One line of nginx's access log. */
export interface AccessLogEntry {
  /** When the response was sent, seconds since the epoch. */
  time: number;
  /** The Host header as sent, empty without one. */
  host: string;
  method: string;
  /** Request target as sent, with its query. */
  uri: string;
  status: number;
  bodyBytes: number;
}

/** A running nginx, stopped when disposed of. */
export interface Nginx extends AsyncDisposable {
  /** Its files: `www` is the document root. */
  directory: string;
  /** What it has logged so far; a request is logged when its response has been sent. */
  log(): Promise<AccessLogEntry[]>;
}

/**
 * Starts nginx with the given `server` blocks, in a namespace where one is given, and returns when it
 * listens. Throws with nginx's own words when it does not start. `modules` are paths of modules to load.
 */
export async function startNginx(
  servers: string,
  namespace?: Namespace,
  modules: readonly string[] = [],
): Promise<Nginx> {
  const directory = await tempDir();
  const at = (name: string) => `${directory.path}/${name}`;
  await Deno.mkdir(at("www"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) =>
    `${kind}_temp_path ${at(kind)};`
  );
  await Deno.writeTextFile(
    at("nginx.conf"),
    `${isRoot() ? "user root;" : ""}
    ${modules.map((path) => `load_module ${path};`).join("\n")}
    daemon off;
    worker_processes 1;
    pid ${at("nginx.pid")};
    error_log ${at("error.log")};
    events { worker_connections 1024; }
    http {
      ${temporary.join("\n")}
      log_format e2e escape=none "$msec\\t$http_host\\t$request_method\\t$request_uri\\t$status\\t$body_bytes_sent";
      access_log ${at("access.log")} e2e;
      default_type text/plain;
      root ${at("www")};
      ${servers}
    }
`,
  );
  const nginxArgs = ["-c", at("nginx.conf"), "-e", at("error.log")];
  const [command, args] = namespace?.inside("nginx", nginxArgs) ?? ["nginx", nginxArgs];
  const child = new Deno.Command(command, {
    args,
    env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  const end = child.status.then(() => ended = true);
  const stop = async () => {
    if (!ended) child.kill("SIGTERM");
    await end;
    await directory[Symbol.asyncDispose]();
  };
  try {
    // It writes its process id after it has opened its sockets.
    await poll("nginx to listen", async () => {
      if (ended) throw new Error(`nginx ended: ${await Deno.readTextFile(at("error.log"))}`);
      return await Deno.readTextFile(at("nginx.pid")).catch(() => "");
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory: directory.path,
    log: async () => (await Deno.readTextFile(at("access.log"))).split("\n").slice(0, -1).map(parseLogLine),
    [Symbol.asyncDispose]: stop,
  };
}

function parseLogLine(line: string): AccessLogEntry {
  const [time = "", host = "", method = "", uri = "", status = "", bodyBytes = ""] = line.split("\t");
  return { time: Number(time), host, method, uri, status: Number(status), bodyBytes: Number(bodyBytes) };
}
