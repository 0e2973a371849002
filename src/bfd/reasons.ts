/** Why a path is what it is, in words. Pure. Codes are stable. RFC 5880 4.1 (diagnostics), RFC 5882 3.2 (AdminDown). */
import { formatIp } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { BfdTarget, WatchState } from './bfd-types.ts';
import { DIAGNOSTICS } from './packet.ts';
import type { SessionSnapshot, StateChange } from './session.ts';
import { NO_DIAGNOSTIC } from './state-table.ts';

const nameOf = ({ address, interface: device }: BfdTarget): string =>
  device === undefined ? formatIp(address) : `${formatIp(address)} on ${device}`;

const peerAdminDown = (target: BfdTarget): Reason => ({
  code: 'BFD_PEER_ADMIN_DOWN',
  text: `${nameOf(target)} has switched BFD off; the path is not watched`,
});

/** A session came up, or left Up: what that is to a client. */
export function outcomeOf(
  target: BfdTarget,
  { to, cause, detectionTimeMs }: StateChange,
  snapshot: SessionSnapshot,
): { readonly state: WatchState; readonly reason: Reason } {
  const name = nameOf(target);
  if (to === 'Up') return { state: 'up', reason: UP };
  if (cause === 'ReceivedAdminDown') return { state: 'admin-down', reason: peerAdminDown(target) };
  if (cause === 'Disable') return { state: 'admin-down', reason: STOPPED };
  if (cause === 'DetectionExpired') {
    const text = `nothing was heard from ${name} for ${Math.round(detectionTimeMs)} ms`;
    return { state: 'down', reason: { code: 'BFD_DETECTION_TIME_EXPIRED', text } };
  }
  const said = snapshot.remoteDiagnostic ?? NO_DIAGNOSTIC;
  const why = said === NO_DIAGNOSTIC ? '' : `: ${DIAGNOSTICS[said] ?? `diagnostic ${said}`}`;
  const text = `${name} says that its BFD session is down${why}`;
  return { state: 'down', reason: { code: 'BFD_NEIGHBOR_SIGNALED_DOWN', text } };
}

/** Why a session is not up now. */
export function waitingReason(target: BfdTarget, snapshot: SessionSnapshot | undefined): Reason {
  const name = nameOf(target);
  if (snapshot?.state === 'Up') return UP;
  if (snapshot?.remoteState === 'AdminDown') return peerAdminDown(target);
  if (snapshot?.state === 'Init')
    return { code: 'BFD_NOT_HEARD', text: `${name} is heard, and does not seem to hear us` };
  if (snapshot?.remoteState !== undefined)
    return { code: 'BFD_COMING_UP', text: `${name} is heard; the session is coming up` };
  return { code: 'BFD_NOTHING_HEARD', text: `nothing is heard from ${name}: does it run BFD with us?` };
}

const UP: Reason = { code: 'BFD_UP', text: 'BFD is up' };
const STOPPED: Reason = { code: 'BFD_STOPPED', text: 'BFD was switched off here' };

export const tooMany = (target: BfdTarget, most: number): Reason => ({
  code: 'BFD_TOO_MANY_SESSIONS',
  text: `${nameOf(target)}: there are ${most} BFD sessions already, and no more are made; the path is not watched`,
});
