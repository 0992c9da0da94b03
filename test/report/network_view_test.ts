import { assertEquals } from "@std/assert";
import { makeNetworkView } from "../../src/report/network_view.ts";
import { sampleReport } from "./sample_report.ts";

const clean = (text: string) => text;

Deno.test("makeNetworkView sums up what there was and leaves out what there was not", () => {
  const { summary } = makeNetworkView(sampleReport().network!, clean);
  assertEquals(summary.map(({ label, value }) => `${label}: ${value.text}`), [
    "DNS: 812 queries, 14 failed, 3 unanswered, 5 sent again",
    "ARP: 40 requests, 38 replies, 2 unanswered",
    "Neighbour discovery: 12 requests, 12 replies",
    "Address changes: 1",
    "Handshakes: 1,204 completed, 2 refused, 1 unanswered, 3 SYN sent again",
    "TCP: 44 retransmissions, 7 resets",
    "ICMP errors: 4",
  ]);
});

Deno.test("makeNetworkView of a silent network says none", () => {
  const nothing = { requests: 0, replies: 0, unanswered: 0 };
  const { summary } = makeNetworkView({ ...sampleReport().network!, arp: nothing }, clean);
  assertEquals(summary[1]?.value.text, "none");
});

Deno.test("makeNetworkView shows address changes in alarm tone, if there were any", () => {
  const network = sampleReport().network!;
  const tone = (addressChanges: number) =>
    makeNetworkView({ ...network, addressChanges }, clean).summary[3]?.value.tone;
  assertEquals([tone(0), tone(1)], ["faint", "alarm"]);
});

Deno.test("makeNetworkView lists DNS servers with round trip and names, and gateways", () => {
  const { dnsServers, gateways } = makeNetworkView(sampleReport().network!, clean);
  assertEquals(dnsServers.rows.map((row) => row.map(({ text }) => text).join("|")), [
    "192.0.2.53|dns|790|14|12|1|3|4.2|31.4|shop.example 401, api.example 260",
    "224.0.0.251|mdns|22|||2|2|||printer.local 22",
  ]);
  assertEquals(gateways.rows[0]?.map(({ text }) => text), ["192.0.2.1", "02:00:5e:00:53:01", "512"]);
});
