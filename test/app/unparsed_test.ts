import { assertEquals } from "@std/assert";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { Exchange } from "../../src/http/exchange.ts";
import { Conversation, deliver, ethernet, fragmentIpv4, type Frame, frameOf } from "../support/frames.ts";
import { aggregatedMsdu, ieee80211, llc, TUNNEL_LINK_TYPES } from "../support/tunnels.ts";

const REQUEST = `GET /${"long/".repeat(40)} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
const RESPONSE = "HTTP/1.1 204 No Content\r\n\r\n";

/** A request and its response in Ethernet frames. */
function conversation(): Frame[] {
  const c = new Conversation();
  c.handshake();
  c.client(REQUEST);
  c.server(RESPONSE);
  c.close();
  return c.frames;
}

/** Reads frames to their end: the exchanges, and how much could not be parsed. */
function read(frames: Iterable<Frame>): { exchanges: Exchange[]; unparsed: number } {
  const exchanges: Exchange[] = [];
  const handler = { request: () => {}, exchange: (exchange: Exchange) => exchanges.push(exchange) };
  const pipeline = new Pipeline(handler, { ports: [80], keepQuery: false });
  deliver(frames, pipeline.frame);
  pipeline.flush();
  return { exchanges, unparsed: pipeline.figures({ kernel: 0, interface: 0 }).unparsed };
}

/** The same frames with their IPv4 packets in fragments. */
function fragmented(frames: readonly Frame[]): Frame[] {
  return frames.flatMap((frame, i) =>
    fragmentIpv4(frame.bytes.subarray(14), 64, i).map((packet) => {
      const piece = ethernet(packet);
      piece.set(frame.bytes.subarray(0, 12));
      return frameOf(piece, { time: frame.time });
    })
  );
}

Deno.test("a connection in fragments gives the exchange that it gives whole, hardware addresses too", () => {
  const frames = conversation();
  const whole = read(frames), pieces = read(fragmented(frames));
  assertEquals(whole.exchanges.length, 1);
  assertEquals(pieces, whole);
});

Deno.test("a fragment that does not come counts as one unparsed packet", () => {
  const frames = fragmented(conversation());
  const withoutOne = frames.filter((frame) =>
    !new TextDecoder().decode(frame.bytes).includes("HTTP/1.1\r\nHost")
  );
  assertEquals(withoutOne.length, frames.length - 1);
  const { exchanges, unparsed } = read(withoutOne);
  assertEquals([exchanges.length, unparsed], [0, 1]);
});

Deno.test("time that goes on without packets gives up fragments", () => {
  const pipeline = new Pipeline({ request() {}, exchange() {} }, { ports: [80], keepQuery: false });
  const [first] = fragmented(conversation().slice(3, 4));
  deliver([first!], pipeline.frame);
  const unparsed = () => pipeline.figures({ kernel: 0, interface: 0 }).unparsed;
  assertEquals(unparsed(), 0);
  pipeline.advance(first!.time + 31_000_000);
  assertEquals(unparsed(), 1);
});

Deno.test("frames with several packets give the exchanges of all", () => {
  const bodies = conversation().map((frame) => llc(frame.bytes.subarray(14)));
  const frame = frameOf(ieee80211(aggregatedMsdu(bodies), { aggregated: true }), {
    linkType: TUNNEL_LINK_TYPES.ieee80211,
  });
  const { exchanges, unparsed } = read([frame]);
  assertEquals([exchanges.length, exchanges[0]?.status, unparsed], [1, 204, 0]);
});
