/** TCP for sessions: dial and listen on node:net. With tcp-options.ts and connection.ts the only files of bgp-js that do I/O. */
import net from 'node:net';
import { formatIp, type IpAddress } from '../../base/ip.ts';
import { type Ipv4, parseIpv4 } from '../../base/ipv4.ts';
import { err, ok, type Result } from '../../base/result.ts';
import * as ffi from '../../sys/ffi.ts';
import { systemClock, systemRandom, systemTimers } from '../../sys/time.ts';
import type { Connection, DialFault, SessionConfig, SessionPorts, Transport } from '../session/session-types.ts';
import { acceptedConnection, DialledSocket } from './connection.ts';
import { bgpSocket, boundPort, listeningSocket, MAX_PASSWORD_OCTETS, setMd5Key } from './tcp-options.ts';

/** A storm of a thousand nodes must not end in SYN retransmits. */
const BACKLOG = 1024;

const DIAL_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'TCP_REFUSED',
  ETIMEDOUT: 'TCP_TIMEOUT',
  EHOSTUNREACH: 'TCP_UNREACHABLE',
  ENETUNREACH: 'TCP_UNREACHABLE',
  EADDRNOTAVAIL: 'LOCAL_ADDRESS_UNAVAILABLE',
};

const dialFault = (config: SessionConfig, error: NodeJS.ErrnoException): DialFault => ({
  code: DIAL_CODES[error.code ?? ''] ?? 'TCP_FAILED',
  text: `connecting to ${formatIp(config.peerAddress)} port ${config.peerPort}: ${error.code ?? error.message}`,
});

/** A socket with its options, or the reason why not: a password that cannot be set must not become a session without. */
function openSocket(config: SessionConfig): Result<number, DialFault> {
  const peer = formatIp(config.peerAddress);
  if (config.password !== undefined && Buffer.byteLength(config.password) > MAX_PASSWORD_OCTETS)
    return err({
      code: 'TCP_MD5_UNAVAILABLE',
      text: `peer ${peer}: the password has more than ${MAX_PASSWORD_OCTETS} octets, which TCP MD5 cannot take. Use a shorter one.`,
    });
  let fd: number | undefined;
  try {
    fd = bgpSocket();
    if (config.password !== undefined) setMd5Key(fd, config.peerAddress, config.password);
    return ok(fd);
  } catch (error) {
    if (fd !== undefined) ffi.close(fd);
    const text = error instanceof Error ? error.message : String(error);
    const md5 = fd !== undefined && config.password !== undefined;
    return err(
      md5
        ? { code: 'TCP_MD5_UNAVAILABLE', text: `peer ${peer}: this kernel takes no TCP MD5 key (RFC 2385): ${text}` }
        : { code: 'TCP_FAILED', text: `peer ${peer}: no socket: ${text}` },
    );
  }
}

/** Dials from `localAddress` if given, with TCP_NODELAY, DSCP CS6 and, with a password, TCP MD5. */
export const tcpTransport: Transport = {
  dial(config: SessionConfig, done: (result: Result<Connection, DialFault>) => void): () => void {
    const opened = openSocket(config);
    if (!opened.ok) {
      const timer = setImmediate(() => done(opened));
      return () => clearImmediate(timer);
    }
    const dialled = new DialledSocket(opened.value);
    const { socket } = dialled;
    const failed = (error: NodeJS.ErrnoException): void => done(err(dialFault(config, error)));
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      done(ok(dialled.connection()));
    });
    socket.connect({
      host: formatIp(config.peerAddress),
      port: config.peerPort,
      ...(config.localAddress !== undefined ? { localAddress: formatIp(config.localAddress) } : {}),
    });
    return () => {
      socket.removeAllListeners();
      socket.on('error', () => {}); // what a dead dial still says is of no use
      socket.destroy();
    };
  },
};

/** The real clock, timers, chance and TCP, for a session outside of tests. */
export const nodePorts: SessionPorts = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  transport: tcpTransport,
};

export interface ListenOptions {
  /** 0 is every address of this machine. */
  readonly address: Ipv4;
  readonly port: number;
  readonly onConnection: (connection: Connection) => void;
  /** A connection from any other address is closed on accept. */
  readonly accepts: (remote: Ipv4) => boolean;
}

export interface BgpListener {
  /** The bound port: of use when 0 was asked for. */
  readonly port: number;
  /** Sets or, with undefined, removes the TCP MD5 key of a peer; connections it has are not touched. Throws SysError. RFC 2385 */
  setPassword(peer: IpAddress, key: string | undefined): void;
  close(): void;
}

/** Listens on a socket of our own: MD5 keys must be on it before the SYN comes. Rejects with SysError or the bind's error. */
export async function listenBgp(options: ListenOptions): Promise<BgpListener> {
  const fd = listeningSocket(options.address, options.port);
  const port = boundPort(fd);
  const server = net.createServer({ noDelay: true }, (socket) => {
    const remote = parseIpv4(socket.remoteAddress ?? '');
    if (remote === undefined || !options.accepts(remote)) {
      socket.on('error', () => {}); // a stranger's reset
      socket.destroy();
    } else options.onConnection(acceptedConnection(socket, remote));
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    // `listen({ fd, backlog })` would quietly give 511.
    server.listen({ fd }, BACKLOG, () => {
      server.off('error', failed);
      listening();
    });
  });
  server.on('error', () => {}); // EMFILE on accept: the peer's SYN is tried again
  return {
    port,
    setPassword: (peer, key) => {
      // After close the number may be another socket's.
      if (server.listening) setMd5Key(fd, peer, key);
    },
    close: () => void server.close(),
  };
}
