import { assertEquals } from "@std/assert";
import { formatAddress, formatMac } from "../../src/bytes.ts";
import { NdpMessage } from "../../src/wire/ndp.ts";
import { Layer } from "../../src/wire/packet.ts";
import {
  addressBytes,
  CLIENT_MAC,
  concat,
  destinationOptions,
  hopByHop,
  icmp6,
  ipv6,
  LINK_TYPES,
  linkLayerAddress,
  neighbourAdvertisement,
  neighbourSolicitation,
  PROTOCOLS,
  routerAdvertisement,
  routerSolicitation,
  SERVER_MAC,
} from "../support/frames.ts";
import { decodeWhole } from "./support.ts";

/** What the messages say: absent where there is nothing. */
interface Facts {
  type: number;
  target?: string;
  sourceLink?: string;
  targetLink?: string;
  isRouter?: true;
  isSolicited?: true;
  isOverride?: true;
  routerLifetime?: number;
}

const message = new NdpMessage();

/** Reads an IPv6 packet, which must be neighbour discovery. */
function read(bytes: Uint8Array, wireLength = bytes.length): Facts {
  const { layer, packet } = decodeWhole(LINK_TYPES.raw, bytes, wireLength);
  assertEquals(layer, Layer.ndp);
  message.read(packet);
  const facts: Facts = { type: message.type };
  if (message.targetAt >= 0) facts.target = formatAddress(packet.bytes, message.targetAt, 16);
  if (message.sourceLinkAt >= 0) facts.sourceLink = formatMac(packet.bytes, message.sourceLinkAt);
  if (message.targetLinkAt >= 0) facts.targetLink = formatMac(packet.bytes, message.targetLinkAt);
  if (message.isRouter) facts.isRouter = true;
  if (message.isSolicited) facts.isSolicited = true;
  if (message.isOverride) facts.isOverride = true;
  if (message.routerLifetime !== 0) facts.routerLifetime = message.routerLifetime;
  return facts;
}

/** A message with a body of one's own, behind type, code and checksum. */
function discovery(
  type: number,
  body: Uint8Array,
  options: { hopLimit?: number; code?: number } = {},
): Uint8Array {
  return ipv6(icmp6(type, options.code ?? 0, body), {
    protocol: PROTOCOLS.icmp6,
    hopLimit: options.hopLimit ?? 255,
  });
}

const TARGET = addressBytes("2001:db8::2");
const SOLICITATION = concat(new Uint8Array(4), TARGET);

Deno.test("NdpMessage reads solicitations and advertisements of neighbours and routers", () => {
  assertEquals(read(neighbourSolicitation()), { type: 135, target: "2001:db8::2", sourceLink: CLIENT_MAC });
  assertEquals(read(neighbourSolicitation({ source: "::" })), { type: 135, target: "2001:db8::2" });
  assertEquals(read(neighbourAdvertisement({ isRouter: true })), {
    type: 136,
    target: "2001:db8::2",
    targetLink: SERVER_MAC,
    isRouter: true,
    isSolicited: true,
    isOverride: true,
  });
  assertEquals(read(neighbourAdvertisement({ isSolicited: false, isOverride: false, mac: null })), {
    type: 136,
    target: "2001:db8::2",
  });
  const unsolicited = neighbourAdvertisement({
    isRouter: true,
    isSolicited: false,
    isOverride: false,
    mac: null,
  });
  assertEquals(read(unsolicited), { type: 136, target: "2001:db8::2", isRouter: true });
  assertEquals(read(routerSolicitation()), { type: 133, sourceLink: CLIENT_MAC });
  assertEquals(read(routerAdvertisement()), { type: 134, sourceLink: SERVER_MAC, routerLifetime: 1800 });
});

Deno.test("NdpMessage reads a redirect", () => {
  const body = concat(
    new Uint8Array(4),
    TARGET,
    addressBytes("2001:db8::9"),
    linkLayerAddress(2, SERVER_MAC),
  );
  assertEquals(read(discovery(137, body)), { type: 137, target: "2001:db8::2", targetLink: SERVER_MAC });
});

Deno.test("NdpMessage passes over other options, and ends at one of length 0 or one that is cut", () => {
  const mtu = Uint8Array.of(5, 1, 0, 0, 0, 0, 5, 220), prefix = Uint8Array.of(3, 4, ...new Uint8Array(30));
  const long = Uint8Array.of(1, 2, ...new Uint8Array(14));
  const mac = linkLayerAddress(1, CLIENT_MAC);
  const sourceLink = (...options: Uint8Array[]) =>
    read(discovery(135, concat(SOLICITATION, ...options))).sourceLink;
  assertEquals(sourceLink(mtu, prefix, mac), CLIENT_MAC);
  // Other link layers have longer addresses.
  assertEquals(sourceLink(long), undefined);
  assertEquals(sourceLink(long, mac), CLIENT_MAC);
  assertEquals(sourceLink(new Uint8Array(8), mac), undefined);
  assertEquals(sourceLink(Uint8Array.of(1, 0, 1, 2, 3, 4, 5, 6), mac), undefined);
  assertEquals(sourceLink(Uint8Array.of(5, 255, 0, 0, 0, 0, 0, 0), mac), undefined);
  assertEquals(sourceLink(mac.subarray(0, 7)), undefined);
});

Deno.test("NdpMessage forgets the message before", () => {
  read(neighbourAdvertisement({ isRouter: true }));
  assertEquals(read(routerSolicitation({ mac: null })), { type: 133 });
  read(routerAdvertisement());
  assertEquals(read(neighbourSolicitation({ mac: null })), { type: 135, target: "2001:db8::2" });
});

Deno.test("decodeNdp leaves alone what came from beyond the link or has a code, and other ICMPv6", () => {
  const layer = (bytes: Uint8Array) => decodeWhole(LINK_TYPES.raw, bytes).layer;
  assertEquals(layer(discovery(135, SOLICITATION)), Layer.ndp);
  assertEquals(layer(discovery(135, SOLICITATION, { hopLimit: 254 })), Layer.other);
  assertEquals(layer(discovery(135, SOLICITATION, { code: 1 })), Layer.other);
  for (const type of [128, 132, 138, 143, 255]) {
    assertEquals(layer(discovery(type, SOLICITATION)), Layer.other);
  }
});

Deno.test("decodeNdp finds the hop limit in front of extension headers", () => {
  const options = { protocol: PROTOCOLS.icmp6, extensions: [hopByHop(), destinationOptions()] };
  const inner = icmp6(135, 0, SOLICITATION);
  assertEquals(read(ipv6(inner, { ...options, hopLimit: 255 })).target, "2001:db8::2");
  assertEquals(decodeWhole(LINK_TYPES.raw, ipv6(inner, options)).layer, Layer.other);
});

Deno.test("decodeNdp calls a message malformed that is cut before its options, and reads those that are there", () => {
  const fixed = { 133: 8, 134: 16, 135: 24, 136: 24, 137: 40 };
  for (const [type, length] of Object.entries(fixed)) {
    const whole = discovery(
      Number(type),
      concat(new Uint8Array(length - 4), linkLayerAddress(1, CLIENT_MAC)),
    );
    for (let cut = 40; cut < whole.length; cut++) {
      const bytes = whole.subarray(0, cut);
      if (cut < 40 + length) {
        assertEquals(
          decodeWhole(LINK_TYPES.raw, bytes, whole.length).layer,
          Layer.malformed,
          `${type} cut at ${cut}`,
        );
      } else {
        assertEquals(read(bytes, whole.length).sourceLink, undefined);
      }
    }
    assertEquals(read(whole).sourceLink, CLIENT_MAC);
  }
});
