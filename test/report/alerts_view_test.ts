import { assertEquals } from "@std/assert";
import { tabulateAlerts } from "../../src/report/alerts_view.ts";
import { marksFor } from "../../src/report/marks.ts";
import { sampleAddressAlert, sampleAlert, sampleReport } from "./sample_report.ts";

function rowOf(alert: ReturnType<typeof sampleAlert>, unicode = true) {
  const report = sampleReport();
  report.alerts = [alert];
  return tabulateAlerts(report, marksFor(unicode), (text) => text).rows[0]!;
}

function textOf(alert: ReturnType<typeof sampleAlert>, unicode = true): string {
  return rowOf(alert, unicode).map((cell) => cell.text).filter(Boolean).join("  ");
}

Deno.test("tabulateAlerts tells a threshold by its numbers", () => {
  assertEquals(
    textOf(sampleAlert("09:31:10", undefined, 44, 2_914, 3_022)),
    "▲ firing  09:31:10  44s  requests 2,914 > 10  in 2m  peak 3,022  traffic  shop.example 9, api.example 3",
  );
});

Deno.test("tabulateAlerts tells an address change by what changed", () => {
  assertEquals(
    textOf(sampleAddressAlert("09:31:43", ["192.0.2.1 02:… → 06:…"])),
    "▲ firing  09:31:43  12s  192.0.2.1 changed MAC  in 2m  " +
      "192.0.2.1 changed from 02:00:5e:00:53:01 to 02:00:5e:00:53:66: a possible spoof",
  );
});

Deno.test("tabulateAlerts lists several address changes, in ASCII too", () => {
  const alert = sampleAddressAlert("09:31:43", ["192.0.2.1 02 → 06", "192.0.2.9 0a → 06"]);
  assertEquals(
    textOf(alert, false),
    "! firing  09:31:43  12s  192.0.2.1 +1 changed MAC  in 2m  peak 2  192.0.2.1 02 to 06, 192.0.2.9 0a to 06",
  );
});

Deno.test("tabulateAlerts shows an address change in alarm tone only while it fires", () => {
  const firing = sampleAddressAlert("09:31:43", ["192.0.2.1 02 → 06"]);
  const resolved = { ...firing, state: "resolved" as const, resolvedAt: "2026-03-14T09:33:43.000000Z" };
  const tone = (alert: typeof firing) => rowOf(alert).find((cell) => cell.text.endsWith("changed MAC"))?.tone;
  assertEquals([tone(firing), tone(resolved)], ["alarm", "plain"]);
});
