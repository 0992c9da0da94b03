import { assertEquals } from "@std/assert";
import { cString } from "../../../src/io/libc.ts";
import { defaultFilter } from "../../../src/io/pcap/filter.ts";
import { libpcap } from "../../../src/io/pcap/library.ts";
import { ethernet, ipv4, LINK_TYPES, linuxSll, tcp, udp } from "../../support/frames.ts";
import {
  erspan,
  gtp,
  ieee80211,
  inUdp,
  llc,
  mpls,
  ppp,
  pppoe,
  radiotap,
  underlay,
  vxlan,
} from "../../support/tunnels.ts";
import "../../support/libraries.ts";

/** True when the built filter for port 80 lets a frame through. */
function passes(frame: Uint8Array, linkType: number = LINK_TYPES.ethernet): boolean {
  const pcap = libpcap();
  const handle = pcap.pcap_open_dead(linkType, 262_144);
  const program = new Uint8Array(16);
  const status = pcap.pcap_compile(handle, program, cString(defaultFilter([80], linkType)), 1, 0);
  pcap.pcap_close(handle);
  assertEquals(status, 0, `link type ${linkType}`);
  const header = new Uint8Array(24);
  new Uint32Array(header.buffer).set([frame.length, frame.length], 4);
  const result = pcap.pcap_offline_filter(program, header, frame.slice());
  pcap.pcap_freecode(program);
  return result !== 0;
}

const HTTP = ipv4(tcp("x"));
const FRAME = ethernet(HTTP);

Deno.test("the default filter compiles for every link type that is decoded", () => {
  for (
    const type of [0, 1, 9, 12, 50, 51, 104, 105, 108, 113, 119, 127, 129, 163, 192, 228, 229, 239, 253, 276]
  ) {
    passes(new Uint8Array(100), type);
  }
});

Deno.test("the default filter lets tunnels through, in VLANs too", () => {
  const tunnels: [Uint8Array, number?][] = [
    [pppoe(ppp(HTTP)), 0x8864],
    [mpls(HTTP), 0x8847],
    [underlay(HTTP, 4).subarray(14)],
    [underlay(erspan(FRAME, 2), 47).subarray(14)],
    [inUdp(vxlan(FRAME), 4789).subarray(14)],
    [inUdp(gtp(HTTP), 2152).subarray(14)],
  ];
  for (const [packet, etherType] of tunnels) {
    const type = etherType === undefined ? {} : { etherType };
    for (const vlans of [[], [5], [5, 6]]) {
      assertEquals(passes(ethernet(packet, { vlans, ...type })), true);
    }
    assertEquals(passes(linuxSll(packet, type), LINK_TYPES.linuxSll), true);
  }
  assertEquals(passes(radiotap(ieee80211(llc(HTTP), { toDs: true })), 127), true);
});

Deno.test("the default filter keeps other ports and protocols back", () => {
  const dns = ipv4(udp("x"), { protocol: 17 });
  for (
    const packet of [ipv4(tcp("x", { destinationPort: 443 })), dns, ipv4(new Uint8Array(9), { protocol: 1 })]
  ) {
    assertEquals(passes(ethernet(packet)), false);
    assertEquals(passes(ethernet(packet, { vlans: [5] })), false);
    assertEquals(passes(linuxSll(packet), LINK_TYPES.linuxSll), false);
  }
});
