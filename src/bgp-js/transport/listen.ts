/** Listens for peers on node:net, over sockets of our own: TCP MD5 keys must be on them before the SYN comes. A source that
 *  nobody configured is closed before anything is made for it: reception.ts. RFC 4271 8.2.1, RFC 2385. */
import net from 'node:net';
import { addressBits, formatIp, type IpAddress, type IpPrefix, isIpv6 } from '../../base/ip.ts';
import * as ffi from '../../sys/ffi.ts';
import { hostText, needsInterface } from '../../sys/sockaddr.ts';
import { type ListenerCounters, Reception, type ReceptionOptions } from './reception.ts';
import { setMd5Key } from './tcp-md5.ts';
import { boundPort, listeningSocket } from './tcp-options.ts';

/** A storm of a thousand nodes must not end in SYN retransmits. */
const BACKLOG = 1024;

/** One address to listen on. */
export interface ListenAddress {
  /** 0.0.0.0 is every IPv4 address of this machine, :: every IPv6 address; none is both. */
  readonly address: IpAddress;
  /** Only what comes through this device; a must for a link-local address. */
  readonly interface?: string;
}

/** Where to listen, whom to let in, and who gets the connections. */
export interface ListenOptions extends ListenAddress, ReceptionOptions {
  /** More addresses, with the same port. */
  readonly also?: readonly ListenAddress[];
  /** 0: one that is free. */
  readonly port: number;
}

/** What listenBgp() opened. */
export interface BgpListener {
  /** The bound port: of use when 0 was asked for. */
  readonly port: number;
  /** A copy. */
  readonly counters: ListenerCounters;
  /** Sets or, with undefined, removes the TCP MD5 key of a peer, or of all peers in a prefix; the longest prefix counts.
   *  Connections that are there are not touched: theirs is Connection.setPassword(). Throws SysError where the kernel has no
   *  such keys, Error where there is no FFI. RFC 2385 */
  setPassword(peers: IpAddress | IpPrefix, key: string | undefined): void;
  close(): void;
}

interface Door {
  readonly server: net.Server;
  readonly isIpv6: boolean;
  /** Absent without FFI. */
  readonly fd: number | undefined;
}

/** An address that cannot be had; `cause` is the SysError or the error of node:net, and `code` its code. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly address: IpAddress;
  /** EADDRINUSE, EACCES, EAFNOSUPPORT, ... where the kernel refused. */
  readonly code: string | undefined;

  constructor(address: IpAddress, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.address = address;
    this.code = (cause as NodeJS.ErrnoException | undefined)?.code;
  }
}

/** Rejects with a ListenError for the first address that cannot be had; then none is listened on. */
export async function listenBgp(options: ListenOptions): Promise<BgpListener> {
  const reception = new Reception(options);
  const places: readonly ListenAddress[] = [options, ...(options.also ?? [])];
  const doors: Door[] = [];
  const bare: number[] = [];
  let { address, port } = options;
  try {
    // Before the first wait: all are of the network namespace, and of the moment, of the call.
    for (const where of places) {
      address = where.address;
      const fd = bareSocket(where, port);
      if (fd === undefined) continue;
      bare.push(fd);
      port = boundPort(fd);
    }
    for (const where of places) {
      address = where.address;
      const opened = await openDoor(where, port, bare.shift(), (socket) => reception.receive(socket));
      doors.push(opened.door);
      port = opened.port;
    }
  } catch (error) {
    for (const fd of bare) ffi.close(fd);
    for (const { server } of doors) server.close();
    throw new ListenError(address, error);
  }
  return {
    port,
    get counters() {
      return reception.counters;
    },
    setPassword: (peers, key) => {
      const prefix = typeof peers === 'object' ? peers : { address: peers, length: addressBits(peers) };
      reception.keys.note(prefix, false);
      for (const { server, fd, isIpv6: v6 } of doors) {
        // After close the number may be another socket's.
        if (!server.listening || v6 !== isIpv6(prefix.address)) continue;
        if (fd !== undefined) setMd5Key(fd, prefix, key);
        else if (key !== undefined)
          throw new Error(
            `TCP MD5 for ${formatIp(prefix.address)} needs the package koffi, which cannot be loaded: ${ffi.ffiFault()}. Install it.`,
          );
      }
      reception.keys.note(prefix, key !== undefined);
    },
    close: () => {
      for (const { server } of doors) server.close();
    },
  };
}

/** Undefined without FFI: node:net makes its own. */
function bareSocket({ address, interface: device }: ListenAddress, port: number): number | undefined {
  if (needsInterface(address) && device === undefined)
    throw new Error(`${formatIp(address)} is link-local: name the interface it is on (RFC 4291 2.5.6)`);
  const missing = ffi.ffiFault();
  if (missing === undefined) return listeningSocket(address, port, device);
  if (device !== undefined && !needsInterface(address))
    throw new Error(
      `listening on interface ${device} needs the package koffi, which cannot be loaded: ${missing}. Install it.`,
    );
  return undefined;
}

async function openDoor(
  { address, interface: device }: ListenAddress,
  port: number,
  fd: number | undefined,
  onSocket: (socket: net.Socket) => void,
): Promise<{ readonly door: Door; readonly port: number }> {
  // Paused: not a byte of a stranger is read.
  const server = net.createServer({ noDelay: true, pauseOnConnect: true }, onSocket);
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    const ready = (): void => {
      server.off('error', failed);
      listening();
    };
    // `listen({ fd, backlog })` would quietly give 511.
    if (fd !== undefined) server.listen({ fd }, BACKLOG, ready);
    else server.listen({ host: hostText(address, device), port, backlog: BACKLOG, ipv6Only: true }, ready);
  });
  server.on('error', () => {}); // EMFILE on accept: the peer's SYN is tried again
  const bound = fd === undefined ? server.address() : null;
  const boundTo = typeof bound === 'object' && bound !== null ? bound.port : port;
  return { door: { server, isIpv6: isIpv6(address), fd }, port: boundTo };
}
