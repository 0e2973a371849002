/** Socket options that node:net does not offer, set on a bare descriptor before connect or listen, or on the one of a live
 *  connection. Linux; IPv4 and IPv6. RFC 5082 (GTSM), RFC 2474 (DSCP). All throw SysError. TCP MD5 is tcp-md5.ts. */
import { type IpAddress, isIpv6 } from '../../base/ip.ts';
import {
  AF_INET,
  AF_INET6,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../sys/constants.ts';
import { bindToDevice, interfaceIndex } from '../../sys/device.ts';
import * as ffi from '../../sys/ffi.ts';
import { needsInterface, portOf, sockaddr } from '../../sys/sockaddr.ts';

const IPPROTO_TCP = 6;
const TCP_NOTSENT_LOWAT = 25;
const TCP_SAVE_SYN = 27;
const TCP_SAVED_SYN = 28;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** The same options at the two levels. linux/in.h, linux/in6.h */
const IPV4 = { level: 0, tos: 1, ttl: 2, freebind: 15, minTtl: 21 };
const IPV6 = { level: IPPROTO_IPV6, tos: 67, ttl: 16, freebind: 78, minTtl: 73 };
const levelOf = (address: IpAddress): typeof IPV4 => (isIpv6(address) ? IPV6 : IPV4);

/** Network control, what routers give their own packets. RFC 2474, RFC 4594 3.1 */
const CS6 = 0xc0;
/** The kernel's send buffer grows to megabytes, and keepalives would wait behind them. */
const UNSENT_BYTES = 128 * 1024;
const MOST_TTL = 255;
const SYSTEM_TTL = -1;

/** A TCP socket of the family of `address`, as every session wants it. The caller closes it, or hands it to node:net. */
export function bgpSocket(address: IpAddress): number {
  const fd = ffi.socket(isIpv6(address) ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const { level, tos } = levelOf(address);
  ffi.setsockoptInt(fd, level, tos, CS6);
  ffi.setsockoptInt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES);
  return fd;
}

/** Bound, with what accepted sockets inherit. Freebind: a node's address may come up after us. TTL 255: the SYN-ACK must
 *  carry it to peers with TTL security, before we know whose it is; the SYN is kept, because it shows how far the peer is. */
export function listeningSocket(address: IpAddress, port: number, device: string | undefined): number {
  const fd = bgpSocket(address);
  try {
    const { level, freebind, ttl } = levelOf(address);
    ffi.setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    ffi.setsockoptInt(fd, level, freebind, 1);
    ffi.setsockoptInt(fd, level, ttl, MOST_TTL);
    ffi.setsockoptInt(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
    if (isIpv6(address)) ffi.setsockoptInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (device !== undefined) bindToDevice(fd, device);
    const scope = device !== undefined && needsInterface(address) ? interfaceIndex(fd, device) : 0;
    ffi.bind(fd, sockaddr(address, port, scope));
    return fd;
  } catch (error) {
    ffi.close(fd);
    throw error;
  }
}

export const boundPort = (fd: number): number => portOf(ffi.getsockname(fd));

/** TTL or hop limit of what the socket sends from now on; undefined: the system's. */
export function setTtl(fd: number, peer: IpAddress, value: number | undefined): void {
  const { level, ttl } = levelOf(peer);
  ffi.setsockoptInt(fd, level, ttl, value ?? SYSTEM_TTL);
}

/** The least TTL that GTSM takes from a peer so many hops away, 1 being a neighbour. RFC 5082 3 */
export const leastTtl = (hops: number): number => MOST_TTL + 1 - hops;

/** GTSM: we send 255, and the kernel drops what arrives with less than the least, ICMP errors about the connection too
 *  (it counts them as TCPMinTTLDrop). RFC 5082 3 */
export function setTtlSecurity(fd: number, peer: IpAddress, hops: number): void {
  const { level, ttl, minTtl } = levelOf(peer);
  ffi.setsockoptInt(fd, level, ttl, MOST_TTL);
  ffi.setsockoptInt(fd, level, minTtl, leastTtl(hops));
}

/** TTL or hop limit that the SYN of an accepted connection arrived with. 0: the kernel did not keep it (SYN cookies under a
 *  flood, or asked twice). What came behind it may be in the queue before setTtlSecurity() was called. */
export function ttlOfSyn(fd: number): number {
  const header = ffi.getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, 128);
  const version = (header[0] ?? 0) >>> 4;
  return (version === 6 ? header[7] : version === 4 ? header[8] : 0) ?? 0;
}
