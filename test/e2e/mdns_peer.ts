/**
 * One end of a multicast DNS lookup of an IPv4 address. Run it in a network namespace as
 *
 *     mdns_peer.ts ADDRESS NAME [ANSWER]
 *
 * with the address of the device to use. With an answer it prints a line once it is ready, and gives that answer to those who
 * ask for the name until it is killed. Without one it asks for the name, prints the answer, and ends.
 *
 * @module
 */

import multicastDns from "multicast-dns";

const [address = "", name = "", answer] = Deno.args;
// What is sent to the group does not reach a socket that is bound to an address of the device.
const peer = multicastDns({ interface: address, bind: "0.0.0.0" });

if (answer === undefined) {
  peer.on("response", ({ answers }) => {
    for (const record of answers) {
      if (record.type === "A" && record.name === name) console.log(record.data);
    }
    peer.destroy();
  });
  peer.query(name, "A");
} else {
  peer.on("query", ({ questions }) => {
    if (questions.some((question) => question.name === name && question.type === "A")) {
      peer.respond([{ name, type: "A", ttl: 120, data: answer }]);
    }
  });
  peer.on("ready", () => console.log("ready"));
}
