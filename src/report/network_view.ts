/**
 * The network below HTTP as what a reader sees.
 *
 * @module
 */

import type { NeighbourCounts } from "../network/neighbours.ts";
import type { NetworkFigures } from "../stats/report.ts";
import {
  type Clean,
  column,
  type Field,
  field,
  span,
  type Table,
  type Tone,
  withoutEmptyColumns,
} from "./elements.ts";
import { count, decimal } from "./format.ts";

export interface NetworkView {
  readonly summary: readonly Field[];
  readonly dnsServers: Table;
  readonly gateways: Table;
}

/** Names that are shown of each DNS server. */
const mostNames = 3;

/** Makes the view of what was seen of the network. */
export function makeNetworkView(network: NetworkFigures, clean: Clean): NetworkView {
  const { dns, tcp } = network;
  return {
    summary: [
      field(
        "DNS",
        enumerate([
          [dns.queries, "queries"],
          [dns.failures, "failed"],
          [dns.timeouts, "unanswered"],
          [dns.retries, "sent again"],
        ]),
      ),
      field("ARP", enumerateNeighbours(network.arp)),
      field("Neighbour discovery", enumerateNeighbours(network.neighbourDiscovery)),
      tally("Address changes", network.addressChanges, "alarm"),
      field(
        "Handshakes",
        enumerate([
          [tcp.handshakes, "completed"],
          [tcp.refused, "refused"],
          [tcp.unanswered, "unanswered"],
          [tcp.synRetransmissions, "SYN sent again"],
        ]),
      ),
      field(
        "TCP",
        enumerate([
          [tcp.retransmissions, "retransmissions"],
          [tcp.resets, "resets"],
          [tcp.zeroWindows, "zero windows"],
        ]),
      ),
      tally("ICMP errors", network.icmpErrors, "warning"),
    ],
    dnsServers: tabulateDnsServers(network, clean),
    gateways: tabulateGateways(network, clean),
  };
}

function tabulateDnsServers(network: NetworkFigures, clean: Clean): Table {
  const some = (value: number, tone: Tone = "plain") => span(value > 0 ? count(value) : "", tone);
  const rows = network.dns.servers.map((server) => {
    const names = server.topNames.slice(0, mostNames)
      .map(({ name, queries }) => `${clean(name)} ${count(queries)}`).join(", ");
    const { roundTripMs } = server;
    return [
      span(clean(server.server)),
      span(clean(server.protocol)),
      span(count(server.queries)),
      some(server.failures),
      some(server.nxdomain),
      some(server.timeouts, "warning"),
      some(server.retries, "warning"),
      span(roundTripMs ? decimal(roundTripMs.p50) : ""),
      span(roundTripMs ? decimal(roundTripMs.p95) : ""),
      span(names, "faint"),
    ];
  });
  return withoutEmptyColumns({
    columns: [
      column("DNS servers", "left", 0),
      column("by", "left", 3),
      column("queries", "right", 0),
      column("failed", "right", 1),
      column("nxdomain", "right", 4),
      column("timeouts", "right", 1),
      column("retries", "right", 3),
      column("p50 ms", "right", 2),
      column("p95 ms", "right", 2),
      column("names", "left", 2, true),
    ],
    rows,
  });
}

function tabulateGateways(network: NetworkFigures, clean: Clean): Table {
  return {
    columns: [
      column("Gateways", "left", 0, true),
      column("MAC", "left", 1),
      column("connections", "right", 0),
    ],
    rows: network.gateways.map(({ address, mac, connections }) => [
      span(clean(address)),
      span(clean(mac)),
      span(count(connections)),
    ]),
  };
}

function enumerateNeighbours({ requests, replies, unanswered }: NeighbourCounts): string {
  return enumerate([[requests, "requests"], [replies, "replies"], [unanswered, "unanswered"]]);
}

/** Those that there were, each with its label in the plural, which may be no noun. */
function enumerate(counts: readonly (readonly [value: number, label: string])[]): string {
  const some = counts.filter(([value]) => value > 0)
    .map(([value, label]) => `${count(value)} ${value === 1 ? singular(label) : label}`);
  return some.join(", ") || "none";
}

function singular(label: string): string {
  return label.replace(/ies$/, "y").replace(/s$/, "");
}

function tally(label: string, value: number, tone: Tone): Field {
  return field(label, count(value), value > 0 ? tone : "faint");
}
