/** Path attributes as values. Pure: types. RFC 4271 4.3 and 5; the codec is attributes.ts. */
import type { Ipv4 } from '../../base/ipv4.ts';

export type Origin = 'igp' | 'egp' | 'incomplete';

/** RFC 4271 4.3 b. Confederation segments (RFC 5065) are rows to come. */
export interface AsSegment {
  readonly type: 'sequence' | 'set';
  readonly asns: readonly number[];
}

export interface RawAttribute {
  readonly type: number;
  readonly flags: number;
  readonly value: Uint8Array;
}

/** One attribute set, shared by all its routes and never changed. Absent attributes are absent. */
export interface PathAttributes {
  readonly origin: Origin;
  readonly asPath: readonly AsSegment[];
  readonly nextHop: Ipv4;
  readonly med?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: true;
  readonly aggregator?: { readonly asn: number; readonly address: Ipv4 };
  /** RFC 1997, host order */
  readonly communities?: readonly number[];
  readonly originatorId?: Ipv4;
  readonly clusterList?: readonly Ipv4[];
  /** Optional transitive attributes we do not know: forwarded with the partial bit. RFC 4271 9 */
  readonly unknown?: readonly RawAttribute[];
}
