import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Body, Framing } from "../../src/http/body.ts";
import { payloadBytes } from "../support/frames.ts";

/** A body begun, fed with `text` in pieces of `size` bytes until it is done; how much of it was taken. */
function feed(body: Body, text: string, size = text.length): number {
  const bytes = payloadBytes(text);
  let at = 0;
  while (at < bytes.length && !body.done) {
    const taken = body.consume(bytes, at, Math.min(bytes.length, at + size));
    assert(taken > at && taken <= at + size);
    at = taken;
  }
  return at;
}

function begun(framing: Framing, length = 0): Body {
  const body = new Body();
  body.start(framing, length);
  return body;
}

Deno.test("Body without content is done at once", () => {
  assertEquals(begun(Framing.none).done, true);
  assertEquals(begun(Framing.length, 0).done, true);
});

Deno.test("Body of a length takes exactly its bytes", () => {
  for (const size of [1, 3, 100]) {
    const body = begun(Framing.length, 7);
    assertEquals(feed(body, "content and the next message", size), 7);
    assertEquals([body.bytes, body.done, body.broken], [7, true, false]);
  }
});

Deno.test("Body until the close takes everything and is never done by itself", () => {
  const body = begun(Framing.untilClose);
  assertEquals(feed(body, "anything"), 8);
  assertEquals([body.bytes, body.done, body.skip(100), body.bytes], [8, false, 0, 108]);
});

Deno.test("Body in chunks counts content alone and ends behind extensions and trailers, over any cut", () => {
  const text =
    '4;name=value\r\nWiki\r\nA ; x="y"\r\n0123456789\r\n1\nz\n0000;last\r\nTrailer: a\r\nOther: 0\r\n\r\n';
  for (let size = 1; size <= text.length; size++) {
    const body = begun(Framing.chunked);
    assertEquals(feed(body, `${text}HTTP/1.1 200 OK`, size), text.length);
    assertEquals([body.bytes, body.done, body.broken], [15, true, false]);
  }
});

Deno.test("Body in chunks without trailers ends at its blank line", () => {
  for (const text of ["0\r\n\r\n", "00000\n\n", "0;a\r\n\r\n"]) {
    const body = begun(Framing.chunked);
    assertEquals([feed(body, `${text}next`), body.bytes], [text.length, 0]);
  }
});

Deno.test("Body in chunks is broken by what is no size and by content that runs on", () => {
  for (const text of ["x\r\n", "\r\n", "-1\r\n", "1234567890abc\r\n", "3\r\nabcd\r\n", " 3\r\nabc\r\n"]) {
    const body = begun(Framing.chunked);
    feed(body, text);
    assertEquals([body.done, body.broken], [true, true], text);
  }
});

Deno.test("Body counts sizes beyond 32 bits", () => {
  const body = begun(Framing.chunked);
  feed(body, "FFFFFFFFFF\r\n");
  assertEquals(body.skip(2 ** 40 - 1), 0);
  assertEquals(feed(body, "\r\n0\r\n\r\n"), 7);
  assertEquals([body.bytes, body.done], [2 ** 40 - 1, true]);
});

Deno.test("Body of a length passes over missing bytes and tells how many are behind it", () => {
  const body = begun(Framing.length, 10);
  assertEquals([body.skip(4), body.done, body.skip(6), body.done], [0, false, 0, true]);
  const beyond = begun(Framing.length, 10);
  assertEquals([beyond.skip(15), beyond.bytes, beyond.done], [5, 10, true]);
});

Deno.test("Body in chunks passes over missing bytes within one chunk only", () => {
  const body = begun(Framing.chunked);
  assertEquals(body.skip(1), -1);
  feed(body, "a\r\n01");
  assertEquals([body.skip(8), body.bytes], [0, 10]);
  assertEquals(body.skip(1), -1);
  const beyond = begun(Framing.chunked);
  feed(beyond, "a\r\n01");
  assertEquals([beyond.skip(9), beyond.bytes], [-1, 2]);
});

Deno.test("Body starts anew", () => {
  const body = begun(Framing.chunked);
  feed(body, "x");
  body.start(Framing.chunked, 0);
  assertEquals([body.done, body.broken, body.bytes], [false, false, 0]);
  assertEquals(feed(body, "2\r\nab\r\n0\r\n\r\n"), 12);
});

Deno.test("Body gives the same for every way that chunked bytes are cut, whatever they are", () => {
  const part = fc.constantFrom(
    "0",
    "1",
    "a",
    ";",
    "\r\n",
    "\n",
    "\r",
    "x",
    "Trailer: v\r\n",
    "5\r\nabcde\r\n",
    "0\r\n",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 15 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
      const text = parts.join("");
      const [whole, cut] = [begun(Framing.chunked), begun(Framing.chunked)];
      assertEquals(feed(cut, text, size), feed(whole, text));
      assertEquals([cut.bytes, cut.done, cut.broken], [whole.bytes, whole.done, whole.broken]);
    }),
    { numRuns: 1000, seed: 1 },
  );
});
