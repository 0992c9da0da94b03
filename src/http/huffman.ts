/**
 * The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B), decoded four bits at a time.
 *
 * @module
 */

/** The end-of-string symbol, which never occurs in a string. */
const END_OF_STRING = 256;

/**
 * The code: lengths in bits, each with its symbols in ascending order. It is canonical, so this says it all: codes
 * count upwards, and where the next length begins they are shifted to it.
 */
const CODE: readonly (readonly [bits: number, symbols: readonly number[]])[] = [
  [5, characters("012aceiost")],
  [6, characters(" %-./3456789=A_bdfghlmnpru")],
  [7, characters(":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz")],
  [8, characters("&*,;XZ")],
  [10, characters('!"()?')],
  [11, characters("'+|")],
  [12, characters("#>")],
  [13, [0, ...characters("$@[]~")]],
  [14, characters("^}")],
  [15, characters("<`{")],
  [19, [92, 195, 208]],
  [20, [128, 130, 131, 162, 184, 194, 224, 226]],
  [21, [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]],
  [
    22,
    [129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190]
      .concat([196, 198, 228, 232, 233]),
  ],
  [
    23,
    [1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175]
      .concat([180, 182, 183, 188, 191, 197, 231, 239]),
  ],
  [24, [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]],
  [25, [199, 207, 234, 235]],
  [26, [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]],
  [27, [203, 204, 211, 212, 214, 221, 222, 223, 241, ...range(244, 248), ...range(250, 254)]],
  [28, [...range(2, 8), 11, 12, ...range(14, 21), ...range(23, 31), 127, 220, 249]],
  [30, [10, 13, 22, END_OF_STRING]],
];

/** Entries of {@link STEPS}: the next node in the low byte, the symbol that ended in the second, and these. */
const EMITS = 1 << 16, FAILS = 1 << 17;

/**
 * What four more bits do in each of the code tree's 256 inner nodes. The shortest code has five bits, so at most one
 * symbol ends in four.
 */
const STEPS = new Uint32Array(256 * 16);
/** 1 for the nodes that a string may end in: the root, or up to seven one bits behind a symbol. */
const MAY_END = new Uint8Array(256);
build();

/** The longest that `length` bytes can become: the shortest code has five bits. */
export function longestDecoded(length: number): number {
  return Math.floor((length * 8) / 5);
}

/**
 * Decodes `bytes[start, end)` into `out`, which has room for {@link longestDecoded} bytes.
 *
 * @returns the decoded length, or -1 when the string is not well-formed.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let node = 0, length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = STEPS[(node << 4) | ((byte >>> shift) & 15)]!;
      if (step & FAILS) return -1;
      if (step & EMITS) out[length++] = (step >>> 8) & 0xff;
      node = step & 0xff;
    }
  }
  return MAY_END[node] === 1 ? length : -1;
}

function build(): void {
  // Children of inner nodes by node * 2 + bit: another inner node, or the complement of a symbol. The root is 0.
  const children = new Int16Array(512);
  let nodes = 1, code = 0, length = 0;
  for (const [bits, symbols] of CODE) {
    code *= 2 ** (bits - length);
    length = bits;
    for (const symbol of symbols) {
      let node = 0;
      for (let bit = bits - 1; bit > 0; bit--) {
        const child = node * 2 + ((code >>> bit) & 1);
        if (children[child] === 0) children[child] = nodes++;
        node = children[child]!;
      }
      children[node * 2 + (code & 1)] = ~symbol;
      code++;
    }
  }
  for (let node = 0; node < nodes; node++) {
    for (let bits = 0; bits < 16; bits++) STEPS[node * 16 + bits] = stepOf(children, node, bits);
  }
  for (let node = 0, ones = 0; ones < 8; ones++) {
    MAY_END[node] = 1;
    node = children[node * 2 + 1]!;
  }
}

function stepOf(children: Int16Array, node: number, bits: number): number {
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((bits >>> bit) & 1)]!;
    if (child >= 0) {
      node = child;
      continue;
    }
    if (~child === END_OF_STRING) return FAILS;
    emitted = EMITS | (~child << 8);
    node = 0;
  }
  return node | emitted;
}

function characters(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
