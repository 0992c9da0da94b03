import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { viewOf } from "../../src/bytes.ts";
import {
  authorityOf,
  cachedText,
  LONGEST_PATH,
  parseTarget,
  PathBytes,
  queryOf,
  referrerOf,
} from "../../src/http/target.ts";
import { concat, payloadBytes } from "../support/frames.ts";

/** Taken again and again, as in the pool of exchanges. */
const pathBytes = new PathBytes();

function target(text: string, isConnect = false) {
  const bytes = payloadBytes(`#${text}#`);
  const { authority, pathEnd, end } = parseTarget(bytes, 1, bytes.length - 1, isConnect, pathBytes);
  const { path, section } = pathBytes;
  return { path, section, host: authority?.host, port: authority?.port, query: queryOf(bytes, pathEnd, end) };
}

function authority(text: string) {
  const bytes = payloadBytes(`#${text}#`);
  const { host, port } = authorityOf(bytes, 1, bytes.length - 1);
  return [host, port];
}

function referrer(text: string): string {
  const bytes = payloadBytes(`#${text}#`);
  return referrerOf(bytes, 1, bytes.length - 1);
}

Deno.test("parseTarget splits the origin form into path, section and query", () => {
  const none = { host: undefined, port: undefined };
  assertEquals(target("/api/v1/x?y=1?z#f"), { ...none, path: "/api/v1/x", section: "/api", query: "y=1?z" });
  assertEquals(target("/"), { ...none, path: "/", section: "/", query: undefined });
  assertEquals(target("/?"), { ...none, path: "/", section: "/", query: "" });
  assertEquals(target("/api"), { ...none, path: "/api", section: "/api", query: undefined });
  assertEquals(target("/api/"), { ...none, path: "/api/", section: "/api", query: undefined });
  assertEquals(target("/a#b?c"), { ...none, path: "/a", section: "/a", query: undefined });
  assertEquals(target("//a/b"), { ...none, path: "//a/b", section: "/", query: undefined });
  assertEquals(target("/http://x.test/y"), {
    ...none,
    path: "/http://x.test/y",
    section: "/http:",
    query: undefined,
  });
});

Deno.test("parseTarget takes host and port of the absolute form and never the user information", () => {
  assertEquals(target("http://User:pw@Example.COM:8080/a/b?c"), {
    host: "example.com",
    port: 8080,
    path: "/a/b",
    section: "/a",
    query: "c",
  });
  assertEquals(target("HTTPS://[2001:DB8::1]:443"), {
    host: "2001:db8::1",
    port: 443,
    path: "/",
    section: "/",
    query: undefined,
  });
  assertEquals(target("http://a.test?q"), {
    host: "a.test",
    port: undefined,
    path: "/",
    section: "/",
    query: "q",
  });
});

Deno.test("parseTarget takes all of a CONNECT target for the authority", () => {
  assertEquals(target("example.com:443", true), {
    host: "example.com",
    port: 443,
    path: "",
    section: "/",
    query: undefined,
  });
  assertEquals(target("[::1]:443", true).host, "::1");
});

Deno.test("parseTarget keeps * and what is no form at all as the path", () => {
  assertEquals(target("*").path, "*");
  assertEquals(target("index.html?x").path, "index.html");
  assertEquals(target("a.test:80/x").path, "a.test:80/x");
});

Deno.test("authorityOf splits hosts and ports and lowers the case", () => {
  assertEquals(authority("Example.COM"), ["example.com", undefined]);
  assertEquals(authority("example.com:80"), ["example.com", 80]);
  assertEquals(authority("example.com:"), ["example.com", undefined]);
  assertEquals(authority("example.com:65536"), ["example.com", undefined]);
  assertEquals(authority("example.com:123456"), ["example.com", undefined]);
  assertEquals(authority("example.com:8o"), ["example.com:8o", undefined]);
  assertEquals(authority("[::1]"), ["::1", undefined]);
  assertEquals(authority("[FE80::1%25eth0]:8080"), ["fe80::1%25eth0", 8080]);
  assertEquals(authority("::1"), ["::1", undefined]);
  assertEquals(authority("user:p@w@host:1"), ["host", 1]);
  assertEquals(authority(""), ["", undefined]);
});

Deno.test("referrerOf leaves out user information, query and fragment", () => {
  assertEquals(referrer("https://user:pw@a.test/p/q?secret#f"), "https://a.test/p/q");
  assertEquals(referrer("https://a.test/p#f?x"), "https://a.test/p");
  assertEquals(referrer("https://a.test/@me"), "https://a.test/@me");
  assertEquals(referrer("/relative?x"), "/relative");
  assertEquals(referrer("about:blank"), "about:blank");
  assertEquals(referrer("android-app://com.x/"), "android-app://com.x/");
});

Deno.test("cachedText gives the text of the bytes, repeated or not", () => {
  for (let i = 0; i < 2; i++) assertEquals(cachedText(payloadBytes("xGETx"), 1, 4), "GET");
});

Deno.test("parseTarget and referrerOf keep no user information, whatever surrounds it", () => {
  const around = fc.stringMatching(/^[a-z0-9.:/[\]]{0,8}$/);
  fc.assert(
    fc.property(around, around, (before, after) => {
      const url = `http://${before.replaceAll("/", "")}s3cret@${after}`;
      const { host } = target(url);
      assert(!host?.includes("s3cret"));
      assert(!referrer(url).includes("s3cret"));
    }),
    { numRuns: 500, seed: 1 },
  );
});

/** All that is to be known of a path, the words that hold it included. */
function factsOf({ path, section, length, sectionLength, bytes, words }: PathBytes) {
  return {
    path,
    section,
    length,
    sectionLength,
    bytes: [...bytes.subarray(0, length)],
    words: [...words.subarray(0, Math.ceil(length / 4))],
  };
}

/** Where the section of a path ends, as who reads the request line finds it. */
function sectionEndOf(path: string): number {
  const slash = path.indexOf("/", 1);
  return slash < 0 ? path.length : slash;
}

Deno.test("PathBytes.take and takeWords say the same, whatever path was there before", () => {
  const segment = fc.stringMatching(/^[a-z0-9.%~-]{0,9}$/);
  const anyPath = fc.array(segment, { minLength: 1, maxLength: 12 }).map((segments) =>
    `/${segments.join("/")}`
  );
  const reused = { taken: new PathBytes(), words: new PathBytes() };
  fc.assert(
    fc.property(anyPath, fc.constantFrom("", "?q=/x", "#f", "?"), fc.nat(9), (path, rest, before) => {
      const memory = concat(payloadBytes("/".repeat(before)), payloadBytes(`${path}${rest} HTTP/1.1`));
      const end = before + path.length;
      const fresh = { taken: new PathBytes(), words: new PathBytes() };
      for (const { taken, words } of [fresh, reused]) {
        assertEquals(taken.take(memory, before, end + rest.length), end);
        words.takeWords(viewOf(memory), before, end, before + sectionEndOf(path));
        assertEquals(factsOf(words), factsOf(taken));
        assertEquals([taken.path, taken.section], [path, path.slice(0, sectionEndOf(path))]);
      }
      assertEquals(factsOf(reused.taken), factsOf(fresh.taken));
    }),
    { numRuns: 2000, seed: 1 },
  );
});

Deno.test("PathBytes leaves no byte of a longer path behind the end of a shorter one", () => {
  const path = new PathBytes();
  const long = payloadBytes("/abcdefgh/ijklmnop HTTP/1.1"), short = payloadBytes("/x?abcdef HTTP/1.1");
  const expected = [0x782f];
  path.take(long, 0, 18);
  path.take(short, 0, 9);
  assertEquals([factsOf(path).words, path.path, path.section], [expected, "/x", "/x"]);
  path.takeWords(viewOf(long), 0, 18, 9);
  path.takeWords(viewOf(short), 0, 2, 2);
  assertEquals([factsOf(path).words, path.path, path.section], [expected, "/x", "/x"]);
});

Deno.test("PathBytes takes paths of any length up to the longest, and cuts longer ones", () => {
  for (
    const length of [1, 63, 64, 65, 66, 127, 128, 129, 1000, LONGEST_PATH - 1, LONGEST_PATH, LONGEST_PATH + 5]
  ) {
    const text = `/${"p".repeat(length - 1)}`;
    const memory = payloadBytes(`${text}?query HTTP/1.1`);
    const path = new PathBytes();
    assertEquals(path.take(memory, 0, length + 6), length, "where the query begins");
    const kept = text.slice(0, LONGEST_PATH);
    assertEquals([path.length, path.path, path.section], [kept.length, kept, kept]);
    if (length > LONGEST_PATH) continue;
    const words = new PathBytes();
    words.takeWords(viewOf(memory), 0, length, length);
    assertEquals(factsOf(words), factsOf(path));
  }
});
