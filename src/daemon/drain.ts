/** How a node leaves that others can do without: its peers first hear that its routes are about to go, and turn to others while it
 *  still forwards; then the sessions end. RFC 8326 4. Until then it can be taken back.
 *
 *    running --drain--> told (GRACEFUL_SHUTDOWN) --waitMs--> Cease, withdrawn, the process ends
 *                         |  `stay`: for as long as nobody says more, daemons that follow this one included
 *                         '--undrain--> running
 *
 *  Where a peer has no other route it goes on using ours: what ends it is the Cease. */
import { type DrainOptions, NotThere } from '../control/source.ts';
import type { DrainReport, UndrainReport } from '../control/views.ts';
import type { PeerState } from '../peer/peer-state.ts';
import { systemTimers } from '../sys/time.ts';
import { isMarkedDrained, markDrained, unmarkDrained } from './drain-mark.ts';
import type { Running } from './running.ts';
import type { Speaker } from './speaker.ts';

/** What is said twice begins anew: a second drain may end sooner, or not at all. */
export function drain(running: Running, { waitMs, stay }: DrainOptions): DrainReport {
  const { log, speaker } = running;
  if (stay && speaker === undefined) throw new NotThere('the daemon is starting: there is nobody to be told yet');
  const up = established(running);
  const report = { sessionsClosed: up.length, routesWithdrawn: up.reduce((sum, p) => sum + p.sent, 0) };
  running.cancelLeave?.();
  delete running.cancelLeave;
  running.draining = true;
  if (waitMs > 0 || stay) speaker?.setGoing(true);
  if (stay) {
    remember(running, markDrained, 'a daemon that follows this one will not be drained');
    log.info({ sessions: up.length }, 'drained: peers are told to prefer other ways until this is taken back');
    return report;
  }
  // Nobody heard it, nobody has to turn.
  const leavesInMs = up.length > 0 ? waitMs : 0;
  log.info({ sessions: up.length, leavesInMs }, 'draining: this node leaves');
  // The answer goes out first: the process ends with the last session.
  running.cancelLeave = systemTimers.after(leavesInMs, () => void running.stop('leave'));
  return { ...report, leavesInMs };
}

export function undrain(running: Running): UndrainReport {
  if (!running.draining && !isMarkedDrained(running.config.stateDir)) return { wasDraining: false, sessionsTold: 0 };
  remember(running, unmarkDrained, 'a daemon that follows this one will be drained again');
  running.cancelLeave?.();
  delete running.cancelLeave;
  running.draining = false;
  running.speaker?.setGoing(false);
  const sessions = established(running).length;
  running.log.info({ sessions }, 'no longer draining: peers are told so');
  return { wasDraining: true, sessionsTold: sessions };
}

/** The daemon before this one was drained, and was to stay so: called before the first session. */
export function drainAgain(running: Running, speaker: Speaker): void {
  if (!isMarkedDrained(running.config.stateDir)) return;
  running.draining = true;
  speaker.setGoing(true);
  running.log.info({}, 'still drained: peers are told to prefer other ways until gingham node undrain');
}

function remember({ config, log }: Running, how: (stateDir: string) => void, otherwise: string): void {
  try {
    how(config.stateDir);
  } catch (error) {
    log.warn({ stateDir: config.stateDir, error: String(error) }, otherwise);
  }
}

const established = ({ speaker }: Running): readonly PeerState[] =>
  speaker?.peers.views().filter((p) => p.state === 'Established') ?? [];
