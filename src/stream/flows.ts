/**
 * The flow table: finds the TCP connection of each segment, follows its opening and closing, and hands the bytes
 * of both directions, in order, to a connection of the layer above.
 *
 * @module
 */

import { finishHash, hashWord, i32 } from "../bytes.ts";
import { Flag, type Packet } from "../wire/packet.ts";
import { Budget, FAR, REORDERING, Stream, type StreamHandler } from "./reassembly.ts";

/** What the layer above makes of one TCP connection. Directions are 0 and 1, named as the flow has them. */
export interface Connection {
  readonly handlers: readonly [StreamHandler, StreamHandler];
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

/** Limits of the flow table. */
export interface FlowLimits {
  /** Flows remembered at most. */
  readonly flows: number;
  /** Bytes held behind holes at most, for all flows together. */
  readonly heldBytes: number;
}

/** 128 Ki flows, and 64 MiB of bytes held behind holes. */
export const DEFAULT_FLOW_LIMITS: FlowLimits = { flows: 2 ** 17, heldBytes: 2 ** 26 };

const SECOND = 1_000_000;
/** Idle flows are forgotten after this time, by stage. */
const IDLE_TIMEOUT = [60 * SECOND, 300 * SECOND, 60 * SECOND] as const;
/** How exact the order of flows by last use is kept. */
const TOUCH_RESOLUTION = SECOND;
/** A SYN so shortly before the first payload seen was captured behind it. */
const LATE_SYN = 2 ** 16;

/** A flow is opening until payload is seen, then open; once closed it is kept to tell late segments from new ones. */
const Stage = { opening: 0, open: 1, closed: 2 } as const;
type Stage = typeof Stage[keyof typeof Stage];

/** One TCP connection. Pooled: the table makes it new for the next one. */
export class Flow {
  /** Stream 0 is what the end with the lower address and port sends. */
  readonly streams: readonly [Stream, Stream] = [new Stream(), new Stream()];
  connection: Connection | undefined = undefined;
  stage: Stage = Stage.opening;
  lastSeen = 0;
  /** The direction that asked for the connection, `undefined` when that was not seen. */
  initiator: 0 | 1 | undefined = undefined;
  /** When it was reset, `undefined` while it was not: what was captured out of order may yet come. */
  resetAt: number | undefined = undefined;
  /** Segments with bytes that had been seen before, and holes given up, in both directions. */
  retransmissions = 0;
  gaps = 0;
  /** Neighbours in the list of the flows of its stage. */
  older: Flow | undefined = undefined;
  newer: Flow | undefined = undefined;

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

/** Words of a key: ports, network, address length, two addresses of up to four words. */
const KEY_WORDS = 11;

/** Finds flows and follows them. All times are packet times. */
export class FlowTable {
  readonly losses: StreamLosses = { tcpGaps: 0, evicted: 0 };
  readonly #connect: ConnectionFactory;
  readonly #budget: Budget;
  readonly #limit: number;
  /** Flows by index, the keys of each, and the hash of each key. */
  readonly #flows: Flow[] = [];
  readonly #keys: Int32Array;
  readonly #hashes: Int32Array;
  readonly #free: Flow[] = [];
  /** Open addressing: index + 1 of a flow, 0 where empty. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  readonly #lists = [new FlowList(), new FlowList(), new FlowList()] as const;
  /** Flows that hold segments or were reset. */
  readonly #unsettled = new Set<Flow>();
  /** The key being looked up. */
  readonly #key = new Int32Array(KEY_WORDS);

  constructor(connect: ConnectionFactory, limits: FlowLimits = DEFAULT_FLOW_LIMITS) {
    this.#connect = connect;
    this.#budget = new Budget(limits.heldBytes);
    this.#limit = limits.flows;
    this.#keys = new Int32Array(limits.flows * KEY_WORDS);
    this.#hashes = new Int32Array(limits.flows);
    const slots = 2 ** Math.ceil(Math.log2(limits.flows * 2));
    this.#slots = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  /** How many flows are remembered. */
  get size(): number {
    return this.#flows.length - this.#free.length;
  }

  /** How many bytes are held behind holes, in all flows. */
  get heldBytes(): number {
    return this.#budget.used;
  }

  /** Takes a TCP segment. */
  segment(packet: Packet): void {
    const { flags, time } = packet;
    const direction = this.#readKey(packet);
    const hash = this.#hashKey();
    let flow = this.#find(hash);
    if (!flow) {
      // Acknowledgements and endings of what was never seen tell nothing.
      if (flags & Flag.rst || (packet.payloadLength <= 0 && !(flags & Flag.syn))) return;
      flow = this.#add(hash, time);
    } else if (time - flow.lastSeen > TOUCH_RESOLUTION) {
      this.#touch(flow, time);
    }

    if (this.#isAnotherConnection(flow, packet, direction)) this.#restart(flow, packet);
    const stream = flow.streams[direction];
    let sequence = packet.sequence;
    if (flags & Flag.syn) {
      sequence = (sequence + 1) | 0;
      flow.initiator = flags & Flag.ack ? 1 - direction as 0 | 1 : direction;
      if (!stream.started) stream.start(sequence, true);
      else if (stream.base !== sequence) this.#lateSyn(flow, stream, sequence);
    }
    const other = flow.streams[1 - direction as 0 | 1];
    if (flags & Flag.ack) other.acknowledge(packet.acknowledgement);
    if (flags & Flag.rst) {
      this.#reset(flow, time);
    } else if (packet.payloadLength > 0 || flags & Flag.fin) {
      this.#payload(flow, packet, direction, stream, other, sequence);
    }
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
    const { time, flags, payloadLength } = packet;
    if (!stream.started) stream.start(sequence, false);
    const handler = this.#handler(flow, packet, direction);
    const isKeepAliveProbe = payloadLength === 1 && ((sequence + 1 - stream.next) | 0) === 0;
    const repeated = stream.receive(
      packet.bytes,
      packet.at,
      packet.end,
      payloadLength,
      sequence,
      flags & Flag.ack ? packet.acknowledgement : undefined,
      (flags & Flag.fin) !== 0,
      time,
      handler,
      this.#budget,
      other,
    );
    if (repeated && !isKeepAliveProbe) flow.retransmissions++;
    this.#countGaps(flow, stream.takeOverflows());
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
    return flow.connection.handlers[direction];
  }

  /** Delivers what is held in either direction and need not wait any more: each may wait for the other. */
  #deliverHeld(flow: Flow): void {
    const [first, second] = flow.streams;
    const [ofFirst, ofSecond] = flow.connection?.handlers ?? NOBODIES;
    while (
      first.deliverHeld(ofFirst, this.#budget, second) || second.deliverHeld(ofSecond, this.#budget, first)
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
    for (const stream of flow.streams) stream.reset(this.#budget);
    flow.retransmissions = 0;
    flow.gaps = 0;
    flow.initiator = undefined;
    flow.resetAt = undefined;
  }

  #reset(flow: Flow, time: number): void {
    const wasRefused = !flow.streams[0].started || !flow.streams[1].started;
    if (wasRefused && !flow.connection) {
      this.#close(flow, time);
    } else if (flow.resetAt === undefined) {
      flow.resetAt = time;
      this.#unsettled.add(flow);
    }
  }

  #close(flow: Flow, time: number): void {
    if (flow.stage === Stage.closed) return;
    this.#giveUpOverdue(flow, Infinity);
    const { streams, connection } = flow;
    const handlers = connection?.handlers ?? NOBODIES;
    for (const direction of [0, 1] as const) {
      if (streams[direction].tail === 0) continue;
      this.#countGaps(flow, 1);
      streams[direction].giveUpTail(handlers[direction], time);
    }
    flow.connection = undefined;
    connection?.close();
    this.#unsettled.delete(flow);
    for (const stream of streams) stream.drop(this.#budget);
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
    const handlers = flow.connection?.handlers ?? NOBODIES;
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
      stream.giveUp(handlers[direction], other);
      this.#deliverHeld(flow);
    }
  }

  #countGaps(flow: Flow, gaps: number): void {
    flow.gaps += gaps;
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

  /** Writes the packet's key, the same for both directions, and says which one it is. */
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
    for (let i = 0; i < addressLength; i += 4) {
      const word = 3 + (i >> 1);
      key[word] = i32(bytes, low + i);
      key[word + 1] = i32(bytes, high + i);
    }
    return direction;
  }

  #hashKey(): number {
    const key = this.#key;
    const words = 3 + (key[2]! >> 1);
    let hash = 0;
    for (let i = 0; i < words; i++) hash = hashWord(hash, key[i]!);
    return finishHash(hash);
  }

  #find(hash: number): Flow | undefined {
    const slots = this.#slots, mask = this.#mask, keys = this.#keys, key = this.#key;
    const words = 3 + (key[2]! >> 1);
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const index = slots[slot]! - 1;
      if (index < 0) return undefined;
      if (this.#hashes[index] !== hash) continue;
      const base = index * KEY_WORDS;
      let i = 0;
      while (i < words && keys[base + i] === key[i]) i++;
      if (i === words) return this.#flows[index];
    }
  }

  #add(hash: number, time: number): Flow {
    const flow = this.#free.pop() ?? this.#makeRoom(time);
    this.#keys.set(this.#key, flow.index * KEY_WORDS);
    this.#hashes[flow.index] = hash;
    let slot = hash & this.#mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = flow.index + 1;
    flow.lastSeen = time;
    this.#renew(flow);
    flow.stage = Stage.opening;
    this.#lists[Stage.opening].append(flow);
    return flow;
  }

  /** A new flow while there may be more, else the place of the one that is missed least. */
  #makeRoom(time: number): Flow {
    if (this.#flows.length < this.#limit) {
      const flow = new Flow(this.#flows.length);
      this.#flows.push(flow);
      return flow;
    }
    const [opening, open, closed] = this.#lists;
    if (!closed.oldest) this.losses.evicted++;
    this.#remove((closed.oldest ?? opening.oldest ?? open.oldest)!, time);
    return this.#free.pop()!;
  }

  #remove(flow: Flow, time: number): void {
    this.#close(flow, time);
    this.#lists[flow.stage].remove(flow);
    this.#unlink(flow.index);
    this.#free.push(flow);
  }

  /** Takes a flow out of the slots and moves back those that had been displaced past it. */
  #unlink(index: number): void {
    const slots = this.#slots, mask = this.#mask;
    let hole = this.#hashes[index]! & mask;
    while (slots[hole] !== index + 1) hole = (hole + 1) & mask;
    slots[hole] = 0;
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashes[slots[slot]! - 1]! & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = slots[slot]!;
        slots[slot] = 0;
        hole = slot;
      }
    }
  }
}

/** Takes what nobody is interested in. */
const NOBODY: StreamHandler = { data() {}, missing() {}, end() {} };
const NOBODIES = [NOBODY, NOBODY] as const;
