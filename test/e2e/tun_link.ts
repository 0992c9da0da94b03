/**
 * A link of two TUN devices, `tun0` and `tun1`: what one sends the other receives, as raw IP packets. Run it in a
 * network namespace; it prints a line once both are there and ends when it is killed.
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
/** Raw IP packets, without a header before them. */
const IFF_TUN = 0x0001, IFF_NO_PI = 0x1000;

function openTun(name: string): number {
  const encoder = new TextEncoder();
  const descriptor = libc.open(encoder.encode("/dev/net/tun\0"), O_RDWR);
  // struct ifreq: a name of 16 bytes, then the flags.
  const request = new Uint8Array(40);
  request.set(encoder.encode(name));
  new DataView(request.buffer).setInt16(16, IFF_TUN | IFF_NO_PI, true);
  if (descriptor < 0 || libc.ioctl(descriptor, TUNSETIFF, request) < 0) {
    throw new Error(`${name} cannot be made`);
  }
  return descriptor;
}

async function forward(from: number, to: number): Promise<void> {
  const packet = new Uint8Array(65_536);
  for (let length; (length = await libc.read(from, packet, BigInt(packet.length))) > 0n;) {
    libc.write(to, packet, length);
  }
}

const first = openTun("tun0"), second = openTun("tun1");
console.log("ready");
await Promise.all([forward(first, second), forward(second, first)]);
