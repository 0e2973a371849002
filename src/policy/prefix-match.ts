/** One line of a prefix list against one route, and the lengths it means. Pure. The naive form: prefix-classes.ts is the fast one,
 *  and a property test holds them together. */
import { addressBits, type IpAddress, prefixHolds } from '../base/ip.ts';
import type { PrefixMatch } from '../model/policy.ts';

/** `ge` alone opens the range up to a host's length, as routers do; no route shorter than the prefix is ever in it. */
export const leastLength = (wanted: PrefixMatch): number => Math.max(wanted.length, wanted.ge ?? wanted.length);
export const mostLength = (wanted: PrefixMatch): number =>
  wanted.le ?? (wanted.ge === undefined ? wanted.length : addressBits(wanted.address));

export const matchesPrefix = (wanted: PrefixMatch, address: IpAddress, length: number): boolean =>
  length >= leastLength(wanted) && length <= mostLength(wanted) && prefixHolds(wanted, address);
