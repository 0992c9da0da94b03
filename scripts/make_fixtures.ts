/**
 * Makes the captures in test/fixtures from real traffic between nginx and curl, and beside each the requests as
 * the server's log has them: `deno task fixtures`, as root. Needs nginx, curl, bash, tcpdump, tshark and tcprewrite.
 *
 * @module
 */

import { inside, type Running, start, waitFor, withTunLink } from "../test/e2e/net.ts";
import { type Namespace, run, startNginx, tempDir, withNetns } from "../test/e2e/support.ts";

const fixtures = decodeURIComponent(new URL("../test/fixtures/", import.meta.url).pathname);

/** A request as the server saw it. `bodyBytes` is the response's content, without any transfer coding. */
interface Expected {
  method: string;
  host: string;
  path: string;
  status: number;
  requestBodyBytes: number;
  bodyBytes: number;
}

/** A line of nginx's log, as `logFormat` has it. */
interface LogLine {
  method: string;
  host: string;
  target: string;
  status: number;
  requestBodyBytes: string;
  sentBytes: number;
  serverAddress: string;
}

const logFormat =
  `escape=json '{"method":"$request_method","host":"$host","target":"$request_uri","status":$status,` +
  `"requestBodyBytes":"$content_length","sentBytes":$body_bytes_sent,` +
  `"serverAddress":"$server_addr"}'`;

/** What the server answers. `/long.txt` has 20 000 bytes, which gzip makes chunked for those that accept it. */
const servers = (log: string) => `
  log_format truth ${logFormat};
  access_log ${log} truth;
  gzip on;
  gzip_types *;
  gzip_http_version 1.0;
  server {
    listen 80;
    listen [::]:80;
    location /api/ { return 200 '{"fine": true}'; }
    location /gone/ { return 204; }
    location /old/ { return 301 /new/; }
    location /upload/ { proxy_pass http://127.0.0.1:81; }
    location / { }
  }
  server {
    listen 127.0.0.1:81;
    access_log off;
    location / { return 201 "stored\\n"; }
  }
`;

const LONG = 20_000;

/** Two namespaces, the server in the second one. */
interface Bench {
  client: Namespace;
  server: Namespace;
  /** Reads and empties the server's log. */
  takeLog(): Promise<LogLine[]>;
}

/** Text that does not compress to nothing, the same each time. */
function longText(): string {
  let state = 1, text = "";
  while (text.length < LONG) {
    state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0;
    text += state.toString(36) + (state % 7 === 0 ? "\n" : " ");
  }
  return text.slice(0, LONG);
}

async function onBench(
  link: typeof withNetns,
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  await link(async (client, server) => {
    await using directory = await tempDir();
    const log = `${directory.path}/truth.log`;
    await using nginx = await startNginx(servers(log), server);
    await Deno.writeTextFile(`${nginx.directory}/www/index.html`, "<h1>It works</h1>\n");
    await Deno.writeTextFile(`${nginx.directory}/www/long.txt`, longText());
    await use({
      client,
      server,
      async takeLog() {
        const lines = (await Deno.readTextFile(log)).split("\n").filter(Boolean);
        await Deno.writeTextFile(log, "");
        return lines.map((line) => JSON.parse(line));
      },
    });
  });
}

/** How a capture is taken. */
interface CaptureOptions {
  /** Where, the client's end of the link unless said. */
  at?: Namespace;
  device?: string;
  /** Further arguments of tcpdump. */
  options?: readonly string[];
  /** Instead of tcpdump. */
  tshark?: boolean;
  ports?: string;
}

/**
 * Captures `traffic` into a fixture and writes what the server logged of it beside it. nginx counts chunk sizes and
 * interim responses as content, so where the client says how much content it received, in the order of the
 * requests, that is written.
 */
async function capture(
  name: string,
  bench: Bench,
  traffic: () => Promise<number[] | void>,
  options: CaptureOptions = {},
): Promise<void> {
  const namespace = options.at ?? bench.client;
  const device = options.device ?? namespace.device;
  const file = fixtures + name;
  const filter = options.ports ?? "tcp port 80";
  await Deno.remove(file).catch(() => {});
  await bench.takeLog();
  const [command, args] = options.tshark
    ? ["tshark", ["-q", "-F", "pcapng", "-i", device, "-w", file, "-f", filter]]
    : ["tcpdump", [
      ...["-Z", "root", "-U", "--immediate-mode", "-i", device, "-w", file],
      ...options.options ?? [],
      filter,
    ]];
  await using sniffer: Running = start(command, args, { namespace });
  await waitFor(sniffer, "the capture to begin", () => /listening on|Capturing on/.test(sniffer.stderr));
  if (options.tshark) await new Promise((resolve) => setTimeout(resolve, 500));
  const received = await traffic();
  await new Promise((resolve) => setTimeout(resolve, 500));
  sniffer.kill("SIGINT");
  await sniffer.end;
  if (/[1-9]\d* packets? dropped/.test(sniffer.stderr)) throw new Error(`${name}: ${sniffer.stderr}`);
  await Deno.chmod(file, 0o644);
  const log = await bench.takeLog();
  if (received && received.length !== log.length) {
    throw new Error(`${name}: ${log.length} requests were logged`);
  }
  await expect(name, log.map((line, i) => fromLog(line, received?.[i])));
}

function fromLog(line: LogLine, received: number | undefined): Expected {
  return {
    method: line.method,
    // Without a host nginx has none to log: then it is the address that was asked.
    host: (line.host || line.serverAddress).replace(/^\[|\]$/g, ""),
    path: line.target.split("?")[0]!,
    status: line.status,
    requestBodyBytes: Number(line.requestBodyBytes),
    bodyBytes: received ?? line.sentBytes,
  };
}

async function expect(name: string, requests: readonly Expected[]): Promise<void> {
  const lines = requests.map((request) => `  ${JSON.stringify(request)}`).join(",\n");
  await Deno.writeTextFile(`${fixtures}${expectedName(name)}`, `[\n${lines}\n]\n`);
}

function expectedName(name: string): string {
  return name.replace(/\.pcap(ng)?$/, ".expected.json");
}

async function readExpected(name: string): Promise<Expected[]> {
  return JSON.parse(await Deno.readTextFile(fixtures + expectedName(name)));
}

/** Another fixture with the same requests, made from one by a command that is given both files. */
async function derive(
  from: string,
  name: string,
  command: string,
  args: (input: string, output: string) => string[],
): Promise<void> {
  const { code, stderr } = await run(command, args(fixtures + from, fixtures + name));
  if (code !== 0) throw new Error(`${command}: ${stderr}`);
  await expect(name, await readExpected(from));
}

/** Several requests one after the other over one connection; the content bytes of each response. */
async function curl(at: Namespace, ...requests: string[][]): Promise<number[]> {
  const each = ["-sS", "-o", "/dev/null", "-w", "%{size_download}\n"];
  const args = requests.flatMap((request, i) => [...(i > 0 ? ["--next"] : []), ...each, ...request]);
  return (await inside(at, "curl", args)).trim().split("\n").map(Number);
}

/** Sends text as it is and reads until the server closes. */
async function sendRaw(at: Namespace, host: string, text: string): Promise<void> {
  await inside(at, "bash", ["-c", `exec 3<>/dev/tcp/${host}/80; printf "$0" >&3; cat <&3`, text]);
}

async function onEthernet(bench: Bench): Promise<void> {
  const { client, server } = bench;
  const url = `http://${server.address4}`;
  const get = (host: string, path: string, ...args: string[]) => [
    ...["-H", `Host: ${host}`],
    ...args,
    url + path,
  ];

  const keepAlive = () =>
    curl(
      client,
      ...["/", "/api/v1/users?id=1", "/api/v1/orders", "/missing", "/api/v2/users"].map((path) =>
        get("shop.test", path)
      ),
    );
  await capture("keep_alive.pcap", bench, keepAlive);
  await capture("pcapng.pcapng", bench, keepAlive, { tshark: true });
  await capture("nanoseconds.pcap", bench, keepAlive, { options: ["--time-stamp-precision=nano"] });
  const vlan = (tag: number, protocol: string) => (input: string, output: string) => [
    ...["--enet-vlan=add", `--enet-vlan-tag=${tag}`, "--enet-vlan-pri=0", "--enet-vlan-cfi=0"],
    ...[`--enet-vlan-proto=${protocol}`, `--infile=${input}`, `--outfile=${output}`],
  ];
  await derive("keep_alive.pcap", "vlan.pcap", "tcprewrite", vlan(7, "802.1q"));
  await derive("vlan.pcap", "qinq.pcap", "tcprewrite", vlan(40, "802.1ad"));

  await capture("hosts.pcap", bench, async () => {
    const hosts = ["a.test", "B.Test", "c.test:80", "a.test", "d.test"];
    await Promise.all(hosts.map((host, i) => curl(client, get(host, `/api/${i}`))));
  });

  await capture("http10.pcap", bench, async () => {
    await curl(client, get("old.test", "/api/1", "-0"));
    await sendRaw(client, server.address4, "GET /api/2 HTTP/1.0\\r\\n\\r\\n");
    // Compressed on the way its length is not known, and HTTP/1.0 has no chunks: it ends with the connection.
    const compressed = "Host: old.test\\r\\nAccept-Encoding: gzip\\r\\n\\r\\n";
    await sendRaw(client, server.address4, `GET /long.txt HTTP/1.0\\r\\n${compressed}`);
  });

  await capture("methods.pcap", bench, async () => {
    const tag = (await inside(client, "curl", ["-sSI", `${url}/index.html`])).match(/etag: (.*)\r/i)![1]!;
    await curl(
      client,
      get("site.test", "/index.html", "-I"),
      get("site.test", "/gone/1"),
      get("site.test", "/index.html", "-H", `If-None-Match: ${tag}`),
      get("site.test", "/old/1"),
      get("site.test", "/missing"),
      get("site.test", "/upload/1", "--data", "name=value"),
      get("site.test", "/upload/2", "-X", "PUT", "--data", "x".repeat(3000)),
      get("site.test", "/api/1", "-X", "DELETE"),
      get("site.test", "/api/2", "-X", "OPTIONS"),
      get("site.test", "/index.html"),
    );
  });

  await capture("expect_continue.pcap", bench, () =>
    curl(
      client,
      get("site.test", "/upload/1", "-H", "Expect: 100-continue", "--data", "y".repeat(2000)),
      get("site.test", "/upload/2", "--data", "after it"),
    ));

  await capture("chunked.pcap", bench, () => {
    const gzip = ["-H", "Accept-Encoding: gzip"];
    return curl(
      client,
      get("site.test", "/long.txt", ...gzip),
      get("site.test", "/api/1"),
      get("site.test", "/long.txt", ...gzip),
    );
  });

  await capture("pipelined.pcap", bench, () => {
    const requests = Array.from({ length: 10 }, (_, i) => {
      const last = i === 9 ? "Connection: close\\r\\n" : "";
      const [method, path] = i % 3 === 1 ? ["HEAD", "/long.txt"] : ["GET", `/api/${i}`];
      return `${method} ${path} HTTP/1.1\\r\\nHost: pipe${i % 2}.test\\r\\n${last}\\r\\n`;
    });
    return sendRaw(client, server.address4, requests.join(""));
  });

  const proxied = (url: string) => ["-x", `${server.address4}:80`, url];
  await capture(
    "absolute_form.pcap",
    bench,
    () => curl(client, proxied("http://far.test/api/1"), proxied("http://other.test:8080/api/2?q=1")),
  );

  await capture("ipv6.pcap", bench, () =>
    curl(
      client,
      [`http://[${server.address6}]/api/1`],
      ["-H", "Host: six.test", `http://[${server.address6}]/api/2`],
      [`http://[${server.address6}]/missing`],
    ));

  const long = () => curl(client, get("big.test", "/long.txt"), get("big.test", "/api/1"));
  await capture("offload.pcap", bench, long);
  await inside(server, "ip", ["link", "set", server.device, "gso_max_segs", "1"]);
  await capture("segments.pcap", bench, long);
  await capture("snaplen.pcap", bench, async () => {
    await long();
    await long();
  }, { options: ["-s", "400"] });
  await capture("snaplen_cuts_heads.pcap", bench, () =>
    curl(
      client,
      ...["/api/1", "/api/2", "/long.txt", "/api/3"].map((path) =>
        get("cut.test", path, "-H", "User-Agent:", "-H", "Accept:")
      ),
    ), { options: ["-s", "120"] });

  const both = async () => {
    await curl(client, get("any.test", "/api/1"), get("any.test", "/api/2"));
    await curl(server, get("local.test", "/api/3"), get("local.test", "/missing"));
  };
  await capture("cooked2.pcap", bench, both, { at: server, device: "any", options: ["-y", "LINUX_SLL2"] });
  await capture("cooked.pcap", bench, both, { at: server, device: "any", options: ["-y", "LINUX_SLL"] });
  await capture(
    "loopback.pcap",
    bench,
    () => curl(server, [`http://127.0.0.1/api/1`], [`http://127.0.0.1/missing`]),
    { at: server, device: "lo" },
  );

  await throughProxy(bench);
  await cutFile("keep_alive.pcap", "cut.pcap");
}

/** CONNECT through a proxy, which logs what it was asked: the request inside is not for others to read. */
async function throughProxy(bench: Bench): Promise<void> {
  const { client, server } = bench;
  await using directory = await tempDir();
  const script = `${directory.path}/proxy.ts`;
  await Deno.writeTextFile(script, PROXY);
  await using proxy = start(Deno.execPath(), ["run", "--no-prompt", "--allow-net", script], {
    namespace: server,
  });
  await waitFor(proxy, "the proxy", () => proxy.stdout.includes("ready"));
  await capture("connect.pcap", bench, async () => {
    await curl(client, ["-p", "-x", `http://${server.address4}:8080`, `http://${server.address4}:80/inside`]);
    await run(...client.inside("curl", [
      ...["-sS", "-p", "-x", `http://${server.address4}:8080`, "http://refused.test:80/"],
    ]));
  }, { ports: "tcp port 8080" });
  const targets = proxy.stdout.split("\n").slice(1, -1).map((line) => line.split(" "));
  await expect(
    "connect.pcap",
    targets.map(([target, status]) => ({
      method: "CONNECT",
      host: target!.replace(/:\d+$/, ""),
      path: "",
      status: Number(status),
      requestBodyBytes: 0,
      bodyBytes: 0,
    })),
  );
}

const PROXY = `
  const decoder = new TextDecoder(), encoder = new TextEncoder();
  const listener = Deno.listen({ port: 8080 });
  console.log("ready");
  for await (const client of listener) serve(client).catch(() => {});
  async function serve(client) {
    const buffer = new Uint8Array(4096);
    const length = await client.read(buffer);
    const target = decoder.decode(buffer.subarray(0, length)).split(" ")[1];
    const [hostname, port] = target.split(":");
    if (hostname.endsWith(".test")) {
      console.log(target + " 403");
      await client.write(encoder.encode("HTTP/1.1 403 Forbidden\\r\\nContent-Length: 0\\r\\n\\r\\n"));
      return client.close();
    }
    const server = await Deno.connect({ hostname, port: Number(port) });
    console.log(target + " 200");
    await client.write(encoder.encode("HTTP/1.1 200 Connection established\\r\\n\\r\\n"));
    await Promise.all([client.readable.pipeTo(server.writable), server.readable.pipeTo(client.writable)]);
  }
`;

/** A file that ends in the middle of its last frame, as after a full disk. */
async function cutFile(from: string, name: string): Promise<void> {
  const bytes = await Deno.readFile(fixtures + from);
  await Deno.writeFile(fixtures + name, bytes.subarray(0, bytes.length - 20));
}

async function onTun(bench: Bench): Promise<void> {
  const { client, server } = bench;
  await capture("raw_ip.pcap", bench, async () => {
    await curl(client, [`http://${server.address4}/api/1`], [`http://${server.address4}/missing`]);
    await curl(client, [`http://[${server.address6}]/api/2`]);
  });
}

await Deno.mkdir(fixtures, { recursive: true });
await onBench(withNetns, onEthernet);
await onBench(withTunLink, onTun);
await run(Deno.execPath(), ["fmt", "--quiet", fixtures]);
