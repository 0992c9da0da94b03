import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { Exchange } from "../../src/http/exchange.ts";
import { head, hear, type Snapshot } from "../http/support.ts";
import { caseFile, checkExchange, checkNumbers, FuzzTarget, makeCase, readInputs } from "./fuzz.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const failures = [...Deno.readDirSync(new URL("fuzz/", fixtures))].map(({ name }) => name).sort();

for (const name of failures) {
  Deno.test(`fuzz/${name}, which failed once, is read to its end and leaves nothing behind`, () => {
    const bytes = Deno.readFileSync(new URL(`fuzz/${name}`, fixtures));
    for (const chunk of [bytes.length, 7]) new FuzzTarget().run({ kind: "file", bytes, chunk });
  });
}

Deno.test("makeCase makes the same case of the same seed and number, and another of another", () => {
  const inputs = readInputs([new URL("keep_alive.pcap", fixtures), new URL("pcapng.pcapng", fixtures)]);
  const kinds = new Set<string>();
  for (let number = 0; number < 60; number++) {
    const input = makeCase(5, number, inputs);
    assertEquals(makeCase(5, number, inputs), input);
    assertNotEquals(makeCase(6, number, inputs), input);
    kinds.add(input.kind);
    new FuzzTarget().run({ kind: "file", bytes: caseFile(input), chunk: 4096 });
  }
  assertEquals([...kinds].sort(), ["file", "frames"]);
});

Deno.test("checkExchange takes what was read and refuses what cannot be", () => {
  const { exchanges } = hear((c) => {
    c.client(head("GET /a/b HTTP/1.1", "Host: a.test"));
    c.server(head("HTTP/1.1 204 No Content"));
  });
  const [exchange] = exchanges as [Exchange];
  checkExchange(exchange);
  const wrong: Partial<Snapshot>[] = [
    { status: 99 },
    { status: 1000 },
    { status: NaN },
    { host: "" },
    { method: "" },
    { section: "/b" },
    { receive: -1 },
    { wait: Infinity },
    { gaps: NaN },
    { requestBodyBytes: -1 },
  ];
  for (const change of wrong) {
    const changed = Object.create(exchange, Object.getOwnPropertyDescriptors(change));
    assertThrows(() => checkExchange(changed));
  }
});

Deno.test("checkNumbers names the number that is negative or none", () => {
  checkNumbers({ a: [0, 1.5, { b: 2 }], c: "x", d: undefined }, "");
  assertThrows(() => checkNumbers({ a: { b: [1, -2] } }, ""), Error, "a b 1 is -2");
  assertThrows(() => checkNumbers({ a: NaN }, ""), Error, "a is NaN");
});
