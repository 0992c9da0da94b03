import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import type { Report } from "../../src/stats/report.ts";
import {
  addRule,
  curl,
  type CurlTimes,
  forgetNeighbours,
  type Host,
  LINK_LOCAL_ROUTER,
  setResolver,
  startDns,
  THE_FIRST,
  withInternet,
} from "./lifecycle_net.ts";
import { inside, interrupt, jsonLines, type Running, start, startProgram, waitFor, watching } from "./net.ts";
import { e2e, type Namespace, type Nginx, startNginx } from "./support.ts";

const ECHO_MODULE = "/usr/lib/nginx/modules/ngx_http_echo_module.so";
const MDNS_PEER = decodeURIComponent(new URL("mdns_peer.ts", import.meta.url).pathname);
const NEEDS = ["netns", "nginx", "curl", "chrt", "dnsmasq", "nft", "sysctl", ECHO_MODULE];

/** `/after/A/for/B` answers after A seconds and takes B for its body; `/large` has a body of many segments. */
const SERVER = `
  server {
    listen 80;
    listen [::]:80;
    location ~ "^/after/(?<wait>[0-9.]+)/for/(?<receive>[0-9.]+)$" {
      echo_sleep $wait;
      echo "begin";
      echo_flush;
      echo_sleep $receive;
      echo "end";
    }
    location /large { echo_duplicate 100000 "x"; }
    location / { return 200 "fine"; }
  }
`;

/** Keys of `-o ndjson` that tell of the lifecycle. Timings are milliseconds. */
type Observed = Partial<
  & Record<`timings.${"dns" | "arp" | "connect" | "send" | "wait" | "receive" | "server"}`, number>
  & Record<"tcp.rtt" | "tcp.syn_retransmissions" | "tcp.retransmissions" | "client.port", number>
  & Record<"dns.server.ip" | "dns.protocol" | "dns.question.name" | "url.path" | "server.ip", string>
  & Record<`${"client" | "server"}.${"mac" | "gateway.ip" | "gateway.mac"}`, string>
  & Record<`${"client" | "server"}.on_link` | "tcp.reused", boolean>
  & { "timings.untrusted": string[] }
>;

function startServer(server: Namespace): Promise<Nginx> {
  return startNginx(SERVER, server, [ECHO_MODULE]);
}

/** Names for the server: `four.test` has its IPv4 address, `six.test` its IPv6 address, `both.test` both. */
function namesOf(server: Host): string[] {
  return [`${server.address4} four.test both.test`, `${server.address6} six.test both.test`];
}

/** Starts the program on a device, the namespace's own if none is named. */
async function watch(namespace: Namespace, output: string, ...args: string[]): Promise<Running> {
  const options = ["-i", namespace.device, "-o", output, ...args];
  const program = startProgram(options, { namespace });
  await watching(program);
  return program;
}

/** Waits for so many exchanges, ends the program, and returns what it wrote of them. */
async function observed(program: Running, exchanges: number): Promise<Observed[]> {
  await waitFor(program, `${exchanges} exchanges`, () => jsonLines(program).length >= exchanges);
  assertEquals((await interrupt(program)).code, 0, program.stderr);
  const records = jsonLines<Observed>(program);
  assertEquals(records.length, exchanges);
  return records;
}

/** Waits for a report that has what is awaited. */
function reportedBy(
  program: Running,
  awaited: string,
  isThere: (report: Report) => boolean,
): Promise<Report> {
  return waitFor(program, awaited, () => jsonLines<Report>(program).find(isThere));
}

/** Ends the program and returns the last report. */
async function lastReport(program: Running): Promise<Report> {
  assertEquals((await interrupt(program)).code, 0, program.stderr);
  return jsonLines<Report>(program).at(-1)!;
}

/** That something was observed: its value. */
function present<T>(value: T | undefined, name: string): T {
  assertNotEquals(value, undefined, `${name} is absent`);
  return value!;
}

/** Between the two, in milliseconds. */
function assertWithin(value: number | undefined, [low, high]: [number, number], name: string): void {
  const ms = present(value, name);
  assert(ms >= low && ms <= high, `${name} is ${ms} ms, not ${low} to ${high}`);
}

// A hundred requests, as curl and as the program saw them.

const REQUESTS = 100;
/** A machine that is busy with other things may stop either of the two at any time. */
const MOST_OUTSIDE = 3;

/** The same phases from both. Address resolution comes before the first query, as the DNS server is behind the router too. */
function phases(record: Observed, curl: CurlTimes) {
  const ms = (name: "dns" | "connect" | "send" | "wait" | "receive") =>
    present(record[`timings.${name}`], `timings.${name} of ${record["url.path"]}`);
  const lookup = (record["timings.arp"] ?? 0) + ms("dns");
  const wait = ms("send") + ms("wait");
  return {
    lookup: [lookup, curl.lookedUp],
    connect: [ms("connect"), curl.connected - curl.lookedUp],
    wait: [wait, curl.firstByte - curl.prepared],
    total: [lookup + ms("connect") + wait + ms("receive"), curl.total],
  } satisfies Record<string, [program: number, curl: number]>;
}

/** The phases of all requests agree within 2 ms or 5 %, whichever is more, but for a few requests. */
function assertAgree(records: readonly Observed[], times: readonly CurlTimes[]): void {
  const compared = records.map((record, index) => phases(record, times[index]!));
  const isOutside = ([program, curl]: [number, number]) =>
    Math.abs(program - curl) > Math.max(2, curl * 0.05);
  const lines = (["lookup", "connect", "wait", "total"] as const).map((name) => {
    const pairs = compared.map((phases) => phases[name]);
    const differences = pairs.map(([program, curl]) => curl - program).sort((a, b) => a - b);
    const at = (part: number) => differences[Math.round(part * (differences.length - 1))]!.toFixed(2);
    const outside = pairs.filter(isOutside).length;
    return `${name}: curl saw ${at(0)} to ${at(1)} ms more, p5 ${at(0.05)}, p50 ${at(0.5)}, p95 ${
      at(0.95)
    }; ` +
      `${outside} outside`;
  });
  const outside = compared.filter((phases) => Object.values(phases).some(isOutside)).length;
  console.log(lines.join("\n"));
  assert(outside <= MOST_OUTSIDE, `${outside} of ${compared.length} requests outside:\n${lines.join("\n")}`);
}

/** Requests by fresh connections after fresh lookups, some of them after address resolution. */
async function compareWithCurl(family: 4 | 6): Promise<void> {
  const name = family === 4 ? "four.test" : "six.test";
  await withInternet({ server: 5, resolver: 5 }, async ({ client, server, resolver }) => {
    const dnsAddress = resolver[`address${family}`];
    await setResolver(client, dnsAddress);
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    // The tables of neighbours of the router and the servers fill.
    await curl(client, [`http://${name}/`]);
    await using program = await watch(client, "ndjson");
    const times: CurlTimes[] = [];
    for (let number = 0; number < REQUESTS; number++) {
      if (number % 10 === 0) await forgetNeighbours(client);
      const wait = (number % 9) / 100, receive = (number % 4) / 100;
      times.push(...await curl(client, [`http://${name}/after/${wait}/for/${receive}`]));
    }
    const records = await observed(program, REQUESTS);
    assertEquals(records.map((record) => record["client.port"]), times.map(({ localPort }) => localPort));
    for (const [index, record] of records.entries()) {
      const { "dns.server.ip": dnsServer, "dns.question.name": asked, "timings.arp": arp } = record;
      assertEquals([dnsServer, asked, arp !== undefined], [dnsAddress, name, index % 10 === 0]);
    }
    assertAgree(records, times);
  });
}

e2e("the timings of a hundred requests over IPv4 agree with curl's within 2 ms or 5 %", {
  needs: NEEDS,
}, () => compareWithCurl(4));

e2e("the timings of a hundred requests over IPv6 agree with curl's within 2 ms or 5 %", {
  needs: NEEDS,
}, () => compareWithCurl(6));

// One thing each.

e2e("the second request of a connection has no lookup and no handshake", { needs: NEEDS }, async () => {
  await withInternet({}, async ({ client, server, resolver }) => {
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    await using program = await watch(client, "ndjson");
    await curl(client, ["http://four.test/1", "http://four.test/2"]);
    const [first, second] = await observed(program, 2) as [Observed, Observed];
    assertEquals(first["client.port"], second["client.port"]);
    assertEquals([first["tcp.reused"], second["tcp.reused"]], [false, true]);
    for (const name of ["timings.dns", "timings.arp", "timings.connect"] as const) {
      present(first[name], name);
      assertEquals(second[name], undefined, name);
    }
    present(second["timings.wait"], "timings.wait");
    present(second["timings.server"], "timings.server");
  });
});

e2e("a request over IPv4 after IPv6 got no answer has the handshake that succeeded", {
  needs: NEEDS,
}, async () => {
  await withInternet({ server: 5 }, async ({ client, server, resolver, router }) => {
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    await curl(client, ["http://four.test/"]);
    await addRule(router, `ip6 daddr ${server.address6} drop`);
    await using records = await watch(client, "ndjson");
    await using reports = await watch(client, "json", "-n", "200ms");
    // A SYN has a second to be answered.
    const [times] = await curl(client, ["http://both.test/after/1.1/for/0"]);
    const [record] = await observed(records, 1) as [Observed];
    // It tries the other family after 200 ms.
    assertGreater(times!.connected - times!.lookedUp, 200);
    assertEquals(record["server.ip"], server.address4);
    assertEquals(record["dns.question.name"], "both.test");
    assertWithin(record["timings.dns"], [0, times!.lookedUp], "timings.dns");
    assertWithin(record["timings.connect"], [10, 60], "timings.connect");
    const { network } = await lastReport(reports);
    assertEquals([network?.tcp.handshakes, network?.tcp.unanswered], [1, 1]);
  });
});

e2e("a lookup whose first query was lost lasts until the answer to the second, and is not trusted", {
  needs: NEEDS,
}, async () => {
  await withInternet({}, async ({ client, server, resolver, router }) => {
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    await setResolver(client, resolver.address4, "timeout:1 attempts:3");
    await addRule(router, `udp dport 53 ${THE_FIRST} drop`);
    await using records = await watch(client, "ndjson");
    await using reports = await watch(client, "json", "-n", "200ms");
    const [times] = await curl(client, ["http://four.test/"], "-4");
    const [record] = await observed(records, 1) as [Observed];
    assertGreater(times!.lookedUp, 990);
    assertWithin(record["timings.dns"], [times!.lookedUp - 20, times!.lookedUp], "timings.dns");
    assertEquals(record["timings.untrusted"], ["dns"]);
    const { network } = await lastReport(reports);
    const { queries, retries, timeouts } = network!.dns;
    assertEquals({ queries, retries, timeouts }, { queries: 1, retries: 1, timeouts: 0 });
  });
});

e2e("lookups of a name that does not exist, and of a server that is silent, are counted", {
  needs: NEEDS,
}, async () => {
  await withInternet({}, async ({ client, resolver, router }) => {
    await using _dns = await startDns(resolver, []);
    await using program = await watch(client, "json", "-n", "200ms");
    await assertRejects(() => curl(client, ["http://missing.test/"], "-4"), Error, "Could not resolve");
    await reportedBy(program, "NXDOMAIN", ({ network }) => network?.dns.servers[0]?.nxdomain === 1);
    await addRule(router, "udp dport 53 drop");
    await setResolver(client, resolver.address4, "timeout:1 attempts:2");
    await assertRejects(() => curl(client, ["http://silent.test/"], "-4"), Error, "Could not resolve");
    const { dns } = (await lastReport(program)).network!;
    const { queries, failures, timeouts, retries } = dns;
    assertEquals({ queries, failures, timeouts, retries }, {
      queries: 2,
      failures: 1,
      timeouts: 1,
      retries: 1,
    });
    const [figures] = dns.servers;
    assertEquals([figures?.server, figures?.protocol], [resolver.address4, "dns"]);
    assertEquals(figures?.topNames.map(({ name }) => name).sort(), ["missing.test", "silent.test"]);
  });
});

e2e("a lookup over TCP is joined", { needs: NEEDS }, async () => {
  await withInternet({ resolver: 5 }, async ({ client, server, resolver }) => {
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    await setResolver(client, resolver.address4, "use-vc");
    await using program = await watch(client, "ndjson");
    const [times] = await curl(client, ["http://four.test/"]);
    const [record] = await observed(program, 1) as [Observed];
    assertEquals(record["dns.server.ip"], resolver.address4);
    assertEquals(record["dns.question.name"], "four.test");
    assertWithin(record["timings.dns"], [10, times!.lookedUp], "timings.dns");
  });
});

e2e("a lookup by multicast DNS is joined and told apart", { needs: NEEDS }, async () => {
  await withInternet({}, async ({ client, router }) => {
    await using _nginx = await startServer(router);
    const ask = (from: Namespace, ...answer: string[]) =>
      start(Deno.execPath(), ["run", "-A", MDNS_PEER, from.address4, "printer.local", ...answer], {
        namespace: from,
      });
    await using responder = ask(router, router.address4);
    await waitFor(responder, "the responder", () => responder.stdout.includes("ready"));
    await using records = await watch(client, "ndjson");
    await using reports = await watch(client, "json", "-n", "200ms");
    await using asking = ask(client);
    const address = await waitFor(asking, "the answer", () => asking.stdout.trim());
    await curl(client, ["http://printer.local/"], "--resolve", `printer.local:80:${address}`);
    const [record] = await observed(records, 1) as [Observed];
    assertEquals([record["dns.protocol"], record["dns.question.name"]], ["mdns", "printer.local"]);
    assertEquals(record["dns.server.ip"], router.address4);
    present(record["timings.dns"], "timings.dns");
    const { dns } = (await lastReport(reports)).network!;
    const servers = dns.servers.map(({ server, protocol, queries }) => ({ server, protocol, queries }));
    assertEquals(servers, [{ server: router.address4, protocol: "mdns", queries: 1 }]);
  });
});

e2e("a lookup over IPv4 is joined to the connection over IPv6 that it led to", { needs: NEEDS }, async () => {
  await withInternet({ resolver: 5 }, async ({ client, server, resolver }) => {
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    await using program = await watch(client, "ndjson");
    const [times] = await curl(client, ["http://six.test/"]);
    const [record] = await observed(program, 1) as [Observed];
    assertEquals([record["server.ip"], record["dns.server.ip"]], [server.address6, resolver.address4]);
    assertWithin(record["timings.dns"], [10, times!.lookedUp], "timings.dns");
  });
});

e2e("a handshake whose first SYN was lost lasts a second longer and is not trusted", {
  needs: NEEDS,
}, async () => {
  await withInternet({}, async ({ client, server, router }) => {
    await using _nginx = await startServer(server);
    await addRule(router, `tcp dport 80 tcp flags == syn ${THE_FIRST} drop`);
    await using records = await watch(client, "ndjson");
    await using reports = await watch(client, "json", "-n", "200ms");
    const [times] = await curl(client, [`http://${server.address4}/`]);
    const [record] = await observed(records, 1) as [Observed];
    assertWithin(record["timings.connect"], [times!.connected - 5, times!.connected + 1], "timings.connect");
    assertGreater(times!.connected, 990);
    assertWithin(record["tcp.rtt"], [0, 100], "tcp.rtt");
    assertEquals(record["tcp.syn_retransmissions"], 1);
    assertEquals(record["timings.untrusted"], ["connect"]);
    assertEquals(record["timings.server"], undefined);
    const { network } = await lastReport(reports);
    const { handshakes, synRetransmissions } = network!.tcp;
    assertEquals({ handshakes, synRetransmissions }, { handshakes: 1, synRetransmissions: 1 });
  });
});

e2e("a request or part of a response that was sent again makes the timings untrusted", {
  needs: NEEDS,
}, async () => {
  await withInternet({}, async ({ client, server, router }) => {
    await using _nginx = await startServer(server);
    await addRule(router, `tcp dport 80 meta length > 100 ${THE_FIRST} drop`);
    await using atClient = await watch(client, "ndjson");
    await using atServer = await watch(server, "ndjson");
    await curl(client, [`http://${server.address4}/`]);
    // The first segments of the response arrive: what follows them tells the server that one is missing.
    await addRule(router, `tcp sport 80 meta length > 1000 numgen inc mod 1000000 3 drop`);
    await curl(client, [`http://${server.address4}/large`]);
    const [request, received] = await observed(atClient, 2) as [Observed, Observed];
    assertEquals(request["tcp.retransmissions"], 1);
    assertEquals(request["timings.untrusted"], ["send", "wait", "receive"]);
    assertEquals(received["timings.untrusted"], undefined);
    const [, sent] = await observed(atServer, 2) as [Observed, Observed];
    assertGreaterOrEqual(present(sent["tcp.retransmissions"], "tcp.retransmissions"), 1);
    assertEquals(sent["timings.untrusted"], ["send", "wait", "receive"]);
  });
});

e2e("address resolution takes as long as tcpdump saw, and shows the gateway and who is on link", {
  needs: [...NEEDS, "tcpdump"],
}, async () => {
  await withInternet({ client: 4 }, async ({ client, server, router }) => {
    const { gateway } = client;
    await using _nginx = await startServer(server);
    await using _near = await startServer(router);
    await using dump = start("tcpdump", ["-n", "-l", "-tt", "-i", client.device, "arp"], {
      namespace: client,
    });
    await waitFor(dump, "tcpdump to listen", () => dump.stderr.includes("listening"));
    await using program = await watch(client, "ndjson");
    await curl(client, [`http://${server.address4}/far`]);
    await curl(client, [`http://${gateway.address4}/near`]);
    const [far, near] = await observed(program, 2) as [Observed, Observed];

    const timeOf = (words: string) => {
      const line = dump.stdout.split("\n").find((line) => line.includes(words));
      return Number(present(line, words).split(" ")[0]) * 1000;
    };
    const resolved = await waitFor(dump, "the answer", () => timeOf(`Reply ${gateway.address4} is-at`));
    const expected = resolved - timeOf(`who-has ${gateway.address4} `);
    assertGreater(expected, 8);
    assertWithin(far["timings.arp"], [expected - 0.5, expected + 0.5], "timings.arp");
    assertEquals(near["timings.arp"], undefined);

    assertEquals(placeOf(far, "client"), { mac: client.mac, onLink: true, gateway: undefined });
    const behind = { mac: gateway.mac, address: gateway.address4 };
    assertEquals(placeOf(far, "server"), { mac: gateway.mac, onLink: false, gateway: behind });
    assertEquals(placeOf(near, "server"), { mac: gateway.mac, onLink: true, gateway: undefined });
  });
});

/** Where a record says that an end is. */
function placeOf(record: Observed, end: "client" | "server") {
  const mac = record[`${end}.gateway.mac`], address = record[`${end}.gateway.ip`];
  return {
    mac: record[`${end}.mac`],
    onLink: record[`${end}.on_link`],
    gateway: mac === undefined ? undefined : { mac, address },
  };
}

e2e("a connection that follows soon did not wait for the address resolution before", {
  needs: NEEDS,
}, async () => {
  await withInternet({}, async ({ client, server }) => {
    await using _nginx = await startServer(server);
    await using program = await watch(client, "ndjson");
    const urls = ["/after/0.004/for/0", "/next"].map((path) => `http://${server.address4}${path}`);
    await curl(client, urls, "-H", "Connection: close");
    const [first, next] = await observed(program, 2) as [Observed, Observed];
    assertEquals([first["tcp.reused"], next["tcp.reused"]], [false, false]);
    present(first["timings.arp"], "timings.arp");
    assertEquals(next["timings.arp"], undefined);
  });
});

e2e("neighbour discovery shows the gateway of a request over IPv6", { needs: NEEDS }, async () => {
  await withInternet({ client: 4 }, async ({ client, server }) => {
    await using _nginx = await startServer(server);
    await using program = await watch(client, "ndjson");
    await curl(client, [`http://[${server.address6}]/`]);
    const [record] = await observed(program, 1) as [Observed];
    assertWithin(record["timings.arp"], [8, 40], "timings.arp");
    const { mac, onLink, gateway } = placeOf(record, "server");
    assertEquals([mac, onLink, gateway?.mac], [client.gateway.mac, false, client.gateway.mac]);
    assert([client.gateway.address6, LINK_LOCAL_ROUTER].includes(gateway!.address!), gateway!.address);
  });
});

e2e("at the router and at the server the client is behind a gateway, and the server's time is the same", {
  needs: NEEDS,
}, async () => {
  await withInternet({ server: 10 }, async ({ client, server, router }) => {
    await using _nginx = await startServer(server);
    const ends = [client, { ...router, device: server.gateway.device }, server];
    await using programs = new AsyncDisposableStack();
    const running = [];
    for (const end of ends) running.push(programs.use(await watch(end, "ndjson")));
    const url = `http://${server.address4}/after/0.1/for/0.05`;
    // The first handshake waits until the router has resolved the server's address.
    await curl(client, [url]);
    await curl(client, [url]);
    const seconds = [];
    for (const program of running) seconds.push((await observed(program, 2))[1]!);

    const [atClient, atRouter, atServer] = seconds as [Observed, Observed, Observed];
    const gateway = { mac: server.gateway.mac, address: server.gateway.address4 };
    for (const record of [atRouter, atServer]) {
      assertEquals(placeOf(record, "client"), { mac: gateway.mac, onLink: false, gateway });
      assertEquals(placeOf(record, "server"), { mac: server.mac, onLink: true, gateway: undefined });
    }
    assertWithin(atClient["timings.wait"], [119, 150], "timings.wait at the client");
    assertWithin(atServer["timings.wait"], [99, 115], "timings.wait at the server");
    for (const record of seconds) assertWithin(record["timings.server"], [95, 115], "timings.server");
  });
});

e2e("an address that moves to another link layer address raises an alert", { needs: NEEDS }, async () => {
  await withInternet({}, async ({ client, server, router }) => {
    const { device, address4, mac } = client.gateway;
    await using _nginx = await startServer(server);
    await using program = await watch(client, "json", "-n", "200ms");
    await curl(client, [`http://${server.address4}/`]);
    // It tells its neighbours when its link layer address changes.
    await inside(router, "sysctl", ["-q", "-w", `net.ipv4.conf.${device}.arp_notify=1`]);
    await inside(router, "ip", ["link", "set", device, "address", "02:00:00:00:77:01"]);
    const { alerts, network } = await reportedBy(
      program,
      "an alert",
      ({ network }) => network!.addressChanges > 0,
    );
    assertEquals(network?.addressChanges, 1);
    assertEquals(alerts.length, 1);
    for (const words of [address4, mac, "02:00:00:00:77:01"]) {
      assert(alerts[0]!.message.includes(words), alerts[0]!.message);
    }
  });
});

e2e("connections that are refused, and ICMP errors, are counted", { needs: NEEDS }, async () => {
  await withInternet({}, async ({ client, server, router }) => {
    await using program = await watch(client, "json", "-n", "200ms");
    // Nothing listens there.
    await assertRejects(() => curl(client, [`http://${server.address4}/`]), Error, "Couldn't connect");
    await assertRejects(() => curl(client, [`http://[${server.address6}]/`]), Error, "Couldn't connect");
    await addRule(router, "tcp dport 80 reject with icmpx type host-unreachable");
    await assertRejects(() => curl(client, [`http://${server.address4}/`]), Error, "Couldn't connect");
    await assertRejects(() => curl(client, [`http://[${server.address6}]/`]), Error, "Couldn't connect");
    const { network } = await reportedBy(program, "ICMP errors", ({ network }) => network!.icmpErrors === 2);
    const { handshakes, refused } = network!.tcp;
    assertEquals({ handshakes, refused }, { handshakes: 0, refused: 2 });
  });
});

e2e("with --no-lifecycle there is HTTP only", { needs: NEEDS }, async () => {
  await withInternet({}, async ({ client, server, resolver }) => {
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    await using records = await watch(client, "ndjson", "--no-lifecycle");
    await using reports = await watch(client, "json", "--no-lifecycle");
    await curl(client, ["http://four.test/"]);
    const [record] = await observed(records, 1) as [Observed];
    for (const name of Object.keys(record)) {
      assert(
        !/^(dns\.|timings\.(dns|arp|connect|server)|.*\.(gateway|on_link)|tcp\.(rtt|syn))/.test(name),
        name,
      );
    }
    present(record["timings.wait"], "timings.wait");
    const report = await lastReport(reports);
    assertEquals(report.network, undefined);
    assert(!/\b(53|arp|icmp)/.test(report.source.filter), report.source.filter);
  });
});

e2e("-o har has the timings that -o ndjson has", { needs: NEEDS }, async () => {
  await withInternet({ client: 2, server: 5 }, async ({ client, server, resolver }) => {
    await using _dns = await startDns(resolver, namesOf(server));
    await using _nginx = await startServer(server);
    await using records = await watch(client, "ndjson");
    await using archive = await watch(client, "har");
    await curl(client, ["http://four.test/after/0.05/for/0.02", "http://four.test/again"]);
    const written = await observed(records, 2);
    await waitFor(archive, "both entries", () => archive.stdout.includes("/again"));
    assertEquals((await interrupt(archive)).code, 0, archive.stderr);
    const { entries } = JSON.parse(archive.stdout).log;
    assertEquals(entries.length, 2);
    present(written[0]!["timings.dns"], "timings.dns");
    for (const [index, record] of written.entries()) {
      assertEquals(entries[index].request.url, `http://four.test${record["url.path"]}`);
      for (const name of ["dns", "connect", "send", "wait", "receive"] as const) {
        // Both captured the packets, each for itself.
        assertAlmostEquals(entries[index].timings[name], record[`timings.${name}`] ?? -1, 0.5, name);
      }
    }
  });
});
