/** Who of those that knock is let in, and what their sockets are given. Everybody else is reset before anything is made for
 *  him: no session, no timer, and not a byte is read. RFC 4272 3.2, RFC 5082 3. */
import type net from 'node:net';
import { addressBits, formatIpPrefix, type IpAddress, type IpPrefix, prefixHolds } from '../../base/ip.ts';
import { bindToDevice } from '../../sys/device.ts';
import * as ffi from '../../sys/ffi.ts';
import { needsInterface } from '../../sys/sockaddr.ts';
import type { Connection } from '../session/session-types.ts';
import { acceptedConnection, type DirectSend, descriptorOf, hostOf } from './connection.ts';
import { HALF_OPEN_LIMITS, HalfOpen, type HalfOpenLimits } from './half-open.ts';
import { leastTtl, setTtl, setTtlSecurity, ttlOfSyn } from './tcp-options.ts';

/** How the connections of a source are treated: as SessionConfig has it. */
export interface Admission {
  readonly ttlSecurity?: number;
  readonly ttl?: number;
  readonly interface?: string;
  /** Refused unless setPassword() has set a key for it: with one the kernel lets only signed segments through. */
  readonly signed?: boolean;
}

/** Whom to let in, and who gets the connections. */
export interface ReceptionOptions {
  /** Sets onData before it returns. */
  readonly onConnection: (connection: Connection) => void;
  /** False: the connection is reset on accept. `device` is that of a link-local source. */
  readonly accepts: (remote: IpAddress, device: string | undefined) => boolean | Admission;
  /** A source that `accepts` lets in has been reset all the same. Strangers are only counted: they are without number. */
  readonly onRefused?: (why: Refusal, remote: IpAddress) => void;
  /** Of connections that have not sent a message yet; default HALF_OPEN_LIMITS. What is above is reset on accept. */
  readonly halfOpen?: Partial<HalfOpenLimits>;
  /** Absent: node:net writes. */
  readonly directSend?: DirectSend;
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
export class Reception {
  private readonly options: ReceptionOptions;
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

  constructor(options: ReceptionOptions) {
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
    this.options.onConnection(acceptedConnection(socket, this.options.directSend, leave));
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
