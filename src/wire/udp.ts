/**
 * UDP (RFC 768), of interest as far as tunnels go through it, or name resolution. A port alone proves nothing, as any client may
 * have it by chance: each tunnel makes sure of its header, and what does not look like it is something else and no loss.
 *
 * @module
 */

import { u16 } from "../bytes.ts";
import { Layer, type Packet } from "./packet.ts";

const HEADER = 8;

export function decodeUdp(packet: Packet): Layer {
  const { bytes, at } = packet;
  if (packet.end - at < HEADER) return Layer.malformed;
  const next = layerOfPorts(bytes, at);
  if (next === Layer.other) return Layer.other;
  // A length of 0 is a jumbogram's: on to the end of the IP packet.
  const length = u16(bytes, at + 4);
  if (length !== 0) {
    if (length < HEADER) return Layer.malformed;
    packet.trim(Math.min(packet.wireEnd, at + length));
  }
  packet.at = at + HEADER;
  if (next === Layer.datagram) {
    packet.sourcePort = u16(bytes, at);
    packet.destinationPort = u16(bytes, at + 2);
    packet.payloadLength = packet.wireEnd - packet.at;
  }
  return next;
}

/**
 * What the ports of the header at `at` name, of which 4 bytes must be there: a tunnel, `Layer.datagram` for name resolution, and
 * `Layer.other` for all else.
 */
export function layerOfPorts(bytes: Uint8Array, at: number): Layer {
  const toDestination = layerTo(u16(bytes, at + 2));
  return toDestination === Layer.other ? layerFrom(u16(bytes, at)) : toDestination;
}

function layerTo(port: number): Layer {
  switch (port) {
    case 4789:
    case 8472: // Linux's, from before 4789 was assigned
      return Layer.vxlan;
    case 6081:
      return Layer.geneve;
    case 2152:
      return Layer.gtp;
    case 4754:
      return Layer.greInUdp;
    default:
      return layerFrom(port);
  }
}

/** What is between a client and a server is answered from the port that it is sent to. */
function layerFrom(port: number): Layer {
  switch (port) {
    case 1701:
      return Layer.l2tp;
    case 2152: // some send from it and not to it
      return Layer.gtp;
    case 3544:
      return Layer.teredo;
    case 53:
    case 5353: // multicast DNS (RFC 6762)
    case 5355: // LLMNR (RFC 4795)
      return Layer.datagram;
    case 5072:
      return Layer.ayiya;
    default:
      return Layer.other;
  }
}
