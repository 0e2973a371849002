/** A session's up and down: one line each, with peer, reason and how long the state before lasted. */
import { formatIp } from '../base/ip.ts';
import type { PeerLog } from '../peer/peer-set.ts';
import type { Log } from './log.ts';

const MS = 1000;
const seconds = (ms: number): number => Math.round(ms / 100) / (MS / 100);

export const peerLog = (log: Log): PeerLog => ({
  up: ({ peer, downForMs }) =>
    log.info(
      {
        peer: peer.name,
        address: formatIp(peer.address),
        asn: peer.config.asn,
        holdTimeSec: peer.agreed?.holdTimeSec,
        gracefulRestart: peer.agreed?.gracefulRestart !== undefined,
        ...(downForMs === undefined ? {} : { downForSec: seconds(downForMs) }),
      },
      'session up',
    ),
  down: ({ peer, reason, upForMs, keptStale }) =>
    log.warn(
      {
        peer: peer.name,
        address: formatIp(peer.address),
        asn: peer.config.asn,
        code: reason.code,
        reason: reason.text,
        upForSec: seconds(upForMs),
        keptStale,
      },
      'session down',
    ),
  warn: ({ peer, reason }) =>
    log.warn(
      { peer: peer.name, address: formatIp(peer.address), code: reason.code },
      `session goes on: ${reason.text}`,
    ),
});
