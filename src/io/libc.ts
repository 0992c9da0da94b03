/**
 * The few functions of the C library that are needed: memory that outlives V8's, a stream over it for
 * libpcap to write to, raw file descriptors, and what `Deno` would ask a permission for (environment, user).
 *
 * @module
 */

import { CaptureError } from "../errors.ts";

const symbols = {
  // void *malloc(size_t size);
  malloc: { parameters: ["usize"], result: "pointer" },
  // FILE *fmemopen(void *buf, size_t size, const char *mode);
  fmemopen: { parameters: ["pointer", "usize", "buffer"], result: "pointer" },
  // int setvbuf(FILE *stream, char *buf, int mode, size_t size);
  setvbuf: { parameters: ["pointer", "pointer", "i32", "usize"], result: "i32" },
  // void rewind(FILE *stream);
  rewind: { parameters: ["pointer"], result: "void" },
  // int fflush(FILE *stream);
  fflush: { parameters: ["pointer"], result: "i32" },
  // long ftell(FILE *stream);
  ftell: { parameters: ["pointer"], result: "i64" },
  // int ferror(FILE *stream);
  ferror: { parameters: ["pointer"], result: "i32" },
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { parameters: ["pointer", "usize", "i32"], result: "i32", nonblocking: true },
  // ssize_t read(int fd, void *buf, size_t count);
  read: { parameters: ["i32", "pointer", "usize"], result: "isize", nonblocking: true },
  // int open(const char *path, int flags);
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int dup(int fd);
  dup: { parameters: ["i32"], result: "i32" },
  // int dup2(int fd, int fd2);
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  // int raise(int sig);
  raise: { parameters: ["i32"], result: "i32" },
  // int sigaction(int sig, const struct sigaction *act, struct sigaction *oact);
  sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // char *getenv(const char *name);
  getenv: { parameters: ["buffer"], result: "pointer" },
} as const;

/** The C library's functions as this program sees them. */
export type LibC = Deno.DynamicLibrary<typeof symbols>["symbols"];

const names = Deno.build.os === "darwin"
  ? ["libSystem.B.dylib"]
  : ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`, "libc.so"];

let opened: LibC | undefined;

/**
 * Opens the C library once.
 *
 * @throws {CaptureError} naming the permission that is missing.
 */
export function libc(): LibC {
  if (opened) return opened;
  let failure: unknown;
  for (const name of names) {
    try {
      opened = Deno.dlopen(name, symbols).symbols;
      return opened;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new CaptureError("library", name, "capturing needs Deno's --allow-ffi");
      }
      failure ??= error;
    }
  }
  throw failure;
}

const encoder = new TextEncoder();

/** Text as a C string. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text + "\0");
}

/** The text at a C string's address, `""` for a null pointer. */
export function fromCString(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

/** An environment variable, `undefined` when unset. */
export function environment(name: string): string | undefined {
  const value = libc().getenv(cString(name));
  return value === null ? undefined : fromCString(value);
}

/** Memory from `malloc`, which libc may still touch while the process exits, and JavaScript's view of it. */
export class Memory {
  readonly pointer: NonNullable<Deno.PointerValue>;
  readonly bytes: Uint8Array<ArrayBuffer>;

  private constructor(pointer: NonNullable<Deno.PointerValue>, size: number) {
    this.pointer = pointer;
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, size));
  }

  /** `size` bytes, never freed; `undefined` when there is not so much. Pages cost memory once touched. */
  static allocate(size: number): Memory | undefined {
    const pointer = libc().malloc(BigInt(size));
    return pointer === null ? undefined : new Memory(pointer, size);
  }
}
