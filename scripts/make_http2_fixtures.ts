/**
 * Makes the HTTP/2 captures in test/fixtures from real traffic, and beside each the requests as the server saw them:
 * `deno run -A scripts/make_http2_fixtures.ts`, as root. Needs node, curl with HTTP/2, tcpdump, and nghttp and nghttpx
 * of nghttp2.
 *
 * @module
 */

import { inside, type Running, start, waitFor } from "../test/e2e/net.ts";
import { type Namespace, run, withNetns } from "../test/e2e/support.ts";

const fixtures = decodeURIComponent(new URL("../test/fixtures/", import.meta.url).pathname);
const peers = decodeURIComponent(new URL("http2_fixture_peers.mjs", import.meta.url).pathname);

/** Starts a server's role of the peers, which says when it is ready. */
async function startPeer(namespace: Namespace, role: string, port: number): Promise<Running> {
  const peer = start("node", [peers, role, `${port}`], { namespace });
  await waitFor(peer, `the ${role} to start`, () => peer.stdout.startsWith("ready\n"));
  return peer;
}

/** Captures `traffic` at the client's end of the link, and writes what `server` logged of it. */
async function capture(
  name: string,
  client: Namespace,
  server: Running,
  traffic: () => Promise<unknown>,
): Promise<void> {
  const file = `${fixtures}${name}.pcap`;
  const options = ["-Z", "root", "-U", "--immediate-mode", "-i", client.device, "-w", file];
  await using sniffer = start("tcpdump", [...options, "tcp port 80"], { namespace: client });
  await waitFor(sniffer, "the capture to begin", () => sniffer.stderr.includes("listening on"));
  await traffic();
  await new Promise((resolve) => setTimeout(resolve, 500));
  sniffer.kill("SIGINT");
  await sniffer.end;
  if (/[1-9]\d* packets? dropped/.test(sniffer.stderr)) throw new Error(`${name}: ${sniffer.stderr}`);
  await Deno.chmod(file, 0o644);
  const lines = server.stdout.split("\n").slice(1, -1);
  await Deno.writeTextFile(`${fixtures}${name}.expected.json`, `[${lines.join(",")}]\n`);
}

await withNetns(async (client, server) => {
  const origin = `http://${server.address4}`;
  await using peer = await startPeer(server, "server", 80);
  await capture("http2", client, peer, async () => {
    await inside(client, "node", [peers, "client", origin]);
    const form = ["--http2-prior-knowledge", "-sS", "-o", "/dev/null", "-H", "Host: curl.test"];
    await inside(client, "curl", [...form, `${origin}/one`]);
    await inside(client, "curl", [...form, "-d", "a=1", `${origin}/two`]);
    await inside(client, "nghttp", [
      "-n",
      "-H",
      ":authority: nghttp.test",
      `${origin}/three`,
      `${origin}/four`,
    ]);
  });
});

await withNetns(async (client, server) => {
  const origin = `http://${server.address4}`;
  await using backend = await startPeer(server, "backend", 8080);
  const frontend = [
    "-f*,80;no-tls",
    "-b127.0.0.1,8080",
    "--workers=1",
    "--no-ocsp",
    "--errorlog-file=/dev/stderr",
  ];
  await using proxy = start("nghttpx", ["--conf=/dev/null", ...frontend], { namespace: server });
  await waitFor(proxy, "nghttpx to listen", async () => {
    return (await run(...server.inside("ss", ["-Hltn", "sport = :80"]))).stdout !== "";
  });
  await capture("h2c_upgrade", client, backend, async () => {
    await inside(client, "curl", [
      ...[
        "--http2",
        "-sS",
        "-H",
        "Host: curl.test",
        `${origin}/first`,
        `${origin}/missing`,
        `${origin}/third`,
      ],
    ]);
    await inside(client, "nghttp", ["-nu", `${origin}/fourth`, `${origin}/fifth`]);
  });
});
await run(Deno.execPath(), ["fmt", "--quiet", fixtures]);
