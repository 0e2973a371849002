/** TCP for sessions: dialling on node:net; listening is listen.ts. This room is all of bgp-js that does I/O. */

import { formatIp } from '../../base/ip.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { hostText } from '../../sys/sockaddr.ts';
import { systemClock, systemRandom, systemTimers } from '../../sys/time.ts';
import type { Connection, DialFault, SessionConfig, SessionPorts, Transport } from '../session/session-types.ts';
import { DialledSocket, type DirectSend } from './connection.ts';
import { openSocket } from './dial.ts';
import { DialTurns } from './dial-turns.ts';
import { eventLoop } from './turn-ports.ts';

export type { DirectSend } from './connection.ts';
export { type BgpListener, type ListenOptions, listenBgp } from './listen.ts';

const DIAL_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'TCP_REFUSED',
  ECONNRESET: 'TCP_REFUSED', // accepted, and reset before we knew: what listenBgp does to strangers
  ETIMEDOUT: 'TCP_TIMEOUT',
  EHOSTUNREACH: 'TCP_UNREACHABLE',
  ENETUNREACH: 'TCP_UNREACHABLE',
  EADDRNOTAVAIL: 'LOCAL_ADDRESS_UNAVAILABLE',
};

/** Of all sessions. */
const turns = new DialTurns(eventLoop);

const dialFault = (config: SessionConfig, error: NodeJS.ErrnoException): DialFault => ({
  code: DIAL_CODES[error.code ?? ''] ?? 'TCP_FAILED',
  text: `connecting to ${formatIp(config.peerAddress)} port ${config.peerPort}: ${error.code ?? error.message}`,
});

/** Dials from `localAddress` if given, with TCP_NODELAY, DSCP CS6 and what the config asks for: TCP MD5, TTL security, a TTL,
 *  an interface. Where koffi cannot be loaded those are faults, CS6 is not set, and all else works. Without `directSend`
 *  node:net writes. */
export const tcpTransportWith = (directSend: DirectSend | undefined): Transport => ({
  dial(config, done) {
    let cancel: (() => void) | undefined;
    const takeBack = turns.run(() => {
      cancel = dialNow(config, directSend, done);
    });
    return () => {
      takeBack();
      cancel?.();
    };
  },
});

type Dialled = (result: Result<Connection, DialFault>) => void;

function dialNow(config: SessionConfig, directSend: DirectSend | undefined, done: Dialled): () => void {
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
    done(ok(dialled.connection(directSend)));
  });
  const { peerAddress, peerPort, localAddress, interface: device } = config;
  socket.connect({
    host: hostText(peerAddress, device),
    port: peerPort,
    ...(localAddress !== undefined ? { localAddress: hostText(localAddress, device) } : {}),
  });
  return () => {
    socket.removeAllListeners();
    socket.on('error', () => {}); // what a dead dial still says is of no use
    socket.destroy();
  };
}

/** The same on node:net alone. */
export const tcpTransport: Transport = tcpTransportWith(undefined);

/** The real clock, timers, chance and TCP, for a session outside of tests. */
export const nodePorts: SessionPorts = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  transport: tcpTransport,
};
