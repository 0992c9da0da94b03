/**
 * Fragments of IPv4 and IPv6 datagrams put together, from copies, until a datagram is whole. Bounded by datagrams, bytes and
 * time. A datagram whose fragments overlap is dropped (RFC 5722): who wants two readers to see different bytes sends such.
 *
 * @module
 */

import { equalsBytes } from "../bytes.ts";
import { Protocol } from "./ip_protocol.ts";
import { Layer, type Packet } from "./packet.ts";
import { layerOfPorts } from "./udp.ts";

/** What could not be put together, in datagrams. */
export interface FragmentLosses {
  /** The first fragment was seen and the rest did not come, or there was no room to wait for it. */
  incomplete: number;
  /** Fragments overlapped or disagreed about where the datagram ends. */
  overlapping: number;
}

/** Limits of the table. */
export interface FragmentLimits {
  /** Datagrams remembered at most. */
  readonly datagrams: number;
  /** Bytes held at most, with what each fragment costs besides. */
  readonly bytes: number;
}

/** 4 Ki datagrams, and 16 MiB. */
export const DEFAULT_FRAGMENT_LIMITS: FragmentLimits = { datagrams: 4096, bytes: 2 ** 24 };

const SECOND = 1_000_000;
/** How long a datagram waits for the rest of it. */
const PATIENCE = 30 * SECOND;
/** How long the fragments of a datagram that is over are known as repeated ones: its number may be used again soon. */
const REPEATS = SECOND;
/** More fragments than this in one datagram are somebody's trick. */
const MOST_FRAGMENTS = 512;
const FRAGMENT_COST = 128;
/** Longest payload of a datagram. */
const MOST_BYTES = 65_535;

/** What {@link FragmentTable.add} returns in the place of a protocol number. */
const WAITING = -1, IMPOSSIBLE = -2;

/** How decoding of a fragment ends that did not make its datagram whole. */
export function endOfFragment(result: number): Layer {
  return result === IMPOSSIBLE ? Layer.malformed : Layer.other;
}

interface Fragment {
  readonly offset: number;
  /** Bytes on the wire; `bytes` has those that were captured. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

interface Datagram {
  /** In order; `undefined` when the datagram is over: put together, dropped, or of no interest. */
  fragments: Fragment[] | undefined;
  /** When its first fragment came, or when it was over. */
  since: number;
  /** Bytes on the wire so far, and in all once the last fragment told it. */
  received: number;
  length: number;
  /** What the first fragment says it carries. */
  protocol: number;
}

/** Holds fragments. All times are packet times. */
export class FragmentTable {
  readonly losses: FragmentLosses = { incomplete: 0, overlapping: 0 };
  readonly #limits: FragmentLimits;
  readonly #datagrams = new Map<string, Datagram>();
  #held = 0;

  constructor(limits: FragmentLimits = DEFAULT_FRAGMENT_LIMITS) {
    this.#limits = limits;
  }

  /** How many datagrams are remembered, and how many bytes are held for them. */
  get size(): { datagrams: number; bytes: number } {
    return { datagrams: this.#datagrams.size, bytes: this.#held };
  }

  /**
   * Takes a fragment: the payload of `packet`, whose addresses are set. When it makes the datagram whole, the whole payload takes
   * its place in the packet.
   *
   * @param offset Where the fragment's payload belongs, in bytes.
   * @param more Whether others follow it.
   * @returns the datagram's protocol number when it is whole, else a negative number for {@link endOfFragment}.
   */
  add(packet: Packet, protocol: number, identification: number, offset: number, more: boolean): number {
    const { bytes, at, end, time } = packet;
    const length = packet.wireEnd - at;
    if (length <= 0 || (more && length % 8 !== 0) || offset + length > MOST_BYTES) return IMPOSSIBLE;
    const key = keyOf(packet, protocol, identification);
    const datagram = this.#find(key, time);
    const { fragments } = datagram;
    if (!fragments) return WAITING;
    if (offset === 0) {
      if (isOfNoInterest(packet, protocol)) return this.#finish(datagram, time);
      datagram.protocol = protocol;
    }

    let index = fragments.length;
    while (index > 0 && fragments[index - 1]!.offset >= offset) index--;
    const before = fragments[index - 1], after = fragments[index];
    const isRepeated = after?.offset === offset && after.length === length &&
      equalsBytes(bytes, at, end, after.bytes);
    if (isRepeated) return WAITING;
    const last = fragments[fragments.length - 1];
    const total = more ? datagram.length : offset + length;
    const isWrong = (before && before.offset + before.length > offset) ||
      (after && offset + length > after.offset) ||
      (datagram.length >= 0 && datagram.length !== total) ||
      (total >= 0 && (offset + length > total || (last && last.offset + last.length > total)));
    if (isWrong) {
      this.losses.overlapping++;
      return this.#finish(datagram, time);
    }
    if (fragments.length === MOST_FRAGMENTS) return this.#giveUp(datagram, time);

    fragments.splice(index, 0, { offset, length, bytes: bytes.slice(at, end) });
    this.#held += end - at + FRAGMENT_COST;
    datagram.received += length;
    datagram.length = total;
    if (datagram.received === total) {
      putTogether(packet, fragments, total);
      this.#finish(datagram, time);
      return datagram.protocol;
    }
    this.#makeRoom(time);
    return WAITING;
  }

  /** Forgets what has waited too long. Call it as packet time goes on, and with the clock when live. */
  advance(now: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (now - datagram.since <= (datagram.fragments ? PATIENCE : REPEATS)) break;
      this.#giveUp(datagram, now);
      this.#datagrams.delete(key);
    }
  }

  /** Gives up all that waits: nothing more will come. */
  flush(time: number): void {
    for (const datagram of this.#datagrams.values()) this.#giveUp(datagram, time);
    this.#datagrams.clear();
  }

  /** The datagram with a key: the one under way, one that was over a moment ago, or a new one. */
  #find(key: string, time: number): Datagram {
    const known = this.#datagrams.get(key);
    const age = known ? time - known.since : 0;
    if (known && age <= (known.fragments ? PATIENCE : REPEATS)) return known;
    if (known) {
      this.#giveUp(known, time);
      this.#datagrams.delete(key);
    }
    const datagram: Datagram = { fragments: [], since: time, received: 0, length: -1, protocol: -1 };
    this.#datagrams.set(key, datagram);
    this.#makeRoom(time);
    return datagram;
  }

  /** Ends a datagram of which a part is lost, if it was of interest: that, its first fragment tells. */
  #giveUp(datagram: Datagram, time: number): number {
    if (datagram.fragments && datagram.protocol >= 0) this.losses.incomplete++;
    return this.#finish(datagram, time);
  }

  #finish(datagram: Datagram, time: number): number {
    for (const { bytes } of datagram.fragments ?? []) this.#held -= bytes.length + FRAGMENT_COST;
    datagram.fragments = undefined;
    datagram.since = time;
    return WAITING;
  }

  /** Gives up the oldest datagrams while there are too many or too many bytes. */
  #makeRoom(time: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (this.#datagrams.size <= this.#limits.datagrams && this.#held <= this.#limits.bytes) break;
      this.#giveUp(datagram, time);
      this.#datagrams.delete(key);
    }
  }
}

/** What the fragments of one datagram have in common: network, addresses, number and, in IPv4, protocol. */
function keyOf(packet: Packet, protocol: number, identification: number): string {
  const { bytes, source, addressLength } = packet;
  const addresses = String.fromCharCode(...bytes.subarray(source, source + 2 * addressLength));
  return `${packet.network} ${addressLength === 4 ? protocol : ""} ${identification} ${addresses}`;
}

/** True for a first fragment that shows the datagram to carry neither TCP, a tunnel nor name resolution. */
function isOfNoInterest(packet: Packet, protocol: number): boolean {
  const PORTS = 4;
  if (protocol !== Protocol.udp || packet.end - packet.at < PORTS) return false;
  return layerOfPorts(packet.bytes, packet.at) === Layer.other;
}

/** Gives the packet the payload of all fragments, up to where one of them was cut by the snaplen. */
function putTogether(packet: Packet, fragments: readonly Fragment[], length: number): void {
  const headers = packet.at - packet.start;
  const cut = fragments.find((fragment) => fragment.bytes.length < fragment.length);
  const captured = cut ? cut.offset + cut.bytes.length : length;
  const whole = new Uint8Array(headers + captured);
  whole.set(packet.bytes.subarray(packet.start, packet.at));
  for (const { offset, bytes } of fragments) {
    if (offset < captured) whole.set(bytes, headers + offset);
  }
  packet.replacePayload(whole, headers + length);
}
