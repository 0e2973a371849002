/** The BFD control packet, bytes <-> values. Pure. RFC 5880 4.1, and of 6.8.6 the rules that need no session; the rest of
 *  them is in sessions.ts and session.ts.
 *
 *    0                   1                   2                   3
 *   |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
 *   |                       My Discriminator                        |
 *   |                      Your Discriminator                       |
 *   |                 Desired Min TX Interval, us                   |
 *   |                 Required Min RX Interval, us                  |
 *   |               Required Min Echo RX Interval, us               |
 */
import type { Reason } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { BfdState } from './bfd-types.ts';

const VERSION = 1;
export const PACKET_BYTES = 24;
/** With the shortest authentication section. RFC 5880 6.8.6 */
const LEAST_AUTHENTICATED_BYTES = 26;

const POLL = 0x20;
const FINAL = 0x10;
const CONTROL_PLANE_INDEPENDENT = 0x08;
const AUTHENTICATION = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;

/** In the order of their numbers. RFC 5880 4.1 */
const STATES: readonly BfdState[] = ['AdminDown', 'Down', 'Init', 'Up'];

/** RFC 5880 4.1 */
export const DIAGNOSTICS: readonly string[] = [
  'no diagnostic',
  'control detection time expired',
  'echo function failed',
  'neighbor signaled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
];

/** A control packet without authentication. */
export interface ControlPacket {
  /** 0..31; DIAGNOSTICS has the names of those in use. */
  readonly diagnostic: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  readonly controlPlaneIndependent: boolean;
  readonly demand: boolean;
  /** 1..255 */
  readonly multiplier: number;
  /** Never 0. */
  readonly myDiscriminator: number;
  /** 0: the sender has not heard us. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly requiredMinEchoRxUs: number;
}

const fault = (code: string, text: string): Result<never, Reason> => err({ code, text });

const u32 = (b: Uint8Array, at: number): number =>
  (((b[at] ?? 0) << 24) | ((b[at + 1] ?? 0) << 16) | ((b[at + 2] ?? 0) << 8) | (b[at + 3] ?? 0)) >>> 0;

/** The packet in the first `length` octets, or why it must be discarded, in the order of RFC 5880 6.8.6. What follows the
 *  packet is ignored, as its length field says. We use no authentication, so a packet that has one is refused. */
export function decodeControlPacket(b: Uint8Array, length = b.length): Result<ControlPacket, Reason> {
  const [first = 0, second = 0, multiplier = 0, stated = 0] = b;
  if (length < 4) return fault('BFD_TOO_SHORT', `${length} octets are no BFD packet, which has ${PACKET_BYTES}`);
  if (first >>> 5 !== VERSION) return fault('BFD_VERSION', `BFD version ${first >>> 5}; only 1 exists (RFC 5880)`);
  const least = (second & AUTHENTICATION) === 0 ? PACKET_BYTES : LEAST_AUTHENTICATED_BYTES;
  if (stated < least) return fault('BFD_BAD_LENGTH', `its length field says ${stated}, and the least is ${least}`);
  if (stated > length) return fault('BFD_BAD_LENGTH', `its length field says ${stated}, and it has ${length} octets`);
  if (multiplier === 0) return fault('BFD_ZERO_MULTIPLIER', 'its detect multiplier is 0');
  if ((second & MULTIPOINT) !== 0) return fault('BFD_MULTIPOINT', 'it has the multipoint bit, which must be 0');
  const myDiscriminator = u32(b, 4);
  if (myDiscriminator === 0) return fault('BFD_ZERO_DISCRIMINATOR', 'its own discriminator is 0');
  const yourDiscriminator = u32(b, 8);
  const state = STATES[second >>> 6] ?? 'AdminDown';
  if (yourDiscriminator === 0 && state !== 'Down' && state !== 'AdminDown')
    return fault('BFD_NO_YOUR_DISCRIMINATOR', `it says ${state} without naming our discriminator`);
  if ((second & AUTHENTICATION) !== 0)
    return fault(
      'BFD_AUTHENTICATION',
      'it is authenticated, and we use no BFD authentication: take it out of the peer',
    );
  return ok({
    diagnostic: first & 0x1f,
    state,
    poll: (second & POLL) !== 0,
    final: (second & FINAL) !== 0,
    controlPlaneIndependent: (second & CONTROL_PLANE_INDEPENDENT) !== 0,
    demand: (second & DEMAND) !== 0,
    multiplier,
    myDiscriminator,
    yourDiscriminator,
    desiredMinTxUs: u32(b, 12),
    requiredMinRxUs: u32(b, 16),
    requiredMinEchoRxUs: u32(b, 20),
  });
}

/** Into `into`, which has PACKET_BYTES: a session sends from one buffer for ever. */
export function encodeControlPacket(p: ControlPacket, into: Uint8Array = new Uint8Array(PACKET_BYTES)): Uint8Array {
  into[0] = (VERSION << 5) | p.diagnostic;
  into[1] =
    (STATES.indexOf(p.state) << 6) |
    (p.poll ? POLL : 0) |
    (p.final ? FINAL : 0) |
    (p.controlPlaneIndependent ? CONTROL_PLANE_INDEPENDENT : 0) |
    (p.demand ? DEMAND : 0);
  into[2] = p.multiplier;
  into[3] = PACKET_BYTES;
  const words = [p.myDiscriminator, p.yourDiscriminator, p.desiredMinTxUs, p.requiredMinRxUs, p.requiredMinEchoRxUs];
  let at = 4;
  for (const word of words) {
    into[at] = word >>> 24;
    into[at + 1] = word >>> 16;
    into[at + 2] = word >>> 8;
    into[at + 3] = word;
    at += 4;
  }
  return into;
}
