/** Which datagrams reach a BFD socket at all, as a classic BPF program: TTL 255 (GTSM), and from a neighbour of ours or for a
 *  session of ours. Everything else ends in the kernel and costs this process nothing. Pure. RFC 5881 5, RFC 5082. */
import type { IpAddress } from '../base/ip.ts';
import { isIpv6 } from '../base/ip.ts';
import {
  ALL_OF_IT,
  type FilterStep,
  JUMP_EQUAL,
  LOAD_BYTE,
  LOAD_WORD,
  NETWORK,
  NOTHING,
} from '../sys/socket-filter.ts';

const MOST_TTL = 255;
/** Of the network header. */
const IPV4_TTL = NETWORK + 8;
const IPV4_SOURCE = NETWORK + 12;
const IPV6_HOP_LIMIT = NETWORK + 7;
const IPV6_SOURCE = NETWORK + 8;
/** A UDP socket's filter sees the datagram from the UDP header on: 8 octets of it, 8 of BFD. */
const YOUR_DISCRIMINATOR = 16;
/** BPF_MAXINSNS. */
const MOST_STEPS = 4096;

export interface Expected {
  readonly address: IpAddress;
  readonly discriminator: number;
}

const hopLimit = (offset: number): FilterStep[] => [[LOAD_BYTE, 0, 0, offset], [JUMP_EQUAL, 1, 0, MOST_TTL], NOTHING];
const takeIf = (value: number): FilterStep[] => [[JUMP_EQUAL, 0, 1, value], ALL_OF_IT];

/** Four words, and past the end of it at the first that differs. */
const takeIfIpv6 = (address: bigint): FilterStep[] => [
  ...[0, 1, 2, 3].flatMap((word): FilterStep[] => [
    [LOAD_WORD, 0, 0, IPV6_SOURCE + 4 * word],
    [JUMP_EQUAL, 0, 7 - 2 * word, Number((address >> BigInt(96 - 32 * word)) & 0xffff_ffffn)],
  ]),
  ALL_OF_IT,
];

/** For a socket of this family. Only the TTL is looked at when there are more neighbours than a program can name. */
export function receiveFilter(family: 'ipv4' | 'ipv6', expected: readonly Expected[]): readonly FilterStep[] {
  const gtsm = hopLimit(family === 'ipv4' ? IPV4_TTL : IPV6_HOP_LIMIT);
  const addresses = [...new Set(expected.map((e) => e.address))];
  const steps: FilterStep[] = [
    ...gtsm,
    ...(family === 'ipv4' ? ([[LOAD_WORD, 0, 0, IPV4_SOURCE]] as const) : []),
    ...addresses.flatMap((a) => (isIpv6(a) ? takeIfIpv6(a) : takeIf(a))),
    [LOAD_WORD, 0, 0, YOUR_DISCRIMINATOR],
    ...expected.flatMap(({ discriminator }) => takeIf(discriminator)),
    NOTHING,
  ];
  return steps.length <= MOST_STEPS ? steps : ttlFilter(family);
}

/** GTSM alone. */
export const ttlFilter = (family: 'ipv4' | 'ipv6'): readonly FilterStep[] => [
  ...hopLimit(family === 'ipv4' ? IPV4_TTL : IPV6_HOP_LIMIT),
  ALL_OF_IT,
];
