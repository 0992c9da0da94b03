import { assert, assertEquals } from "@std/assert";
import { DEFAULT_NEIGHBOUR_LIMITS, Neighbours } from "../../src/network/neighbours.ts";
import {
  arp,
  ETHER_TYPES,
  ethernet,
  LINK_TYPES,
  linuxSll,
  neighbourAdvertisement,
  neighbourSolicitation,
  routerAdvertisement,
  routerSolicitation,
} from "../support/frames.ts";
import { at, decoded, Heard } from "./support.ts";

const CLIENT = "10.0.0.1", CLIENT_MAC = "02:00:00:00:00:01";
const ROUTER = "10.0.0.254", ROUTER_MAC = "02:00:00:00:00:fe";
const CLIENT_V6 = "2001:db8::1", ROUTER_V6 = "fe80::fe";
const FAR = "192.0.2.80", FAR_V6 = "2001:db8:1::80";
const EVERYBODY = "ff:ff:ff:ff:ff:ff", NOBODY = "00:00:00:00:00:00";

class Watching {
  readonly heard = new Heard();
  readonly neighbours: Neighbours;

  constructor(limits = DEFAULT_NEIGHBOUR_LIMITS) {
    this.neighbours = new Neighbours(this.heard, limits);
  }

  /** An ARP request, to everybody unless said. */
  ask(
    time: number,
    options: { sender?: string; mac?: string; target?: string; to?: string; vlans?: number[] } = {},
  ): void {
    const { sender = CLIENT, mac = CLIENT_MAC, target = ROUTER, to = EVERYBODY, vlans = [] } = options;
    this.#arp({ senderMac: mac, senderAddress: sender, targetAddress: target }, mac, to, vlans, time);
  }

  /** The reply of the router to the client unless said. */
  reply(
    time: number,
    options: { sender?: string; mac?: string; target?: string; to?: string; vlans?: number[] } = {},
  ): void {
    const { sender = ROUTER, mac = ROUTER_MAC, target = CLIENT, to = CLIENT_MAC, vlans = [] } = options;
    const reply = {
      operation: 2,
      senderMac: mac,
      senderAddress: sender,
      targetMac: to,
      targetAddress: target,
    };
    this.#arp(reply, mac, to, vlans, time);
  }

  ndp(time: number, message: Uint8Array, source: string): void {
    this.neighbours.ndp(decoded(ethernet(message, { source }), at(time)));
  }

  /** A neighbour solicitation of the client for the router, and its answer. */
  solicit(time: number, options: { destination?: string } = {}): void {
    const message = neighbourSolicitation({
      source: CLIENT_V6,
      target: ROUTER_V6,
      mac: CLIENT_MAC,
      ...options,
    });
    this.ndp(time, message, CLIENT_MAC);
  }

  advertise(time: number, options: Parameters<typeof neighbourAdvertisement>[0] = {}): void {
    const message = { target: ROUTER_V6, destination: CLIENT_V6, mac: ROUTER_MAC, ...options };
    this.ndp(time, neighbourAdvertisement(message), options.mac ?? ROUTER_MAC);
  }

  resolution(before: number, asker = CLIENT_MAC, hop = ROUTER_MAC, network = 0) {
    const found = this.neighbours.resolution(network, asker, hop, at(before));
    return found && [ms(found.askedAt), ms(found.answeredAt), found.requests];
  }

  location(address: string, mac: string, network = 0): string | undefined {
    const location = this.neighbours.location(network, address, mac);
    if (!location) return undefined;
    assertEquals(location.onLink, location.gateway === undefined);
    return location.gateway ? `${location.gateway.address} at ${location.gateway.mac}` : "on link";
  }

  get changes(): string[] {
    return this.heard.changes.map(({ time, address, from, to }) => `${ms(time)} ${address} ${from} ${to}`);
  }

  #arp(
    fields: Parameters<typeof arp>[0],
    source: string,
    destination: string,
    vlans: number[],
    time: number,
  ) {
    const frame = ethernet(arp(fields), { etherType: ETHER_TYPES.arp, source, destination, vlans });
    this.neighbours.arp(decoded(frame, at(time)));
  }
}

function ms(time: number): number {
  return (time - at(0)) / 1000;
}

// Resolutions.

Deno.test("resolution: from the first request to its answer, of who asked and who was found", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.reply(2);
  assertEquals(watching.resolution(2.1), [0, 2, 1]);
  assertEquals(watching.resolution(2.1, ROUTER_MAC, CLIENT_MAC), undefined);
  assertEquals(watching.resolution(2.1, CLIENT_MAC, "02:00:00:00:00:99"), undefined);
  assertEquals(watching.resolution(2.1, CLIENT_MAC, ROUTER_MAC, 9), undefined);
});

Deno.test("resolution: what waits for the answer is sent at once behind it", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.reply(2);
  assertEquals(watching.resolution(1.9), undefined);
  assert(watching.resolution(2));
  assert(watching.resolution(3));
  assertEquals(watching.resolution(3.1), undefined);
});

Deno.test("resolution: counts requests until the answer, and one that was captured twice once", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.ask(0.03);
  watching.ask(1000);
  watching.ask(2000);
  watching.reply(2001);
  watching.reply(2001.03);
  assertEquals(watching.resolution(2002), [0, 2001, 3]);
  assertEquals(watching.neighbours.arpCounts, { requests: 3, replies: 1, unanswered: 0 });
});

Deno.test("resolution: an answer to no question makes none", () => {
  const watching = new Watching();
  watching.reply(0);
  watching.ask(1, { target: "10.0.0.9" });
  watching.reply(2);
  assertEquals(watching.resolution(2.1), undefined);
  assertEquals(watching.neighbours.arpCounts.replies, 0);
});

Deno.test("resolution: what was asked of the known machine alone kept nothing waiting", () => {
  const watching = new Watching();
  watching.ask(0, { to: ROUTER_MAC });
  watching.reply(1);
  assertEquals(watching.resolution(1.1), undefined);
  watching.solicit(10, { destination: ROUTER_V6 });
  watching.advertise(11);
  assertEquals(watching.resolution(11.1), undefined);
  assertEquals(watching.neighbours.arpCounts, { requests: 1, replies: 1, unanswered: 0 });
  assertEquals(watching.neighbours.ndpCounts, { requests: 1, replies: 1, unanswered: 0 });
});

Deno.test("resolution: begins with the first request to everybody when the known machine is silent", () => {
  const watching = new Watching();
  watching.ask(0, { to: ROUTER_MAC });
  watching.ask(1000, { to: ROUTER_MAC });
  watching.ask(2000);
  watching.reply(2003);
  assertEquals(watching.resolution(2004), [2000, 2003, 1]);
});

Deno.test("resolution: by neighbour discovery", () => {
  const watching = new Watching();
  watching.solicit(0);
  watching.solicit(1000);
  watching.advertise(1004);
  assertEquals(watching.resolution(1005), [0, 1004, 2]);
  assertEquals(watching.neighbours.ndpCounts, { requests: 2, replies: 1, unanswered: 0 });
  assertEquals(watching.neighbours.arpCounts.requests, 0);
});

Deno.test("resolution: by neighbour discovery without link layer addresses in it", () => {
  const watching = new Watching();
  watching.ndp(
    0,
    neighbourSolicitation({ source: CLIENT_V6, target: ROUTER_V6, mac: null }),
    CLIENT_MAC,
  );
  watching.ndp(
    1,
    neighbourAdvertisement({ target: ROUTER_V6, destination: CLIENT_V6, mac: null }),
    ROUTER_MAC,
  );
  assertEquals(watching.resolution(2), [0, 1, 1]);
});

Deno.test("resolution: an advertisement that nobody asked for makes none", () => {
  const watching = new Watching();
  watching.solicit(0);
  watching.advertise(1, { isSolicited: false });
  assertEquals(watching.resolution(1.1), undefined);
});

Deno.test("resolution: within its VLAN", () => {
  const watching = new Watching();
  watching.ask(0, { vlans: [5] });
  watching.reply(1);
  assertEquals(watching.resolution(1.1), undefined);
  assertEquals(watching.neighbours.waiting, 1);
  watching.reply(2, { vlans: [5] });
  assertEquals(watching.neighbours.waiting, 0);
  assertEquals(watching.resolution(2.1), undefined);
});

// Counts.

Deno.test("counts: a question without an answer for three seconds is unanswered, with all its requests", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.ask(1000);
  watching.neighbours.advance(at(4000));
  assertEquals(watching.neighbours.arpCounts, { requests: 2, replies: 0, unanswered: 0 });
  watching.neighbours.advance(at(4001));
  assertEquals(watching.neighbours.arpCounts, { requests: 2, replies: 0, unanswered: 2 });
  watching.reply(4002);
  assertEquals(watching.neighbours.arpCounts, { requests: 2, replies: 0, unanswered: 2 });
  assertEquals(watching.neighbours.waiting, 0);
});

Deno.test("counts: a question asked again after it was given up is another one", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.ask(3001);
  watching.reply(3002);
  assertEquals(watching.neighbours.arpCounts, { requests: 2, replies: 1, unanswered: 1 });
  assertEquals(watching.resolution(3003), [3001, 3002, 1]);
});

Deno.test("counts: what waits at the end is unanswered", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.solicit(0);
  watching.neighbours.flush(at(1));
  assertEquals(watching.neighbours.arpCounts.unanswered, 1);
  assertEquals(watching.neighbours.ndpCounts.unanswered, 1);
  assertEquals(watching.neighbours.waiting, 0);
});

Deno.test("counts: probes for and announcements of one's own address are no requests", () => {
  const watching = new Watching();
  watching.ask(0, { sender: "0.0.0.0" });
  watching.ask(1, { target: CLIENT });
  watching.reply(2, { target: ROUTER, to: EVERYBODY });
  watching.ndp(3, neighbourSolicitation({ source: "::", target: CLIENT_V6 }), CLIENT_MAC);
  watching.neighbours.flush(at(4));
  assertEquals(watching.neighbours.arpCounts, { requests: 0, replies: 0, unanswered: 0 });
  assertEquals(watching.neighbours.ndpCounts, { requests: 0, replies: 0, unanswered: 0 });
});

// Bindings and changes.

Deno.test("location: on link when the address is bound to the link layer address, by any message that says so", () => {
  const says: readonly [string, (watching: Watching) => void, string, string][] = [
    ["a request's sender", (watching) => watching.ask(0), CLIENT, CLIENT_MAC],
    ["a reply's sender", (watching) => watching.reply(0), ROUTER, ROUTER_MAC],
    ["an announcement", (watching) => watching.ask(0, { target: CLIENT }), CLIENT, CLIENT_MAC],
    ["a solicitation's source", (watching) => watching.solicit(0), CLIENT_V6, CLIENT_MAC],
    [
      "an advertisement's target",
      (watching) => watching.advertise(0, { isSolicited: false }),
      ROUTER_V6,
      ROUTER_MAC,
    ],
    [
      "a router solicitation's source",
      (watching) => watching.ndp(0, routerSolicitation({ source: "fe80::1", mac: CLIENT_MAC }), CLIENT_MAC),
      "fe80::1",
      CLIENT_MAC,
    ],
    [
      "a router advertisement's source",
      (watching) => watching.ndp(0, routerAdvertisement({ source: ROUTER_V6, mac: ROUTER_MAC }), ROUTER_MAC),
      ROUTER_V6,
      ROUTER_MAC,
    ],
    [
      "a router advertisement without its address",
      (watching) => watching.ndp(0, routerAdvertisement({ source: ROUTER_V6, mac: null }), ROUTER_MAC),
      ROUTER_V6,
      ROUTER_MAC,
    ],
  ];
  for (const [what, say, address, mac] of says) {
    const watching = new Watching();
    assertEquals(watching.location(address, mac), undefined, what);
    say(watching);
    assertEquals(watching.location(address, mac), "on link", what);
    assertEquals(watching.location(address, "02:00:00:00:00:99"), undefined, what);
    assertEquals(watching.location(address, mac, 9), undefined, what);
  }
});

Deno.test("bindings: not of no address, nor to link layer addresses that are nobody's or everybody's", () => {
  const watching = new Watching();
  watching.ask(0, { sender: "0.0.0.0" });
  watching.ask(1, { mac: NOBODY });
  watching.ask(2, { mac: EVERYBODY });
  watching.reply(3, { mac: "01:00:5e:00:00:01" });
  watching.ndp(4, neighbourSolicitation({ source: "::", target: CLIENT_V6 }), CLIENT_MAC);
  watching.ndp(5, routerSolicitation({ source: "::", mac: CLIENT_MAC }), CLIENT_MAC);
  const { bindings, stations } = watching.neighbours.held();
  assertEquals([bindings, stations], [0, 0]);
});

Deno.test("addressChange: once for a change, none for the first binding or the same one", () => {
  const watching = new Watching();
  const other = "02:00:00:00:00:66";
  watching.reply(0);
  watching.reply(10);
  watching.reply(5000, { mac: other });
  watching.reply(5010, { mac: other });
  assertEquals(watching.changes, [`5000 ${ROUTER} ${ROUTER_MAC} ${other}`]);
  assertEquals(watching.location(ROUTER, other), "on link");
  assertEquals(watching.location(ROUTER, ROUTER_MAC), undefined);
  assertEquals(watching.location(FAR, other), `${ROUTER} at ${other}`);
  assertEquals(watching.location(FAR, ROUTER_MAC), undefined);
  assertEquals(watching.neighbours.held().stations, 1);
});

Deno.test("addressChange: a machine keeps its other addresses", () => {
  const watching = new Watching();
  watching.reply(0, { sender: "10.0.0.253" });
  watching.reply(1);
  watching.reply(2, { mac: "02:00:00:00:00:66" });
  assertEquals(watching.location(FAR, ROUTER_MAC), `10.0.0.253 at ${ROUTER_MAC}`);
  assertEquals(watching.neighbours.aliases(0, "10.0.0.253"), []);
});

Deno.test("addressChange: two that alternate are told of once a second", () => {
  const watching = new Watching();
  const other = "02:00:00:00:00:66";
  for (let i = 0; i < 40; i++) watching.reply(i * 100, { mac: i % 2 ? other : ROUTER_MAC });
  assertEquals(watching.changes.map((change) => change.split(" ")[0]), ["100", "1100", "2100", "3100"]);
});

Deno.test("addressChange: by neighbour discovery, unless the advertisement replaces nothing", () => {
  const watching = new Watching();
  const other = "02:00:00:00:00:66";
  watching.advertise(0);
  watching.advertise(1, { mac: other, isOverride: false });
  assertEquals(watching.changes, []);
  assertEquals(watching.location(ROUTER_V6, ROUTER_MAC), "on link");
  watching.advertise(2, { mac: other });
  assertEquals(watching.changes, [`2 ${ROUTER_V6} ${ROUTER_MAC} ${other}`]);
});

Deno.test("addressChange: an address in two VLANs is two", () => {
  const watching = new Watching();
  watching.reply(0);
  watching.reply(1, { mac: "02:00:00:00:00:66", vlans: [5] });
  assertEquals(watching.changes, []);
});

// Gateways.

Deno.test("location: behind the router that the frames go to, when the address itself is bound to nothing", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.reply(1);
  assertEquals(watching.location(FAR, ROUTER_MAC), `${ROUTER} at ${ROUTER_MAC}`);
  assertEquals(watching.location(FAR_V6, ROUTER_MAC), undefined);
  assertEquals(watching.location(FAR, "02:00:00:00:00:99"), undefined);
});

Deno.test("location: of a router's addresses the one that was resolved last", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.reply(1);
  watching.ask(10, { sender: "10.1.0.1", target: "10.1.0.254" });
  watching.reply(11, { sender: "10.1.0.254", target: "10.1.0.1" });
  assertEquals(watching.location(FAR, ROUTER_MAC), `10.1.0.254 at ${ROUTER_MAC}`);
  // That the router asks something itself says nothing of who goes through it.
  watching.ask(20, { sender: ROUTER, mac: ROUTER_MAC, target: "10.0.0.77" });
  assertEquals(watching.location(FAR, ROUTER_MAC), `10.1.0.254 at ${ROUTER_MAC}`);
  watching.ask(30);
  watching.reply(31);
  assertEquals(watching.location(FAR, ROUTER_MAC), `${ROUTER} at ${ROUTER_MAC}`);
});

Deno.test("location: of IPv6 behind who says that it is a router", () => {
  const watching = new Watching();
  watching.advertise(0);
  // A host may have addresses that were never seen resolved.
  assertEquals(watching.location(FAR_V6, ROUTER_MAC), undefined);
  watching.advertise(1, { isRouter: true });
  assertEquals(watching.location(FAR_V6, ROUTER_MAC), `${ROUTER_V6} at ${ROUTER_MAC}`);
  watching.reply(2);
  watching.solicit(3);
  watching.advertise(4);
  assertEquals(watching.location(FAR, ROUTER_MAC), `${ROUTER} at ${ROUTER_MAC}`);
  assertEquals(watching.location("fe80::99", ROUTER_MAC), undefined);
  const another = new Watching();
  another.ndp(0, routerAdvertisement({ source: ROUTER_V6, mac: ROUTER_MAC }), ROUTER_MAC);
  assertEquals(another.location(FAR_V6, ROUTER_MAC), `${ROUTER_V6} at ${ROUTER_MAC}`);
});

Deno.test("aliases: other addresses of the machine that has one", () => {
  const watching = new Watching();
  watching.ask(0);
  assertEquals(watching.neighbours.aliases(0, CLIENT), []);
  watching.solicit(1);
  assertEquals(watching.neighbours.aliases(0, CLIENT), [CLIENT_V6]);
  assertEquals(watching.neighbours.aliases(0, CLIENT_V6), [CLIENT]);
  assertEquals(watching.neighbours.aliases(0, FAR), []);
  assertEquals(watching.neighbours.aliases(9, CLIENT), []);
});

// Cooked frames, floods, time.

Deno.test("Neighbours works where frames name no receiver", () => {
  const watching = new Watching();
  const frames = [
    linuxSll(arp({ senderMac: CLIENT_MAC, targetAddress: ROUTER }), { etherType: ETHER_TYPES.arp }),
    linuxSll(
      arp({
        operation: 2,
        senderMac: ROUTER_MAC,
        senderAddress: ROUTER,
        targetMac: CLIENT_MAC,
        targetAddress: CLIENT,
      }),
      { etherType: ETHER_TYPES.arp },
    ),
  ];
  for (const frame of frames) watching.neighbours.arp(decoded(frame, at(0), LINK_TYPES.linuxSll));
  assertEquals(watching.neighbours.arpCounts, { requests: 1, replies: 1, unanswered: 0 });
  assertEquals(watching.location(ROUTER, ROUTER_MAC), "on link");
  assertEquals(watching.resolution(1), [0, 0, 1]);
});

Deno.test("Neighbours keeps its limits in a storm, and the latest", () => {
  const watching = new Watching({ bindings: 100, requests: 50, resolutions: 10 });
  for (let i = 0; i < 1000; i++) {
    const host = `10.${i >> 8}.${i & 255}.1`, mac = `02:00:00:01:${hex(i >> 8)}:${hex(i)}`;
    watching.ask(i / 100, { sender: host, mac });
    // The router's is not forgotten, as it is seen all the time.
    if (i > 1) assertEquals(watching.location(ROUTER, ROUTER_MAC), "on link");
    if (i % 2) watching.reply(i / 100, { target: host, to: mac });
  }
  const held = watching.neighbours.held();
  assertEquals([held.bindings, held.requests, held.resolutions], [100, 49, 10]);
  assert(held.stations <= 100);
  assertEquals(watching.location("10.3.231.1", "02:00:00:01:03:e7"), "on link");
  assertEquals(watching.location("10.0.1.1", "02:00:00:01:00:01"), undefined);
  assertEquals(watching.neighbours.arpCounts, { requests: 1000, replies: 500, unanswered: 451 });
  watching.neighbours.flush(at(100_000));
  assertEquals(watching.neighbours.held(), { ...held, requests: 0, resolutions: 0 });
});

Deno.test("Neighbours keeps few addresses of a machine that answers for many", () => {
  const watching = new Watching({ bindings: 100, requests: 50, resolutions: 10 });
  for (let i = 0; i < 500; i++) watching.reply(i, { sender: `10.${i >> 8}.${i & 255}.1` });
  assertEquals(watching.neighbours.held().bindings, 100);
  assertEquals(watching.neighbours.held().stations, 1);
  assertEquals(watching.neighbours.aliases(0, "10.1.243.1").length, 7);
  for (let i = 0; i < 500; i++) watching.reply(i, { sender: `10.200.${i & 63}.1`, mac: CLIENT_MAC });
  for (let i = 0; i < 500; i++) watching.reply(i, { sender: `10.201.${i & 127}.1`, mac: CLIENT_MAC });
  assertEquals(watching.neighbours.held().stations, 1);
});

Deno.test("Neighbours forgets the oldest addresses of a machine in a VLAN", () => {
  const watching = new Watching({ bindings: 1, requests: 50, resolutions: 10 });
  watching.reply(0, { vlans: [5] });
  watching.reply(1, { vlans: [5], sender: "10.0.0.253" });
  const { network } = decoded(ethernet(arp(), { etherType: ETHER_TYPES.arp, vlans: [5] }), 0);
  assertEquals(watching.neighbours.held().bindings, 1);
  assertEquals(watching.location("10.0.0.253", ROUTER_MAC, network), "on link");
  assertEquals(watching.neighbours.aliases(network, "10.0.0.253"), []);
});

Deno.test("Neighbours bears a clock that is set back", () => {
  const watching = new Watching();
  watching.ask(3_600_000);
  watching.ask(3_600_000, { sender: "10.0.0.3" });
  watching.reply(3_600_001, { target: "10.0.0.3" });
  watching.reply(3_600_002, { mac: "02:00:00:00:00:66" });
  watching.ask(3_600_003);
  watching.ask(0);
  watching.reply(1);
  assertEquals(watching.resolution(2), [0, 1, 1]);
  assertEquals(watching.changes.length, 2);
  watching.ask(3_600_000);
  watching.neighbours.advance(at(0));
  assertEquals(watching.neighbours.waiting, 0);
});

Deno.test("Neighbours forgets resolutions after a minute", () => {
  const watching = new Watching();
  watching.ask(0);
  watching.reply(1);
  watching.neighbours.advance(at(60_001));
  assert(watching.resolution(2));
  watching.neighbours.advance(at(60_002));
  assertEquals(watching.resolution(2), undefined);
});

function hex(byte: number): string {
  return (byte & 255).toString(16).padStart(2, "0");
}
