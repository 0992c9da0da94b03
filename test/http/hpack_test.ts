import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BlockResult, FieldNames, HpackDecoder } from "../../src/http/hpack.ts";
import { Budget } from "../../src/stream/reassembly.ts";
import { concat } from "../support/frames.ts";
import { type Field, HpackEncoder, integer, string } from "../support/hpack_encoder.ts";

/** Names that the tests ask for, so that all fields of the examples are reported. */
const WANTED = [
  ":authority",
  ":method",
  ":path",
  ":scheme",
  ":status",
  "cache-control",
  "content-encoding",
  "content-type",
  "custom-key",
  "date",
  "location",
  "password",
  "referer",
  "set-cookie",
  "user-agent",
];
const names = new FieldNames(WANTED);

/** A decoder and what it reports, as text. Fields that are not wanted show as `-`, unknown ones as `?`. */
class Reading {
  readonly budget: Budget;
  readonly decoder: HpackDecoder;

  constructor(budget = new Budget(2 ** 26)) {
    this.budget = budget;
    this.decoder = new HpackDecoder(names, budget);
  }

  /** The fields of a block as `name: value`. */
  fields(block: Uint8Array): string[] {
    return this.read(block).fields;
  }

  read(block: Uint8Array): { result: BlockResult; fields: string[] } {
    const fields: string[] = [];
    // Surrounded by what is none of its business.
    const bytes = concat(Uint8Array.of(0xff, 0xff), block, Uint8Array.of(0x82, 0xff));
    const result = this.decoder.decode(bytes, 2, 2 + block.length, {
      field: (name, value) => {
        fields.push(name === 0 ? "-" : `${WANTED[name - 1]}: ${latin1(value)}`);
      },
      unknown: () => fields.push("?"),
    });
    return { result, fields };
  }
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function hex(digits: string): Uint8Array {
  return Uint8Array.from(digits.replace(/\s/g, "").match(/../g)!, (pair) => parseInt(pair, 16));
}

const REQUESTS: readonly (readonly string[])[] = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
  [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
  ],
];

const RESPONSES: readonly (readonly string[])[] = [
  [
    ":status: 302",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 307",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
  ],
];

/** The examples of RFC 7541 appendix C.3 to C.6: blocks of one connection, their fields, the table's size behind each. */
const EXAMPLES: readonly {
  section: string;
  tableSize: number;
  blocks: readonly string[];
  fields: readonly (readonly string[])[];
  sizes: readonly number[];
}[] = [
  {
    section: "C.3",
    tableSize: 4096,
    blocks: [
      "828684410f7777772e6578616d706c652e636f6d",
      "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ],
    fields: REQUESTS,
    sizes: [57, 110, 164],
  },
  {
    section: "C.4",
    tableSize: 4096,
    blocks: [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff",
      "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ],
    fields: REQUESTS,
    sizes: [57, 110, 164],
  },
  {
    section: "C.5",
    tableSize: 256,
    blocks: [
      "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54" +
      "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
      "4803333037c1c0bf",
      "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738" +
      "666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b20" +
      "76657273696f6e3d31",
    ],
    fields: RESPONSES,
    sizes: [222, 222, 215],
  },
  {
    section: "C.6",
    tableSize: 256,
    blocks: [
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
      "4883640effc1c0bf",
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af" +
      "27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ],
    fields: RESPONSES,
    sizes: [222, 222, 215],
  },
];

for (const { section, tableSize, blocks, fields, sizes } of EXAMPLES) {
  Deno.test(`HpackDecoder reads the examples of RFC 7541 ${section}`, () => {
    const reading = new Reading();
    if (tableSize !== 4096) reading.fields(integer(tableSize, 5, 0x20));
    blocks.forEach((block, i) => {
      assertEquals(reading.fields(hex(block)), fields[i]);
      assertEquals(reading.decoder.tableSize, sizes[i]);
    });
  });
}

Deno.test("HpackDecoder reads the single fields of RFC 7541 C.2", () => {
  const reading = new Reading();
  assertEquals(reading.fields(hex("400a637573746f6d2d6b65790d637573746f6d2d686561646572")), [
    "custom-key: custom-header",
  ]);
  assertEquals(reading.decoder.tableSize, 55);
  assertEquals(reading.fields(hex("040c2f73616d706c652f70617468")), [":path: /sample/path"]);
  assertEquals(reading.fields(hex("100870617373776f726406736563726574")), ["password: secret"]);
  assertEquals(reading.fields(hex("82")), [":method: GET"]);
  assertEquals(reading.decoder.tableSize, 55);
});

Deno.test("HpackDecoder reports fields nobody wants without their value and still indexes them", () => {
  const reading = new Reading();
  const encoder = new HpackEncoder();
  assertEquals(reading.fields(encoder.encode([["cookie", "secret"], [":path", "/a"]])), ["-", ":path: /a"]);
  assertEquals(reading.fields(encoder.encode([[":path", "/a"], ["cookie", "secret"]])), [":path: /a", "-"]);
  assertEquals(reading.decoder.tableSize, 6 + 6 + 32 + 5 + 2 + 32);
});

Deno.test("HpackDecoder empties the table for an entry that is larger than it", () => {
  const reading = new Reading();
  const encoder = new HpackEncoder();
  encoder.resize(100);
  reading.fields(encoder.encode([[":path", "/a"]]));
  assertEquals(reading.decoder.tableSize, 39);
  assertEquals(reading.fields(encoder.encode([[":path", "/".repeat(100)]])).length, 1);
  assertEquals(reading.decoder.tableSize, 0);
});

Deno.test("HpackDecoder takes names from the dynamic table and from entries that go away meanwhile", () => {
  const reading = new Reading();
  const encoder = new HpackEncoder();
  encoder.resize(32 + 10 + 40);
  assertEquals(reading.fields(encoder.encode([["custom-key", "1"]])), ["custom-key: 1"]);
  const long = "2".repeat(40);
  assertEquals(reading.fields(encoder.encode([["custom-key", long]])), [`custom-key: ${long}`]);
  assertEquals(reading.fields(encoder.encode([["custom-key", long]])), [`custom-key: ${long}`]);
});

for (
  const [what, block] of [
    ["index 0", hex("80")],
    ["an index that nothing is at", hex("be")],
    ["a name's index that nothing is at", concat(hex("7e"), string("x", false))],
    ["an integer without end", hex("ffffffffffffffffffff01")],
    ["a string longer than the block", hex("410f7777")],
    ["a literal without value", hex("41")],
    ["a size update behind a field", hex("8220")],
    ["Huffman padding with zeros", hex("418200 00")],
    ["Huffman padding of eight ones", hex("4182f1ff")],
    ["the end-of-string symbol", hex("4184ffffffff")],
  ] as const
) {
  Deno.test(`HpackDecoder refuses ${what}`, () => {
    assertEquals(new Reading().read(block).result, BlockResult.invalid);
  });
}

Deno.test("HpackDecoder marks references into what was missed as unknown, and no others", () => {
  const reading = new Reading();
  const encoder = new HpackEncoder();
  reading.fields(encoder.encode([[":path", "/before"]]));
  encoder.encode([[":path", "/missed"], ["custom-key", "missed"]]);
  reading.decoder.lose();
  assertEquals(
    reading.fields(encoder.encode([
      [":method", "GET"],
      [":path", "/before"],
      [":path", "/missed"],
      ["custom-key", "new"],
      ["user-agent", "agent"],
    ])),
    [":method: GET", "?", "?", "?", "user-agent: agent"],
  );
  // What came after the loss is known by its place, counted from the newest.
  assertEquals(
    reading.fields(encoder.encode([["user-agent", "agent"], ["custom-key", "new"], [":path", "/missed"]])),
    ["user-agent: agent", "?", "?"],
  );
});

Deno.test("HpackDecoder knows all again once the table was emptied", () => {
  const reading = new Reading();
  const encoder = new HpackEncoder();
  encoder.encode([[":path", "/missed"]]);
  reading.decoder.lose();
  encoder.resize(0);
  reading.fields(encoder.encode([]));
  assertEquals(reading.read(hex("be")).result, BlockResult.invalid);
});

Deno.test("HpackDecoder keeps the newest of a table that is larger than it may be", () => {
  const reading = new Reading();
  const encoder = new HpackEncoder();
  encoder.resize(1_000_000);
  const paths = Array.from({ length: 100 }, (_, i) => `/${i}`.padEnd(1000, "-"));
  for (const path of paths) {
    assertEquals(reading.fields(encoder.encode([[":path", path]])), [`:path: ${path}`]);
  }
  assert(reading.decoder.tableSize <= 65_536);
  assertEquals(reading.fields(encoder.encode([[":path", paths[99]!], [":path", paths[0]!]])), [
    `:path: ${paths[99]}`,
    "?",
  ]);
});

Deno.test("HpackDecoder forgets when all tables together are full, and is never wrong", () => {
  const budget = new Budget(200);
  const [first, second] = [new Reading(budget), new Reading(budget)];
  const [one, two] = [new HpackEncoder(), new HpackEncoder()];
  first.fields(one.encode([[":path", "/" + "a".repeat(99)]]));
  assertEquals(second.fields(two.encode([[":path", "/" + "b".repeat(99)]])), [":path: /" + "b".repeat(99)]);
  assertEquals(second.fields(two.encode([[":path", "/" + "b".repeat(99)]])), ["?"]);
  assertEquals(second.fields(two.encode([[":path", "/c"]])), [":path: /c"]);
  assertEquals(second.fields(two.encode([[":path", "/c"], [":path", "/" + "b".repeat(99)]])), [
    ":path: /c",
    "?",
  ]);
  assertEquals(budget.used, 137 + 39);
  first.decoder.lose();
  second.decoder.lose();
  assertEquals(budget.used, 0);
});

Deno.test("HpackDecoder reports a list as too long and goes on with the next block", () => {
  const reading = new Reading();
  const encoder = new HpackEncoder();
  reading.fields(encoder.encode([[":path", "/".repeat(4000)]]));
  const { result, fields } = reading.read(new Uint8Array(1000).fill(0xbe));
  assertEquals(result, BlockResult.tooLong);
  assert(fields.length < 20);
  assertEquals(reading.fields(encoder.encode([[":path", "/".repeat(4000)]])).length, 1);
});

/** Any text of one byte a character, biased to what repeats. */
const text = fc.oneof(
  fc.constantFrom("", "a", "text/html", "www.example.com"),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 })
    .map((codes) => String.fromCharCode(...codes)),
);
const field: fc.Arbitrary<Field> = fc.tuple(fc.constantFrom(...WANTED), text);
const block = fc.record({
  fields: fc.array(field, { maxLength: 8 }),
  huffman: fc.boolean(),
  indexing: fc.constantFrom("incremental" as const, "none" as const, "never" as const),
  resize: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
});

type Block = typeof block extends fc.Arbitrary<infer Value> ? Value : never;

function encodeAll(blocks: readonly Block[]): Uint8Array[] {
  const encoder = new HpackEncoder();
  return blocks.map(({ fields, resize, ...options }) => {
    if (resize !== undefined) encoder.resize(resize);
    return encoder.encode(fields, options);
  });
}

Deno.test("HpackDecoder gives back what was encoded, whatever the representation", () => {
  fc.assert(fc.property(fc.array(block, { maxLength: 10 }), (blocks) => {
    const reading = new Reading();
    encodeAll(blocks).forEach((bytes, i) => {
      assertEquals(reading.fields(bytes), blocks[i]!.fields.map(([name, value]) => `${name}: ${value}`));
    });
  }));
});

Deno.test("HpackDecoder that missed some blocks is right about the others or says that it does not know", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(block, fc.boolean()), { maxLength: 12 }), (blocks) => {
      const reading = new Reading();
      encodeAll(blocks.map(([block]) => block)).forEach((bytes, i) => {
        const [{ fields }, isMissed] = blocks[i]!;
        if (isMissed) return reading.decoder.lose();
        const { result, fields: read } = reading.read(bytes);
        assertEquals(result, BlockResult.complete);
        assertEquals(read.length, fields.length);
        fields.forEach(([name, value], j) => assert(read[j] === "?" || read[j] === `${name}: ${value}`));
      });
    }),
  );
});

Deno.test("HpackDecoder takes a block cut anywhere, or changed anywhere, without throwing or growing", () => {
  fc.assert(
    fc.property(
      fc.array(block, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
      (blocks, changes) => {
        const encoded = encodeAll(blocks);
        for (const bytes of encoded) {
          for (let end = 0; end <= bytes.length; end++) new Reading().read(bytes.subarray(0, end));
        }
        const whole = concat(...encoded);
        for (const [at, value] of changes) if (whole.length > 0) whole[at % whole.length] = value;
        const reading = new Reading();
        reading.read(whole);
        assert(reading.decoder.tableSize <= 65_536);
        reading.decoder.lose();
        assertEquals(reading.budget.used, 0);
      },
    ),
  );
});
