/** What the library offers. */
export { formatIpv4, type Ipv4, ipv4, parseIpv4 } from '../base/ipv4.ts';
export { formatPrefix, type Prefix, parsePrefix, prefix, prefixKey, prefixOfKey } from '../base/prefix.ts';
export { asPathContains, asPathLength, firstAsn, formatAsPath, prependAsn } from './as-path.ts';
export type * from './attribute-types.ts';
export type { AttributeFault, AttributeParams, DecodedAttributes, Disposition } from './attributes.ts';
export { decodeAttributes, encodeAttributes } from './attributes.ts';
export type { Capabilities, Family, GracefulRestartCapability } from './capabilities.ts';
export { type BgpError, bgpError, type ErrorCode, type ErrorSubcode } from './error.ts';
export { frameError, frameLength } from './framer.ts';
export { KEEPALIVE_MESSAGE, MAX_MESSAGE_LENGTH, ROUTE_REFRESH_MESSAGE } from './message.ts';
export { negotiate, ourOpen } from './negotiate.ts';
export {
  decodeNotification,
  encodeNotification,
  hardReset,
  notificationName,
  shutdown,
  shutdownText,
  unwrapHardReset,
} from './notification.ts';
export { decodeOpen, encodeOpen, type OpenMessage } from './open.ts';
export { END_OF_RIB, MAX_ATTRIBUTES_LENGTH, packAnnouncements, packWithdrawals } from './packer.ts';
export { BgpSession } from './session.ts';
export type * from './session-types.ts';
export { type BgpListener, type ListenOptions, listenBgp, nodePorts, tcpTransport } from './transport.ts';
export { forEachPrefix, splitUpdate } from './update.ts';
