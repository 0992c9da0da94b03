/**
 * The flow table: finds the TCP connection of each segment, follows its opening and closing, and hands the bytes
 * of both directions, in order, to a connection of the layer above.
 *
 * @module
 */

import { formatMac, hashWord, i32 } from "../bytes.ts";
import type { Frame } from "../frame.ts";
import { Flag, type Packet } from "../wire/packet.ts";
import { HandshakeObserver } from "./handshake.ts";
import { FAR, HeldMemory, REORDERING, Stream, type StreamHandler } from "./reassembly.ts";

/** What the layer above makes of one TCP connection. Directions are 0 and 1, named as the flow has them. */
export interface Connection {
  /** Takes what was sent in `direction`. */
  handler(direction: 0 | 1): StreamHandler;
  /**
   * Takes what the handler of `direction` would be given next: a range of the frame's bytes, of which memory and time are
   * looked at.
   */
  inOrder(
    frame: Frame,
    start: number,
    end: number,
    sequence: number,
    acknowledgement: number,
    direction: 0 | 1,
  ): void;
  /** Both directions are over, or the flow is given up; nothing more will come. */
  close(): void;
}

/** Makes the connection of a flow when its first payload arrives: `packet` was sent in `direction`. */
export type ConnectionFactory = (flow: Flow, packet: Packet, direction: 0 | 1) => Connection;

/** What the flow table could not keep or did not see. */
export interface StreamLosses {
  /** Holes in connections that nothing filled. */
  tcpGaps: number;
  /** Flows given up to make room for new ones. */
  evicted: number;
}

/** What was seen of the connections themselves. */
export interface ConnectionCounts {
  /** Handshakes seen to their end. */
  handshakes: number;
  /** Connections that were asked for and answered by a reset, and those that nothing answered. */
  refused: number;
  unanswered: number;
  synRetransmissions: number;
  /** Segments with bytes that had been seen before. */
  retransmissions: number;
  resets: number;
  /** Segments that say that their sender can take no more for now. */
  zeroWindows: number;
}

/** Limits of the flow table. */
export interface FlowLimits {
  /** Flows remembered at most. */
  readonly flows: number;
  /** Bytes held behind holes at most, for all flows together. */
  readonly heldBytes: number;
}

/** 48 Ki flows, with a connection each about 60 MiB, and 16 MiB of bytes held behind holes. */
export const DEFAULT_FLOW_LIMITS: FlowLimits = { flows: 3 * 2 ** 14, heldBytes: 2 ** 24 };

const SECOND = 1_000_000;
/** Idle flows are forgotten after this time, by stage. */
const IDLE_TIMEOUT = [60 * SECOND, 300 * SECOND, 60 * SECOND] as const;
/** How exact the order of flows by last use is kept. */
const TOUCH_RESOLUTION = SECOND;
/** A SYN so shortly before the first payload seen was captured behind it. */
const LATE_SYN = 2 ** 16;

/** So long a SYN may have been under way when watching ends. */
const ANSWER_TIME = SECOND;

/** A flow is opening until payload is seen, then open; once closed it is kept to tell late segments from new ones. */
const Stage = { opening: 0, open: 1, closed: 2 } as const;
type Stage = typeof Stage[keyof typeof Stage];

/** One TCP connection. Pooled: the table makes it new for the next one. */
export class Flow {
  /** Stream 0 is what the end with the lower address and port sends. */
  readonly streams: readonly [Stream, Stream] = [new Stream(), new Stream()];
  connection: Connection | undefined = undefined;
  stage: Stage = Stage.opening;
  lastSeen = NaN;
  /** The direction that asked for the connection, `undefined` when that was not seen. */
  initiator: 0 | 1 | undefined = undefined;
  readonly handshake = new HandshakeObserver();
  /** By direction: the link layer address of who sent its SYN, where frames name only their sender. */
  senders: [string | undefined, string | undefined] | undefined = undefined;
  /** True once anything of the following has happened to it. */
  isTroubled = false;
  /** Segments with bytes that had been seen before, and holes given up, in both directions. */
  retransmissions = 0;
  gaps = 0;
  /** When an end last said that it can take no more, and when an ICMP error about it was seen last: `NaN` for never. */
  zeroWindowAt = NaN;
  icmpErrorAt = NaN;
  /** When it was reset, `undefined` while it was not: what was captured out of order may yet come. */
  resetAt: number | undefined = undefined;
  /** Neighbours in the list of the flows of its stage. */
  older: Flow | undefined = undefined;
  newer: Flow | undefined = undefined;

  /** Of its key. */
  hash = 0;
  /**
   * True while the connection is open and nothing is waited for: the next segment in order has but to be delivered.
   * Kept by the table, for the fast lane.
   */
  isSteady = false;

  constructor(readonly index: number) {}
}

/** Flows of one stage, from the one that has been idle longest. */
class FlowList {
  oldest: Flow | undefined;
  #newest: Flow | undefined;

  append(flow: Flow): void {
    flow.older = this.#newest;
    flow.newer = undefined;
    if (this.#newest) this.#newest.newer = flow;
    else this.oldest = flow;
    this.#newest = flow;
  }

  remove(flow: Flow): void {
    if (flow.older) flow.older.newer = flow.newer;
    else this.oldest = flow.newer;
    if (flow.newer) flow.newer.older = flow.older;
    else this.#newest = flow.older;
  }
}

/** Flows that a new table has room for. */
const FIRST_FLOWS = 512;
/** Words of a key: ports, network, address length, two addresses of up to four words. */
const KEY_WORDS = 11;

/** Finds flows and follows them. All times are packet times. */
export class FlowTable {
  readonly losses: StreamLosses = { tcpGaps: 0, evicted: 0 };
  readonly counts: ConnectionCounts = {
    handshakes: 0,
    refused: 0,
    unanswered: 0,
    synRetransmissions: 0,
    retransmissions: 0,
    resets: 0,
    zeroWindows: 0,
  };
  readonly #connect: ConnectionFactory;
  readonly #memory: HeldMemory;
  readonly #limit: number;
  /** Flows by index, and the key of each; room is made as flows come. */
  readonly #flows: Flow[] = [];
  #keys = new Int32Array(0);
  readonly #free: Flow[] = [];
  /** Open addressing: two words a slot, the key's hash and index + 1 of the flow, 0 where empty. */
  #slots = new Int32Array(0);
  #mask = 0;
  readonly #lists = [new FlowList(), new FlowList(), new FlowList()] as const;
  /** Flows that hold segments or were reset. */
  readonly #unsettled = new Set<Flow>();
  /** The key being looked up, how many of its words count, and its hash. */
  readonly #key = new Int32Array(KEY_WORDS);
  #keyLength = 0;
  #hash = 0;

  constructor(connect: ConnectionFactory, limits: FlowLimits = DEFAULT_FLOW_LIMITS) {
    this.#connect = connect;
    this.#memory = new HeldMemory(limits.heldBytes);
    this.#limit = limits.flows;
    this.#grow(Math.min(FIRST_FLOWS, limits.flows));
  }

  /** How many flows are remembered. */
  get size(): number {
    return this.#flows.length - this.#free.length;
  }

  /** How many bytes are held behind holes, in all flows. */
  get heldBytes(): number {
    return this.#memory.used;
  }

  /** Takes a TCP segment. */
  segment(packet: Packet): void {
    const { flags, time } = packet;
    const direction = this.#readKey(packet);
    let flow = this.#find();
    if (!flow) {
      // Acknowledgements and endings of what was never seen tell nothing.
      if (flags & Flag.rst || (packet.payloadLength <= 0 && !(flags & Flag.syn))) return;
      flow = this.#add(time);
    } else if (time - flow.lastSeen > TOUCH_RESOLUTION) {
      this.#touch(flow, time);
    }

    if (this.#isAnotherConnection(flow, packet, direction)) this.#restart(flow, packet);
    const stream = flow.streams[direction];
    let sequence = packet.sequence;
    if (flags & Flag.syn) {
      sequence = (sequence + 1) | 0;
      flow.initiator = flags & Flag.ack ? 1 - direction as 0 | 1 : direction;
      if (packet.sourceMac >= 0 && packet.destinationMac < 0) {
        flow.senders ??= [undefined, undefined];
        flow.senders[direction] = formatMac(packet.bytes, packet.sourceMac);
      }
      // One that was captured behind payload tells no times, unless that came with the SYN (RFC 7413).
      if (flow.stage === Stage.opening || flow.handshake.isOpen) {
        if (flags & Flag.ack) flow.handshake.synAck(time);
        else if (flow.handshake.syn(time)) this.counts.synRetransmissions++;
      }
      if (!stream.started) stream.start(sequence, true);
      else if (stream.base !== sequence) this.#lateSyn(flow, stream, sequence);
    }
    const other = flow.streams[1 - direction as 0 | 1];
    if (flags & Flag.ack) other.acknowledge(packet.acknowledgement);
    if (packet.window === 0 && (flags & (Flag.syn | Flag.rst)) === 0) {
      flow.zeroWindowAt = time;
      flow.isTroubled = true;
      this.counts.zeroWindows++;
    }
    if (
      flow.handshake.isOpen && direction === flow.initiator && (flags & (Flag.syn | Flag.ack)) === Flag.ack
    ) {
      flow.handshake.ack(time);
      if (!(flags & Flag.rst)) this.counts.handshakes++;
    }
    if (flags & Flag.rst) {
      this.#reset(flow, time, direction);
    } else if (packet.payloadLength > 0 || flags & Flag.fin) {
      this.#payload(flow, packet, direction, stream, other, sequence);
    }
    flow.isSteady = flow.stage === Stage.open && flow.resetAt === undefined && !flow.handshake.isOpen &&
      stream.isSteady && other.isSteady;
  }

  /**
   * Takes a segment over IPv4 outside of any inner network if it is the next in order of a steady flow and has neither
   * SYN, FIN nor RST: the one case that most are. `low` and `high` are the addresses, the lower one first; `ports`
   * those of the lower and of the higher end. The payload is in the range of the frame's bytes; of the frame's facts only
   * memory and time are looked at.
   *
   * @returns false when it is another segment: nothing was done.
   */
  inOrder(
    low: number,
    high: number,
    ports: number,
    direction: 0 | 1,
    sequence: number,
    acknowledgement: number,
    frame: Frame,
    start: number,
    end: number,
  ): boolean {
    const slots = this.#slots, mask = this.#mask, keys = this.#keys;
    const hash = hashWord(hashWord(hashWord(0, ports), low), high);
    let slot = (hash << 1) & mask, base = 0;
    for (;; slot = (slot + 2) & mask) {
      const index = slots[slot + 1]! - 1;
      if (index < 0) return false;
      if (slots[slot] !== hash) continue;
      base = index * KEY_WORDS;
      if (
        keys[base] === ports && keys[base + 1] === 0 && keys[base + 2] === 4 && keys[base + 3] === low &&
        keys[base + 4] === high
      ) break;
    }
    const flow = this.#flows[slots[slot + 1]! - 1]!;
    if (!flow.isSteady) return false;
    const stream = flow.streams[direction], other = flow.streams[1 - direction as 0 | 1];
    // Nothing is lacking: what it acknowledges has been delivered.
    if (sequence !== stream.next || ((acknowledgement - other.next) | 0) > 0) return false;
    if (frame.time - flow.lastSeen > TOUCH_RESOLUTION) this.#touch(flow, frame.time);
    other.acknowledge(acknowledgement);
    if (start === end) return true;
    stream.next = (sequence + end - start) | 0;
    flow.connection!.inOrder(frame, start, end, sequence, acknowledgement, direction);
    return true;
  }

  /** Takes an ICMP error about a segment, of which `packet` has addresses and ports. Returns false when its flow is not known. */
  icmpError(packet: Packet): boolean {
    this.#readKey(packet);
    const flow = this.#find();
    if (!flow) return false;
    flow.icmpErrorAt = packet.time;
    flow.isTroubled = true;
    return true;
  }

  /** Gives up holes and forgets idle flows. Call it as packet time goes on, and with the clock when live. */
  advance(now: number): void {
    for (const flow of this.#unsettled) this.#settle(flow, now);
    for (const stage of [Stage.opening, Stage.open, Stage.closed]) {
      const list = this.#lists[stage];
      while (list.oldest && now - list.oldest.lastSeen > IDLE_TIMEOUT[stage]) this.#remove(list.oldest, now);
    }
  }

  /** Ends all flows: nothing more will come. */
  flush(time: number): void {
    for (const list of this.#lists) {
      while (list.oldest) this.#remove(list.oldest, time);
    }
  }

  #payload(
    flow: Flow,
    packet: Packet,
    direction: 0 | 1,
    stream: Stream,
    other: Stream,
    sequence: number,
  ): void {
    if (flow.stage === Stage.closed) return;
    const { time, payloadLength } = packet;
    if (!stream.started) stream.start(sequence, false);
    const handler = this.#handler(flow, packet, direction);
    const isKeepAliveProbe = payloadLength === 1 && ((sequence + 1 - stream.next) | 0) === 0;
    const repeated = stream.receive(packet, sequence, handler, this.#memory, other);
    if (repeated && !isKeepAliveProbe) {
      flow.retransmissions++;
      flow.isTroubled = true;
      this.counts.retransmissions++;
    }
    if (stream.overflows > 0) this.#countGaps(flow, stream.takeOverflows());
    if (stream.holds || other.holds) {
      this.#deliverHeld(flow);
      if (stream.holds || other.holds) this.#unsettled.add(flow);
    }
    if (stream.ended && other.ended) this.#close(flow, time);
  }

  /** The upper layer's handler of a direction; a FIN without any payload before it needs none. */
  #handler(flow: Flow, packet: Packet, direction: 0 | 1): StreamHandler {
    if (!flow.connection) {
      if (packet.payloadLength <= 0) return NOBODY;
      flow.connection = this.#connect(flow, packet, direction);
      this.#setStage(flow, Stage.open);
    }
    return flow.connection.handler(direction);
  }

  /** Delivers what is held in either direction and need not wait any more: each may wait for the other. */
  #deliverHeld(flow: Flow): void {
    const [first, second] = flow.streams;
    const { connection } = flow;
    while (
      (first.holds && first.deliverHeld(handlerOf(connection, 0), this.#memory, second)) ||
      (second.holds && second.deliverHeld(handlerOf(connection, 1), this.#memory, first))
    );
  }

  /** True when the segment cannot belong to the connection that the flow has been until now. */
  #isAnotherConnection(flow: Flow, packet: Packet, direction: 0 | 1): boolean {
    const stream = flow.streams[direction];
    if (!stream.started) return false;
    if (packet.flags & Flag.syn) {
      // A SYN repeats the first sequence number of its connection, or begins another one.
      const behind = (stream.base - packet.sequence - 1) | 0;
      return behind !== 0 && (stream.fromSyn || behind < 0 || behind > LATE_SYN);
    }
    if (packet.payloadLength <= 0) return false;
    const ahead = (packet.sequence - stream.next) | 0;
    // After a FIN or a reset that was obeyed, nothing new comes.
    const isNew = ahead > 0 || (ahead === 0 && !stream.ended);
    return ahead > FAR || ahead < -FAR || (flow.stage === Stage.closed && isNew);
  }

  /** Ends what the flow was and makes it new for another connection between the same ports. */
  #restart(flow: Flow, packet: Packet): void {
    // Without a SYN, something between the two connections was not seen.
    if (flow.stage !== Stage.closed && !(packet.flags & Flag.syn)) this.#countGaps(flow, 1);
    this.#close(flow, packet.time);
    this.#renew(flow);
    this.#setStage(flow, Stage.opening);
  }

  /** A SYN captured behind payload that was not the first: what was between them has been passed over. */
  #lateSyn(flow: Flow, stream: Stream, sequence: number): void {
    stream.base = sequence;
    this.#countGaps(flow, 1);
  }

  #renew(flow: Flow): void {
    for (const stream of flow.streams) stream.reset(this.#memory);
    flow.isTroubled = false;
    flow.retransmissions = 0;
    flow.gaps = 0;
    flow.zeroWindowAt = NaN;
    flow.icmpErrorAt = NaN;
    flow.handshake.reset();
    flow.senders = undefined;
    flow.initiator = undefined;
    flow.resetAt = undefined;
  }

  #reset(flow: Flow, time: number, direction: 0 | 1): void {
    const wasRefused = !flow.streams[0].started || !flow.streams[1].started;
    if (flow.stage !== Stage.closed && flow.resetAt === undefined) this.counts.resets++;
    if (wasRefused && !flow.connection) {
      if (flow.handshake.isOpen && direction !== flow.initiator) this.counts.refused++;
      flow.handshake.isOpen = false;
      this.#close(flow, time);
    } else if (flow.resetAt === undefined) {
      flow.resetAt = time;
      flow.isTroubled = true;
      this.#unsettled.add(flow);
    }
  }

  #close(flow: Flow, time: number): void {
    if (flow.stage === Stage.closed) return;
    if (isUnanswered(flow, time)) this.counts.unanswered++;
    this.#giveUpOverdue(flow, Infinity);
    const { streams, connection } = flow;
    for (const direction of [0, 1] as const) {
      if (streams[direction].tail === 0) continue;
      this.#countGaps(flow, 1);
      streams[direction].giveUpTail(handlerOf(connection, direction), time);
    }
    flow.connection = undefined;
    connection?.close();
    if (this.#unsettled.size > 0) this.#unsettled.delete(flow);
    for (const stream of streams) stream.drop(this.#memory);
    this.#setStage(flow, Stage.closed);
  }

  /** Gives up what a flow has waited for long enough, and closes it when that was the last. */
  #settle(flow: Flow, now: number): void {
    this.#giveUpOverdue(flow, now);
    const [first, second] = flow.streams;
    const isReset = flow.resetAt !== undefined;
    if ((first.ended && second.ended) || (isReset && now - flow.resetAt! >= REORDERING)) {
      this.#close(flow, now);
    } else if (!first.holds && !second.holds && !isReset) this.#unsettled.delete(flow);
  }

  /** One thing at a time: what was held may be delivered then, or give up waiting for the other direction. */
  #giveUpOverdue(flow: Flow, now: number): void {
    const { streams } = flow;
    for (;;) {
      const direction = streams[0].isOverdue(now, streams[1])
        ? 0
        : streams[1].isOverdue(now, streams[0])
        ? 1
        : undefined;
      if (direction === undefined) return;
      const stream = streams[direction], other = streams[1 - direction as 0 | 1];
      // Counted first, for what ends with it.
      if (stream.hasHole) this.#countGaps(flow, 1);
      stream.giveUp(handlerOf(flow.connection, direction), other);
      this.#deliverHeld(flow);
    }
  }

  #countGaps(flow: Flow, gaps: number): void {
    flow.gaps += gaps;
    flow.isTroubled = true;
    this.losses.tcpGaps += gaps;
  }

  #touch(flow: Flow, time: number): void {
    flow.lastSeen = time;
    const list = this.#lists[flow.stage];
    list.remove(flow);
    list.append(flow);
  }

  #setStage(flow: Flow, stage: Stage): void {
    this.#lists[flow.stage].remove(flow);
    flow.stage = stage;
    this.#lists[stage].append(flow);
  }

  /** Writes the packet's key, the same for both directions, with its hash, and says which direction it is. */
  #readKey(packet: Packet): 0 | 1 {
    const { bytes, source, destination, sourcePort, destinationPort, addressLength } = packet;
    const key = this.#key;
    let order = 0;
    for (let i = 0; i < addressLength && order === 0; i += 4) {
      order = i32(bytes, source + i) - i32(bytes, destination + i);
    }
    if (order === 0) order = sourcePort - destinationPort;
    const direction = order <= 0 ? 0 : 1;
    const low = direction === 0 ? source : destination, high = direction === 0 ? destination : source;
    key[0] = direction === 0 ? (sourcePort << 16) | destinationPort : (destinationPort << 16) | sourcePort;
    key[1] = packet.network;
    key[2] = addressLength;
    let hash = hashWord(packet.network, key[0]);
    let length = 3;
    for (let i = 0; i < addressLength; i += 4) {
      hash = hashWord(
        hashWord(hash, key[length++] = i32(bytes, low + i)),
        key[length++] = i32(bytes, high + i),
      );
    }
    this.#keyLength = length;
    this.#hash = hash;
    return direction;
  }

  #find(): Flow | undefined {
    const slots = this.#slots, mask = this.#mask, keys = this.#keys, key = this.#key;
    const hash = this.#hash, length = this.#keyLength;
    for (let slot = (hash << 1) & mask;; slot = (slot + 2) & mask) {
      const index = slots[slot + 1]! - 1;
      if (index < 0) return undefined;
      if (slots[slot] !== hash) continue;
      const base = index * KEY_WORDS;
      let i = 0;
      while (i < length && keys[base + i] === key[i]) i++;
      if (i === length) return this.#flows[index];
    }
  }

  /** Adds a flow of the key that was looked up. */
  #add(time: number): Flow {
    const flow = this.#free.pop() ?? this.#makeRoom(time);
    this.#keys.set(this.#key, flow.index * KEY_WORDS);
    const slots = this.#slots, mask = this.#mask;
    let slot = (this.#hash << 1) & mask;
    while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
    slots[slot] = flow.hash = this.#hash;
    slots[slot + 1] = flow.index + 1;
    flow.lastSeen = time;
    this.#renew(flow);
    flow.stage = Stage.opening;
    this.#lists[Stage.opening].append(flow);
    return flow;
  }

  /** A new flow while there may be more, else the place of the one that is missed least. */
  #makeRoom(time: number): Flow {
    if (this.#flows.length < this.#limit) {
      const room = this.#keys.length / KEY_WORDS;
      if (this.#flows.length === room) this.#grow(Math.min(2 * room, this.#limit));
      const flow = new Flow(this.#flows.length);
      this.#flows.push(flow);
      return flow;
    }
    const [opening, open, closed] = this.#lists;
    if (!closed.oldest) this.losses.evicted++;
    this.#remove((closed.oldest ?? opening.oldest ?? open.oldest)!, time);
    return this.#free.pop()!;
  }

  /** Makes room for so many flows, and at least twice as many slots. */
  #grow(flows: number): void {
    const keys = new Int32Array(flows * KEY_WORDS);
    keys.set(this.#keys);
    this.#keys = keys;
    const old = this.#slots;
    const slots = new Int32Array(2 * 2 ** Math.ceil(Math.log2(flows * 2)));
    const mask = slots.length - 1;
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue;
      let slot = (old[from]! << 1) & mask;
      while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
      slots[slot] = old[from]!;
      slots[slot + 1] = old[from + 1]!;
    }
    this.#slots = slots;
    this.#mask = mask;
  }

  #remove(flow: Flow, time: number): void {
    this.#close(flow, time);
    this.#lists[flow.stage].remove(flow);
    this.#unlink(flow);
    this.#free.push(flow);
  }

  /** Takes a flow out of the slots and moves back those that had been displaced past it. */
  #unlink({ hash, index }: Flow): void {
    const slots = this.#slots, mask = this.#mask;
    let hole = (hash << 1) & mask;
    while (slots[hole + 1] !== index + 1) hole = (hole + 2) & mask;
    slots[hole + 1] = 0;
    for (let slot = (hole + 2) & mask; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
      const home = (slots[slot]! << 1) & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = slots[slot]!;
        slots[hole + 1] = slots[slot + 1]!;
        slots[slot + 1] = 0;
        hole = slot;
      }
    }
  }
}

/** True when nothing came back to a SYN, which was not sent just now. */
function isUnanswered({ handshake }: Flow, time: number): boolean {
  return handshake.isOpen && Number.isNaN(handshake.synAckAt) && time - handshake.synAt > ANSWER_TIME;
}

/** Takes what nobody is interested in. */
const NOBODY: StreamHandler = { data() {}, missing() {}, end() {} };

function handlerOf(connection: Connection | undefined, direction: 0 | 1): StreamHandler {
  return connection?.handler(direction) ?? NOBODY;
}
