/** The FSM of one connection as a table: every (state, event) has its cell. Pure. RFC 4271 8.1 and 8.2.2, RFC 6608, RFC 9687,
 *  RFC 4724 4.2. conversation.ts performs the actions; test/unit/bgp-js/fsm.golden.md shows the table for review. */
import { FSM_EVENTS, type FsmEvent } from './fsm-events.ts';
import type { SessionState } from './session-types.ts';

export { FSM_EVENTS, type FsmEvent } from './fsm-events.ts';

/** Lowest first. RFC 4271 8.2.2 */
export const SESSION_STATES: readonly SessionState[] = [
  'Idle',
  'Connect',
  'Active',
  'OpenSent',
  'OpenConfirm',
  'Established',
];

/** What the driver does, in order. */
export type FsmAction =
  | 'dial'
  | 'startConnectRetry'
  | 'stopConnectRetry'
  | 'startIdleHold'
  | 'stopIdleHold'
  | 'startDelayOpen'
  | 'stopDelayOpen'
  | 'sendOpen'
  | 'startLargeHold' // 4 minutes, RFC 4271 8.2.2
  | 'startHold' // as agreed
  | 'restartHold'
  | 'sendKeepalive'
  | 'startKeepalive'
  | 'startSendHold' // RFC 9687
  | 'notify' // the event's error; half-close
  | 'notifyUnexpected' // 5/1, 5/2, 5/3 by state, RFC 6608
  | 'close' // TCP only: a connection, or the dial for one
  | 'stopTimers'
  | 'countRetry' // ConnectRetryCounter, which makes the next idle hold longer
  | 'clearRetryCount'
  | 'establish' // report the session up
  | 'deliver'; // hand the message to the listener

/** What a cell may ask beside the event. */
export type FsmCondition =
  | 'passive' // PassiveTcpEstablishment
  | 'met' // the peer came first: another connection with it is there
  | 'delayOpen' // DelayOpen, RFC 4271 8.1.1
  | 'delayOpenRunning' // so TCP is there, and no OPEN of ours has gone out on it
  | 'notifyWithoutOpen'; // SendNOTIFICATIONwithoutOPEN, and TCP is there

/** What a cell answers: the next state, and what is to be done. */
export interface Transition {
  readonly next: SessionState;
  readonly actions: readonly FsmAction[];
  /** Why the cell departs from the letter of RFC 4271. */
  readonly departure?: string;
}
/** The first branch whose condition holds, else the cell itself. */
export interface Cell extends Transition {
  readonly branches?: readonly (readonly [FsmCondition, Transition])[];
}

const to = (next: SessionState, ...actions: FsmAction[]): Transition => ({ next, actions });
const departing = (departure: string, t: Transition): Transition => ({ ...t, departure });
const choice = (otherwise: Transition, ...branches: (readonly [FsmCondition, Transition])[]): Cell => ({
  ...otherwise,
  branches,
});

/** The state's answer for all events, with exceptions: "any other event" of RFC 4271 8.2.2. */
function state(other: Cell, cells: Partial<Record<FsmEvent, Cell>>): Record<FsmEvent, Cell> {
  const row = Object.fromEntries(Object.keys(FSM_EVENTS).map((event) => [event, other]));
  return { ...(row as Record<FsmEvent, Cell>), ...cells };
}

/** The start events mean nothing to who has started. */
function started(here: SessionState): Partial<Record<FsmEvent, Cell>> {
  const stay = to(here);
  return {
    ManualStart: stay,
    AutomaticStart: stay,
    ManualStartPassive: stay,
    AutomaticStartPassive: stay,
    AutomaticStartDamped: stay,
    AutomaticStartDampedPassive: stay,
  };
}

/** Another connection with the peer is tracked by an FSM of its own, and the two meet in session.ts. RFC 4271 8.2.1 */
const secondConnection = (here: SessionState): Partial<Record<FsmEvent, Cell>> => ({
  TcpValid: to(here),
  TcpInvalid: to(here),
  TcpAcked: to(here),
  TcpConfirmed: to(here),
});

const NOTIFY = to('Idle', 'notify', 'stopTimers', 'countRetry');
const NOTIFY_STOP = to('Idle', 'notify', 'stopTimers', 'clearRetryCount');
const UNEXPECTED = to('Idle', 'notifyUnexpected', 'stopTimers', 'countRetry');
const CLOSE = to('Idle', 'close', 'stopTimers', 'countRetry');
/** Nobody's fault. */
const CLOSE_STOP = to('Idle', 'close', 'stopTimers', 'clearRetryCount');
const CLOSE_QUIETLY = to('Idle', 'close', 'stopTimers');

const OPEN_NOW: readonly FsmAction[] = ['stopConnectRetry', 'stopDelayOpen', 'sendOpen', 'startLargeHold'];
const ANSWER_OPEN: readonly FsmAction[] = ['sendKeepalive', 'startKeepalive', 'startHold'];
const LATE_OPEN: readonly FsmAction[] = ['stopConnectRetry', 'stopDelayOpen', 'sendOpen', ...ANSWER_OPEN];

const STAYS_STOPPED = 'what was stopped must not start again when its idle hold timer expires';
const NEVER_DIALS =
  'who never dials has no ConnectRetryTimer, and an accepted connection, whose FSM starts so, clears no count';
const MOOT_TIMER = 'the letter restarts the ConnectRetryTimer on the way to Idle, where its end means nothing';
const NEED_NOT_WAIT = 'who only waits for the peer to come need not wait to do so: the peer damps itself';
const ONE_LISTENER = 'we listen in every state, so waiting in Active is waiting in Idle, with one timer less';
const NO_NOTIFICATION_BACK = 'a NOTIFICATION is never answered (6.4 over 8.2.2, which says 5/1)';
const NO_COLLISION =
  'an OPEN on this connection collides with none: each connection has an FSM, and they are compared when an OPEN comes on another (8.2.1; RFC 6608 4)';
const HEADER_FIRST = 'a header error is answered as one in every state (6.1 over 8.2.2, which says 5/3)';
const ANY_MESSAGE = 'any message shows that the peer lives, so ROUTE-REFRESH restarts the hold timer too';

const START = to('Connect', 'clearRetryCount', 'startConnectRetry', 'dial');
const REFUSE = to('Idle', 'close');

/** Connect and Active differ in what runs: a dial in the one, nothing or DelayOpen in both. */
const unopened = (here: 'Connect' | 'Active'): Partial<Record<FsmEvent, Cell>> => ({
  ...started(here),
  ManualStop: CLOSE_STOP,
  SilentStop: CLOSE_QUIETLY,
  PeerRestarted: CLOSE_QUIETLY,
  DelayOpenExpired: to('OpenSent', ...OPEN_NOW),
  TcpValid: to(here),
  TcpInvalid: to(here),
  TcpAcked: choice(to('OpenSent', ...OPEN_NOW), ['delayOpen', to(here, 'stopConnectRetry', 'startDelayOpen')]),
  TcpConfirmed: choice(to('OpenSent', ...OPEN_NOW), ['delayOpen', to(here, 'stopConnectRetry', 'startDelayOpen')]),
  DelayedOpen: to('OpenConfirm', ...LATE_OPEN),
  HeaderError: choice(CLOSE, ['notifyWithoutOpen', NOTIFY]),
  OpenError: choice(CLOSE, ['notifyWithoutOpen', NOTIFY]),
  NotificationVersionError: choice(CLOSE, ['delayOpenRunning', CLOSE_QUIETLY]),
});

/** The FSM of one connection: every state and event has a cell. RFC 4271 8.2.2 */
export const FSM: Readonly<Record<SessionState, Readonly<Record<FsmEvent, Cell>>>> = {
  Idle: state(to('Idle'), {
    ManualStart: START,
    AutomaticStart: START,
    ManualStartPassive: departing(NEVER_DIALS, to('Active', 'clearRetryCount')),
    AutomaticStartPassive: departing(NEVER_DIALS, to('Active')),
    AutomaticStartDamped: to('Idle', 'startIdleHold'),
    AutomaticStartDampedPassive: departing(NEED_NOT_WAIT, to('Active')),
    ManualStop: departing(STAYS_STOPPED, to('Idle', 'stopIdleHold')),
    AutomaticStop: departing(STAYS_STOPPED, to('Idle', 'stopIdleHold')),
    SilentStop: to('Idle', 'stopIdleHold'),
    IdleHoldExpired: choice(to('Connect', 'startConnectRetry', 'dial'), ['met', to('Idle')], ['passive', to('Active')]),
    TcpValid: REFUSE,
    TcpAcked: REFUSE,
    TcpConfirmed: REFUSE,
  }),
  Connect: state(CLOSE, {
    ...unopened('Connect'),
    ConnectRetryExpired: to('Connect', 'close', 'stopDelayOpen', 'startConnectRetry', 'dial'),
    TcpFailed: choice(departing(ONE_LISTENER, to('Active', 'startConnectRetry')), [
      'delayOpenRunning',
      to('Active', 'stopDelayOpen', 'startConnectRetry'),
    ]),
  }),
  Active: state(CLOSE, {
    ...unopened('Active'),
    ManualStop: choice(CLOSE_STOP, ['notifyWithoutOpen', NOTIFY_STOP]),
    ConnectRetryExpired: to('Connect', 'startConnectRetry', 'dial'),
    TcpFailed: departing(MOOT_TIMER, CLOSE),
  }),
  OpenSent: state(UNEXPECTED, {
    ...started('OpenSent'),
    ...secondConnection('OpenSent'),
    ManualStop: NOTIFY_STOP,
    AutomaticStop: NOTIFY,
    SilentStop: CLOSE_QUIETLY,
    PeerRestarted: CLOSE_QUIETLY,
    HoldExpired: NOTIFY,
    TcpFailed: to('Active', 'close', 'stopTimers', 'startConnectRetry'),
    Open: to('OpenConfirm', 'stopDelayOpen', 'stopConnectRetry', ...ANSWER_OPEN),
    HeaderError: NOTIFY,
    OpenError: NOTIFY,
    CollisionDump: NOTIFY,
    NotificationVersionError: CLOSE_QUIETLY,
    Notification: departing(NO_NOTIFICATION_BACK, CLOSE),
  }),
  OpenConfirm: state(UNEXPECTED, {
    ...started('OpenConfirm'),
    ...secondConnection('OpenConfirm'),
    ManualStop: NOTIFY_STOP,
    AutomaticStop: NOTIFY,
    SilentStop: CLOSE_QUIETLY,
    PeerRestarted: CLOSE_QUIETLY,
    HoldExpired: NOTIFY,
    KeepaliveExpired: to('OpenConfirm', 'sendKeepalive', 'startKeepalive'),
    TcpFailed: CLOSE,
    Open: departing(NO_COLLISION, UNEXPECTED),
    HeaderError: NOTIFY,
    OpenError: NOTIFY,
    CollisionDump: NOTIFY,
    NotificationVersionError: CLOSE_QUIETLY,
    Notification: CLOSE,
    Keepalive: to('Established', 'restartHold', 'startSendHold', 'establish'),
  }),
  Established: state(UNEXPECTED, {
    ...started('Established'),
    ...secondConnection('Established'),
    ManualStop: NOTIFY_STOP,
    AutomaticStop: NOTIFY,
    SilentStop: CLOSE_QUIETLY,
    PeerRestarted: CLOSE_QUIETLY,
    HoldExpired: NOTIFY,
    KeepaliveExpired: to('Established', 'sendKeepalive', 'startKeepalive'),
    SendHoldExpired: CLOSE,
    TcpFailed: CLOSE,
    Open: departing(NO_COLLISION, UNEXPECTED),
    HeaderError: departing(HEADER_FIRST, NOTIFY),
    CollisionDump: NOTIFY,
    NotificationVersionError: CLOSE,
    Notification: CLOSE,
    Keepalive: to('Established', 'restartHold'),
    Update: to('Established', 'restartHold', 'deliver'),
    UpdateError: NOTIFY,
    RouteRefresh: departing(ANY_MESSAGE, to('Established', 'restartHold', 'deliver')),
    RouteRefreshError: NOTIFY, // RFC 7313 5
  }),
};

/** One transition. The answer is a row of the table, or a branch of it: nothing is allocated. */
export function step(from: SessionState, event: FsmEvent, holds: (condition: FsmCondition) => boolean): Transition {
  const cell = FSM[from][event];
  if (cell.branches === undefined) return cell;
  for (const [condition, branch] of cell.branches) if (holds(condition)) return branch;
  return cell;
}
