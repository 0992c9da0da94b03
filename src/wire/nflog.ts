/**
 * Packets that Linux's netfilter logged: LINKTYPE_NFLOG, and LINKTYPE_NETLINK with netfilter's log and queue messages, several
 * in one frame where they are. Numbers are in the byte order of the machine that captured.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

/** Address family, version, resource. */
const NFLOG_HEADER = 4;
const ATTRIBUTE_HEADER = 4;
/** Attributes that hold the packet itself. */
const LOG_PAYLOAD = 9, QUEUE_PAYLOAD = 10;

export function decodeNflog(packet: Packet): Layer {
  if (packet.end - packet.at < NFLOG_HEADER) return Layer.malformed;
  packet.at += NFLOG_HEADER;
  return findPayload(packet, LOG_PAYLOAD);
}

/** Packet type, device type, address, and in the place of the protocol the netlink family. */
const COOKED_HEADER = 16;
const NETFILTER = 12;
/** Length, type, flags, sequence number, port. */
const MESSAGE_HEADER = 16;
const LOG_MESSAGE = 0x0400, QUEUE_MESSAGE = 0x0300;

export function decodeNetlink(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < COOKED_HEADER) return Layer.malformed;
  packet.at = at + COOKED_HEADER;
  return u16(bytes, at + 14) === NETFILTER ? Layer.netfilterMessage : Layer.other;
}

export function decodeNetfilterMessage(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < MESSAGE_HEADER) return Layer.malformed;
  // The length is smaller than 64 KiB, which tells the byte order.
  const littleEndian = u16(bytes, at + 2) === 0;
  const length = littleEndian ? bytes[at]! | (bytes[at + 1]! << 8) : u16(bytes, at + 2);
  if (length < MESSAGE_HEADER) return Layer.malformed;
  const next = at + ((length + 3) & ~3);
  if (packet.wireEnd - next >= MESSAGE_HEADER) packet.leaveRest(next, Layer.netfilterMessage);
  packet.trim(Math.min(packet.wireEnd, at + length));
  const type = littleEndian ? bytes[at + 4]! | (bytes[at + 5]! << 8) : u16(bytes, at + 4);
  if (type !== LOG_MESSAGE && type !== QUEUE_MESSAGE) return Layer.other;
  packet.at = at + MESSAGE_HEADER + NFLOG_HEADER;
  return findPayload(packet, type === LOG_MESSAGE ? LOG_PAYLOAD : QUEUE_PAYLOAD);
}

/** Goes through the attributes to the one with the packet. */
function findPayload(packet: Packet, payload: number): Layer {
  const { bytes, end } = packet;
  let at = packet.at;
  while (packet.wireEnd - at >= ATTRIBUTE_HEADER) {
    if (end - at < ATTRIBUTE_HEADER) return Layer.malformed;
    // Types are small numbers; their two upper bits are flags that the log does not use.
    const littleEndian = bytes[at + 3] === 0;
    const length = littleEndian ? bytes[at]! | (bytes[at + 1]! << 8) : u16(bytes, at);
    const type = littleEndian ? bytes[at + 2]! : u16(bytes, at + 2);
    if (length < ATTRIBUTE_HEADER || length > packet.wireEnd - at) return Layer.malformed;
    if (type === payload) {
      packet.trim(at + length);
      packet.at = at + ATTRIBUTE_HEADER;
      return ipPacket(packet);
    }
    at += (length + 3) & ~3;
  }
  return Layer.other;
}

/** The log may have been told to cut packets: how long they were on the wire, IP says. */
function ipPacket(packet: Packet): Layer {
  const { bytes, at, end } = packet;
  if (end === at) return packet.wireEnd === at ? Layer.other : Layer.malformed;
  switch (bytes[at]! >> 4) {
    case 4:
      if (end - at >= 4) packet.wireEnd = Math.max(packet.wireEnd, at + u16(bytes, at + 2));
      return Layer.ipv4;
    case 6:
      if (end - at >= 6) packet.wireEnd = Math.max(packet.wireEnd, at + 40 + u16(bytes, at + 4));
      return Layer.ipv6;
    default:
      return Layer.other;
  }
}
