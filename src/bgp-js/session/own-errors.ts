/** The NOTIFICATIONs that a connection itself has a reason for. Pure. RFC 4271 6.5 and 6.8, 4486, 6608. */
import { type BgpError, bgpError } from '../wire/error.ts';
import { CEASE, COLLISION, OUT_OF_RESOURCES } from '../wire/notification-codes.ts';
import { type FsmEvent, SESSION_STATES, type Transition } from './fsm.ts';
import { MESSAGE_TYPES } from './fsm-events.ts';
import type { SessionState } from './session-types.ts';

export const collision = (): BgpError =>
  bgpError(CEASE, COLLISION, 'another connection to this peer lives (RFC 4271 6.8)');
export const silence = (ms: number): BgpError => bgpError(4, 0, `nothing heard for ${ms / 1000} s (RFC 4271 6.5)`);
export const overflow = (octets: number): BgpError =>
  bgpError(CEASE, OUT_OF_RESOURCES, `the peer does not read: ${octets} octets wait for it (RFC 4486 4)`);

/** The NOTIFICATION that a transition into Idle sends, if any. */
export function notification(
  t: Transition,
  from: SessionState,
  event: FsmEvent,
  error?: BgpError,
): BgpError | undefined {
  if (t.actions.includes('notifyUnexpected')) return unexpected(from, event);
  return t.actions.includes('notify') ? error : undefined;
}

/** The data is the type of the message; what is no message has no subcode. RFC 6608 3 and 4 */
function unexpected(state: SessionState, event: FsmEvent): BgpError {
  const type = MESSAGE_TYPES[event];
  const text = `${event} in ${state} (RFC 6608 4)`;
  if (type === undefined) return bgpError(FSM_ERROR, 0, text);
  return bgpError(FSM_ERROR, SESSION_STATES.indexOf(state) - 2, text, new Uint8Array([type]));
}
const FSM_ERROR = 5;
