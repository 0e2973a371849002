/** What the two programs and the daemon share: the set of known nodes and the counters. Pure: layouts and macros.
 *  A new cause of a drop is a new row of CAUSES. */
import { wireWord } from '../../../netlink/message-writer.ts';
import {
  add,
  and,
  call,
  jumpIf,
  type Line,
  label,
  load,
  loadMap,
  mov,
  type Register,
  shiftRight,
  store,
} from './assembler.ts';

/** Descriptors of the maps, as the program's text holds them. */
export interface TunnelMaps {
  /** Hash: the four bytes of a node's address -> u32 that nobody reads. */
  readonly remotes: number;
  /** Per CPU: slot -> { packets u64, bytes u64 }. */
  readonly counters: number;
}

/** More nodes than any full mesh has. An element is allocated when it comes. */
export const MOST_REMOTES = 65_536;
export const REMOTE_VALUE_BYTES = 4;
export const COUNTER_BYTES = 16;

/** Why a packet went no further. The names are what status shows, and where the user-space carrier knows
 * the case, the same: DROP of ipip-packet.ts. */
export const CAUSES = [
  'not-ipv4',
  'not-for-a-node',
  'unknown-remote',
  'malformed',
  'congestion-without-ecn',
  'next-hop-is-ourselves',
  'outer-fragment',
  'refused-by-kernel',
] as const;
export type Cause = (typeof CAUSES)[number];
export const TX_SLOT = 0;
export const RX_SLOT = 1;
export const SLOTS = 2 + CAUSES.length;
export const causeSlot = (cause: Cause): number => 2 + CAUSES.indexOf(cause);

/** The programs of every carrier say this of a packet: linux/pkt_cls.h. */
export const TC_ACT_UNSPEC = -1;
export const TC_ACT_SHOT = 2;

/** Helpers, by their numbers in linux/bpf.h. */
export const HELPER = {
  mapLookup: 1,
  randomU32: 7,
  storeBytes: 9,
  redirect: 23,
  loadBytes: 26,
  checksumDifference: 28,
  adjustRoom: 50,
  setCongestion: 97,
  redirectNeighbour: 152,
} as const;

/** Fields of struct __sk_buff. */
export const SKB = { length: 0, packetType: 4, protocol: 16 } as const;

/** A 16-bit constant of network order as `load` sees it in a packet. */
export const wireHalf = (v: number): number => ((v & 255) << 8) | (v >>> 8);
/** The same for a word: `jumpIfWord`, `movWord` and `store` take it. */
export const wireConstant = (v: number): number => wireWord(v) | 0;

/** fp + offset, as an argument. */
export const stack = (dst: Register, offset: number): Line => [mov(dst, 'fp'), add(dst, offset)];

/** r0: null when the address at fp + offset is no known node's. */
export const lookUpRemote = (maps: TunnelMaps, offset: number): Line => [
  loadMap('r1', maps.remotes),
  stack('r2', offset),
  call(HELPER.mapLookup),
];

const SLOT_AT = -40;
/** Counts a packet of r7 bytes in the slot r8. Uses fp-40. No atomics: each CPU has its own, and tc programs do not
 *  interrupt each other on one. */
export const count = (maps: TunnelMaps, name: string): Line => [
  store('u32', 'fp', SLOT_AT, 'r8'),
  loadMap('r1', maps.counters),
  stack('r2', SLOT_AT),
  call(HELPER.mapLookup),
  jumpIf('r0', '==', 0, `${name} counted`),
  load('u64', 'r1', 'r0', 0),
  add('r1', 1),
  store('u64', 'r0', 0, 'r1'),
  load('u64', 'r1', 'r0', 8),
  add('r1', 'r7'),
  store('u64', 'r0', 8, 'r1'),
  label(`${name} counted`),
];

/** Counts in r8, which holds a cause, and drops. */
export const dropCounted = (maps: TunnelMaps): Line => [label('drop'), count(maps, 'drop'), mov('r0', TC_ACT_SHOT)];

/** r0 = the one's complement sum of the 20 bytes at fp + offset, folded to 16 bits: 0xffff for a header whose checksum is
 *  right (RFC 1071). */
export const headerSum = (offset: number): Line => [
  mov('r1', 0),
  mov('r2', 0),
  stack('r3', offset),
  mov('r4', 20),
  mov('r5', 0),
  call(HELPER.checksumDifference),
  FOLD,
  FOLD,
];
const FOLD: Line = [mov('r1', 'r0'), and('r1', 0xffff), shiftRight('r0', 16), add('r0', 'r1')];
