/**
 * The lookups of names that clients made: which questions belong together, and which of them a connection came from.
 *
 * @module
 */

import { keyIn } from "./addresses.ts";
import { AgedMap } from "./aged_map.ts";
import type { Lookup, NameProtocol } from "./opening.ts";
import { CAPTURED_TWICE, MILLISECOND, MINUTE, SECOND, span } from "./spans.ts";

/** What is remembered at most. At each limit the oldest give way. */
export interface LookupLimits {
  readonly lookups: number;
  /** Of one client. */
  readonly lookupsPerClient: number;
  /** Of one answer. */
  readonly addresses: number;
}

/** At most about 15 MiB, with names and answers as long as can be. */
export const DEFAULT_LOOKUP_LIMITS: LookupLimits = { lookups: 2 ** 12, lookupsPerClient: 128, addresses: 32 };

/** A question that is asked so soon after the answer to another one belongs with it. */
const TOGETHER = SECOND;
/**
 * A question is sent again within this time or not at all; with another identifier not before so long a time, within which somebody
 * else on the same machine asks the same.
 */
const PATIENCE = 10 * SECOND, IMPATIENCE = 200 * MILLISECOND;
/** A connection begins so soon after the answer that it used. */
const USED_WITHIN = 10 * SECOND;
/** Connections that begin so closely together share a lookup, as of browsers that open several. */
const SHARED_WITHIN = 50 * MILLISECOND;
const REMEMBERED = MINUTE;
/** Answers to one lookup at most: there are few types of addresses, and some servers fail. */
const MOST_ANSWERS = 8;

/** Response codes after which a client has its answer: there are addresses, or there is no such name. */
const NO_ERROR = 0, NAME_ERROR = 3;

/** A response as far as a lookup goes. */
export interface LookupAnswer {
  readonly time: number;
  readonly server: string;
  readonly rcode: number;
  /** True when the rest is to be had over TCP. */
  readonly isTruncated: boolean;
  readonly addresses: readonly string[];
}

/** A type of addresses that was asked for. */
interface Question {
  readonly type: number;
  /** Identifier of the message that it was sent in last, and when. */
  id: number;
  askedAt: number;
  /** True until it is answered. */
  isOpen: boolean;
  /** The last answer, `undefined` while there is none. */
  answer: LookupAnswer | undefined;
}

/** All questions of a client for the addresses of a name that belong together. */
export class GatheredLookup {
  readonly #questions: Question[] = [];
  readonly #answers: LookupAnswer[] = [];
  #retries = 0;
  #answeredAt = NaN;
  /** When the first connection that used it began, `NaN` while none has. */
  #usedAt = NaN;

  /** @param client Whose it is, a key. */
  constructor(
    readonly client: string,
    readonly protocol: NameProtocol,
    readonly name: string,
    readonly startedAt: number,
  ) {}

  /** True when a question of `type` at `time` belongs to it: sent again, or of another type that is asked for with the others. */
  takes(type: number, id: number, time: number): boolean {
    if (this.#answers.length === MOST_ANSWERS) return false;
    const isRecent = span(this.#answeredAt, time) <= TOGETHER;
    const known = this.#questions.find((question) => question.type === type);
    if (known) return isSentAgain(known, id, time) || (isRecent && isFailure(known.answer));
    const isUsed = !Number.isNaN(this.#usedAt);
    return !isUsed && (isRecent || this.#questions.some((question) => isAwaited(question, time)));
  }

  /** Notes a question that it takes. */
  ask(type: number, id: number, time: number): void {
    const known = this.#questions.find((question) => question.type === type);
    if (!known) {
      this.#questions.push({ type, id, askedAt: time, isOpen: true, answer: undefined });
      return;
    }
    // Some ask several servers at once, and what was truncated is asked for again because of that.
    const isAtOnce = span(known.askedAt, time) < CAPTURED_TWICE;
    if (!isAtOnce && !known.answer?.isTruncated) this.#retries++;
    known.id = id;
    known.askedAt = time;
    known.isOpen = true;
  }

  /** Notes the answer to its question of `type`. Of several the first counts. */
  answer(type: number, answer: LookupAnswer): void {
    const question = this.#questions.find((question) => question.type === type);
    if (!question?.isOpen) return;
    question.answer = answer;
    question.isOpen = answer.isTruncated;
    this.#answers.push(answer);
    this.#answeredAt = answer.time;
  }

  /** What it was at `before`, if it held `address` then and that was not long ago; else `undefined`. */
  at(before: number, address: string): Lookup | undefined {
    if (before - this.#usedAt > SHARED_WITHIN) return undefined;
    let last: LookupAnswer | undefined;
    let holds = false;
    for (const answer of this.#answers) {
      if (answer.time > before) continue;
      if (!last || answer.time >= last.time) last = answer;
      if (answer.addresses.includes(address)) holds = true;
    }
    if (!last || !holds || before - last.time > USED_WITHIN) return undefined;
    return Object.freeze({
      name: this.name,
      protocol: this.protocol,
      server: last.server,
      startedAt: this.startedAt,
      answeredAt: last.time,
      retries: this.#retries,
    });
  }

  /** Notes that a connection which began at `time` used it. */
  use(time: number): void {
    if (!(this.#usedAt <= time)) this.#usedAt = time;
  }
}

/** True when the client may still send the question again, as no answer has come. */
function isAwaited({ isOpen, askedAt }: Question, time: number): boolean {
  return isOpen && span(askedAt, time) <= PATIENCE;
}

/** True when the same question, with identifier `id`, is that one sent again. */
function isSentAgain(question: Question, id: number, time: number): boolean {
  return isAwaited(question, time) &&
    (id === question.id || question.answer?.isTruncated === true ||
      span(question.askedAt, time) >= IMPATIENCE);
}

/** True for an answer after which another server is asked. */
function isFailure(answer: LookupAnswer | undefined): boolean {
  return answer !== undefined && answer.rcode !== NO_ERROR && answer.rcode !== NAME_ERROR;
}

/** Lookups by client. */
export class LookupTable {
  readonly #limits: LookupLimits;
  /** By client, the oldest first. */
  readonly #clients = new Map<string, GatheredLookup[]>();
  /** All of them. */
  readonly #lookups = new AgedMap<GatheredLookup, true>();

  constructor(limits: LookupLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#lookups.size;
  }

  /** How many clients have lookups here. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Notes a question, and returns the lookup that it belongs to. */
  ask(
    network: number,
    client: string,
    protocol: NameProtocol,
    name: string,
    type: number,
    id: number,
    time: number,
  ): GatheredLookup {
    const key = keyIn(network, client);
    const known = this.#clients.get(key)?.findLast((lookup) =>
      lookup.name === name && lookup.protocol === protocol && lookup.takes(type, id, time)
    );
    const lookup = known ?? this.#begin(key, protocol, name, time);
    lookup.ask(type, id, time);
    return lookup;
  }

  /** Finds what {@link DnsLookups.find} says, and notes that it is used. */
  find(network: number, client: string, server: string, host: string, before: number): Lookup | undefined {
    const lookups = this.#clients.get(keyIn(network, client));
    if (!lookups) return undefined;
    let used: GatheredLookup | undefined, best: Lookup | undefined;
    for (let i = lookups.length - 1; i >= 0 && best?.name !== host; i--) {
      const found = lookups[i]!.at(before, server);
      if (!found || (best && found.name !== host)) continue;
      used = lookups[i];
      best = found;
    }
    used?.use(before);
    return best;
  }

  /** Forgets what is old at `now`. */
  advance(now: number): void {
    for (let oldest = this.#lookups.oldest; oldest; oldest = this.#lookups.oldest) {
      if (span(oldest.key.startedAt, now) <= REMEMBERED) break;
      this.#forget(oldest.key);
    }
  }

  #begin(client: string, protocol: NameProtocol, name: string, time: number): GatheredLookup {
    const lookup = new GatheredLookup(client, protocol, name, time);
    if (this.#lookups.size >= this.#limits.lookups) this.#forget(this.#lookups.oldest!.key);
    const others = this.#clients.get(client);
    if (others && others.length >= this.#limits.lookupsPerClient) this.#forget(others[0]!);
    const lookups = this.#clients.get(client);
    if (lookups) lookups.push(lookup);
    else this.#clients.set(client, [lookup]);
    this.#lookups.set(lookup, true);
    return lookup;
  }

  /** Forgets a lookup, the oldest of its client. */
  #forget(lookup: GatheredLookup): void {
    this.#lookups.delete(lookup);
    const lookups = this.#clients.get(lookup.client)!;
    lookups.shift();
    if (lookups.length === 0) this.#clients.delete(lookup.client);
  }
}
