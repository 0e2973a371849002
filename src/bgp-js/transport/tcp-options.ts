/** Socket options that node:net does not offer, set on a bare descriptor before connect or listen. Linux. RFC 2385, RFC 2474. */
import { type IpAddress, isIpv6 } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import { AF_INET, SO_REUSEADDR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET } from '../../sys/constants.ts';
import * as ffi from '../../sys/ffi.ts';

const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IP_TOS = 1;
const IP_FREEBIND = 15;
const TCP_MD5SIG = 14;
const TCP_NOTSENT_LOWAT = 25;
/** Network control, what routers give their own packets. RFC 2474, RFC 4594 3.1 */
const CS6 = 0xc0;
/** The kernel's send buffer grows to megabytes, and keepalives would wait behind them. */
const UNSENT_BYTES = 128 * 1024;
/** TCP_MD5SIG_MAXKEYLEN */
export const MAX_PASSWORD_OCTETS = 80;

/** struct sockaddr_in */
export function sockaddr(address: IpAddress, port: number): Uint8Array {
  if (isIpv6(address)) throw new Error('not yet');
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.writeUInt32BE(address, 4);
  return bytes;
}

/** A TCP socket as every session wants it. The caller closes it, or hands it to node:net. Throws SysError. */
export function bgpSocket(): number {
  const fd = ffi.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ffi.setsockoptInt(fd, IPPROTO_IP, IP_TOS, CS6);
  ffi.setsockoptInt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES);
  return fd;
}

/** Bound, with what accepted sockets inherit. IP_FREEBIND: a node's address may come up after us. */
export function listeningSocket(address: Ipv4, port: number): number {
  const fd = bgpSocket();
  try {
    ffi.setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    ffi.setsockoptInt(fd, IPPROTO_IP, IP_FREEBIND, 1);
    ffi.bind(fd, sockaddr(address, port));
    return fd;
  } catch (error) {
    ffi.close(fd);
    throw error;
  }
}

export const boundPort = (fd: number): number => ffi.getsockname(fd).readUInt16BE(2);

/** Sets the TCP MD5 key for one peer; undefined removes it, and removing none is no fault. Throws SysError (ENOPROTOOPT or
 *  ENOENT where the kernel has no TCP_MD5SIG).
 *  struct tcp_md5sig, 216 octets: sockaddr_storage 0..127, flags 128, prefix length 129, key length 130, ifindex 132, key 136. */
export function setMd5Key(fd: number, peer: IpAddress, key: string | undefined): void {
  const bytes = Buffer.alloc(216);
  bytes.set(sockaddr(peer, 0), 0);
  bytes.writeUInt16LE(Buffer.byteLength(key ?? ''), 130);
  bytes.write(key ?? '', 136, MAX_PASSWORD_OCTETS);
  try {
    ffi.setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, bytes);
  } catch (error) {
    if (key === undefined && error instanceof ffi.SysError && error.code === 'ENOENT') return;
    throw error;
  }
}
