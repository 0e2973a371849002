/** Listens for peers on node:net, over sockets of our own: TCP MD5 keys must be on them before the SYN comes. A source that
 *  nobody configured is closed before anything is made for it. RFC 4271 8.2.1, RFC 4272, RFC 5082. */
import net from 'node:net';
import {
  addressBits,
  formatIp,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  isIpv6,
  prefixHolds,
} from '../../base/ip.ts';
import * as ffi from '../../sys/ffi.ts';
import type { Connection } from '../session/session-types.ts';
import { acceptedConnection, descriptorOf, hostOf } from './connection.ts';
import { HALF_OPEN_LIMITS, HalfOpen, type HalfOpenLimits } from './half-open.ts';
import { hostText, needsInterface } from './sockaddr.ts';
import { setMd5Key } from './tcp-md5.ts';
import { bindToDevice, boundPort, leastTtl, listeningSocket, setTtl, setTtlSecurity, ttlOfSyn } from './tcp-options.ts';

/** A storm of a thousand nodes must not end in SYN retransmits. */
const BACKLOG = 1024;

/** One address to listen on. */
export interface ListenAddress {
  /** 0.0.0.0 is every IPv4 address of this machine, :: every IPv6 address; none is both. */
  readonly address: IpAddress;
  /** Only what comes through this device; a must for a link-local address. */
  readonly interface?: string;
}

/** How the connections of a source are treated: as SessionConfig has it. */
export interface Admission {
  readonly ttlSecurity?: number;
  readonly ttl?: number;
  readonly interface?: string;
  /** Refused unless setPassword() has set a key for it: with one the kernel lets only signed segments through. */
  readonly signed?: boolean;
}

/** Where to listen, whom to let in, and who gets the connections. */
export interface ListenOptions extends ListenAddress {
  /** More addresses, with the same port. */
  readonly also?: readonly ListenAddress[];
  /** 0: one that is free. */
  readonly port: number;
  /** Sets onData before it returns. */
  readonly onConnection: (connection: Connection) => void;
  /** False: the connection is reset on accept. `device` is that of a link-local source. */
  readonly accepts: (remote: IpAddress, device: string | undefined) => boolean | Admission;
  /** A source that `accepts` lets in has been reset all the same. Strangers are only counted: they are without number. */
  readonly onRefused?: (why: Refusal, remote: IpAddress) => void;
  /** Of connections that have not sent a message yet; default HALF_OPEN_LIMITS. What is above is reset on accept. */
  readonly halfOpen?: Partial<HalfOpenLimits>;
}

/** Why a known source was reset: see the counter of that name. */
export type Refusal = 'halfOpenOfSource' | 'halfOpenInTotal' | 'tooFar' | 'optionRefused';

/** What became of connections, in numbers since the start. */
export interface ListenerCounters {
  /** Handed to onConnection. */
  readonly accepted: number;
  /** Reset: nobody is configured there. */
  readonly unknownSource: number;
  /** Reset: the source, or all together, had as many without a message as may be. */
  readonly halfOpenOfSource: number;
  readonly halfOpenInTotal: number;
  /** Reset: the SYN came from farther than TTL security allows, or the kernel did not keep it. RFC 5082 3 */
  readonly tooFar: number;
  /** Reset: an option of the source cannot be had here. */
  readonly optionRefused: number;
  /** Now: accepted, and no message yet. */
  readonly halfOpen: number;
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

/** For whom the listening sockets have keys. */
class Keys {
  private readonly prefixes = new Map<string, IpPrefix>();
  note(prefix: IpPrefix, isSet: boolean): void {
    if (isSet) this.prefixes.set(formatIpPrefix(prefix), prefix);
    else this.prefixes.delete(formatIpPrefix(prefix));
  }
  has(address: IpAddress): boolean {
    if (this.prefixes.has(formatIpPrefix({ address, length: addressBits(address) }))) return true;
    for (const prefix of this.prefixes.values()) if (prefixHolds(prefix, address)) return true;
    return false;
  }
}

/** Judges who has knocked. */
class Reception {
  private readonly options: ListenOptions;
  readonly keys = new Keys();
  private readonly halfOpen: HalfOpen;
  private readonly counts = {
    accepted: 0,
    unknownSource: 0,
    halfOpenOfSource: 0,
    halfOpenInTotal: 0,
    tooFar: 0,
    optionRefused: 0,
  };

  constructor(options: ListenOptions) {
    this.options = options;
    this.halfOpen = new HalfOpen({ ...HALF_OPEN_LIMITS, ...options.halfOpen });
  }

  get counters(): ListenerCounters {
    return { ...this.counts, halfOpen: this.halfOpen.total };
  }

  receive(socket: net.Socket): void {
    const remote = hostOf(socket, 'remoteAddress');
    const admitted = remote !== undefined && this.options.accepts(remote.address, remote.device);
    if (remote === undefined || admitted === false) this.counts.unknownSource++;
    else {
      const refused = this.admit(socket, remote.address, admitted === true ? {} : admitted);
      if (refused === undefined) return;
      this.counts[refused]++;
      this.options.onRefused?.(refused, remote.address);
    }
    socket.on('error', () => {}); // a stranger's reset
    // Not closed in order: that would leave us a TIME_WAIT for each.
    socket.resetAndDestroy();
  }

  private admit(socket: net.Socket, source: IpAddress, admission: Admission): Refusal | undefined {
    // A key that could not be set must not become a session without one.
    if (admission.signed === true && !this.keys.has(source)) return 'optionRefused';
    const limit = this.halfOpen.enter(source);
    if (limit !== undefined) return limit === 'total' ? 'halfOpenInTotal' : 'halfOpenOfSource';
    const leave = (): void => this.halfOpen.leave(source);
    const refused = prepare(socket, source, admission);
    if (refused !== undefined) {
      leave();
      return refused;
    }
    this.counts.accepted++;
    this.options.onConnection(acceptedConnection(socket, leave));
    return undefined;
  }
}

/** The listener's socket serves all peers; what is one peer's own is set on the connection. */
function prepare(
  socket: net.Socket,
  peer: IpAddress,
  { ttlSecurity, ttl, interface: device }: Admission,
): 'tooFar' | 'optionRefused' | undefined {
  const fd = descriptorOf(socket);
  const bound = device !== undefined && !needsInterface(peer);
  if (fd === undefined || ffi.ffiFault() !== undefined)
    return ttlSecurity !== undefined || ttl !== undefined || bound ? 'optionRefused' : undefined;
  try {
    if (ttlSecurity === undefined) setTtl(fd, peer, ttl);
    else {
      setTtlSecurity(fd, peer, ttlSecurity);
      if (ttlOfSyn(fd) < leastTtl(ttlSecurity)) return 'tooFar';
    }
    // From here on only that device's packets reach it: a connection through another one dies of silence.
    if (bound) bindToDevice(fd, device);
    return undefined;
  } catch (error) {
    if (error instanceof ffi.SysError) return 'optionRefused';
    throw error;
  }
}
