/**
 * Who is at which link layer address, as ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861) show it: what addresses are bound to,
 * which machines are routers, and how long connections waited for an address to be resolved.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { ArpField, ArpOperation } from "../wire/arp.ts";
import { NdpMessage, NdpType } from "../wire/ndp.ts";
import type { Packet } from "../wire/packet.ts";
import { addressOf, keyIn, macOf } from "./addresses.ts";
import { AgedMap } from "./aged_map.ts";
import type { NetworkHandler } from "./events.ts";
import type { Location, Resolution } from "./opening.ts";
import { CAPTURED_TWICE, MILLISECOND, MINUTE, SECOND, span } from "./spans.ts";

/**
 * Requests for link layer addresses since the start: all, those answered, and those of questions that nobody answered. Probes and
 * announcements of one's own address are none.
 */
export interface NeighbourCounts {
  requests: number;
  replies: number;
  unanswered: number;
}

/** What is remembered at most. At each limit the oldest give way; a request that does so counts as unanswered. */
export interface NeighbourLimits {
  readonly bindings: number;
  readonly requests: number;
  readonly resolutions: number;
}

/** About 5 MiB when all are reached: few enough for what a flood makes to be collected while it is young. */
export const DEFAULT_NEIGHBOUR_LIMITS: NeighbourLimits = {
  bindings: 2 ** 13,
  requests: 2 ** 11,
  resolutions: 2 ** 11,
};

/** A request that is not answered so long after it was last sent is given up. */
const PATIENCE = 3 * SECOND;
/** A packet that waited for the answer is sent at once: so long after it at most. */
const SENT_AT_ONCE = MILLISECOND;
/** A connection asks for its resolution with its first request, which may come so much later. */
const REMEMBERED = MINUTE;
/** Changes of one address are told of so often at most. */
const CHANGE_INTERVAL = SECOND;
/** Addresses remembered of one machine at most: those resolved last. */
const MOST_ADDRESSES = 8;

const ANY_IPV4 = "0.0.0.0", ANY_IPV6 = "::";

/** A machine, or rather one of its cards. */
interface Station {
  readonly key: string;
  readonly mac: string;
  /** Addresses bound to it, the one that was resolved last first. */
  readonly addresses: string[];
  /** How many are bound to it, those not listed included. */
  bindings: number;
  /** True once it said that it forwards IPv6. */
  isRouter: boolean;
}

interface Binding {
  station: Station;
  /** When a change was told of, `NaN` when none was. */
  changedAt: number;
}

/** A question for an address that waits for its answer. */
interface Request {
  readonly counts: NeighbourCounts;
  /** How often it was sent, and when last. */
  packets: number;
  lastAt: number;
  /**
   * How often it went to everybody, and when first: packets wait for that alone. What goes to the last known link layer address
   * makes sure of it while packets flow on.
   */
  askedOfAll: number;
  askedAt: number;
  askerMac: string | undefined;
}

/** Follows address resolution. All times are packet times, link layer addresses are texts such as `aa:bb:cc:dd:ee:ff`. */
export class Neighbours {
  readonly arpCounts: NeighbourCounts = { requests: 0, replies: 0, unanswered: 0 };
  readonly ndpCounts: NeighbourCounts = { requests: 0, replies: 0, unanswered: 0 };
  readonly #handler: Pick<NetworkHandler, "addressChange">;
  readonly #limits: NeighbourLimits;
  /** By address. */
  readonly #bindings = new AgedMap<string, Binding>();
  /** By link layer address. */
  readonly #stations = new Map<string, Station>();
  /** By who asks and for whom. */
  readonly #requests = new AgedMap<string, Request>();
  /** The last one by the link layer addresses of who asked and who was found. */
  readonly #resolutions = new AgedMap<string, Resolution>();
  readonly #message = new NdpMessage();

  constructor(
    handler: Pick<NetworkHandler, "addressChange">,
    limits: NeighbourLimits = DEFAULT_NEIGHBOUR_LIMITS,
  ) {
    this.#handler = handler;
    this.#limits = limits;
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#requests.size;
  }

  /** How much is remembered. */
  held(): { bindings: number; stations: number; requests: number; resolutions: number } {
    return {
      bindings: this.#bindings.size,
      stations: this.#stations.size,
      requests: this.#requests.size,
      resolutions: this.#resolutions.size,
    };
  }

  /** Takes a packet that ended with `Layer.arp`. */
  arp(packet: Packet): void {
    const { bytes, at, network, time } = packet;
    const sender = addressOf(packet, at + ArpField.senderAddress);
    // Asks whether anybody has the address that it would like to take (RFC 5227).
    if (sender === ANY_IPV4) return;
    const senderMac = machineAt(packet, at + ArpField.senderMac);
    if (senderMac !== undefined) this.#bind(network, sender, senderMac, time, true);
    const target = addressOf(packet, at + ArpField.targetAddress);
    if (sender === target) return;
    const operation = u16(bytes, at + ArpField.operation);
    if (operation === ArpOperation.request) {
      const isToAll = packet.destinationMac < 0 || isGroup(bytes, packet.destinationMac);
      this.#request(this.arpCounts, network, sender, target, senderMac, isToAll, time);
    } else if (operation === ArpOperation.reply) {
      this.#answer(network, target, sender, senderMac, time);
    }
  }

  /** Takes a packet that ended with `Layer.ndp`. */
  ndp(packet: Packet): void {
    const message = this.#message;
    message.read(packet);
    const { network, time } = packet;
    const source = addressOf(packet, packet.source);
    const sourceMac = machineAt(packet, message.sourceLinkAt);
    switch (message.type) {
      case NdpType.neighbourSolicitation: {
        // Asks whether anybody has the address that it would like to take (RFC 4862).
        if (source === ANY_IPV6) return;
        if (sourceMac !== undefined) this.#bind(network, source, sourceMac, time, true);
        const askerMac = sourceMac ?? machineAt(packet, packet.sourceMac);
        const isToAll = packet.bytes[packet.destination] === 0xff;
        const target = addressOf(packet, message.targetAt);
        this.#request(this.ndpCounts, network, source, target, askerMac, isToAll, time);
        break;
      }
      case NdpType.neighbourAdvertisement: {
        const target = addressOf(packet, message.targetAt);
        const targetMac = machineAt(packet, message.targetLinkAt);
        if (targetMac !== undefined) {
          const station = this.#bind(network, target, targetMac, time, message.isOverride);
          if (message.isRouter) station.isRouter = true;
        }
        if (message.isSolicited) {
          const asker = addressOf(packet, packet.destination);
          this.#answer(network, asker, target, targetMac ?? machineAt(packet, packet.sourceMac), time);
        }
        break;
      }
      case NdpType.routerSolicitation:
        if (source !== ANY_IPV6 && sourceMac !== undefined) {
          this.#bind(network, source, sourceMac, time, true);
        }
        break;
      case NdpType.routerAdvertisement: {
        const routerMac = sourceMac ?? machineAt(packet, packet.sourceMac);
        if (routerMac !== undefined) this.#bind(network, source, routerMac, time, true).isRouter = true;
      }
    }
  }

  /**
   * The resolution of the next hop's address that a packet waited for: of an address that the answer bound to `hopMac`, asked
   * by `askerMac` and answered just before `before`. Answers to no question are none.
   */
  resolution(network: number, askerMac: string, hopMac: string, before: number): Resolution | undefined {
    if (this.#resolutions.size === 0) return undefined;
    const resolution = this.#resolutions.get(keyIn(network, `${askerMac} ${hopMac}`));
    if (!resolution) return undefined;
    const waited = before - resolution.answeredAt;
    return waited >= 0 && waited <= SENT_AT_ONCE ? resolution : undefined;
  }

  /**
   * Where `address` is, whose frames come from or go to `mac`: on link, or behind the router that has `mac`. Of IPv6, where a
   * machine has several addresses and few are seen resolved, that it forwards must have been said by itself. `undefined`
   * when nothing shows it.
   */
  location(network: number, address: string, mac: string): Location | undefined {
    if (this.#bindings.size === 0) return undefined;
    const binding = this.#bindings.get(keyIn(network, address));
    if (binding) return binding.station.mac === mac ? ON_LINK : undefined;
    const station = this.#stations.get(keyIn(network, mac));
    const isV6 = isIpv6(address);
    if (!station || (isV6 && (!station.isRouter || isLinkLocal(address)))) return undefined;
    const gateway = station.addresses.find((known) => isIpv6(known) === isV6);
    return gateway === undefined ? undefined : { onLink: false, gateway: { mac, address: gateway } };
  }

  /**
   * Other addresses of the machine that has `address`, such as the IPv4 address beside an IPv6 one: those bound to the same
   * link layer address, a few of them.
   */
  aliases(network: number, address: string): string[] {
    if (this.#bindings.size === 0) return [];
    const binding = this.#bindings.get(keyIn(network, address));
    return binding ? binding.station.addresses.filter((alias) => alias !== address) : [];
  }

  /** Lets time go on to `now`: what got no answer is given up, and old resolutions are forgotten. */
  advance(now: number): void {
    for (let oldest = this.#requests.oldest; oldest; oldest = this.#requests.oldest) {
      if (span(oldest.value.lastAt, now) <= PATIENCE) break;
      this.#giveUp(oldest.key, oldest.value);
    }
    for (let oldest = this.#resolutions.oldest; oldest; oldest = this.#resolutions.oldest) {
      if (span(oldest.value.answeredAt, now) <= REMEMBERED) break;
      this.#resolutions.delete(oldest.key);
    }
  }

  /** Gives up what waits for an answer: nothing more will come. */
  flush(now: number): void {
    this.advance(now);
    for (let oldest = this.#requests.oldest; oldest; oldest = this.#requests.oldest) {
      this.#giveUp(oldest.key, oldest.value);
    }
  }

  #request(
    counts: NeighbourCounts,
    network: number,
    asker: string,
    target: string,
    askerMac: string | undefined,
    isToAll: boolean,
    time: number,
  ): void {
    const key = keyIn(network, `${asker} ${target}`);
    let request = this.#requests.get(key);
    if (request) {
      if (span(request.lastAt, time) < CAPTURED_TWICE) return;
      if (span(request.lastAt, time) > PATIENCE) {
        this.#giveUp(key, request);
        request = undefined;
      }
    }
    request ??= { counts, packets: 0, lastAt: time, askedOfAll: 0, askedAt: NaN, askerMac };
    counts.requests++;
    request.packets++;
    request.lastAt = time;
    if (isToAll && request.askedOfAll++ === 0) request.askedAt = time;
    this.#requests.set(key, request);
    if (this.#requests.size > this.#limits.requests) {
      const oldest = this.#requests.oldest!;
      this.#giveUp(oldest.key, oldest.value);
    }
  }

  #giveUp(key: string, { counts, packets }: Request): void {
    counts.unanswered += packets;
    this.#requests.delete(key);
  }

  /** `target` said to `asker` that it is at `mac`. */
  #answer(network: number, asker: string, target: string, mac: string | undefined, time: number): void {
    const request = this.#requests.get(keyIn(network, `${asker} ${target}`));
    if (!request) return;
    this.#requests.delete(keyIn(network, `${asker} ${target}`));
    request.counts.replies++;
    const binding = this.#bindings.get(keyIn(network, target));
    if (binding) noteResolved(binding.station, target);
    const { askerMac, askedAt, askedOfAll } = request;
    if (askedOfAll === 0 || askerMac === undefined || mac === undefined) return;
    const key = keyIn(network, `${askerMac} ${mac}`);
    this.#resolutions.set(key, Object.freeze({ askedAt, answeredAt: time, requests: askedOfAll }));
    if (this.#resolutions.size > this.#limits.resolutions) {
      this.#resolutions.delete(this.#resolutions.oldest!.key);
    }
  }

  /**
   * Binds an address to a link layer address; one that is bound already is bound anew only if that `replaces` what was known.
   * Returns the machine that has `mac`.
   */
  #bind(network: number, address: string, mac: string, time: number, replaces: boolean): Station {
    const key = keyIn(network, address), stationKey = keyIn(network, mac);
    const station = this.#stations.get(stationKey) ?? newStation(stationKey, mac);
    const binding = this.#bindings.get(key);
    if (!binding) {
      if (this.#bindings.size >= this.#limits.bindings) this.#forgetOldest();
      this.#bindings.set(key, { station, changedAt: NaN });
      this.#attach(station, address);
      return station;
    }
    this.#bindings.set(key, binding);
    const before = binding.station;
    if (before === station || !replaces) return station;
    this.#detach(before, address);
    this.#attach(station, address);
    binding.station = station;
    if (span(binding.changedAt, time) < CHANGE_INTERVAL) return station;
    binding.changedAt = time;
    this.#handler.addressChange({ time, address, from: before.mac, to: mac });
    return station;
  }

  #attach(station: Station, address: string): void {
    this.#stations.set(station.key, station);
    station.bindings++;
    noteResolved(station, address);
  }

  #detach(station: Station, address: string): void {
    const place = station.addresses.indexOf(address);
    if (place >= 0) station.addresses.splice(place, 1);
    if (--station.bindings === 0) this.#stations.delete(station.key);
  }

  #forgetOldest(): void {
    const { key, value: binding } = this.#bindings.oldest!;
    this.#bindings.delete(key);
    // A key is an address behind the network, if any.
    this.#detach(binding.station, key.slice(key.indexOf(" ") + 1));
  }
}

const ON_LINK: Location = { onLink: true, gateway: undefined };

function newStation(key: string, mac: string): Station {
  return { key, mac, addresses: [], bindings: 0, isRouter: false };
}

/** Puts an address first among those of its machine. */
function noteResolved({ addresses }: Station, address: string): void {
  const place = addresses.indexOf(address);
  if (place >= 0) addresses.splice(place, 1);
  else if (addresses.length === MOST_ADDRESSES) addresses.pop();
  addresses.unshift(address);
}

/** The link layer address at `at` if a single machine can have it; -1 stands for none. */
function machineAt(packet: Packet, at: number): string | undefined {
  if (at < 0 || isGroup(packet.bytes, at)) return undefined;
  const mac = macOf(packet, at);
  return mac === "00:00:00:00:00:00" ? undefined : mac;
}

/** True when the link layer address at `at` is that of several machines, or of all. */
function isGroup(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & 1) !== 0;
}

function isIpv6(address: string): boolean {
  return address.includes(":");
}

/** True for addresses that no router forwards. */
function isLinkLocal(address: string): boolean {
  return address.startsWith("fe80:");
}
