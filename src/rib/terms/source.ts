/** Who paths come from, with the counts that views ask for. Pure. */
import type { IpAddress } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import type { Policy } from '../../model/policy.ts';
import type { PathSource } from './feed.ts';

/** What happens at the limit: told of only; what is above it is left out; or the session ends, Cease/1 (RFC 4486). */
export interface MaxPrefixes {
  readonly limit: number;
  readonly action: 'warn' | 'drop' | 'idle';
  /** Told of once when so much of the limit is reached; default 75. */
  readonly warnPercent?: number;
}

/** What the peer is to us, as configured. RFC 9234 4 */
export type BgpRole = 'provider' | 'rs' | 'rs-client' | 'customer' | 'peer';

/** A peer as the tables need to know it. */
export interface SourceSpec {
  readonly name: string;
  readonly kind: 'ibgp' | 'ebgp';
  readonly address: IpAddress;
  /** Our AS number towards this peer: in its AS_PATHs it is a loop. RFC 4271 9.1.2 */
  readonly localAsn: number;
  readonly peerAsn: number;
  /** Absent: accept all. */
  readonly importPolicy?: Policy;
  /** So often our own AS may stand in a path of this peer; default 0. */
  readonly allowOwnAs?: number;
  /** Absent: 2,000,000 and the session ends, twice the Internet's table. */
  readonly maxPrefixes?: MaxPrefixes;
  /** We reflect its routes to all others, and all others' to it. RFC 4456 */
  readonly client?: boolean;
  /** `localAsn` is not this node's AS: both are loops, and unless `noPrepend` `localAsn` comes in front of what the peer sends.
   *  RFC 7705 3.3 */
  readonly localAs?: { readonly nodeAsn: number; readonly noPrepend: boolean };
  /** Our role towards it. */
  readonly role?: BgpRole;
  /** The device that its session is bound to: its link-local next hops are there. RFC 4007 6 */
  readonly link?: string;
}

const DEFAULT_MAX_PREFIXES: MaxPrefixes = { limit: 2_000_000, action: 'idle' };

type AnySpec = Omit<SourceSpec, 'kind'> & { readonly kind: PathSource['kind'] };

export const LOCAL: AnySpec = { name: 'local', kind: 'local', address: ipv4(0), localAsn: 0, peerAsn: 0 };

/** The row behind a PathSource. Only the tables change it. */
export class Source implements PathSource {
  readonly id: number;
  readonly isEbgp: boolean;
  spec: AnySpec;
  bgpIdentifier = 0;
  /** A path with an older epoch is stale: marking a whole peer stale is one addition. */
  epoch = 0;
  /** A path with this epoch or an older one is on its way out: see leaving.ts. */
  deadEpoch = -1;
  /** Its stale paths are kept beyond the restart time. RFC 9494 */
  longLived = false;
  received = 0;
  used = 0;
  rejected = 0;
  stale = 0;
  /** Announcements that maxPrefixes kept out, and how much of the limit was told of: prefix-limit.ts. */
  leftOut = 0;
  limitTold = 0;

  constructor(id: number, spec: AnySpec) {
    this.id = id;
    this.isEbgp = spec.kind === 'ebgp';
    this.spec = spec;
  }

  get name(): string {
    return this.spec.name;
  }
  get kind(): PathSource['kind'] {
    return this.spec.kind;
  }
  get address(): IpAddress {
    return this.spec.address;
  }
  get client(): boolean {
    return this.spec.client === true;
  }
  get localAsn(): number {
    return this.spec.localAsn;
  }
  get importPolicy(): Policy | undefined {
    return this.spec.importPolicy;
  }
  /** From so many prefixes on the limit is asked. */
  get mostPrefixes(): number {
    const { limit, warnPercent = 75 } = this.maxPrefixes;
    return Math.min(limit, Math.floor((limit * warnPercent) / 100) - 1);
  }
  get maxPrefixes(): MaxPrefixes {
    return this.spec.maxPrefixes ?? DEFAULT_MAX_PREFIXES;
  }
}
