/** IPv6 addresses as unsigned 128-bit integers in host order. Pure. Text is read as RFC 4291 2.2 (without a zone) and
 *  written as RFC 5952. A bigint, and not sixteen octets: it compares, and it is a key of a Map. */
import type { Brand } from './brand.ts';
import { formatIpv4, parseIpv4 } from './ipv4.ts';

/** ::1 is 1n. */
export type Ipv6 = Brand<bigint, 'Ipv6'>;

/** Bits above the lowest 128 are dropped. */
export const ipv6 = (n: bigint): Ipv6 => BigInt.asUintN(128, n) as Ipv6;

const GROUPS = 8;
/** "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" */
const LONGEST_TEXT = 45;
const GROUP = /^[0-9a-fA-F]{1,4}$/;
const IPV4_MAPPED = 0xffffn;

/** The three forms of RFC 4291 2.2, upper or lower case; undefined for all else, and for a zone ("%eth0"). */
export function parseIpv6(text: string): Ipv6 | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const [before = '', after, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const head = groupsOf(before, after === undefined);
  if (head === undefined) return undefined;
  if (after === undefined) return head.length === GROUPS ? joined(head) : undefined;
  const tail = groupsOf(after, true);
  // "::" stands for at least one group.
  if (tail === undefined || head.length + tail.length >= GROUPS) return undefined;
  return joined([...head, ...new Array<number>(GROUPS - head.length - tail.length).fill(0), ...tail]);
}

/** Groups of one side of "::"; dotted quad may stand for the last two of the address. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (isEnd && i === parts.length - 1 && part.includes('.')) {
      const quad = parseIpv4(part);
      if (quad === undefined) return undefined;
      groups.push(quad >>> 16, quad & 0xffff);
    } else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

const joined = (groups: readonly number[]): Ipv6 => ipv6(groups.reduce((sum, g) => (sum << 16n) | BigInt(g), 0n));

/** Lower case, the first longest run of at least two zero groups as "::", IPv4-mapped as dotted quad. RFC 5952 4 and 5 */
export function formatIpv6(address: bigint): string {
  if (address >> 32n === IPV4_MAPPED) return `::ffff:${formatIpv4(Number(address & 0xffff_ffffn))}`;
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((address >> shift) & 0xffffn));
  let from = -1;
  let longest = 1;
  for (let i = 0; i < GROUPS; i++) {
    let end = i;
    while (groups[end] === 0) end++;
    if (end - i > longest) {
      from = i;
      longest = end - i;
    }
  }
  const text = (part: readonly number[]): string => part.map((g) => g.toString(16)).join(':');
  return from < 0 ? text(groups) : `${text(groups.slice(0, from))}::${text(groups.slice(from + longest))}`;
}

/** Sixteen octets in network order at `at`, which must all be there. */
export function readIpv6(bytes: Uint8Array, at: number): Ipv6 {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ipv6((view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8));
}

/** Writes 16 octets at `at`, which must be there. */
export function writeIpv6(bytes: Uint8Array, at: number, address: bigint): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setBigUint64(at, address >> 64n);
  view.setBigUint64(at + 8, address);
}

const ALL_ONES = (1n << 128n) - 1n;

/** The netmask of a prefix length, 0..128. */
export const netmask6 = (length: number): bigint => (ALL_ONES << BigInt(128 - length)) & ALL_ONES;

/** fe80::/10: good on one link only, so an interface must be named with it. RFC 4291 2.5.6 */
export const isLinkLocal6 = (address: bigint): boolean => address >> 118n === 0x3fan;
