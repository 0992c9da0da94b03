/**
 * The capture filter that is used when the user gives none.
 *
 * @module
 */

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
 * The BPF expression for HTTP on `ports` and a link type: TCP of these ports, IPv4 fragments after the
 * first (they carry no port), IPv6 with extension headers (behind which BPF cannot look), tunnels, and on
 * Ethernet the same within one or two VLAN tags. Each `vlan` moves the offsets of what follows it, so the nested
 * repetition is what matches both depths. `""`, everything, where libpcap has no filters.
 *
 * It does not see HTTP behind more than two tags, behind a tag on link types other than Ethernet, in tunnels through other
 * ports, and in 802.11 frames with four addresses.
 */
export function defaultFilter(ports: readonly number[], linkType: number): string {
  if (WITHOUT_FILTERS.includes(linkType)) return "";
  const http = [
    ...ports.map((port) => `tcp port ${port}`),
    "ip[6:2] & 0x1fff != 0",
    ...IPV6_EXTENSION_HEADERS.map((header) => `ip6[6] == ${header}`),
    TUNNELS,
    ...WITH_ETHER_TYPES.includes(linkType) ? [TUNNEL_ETHER_TYPES] : [],
  ].join(" or ");
  switch (linkType) {
    case EN10MB:
      return `${http} or (vlan and (${http} or (vlan and (${http}))))`;
    case NULL:
    case LOOP:
      return `${http} or (${loopbackIpv6(ports)})`;
    default:
      return http;
  }
}

/** The same for IPv6 behind a header of 4 bytes, told by its version. */
function loopbackIpv6(ports: readonly number[]): string {
  const TCP = 6;
  const ofPorts = ports.map((port) => `link[44:2] == ${port} or link[46:2] == ${port}`).join(" or ");
  const hidden = IPV6_EXTENSION_HEADERS.map((header) => `link[10] == ${header}`).join(" or ");
  return `link[4] & 0xf0 == 0x60 and (${hidden} or (link[10] == ${TCP} and (${ofPorts})))`;
}
