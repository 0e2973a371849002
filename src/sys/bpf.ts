/** bpf(2): maps and programs as descriptors. Not pure: system calls. Synchronous, since each takes well under 5 ms and is made
 *  when something changes, never per packet. What is attached lives on without our descriptors. */
import * as ffi from './ffi.ts';

const MAP_CREATE = 0;
const MAP_LOOKUP_ELEM = 1;
const MAP_UPDATE_ELEM = 2;
const MAP_DELETE_ELEM = 3;
const PROG_LOAD = 5;
const PROG_TEST_RUN = 10;
const OBJ_GET_INFO_BY_FD = 15;

export const BPF_MAP_TYPE_HASH = 1;
export const BPF_MAP_TYPE_PERCPU_ARRAY = 6;
const BPF_PROG_TYPE_SCHED_CLS = 3;
/** Elements are allocated when they come, not all at once. */
export const BPF_F_NO_PREALLOC = 1;

const INSTRUCTION_BYTES = 8;
const NAME_BYTES = 16;
const LOG_BYTES = 256 << 10;
/** Of the verifier's log: where it gave up stands at its end. */
const LOG_TAIL = 600;

/** A refused bpf(2). `log` is the end of the verifier's log, and only PROG_LOAD has one. */
export class BpfError extends ffi.SysError {
  readonly log: string;

  constructor(call: string, errno: number, log = '') {
    super(call, errno);
    this.log = log;
    if (log !== '') this.message += `: ${log}`;
  }
}

/** The result, or a BpfError. Tests of refusals need the machine's errno: SysError has it. */
function bpf(what: string, command: number, attributes: Uint8Array): number {
  const result = ffi.bpf(command, attributes);
  if (result < 0) throw new BpfError(`bpf ${what}`, -result);
  return result;
}

const name16 = (name: string): string => name.slice(0, NAME_BYTES - 1);

export interface MapOptions {
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entries: number;
  readonly flags?: number;
  /** At most 15 of [A-Za-z0-9_.]; for bpftool. */
  readonly name: string;
}

/** A descriptor, closed on exec. Throws BpfError: EPERM without CAP_BPF in the first user namespace, ENOSYS without BPF. */
export function createMap(o: MapOptions): number {
  const a = Buffer.alloc(72);
  a.writeUInt32LE(o.type, 0);
  a.writeUInt32LE(o.keyBytes, 4);
  a.writeUInt32LE(o.valueBytes, 8);
  a.writeUInt32LE(o.entries, 12);
  a.writeUInt32LE(o.flags ?? 0, 16);
  a.write(name16(o.name), 28, 'latin1');
  return bpf(`MAP_CREATE ${o.name}`, MAP_CREATE, a);
}

/** fd, key, value or next key, flags. The buffers must outlive the call, so they are the callers'. */
function element(fd: number, key: Uint8Array, value?: Uint8Array): Buffer {
  const a = Buffer.alloc(32);
  a.writeUInt32LE(fd, 0);
  a.writeBigUInt64LE(ffi.addressOf(key), 8);
  if (value !== undefined) a.writeBigUInt64LE(ffi.addressOf(value), 16);
  return a;
}

/** Sets or replaces. Throws BpfError: E2BIG when the map is full. */
export const updateElement = (fd: number, key: Uint8Array, value: Uint8Array): void =>
  void bpf('MAP_UPDATE_ELEM', MAP_UPDATE_ELEM, element(fd, key, value));

/** True when it was there. */
export function deleteElement(fd: number, key: Uint8Array): boolean {
  const result = ffi.bpf(MAP_DELETE_ELEM, element(fd, key));
  if (result < 0 && -result !== ENOENT) throw new BpfError('bpf MAP_DELETE_ELEM', -result);
  return result >= 0;
}
const ENOENT = 2;

/** Into `value`, which must hold the map's value; of a per-CPU map one value for each CPU that the machine may ever have, or
 *  the kernel writes beyond its end. False: no such key. */
export function lookupElement(fd: number, key: Uint8Array, value: Uint8Array): boolean {
  const result = ffi.bpf(MAP_LOOKUP_ELEM, element(fd, key, value));
  if (result < 0 && -result !== ENOENT) throw new BpfError('bpf MAP_LOOKUP_ELEM', -result);
  return result >= 0;
}

const LICENSE = Buffer.from('Apache-2.0\0');

/** A program for tc, as a descriptor. Throws BpfError with the end of the verifier's log. */
export function loadTcProgram(name: string, instructions: Uint8Array): number {
  const a = Buffer.alloc(72);
  a.writeUInt32LE(BPF_PROG_TYPE_SCHED_CLS, 0);
  a.writeUInt32LE(instructions.length / INSTRUCTION_BYTES, 4);
  a.writeBigUInt64LE(ffi.addressOf(instructions), 8);
  a.writeBigUInt64LE(ffi.addressOf(LICENSE), 16);
  a.write(name16(name), 48, 'latin1');
  const loaded = ffi.bpf(PROG_LOAD, a);
  if (loaded >= 0) return loaded;
  // Once more for its reasons: writing them takes time that a program which loads need not spend.
  const log = Buffer.alloc(LOG_BYTES);
  a.writeUInt32LE(1, 24);
  a.writeUInt32LE(LOG_BYTES, 28);
  a.writeBigUInt64LE(ffi.addressOf(log), 32);
  const again = ffi.bpf(PROG_LOAD, a);
  if (again >= 0) return again;
  const said = log.toString('latin1', 0, Math.max(0, log.indexOf(0))).trim();
  throw new BpfError(`bpf PROG_LOAD ${name}`, -loaded, said.slice(-LOG_TAIL));
}

/** The number by which netlink names a program. */
export function programId(fd: number): number {
  const info = Buffer.alloc(128);
  const a = Buffer.alloc(16);
  a.writeUInt32LE(fd, 0);
  a.writeUInt32LE(info.length, 4);
  a.writeBigUInt64LE(ffi.addressOf(info), 8);
  bpf('OBJ_GET_INFO_BY_FD', OBJ_GET_INFO_BY_FD, a);
  return info.readUInt32LE(4);
}

/** Runs a tc program on a frame, for tests: its answer, and the frame as it left it. */
export function testRun(fd: number, frame: Uint8Array): { readonly answer: number; readonly frame: Buffer } {
  const out = Buffer.alloc(frame.length + 256);
  const a = Buffer.alloc(48);
  a.writeUInt32LE(fd, 0);
  a.writeUInt32LE(frame.length, 8);
  a.writeUInt32LE(out.length, 12);
  a.writeBigUInt64LE(ffi.addressOf(frame), 16);
  a.writeBigUInt64LE(ffi.addressOf(out), 24);
  a.writeUInt32LE(1, 32);
  bpf('PROG_TEST_RUN', PROG_TEST_RUN, a);
  return { answer: a.readInt32LE(4), frame: out.subarray(0, a.readUInt32LE(12)) };
}
