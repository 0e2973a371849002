/** Classic BPF on a socket: which packets reach it at all. Not pure: one system call. linux/filter.h. */
import { SO_ATTACH_FILTER, SOL_SOCKET } from './constants.ts';
import * as ffi from './ffi.ts';

/** Code, where to when true, where to when false (counted from the next step), value. */
export type FilterStep = readonly [code: number, jt: number, jf: number, value: number];

export const LOAD_BYTE = 0x30;
export const LOAD_WORD = 0x20;
export const JUMP_EQUAL = 0x15;
export const RETURN = 0x06;
/** Offsets to `load`: what the kernel knows of a packet, and its bytes from the network header on. */
export const PACKET_TYPE = 0xfffff004;
export const NETWORK = 0xfff00000;
export const ALL_OF_IT: FilterStep = [RETURN, 0, 0, 0xffffffff];
export const NOTHING: FilterStep = [RETURN, 0, 0, 0];

const STEP_BYTES = 8;

/** In the place of an earlier one. Throws SysError. */
export function attachFilter(fd: number, steps: readonly FilterStep[]): void {
  const program = Buffer.alloc(steps.length * STEP_BYTES);
  let at = 0;
  for (const [code, jt, jf, value] of steps) {
    program.writeUInt16LE(code, at);
    program[at + 2] = jt;
    program[at + 3] = jf;
    program.writeUInt32LE(value, at + 4);
    at += STEP_BYTES;
  }
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(steps.length, 0);
  fprog.writeBigUInt64LE(ffi.addressOf(program), 8);
  ffi.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog);
}
