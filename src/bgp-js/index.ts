/** What the library offers. */
export { formatIpv4, type Ipv4, ipv4, parseIpv4 } from '../base/ipv4.ts';
export { formatPrefix, type Prefix, parsePrefix, prefix, prefixKey, prefixOfKey } from '../base/prefix.ts';
export { asPathContains, asPathLength, firstAsn, formatAsPath, prependAsn } from './attributes/as-path.ts';
export type * from './attributes/attribute-types.ts';
export type { AttributeFault, AttributeParams, DecodedAttributes, Disposition } from './attributes/attributes.ts';
export { decodeAttributes, encodeAttributes } from './attributes/attributes.ts';
export { type DecodedMessage, decodeMessage, encodeMessage, type Message } from './message.ts';
export { FSM, FSM_EVENTS, type FsmEvent, SESSION_STATES } from './session/fsm.ts';
export { type Negotiated, negotiate, ourOpen } from './session/negotiate.ts';
export { BgpSession } from './session/session.ts';
export type * from './session/session-types.ts';
export { updateContext } from './session/update-context.ts';
export { type BgpListener, type ListenOptions, listenBgp, nodePorts, tcpTransport } from './transport/transport.ts';
export { END_OF_RIB, MAX_ATTRIBUTES_LENGTH, packAnnouncements, packWithdrawals } from './update/packer.ts';
export { forEachPrefix, splitUpdate } from './update/update.ts';
export type { UpdateFrame } from './update/update-frame.ts';
export { capabilityName, decodeCapabilities, encodeCapabilities } from './wire/capabilities.ts';
export type * from './wire/capability-types.ts';
export { type BgpError, bgpError, type ErrorCode, type ErrorSubcode } from './wire/error.ts';
export * from './wire/family.ts';
export { frameError, frameLength } from './wire/framer.ts';
export {
  EXTENDED_MESSAGE_LENGTH,
  KEEPALIVE_MESSAGE,
  MAX_MESSAGE_LENGTH,
  ROUTE_REFRESH_MESSAGE,
} from './wire/message.ts';
export {
  administrativeReset,
  decodeNotification,
  encodeNotification,
  hardReset,
  maximumPrefixes,
  notificationName,
  shutdown,
  shutdownText,
  unwrapHardReset,
} from './wire/notification.ts';
export { decodeOpen, encodeOpen, type OpenMessage } from './wire/open.ts';
export { ROLES } from './wire/role.ts';
export { decodeRouteRefresh, encodeRouteRefresh, type RouteRefresh } from './wire/route-refresh.ts';
