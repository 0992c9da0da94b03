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

/** HTTP port watched when none is named. */
export const DEFAULT_PORTS: readonly number[] = [80];

/**
 * The BPF expression for HTTP on `ports` and a link type: TCP of these ports, IPv4 fragments after the
 * first (they carry no port), IPv6 with extension headers (behind which BPF cannot look), and on Ethernet
 * the same within one or two VLAN tags. Each `vlan` moves the offsets of what follows it, so the nested
 * repetition is what matches both depths.
 */
export function defaultFilter(ports: readonly number[], linkType: number): string {
  const http = [
    ...ports.map((port) => `tcp port ${port}`),
    "ip[6:2] & 0x1fff != 0",
    ...IPV6_EXTENSION_HEADERS.map((header) => `ip6[6] == ${header}`),
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
