/**
 * A link of two TUN or TAP devices: what one sends the other receives, in order and some time later. TUN devices carry raw
 * IP packets, TAP devices Ethernet frames. Run it in a network namespace as
 *
 *     tun_link.ts tun|tap FIRST SECOND DELAY
 *
 * with the names of the devices and the delay each way in milliseconds. It prints a line once both are there and ends
 * when it is killed.
 *
 * @module
 */

const libc = Deno.dlopen("libc.so.6", {
  // int open(const char *path, int flags);
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int ioctl(int fd, unsigned long request, void *argument);
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  // ssize_t read(int fd, void *buf, size_t count);
  read: { parameters: ["i32", "buffer", "usize"], result: "isize", nonblocking: true },
  // ssize_t write(int fd, const void *buf, size_t count);
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
}).symbols;

const O_RDWR = 2;
const TUNSETIFF = 0x4004_54CAn;
/** The kinds of devices, and that nothing stands before a packet. */
const IFF_TUN = 0x0001, IFF_TAP = 0x0002, IFF_NO_PI = 0x1000;

const [kind = "", firstName = "", secondName = "", delayText = ""] = Deno.args;
const delay = Number(delayText);

function openDevice(name: string): number {
  const encoder = new TextEncoder();
  const descriptor = libc.open(encoder.encode("/dev/net/tun\0"), O_RDWR);
  // struct ifreq: a name of 16 bytes, then the flags.
  const request = new Uint8Array(40);
  request.set(encoder.encode(name));
  const flags = (kind === "tap" ? IFF_TAP : IFF_TUN) | IFF_NO_PI;
  new DataView(request.buffer).setInt16(16, flags, true);
  if (descriptor < 0 || libc.ioctl(descriptor, TUNSETIFF, request) < 0) {
    throw new Error(`${name} cannot be made`);
  }
  return descriptor;
}

/** Timers of one length go off in the order in which they were set, so packets keep theirs. */
async function forward(from: number, to: number): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (let length; (length = await libc.read(from, buffer, BigInt(buffer.length))) > 0n;) {
    const packet = buffer.slice(0, Number(length));
    const send = () => libc.write(to, packet, length);
    if (delay > 0) setTimeout(send, delay);
    else send();
  }
}

const first = openDevice(firstName), second = openDevice(secondName);
console.log("ready");
await Promise.all([forward(first, second), forward(second, first)]);
