/** Addresses and prefixes of both families, for the edges: configuration, sockets, what people see. Pure. `typeof` tells the
 *  family, and both are keys of one Map (1 and 1n differ). The hot path has prefix.ts, which is IPv4 only. */
import { formatIpv4, type Ipv4, ipv4, netmask, parseIpv4 } from './ipv4.ts';
import { formatIpv6, type Ipv6, ipv6, netmask6, parseIpv6 } from './ipv6.ts';

/** An address of either family: `typeof` tells them apart, a number is IPv4 and a bigint IPv6. */
export type IpAddress = Ipv4 | Ipv6;

/** True for an IPv6 address. */
export const isIpv6 = (address: IpAddress): address is Ipv6 => typeof address === 'bigint';

/** The address where it is IPv4. */
export const ifIpv4 = (address: IpAddress): Ipv4 | undefined => (typeof address === 'bigint' ? undefined : address);

export const onlyIpv4 = (addresses: readonly IpAddress[]): readonly Ipv4[] =>
  addresses.filter((address) => typeof address !== 'bigint');

/** Text with a colon is IPv6 or nothing. A zone ("%eth0") is refused: the interface is a thing of its own. */
export const parseIp = (text: string): IpAddress | undefined =>
  text.includes(':') ? parseIpv6(text) : parseIpv4(text);

/** "192.0.2.1" or, as RFC 5952 writes it, "2001:db8::1". */
export const formatIp = (address: IpAddress): string =>
  typeof address === 'bigint' ? formatIpv6(address) : formatIpv4(address);

/** IPv4 before IPv6, then by number. */
export function compareIp(a: IpAddress, b: IpAddress): number {
  if (typeof a !== typeof b) return typeof a === 'bigint' ? 1 : -1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** 32 or 128. */
export const addressBits = (address: IpAddress): number => (typeof address === 'bigint' ? 128 : 32);

/** Always canonical: no bit set beyond its length. */
export interface IpPrefix {
  readonly address: IpAddress;
  /** 0..32 or 0..128 */
  readonly length: number;
}

const masked = (address: IpAddress, length: number): IpAddress =>
  typeof address === 'bigint' ? ipv6(address & netmask6(length)) : ipv4(address & netmask(length));

/** Masks host bits away. `length` must fit the family. */
export const ipPrefix = (address: IpAddress, length: number): IpPrefix => ({
  address: masked(address, length),
  length,
});

/** "10.244.1.0/26" or "2001:db8::/32"; undefined when it is neither or has bits beyond its length. */
export function parseIpPrefix(text: string): IpPrefix | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^(?:0|[1-9][0-9]{0,2})$/.test(digits)) return undefined;
  const length = Number(digits);
  if (length > addressBits(address)) return undefined;
  return masked(address, length) === address ? { address, length } : undefined;
}

/** "192.0.2.0/24" */
export const formatIpPrefix = (p: IpPrefix): string => `${formatIp(p.address)}/${p.length}`;

/** False for an address of the other family. */
export const prefixHolds = (p: IpPrefix, address: IpAddress): boolean =>
  typeof address === typeof p.address && masked(address, p.length) === p.address;
