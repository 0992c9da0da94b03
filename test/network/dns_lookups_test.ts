import { assert, assertEquals } from "@std/assert";
import { DEFAULT_DNS_LIMITS } from "../../src/network/dns_lookups.ts";
import { address, cname, DNS_TYPES, https } from "../support/dns.ts";
import { at, CLIENT, RESOLVER, Resolving, SERVER, SERVER_V6 } from "./support.ts";

const NAME = "web.test";
const { a, aaaa } = DNS_TYPES;
const OTHER_RESOLVER = "10.0.0.54";

// Queries and outcomes.

Deno.test("DnsLookups tells of a query with its response, once", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  assertEquals(dns.heard.outcomes, []);
  assertEquals(dns.lookups.waiting, 1);
  dns.answer(NAME, [SERVER], { time: 3.5 });
  dns.lookups.advance(at(60_000));
  dns.lookups.flush(at(60_000));
  assertEquals(dns.heard.outcomes, [{
    protocol: "dns",
    client: CLIENT,
    server: RESOLVER,
    name: NAME,
    type: a,
    askedAt: at(0),
    roundTrip: 3500,
    rcode: 0,
    retries: 0,
  }]);
});

Deno.test("DnsLookups gives up a query without a response after ten seconds", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.lookups.advance(at(10_000));
  assertEquals(dns.heard.outcomes, []);
  dns.lookups.advance(at(10_001));
  const [outcome, ...others] = dns.heard.outcomes;
  assertEquals([outcome!.roundTrip, outcome!.rcode, outcome!.server, others.length], [NaN, -1, RESOLVER, 0]);
  dns.answer(NAME, [SERVER], { time: 10_002 });
  assertEquals(dns.heard.outcomes.length, 1);
  assertEquals(dns.find(10_003), undefined);
});

Deno.test("DnsLookups gives up all queries at the end", () => {
  const dns = new Resolving();
  dns.ask("a.test", { time: 0, id: 1 });
  dns.ask("b.test", { time: 1, id: 2 });
  dns.lookups.flush(at(2));
  assertEquals(dns.heard.outcomes.map(({ name, rcode }) => [name, rcode]), [["a.test", -1], ["b.test", -1]]);
  assertEquals(dns.lookups.waiting, 0);
});

Deno.test("DnsLookups measures from the first time that a query was sent", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.ask(NAME, { time: 4000 });
  dns.ask(NAME, { time: 13_000 });
  dns.lookups.advance(at(22_000));
  dns.answer(NAME, [SERVER], { time: 22_001 });
  assertEquals(dns.heard.outcomes.map(({ roundTrip, retries }) => [roundTrip, retries]), [[22_001_000, 2]]);
  const found = dns.find(22_002)!;
  assertEquals([found.startedAt, found.answeredAt, found.retries], [0, 22_001, 2]);
});

Deno.test("DnsLookups gives up queries in time while another one is sent again and again", () => {
  const dns = new Resolving();
  dns.ask("a.test", { time: 0, id: 1 });
  dns.ask("b.test", { time: 1000, id: 2 });
  dns.ask("a.test", { time: 9000, id: 1 });
  dns.lookups.advance(at(12_000));
  assertEquals(dns.heard.outcomes.map(({ name }) => name), ["b.test"]);
});

Deno.test("DnsLookups takes a query captured twice for one", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.ask(NAME, { time: 0.02 });
  dns.answer(NAME, [SERVER], { time: 2 });
  dns.answer(NAME, [SERVER], { time: 2.02 });
  assertEquals(dns.heard.outcomes.map(({ retries }) => retries), [0]);
  assertEquals(dns.find(3)!.retries, 0);
});

Deno.test("DnsLookups tells of reverse lookups and other types, which no connection comes from", () => {
  const dns = new Resolving();
  for (const type of [DNS_TYPES.ptr, DNS_TYPES.txt, DNS_TYPES.svcb]) {
    dns.ask(NAME, { time: 0, type });
    dns.answer(NAME, [SERVER], { time: 1, type });
  }
  assertEquals(dns.heard.outcomes.map(({ type }) => type), [12, 16, 64]);
  assertEquals(dns.lookups.held(), { queries: 0, lookups: 0, clients: 0 });
});

Deno.test("DnsLookups makes nothing of queries of other classes and messages that are no queries", () => {
  const dns = new Resolving();
  dns.ask("version.bind", { time: 0 }, { questions: [{ name: "version.bind", type: a, class: 3 }] });
  dns.ask("zone.test", { time: 1, id: 8 }, { opcode: 5 });
  dns.ask("", { time: 2, id: 9 }, { questions: [] });
  assertEquals(dns.lookups.held(), { queries: 1, lookups: 0, clients: 0 });
});

Deno.test("DnsLookups tells queries with one identifier apart by network, client, port and server", () => {
  const dns = new Resolving();
  dns.ask("a.test", { time: 0 });
  dns.ask("b.test", { time: 0, port: 40001 });
  dns.ask("c.test", { time: 0, client: "10.0.0.2" });
  dns.ask("d.test", { time: 0, server: OTHER_RESOLVER });
  dns.ask("e.test", { time: 0, vlan: 5 });
  assertEquals(dns.lookups.waiting, 5);
  dns.answer("e.test", [], { time: 1, vlan: 5 });
  dns.answer("d.test", [], { time: 2, server: OTHER_RESOLVER });
  dns.answer("c.test", [], { time: 3, client: "10.0.0.2" });
  dns.answer("b.test", [], { time: 4, port: 40001 });
  dns.answer("a.test", [], { time: 5 });
  assertEquals(dns.heard.outcomes.map(({ name }) => name), [
    "e.test",
    "d.test",
    "c.test",
    "b.test",
    "a.test",
  ]);
});

Deno.test("DnsLookups gives up a query whose identifier is used for another question", () => {
  const dns = new Resolving();
  dns.ask("a.test", { time: 0 });
  dns.ask("b.test", { time: 100 });
  dns.answer("b.test", [SERVER], { time: 101 });
  assertEquals(dns.heard.outcomes.map(({ name, rcode }) => [name, rcode]), [["a.test", -1], ["b.test", 0]]);
});

// Spoofed answers.

Deno.test("DnsLookups makes nothing of a response to no query", () => {
  const dns = new Resolving();
  dns.answer(NAME, [SERVER], { time: 0 });
  assertEquals(dns.heard.outcomes, []);
  assertEquals(dns.find(1), undefined);
});

Deno.test("DnsLookups passes over responses from another server, to another port, identifier or question", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 1, server: OTHER_RESOLVER });
  dns.answer(NAME, [SERVER], { time: 1, port: 40001 });
  dns.answer(NAME, [SERVER], { time: 1, id: 8 });
  dns.answer("evil.test", [SERVER], { time: 1 });
  dns.answer(NAME, [SERVER], { time: 1, type: aaaa });
  assertEquals(dns.heard.outcomes, []);
  assertEquals(dns.find(2), undefined);
  dns.answer(NAME, ["192.0.2.81"], { time: 3 });
  assertEquals(dns.find(4, { server: "192.0.2.81" })?.answeredAt, 3);
});

Deno.test("DnsLookups counts the first of two answers to one query", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 1 });
  dns.answer(NAME, ["192.0.2.81"], { time: 2 });
  assertEquals(dns.heard.outcomes.length, 1);
  assertEquals(dns.find(3, { server: "192.0.2.81" }), undefined);
  assertEquals(dns.find(3)?.answeredAt, 1);
});

Deno.test("DnsLookups takes an error without its question", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [], { time: 1 }, { rcode: 1, questions: [] });
  assertEquals(dns.heard.outcomes.map(({ rcode }) => rcode), [1]);
});

// What a lookup is.

Deno.test("find: from the first query to the last answer, A and AAAA together", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0, id: 1 });
  dns.ask(NAME, { time: 0.1, id: 2, type: aaaa });
  dns.answer(NAME, [SERVER, "192.0.2.81"], { time: 5, id: 1 });
  dns.answer(NAME, [SERVER_V6], { time: 9, id: 2, type: aaaa });
  assertEquals(dns.find(10), {
    name: NAME,
    protocol: "dns",
    server: RESOLVER,
    startedAt: 0,
    answeredAt: 9,
    retries: 0,
  });
  assertEquals(dns.heard.outcomes.length, 2);
});

Deno.test("find: a connection begun between two answers has waited for the first alone", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0, id: 1 });
  dns.ask(NAME, { time: 0, id: 2, type: aaaa });
  dns.answer(NAME, [SERVER], { time: 5, id: 1 });
  dns.answer(NAME, [SERVER_V6], { time: 30, id: 2, type: aaaa });
  // Requests are read later than connections begin, so this is asked when both are there.
  assertEquals(dns.find(6)?.answeredAt, 5);
  assertEquals(dns.find(31, { server: SERVER_V6 })?.answeredAt, 30);
});

Deno.test("find: an answer that came after the connection began is none", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 5 });
  assertEquals(dns.find(4.9), undefined);
  assertEquals(dns.find(-1), undefined);
  assert(dns.find(5));
});

Deno.test("find: an answer is used within ten seconds", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 5 });
  assertEquals(dns.find(10_006), undefined);
  assert(dns.find(10_005));
});

Deno.test("find: neither another client nor another server's address nor another network", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 5 });
  assertEquals(dns.find(6, { client: "10.0.0.2" }), undefined);
  assertEquals(dns.find(6, { server: "192.0.2.81" }), undefined);
  assertEquals(dns.lookups.find(9, CLIENT, SERVER, NAME, at(6)), undefined);
  assert(dns.find(6));
});

Deno.test("find: the server's address at the end of a chain of names, and what an HTTPS record hints at", () => {
  const dns = new Resolving();
  const chain = [address("edge.test", SERVER), cname("cdn.test", "edge.test"), cname(NAME, "cdn.test")];
  dns.ask(NAME, { time: 0, id: 1 });
  dns.answer(NAME, [], { time: 1, id: 1 }, { answers: chain });
  assertEquals(dns.find(2)?.name, NAME);
  const hint = [https("h3.test", 1, ".", ["192.0.2.99"])];
  dns.ask("h3.test", { time: 3, id: 2, type: DNS_TYPES.https });
  dns.answer("h3.test", [], { time: 4, id: 2, type: DNS_TYPES.https }, { answers: hint });
  assertEquals(dns.find(5, { server: "192.0.2.99" })?.name, "h3.test");
});

Deno.test("find: addresses of other names in an answer are not the name's", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, ["192.0.2.81"], { time: 1 }, { answers: [address("other.test", SERVER)] });
  assertEquals(dns.find(2), undefined);
});

Deno.test("find: that there is no such name, or no such address, is an answer", () => {
  for (const rcode of [0, 3]) {
    const dns = new Resolving();
    dns.ask(NAME, { time: 0, id: 1 });
    dns.ask(NAME, { time: 0, id: 2, type: aaaa });
    dns.answer(NAME, [SERVER], { time: 5, id: 1 });
    dns.answer(NAME, [], { time: 7, id: 2, type: aaaa }, { rcode });
    assertEquals(dns.find(8)?.answeredAt, 7);
    assertEquals(dns.heard.outcomes.at(-1)!.rcode, rcode);
  }
});

Deno.test("find: a type asked for soon after the answer belongs to the lookup, later it begins another one", () => {
  for (const [asked, startedAt] of [[900, 0], [1100, 1100]] as const) {
    const dns = new Resolving();
    dns.ask(NAME, { time: 0, id: 1 });
    dns.answer(NAME, [SERVER], { time: 1, id: 1 });
    dns.ask(NAME, { time: asked, id: 2, type: aaaa });
    dns.answer(NAME, [SERVER_V6], { time: asked + 1, id: 2, type: aaaa });
    assertEquals(dns.find(asked + 2, { server: SERVER_V6 })?.startedAt, startedAt);
  }
});

Deno.test("find: a type asked for after a connection used the lookup begins another one", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0, id: 1 });
  dns.answer(NAME, [SERVER], { time: 1, id: 1 });
  assert(dns.find(2));
  dns.ask(NAME, { time: 100, id: 2, type: aaaa });
  dns.answer(NAME, [SERVER_V6], { time: 101, id: 2, type: aaaa });
  assertEquals(dns.find(102, { server: SERVER_V6 })?.startedAt, 100);
});

Deno.test("find: the same question after its answer begins another lookup", () => {
  const dns = new Resolving();
  for (const time of [0, 100]) {
    dns.ask(NAME, { time, id: time });
    dns.answer(NAME, [SERVER], { time: time + 1, id: time });
  }
  assertEquals(dns.lookups.held().lookups, 2);
  assertEquals(dns.find(102, { host: NAME })?.startedAt, 100);
});

Deno.test("find: two names asked for at once are two lookups", () => {
  const dns = new Resolving();
  dns.ask("a.test", { time: 0, id: 1 });
  dns.ask("b.test", { time: 1, id: 2, type: aaaa });
  dns.answer("b.test", [SERVER_V6], { time: 5, id: 2, type: aaaa });
  assertEquals(dns.find(6, { server: SERVER_V6 })?.name, "b.test");
  assertEquals(dns.lookups.held().lookups, 2);
});

Deno.test("find: asking again for a name that does not exist begins another lookup", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0, id: 1 });
  dns.answer(NAME, [], { time: 1, id: 1 }, { rcode: 3 });
  dns.ask(NAME, { time: 300, id: 2 });
  dns.answer(NAME, [SERVER], { time: 301, id: 2 });
  assertEquals(dns.find(302)?.startedAt, 300);
});

// Sent again.

Deno.test("find: a question sent again to another server or from another port belongs to the lookup", () => {
  for (const other of [{ server: OTHER_RESOLVER }, { port: 40001, id: 9 }]) {
    const dns = new Resolving();
    dns.ask(NAME, { time: 0 });
    dns.ask(NAME, { time: 5000, ...other });
    dns.answer(NAME, [SERVER], { time: 5002, ...other });
    const found = dns.find(5003)!;
    assertEquals([found.startedAt, found.answeredAt, found.retries], [0, 5002, 1]);
    assertEquals(found.server, other.server ?? RESOLVER);
    dns.lookups.advance(at(11_000));
    // The first query had no response, the second one had it at once.
    assertEquals(dns.heard.outcomes.map(({ roundTrip, retries }) => [roundTrip, retries]), [[2000, 0], [
      NaN,
      0,
    ]]);
  }
});

Deno.test("find: a late answer of the server asked first does not make the lookup longer", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.ask(NAME, { time: 5000, server: OTHER_RESOLVER });
  dns.answer(NAME, [SERVER], { time: 5002, server: OTHER_RESOLVER });
  dns.answer(NAME, [SERVER], { time: 5500 });
  assertEquals(dns.find(5600)?.answeredAt, 5002);
  assertEquals(dns.heard.outcomes.length, 2);
});

Deno.test("find: asking two servers at once is no retry", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.ask(NAME, { time: 0.1, server: OTHER_RESOLVER });
  dns.answer(NAME, [SERVER], { time: 2, server: OTHER_RESOLVER });
  dns.answer(NAME, [SERVER], { time: 3 });
  const found = dns.find(4)!;
  assertEquals([found.startedAt, found.answeredAt, found.retries, found.server], [0, 2, 0, OTHER_RESOLVER]);
});

Deno.test("find: the same question of two programs at once is two lookups", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0, id: 1, port: 40001 });
  dns.ask(NAME, { time: 50, id: 2, port: 40002 });
  dns.answer(NAME, [SERVER], { time: 100, id: 1, port: 40001 });
  const first = dns.find(101)!;
  dns.answer(NAME, [SERVER], { time: 180, id: 2, port: 40002 });
  const second = dns.find(181)!;
  assertEquals([first.startedAt, first.answeredAt, first.retries], [0, 100, 0]);
  assertEquals([second.startedAt, second.answeredAt, second.retries], [50, 180, 0]);
});

Deno.test("find: what was sent again with another identifier is known by that", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0, id: 1 });
  dns.ask(NAME, { time: 5000, id: 2, port: 40001 });
  dns.ask(NAME, { time: 5050, id: 2, port: 40001, server: OTHER_RESOLVER });
  assertEquals(dns.lookups.held().lookups, 1);
  dns.ask(NAME, { time: 5100, id: 3, port: 40002 });
  assertEquals(dns.lookups.held().lookups, 2);
});

Deno.test("find: a question asked anew after it was given up begins another lookup", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.lookups.advance(at(10_100));
  dns.ask(NAME, { time: 10_100 });
  dns.answer(NAME, [SERVER], { time: 10_101 });
  assertEquals(dns.find(10_102)?.startedAt, 10_100);
});

Deno.test("find: a server that fails is followed by another one in the same lookup", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [], { time: 3 }, { rcode: 2 });
  dns.ask(NAME, { time: 3.2, server: OTHER_RESOLVER });
  dns.answer(NAME, [SERVER], { time: 8, server: OTHER_RESOLVER });
  const found = dns.find(9)!;
  assertEquals([found.startedAt, found.answeredAt, found.server], [0, 8, OTHER_RESOLVER]);
  assertEquals(dns.heard.outcomes.map(({ rcode }) => rcode), [2, 0]);
});

Deno.test("find: answers of a lookup are bounded when servers go on failing", () => {
  const dns = new Resolving();
  for (let i = 0; i < 100; i++) {
    dns.ask(NAME, { time: i });
    dns.answer(NAME, [], { time: i + 0.5 }, { rcode: 2 });
  }
  assertEquals(dns.lookups.held().lookups, 13);
});

Deno.test("find: a truncated answer is followed by TCP: one lookup, no retry and no second failure", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [], { time: 2 }, { isTruncated: true, rcode: 3 });
  // As over TCP: from another port, with another identifier.
  dns.ask(NAME, { time: 30, port: 50000, id: 9 });
  dns.answer(NAME, [SERVER], { time: 60, port: 50000, id: 9 });
  const found = dns.find(70)!;
  assertEquals([found.startedAt, found.answeredAt, found.retries], [0, 60, 0]);
  assertEquals(dns.lookups.held().lookups, 1);
  assertEquals(dns.heard.outcomes.map(({ rcode }) => rcode), [0, 0]);
});

// Which lookup, and whose.

Deno.test("find: a lookup is taken by one connection, and by those begun within 50 ms of it", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 1 });
  assert(dns.find(2));
  assert(dns.find(52));
  assertEquals(dns.find(52.1), undefined);
  // Requests are not read in the order in which their connections began.
  assert(dns.find(1.5));
  assertEquals(dns.find(51.9), undefined);
});

Deno.test("find: of several lookups the one for the host asked for, else the latest", () => {
  const dns = new Resolving();
  for (const [time, name] of [[0, "a.test"], [1, "b.test"], [2, "c.test"]] as const) {
    dns.ask(name, { time, id: time });
    dns.answer(name, [SERVER], { time: time + 0.5, id: time });
  }
  assertEquals(dns.find(4, { host: "a.test" })?.name, "a.test");
  assertEquals(dns.find(5, { host: "192.0.2.80" })?.name, "c.test");
  assertEquals(dns.find(100, { host: "192.0.2.80" })?.name, "b.test");
  assertEquals(dns.find(200, { host: "b.test" }), undefined);
});

Deno.test("find: what it gives does not change afterwards", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 1 });
  const found = dns.lookups.find(0, CLIENT, SERVER, NAME, at(2))!;
  assert(Object.isFrozen(found));
});

// Multicast.

Deno.test("mDNS: the response that everybody gets answers the question by name and type", () => {
  const dns = new Resolving();
  const group = { port: 5353, server: "224.0.0.251", serverPort: 5353, id: 0 };
  dns.ask("printer.local", { time: 0, ...group });
  // From 10.0.0.9 to the group.
  const answers = [address("printer.local", "10.0.0.9", { class: 0x8001 })];
  const fromPrinter = { port: 5353, client: "224.0.0.251", server: "10.0.0.9", serverPort: 5353, id: 0 };
  dns.answer("", [], { time: 3, ...fromPrinter }, { questions: [], answers });
  assertEquals(dns.heard.outcomes.map(({ protocol, server, roundTrip }) => [protocol, server, roundTrip]), [
    ["mdns", "10.0.0.9", 3000],
  ]);
  assertEquals(dns.find(4, { server: "10.0.0.9" }), {
    name: "printer.local",
    protocol: "mdns",
    server: "10.0.0.9",
    startedAt: 0,
    answeredAt: 3,
    retries: 0,
  });
});

Deno.test("mDNS: records of another name or type, and announcements, answer nothing", () => {
  const dns = new Resolving();
  const group = { port: 5353, server: "224.0.0.251", serverPort: 5353, id: 0 };
  dns.ask("printer.local", { time: 0, ...group });
  const fromPrinter = { port: 5353, client: "224.0.0.251", server: "10.0.0.9", serverPort: 5353, id: 0 };
  const answers = [address("other.local", "10.0.0.9"), address("printer.local", SERVER_V6)];
  dns.answer("", [], { time: 3, ...fromPrinter }, { questions: [], answers });
  assertEquals(dns.heard.outcomes, []);
  assertEquals(dns.lookups.waiting, 1);
});

Deno.test("mDNS: a question that another machine has just asked is that one's", () => {
  const dns = new Resolving();
  const group = { port: 5353, server: "224.0.0.251", serverPort: 5353, id: 0 };
  dns.ask("printer.local", { time: 0, ...group });
  dns.ask("printer.local", { time: 20, ...group, client: "10.0.0.2" });
  assertEquals(dns.lookups.waiting, 1);
  dns.lookups.flush(at(30));
  assertEquals(dns.heard.outcomes.map(({ client, retries }) => [client, retries]), [[CLIENT, 0]]);
});

Deno.test("mDNS: queries to which silence is the answer are not waited for", () => {
  const dns = new Resolving();
  const group = { port: 5353, server: "224.0.0.251", serverPort: 5353, id: 0 };
  dns.ask("_http._tcp.local", { time: 0, type: DNS_TYPES.ptr, ...group }, {
    answers: [{ name: "_http._tcp.local", type: DNS_TYPES.ptr, data: ["a._http._tcp.local"] }],
  });
  dns.ask("me.local", { time: 1, type: 255, ...group });
  assertEquals(dns.lookups.waiting, 0);
});

Deno.test("LLMNR: the response comes from another address than the group that was asked", () => {
  const dns = new Resolving();
  dns.ask("desk", { time: 0, server: "224.0.0.252", serverPort: 5355 });
  dns.answer("desk", ["10.0.0.9"], { time: 4, server: "10.0.0.9", serverPort: 5355 });
  assertEquals(dns.heard.outcomes.map(({ protocol, server, rcode }) => [protocol, server, rcode]), [
    ["llmnr", "10.0.0.9", 0],
  ]);
  assertEquals(dns.find(5, { server: "10.0.0.9" })?.protocol, "llmnr");
});

Deno.test("one name by two protocols is two lookups", () => {
  const dns = new Resolving();
  dns.ask("desk", { time: 0 });
  dns.ask("desk", { time: 1, server: "224.0.0.252", serverPort: 5355 });
  assertEquals(dns.lookups.held().lookups, 2);
});

Deno.test("DnsLookups works over IPv6", () => {
  const dns = new Resolving();
  const talk = { client: "2001:db8::1", server: "2001:db8::53", type: aaaa };
  dns.ask(NAME, { time: 0, ...talk });
  dns.answer(NAME, [SERVER_V6], { time: 1, ...talk });
  assertEquals(dns.find(2, { client: "2001:db8::1", server: SERVER_V6 })?.server, "2001:db8::53");
});

// Time and memory.

Deno.test("DnsLookups bears a clock that is set back", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: -3 });
  assertEquals(dns.heard.outcomes[0]!.roundTrip, 0);
  dns.ask("later.test", { time: 3_600_000 });
  dns.lookups.advance(at(-1000));
  assertEquals(dns.lookups.waiting, 0);
  dns.lookups.advance(at(-100_000));
  assertEquals(dns.lookups.held(), { queries: 0, lookups: 0, clients: 0 });
});

Deno.test("DnsLookups forgets lookups after a minute", () => {
  const dns = new Resolving();
  dns.ask(NAME, { time: 0 });
  dns.answer(NAME, [SERVER], { time: 1 });
  dns.lookups.advance(at(60_000));
  assertEquals(dns.lookups.held(), { queries: 0, lookups: 1, clients: 1 });
  dns.lookups.advance(at(60_001));
  assertEquals(dns.lookups.held(), { queries: 0, lookups: 0, clients: 0 });
});

Deno.test("DnsLookups keeps its limits in a flood, and counts what gave way", () => {
  const limits = { ...DEFAULT_DNS_LIMITS, queries: 100, lookups: 50, lookupsPerClient: 5 };
  const dns = new Resolving(limits);
  for (let i = 0; i < 1000; i++) {
    dns.ask(`${i}.test`, { time: i / 100, id: i, client: i % 2 ? CLIENT : `10.1.${i >> 8}.${i & 255}` });
  }
  assertEquals(dns.lookups.held().queries, 100);
  assert(dns.lookups.held().lookups <= 50);
  assertEquals(dns.lookups.evicted, 900);
  assertEquals(dns.heard.outcomes.length, 900);
  // The latest ones are still there.
  dns.answer("999.test", [SERVER], { time: 20, id: 999 });
  assertEquals(dns.find(21)?.name, "999.test");
  dns.lookups.flush(at(100_000));
  assertEquals(dns.lookups.held(), { queries: 0, lookups: 0, clients: 0 });
});

Deno.test("DnsLookups keeps the latest lookups of a client, and few addresses of an answer", () => {
  const dns = new Resolving({ queries: 100, lookups: 50, lookupsPerClient: 2, addresses: 3 });
  for (let i = 0; i < 3; i++) {
    dns.ask(`${i}.test`, { time: i, id: i });
    dns.answer(`${i}.test`, [0, 1, 2, 3].map((j) => `10.${i}.0.${j}`), { time: i + 0.5, id: i });
  }
  assertEquals(dns.lookups.held(), { queries: 0, lookups: 2, clients: 1 });
  assertEquals(dns.find(4, { server: "10.0.0.0" }), undefined);
  assertEquals(dns.find(4, { server: "10.1.0.2" })?.name, "1.test");
  assertEquals(dns.find(4, { server: "10.2.0.3" }), undefined);
});

Deno.test("DnsLookups passes over bytes that are no DNS", () => {
  const dns = new Resolving();
  const ends = { network: 0, source: CLIENT, sourcePort: 1, destination: RESOLVER, destinationPort: 53 };
  for (let length = 0; length < 64; length++) {
    for (const fill of [0, 0x41, 0xff]) {
      dns.lookups.message(new Uint8Array(length).fill(fill), 0, length, ends, at(0));
    }
  }
  assertEquals(dns.heard.outcomes, []);
  assertEquals(dns.lookups.held().lookups, 0);
});
