/** A small BPF assembler: lines to the bytes that bpf(2) takes. Pure. The instruction set is RFC 9669.
 *  A program is a list of lines, and a list inside of the list is a macro; jumps name labels. Little-endian machines only
 *  (x64, arm64): there the first nibble of a register pair is the source.
 *
 *      byte  0       1           2  3      4 5 6 7
 *            opcode  src | dst   offset    immediate
 *
 *  The programs are encapsulate.ts and decapsulate.ts. A new instruction is a new function below. */
import { InvariantError, invariant } from '../../../base/invariant.ts';

/** r0 answers, r1 to r5 are arguments and do not survive a call, r6 to r9 do, fp ends the 512 bytes of stack. */
export type Register = 'r0' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6' | 'r7' | 'r8' | 'r9' | 'fp';
export type Size = 'u8' | 'u16' | 'u32' | 'u64';
export type Comparison = keyof typeof COMPARE;

type Instruction = readonly [opcode: number, dst: number, src: number, offset: number, immediate: number];
export type Line =
  | { readonly kind: 'instruction'; readonly code: Instruction; readonly to?: string }
  | { readonly kind: 'label'; readonly name: string }
  | readonly Line[];

const REGISTERS: readonly Register[] = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'fp'];
const number = (r: Register): number => REGISTERS.indexOf(r);

// RFC 9669 §3: the instruction classes, and what is joined to them.
const LDX = 0x01;
const ST = 0x02;
const STX = 0x03;
const ALU = 0x04;
const JMP = 0x05;
const JMP32 = 0x06;
const ALU64 = 0x07;
const MEM = 0x60;
const BY_REGISTER = 0x08;
const SIZES: Readonly<Record<Size, number>> = { u32: 0x00, u16: 0x08, u8: 0x10, u64: 0x18 };
const ARITHMETIC = { add: 0x00, or: 0x40, and: 0x50, shl: 0x60, shr: 0x70, xor: 0xa0, mov: 0xb0 } as const;
/** "&" is true when any bit of the two is common. */
const COMPARE = { '==': 0x10, '>': 0x20, '&': 0x40, '!=': 0x50 } as const;
const BYTE_SWAP = 0xd0;
const JUMP_ALWAYS = 0x00;
const CALL = 0x80;
const EXIT = 0x90;
const LOAD_64 = 0x18;
const PSEUDO_MAP_FD = 1;

const line = (opcode: number, dst = 0, src = 0, offset = 0, immediate = 0): Line => ({
  kind: 'instruction',
  code: [opcode, dst, src, offset, immediate],
});

const arithmetic =
  (operation: keyof typeof ARITHMETIC, width = ALU64) =>
  (dst: Register, by: Register | number): Line =>
    typeof by === 'number'
      ? line(width | ARITHMETIC[operation], number(dst), 0, 0, by)
      : line(width | ARITHMETIC[operation] | BY_REGISTER, number(dst), number(by));

export const mov = arithmetic('mov');
/** The immediate as an unsigned word: the upper half becomes 0, where `mov` would copy the sign into it. */
export const movWord = arithmetic('mov', ALU);
export const add = arithmetic('add');
export const and = arithmetic('and');
export const or = arithmetic('or');
export const xor = arithmetic('xor');
export const shiftLeft = arithmetic('shl');
export const shiftRight = arithmetic('shr');
/** Host order to network order, 16 bits; the rest becomes 0. */
export const toNetwork16 = (dst: Register): Line => line(ALU | BYTE_SWAP | BY_REGISTER, number(dst), 0, 0, 16);

/** dst = *(base + offset), the upper bits 0. */
export const load = (size: Size, dst: Register, base: Register, offset: number): Line =>
  line(LDX | MEM | SIZES[size], number(dst), number(base), offset);
/** *(base + offset) = value. The stack wants its accesses aligned to their size. */
export const store = (size: Size, base: Register, offset: number, value: Register | number): Line =>
  typeof value === 'number'
    ? line(ST | MEM | SIZES[size], number(base), 0, offset, value)
    : line(STX | MEM | SIZES[size], number(base), number(value), offset);

/** dst = the map whose descriptor this is; the kernel puts its address in. Two instructions long. */
export const loadMap = (dst: Register, fd: number): Line => [line(LOAD_64, number(dst), PSEUDO_MAP_FD, 0, fd), line(0)];

export const label = (name: string): Line => ({ kind: 'label', name });
const to = (target: string, l: Line): Line => ({ ...(l as Extract<Line, { kind: 'instruction' }>), to: target });
export const jump = (target: string): Line => to(target, line(JMP | JUMP_ALWAYS));
/** Compares all 64 bits; an immediate is sign-extended first. */
export const jumpIf = (a: Register, is: Comparison, b: Register | number, target: string): Line =>
  to(target, comparison(JMP, a, is, b));
/** Compares the lower words: what an address in an immediate needs, whose highest bit is no sign. */
export const jumpIfWord = (a: Register, is: Comparison, b: Register | number, target: string): Line =>
  to(target, comparison(JMP32, a, is, b));
const comparison = (width: number, a: Register, is: Comparison, b: Register | number): Line =>
  typeof b === 'number'
    ? line(width | COMPARE[is], number(a), 0, 0, b)
    : line(width | COMPARE[is] | BY_REGISTER, number(a), number(b));

/** r0 = helper(r1 … r5), by its number in linux/bpf.h. */
export const call = (helper: number): Line => line(JMP | CALL, 0, 0, 0, helper);
/** Ends the program; r0 is its answer. */
export const exit = (): Line => line(JMP | EXIT);

/** Bytes of one instruction. */
export const INSTRUCTION_BYTES = 8;

/** Throws InvariantError for a label that is missing or there twice, and for a jump backwards: a program of ours has no loop. */
export function assemble(program: readonly Line[]): Buffer {
  const flat: Exclude<Line, readonly Line[]>[] = [];
  flatten(program, flat);
  const labels = new Map<string, number>();
  let count = 0;
  for (const item of flat) {
    if (item.kind === 'instruction') count++;
    else {
      invariant(!labels.has(item.name), `BPF program: label "${item.name}" is there twice`);
      labels.set(item.name, count);
    }
  }
  const bytes = Buffer.alloc(count * INSTRUCTION_BYTES);
  let at = 0;
  for (const item of flat) {
    if (item.kind !== 'instruction') continue;
    const [opcode, dst, src, offset, immediate] = item.code;
    bytes.writeUInt8(opcode, at);
    bytes.writeUInt8((src << 4) | dst, at + 1);
    bytes.writeInt16LE(item.to === undefined ? offset : distance(labels, item.to, at / INSTRUCTION_BYTES), at + 2);
    bytes.writeInt32LE(immediate | 0, at + 4);
    at += INSTRUCTION_BYTES;
  }
  return bytes;
}

function flatten(lines: readonly Line[], into: Exclude<Line, readonly Line[]>[]): void {
  for (const item of lines) {
    if ('kind' in item) into.push(item);
    else flatten(item, into);
  }
}

/** Counted from the instruction after the jump. */
function distance(labels: ReadonlyMap<string, number>, target: string, from: number): number {
  const there = labels.get(target);
  if (there === undefined) throw new InvariantError(`BPF program: there is no label "${target}"`);
  invariant(there > from, `BPF program: the jump to "${target}" goes backwards`);
  return there - from - 1;
}
