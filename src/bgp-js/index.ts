/** What the library offers. README.md says it by task. */

// Addresses and prefixes
export {
  compareIp,
  formatIp,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  ipPrefix,
  isIpv6,
  parseIp,
  parseIpPrefix,
} from '../base/ip.ts';
export { formatIpv4, type Ipv4, ipv4, parseIpv4 } from '../base/ipv4.ts';
export { formatIpv6, type Ipv6, ipv6, parseIpv6, readIpv6, writeIpv6 } from '../base/ipv6.ts';
export type { Clock, Random, Timers } from '../base/ports.ts';
export { formatPrefix, type Prefix, parsePrefix, prefix, prefixKey, prefixOfKey } from '../base/prefix.ts';
export { err, ok, type Result } from '../base/result.ts';
// Path attributes
export {
  asPathContains,
  asPathLength,
  firstAsn,
  formatAsPath,
  leftmostAsn,
  prependAsn,
  prependMemberAsn,
  withoutConfederation,
} from './attributes/as-path.ts';
export type { AttributeParams } from './attributes/attribute-params.ts';
export type * from './attributes/attribute-types.ts';
export { type DecodedAttributes, decodeAttributes, encodeAttributes } from './attributes/attributes.ts';
export * from './attributes/communities.ts';
export type { AttributeFault, Disposition, FaultAction } from './attributes/faults.ts';
export { type OtcVerdict, otcEgress, otcIngress } from './attributes/only-to-customer.ts';
export {
  ebgpRewrite,
  nextHopRewrite,
  type Rewrite,
  rewriteAttributes,
} from './attributes/rewrite.ts';
// Messages as JSON and as text
export type * from './json/json-types.ts';
export { messageJson } from './json/message-json.ts';
export { messageText } from './json/message-text.ts';
// Messages as values
export { type DecodedMessage, decodeMessage, encodeMessage, type Message } from './message.ts';
// The session
export { type Cell, FSM, FSM_EVENTS, type FsmEvent, SESSION_STATES, step, type Transition } from './session/fsm.ts';
export { type Negotiated, negotiate, ourOpen } from './session/negotiate.ts';
export { BgpSession } from './session/session.ts';
export { sessionListener } from './session/session-listener.ts';
export type * from './session/session-types.ts';
export { updateContext } from './session/update-context.ts';
// TCP
export { HALF_OPEN_LIMITS, type HalfOpenLimits } from './transport/half-open.ts';
export {
  type BgpListener,
  type ListenAddress,
  ListenError,
  type ListenOptions,
  listenBgp,
} from './transport/listen.ts';
export { Reassembly } from './transport/reassembly.ts';
export type { Admission, ListenerCounters, ReceptionOptions, Refusal } from './transport/reception.ts';
export { type DirectSend, nodePorts, tcpTransport, tcpTransportWith } from './transport/transport.ts';
// UPDATE
export { decodeUpdate, readUpdate } from './update/decode-update.ts';
export { encodeUpdate, endOfRib } from './update/encode-update.ts';
export { forEachNlri, type VisitNlri } from './update/nlri.ts';
export { nlriOf, readNlri } from './update/nlri-value.ts';
export { NlriWriter, type NlriWriterOptions } from './update/nlri-writer.ts';
export { END_OF_RIB, MAX_ATTRIBUTES_LENGTH, packAnnouncements, packWithdrawals } from './update/packer.ts';
export { endOfRibFamily, forEachPrefix, ReusableUpdate, splitUpdate } from './update/update.ts';
export { PLAIN_CONTEXT, type UpdateContext } from './update/update-context.ts';
export type { UpdateFrame } from './update/update-frame.ts';
export type * from './update/update-types.ts';
export { UpdateWriter } from './update/update-writer.ts';
// The other messages
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
export * from './wire/notification-codes.ts';
export { decodeOpen, encodeOpen, type OpenMessage } from './wire/open.ts';
export { type BgpRole, ROLES } from './wire/role.ts';
export { decodeRouteRefresh, encodeRouteRefresh, type RouteRefresh } from './wire/route-refresh.ts';
