import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { CaptureError, Sniffer } from "../../src/app/sniffer.ts";
import type { Device } from "../../src/app/ports.ts";
import type { Report } from "../../src/stats/report.ts";
import {
  inside,
  interrupt,
  jsonLines,
  programArguments,
  type Running,
  type Seen,
  seenByProgram,
  seenByServer,
  sorted,
  start,
  startProgram,
  waitFor,
  watching,
  withTunLink,
} from "./net.ts";
import { e2e, type Namespace, type Nginx, run, startNginx, tempDir, withNetns } from "./support.ts";
import "../support/libraries.ts";

const NEEDS = ["netns", "nginx", "curl"];

/** `/quiet/` is on a port that is not watched. */
const SERVERS = `
  server {
    listen 80;
    listen [::]:80;
    location /api/ { return 200 "fine"; }
    location /old/ { return 302 /api/; }
    location / { }
  }
  server {
    listen 8080;
    listen [::]:8080;
    location / { return 200 "not watched"; }
  }
`;

/** Runs curl for one or more URLs; `[1-9]` in them stands for a request each, over one connection. */
async function curl(from: Namespace, ...args: string[]): Promise<void> {
  const each = ["-sS", "-o", "/dev/null"];
  await inside(from, "curl", [...each, ...args]);
}

/** What nginx logged of its watched port. */
async function logged(nginx: Nginx): Promise<Seen[]> {
  return sorted((await nginx.log()).filter(({ uri }) => !uri.startsWith("/quiet/")).map(seenByServer));
}

/** What the program with `-o ndjson` wrote. */
function seen(program: Running): Seen[] {
  return sorted(jsonLines(program).map(seenByProgram));
}

function lastReport(program: Running): Report | undefined {
  return jsonLines<Report>(program).at(-1);
}

/** So little traffic cannot be lost: where it is, the figures that follow are not worth comparing. */
function assertNothingLost({ capture }: Report): void {
  const { packets: _, bytes: __, ...losses } = capture;
  assertEquals(losses, {
    droppedByKernel: 0,
    droppedByInterface: 0,
    tcpGaps: 0,
    unparsed: 0,
    unpaired: 0,
    evicted: 0,
  });
}

/** Waits until the program has written as many exchanges as nginx has logged and compares them. */
async function assertSeesWhatIsLogged(program: Running, nginx: Nginx): Promise<void> {
  const expected = await logged(nginx);
  assertGreater(expected.length, 0);
  await waitFor(program, `${expected.length} exchanges`, () => jsonLines(program).length >= expected.length);
  assertEquals((await interrupt(program)).code, 0, program.stderr);
  assertEquals(seen(program), expected);
  assertEquals(program.stderr.includes("not seen or not read"), false, program.stderr);
}

e2e("live capture counts what nginx logged, over IPv4 and IPv6, kept alive and in parallel", {
  needs: NEEDS,
}, async () => {
  await withNetns(async (client, server) => {
    await using nginx = await startNginx(SERVERS, server);
    await Deno.writeTextFile(`${nginx.directory}/www/long.txt`, "0123456789".repeat(20_000));
    await using records = startProgram(["-i", client.device, "-o", "ndjson"], { namespace: client });
    await using reports = startProgram(["-i", server.device, "-o", "json", "-n", "200ms"], {
      namespace: server,
    });
    await Promise.all([watching(records), watching(reports)]);
    const url4 = `http://${server.address4}`, url6 = `http://[${server.address6}]`;
    await Promise.all([
      curl(client, "-H", "Host: shop.test", `${url4}/api/v[1-4]/[1-20]?q=1`),
      curl(client, "-H", "Host: News.Test", `${url4}/old/[1-40]`),
      curl(client, "-H", "Host: six.test", `${url6}/api/[1-60]`),
      curl(client, `${url6}/missing/[1-30]`),
      curl(client, "--parallel", "--parallel-max", "8", `${url4}/api/parallel/[1-60]`),
      curl(client, "-H", "Host: shop.test", "--data", "x".repeat(3000), `${url4}/api/post/[1-20]`),
      curl(client, "-H", "Host: shop.test", "-I", `${url6}/api/head/[1-20]`),
      curl(client, "-H", "Host: big.test", `${url4}/long.txt?[1-10]`),
      curl(client, "--http1.0", `${url4}/api/http10/[1-20]`),
      curl(client, `http://${server.address4}:8080/quiet/[1-20]`),
    ]);
    const expected = await logged(nginx);
    assertEquals(expected.length, 340);
    await waitFor(reports, "all responses", () => lastReport(reports)?.totals.responses === 340);
    assertEquals((await interrupt(reports)).code, 0, reports.stderr);
    await assertSeesWhatIsLogged(records, nginx);

    const report = lastReport(reports)!;
    assertNothingLost(report);
    const { requests, responses, errors, hosts, paths, clients } = report.totals;
    const distinct = (list: string[]) => new Set(list).size;
    assertEquals({ requests, responses, errors, hosts, paths, clients }, {
      requests: expected.length,
      responses: expected.length,
      errors: expected.filter(({ status }) => status >= 400).length,
      hosts: distinct(expected.map(({ host }) => host)),
      paths: distinct(expected.map(({ host, path }) => host + path)),
      clients: 2,
    });
    for (const { host, requests } of report.hosts) {
      assertEquals(requests, expected.filter((line) => line.host === host).length, host);
    }
  });
});

/** Captures on a device while a few requests are made, and compares. */
async function watchDevice(
  nginx: Nginx,
  at: Namespace,
  device: string,
  requests: () => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  await using program = startProgram(["-i", device, "-o", "ndjson", ...args], { namespace: at });
  await watching(program);
  await requests();
  await assertSeesWhatIsLogged(program, nginx);
}

/** Requests over IPv4 and IPv6 that are watched, and some on another port. */
async function someRequests(from: Namespace, to: { address4: string; address6: string }): Promise<void> {
  await curl(from, "-H", "Host: a.test", `http://${to.address4}/api/[1-5]`);
  await curl(from, `http://[${to.address6}]/missing/[1-5]`);
  await curl(from, `http://${to.address4}:8080/quiet/4`, `http://[${to.address6}]:8080/quiet/6`);
}

const HERE = { address4: "127.0.0.1", address6: "::1" };

e2e("the default filter works on loopback", { needs: NEEDS }, async () => {
  await withNetns(async (_, server) => {
    await using nginx = await startNginx(SERVERS, server);
    await watchDevice(nginx, server, "lo", () => someRequests(server, HERE));
  });
});

e2e("the device any counts each request once, from a link and from loopback", { needs: NEEDS }, async () => {
  await withNetns(async (client, server) => {
    await using nginx = await startNginx(SERVERS, server);
    await watchDevice(nginx, server, "any", async () => {
      await someRequests(client, server);
      await someRequests(server, HERE);
      await someRequests(server, server);
    });
  });
});

e2e("the device any counts each request once where it is forwarded and so seen twice", {
  needs: NEEDS,
}, async () => {
  await withNetns(async (client, router) => {
    await withNetns(async (_, server) => {
      await using nginx = await startNginx(SERVERS, server);
      await inside(router, "ip", [
        "link",
        "add",
        "eth1",
        "type",
        "veth",
        "peer",
        "eth1",
        "netns",
        server.name,
      ]);
      for (const [end, address] of [[router, "10.79.0.1/24"], [server, "10.79.0.2/24"]] as const) {
        await inside(end, "ip", ["link", "set", "eth1", "addrgenmode", "none", "up"]);
        await inside(end, "ip", ["address", "add", address, "dev", "eth1"]);
      }
      // The second pair's own link has the addresses of the first one's.
      await inside(server, "ip", ["link", "set", server.device, "down"]);
      await inside(server, "ip", ["route", "add", "10.77.0.0/24", "via", "10.79.0.1"]);
      await inside(client, "ip", ["route", "add", "10.79.0.0/24", "via", router.address4]);
      await inside(router, "sh", ["-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
      await watchDevice(nginx, router, "any", async () => {
        await curl(client, "-H", "Host: a.test", "http://10.79.0.2/api/[1-20]");
        await curl(client, "http://10.79.0.2/missing/[1-20]");
      });
    });
  });
});

e2e("the default filter works on a TUN device, which has raw IP", { needs: NEEDS }, async () => {
  await withTunLink(async (client, server) => {
    await using nginx = await startNginx(SERVERS, server);
    await watchDevice(nginx, client, client.device, () => someRequests(client, server));
  });
});

for (const end of ["receiving", "sending"] as const) {
  for (const [capture, tags] of [["vlan.pcap", "one VLAN tag"], ["qinq.pcap", "two VLAN tags"]] as const) {
    e2e(`the default filter sees frames with ${tags} at the ${end} end`, {
      needs: ["netns", "tcpreplay"],
    }, async () => {
      await withNetns(async (client, server) => {
        const at = end === "sending" ? client : server;
        await using program = startProgram(["-i", at.device, "-o", "ndjson"], { namespace: at });
        await watching(program);
        const fixture = decodeURIComponent(new URL(`../fixtures/${capture}`, import.meta.url).pathname);
        await inside(client, "tcpreplay", ["-q", "-i", client.device, fixture]);
        const expected: Seen[] = JSON.parse(
          await Deno.readTextFile(fixture.replace(".pcap", ".expected.json")),
        );
        await waitFor(program, "all exchanges", () => jsonLines(program).length >= expected.length);
        assertEquals((await interrupt(program)).code, 0);
        assertEquals(
          seen(program),
          sorted(expected.map(({ method, host, path, status }) => ({ method, host, path, status }))),
        );
        for (const record of jsonLines(program)) {
          assertEquals(record["network.vlan.id"], capture === "vlan.pcap" ? 7 : 40);
        }
      });
    });
  }
}

e2e("a snaplen that cuts bodies still pairs requests and responses", { needs: NEEDS }, async () => {
  await withNetns(async (client, server) => {
    // Heads that fit into 200 bytes with the headers below them.
    const terse = `
      server_tokens off;
      server {
        listen 80;
        default_type "";
        location /api/ { return 200 "${"x".repeat(3000)}"; }
        location /gone/ { return 204; }
      }
    `;
    await using nginx = await startNginx(terse, server);
    const url = `http://${server.address4}`, short = ["-H", "User-Agent:", "-H", "Accept:"];
    await watchDevice(nginx, client, client.device, async () => {
      await curl(client, ...short, `${url}/api/[1-20]`, "--next", "-s", ...short, `${url}/gone/[1-20]`);
      await curl(
        client,
        ...short,
        "-H",
        "Content-Type:",
        "--data",
        "x".repeat(5000),
        `${url}/api/post/[1-5]`,
      );
    }, ["-s", "200"]);
  });
});

/** Starts the program on a device on which nothing happens. */
async function watchSilence(
  namespace: Namespace,
  args: readonly string[],
  permissions: readonly string[] = [],
): Promise<Running> {
  const program = startProgram(["-i", namespace.device, ...args], { namespace, permissions });
  await watching(program);
  return program;
}

/** How long something took, in milliseconds. Gives up on what hangs. */
async function timed(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hangs = new Promise((_, reject) => timer = setTimeout(() => reject(new Error("it hangs")), 20_000));
  await Promise.race([action(), hangs]).finally(() => clearTimeout(timer));
  return performance.now() - begin;
}

e2e("on a silent device --duration, SIGINT and SIGTERM end the program promptly with a report", {
  needs: ["netns"],
}, async () => {
  await withNetns(async (client) => {
    await using limited = await watchSilence(client, ["-o", "json", "--duration", "1s"]);
    const took = await timed(() => limited.end);
    assertGreater(took, 800);
    assertLess(took, 1500);
    assertEquals([await limited.end, lastReport(limited)?.totals.requests], [0, 0]);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      await using endless = await watchSilence(client, ["-o", "json"]);
      assertLess(
        await timed(() => {
          endless.kill(signal);
          return endless.end;
        }),
        500,
        signal,
      );
      assertEquals([await endless.end, lastReport(endless)?.totals.requests], [0, 0], signal);
    }
  });
});

e2e("--count ends a live capture with that packet", { needs: NEEDS }, async () => {
  await withNetns(async (client, server) => {
    await using _nginx = await startNginx(SERVERS, server);
    await using program = await watchSilence(client, ["-o", "json", "-c", "4"]);
    await curl(client, `http://${server.address4}/api/1`);
    assertLess(await timed(() => program.end), 500);
    assertEquals([await program.end, lastReport(program)?.capture.packets], [0, 4]);
  });
});

e2e("--write saves what is captured, for its owner alone, as tshark and tcpdump have it", {
  needs: [...NEEDS, "tcpdump", "tshark", "capinfos"],
}, async () => {
  await withNetns(async (client, server) => {
    await using directory = await tempDir();
    await using nginx = await startNginx(SERVERS, server);
    const saved = `${directory.path}/saved.pcap`, other = `${directory.path}/tcpdump.pcap`;
    await using tcpdump = start("tcpdump", [
      ...[
        "-Z",
        "root",
        "-U",
        "--immediate-mode",
        "-i",
        client.device,
        "-w",
        other,
        "tcp port 80 or arp or icmp6",
      ],
    ], { namespace: client });
    await waitFor(tcpdump, "tcpdump", () => tcpdump.stderr.includes("listening on"));
    await using program = await watchSilence(client, ["-o", "ndjson", "-w", saved], ["--allow-write"]);
    await curl(client, "-H", "Host: a.test", `http://${server.address4}/api/[1-20]`);
    await curl(client, `http://[${server.address6}]/missing/[1-20]`);
    await assertSeesWhatIsLogged(program, nginx);
    assertStringIncludes(program.stderr, `${saved} will hold whole packets`);
    tcpdump.kill("SIGINT");
    await tcpdump.end;

    assertEquals(((await Deno.stat(saved)).mode ?? 0) & 0o777, 0o600);
    const packets = async (file: string) => {
      const fields = [
        "frame.len",
        "frame.cap_len",
        "ip.id",
        "ipv6.flow",
        "tcp.seq_raw",
        "tcp.ack_raw",
        "tcp.payload",
      ];
      const { code, stdout, stderr } = await run("tshark", [
        ...["-r", file, "-T", "fields", ...fields.flatMap((field) => ["-e", field])],
      ]);
      assertEquals(code, 0, stderr);
      return stdout.split("\n").slice(0, -1);
    };
    // The last acknowledgement may come after the last exchange, so one of the two may have more.
    const [ours, theirs] = await Promise.all([packets(saved), packets(other)]);
    const common = Math.min(ours.length, theirs.length);
    assertLess(Math.abs(ours.length - theirs.length), 4);
    for (let i = 0; i < common; i++) assertEquals(ours[i], theirs[i], `packet ${i + 1}`);
    const info = await run("capinfos", ["-Mctu", saved]);
    assertEquals(info.code, 0, info.stderr);
    assertMatch(info.stdout, new RegExp(`Number of packets: *${ours.length}\n`));

    await using again = startProgram(["-r", saved, "-o", "ndjson"]);
    assertEquals([await again.end, seen(again)], [0, await logged(nginx)]);
  });
});

/** `tcpdump -U -w -` on a device: what it writes, and itself. */
async function startTcpdump(namespace: Namespace): Promise<Deno.ChildProcess> {
  const args = ["-Z", "root", "-U", "--immediate-mode", "-i", namespace.device, "-w", "-", "tcp port 80"];
  const [command, all] = namespace.inside("tcpdump", args);
  return await new Deno.Command(command, { args: all, stdin: "null", stdout: "piped", stderr: "null" })
    .spawn();
}

e2e("a live pipe from tcpdump is reported on within an interval, and ends with tcpdump", {
  needs: [...NEEDS, "tcpdump"],
}, async () => {
  await withNetns(async (client, server) => {
    await using _nginx = await startNginx(SERVERS, server);
    const tcpdump = await startTcpdump(client);
    await using program = startProgram(["-r", "-", "-o", "json", "-n", "300ms"], { stdin: tcpdump.stdout });
    await waitFor(program, "the first report", () => lastReport(program));
    for (const requests of [1, 2, 3]) {
      await curl(client, `http://${server.address4}/api/${requests}`);
      const took = await timed(() =>
        waitFor(program, "the request", () => lastReport(program)?.totals.responses === requests)
      );
      assertLess(took, 300 + 400);
    }
    tcpdump.kill("SIGTERM");
    await tcpdump.status;
    assertLess(await timed(() => program.end), 500);
    assertEquals([await program.end, lastReport(program)?.totals.requests], [0, 3], program.stderr);
    assertNothingLost(lastReport(program)!);
  });
});

e2e("an idle pipe ends within 200 ms of SIGINT", { needs: ["netns", "tcpdump"] }, async () => {
  await withNetns(async (client) => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const tcpdump = await startTcpdump(client);
      await using program = startProgram(["-r", "-", "-o", "json", "-n", "100ms"], { stdin: tcpdump.stdout });
      await waitFor(program, "a report", () => lastReport(program));
      const { code, milliseconds } = await interrupt(program);
      assertEquals(code, 0);
      times.push(milliseconds);
      tcpdump.kill("SIGTERM");
      await tcpdump.status;
    }
    // Of several, since other programs may want the processor, too.
    assertLess(Math.min(...times), 200, `${times}`);
  });
});

e2e("devices lists what ip lists, in words and as JSON", { needs: ["netns"] }, async () => {
  await withNetns(async (client) => {
    await using asJson = startProgram(["devices", "--json"], { namespace: client });
    assertEquals(await asJson.end, 0, asJson.stderr);
    const devices: Device[] = JSON.parse(asJson.stdout);
    const named = (name: string) => devices.find((device) => device.name === name);
    const { addresses, loopback, up, running } = named(client.device)!;
    assertEquals({ addresses, loopback, up, running }, {
      addresses: [client.address4, client.address6],
      loopback: false,
      up: true,
      running: true,
    });
    assertEquals([named("lo")?.loopback, named("lo")?.addresses], [true, ["127.0.0.1", "::1"]]);
    assert(named("any"));

    await using table = startProgram(["devices"], { namespace: client });
    assertEquals(await table.end, 0, table.stderr);
    const lines = table.stdout.trimEnd().split("\n");
    assertEquals(lines.map((line) => line.split(" ")[0]), devices.map(({ name }) => name));
    assertMatch(lines[0]!, new RegExp(`^${client.device} +running +${client.address4} ${client.address6}$`));
  });
});

e2e("a device that does not exist is an error that names those that do", { needs: ["netns"] }, async () => {
  await withNetns(async (client) => {
    await using program = startProgram(["-i", "nope0", "-o", "json"], { namespace: client });
    assertEquals([await program.end, program.stdout], [1, ""]);
    assertMatch(program.stderr, /^trafficsniffer: nope0: no such device; there are: eth0, .*\blo\b.*\n$/);
  });
});

e2e("a device that is down is an error that says so", { needs: ["netns"] }, async () => {
  await withNetns(async (client) => {
    await inside(client, "ip", ["link", "set", client.device, "down"]);
    await using program = startProgram(["-i", client.device, "-o", "json"], { namespace: client });
    assertEquals([await program.end, program.stdout], [1, ""]);
    assertEquals(program.stderr, "trafficsniffer: eth0: the device is down; bring it up first\n");
  });
});

e2e("a live filter that does not compile is an error in libpcap's words", { needs: ["netns"] }, async () => {
  await withNetns(async (client) => {
    await using program = startProgram(["-i", client.device, "-f", "tcp port", "-o", "json"], {
      namespace: client,
    });
    assertEquals([await program.end, program.stdout], [1, ""]);
    assertMatch(program.stderr, /^trafficsniffer: filter "tcp port": .*syntax error\n$/);
  });
});

e2e("without the right to capture the program says that sudo is needed, in one line", {
  needs: ["netns", "setpriv"],
}, async () => {
  await withNetns(async (client) => {
    for (const args of [["-i", client.device], ["-i", "any"], ["demo"]]) {
      // What a user without privileges lacks, for a user who can read Deno's cache.
      const lacking = "-net_raw,-net_admin";
      const program = programArguments([...args, "-o", "json"], ["--allow-net=127.0.0.1"]);
      await using unprivileged = start("setpriv", [
        ...[`--bounding-set=${lacking}`, `--inh-caps=${lacking}`, Deno.execPath(), ...program],
      ], { namespace: client });
      assertEquals([await unprivileged.end, unprivileged.stdout], [1, ""], unprivileged.stderr);
      assertMatch(unprivileged.stderr, /^trafficsniffer: \S+: no permission to capture: run it with sudo\n$/);
    }
  });
});

e2e(
  "an alert fires, and resolves with its duration when traffic stops altogether",
  { needs: NEEDS },
  async () => {
    await withNetns(async (client, server) => {
      await using _nginx = await startNginx(SERVERS, server);
      const args = ["-o", "json", "-n", "500ms", "--window", "3s", "--threshold", "5", "--fail-on-alert"];
      await using program = await watchSilence(client, args);
      const alerts = () => lastReport(program)?.alerts ?? [];
      await curl(client, "-H", "Host: a.test", `http://${server.address4}/api/[1-5]`);
      await waitFor(program, "5 requests", () => lastReport(program)?.totals.responses === 5);
      assertEquals(alerts(), [], "5 requests do not exceed a threshold of 5");
      await curl(client, "-H", "Host: a.test", `http://${server.address4}/api/[6-8]`);
      await waitFor(program, "the alert", () => alerts().length > 0, 3000);
      const { state, value, threshold, peak, window } = alerts()[0]!;
      assertEquals({ state, value, threshold, peak, window }, {
        state: "firing",
        value: 8,
        threshold: 5,
        peak: 8,
        window: "3s",
      });
      const took = await timed(() =>
        waitFor(program, "its recovery", () => alerts()[0]?.state === "resolved")
      );
      assertLess(took, 3000 + 1500);
      const { startedAt, resolvedAt, durationSeconds } = alerts()[0]!;
      assertGreater(durationSeconds, 1);
      assertLess(durationSeconds, 4);
      const between = (Date.parse(resolvedAt!) - Date.parse(startedAt)) / 1000;
      assertLess(Math.abs(between - durationSeconds), 0.01);
      assertEquals((await interrupt(program)).code, 3);
      assertEquals(alerts().length, 1, "the last report has it still");
      assertNothingLost(lastReport(program)!);
    });
  },
);

e2e("--fail-on-alert without an alert exits 0", { needs: ["netns"] }, async () => {
  await withNetns(async (client) => {
    await using program = await watchSilence(client, ["-o", "json", "--fail-on-alert"]);
    assertEquals((await interrupt(program)).code, 0);
  });
});

e2e("demo watches its own traffic on loopback", { needs: ["netns"] }, async () => {
  await withNetns(async (client) => {
    await using program = startProgram(["demo", "-o", "json", "--duration", "8s"], {
      namespace: client,
      permissions: ["--allow-net=127.0.0.1"],
    });
    const took = await timed(() => program.end);
    assertEquals(await program.end, 0, program.stderr);
    assertGreater(took, 7500);
    assertLess(took, 10_000);
    const reports = jsonLines<Report>(program);
    assertGreater(reports.length, 6);
    const report = reports.at(-1)!;
    assertEquals(report.source.interface, "lo");
    assertGreater(report.totals.requests, 10);
    assertGreater(report.totals.responses, 8);
    for (const { host } of report.hosts) assertMatch(host, /^(shop|api|blog)\.example$/);
    const { droppedByKernel, tcpGaps, unparsed } = report.capture;
    assertEquals({ droppedByKernel, tcpGaps, unparsed }, { droppedByKernel: 0, tcpGaps: 0, unparsed: 0 });
  });
});

/** A server on loopback, for sniffers in this process. */
function serve(): { port: number; get(path: string): Promise<void> } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("fine"));
  const { port } = server.addr;
  return {
    port,
    async get(path) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
      await response.text();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Nothing listens there, so nothing is captured. */
const SILENT: ConstructorParameters<typeof Sniffer>[0] = { interface: "lo", ports: [9] };

e2e("Sniffer hands over exchanges live, and again after each restart", { needs: ["root"] }, async () => {
  await using server = serve();
  const sniffer = new Sniffer({ interface: "lo", ports: [server.port] });
  for (let i = 0; i < 3; i++) {
    sniffer.start();
    await server.get(`/api/${i}`);
    for await (const { host, path, status } of sniffer) {
      assertEquals({ host, path, status }, { host: "127.0.0.1", path: `/api/${i}`, status: 200 });
      break;
    }
    assertEquals(sniffer.running, false);
  }
});

e2e("Sniffer on a silent device stops within 200 ms, by hand, by signal and by leaving its block", {
  needs: ["root"],
}, async () => {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const sniffer = new Sniffer(SILENT);
    sniffer.start();
    // Only once it waits in the kernel is stopping it hard.
    await new Promise((resolve) => setTimeout(resolve, 150));
    times.push(await timed(() => sniffer.stop()));

    const controller = new AbortController();
    const aborted = new Sniffer({ ...SILENT, signal: controller.signal });
    const loop = (async () => {
      for await (const _ of aborted) throw new Error("it is not silent");
    })();
    await new Promise((resolve) => setTimeout(resolve, 150));
    times.push(
      await timed(() => {
        controller.abort();
        return loop;
      }),
    );
    assertEquals([sniffer.running, aborted.running], [false, false]);
  }
  // The slowest may have waited for the processor.
  times.sort((a, b) => a - b);
  assertLess(times[7]!, 200, `${times}`);
});

e2e("two Sniffers capture at once on the same device", { needs: ["root"] }, async () => {
  await using first = serve();
  await using second = serve();
  const sniffers = [first, second].map(({ port }) => new Sniffer({ interface: "lo", ports: [port] }));
  for (const sniffer of sniffers) sniffer.start();
  await first.get("/of/first");
  await second.get("/of/second");
  const paths: string[] = [];
  for (const sniffer of sniffers) {
    for await (const { path } of sniffer) {
      paths.push(path);
      break;
    }
  }
  assertEquals(paths, ["/of/first", "/of/second"]);
});

e2e("Sniffer leaks neither memory nor descriptors over 30 live captures", { needs: ["root"] }, async () => {
  const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const cycles = async () => {
    for (let i = 0; i < 30; i++) {
      const sniffer = new Sniffer(SILENT);
      sniffer.start();
      await sniffer.stop();
    }
  };
  await cycles();
  const before = descriptors();
  const growth: number[] = [];
  for (let round = 0; round < 3; round++) {
    const memory = Deno.memoryUsage().rss;
    await cycles();
    growth.push((Deno.memoryUsage().rss - memory) / 2 ** 20);
  }
  // V8 lets its own memory grow at times: what leaks grows in every round.
  assertLess(Math.min(...growth), 1, `MiB that each 30 captures added: ${growth}`);
  assertLess(descriptors(), before + 3);
});

e2e("Sniffer's errors name the device that is not there", { needs: ["root"] }, async () => {
  const sniffer = new Sniffer({ interface: "nope0" });
  try {
    sniffer.start();
  } catch (error) {
    assert(error instanceof CaptureError);
    assertEquals([error.kind, error.subject, sniffer.running], ["device", "nope0", false]);
    return;
  }
  await sniffer.stop();
  throw new Error("it started");
});
