/** What the library offers. */
export type * from './attribute-types.ts';
export type { AttributeFault, AttributeParams, DecodedAttributes, Disposition } from './attributes.ts';
export { decodeAttributes, encodeAttributes } from './attributes.ts';
export { type BgpError, bgpError, type ErrorCode, type ErrorSubcode } from './error.ts';
export { END_OF_RIB, packAnnouncements, packWithdrawals } from './packer.ts';
export { BgpSession } from './session.ts';
export type * from './session-types.ts';
export { type BgpListener, type ListenOptions, listenBgp, tcpTransport } from './transport.ts';
export { forEachPrefix, splitUpdate } from './update.ts';
