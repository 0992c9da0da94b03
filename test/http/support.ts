/**
 * HTTP over one connection without frames below it, for the tests of the HTTP layer.
 *
 * @module
 */

import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import type { NetworkHandler } from "../../src/network/events.ts";
import type { CaptureFigures } from "../../src/stats/report.ts";
import { Conversation, type ConversationOptions, deliver, type Frame } from "../support/frames.ts";

/** What an exchange shows at one moment: what it is made of changes later. */
export function snapshot(exchange: Exchange) {
  const { clientAddress, clientPort, serverAddress, serverPort, clientMac, serverMac, vlan } =
    exchange.endpoints;
  return {
    endpoints: { clientAddress, clientPort, serverAddress, serverPort, clientMac, serverMac, vlan },
    time: exchange.time,
    method: exchange.method,
    version: exchange.version,
    host: exchange.host,
    hostMissing: exchange.hostMissing,
    port: exchange.port,
    path: exchange.path,
    section: exchange.section,
    query: exchange.query,
    userAgent: exchange.userAgent,
    referrer: exchange.referrer,
    requestBodyBytes: exchange.requestBodyBytes,
    status: exchange.status,
    protocol: exchange.protocol,
    grpcStatus: exchange.grpcStatus,
    mimeType: exchange.mimeType,
    responseBodyBytes: exchange.responseBodyBytes,
    reused: exchange.reused,
    opening: exchange.opening,
    send: exchange.send,
    wait: exchange.wait,
    receive: exchange.receive,
    retransmissions: exchange.retransmissions,
    server: exchange.server,
    gaps: exchange.gaps,
    untrusted: exchange.untrusted,
    troubles: [exchange.hasZeroWindow, exchange.wasReset, exchange.hasIcmpError],
  };
}

export type Snapshot = ReturnType<typeof snapshot>;

/** What came of some frames. */
export interface Outcome {
  /** Requests when their head was complete. */
  readonly requests: Snapshot[];
  readonly exchanges: Exchange[];
  readonly figures: CaptureFigures;
}

/** Takes what is not looked at. */
const IGNORED: NetworkHandler = { dns() {}, addressChange() {} };

/** What is read of the frames. `ports` are those on which everything should be HTTP. */
export function outcomeOf(
  frames: Iterable<Frame>,
  options: { ports?: number[]; keepQuery?: boolean } = {},
): Outcome {
  const requests: Snapshot[] = [], exchanges: Exchange[] = [];
  const pipeline = new Pipeline({
    request: (exchange) => void requests.push(snapshot(exchange)),
    exchange: (exchange) => void exchanges.push(exchange),
  }, { ports: options.ports ?? [80], keepQuery: options.keepQuery ?? false, network: IGNORED });
  deliver(frames, pipeline.frame);
  pipeline.flush();
  return { requests, exchanges, figures: pipeline.figures({ kernel: 0, interface: 0 }) };
}

/** A conversation after its handshake, with what `speak` adds. */
export function conversation(
  speak: (conversation: Conversation) => void,
  options: ConversationOptions = {},
): Conversation {
  const made = new Conversation(options);
  made.handshake();
  speak(made);
  return made;
}

/** What is read of a conversation. */
export function hear(
  speak: (conversation: Conversation) => void,
  options: ConversationOptions & { ports?: number[]; keepQuery?: boolean } = {},
): Outcome {
  return outcomeOf(conversation(speak, options).frames, options);
}

/** Lines of a head. */
export function head(...lines: readonly string[]): string {
  return [...lines, "", ""].join("\r\n");
}

/** `POST /path -> 200` of each exchange, `-` when it has no response. */
export function summary(exchanges: readonly Exchange[]): string[] {
  return exchanges.map(({ method, path, status }) => `${method} ${path} -> ${status || "-"}`);
}

/** All that could not be used. */
export function losses({ figures }: Outcome): { gaps: number; unparsed: number; unpaired: number } {
  return { gaps: figures.tcpGaps, unparsed: figures.unparsed, unpaired: figures.unpaired };
}

export const NO_LOSSES = { gaps: 0, unparsed: 0, unpaired: 0 };
