import { assertEquals } from "@std/assert";
import { describeExchange, tabulateExchanges } from "../../src/report/exchange_view.ts";
import type { ExchangeFigures } from "../../src/stats/report.ts";
import { sampleExchange, sampleReusedExchange } from "./sample_report.ts";

const clean = (text: string) => text;
const today = "2026-03-14T09:31:55.000000Z";

function facts(exchange: ExchangeFigures): string[] {
  return describeExchange(exchange, clean).map(({ label, value }) => `${label}: ${value.text}`);
}

Deno.test("tabulateExchanges has a row an exchange with its phases in one line", () => {
  const table = tabulateExchanges("Slowest", [sampleExchange(), sampleReusedExchange()], today, clean);
  assertEquals(table.rows.map((row) => row.map(({ text }) => text).join("|")), [
    "09:31:50.120|1,402.9|200|192.0.2.10|GET shop.example/cart/items|31.4|0.6|1,043.2?|0.1|288.3|38.4",
    "09:31:52.000|3.8|503|192.0.2.10|POST shop.example/cart/items/17||||0.0|3.8|0.0",
  ]);
});

Deno.test("tabulateExchanges names the day when it is another and marks a missing response", () => {
  const table = tabulateExchanges("Slowest", [sampleExchange({ status: 0 })], "2026-03-15T", clean, []);
  assertEquals(table.rows[0]?.map(({ text }) => text), [
    "2026-03-14 09:31:50.120",
    "1,402.9",
    "-",
    "192.0.2.10",
    "GET shop.example/cart/items",
  ]);
});

Deno.test("describeExchange says where the ends are, who resolved the name and what is not to be trusted", () => {
  assertEquals(facts(sampleExchange()), [
    "Client: 192.0.2.10:51234, on link, 02:00:5e:00:53:10",
    "Server: 198.51.100.80:80, via 192.0.2.1, 02:00:5e:00:53:01",
    "DNS: shop.example by 192.0.2.53",
    "Connection: new",
    "Not to be trusted: connect",
    "Losses: 1 retransmission",
    "Bodies: 0 B sent, 47.1 KiB received",
  ]);
});

Deno.test("describeExchange says what is not known by saying nothing of it", () => {
  const { clientMac: _, clientOnLink: __, serverMac: ___, serverGateway: ____, reused: _____, ...rest } =
    sampleReusedExchange({ server: "2001:db8::80", gaps: 2, serverOnLink: false });
  assertEquals(facts(rest), [
    "Client: 192.0.2.10:51234",
    "Server: [2001:db8::80]:80, not on link",
    "Connection: opened before it was seen",
    "Losses: 2 gaps",
    "Bodies: 312 B sent, 0 B received",
  ]);
});
