/**
 * The handshake that a TCP connection begins with (RFC 9293 section 3.5).
 *
 * @module
 */

/** Times of a handshake in microseconds since the epoch, `NaN` while not seen. */
export interface Handshake {
  /** The first SYN, and the last one. */
  readonly synAt: number;
  readonly lastSynAt: number;
  /** The first SYN-ACK. */
  readonly synAckAt: number;
  /** The first segment of the client behind its SYN, which acknowledges the SYN-ACK. */
  readonly ackAt: number;
  /** SYN and SYN-ACK segments that were sent again: how far the times can be trusted. */
  readonly retransmissions: number;
}

/**
 * What is the same and follows so closely is one packet that was captured twice, as some devices and mirrors show it: in
 * microseconds.
 */
export const CAPTURED_TWICE = 5_000;

/** Follows a handshake. Reused: {@link reset} makes it new. */
export class HandshakeObserver implements Handshake {
  synAt = NaN;
  lastSynAt = NaN;
  synAckAt = NaN;
  #lastSynAckAt = NaN;
  ackAt = NaN;
  retransmissions = 0;
  /** True once a SYN was seen and as long as the client has sent nothing behind it. */
  isOpen = false;

  reset(): void {
    this.synAt = NaN;
    this.lastSynAt = NaN;
    this.synAckAt = NaN;
    this.#lastSynAckAt = NaN;
    this.ackAt = NaN;
    this.retransmissions = 0;
    this.isOpen = false;
  }

  /** The client's SYN. Returns true when it was sent again. */
  syn(time: number): boolean {
    const isFirst = Number.isNaN(this.synAt);
    const isCopy = time - this.lastSynAt < CAPTURED_TWICE;
    if (isFirst) {
      this.synAt = time;
      this.isOpen = Number.isNaN(this.ackAt);
    }
    if (isCopy) return false;
    this.lastSynAt = time;
    if (!isFirst) this.retransmissions++;
    return !isFirst;
  }

  /** The server's SYN-ACK. */
  synAck(time: number): void {
    if (Number.isNaN(this.synAckAt)) this.synAckAt = time;
    else if (time - this.#lastSynAckAt >= CAPTURED_TWICE) this.retransmissions++;
    this.#lastSynAckAt = time;
  }

  /** The client's first acknowledgement. */
  ack(time: number): void {
    this.ackAt = time;
    this.isOpen = false;
  }

  /** What was seen so far. */
  get now(): Handshake {
    const { synAt, lastSynAt, synAckAt, ackAt, retransmissions } = this;
    return { synAt, lastSynAt, synAckAt, ackAt, retransmissions };
  }
}
