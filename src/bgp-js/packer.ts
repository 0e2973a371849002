/** UPDATE messages of at most 4096 octets out of many prefixes. Pure. RFC 4271 4.3; End-of-RIB RFC 4724 2.
 *  Prefixes are given as prefixKey() numbers (base/prefix.ts): no object per prefix. */

/** The 23 octets that end the initial routes of IPv4 unicast. */
export declare const END_OF_RIB: Uint8Array;

/** Whole messages, one behind the other, ready for BgpSession.send. Empty for no prefixes. */
export declare function packWithdrawals(keys: readonly number[]): Uint8Array;

/** The same attributes for all prefixes; `attributes` as from encodeAttributes. */
export declare function packAnnouncements(attributes: Uint8Array, keys: readonly number[]): Uint8Array;
