/** The program at the ingress of tunl0-x: a frame that the routing table sent into tunl0 becomes an IP-in-IP packet on its
 *  way to the node that the frame's MAC names. Pure: assembler text. RFC 2003 §3.1, RFC 6040 §4.1 normal mode.
 *
 *      | 02 00 next hop | from | 08 00 | inner IPv4 …      ->      | … | 08 00 | outer IPv4, 20 bytes | inner IPv4 …
 *
 *  The neighbour of the underlay and its MAC are the kernel's business (bpf_redirect_neigh, Linux 5.10). Segmentation and
 *  checksums left to the device stay so. ipip-packet.ts is the same in user space. */
import {
  add,
  and,
  assemble,
  call,
  exit,
  jump,
  jumpIf,
  jumpIfWord,
  type Line,
  label,
  load,
  mov,
  movWord,
  or,
  shiftLeft,
  shiftRight,
  store,
  toNetwork16,
  xor,
} from './assembler.ts';
import {
  type Cause,
  causeSlot,
  count,
  dropCounted,
  HELPER,
  headerSum,
  lookUpRemote,
  SKB,
  stack,
  type TunnelMaps,
  TX_SLOT,
  wireConstant,
  wireHalf,
} from './tunnel-maps.ts';

/** Constants in the program's text: a change of one is a new program. */
export interface EncapsulateConstants {
  /** This node: the outer source. */
  readonly local: number;
  /** ifindex of the device with `local`. */
  readonly underlay: number;
}

// Two of the frame's bytes lie before a multiple of four, so that the next hop is aligned.
const FRAME = -66;
const FRAME_BYTES = 24; // Ethernet, and the inner header as far as its flags
const NEXT_HOP = FRAME + 2;
const INNER_VERSION = FRAME + 14;
const INNER_TOS = FRAME + 15;
const INNER_FLAGS = FRAME + 20;
const OUTER = -32;
const OUTER_BYTES = 20;
const ETHERNET_BYTES = 14;
const DF = 0x40;
/** TTL 64, protocol 4, checksum 0, as bytes. */
const TTL_AND_PROTOCOL = wireConstant(0x40040000);
const ADJ_ROOM_MAC = 1;
/** ENCAP_L3_IPV4, FIXED_GSO, NO_CSUM_RESET: segments keep their size, checksums that the device owes stay owed. */
const ADJ_ROOM_FLAGS = 0x2 | 0x1 | 0x20;

const because = (cause: Cause): Line => mov('r8', causeSlot(cause));

export const encapsulateProgram = (maps: TunnelMaps, { local, underlay }: EncapsulateConstants): Buffer =>
  assemble([
    mov('r6', 'r1'),
    load('u32', 'r7', 'r6', SKB.length),
    add('r7', -ETHERNET_BYTES), // what is counted: the inner packet

    because('not-ipv4'),
    load('u32', 'r1', 'r6', SKB.protocol),
    jumpIf('r1', '!=', wireHalf(0x0800), 'drop'),
    because('malformed'),
    mov('r1', 'r6'),
    mov('r2', 0),
    stack('r3', FRAME),
    mov('r4', FRAME_BYTES),
    call(HELPER.loadBytes),
    jumpIf('r0', '!=', 0, 'drop'),
    load('u8', 'r1', 'fp', INNER_VERSION),
    shiftRight('r1', 4),
    jumpIf('r1', '!=', 4, 'drop'),

    // Whom the frame is for. ARP for a next hop without neighbour, multicast and broadcast end here.
    because('not-for-a-node'),
    load('u16', 'r1', 'fp', FRAME),
    jumpIf('r1', '!=', wireHalf(0x0200), 'drop'),
    because('next-hop-is-ourselves'), // it would go round until its TTL is gone
    load('u32', 'r1', 'fp', NEXT_HOP),
    jumpIfWord('r1', '==', wireConstant(local), 'drop'),
    because('unknown-remote'), // a neighbour that outlived its node
    lookUpRemote(maps, NEXT_HOP),
    jumpIf('r0', '==', 0, 'drop'),

    // The outer header. Version 4, five words; TOS and with it ECN as inside.
    load('u8', 'r1', 'fp', INNER_TOS),
    shiftLeft('r1', 8),
    or('r1', 0x45),
    store('u16', 'fp', OUTER, 'r1'),
    mov('r1', 'r7'),
    add('r1', OUTER_BYTES),
    jumpIf('r1', '>', 0xffff, 'longer than IPv4 can say'),
    jump('length'),
    label('longer than IPv4 can say'), // segments of a larger whole: 0, and each segment gets its own (BIG TCP)
    mov('r1', 0),
    label('length'),
    toNetwork16('r1'),
    store('u16', 'fp', OUTER + 2, 'r1'),
    call(HELPER.randomU32),
    store('u16', 'fp', OUTER + 4, 'r0'), // identification
    load('u8', 'r1', 'fp', INNER_FLAGS),
    and('r1', DF),
    store('u16', 'fp', OUTER + 6, 'r1'),
    store('u32', 'fp', OUTER + 8, TTL_AND_PROTOCOL),
    store('u32', 'fp', OUTER + 12, wireConstant(local)),
    load('u32', 'r1', 'fp', NEXT_HOP),
    store('u32', 'fp', OUTER + 16, 'r1'),
    headerSum(OUTER),
    xor('r0', 0xffff),
    store('u16', 'fp', OUTER + 10, 'r0'),

    // Room between Ethernet and the inner header, and the outer one into it.
    because('refused-by-kernel'),
    mov('r1', 'r6'),
    mov('r2', OUTER_BYTES),
    mov('r3', ADJ_ROOM_MAC),
    mov('r4', ADJ_ROOM_FLAGS),
    call(HELPER.adjustRoom),
    jumpIf('r0', '!=', 0, 'drop'),
    mov('r1', 'r6'),
    mov('r2', ETHERNET_BYTES),
    stack('r3', OUTER),
    mov('r4', OUTER_BYTES),
    mov('r5', 0),
    call(HELPER.storeBytes),
    jumpIf('r0', '!=', 0, 'drop'),

    mov('r8', TX_SLOT),
    count(maps, 'sent'),
    movWord('r1', underlay),
    mov('r2', 0), // no next hop of ours: by the outer destination
    mov('r3', 0),
    mov('r4', 0),
    call(HELPER.redirectNeighbour),
    exit(),

    dropCounted(maps),
    exit(),
  ]);
