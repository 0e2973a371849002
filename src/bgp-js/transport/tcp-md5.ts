/** TCP MD5 keys on a bare descriptor. RFC 2385, as Linux has it: a listener has a key for each peer or prefix, and the
 *  longest prefix counts; a connection has its peer's. */
import { addressBits, type IpPrefix } from '../../base/ip.ts';
import * as ffi from '../../sys/ffi.ts';
import { sockaddr } from '../../sys/sockaddr.ts';

const IPPROTO_TCP = 6;
const TCP_MD5SIG = 14;
const TCP_MD5SIG_EXT = 32;
const FLAG_PREFIX = 1;
/** TCP_MD5SIG_MAXKEYLEN */
export const MAX_PASSWORD_OCTETS = 80;

/** Sets the key for whoever is in `peers`, of the socket's family; undefined removes it, and removing none is no fault. In any
 *  state of the socket. Link-local peers of one address on two links share a key: the kernel does not look at the link.
 *  Throws SysError (ENOPROTOOPT or ENOENT where the kernel has no TCP_MD5SIG).
 *  struct tcp_md5sig, 216 octets: sockaddr_storage 0..127, flags 128, prefix length 129, key length 130, ifindex 132, key 136. */
export function setMd5Key(fd: number, peers: IpPrefix, key: string | undefined): void {
  const whole = peers.length === addressBits(peers.address);
  const bytes = Buffer.alloc(216);
  bytes.set(sockaddr(peers.address, 0), 0);
  if (!whole) {
    bytes[128] = FLAG_PREFIX;
    bytes[129] = peers.length;
  }
  bytes.writeUInt16LE(Buffer.byteLength(key ?? ''), 130);
  bytes.write(key ?? '', 136, MAX_PASSWORD_OCTETS);
  try {
    ffi.setsockopt(fd, IPPROTO_TCP, whole ? TCP_MD5SIG : TCP_MD5SIG_EXT, bytes);
  } catch (error) {
    if (key === undefined && error instanceof ffi.SysError && error.code === 'ENOENT') return;
    throw error;
  }
}
