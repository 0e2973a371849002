/** The program at the ingress of the underlay: IP in IP from a known node becomes a frame that tunl0 receives. What is not
 *  protocol 4 to our address goes on as if we were not there. Pure: assembler text. RFC 2003 §3.5, RFC 6040 §4.2.
 *
 *      | … | 08 00 | outer IPv4, 20 bytes | inner IPv4 …   ->   | tunl0's MAC | 02 00 remote | 08 00 | inner IPv4 …
 *
 *  tc hands over IPv4 without VLAN tag only. The stack and so every firewall rule sees the inner packet, as received from
 *  tunl0, and never the outer one: the set of known nodes is the tunnel's only guard. */
import {
  add,
  and,
  assemble,
  call,
  exit,
  jumpIf,
  jumpIfWord,
  type Line,
  label,
  load,
  mov,
  movWord,
  store,
} from './assembler.ts';
import {
  type Cause,
  causeSlot,
  count,
  dropCounted,
  HELPER,
  headerSum,
  lookUpRemote,
  RX_SLOT,
  SKB,
  stack,
  TC_ACT_UNSPEC,
  type TunnelMaps,
  wireConstant,
  wireHalf,
} from './tunnel-maps.ts';

/** Constants in the program's text: a change of one is a new program. */
export interface DecapsulateConstants {
  /** This node: the outer destination, and in tunl0's MAC. */
  readonly local: number;
  /** ifindex of tunl0-x: what leaves there arrives at tunl0. */
  readonly companion: number;
}

const OUTER = -32;
const OUTER_BYTES = 20;
const SOURCE = OUTER + 12;
const INNER = -48; // its first two bytes
const MACS = -64;
const MACS_BYTES = 12;
const ETHERNET_BYTES = 14;
const IPPROTO_IPIP = 4;
const MORE_FRAGMENTS_OR_OFFSET = wireHalf(0x3fff);
const CHECKSUM_RIGHT = 0xffff;
const ECN = 3;
const ECN_CE = 3;
const ADJ_ROOM_MAC = 1;
/** FIXED_GSO, NO_CSUM_RESET */
const ADJ_ROOM_FLAGS = 0x1 | 0x20;

const because = (cause: Cause): Line => mov('r8', causeSlot(cause));

export const decapsulateProgram = (maps: TunnelMaps, { local, companion }: DecapsulateConstants): Buffer =>
  assemble([
    mov('r6', 'r1'),
    load('u32', 'r1', 'r6', SKB.packetType),
    jumpIf('r1', '!=', 0, 'pass'), // 0 is PACKET_HOST; a device that listens to everything shows others' frames too
    mov('r2', ETHERNET_BYTES),
    mov('r1', 'r6'),
    stack('r3', OUTER),
    mov('r4', OUTER_BYTES),
    call(HELPER.loadBytes),
    jumpIf('r0', '!=', 0, 'pass'),
    load('u8', 'r1', 'fp', OUTER + 9),
    jumpIf('r1', '!=', IPPROTO_IPIP, 'pass'),
    load('u32', 'r1', 'fp', OUTER + 16),
    jumpIfWord('r1', '!=', wireConstant(local), 'pass'),

    load('u32', 'r7', 'r6', SKB.length),
    add('r7', -(ETHERNET_BYTES + OUTER_BYTES)), // what is counted: the inner packet
    because('unknown-remote'),
    lookUpRemote(maps, SOURCE),
    jumpIf('r0', '==', 0, 'drop'),
    // Nothing here puts fragments together. They come where the underlay's MTU is smaller on the way than at both ends.
    because('outer-fragment'),
    load('u16', 'r1', 'fp', OUTER + 6),
    jumpIf('r1', '&', MORE_FRAGMENTS_OR_OFFSET, 'drop'),
    because('malformed'),
    load('u8', 'r1', 'fp', OUTER),
    jumpIf('r1', '!=', 0x45, 'drop'), // options: no node of a cluster writes them
    headerSum(OUTER),
    jumpIf('r0', '!=', CHECKSUM_RIGHT, 'drop'),
    mov('r1', 'r6'),
    mov('r2', ETHERNET_BYTES + OUTER_BYTES),
    stack('r3', INNER),
    mov('r4', 2),
    call(HELPER.loadBytes),
    jumpIf('r0', '!=', 0, 'drop'),
    load('u8', 'r1', 'fp', INNER),
    and('r1', 0xf0),
    jumpIf('r1', '!=', 0x40, 'drop'),

    // r9: the underlay marked congestion. What cannot carry the mark on is dropped, RFC 6040 §4.2.
    load('u8', 'r9', 'fp', OUTER + 1),
    and('r9', ECN),
    jumpIf('r9', '!=', ECN_CE, 'no congestion'),
    because('congestion-without-ecn'),
    load('u8', 'r1', 'fp', INNER + 1),
    and('r1', ECN),
    jumpIf('r1', '==', 0, 'drop'),
    label('no congestion'),

    because('refused-by-kernel'),
    mov('r1', 'r6'),
    mov('r2', -OUTER_BYTES),
    mov('r3', ADJ_ROOM_MAC),
    mov('r4', ADJ_ROOM_FLAGS),
    call(HELPER.adjustRoom),
    jumpIf('r0', '!=', 0, 'drop'),
    jumpIf('r9', '!=', ECN_CE, 'marked'),
    mov('r1', 'r6'),
    call(HELPER.setCongestion),
    label('marked'),

    // For tunl0's own MAC, or it counts as someone else's; from 02:00:<the other node>.
    store('u16', 'fp', MACS, wireHalf(0x0200)),
    store('u16', 'fp', MACS + 2, wireHalf(local >>> 16)),
    store('u16', 'fp', MACS + 4, wireHalf(local & 0xffff)),
    store('u16', 'fp', MACS + 6, wireHalf(0x0200)),
    load('u32', 'r1', 'fp', SOURCE),
    store('u32', 'fp', MACS + 8, 'r1'),
    mov('r1', 'r6'),
    mov('r2', 0),
    stack('r3', MACS),
    mov('r4', MACS_BYTES),
    mov('r5', 0),
    call(HELPER.storeBytes),
    jumpIf('r0', '!=', 0, 'drop'),

    mov('r8', RX_SLOT),
    count(maps, 'received'),
    movWord('r1', companion),
    mov('r2', 0),
    call(HELPER.redirect),
    exit(),

    dropCounted(maps),
    exit(),

    label('pass'),
    mov('r0', TC_ACT_UNSPEC),
    exit(),
  ]);
