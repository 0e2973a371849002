/** Socket addresses as Linux has them in memory, and as node:net says them. Pure. RFC 4291, RFC 4007 11 (zones). */
import { formatIp, type IpAddress, isIpv6, parseIp } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { isLinkLocal6, readIpv6, writeIpv6 } from '../base/ipv6.ts';
import { AF_INET, AF_INET6 } from './constants.ts';

/** struct sockaddr_in or sockaddr_in6; the scope is the index of a link-local address's device. */
export function sockaddr(address: IpAddress, port: number, scopeId = 0): Uint8Array {
  const v6 = isIpv6(address);
  const bytes = Buffer.alloc(v6 ? 28 : 16);
  bytes.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  if (!v6) bytes.writeUInt32BE(address, 4);
  else {
    writeIpv6(bytes, 8, address);
    bytes.writeUInt32LE(scopeId, 24);
  }
  return bytes;
}

/** The address of either structure, and the index of a link-local one's device. Undefined for another family. */
export function addressOfSockaddr(
  bytes: Buffer,
): { readonly address: IpAddress; readonly scopeId: number } | undefined {
  const family = bytes.readUInt16LE(0);
  if (family === AF_INET) return { address: ipv4(bytes.readUInt32BE(4)), scopeId: 0 };
  if (family === AF_INET6) return { address: readIpv6(bytes, 8), scopeId: bytes.readUInt32LE(24) };
  return undefined;
}

/** The port of either structure. */
export const portOf = (bytes: Buffer): number => bytes.readUInt16BE(2);

/** 169.254.0.0/16 needs no device: routes tell. */
export const needsInterface = (address: IpAddress): boolean => isIpv6(address) && isLinkLocal6(address);

/** For node:net: a link-local address with its zone. */
export const hostText = (address: IpAddress, device: string | undefined): string =>
  device !== undefined && needsInterface(address) ? `${formatIp(address)}%${device}` : formatIp(address);

/** "fe80::1%eth0" as node:net says it. An IPv4 peer on a socket of both families is an IPv4 peer (::ffff:0:0/96). */
export function readHost(
  text: string | undefined,
): { readonly address: IpAddress; readonly device?: string } | undefined {
  const [bare = '', device] = (text ?? '').split('%', 2);
  const address = parseIp(bare);
  if (address === undefined) return undefined;
  if (isIpv6(address) && address >> 32n === 0xffffn) return { address: ipv4(Number(address & 0xffff_ffffn)) };
  return device === undefined ? { address } : { address, device };
}
