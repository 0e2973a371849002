/** The events of the FSM. Pure: types and a table. RFC 4271 8.1, RFC 9687 3.1. */
import { KEEPALIVE, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from '../wire/message.ts';

/** Our name for each event, its number in the RFC, and what raises it. Where that is a dash the table has an answer, but
 *  nothing here asks: node:net shows a connection only when its handshake is done (TrackTcpState is off), and the listener
 *  closes strangers before there is an FSM. */
export const FSM_EVENTS = {
  ManualStart: ['1', 'start()'],
  ManualStop: ['2', 'stop()'],
  AutomaticStart: ['3', '-'],
  ManualStartPassive: ['4', 'start() of a passive session'],
  AutomaticStartPassive: ['5', 'a connection was accepted; a passive session goes on'],
  AutomaticStartDamped: ['6', 'the last connection ended; start() that lets the peer go first'],
  AutomaticStartDampedPassive: ['7', '-'],
  AutomaticStop: ['8', 'reset(), a queue that overflows'],
  ConnectRetryExpired: ['9', 'timer'],
  HoldExpired: ['10', 'timer'],
  KeepaliveExpired: ['11', 'timer'],
  DelayOpenExpired: ['12', 'timer'],
  IdleHoldExpired: ['13', 'timer'],
  TcpValid: ['14', '-'],
  TcpInvalid: ['15', '-'],
  TcpAcked: ['16', 'our dial was answered'],
  TcpConfirmed: ['17', 'accept()'],
  TcpFailed: ['18', 'a dial failed, or a connection closed'],
  Open: ['19', 'a good OPEN'],
  /** While the DelayOpenTimer runs. */
  DelayedOpen: ['20', 'a good OPEN in front of ours'],
  HeaderError: ['21', 'the framer'],
  OpenError: ['22', 'a bad OPEN, or one that does not go with our configuration'],
  CollisionDump: ['23', 'another connection to the peer lives'],
  NotificationVersionError: ['24', 'NOTIFICATION 2/1'],
  Notification: ['25', 'any other NOTIFICATION'],
  Keepalive: ['26', 'KEEPALIVE'],
  Update: ['27', 'UPDATE'],
  UpdateError: ['28', 'an UPDATE that ends the session'],
  SendHoldExpired: ['29', 'timer (RFC 9687)'],
  /** RFC 2918, RFC 7313 */
  RouteRefresh: ['none', 'ROUTE-REFRESH'],
  RouteRefreshError: ['none', 'a ROUTE-REFRESH of wrong length'],
  /** Our process ends and comes back: TCP closes, so that the peer keeps our routes. RFC 4724 */
  SilentStop: ['none', 'stop() for a restart; a connection that nobody needs'],
  /** The peer has opened a new connection: it restarted and this one is dead. RFC 4724 4.2 */
  PeerRestarted: ['none', 'a good OPEN on another connection'],
} as const satisfies Record<string, readonly [string, string]>;

/** An event of the FSM, by its name in FSM_EVENTS. RFC 4271 8.1 */
export type FsmEvent = keyof typeof FSM_EVENTS;

/** The type of the message that an event is about. RFC 4271 4.1 */
export const MESSAGE_TYPES: Readonly<Partial<Record<FsmEvent, number>>> = {
  Open: OPEN,
  DelayedOpen: OPEN,
  OpenError: OPEN,
  Update: UPDATE,
  UpdateError: UPDATE,
  Notification: NOTIFICATION,
  NotificationVersionError: NOTIFICATION,
  Keepalive: KEEPALIVE,
  RouteRefresh: ROUTE_REFRESH,
  RouteRefreshError: ROUTE_REFRESH,
};
