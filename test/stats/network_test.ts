import { assert, assertEquals } from "@std/assert";
import { Endpoints } from "../../src/http/exchange.ts";
import type { DnsOutcome } from "../../src/network/events.ts";
import type { Gateway } from "../../src/network/opening.ts";
import { NetworkStats } from "../../src/stats/network.ts";
import { NO_NETWORK } from "./exchanges.ts";

function outcome(fields: Partial<DnsOutcome> = {}): DnsOutcome {
  return {
    protocol: "dns",
    client: "192.0.2.1",
    server: "192.0.2.53",
    name: "www.example.com",
    type: 1,
    askedAt: 0,
    roundTrip: 5000,
    rcode: 0,
    retries: 0,
    ...fields,
  };
}

const UNANSWERED = { roundTrip: NaN, rcode: -1 };

Deno.test("NetworkStats has its whole shape before anything was seen", () => {
  assertEquals(new NetworkStats().figures(NO_NETWORK, 10), {
    dns: { queries: 0, failures: 0, timeouts: 0, retries: 0, servers: [] },
    gateways: [],
    addressChanges: 0,
    ...NO_NETWORK,
  });
});

Deno.test("NetworkStats tells of each name server and protocol what became of its queries", () => {
  const stats = new NetworkStats();
  stats.dns(outcome());
  stats.dns(outcome({ type: 28 }));
  stats.dns(outcome({ name: "no.example.com", rcode: 3 }));
  stats.dns(outcome({ name: "bad.example.com", rcode: 2, retries: 1 }));
  stats.dns(outcome({ name: "lost.example.com", ...UNANSWERED, retries: 2 }));
  stats.dns(outcome({ server: "224.0.0.251", protocol: "mdns", name: "printer.local", ...UNANSWERED }));
  stats.dns(outcome({ server: "2001:db8::53", roundTrip: 900 }));
  stats.dns(outcome({ server: "2001:db8::53", protocol: "llmnr", roundTrip: 800 }));
  const { dns } = stats.figures(NO_NETWORK, 2);
  assertEquals([dns.queries, dns.failures, dns.timeouts, dns.retries], [8, 2, 2, 3]);
  assertEquals(dns.servers, [
    {
      server: "192.0.2.53",
      protocol: "dns",
      queries: 5,
      failures: 2,
      nxdomain: 1,
      timeouts: 1,
      retries: 3,
      roundTripMs: { p50: 5, p95: 5, p99: 5 },
      topNames: [{ name: "www.example.com", queries: 2 }, { name: "bad.example.com", queries: 1 }],
    },
    {
      server: "2001:db8::53",
      protocol: "dns",
      queries: 1,
      failures: 0,
      nxdomain: 0,
      timeouts: 0,
      retries: 0,
      roundTripMs: { p50: 0.9, p95: 0.9, p99: 0.9 },
      topNames: [{ name: "www.example.com", queries: 1 }],
    },
  ]);
  const more = stats.figures(NO_NETWORK, 10).dns.servers;
  assertEquals(more.map(({ protocol, server }) => `${protocol} ${server}`), [
    "dns 192.0.2.53",
    "dns 2001:db8::53",
    "llmnr 2001:db8::53",
    "mdns 224.0.0.251",
  ]);
  assertEquals([more[3]?.timeouts, more[3]?.roundTripMs], [1, undefined]);
});

Deno.test("NetworkStats counts connections by gateway, once for a gateway at both ends", () => {
  const stats = new NetworkStats();
  const open = (client?: Gateway, server?: Gateway) => {
    const ends = new Endpoints("192.0.2.1", 1, "198.51.100.1", 80, undefined, undefined, undefined);
    ends.clientLocation = { onLink: client === undefined, gateway: client };
    if (server) ends.serverLocation = { onLink: false, gateway: server };
    stats.opened(ends);
  };
  const one = { mac: "02:00:00:00:00:01", address: "192.0.2.254" };
  const other = { mac: "02:00:00:00:00:02", address: "2001:db8::1" };
  open(undefined, one);
  open(undefined, one);
  open(one, other);
  open(one, one);
  open();
  assertEquals(stats.figures(NO_NETWORK, 10).gateways, [
    { ...one, connections: 4 },
    { ...other, connections: 1 },
  ]);
  assertEquals(stats.figures(NO_NETWORK, 1).gateways.length, 1);
});

Deno.test("NetworkStats counts changes of addresses and takes over what is counted elsewhere, as a copy", () => {
  const stats = new NetworkStats();
  stats.addressChange({ time: 0, address: "192.0.2.1", from: "02:00:00:00:00:01", to: "02:00:00:00:00:02" });
  const counts = structuredClone(NO_NETWORK);
  counts.arp.requests = 7;
  counts.icmpErrors = 3;
  const figures = stats.figures(counts, 10);
  assertEquals([figures.addressChanges, figures.arp.requests, figures.icmpErrors], [1, 7, 3]);
  counts.arp.requests = 9;
  assertEquals(figures.arp.requests, 7);
});

Deno.test("NetworkStats keeps busy servers and names through a flood of others", () => {
  const stats = new NetworkStats();
  for (let index = 0; index < 30_000; index++) {
    if (index % 3 === 0) stats.dns(outcome());
    stats.dns(
      outcome({ server: `10.0.${index >> 8}.${index & 255}`, name: `${index}.example`, ...UNANSWERED }),
    );
    stats.dns(outcome({ name: `${index}.example` }));
  }
  const { dns } = stats.figures(NO_NETWORK, 5);
  assertEquals([dns.queries, dns.timeouts], [70_000, 30_000]);
  const [busiest] = dns.servers;
  assertEquals([busiest?.server, busiest?.queries], ["192.0.2.53", 40_000]);
  assertEquals(busiest?.topNames[0], { name: "www.example.com", queries: 10_000 });
});

Deno.test("NetworkStats begins anew with a server that takes the place of another", () => {
  const stats = new NetworkStats();
  stats.dns(outcome({ server: "first", rcode: 2, retries: 5 }));
  for (let index = 0; index < 1000; index++) stats.dns(outcome({ server: `${index}` }));
  for (const { failures, retries, queries } of stats.figures(NO_NETWORK, 1000).dns.servers) {
    assert(failures === 0 && retries === 0 && queries >= 1);
  }
});

Deno.test("NetworkStats cuts names that no message of DNS can hold", () => {
  const stats = new NetworkStats();
  stats.dns(outcome({ name: "é".repeat(1000) }));
  assertEquals(stats.figures(NO_NETWORK, 1).dns.servers[0]?.topNames, [{
    name: "é".repeat(256),
    queries: 1,
  }]);
});
