import { assertEquals } from "@std/assert";
import { formatAddress } from "../../src/bytes.ts";
import { readQuoted } from "../../src/wire/icmp.ts";
import { Layer, type Packet } from "../../src/wire/packet.ts";
import {
  authentication,
  concat,
  destinationOptions,
  fragment,
  hopByHop,
  icmp,
  icmp6,
  icmpError,
  ipv4,
  ipv6,
  LINK_TYPES,
  PROTOCOLS,
  routing,
  tcp,
  udp,
} from "../support/frames.ts";
import { decodeWhole } from "./support.ts";

const SEGMENT = tcp("GET / HTTP/1.1\r\n\r\n", { sourcePort: 40000, destinationPort: 80, seq: 0xffff_fff0 });
const FOUR = ipv4(SEGMENT, { source: "192.0.2.1", destination: "192.0.2.2" });
const SIX = ipv6(SEGMENT, { source: "2001:db8::a", destination: "2001:db8::b" });

/** An ICMP error of a router in IPv4, or IPv6 by the packet that it quotes. */
function errorAbout(quoted: Uint8Array, type = quoted[0]! >> 4 === 6 ? 1 : 3): Uint8Array {
  const message = icmpError(type, 0, quoted);
  return quoted[0]! >> 4 === 6
    ? ipv6(message, { protocol: PROTOCOLS.icmp6 })
    : ipv4(message, { protocol: PROTOCOLS.icmp });
}

/** The connection that the packet names. */
function connectionOf({ bytes, source, destination, addressLength, ...rest }: Packet): (string | number)[] {
  return [
    formatAddress(bytes, source, addressLength),
    rest.sourcePort,
    formatAddress(bytes, destination, addressLength),
    rest.destinationPort,
    rest.sequence,
  ];
}

/** What an error quotes: the connection, or false. */
function quotedBy(packet: Uint8Array, wireLength = packet.length): (string | number)[] | boolean {
  const { layer, packet: decoded } = decodeWhole(LINK_TYPES.raw, packet, wireLength);
  assertEquals(layer, Layer.icmpError);
  const before = [decoded.source, decoded.destination];
  if (readQuoted(decoded)) return connectionOf(decoded);
  assertEquals([decoded.source, decoded.destination], before);
  return false;
}

const FOUR_CONNECTION = ["192.0.2.1", 40000, "192.0.2.2", 80, -16];
const SIX_CONNECTION = ["2001:db8::a", 40000, "2001:db8::b", 80, -16];

Deno.test("decodeIcmp ends with errors alone, and decodeIcmp6 too", () => {
  const layer = (packet: Uint8Array) => decodeWhole(LINK_TYPES.raw, packet).layer;
  const errors4: number[] = [], errors6: number[] = [];
  for (let type = 0; type < 256; type++) {
    if (layer(errorAbout(FOUR, type)) === Layer.icmpError) errors4.push(type);
    if (layer(errorAbout(SIX, type)) === Layer.icmpError) errors6.push(type);
  }
  assertEquals(errors4, [3, 4, 5, 11, 12]);
  assertEquals(errors6, [1, 2, 3, 4]);
});

Deno.test("ICMP in the other version of IP is no error", () => {
  const swapped = [
    ipv6(icmp(3, 0, FOUR), { protocol: PROTOCOLS.icmp }),
    ipv4(icmp6(1, 0, SIX), { protocol: PROTOCOLS.icmp6 }),
  ];
  for (const packet of swapped) assertEquals(decodeWhole(LINK_TYPES.raw, packet).layer, Layer.other);
});

Deno.test("readQuoted gives the connection that an error is about", () => {
  for (const type of [3, 4, 5, 11, 12]) assertEquals(quotedBy(errorAbout(FOUR, type)), FOUR_CONNECTION);
  for (const type of [1, 2, 3, 4]) assertEquals(quotedBy(errorAbout(SIX, type)), SIX_CONNECTION);
});

Deno.test("readQuoted passes over header options and extension headers", () => {
  const addresses = { source: "192.0.2.1", destination: "192.0.2.2" };
  assertEquals(
    quotedBy(errorAbout(ipv4(SEGMENT, { ...addresses, options: new Uint8Array(40) }))),
    FOUR_CONNECTION,
  );
  const extensions = [
    hopByHop(16),
    routing(),
    authentication(),
    destinationOptions(),
    fragment({ more: true }),
  ];
  const six = ipv6(SEGMENT, { source: "2001:db8::a", destination: "2001:db8::b", extensions });
  assertEquals(quotedBy(errorAbout(six)), SIX_CONNECTION);
});

Deno.test("readQuoted needs 8 bytes of TCP and no more, cut by the sender or by the capture", () => {
  const cases = [[FOUR, 20, icmp, FOUR_CONNECTION], [SIX, 40, icmp6, SIX_CONNECTION]] as const;
  for (const [packet, headers, message, connection] of cases) {
    const isSix = packet === SIX;
    const wrap = (quoted: Uint8Array) => {
      const error = message(isSix ? 1 : 3, 0, concat(new Uint8Array(4), quoted));
      return isSix ? ipv6(error, { protocol: PROTOCOLS.icmp6 }) : ipv4(error, { protocol: PROTOCOLS.icmp });
    };
    const whole = wrap(packet);
    for (let length = 0; length <= packet.length; length++) {
      const expected = length >= headers + 8 ? connection : false;
      const captured = whole.subarray(0, whole.length - packet.length + length);
      assertEquals(quotedBy(wrap(packet.subarray(0, length))), expected, `quoted ${length} bytes`);
      assertEquals(quotedBy(captured, whole.length), expected, `captured ${length} bytes`);
    }
  }
});

Deno.test("readQuoted leaves the packet as it was when the quote is not the beginning of a TCP segment", () => {
  const impossible4 = FOUR.slice(), version6 = FOUR.slice(), version4 = SIX.slice();
  impossible4[0] = 0x44;
  version6[0] = 0x65;
  version4[0] = 0x45;
  const endless = Array.from({ length: 20 }, () => destinationOptions());
  const message4 = (quoted: Uint8Array) =>
    ipv4(icmp(3, 0, concat(new Uint8Array(4), quoted)), { protocol: PROTOCOLS.icmp });
  const message6 = (quoted: Uint8Array) =>
    ipv6(icmp6(1, 0, concat(new Uint8Array(4), quoted)), { protocol: PROTOCOLS.icmp6 });
  const quotes: Record<string, Uint8Array> = {
    "UDP in IPv4": message4(ipv4(udp("x".repeat(20)), { protocol: PROTOCOLS.udp })),
    "UDP in IPv6": message6(ipv6(udp("x".repeat(20)), { protocol: PROTOCOLS.udp })),
    "a later fragment of IPv4": message4(ipv4(SEGMENT, { fragmentOffset: 8 })),
    "a later fragment of IPv6": message6(ipv6(SEGMENT, { extensions: [fragment({ offset: 8 })] })),
    "a header too small": message4(impossible4),
    "the other version in IPv4": message4(version6),
    "the other version in IPv6": message6(version4),
    "endless extension headers": message6(ipv6(SEGMENT, { extensions: endless })),
    "nothing in IPv4": message4(new Uint8Array(0)),
    "nothing in IPv6": message6(new Uint8Array(0)),
  };
  for (const [what, packet] of Object.entries(quotes)) assertEquals(quotedBy(packet), false, what);
});

Deno.test("an ICMP error cut in its header is malformed, another message is not one at any length", () => {
  for (const [whole, ip] of [[errorAbout(FOUR), 20], [errorAbout(SIX), 40]] as const) {
    for (let cut = ip; cut < ip + 8; cut++) {
      assertEquals(decodeWhole(LINK_TYPES.raw, whole.subarray(0, cut), whole.length).layer, Layer.malformed);
    }
  }
  const echo = ipv4(icmp(8, 0, new Uint8Array(20)), { protocol: PROTOCOLS.icmp });
  for (let cut = 21; cut < echo.length; cut++) {
    assertEquals(decodeWhole(LINK_TYPES.raw, echo.subarray(0, cut), echo.length).layer, Layer.other);
  }
});
