/** IPv4 prefixes. Pure. A `Prefix` is always canonical: no bit set beyond its length.
 *  Tables and codecs pass (address, length) as two numbers; this object lives at the edges, where people look. */
import { formatIpv4, type Ipv4, ipv4, netmask, parseIpv4 } from './ipv4.ts';

/** An IPv4 prefix; no bit is set beyond its length. */
export interface Prefix {
  readonly address: Ipv4;
  /** 0..32 */
  readonly length: number;
}

/** Masks host bits away. `length` must be 0..32. */
export const prefix = (address: number, length: number): Prefix => ({
  address: ipv4(address & netmask(length)),
  length,
});

/** "10.244.1.0/26" to a prefix; undefined when it is not one or has bits beyond its length. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIpv4(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^(?:[0-9]|[12][0-9]|3[0-2])$/.test(digits)) return undefined;
  const length = Number(digits);
  return (address & netmask(length)) >>> 0 === address ? { address, length } : undefined;
}

/** "10.244.1.0/26" */
export const formatPrefix = (p: Prefix): string => `${formatIpv4(p.address)}/${p.length}`;

/** One number per prefix, exact (38 bits), for Map keys and for sorting: by address, then shorter first. */
export const prefixKey = (address: number, length: number): number => address * 64 + length;
/** Undoes prefixKey(). */
export const prefixOfKey = (key: number): Prefix => prefix(Math.floor(key / 64), key % 64);

export const containsAddress = (p: Prefix, address: number): boolean =>
  (address & netmask(p.length)) >>> 0 === p.address;

/** True when `inner` is `outer` or a part of it. */
export const containsPrefix = (outer: Prefix, inner: Prefix): boolean =>
  inner.length >= outer.length && containsAddress(outer, inner.address);

export const samePrefix = (a: Prefix, b: Prefix): boolean => a.address === b.address && a.length === b.length;
