/**
 * The capture filter that is used when the user gives none.
 *
 * @module
 */

import type { FilterOptions } from "../../app/ports.ts";

/** The link type of Ethernet, the only one of those decoded here for which libpcap compiles `vlan`. */
const EN10MB = 1;

/** BSD loopback. libpcap knows IPv6 there by this system's number for it, which others do not share. */
const NULL = 0, LOOP = 108;

/** IPv6 next header values that stand before TCP: hop-by-hop, routing, fragment, authentication, destination. */
const IPV6_EXTENSION_HEADERS = [0, 43, 44, 51, 60];

/**
 * What may carry HTTP where BPF cannot look: IP in IP, GRE, authentication
 * headers, MPLS in IP, and tunnels in UDP by their ports. All of it is
 * taken, whatever it carries.
 */
const TUNNELS =
  "proto 4 or 41 or 47 or 51 or 137 or udp port 1701 or 2152 or 3544 or 4754 or 4789 or 5072 or 6081 or 8472";

/** MPLS and PPPoE sessions, likewise, on link types that have EtherTypes. */
const TUNNEL_ETHER_TYPES = "ether proto 0x8847 or ether proto 0x8864";
const WITH_ETHER_TYPES = [EN10MB, 113, 276];

/** Link types for which libpcap compiles nothing: Linux's netfilter log, and netlink. */
const WITHOUT_FILTERS = [239, 253];

/**
 * Name lookups, also by multicast DNS (5353) and LLMNR (5355). `and` and `or` bind alike in a filter, so that neither here
 * nor below one stands beside the other without parentheses.
 */
const LOOKUP_PORTS = { tcp: [53], udp: [53, 5353, 5355] };
const LOOKUPS = `tcp port ${LOOKUP_PORTS.tcp.join(" or ")} or udp port ${LOOKUP_PORTS.udp.join(" or ")}`;
const ICMP_ERRORS = [3, 4, 5, 11, 12].map((type) => `icmp[0] == ${type}`).join(" or ");
const ICMP6 = 58;
/** First and last of ICMPv6's errors, and of neighbour discovery. */
const ICMP6_TYPES: readonly (readonly [number, number])[] = [[1, 4], [133, 137]];

/** Link types on which libpcap knows ARP: those with EtherTypes, and 802.11 with what may stand before it. */
const WITH_ARP = [...WITH_ETHER_TYPES, 105, 119, 127, 163, 192];

/**
 * The BPF expression for HTTP on `ports` and a link type: TCP of these ports, IPv4 fragments after the
 * first (they carry no port), IPv6 with extension headers (behind which BPF cannot look), tunnels, and on
 * Ethernet the same within one or two VLAN tags. Each `vlan` moves the offsets of what follows it, so the nested
 * repetition is what matches both depths. `""`, everything, where libpcap has no filters.
 *
 * With `lifecycle` also what comes before a request: DNS, ARP, IPv6 neighbour discovery and ICMP errors.
 *
 * It does not see HTTP behind more than two tags, behind a tag on link types other than Ethernet, in tunnels through other
 * ports, and in 802.11 frames with four addresses.
 */
export function defaultFilter(ports: readonly number[], linkType: number, lifecycle = true): string {
  if (WITHOUT_FILTERS.includes(linkType)) return "";
  const wanted = [
    ...ports.map((port) => `tcp port ${port}`),
    "ip[6:2] & 0x1fff != 0",
    ...IPV6_EXTENSION_HEADERS.map((header) => `ip6[6] == ${header}`),
    TUNNELS,
    ...WITH_ETHER_TYPES.includes(linkType) ? [TUNNEL_ETHER_TYPES] : [],
    ...lifecycle ? [LOOKUPS, ICMP_ERRORS, icmp6("ip6[6]", "ip6[40]")] : [],
    ...lifecycle && WITH_ARP.includes(linkType) ? ["arp"] : [],
  ].join(" or ");
  switch (linkType) {
    case EN10MB:
      return `${wanted} or (vlan and (${wanted} or (vlan and (${wanted}))))`;
    case NULL:
    case LOOP:
      return `${wanted} or (${loopbackIpv6(ports, lifecycle)})`;
    default:
      return wanted;
  }
}

/** The expression of the options' filter, or that which is built for their ports; `""` for everything. */
export function wantedFilter(
  options: Pick<FilterOptions, "filter" | "ports" | "lifecycle">,
  linkType: number,
): string {
  const { filter, ports, lifecycle } = options;
  return filter ?? (ports ? defaultFilter(ports, linkType, lifecycle) : "");
}

/** The ICMPv6 messages wanted, given how the filter names IPv6's next header and the message's type. */
function icmp6(nextHeader: string, type: string): string {
  const types = ICMP6_TYPES.map(([first, last]) => `(${type} >= ${first} and ${type} <= ${last})`).join(
    " or ",
  );
  return `(${nextHeader} == ${ICMP6} and (${types}))`;
}

/** The same for IPv6 behind a header of 4 bytes, told by its version. */
function loopbackIpv6(ports: readonly number[], lifecycle: boolean): string {
  const TCP = 6, UDP = 17;
  const ofPorts = (ports: readonly number[]) =>
    ports.map((port) => `link[44:2] == ${port} or link[46:2] == ${port}`).join(" or ");
  const wanted = [
    ...IPV6_EXTENSION_HEADERS.map((header) => `link[10] == ${header}`),
    `(link[10] == ${TCP} and (${ofPorts(lifecycle ? [...ports, ...LOOKUP_PORTS.tcp] : ports)}))`,
    ...lifecycle
      ? [`(link[10] == ${UDP} and (${ofPorts(LOOKUP_PORTS.udp)}))`, icmp6("link[10]", "link[44]")]
      : [],
  ].join(" or ");
  return `link[4] & 0xf0 == 0x60 and (${wanted})`;
}
