/**
 * A small internet for tests of the request lifecycle: a client, a web server and a DNS server, each on a link of its own
 * to the router between them.
 *
 * @module
 */

import { inside, type Running, start, startTunLink, waitFor } from "./net.ts";
import { mustRun, type Namespace, namespace, namespacePrefix, poll } from "./support.ts";

/** A host and the router's end of its link. */
export interface Host extends Namespace {
  mac: string;
  gateway: Gateway;
}

/** The router on the link of one host. */
export interface Gateway {
  /** The router's device. */
  device: string;
  address4: string;
  address6: string;
  mac: string;
}

/** The router's link-local address on all links. */
export const LINK_LOCAL_ROUTER = "fe80::1";

/** The namespaces. The router's own device and addresses are those on the client's link. */
export interface Internet {
  client: Host;
  server: Host;
  resolver: Host;
  router: Namespace;
}

/** How long frames travel between a host and the router, each way in milliseconds. Without a delay the link is a veth pair. */
export type Delays = Partial<Record<"client" | "server" | "resolver", number>>;

/**
 * Makes the internet, calls `use` with it and removes it, whatever happened. Its links are Ethernet and carry IPv4 and IPv6.
 * The client asks `resolver` for names, as {@link setResolver} says.
 */
export async function withInternet(delays: Delays, use: (net: Internet) => Promise<void>): Promise<void> {
  const prefix = namespacePrefix();
  await using made = new AsyncDisposableStack();
  const router = { ...namespace(`${prefix}gw`, "10.78.1.1", "fd78:1::1"), device: "client" };
  await makeNamespace(router, made);
  await inside(router, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);

  const join = async (name: keyof Delays, number: number): Promise<Host> => {
    const host = namespace(`${prefix}${name[0]}`, `10.78.${number}.2`, `fd78:${number}::2`);
    const gateway = { device: name, address4: `10.78.${number}.1`, address6: `fd78:${number}::1` };
    await makeNamespace(host, made);
    const delay = delays[name] ?? 0;
    if (delay > 0) {
      const devices = [gateway.device, host.device] as const;
      made.use(await startTunLink(router, { kind: "tap", devices, delay }));
    } else {
      const ends = [gateway.device, "type", "veth", "peer", "name", host.device];
      await inside(router, "ip", ["link", "add", ...ends]);
    }
    await inside(router, "ip", ["link", "set", host.device, "netns", host.name]);
    await setUp(router, gateway);
    // To forward IPv6, it asks for hosts by such an address.
    await addAddress(router, gateway.device, `${LINK_LOCAL_ROUTER}/64`, "nodad");
    await setUp(host, host);
    await inside(host, "ip", ["route", "add", "default", "via", gateway.address4]);
    await inside(host, "ip", ["route", "add", "default", "via", gateway.address6]);
    return {
      ...host,
      mac: await macOf(host, host.device),
      gateway: { ...gateway, mac: await macOf(router, gateway.device) },
    };
  };
  const client = await join("client", 1);
  const server = await join("server", 2);
  const resolver = await join("resolver", 3);
  await setResolver(client, resolver.address4);
  await use({ client, server, resolver, router });
}

async function makeNamespace(namespace: Namespace, made: AsyncDisposableStack): Promise<void> {
  await mustRun("ip", ["netns", "add", namespace.name]);
  made.defer(async () => {
    await mustRun("ip", ["netns", "delete", namespace.name]);
  });
  // What is in this directory, processes in the namespace see in /etc.
  const directory = configuration(namespace);
  await Deno.mkdir(directory, { recursive: true });
  made.defer(() => Deno.remove(directory, { recursive: true }));
  await inside(namespace, "ip", ["link", "set", "lo", "up"]);
}

function configuration(namespace: Namespace): string {
  return `/etc/netns/${namespace.name}`;
}

/** Without an automatic link-local address and duplicate address detection: addresses can be used at once. */
async function setUp(
  namespace: Namespace,
  end: { device: string; address4: string; address6: string },
): Promise<void> {
  await inside(namespace, "ip", ["link", "set", end.device, "addrgenmode", "none"]);
  await inside(namespace, "ip", ["link", "set", end.device, "up"]);
  await addAddress(namespace, end.device, `${end.address4}/24`);
  await addAddress(namespace, end.device, `${end.address6}/64`, "nodad");
}

async function addAddress(namespace: Namespace, device: string, ...address: string[]): Promise<void> {
  await inside(namespace, "ip", ["address", "add", ...address, "dev", device]);
}

async function macOf(namespace: Namespace, device: string): Promise<string> {
  const [link] = JSON.parse(await inside(namespace, "ip", ["-json", "link", "show", device]));
  return link.address;
}

/** Has programs in a namespace ask `address` for names, and nothing else; `options` are those of resolv.conf. */
export async function setResolver(namespace: Namespace, address: string, options = ""): Promise<void> {
  const file = (name: string) => `${configuration(namespace)}/${name}`;
  await Deno.writeTextFile(
    file("resolv.conf"),
    `nameserver ${address}\n${options && `options ${options}\n`}`,
  );
  // Some programs look up the machine's own name.
  await Deno.writeTextFile(file("hosts"), `127.0.0.1 localhost ${Deno.hostname()}\n`);
  await Deno.writeTextFile(file("nsswitch.conf"), "hosts: files dns\n");
}

/**
 * Empties the tables of neighbours of a host, so that it asks anew for the addresses of its link: with the next packet that a
 * test has it send, as it waits until no connection has anything left to say.
 */
export async function forgetNeighbours(host: Namespace): Promise<void> {
  await poll("connections to be over", async () => await inside(host, "ss", ["-Htn"]) === "");
  await inside(host, "ip", ["neighbour", "flush", "all"]);
}

/**
 * Starts dnsmasq, which knows `hosts`, lines as in /etc/hosts, and says of all other names that they do not exist.
 */
export async function startDns(namespace: Namespace, hosts: readonly string[]): Promise<Running> {
  const file = `${configuration(namespace)}/names`;
  await Deno.writeTextFile(file, hosts.map((line) => `${line}\n`).join(""));
  const server = start("dnsmasq", [
    "--no-daemon",
    "--conf-file=/dev/null",
    "--no-resolv",
    "--no-hosts",
    `--addn-hosts=${file}`,
    "--local=/#/",
    "--user=root",
    "--pid-file=",
  ], { namespace });
  await waitFor(server, "dnsmasq to listen", () => server.stderr.includes("started"));
  return server;
}

/**
 * Has the router judge what it forwards by a rule of nftables, besides those it has, such as `udp dport 53 drop`. With
 * {@link THE_FIRST} before its verdict it is for one packet only.
 */
export async function addRule(router: Namespace, rule: string): Promise<void> {
  const nft = (text: string) => inside(router, "nft", text.split(" "));
  await nft("add table inet lifecycle");
  await nft("add chain inet lifecycle forward { type filter hook forward priority 0 ; }");
  await nft(`add rule inet lifecycle forward ${rule}`);
}

/** Part of a rule: of the packets that are as the rule says up to here, only the first. */
export const THE_FIRST = "numgen inc mod 1000000 0";

/** What curl says of a request: when each of its steps was over, in milliseconds since its begin. */
export interface CurlTimes {
  localPort: number;
  lookedUp: number;
  connected: number;
  prepared: number;
  firstByte: number;
  total: number;
}

/**
 * Requests URLs one after the other with one run of curl, which must succeed; the times of each. It goes before all other
 * processes: where it waits for the processor, its times say more about the machine than about the network.
 */
export async function curl(
  from: Namespace,
  urls: readonly string[],
  ...options: string[]
): Promise<CurlTimes[]> {
  const each = urls.flatMap((url) => ["--output", "/dev/null", url]);
  const written = await inside(from, "chrt", [
    ...["--fifo", "1", "curl", "-sS", "--write-out", "%{json}\\n"],
    ...options,
    ...each,
  ]);
  return written.trim().split("\n").map((line) => {
    const figures = JSON.parse(line);
    return {
      localPort: figures.local_port,
      lookedUp: figures.time_namelookup * 1000,
      connected: figures.time_connect * 1000,
      prepared: figures.time_pretransfer * 1000,
      firstByte: figures.time_starttransfer * 1000,
      total: figures.time_total * 1000,
    };
  });
}
