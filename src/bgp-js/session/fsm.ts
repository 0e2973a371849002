/** The FSM of one connection as a table: every (state, event) has its cell. Pure. RFC 4271 8.1 and 8.2.2, RFC 6608, RFC 4724 4.2.
 *  conversation.ts performs the actions; test/unit/bgp-js/fsm.golden.md shows the table for review. */
import type { SessionState } from './session-types.ts';

/** Our name and the event numbers of RFC 4271 8.1 that it stands for. */
export const FSM_EVENTS = {
  Start: '1, 3, 13',
  PassiveStart: '4, 5',
  Stop: '2',
  Reset: '8',
  /** Our process ends and comes back: TCP closes, so that the peer keeps our routes. RFC 4724 */
  SilentStop: 'none',
  ConnectRetryExpired: '9',
  HoldExpired: '10',
  KeepaliveExpired: '11',
  TcpConnected: '16, 17',
  TcpFailed: '18',
  Open: '19',
  HeaderError: '21',
  OpenError: '22',
  CollisionDump: '23',
  NotificationVersionError: '24',
  Notification: '25',
  Keepalive: '26',
  Update: '27',
  UpdateError: '28',
  /** RFC 2918 */
  RouteRefresh: 'none',
  /** The peer has opened a new connection: it restarted and this one is dead. RFC 4724 4.2 */
  PeerRestarted: 'none',
} as const;
export type FsmEvent = keyof typeof FSM_EVENTS;

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
  | 'abandonDial'
  | 'startConnectRetry'
  | 'stopConnectRetry'
  | 'sendOpen'
  | 'startLargeHold' // 4 minutes, RFC 4271 8.2.2
  | 'startHold' // as agreed
  | 'restartHold'
  | 'sendKeepalive'
  | 'startKeepalive'
  | 'notify' // the event's error; half-close
  | 'notifyUnexpected' // 5/1, 5/2, 5/3 by state, RFC 6608
  | 'close' // TCP only
  | 'stopTimers'
  | 'establish' // report the session up
  | 'deliver'; // hand the message to the listener

export interface Transition {
  readonly next: SessionState;
  readonly actions: readonly FsmAction[];
  /** Why the cell departs from the letter of RFC 4271. */
  readonly departure?: string;
}

const to = (next: SessionState, ...actions: FsmAction[]): Transition => ({ next, actions });
const departing = (departure: string, t: Transition): Transition => ({ ...t, departure });

/** The state's answer for all events, with exceptions: "any other event" of RFC 4271 8.2.2. */
function state(other: Transition, cells: Partial<Record<FsmEvent, Transition>>): Record<FsmEvent, Transition> {
  const row = Object.fromEntries(Object.keys(FSM_EVENTS).map((event) => [event, other]));
  return { ...(row as Record<FsmEvent, Transition>), ...cells };
}

const NOTIFY = to('Idle', 'notify', 'stopTimers');
const UNEXPECTED = to('Idle', 'notifyUnexpected', 'stopTimers');
const CLOSE = to('Idle', 'close', 'stopTimers');
const ABANDON = to('Idle', 'abandonDial', 'stopTimers');

const NO_NOTIFICATION_BACK = 'a NOTIFICATION is never answered (6.4 over 8.2.2, which says 5/1)';
const ONE_LISTENER = 'we listen in every state, so waiting in Active is waiting in Idle, with one timer less';

export const FSM: Readonly<Record<SessionState, Readonly<Record<FsmEvent, Transition>>>> = {
  Idle: state(to('Idle'), {
    Start: to('Connect', 'startConnectRetry', 'dial'),
    PassiveStart: to('Active'),
    TcpConnected: to('Idle', 'close'),
  }),
  Connect: state(ABANDON, {
    Start: to('Connect'),
    PassiveStart: to('Connect'),
    ConnectRetryExpired: to('Connect', 'abandonDial', 'startConnectRetry', 'dial'),
    TcpConnected: to('OpenSent', 'stopConnectRetry', 'sendOpen', 'startLargeHold'),
    TcpFailed: departing(ONE_LISTENER, to('Active', 'startConnectRetry')),
  }),
  Active: state(to('Idle', 'stopTimers'), {
    Start: to('Active'),
    PassiveStart: to('Active'),
    ConnectRetryExpired: to('Connect', 'startConnectRetry', 'dial'),
    TcpConnected: to('OpenSent', 'stopConnectRetry', 'sendOpen', 'startLargeHold'),
  }),
  OpenSent: state(UNEXPECTED, {
    Start: to('OpenSent'),
    PassiveStart: to('OpenSent'),
    Stop: NOTIFY,
    Reset: NOTIFY,
    SilentStop: CLOSE,
    PeerRestarted: CLOSE,
    HoldExpired: NOTIFY,
    TcpConnected: to('OpenSent'),
    TcpFailed: to('Active', 'stopTimers', 'startConnectRetry'),
    Open: to('OpenConfirm', 'sendKeepalive', 'startKeepalive', 'startHold'),
    HeaderError: NOTIFY,
    OpenError: NOTIFY,
    CollisionDump: NOTIFY,
    NotificationVersionError: CLOSE,
    Notification: departing(NO_NOTIFICATION_BACK, CLOSE),
  }),
  OpenConfirm: state(UNEXPECTED, {
    Start: to('OpenConfirm'),
    PassiveStart: to('OpenConfirm'),
    Stop: NOTIFY,
    Reset: NOTIFY,
    SilentStop: CLOSE,
    PeerRestarted: CLOSE,
    HoldExpired: NOTIFY,
    KeepaliveExpired: to('OpenConfirm', 'sendKeepalive', 'startKeepalive'),
    TcpConnected: to('OpenConfirm'),
    TcpFailed: CLOSE,
    HeaderError: NOTIFY,
    OpenError: NOTIFY,
    CollisionDump: NOTIFY,
    NotificationVersionError: CLOSE,
    Notification: CLOSE,
    Keepalive: to('Established', 'restartHold', 'establish'),
  }),
  Established: state(UNEXPECTED, {
    Start: to('Established'),
    PassiveStart: to('Established'),
    Stop: NOTIFY,
    Reset: NOTIFY,
    SilentStop: CLOSE,
    PeerRestarted: CLOSE,
    HoldExpired: NOTIFY,
    KeepaliveExpired: to('Established', 'sendKeepalive', 'startKeepalive'),
    TcpConnected: to('Established'),
    TcpFailed: CLOSE,
    HeaderError: NOTIFY,
    OpenError: NOTIFY,
    CollisionDump: NOTIFY,
    NotificationVersionError: CLOSE,
    Notification: CLOSE,
    Keepalive: to('Established', 'restartHold'),
    Update: to('Established', 'restartHold', 'deliver'),
    UpdateError: NOTIFY,
    RouteRefresh: departing(
      'any message shows that the peer lives, so ROUTE-REFRESH restarts the hold timer too',
      to('Established', 'restartHold', 'deliver'),
    ),
  }),
};

/** One transition. The answer is a row of the table: nothing is allocated. */
export const step = (from: SessionState, event: FsmEvent): Transition => FSM[from][event];
