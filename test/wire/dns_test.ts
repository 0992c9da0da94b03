import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DnsMessage } from "../../src/wire/dns.ts";
import { address, cname, DNS_TYPES, dnsMessage, type DnsRecord, https, wireName } from "../support/dns.ts";
import { concat } from "../support/frames.ts";

/** A new reader that has read `bytes`, which lie in the middle of others, with what it returned. */
function read(bytes: Uint8Array): { message: DnsMessage; isRead: boolean } {
  const message = new DnsMessage();
  const margin = new Uint8Array(30).fill(0x61);
  const isRead = message.read(concat(margin, bytes, margin), 30, 30 + bytes.length);
  return { message, isRead };
}

/** A response to the question for `name` with these answers. */
function respond(name: string, answers: readonly DnsRecord[], compress = true): DnsMessage {
  const { message, isRead } = read(
    dnsMessage({ isResponse: true, questions: [{ name }], answers, compress }),
  );
  assert(isRead);
  return message;
}

/** The addresses that the question's name leads to, and its canonical name. */
function resolve(message: DnsMessage): [addresses: readonly string[], canonicalName: string] {
  const { addresses, canonicalName } = message.follow(message.name);
  return [addresses, canonicalName];
}

/** The addresses that the question's name leads to. */
function addressesOf(message: DnsMessage): readonly string[] {
  return resolve(message)[0];
}

/** A header with counts, before bytes of one's own. */
function raw(questions: number, answers: number, ...rest: (Uint8Array | number[])[]): Uint8Array {
  return concat(
    Uint8Array.of(0, 1, 0x80, 0, 0, questions, 0, answers, 0, 0, 0, 0),
    ...rest.map((part) => Uint8Array.from(part)),
  );
}

const A_IN = [0, 1, 0, 1];

Deno.test("DnsMessage reads the header and the first question", () => {
  const { message, isRead } = read(dnsMessage({
    id: 0xfedc,
    opcode: 4,
    rcode: 3,
    isTruncated: true,
    questions: [{ name: "WWW.Example.TEST", type: DNS_TYPES.aaaa, class: 0x8001 }, { name: "b.test" }],
  }));
  assertEquals([isRead, message.isResponse, message.isTruncated, message.isPartial], [
    true,
    false,
    true,
    false,
  ]);
  assertEquals([message.id, message.opcode, message.rcode], [0xfedc, 4, 3]);
  assertEquals([message.questionCount, message.answerCount], [2, 0]);
  assertEquals([message.name, message.type, message.class], ["www.example.test", 28, 1]);
});

Deno.test("DnsMessage leaves nothing of the message before", () => {
  const message = respond("a.test", [cname("a.test", "b.test"), address("b.test", "10.0.0.2")]);
  assertEquals(addressesOf(message), ["10.0.0.2"]);
  const next = dnsMessage({ id: 9, isResponse: true });
  assertEquals(message.read(next, 0, next.length), true);
  assertEquals([message.id, message.name, message.type, message.class], [9, "", 0, 0]);
  assertEquals([message.answers, ...resolve(message)], [[], [], ""]);
  message.read(new Uint8Array(0), 0, 0);
  assertEquals(message.id, 0);
});

Deno.test("DnsMessage writes names so that labels cannot be mistaken", () => {
  const names: [string, string][] = [
    ["", ""],
    ["A-1_b.test", "a-1_b.test"],
    ["a\\.b.test", "a\\046b.test"],
    ["back\\\\slash.test", "back\\092slash.test"],
    ["My Printer._ipp._tcp.local", "my\\032printer._ipp._tcp.local"],
    ["\\000\\010\\027[31m.\\255", "\\000\\010\\027[31m.\\255"],
    ["é.test", "\\195\\169.test"],
    ["xn--e1afmkfd.test", "xn--e1afmkfd.test"],
    ["x".repeat(63) + ".test", "x".repeat(63) + ".test"],
  ];
  for (const [name, expected] of names) {
    assertEquals(read(dnsMessage({ questions: [{ name }] })).message.name, expected);
  }
});

Deno.test("DnsMessage takes names of 255 octets, and none longer", () => {
  const label = "\\001".repeat(63);
  const longest = [label, label, label, "\\001".repeat(61)].join(".");
  assertEquals(wireName(longest).length, 255);
  assertEquals(read(dnsMessage({ questions: [{ name: longest }] })).message.name, longest);
  assertEquals(read(dnsMessage({ questions: [{ name: longest + "\\001" }] })).isRead, false);
});

Deno.test("DnsMessage gives the addresses of the question's name alone", () => {
  const message = respond("a.test", [
    address("A.test", "10.0.0.2"),
    address("other.test", "10.0.0.3"),
    address("a.test", "2001:db8::2"),
    address("a.test", "10.0.0.2"),
  ]);
  assertEquals(resolve(message), [["10.0.0.2", "2001:db8::2"], "a.test"]);
});

Deno.test("DnsMessage follows chains of CNAME in any order, compressed or not", () => {
  const answers = [
    cname("a.test", "b.cdn.test"),
    cname("b.cdn.test", "c.test"),
    address("c.test", "10.0.0.2"),
    address("c.test", "10.0.0.3"),
  ];
  const ADDRESSES = ["10.0.0.2", "10.0.0.3"];
  for (const compress of [true, false]) {
    for (const order of [answers, answers.toReversed()]) {
      const message = respond("a.test", order, compress);
      assertEquals(resolve(message), [order === answers ? ADDRESSES : ADDRESSES.toReversed(), "c.test"]);
    }
  }
});

Deno.test("DnsMessage ends a chain that loops or is endless", () => {
  const loop = respond("a.test", [
    cname("a.test", "b.test"),
    cname("b.test", "c.test"),
    cname("c.test", "a.test"),
    cname("c.test", "c.test"),
    address("c.test", "10.0.0.2"),
  ]);
  assertEquals(resolve(loop), [["10.0.0.2"], "c.test"]);
  const chain = Array.from({ length: 100 }, (_, i) => cname(`${i}.test`, `${i + 1}.test`));
  const endless = respond("0.test", [
    ...chain,
    address("10.test", "10.0.0.2"),
    address("100.test", "10.0.0.3"),
  ]);
  assertEquals(addressesOf(endless), ["10.0.0.2"]);
});

Deno.test("DnsMessage follows HTTPS and SVCB records to hints and targets", () => {
  const hints = ["10.0.0.2", "10.0.0.3", "2001:db8::2"];
  assertEquals(addressesOf(respond("a.test", [https("a.test", 1, ".", hints)])), hints);
  const service = respond("a.test", [
    https("a.test", 1, "svc.test", ["10.0.0.2"]),
    address("svc.test", "10.0.0.4"),
    cname("svc.test", "real.test"),
    address("real.test", "10.0.0.5"),
  ]);
  assertEquals(addressesOf(service), ["10.0.0.2", "10.0.0.4", "10.0.0.5"]);
  const alias = respond("a.test", [
    https("a.test", 0, "b.test", ["10.6.6.6"]),
    https("b.test", 1, ".", ["10.0.0.2"], { type: DNS_TYPES.svcb }),
  ]);
  // An alias has no parameters, and is no CNAME.
  assertEquals(resolve(alias), [["10.0.0.2"], "a.test"]);
  assertEquals(alias.answers.map(({ target }) => target), ["b.test", undefined]);
});

Deno.test("DnsMessage gives the answers of multicast DNS, which come without a question", () => {
  const { message } = read(dnsMessage({
    isResponse: true,
    answers: [
      address("Host.local", "10.0.0.2", { class: 0x8001 }),
      { name: "_http._tcp.local", type: DNS_TYPES.ptr, data: ["My Web._http._tcp.local"] },
    ],
  }));
  assertEquals([message.questionCount, message.name, addressesOf(message)], [0, "", []]);
  assertEquals(message.answers.map(({ name, type }) => [name, type]), [["host.local", 1], [
    "_http._tcp.local",
    12,
  ]]);
  assertEquals(message.follow("host.local"), { canonicalName: "host.local", addresses: ["10.0.0.2"] });
});

Deno.test("DnsMessage reads answers of class IN in responses alone, and neither authorities nor what is additional", () => {
  const answers = [address("a.test", "10.0.0.2", { class: 3 }), address("a.test", "10.0.0.3")];
  assertEquals(addressesOf(respond("a.test", answers)), ["10.0.0.3"]);
  const more = [address("a.test", "10.0.0.9")];
  const message = dnsMessage({
    isResponse: true,
    questions: [{ name: "a.test" }],
    authorities: more,
    additional: more,
  });
  assertEquals(addressesOf(read(message).message), []);
  // The known answers of multicast DNS (RFC 6762 section 7.1).
  assertEquals(read(dnsMessage({ questions: [{ name: "a.test" }], answers })).message.answers, []);
});

Deno.test("DnsMessage leaves out what records hold that makes no sense", () => {
  const wrong: Record<string, DnsRecord> = {
    "A of 3 bytes": address("a.test", "10.0.0.2", { data: [new Uint8Array(3)] }),
    "A of 8 bytes": address("a.test", "10.0.0.2", { data: [new Uint8Array(8)] }),
    "AAAA of 4 bytes": address("a.test", "::1", { data: [new Uint8Array(4)] }),
    "CNAME of nothing": cname("a.test", "b.test", { data: [] }),
    "CNAME that goes on behind its record": cname("a.test", "b.test", { data: [Uint8Array.of(5, 0x62)] }),
    "HTTPS of nothing": https("a.test", 1, ".", [], { data: [] }),
    "HTTPS of a priority": https("a.test", 1, ".", [], { data: [Uint8Array.of(0, 1)] }),
    "HTTPS with a hint of 3 bytes": https("a.test", 1, ".", [], {
      data: [Uint8Array.of(0, 1, 0, 0, 4, 0, 3, 10, 0, 0)],
    }),
    "HTTPS with a hint that is cut": https("a.test", 1, ".", [], {
      data: [Uint8Array.of(0, 1, 0, 0, 4, 0, 8, 10, 0, 0, 2)],
    }),
  };
  for (const [what, record] of Object.entries(wrong)) {
    const message = respond("a.test", [record, address("a.test", "10.0.0.7")]);
    assertEquals([addressesOf(message), message.isPartial], [["10.0.0.7"], false], what);
    assertEquals(resolve(message)[1], "a.test", what);
  }
});

Deno.test("DnsMessage reads 256 records and addresses, and says that there are more", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => address("a.test", `10.0.${i >> 8}.${i & 255}`));
  const most = respond("a.test", many(256));
  assertEquals([addressesOf(most).length, most.isPartial], [256, false]);
  const more = respond("a.test", many(257));
  assertEquals([addressesOf(more).length, more.isPartial], [256, true]);
  const hints = Array.from({ length: 3000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  assertEquals(addressesOf(respond("a.test", [https("a.test", 1, ".", hints)])).length, 256);
});

Deno.test("DnsMessage cut at any byte reads what is whole, and says that it is not all", () => {
  const questions = [{ name: "a.test" }, { name: "b.test" }];
  const question = dnsMessage({ questions: questions.slice(0, 1) }).length;
  const answers = [cname("a.test", "c.test"), address("c.test", "10.0.0.2"), address("c.test", "10.0.0.3")];
  const whole = dnsMessage({ isResponse: true, questions, answers });
  const seen = new Set<number>();
  for (let cut = 0; cut <= whole.length; cut++) {
    const { message, isRead } = read(whole.subarray(0, cut));
    assertEquals(isRead, cut >= question, `cut at ${cut}`);
    if (!isRead) continue;
    assertEquals([message.name, message.isPartial], ["a.test", cut < whole.length], `cut at ${cut}`);
    seen.add(addressesOf(message).length);
  }
  assertEquals(seen, new Set([0, 1, 2]));
});

Deno.test("DnsMessage takes pointers to earlier names alone", () => {
  const test = wireName("test");
  // At 12 `test`, at 22 `b` with a pointer to it.
  const good = raw(2, 0, test, A_IN, [1, 0x62, 0xc0, 12], A_IN);
  assertEquals(read(good).message.name, "test");
  const bad: Record<string, number[]> = {
    "itself": [0xc0, 12],
    "forwards": [0xc0, 14, 0],
    "the header": [0xc0, 0],
    "the header's last byte": [0xc0, 11],
    "the beginning of the name that it ends": [1, 0x61, 0xc0, 12],
    "a label of 64 bytes": [0x40, ...new Uint8Array(64).fill(0x61), 0],
    "a label of 128 bytes": [0x80, ...new Uint8Array(128).fill(0x61), 0],
  };
  for (const [what, name] of Object.entries(bad)) {
    assertEquals(read(raw(1, 0, name, A_IN)).isRead, false, what);
  }
});

Deno.test("DnsMessage follows 128 pointers in a name, and no more", () => {
  const record = (
    type: number,
    data: number[],
  ) => [0, 0, type, 0, 1, 0, 0, 0, 0, data.length >> 8, data.length & 255, ...data];
  const pointer = (to: number) => [0xc0 | (to >> 8), to & 255];
  // The question's name at 12; from 30 on pointers, each to the one before, in a TXT record; an alias that leads to the last.
  const target = (pointers: number) => {
    const chain = Array.from({ length: pointers - 1 }, (_, i) => pointer(i === 0 ? 12 : 30 + 2 * (i - 1)));
    const alias = record(DNS_TYPES.cname, pointer(30 + 2 * (chain.length - 1)));
    const bytes = raw(1, 2, [1, 0x61, 0], A_IN, record(DNS_TYPES.txt, chain.flat()), alias);
    return read(bytes).message.answers[1]?.target;
  };
  assertEquals([target(2), target(128), target(129)], ["a", "a", undefined]);
});

Deno.test("DnsMessage calls unassigned opcodes no DNS", () => {
  for (let opcode = 0; opcode < 16; opcode++) {
    assertEquals(read(dnsMessage({ opcode, questions: [{ name: "a.test" }] })).isRead, opcode <= 6);
  }
});

Deno.test("DnsMessage never throws and keeps its bounds, whatever the bytes", () => {
  const real = dnsMessage({
    isResponse: true,
    questions: [{ name: "www.a.test" }],
    answers: [cname("www.a.test", "b.test"), address("b.test", "10.0.0.2"), https("b.test", 1, ".", ["::1"])],
  });
  const mutated = fc.tuple(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }), fc.nat(real.length))
    .map(
      ([changes, cut]) => {
        const bytes = real.slice(0, cut === 0 ? real.length : cut);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return bytes;
      },
    );
  const message = new DnsMessage();
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })), (bytes) => {
      message.read(bytes, 0, bytes.length);
      assert(message.answers.length <= 256 && addressesOf(message).length <= 256);
      for (const name of [message.name, resolve(message)[1], ...message.answers.map(({ name }) => name)]) {
        assert(/^[!-~]*$/.test(name) && name.length <= 1020, name);
      }
    }),
    { numRuns: 5000, seed: 1 },
  );
});
