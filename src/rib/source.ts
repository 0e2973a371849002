/** Who paths come from, with the counts that views ask for. Pure. */
import type { Policy } from '../policy/policy.ts';
import type { PathSource } from './feed.ts';

/** A peer as the tables need to know it. */
export interface SourceSpec {
  readonly name: string;
  readonly kind: 'ibgp' | 'ebgp';
  readonly address: number;
  /** Our AS number towards this peer: in its AS_PATHs it is a loop. RFC 4271 9.1.2 */
  readonly localAsn: number;
  /** Absent: accept all. */
  readonly importPolicy?: Policy;
  /** More prefixes than this end the session: Cease/1 (RFC 4486). Absent: 2,000,000, twice the Internet's table. */
  readonly maxPrefixes?: number;
}

/** The row behind a PathSource. Only the tables change it. */
export class Source implements PathSource {
  readonly id: number;
  readonly name: string;
  readonly kind: PathSource['kind'];
  readonly address: number;
  readonly localAsn: number;
  readonly importPolicy: Policy | undefined;
  readonly maxPrefixes: number;
  bgpIdentifier = 0;
  /** A path with an older epoch is stale: marking a whole peer stale is one addition. */
  epoch = 0;
  received = 0;
  used = 0;
  rejected = 0;
  stale = 0;

  constructor(id: number, spec: Omit<SourceSpec, 'kind'> & { readonly kind: PathSource['kind'] }) {
    this.id = id;
    this.name = spec.name;
    this.kind = spec.kind;
    this.address = spec.address;
    this.localAsn = spec.localAsn;
    this.importPolicy = spec.importPolicy;
    this.maxPrefixes = spec.maxPrefixes ?? 2_000_000;
  }
}
