/** What differs between two configurations of a peer, and what that costs. Pure. A new setting is a new row of COST. */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { AddPathConfig, PeerConfig } from '../model/peer.ts';
import { peerKey } from './peer-key.ts';

/** nothing: only what views print, what is changed under the session (the TCP MD5 key, BFD). resend: the peer is sent its
 *  routes anew. rejudge: what it sent is judged anew, and it is sent its routes anew. reset: the session ends and comes back. */
export type Cost = 'nothing' | 'resend' | 'rejudge' | 'reset';

const DEAREST: readonly Cost[] = ['reset', 'rejudge', 'resend'];

type CostOf<T> = Cost | ((before: T, after: T) => Cost);

const COST: { readonly [K in keyof Required<PeerConfig>]: CostOf<PeerConfig[K]> } = {
  name: 'reset', // never differs: peers are matched by it
  kind: 'nothing',
  configuredBy: 'nothing',
  address: 'reset',
  port: 'reset',
  asn: 'reset',
  localAsn: 'reset',
  localAddress: 'reset',
  interface: 'reset',
  ttlSecurity: 'reset',
  ttl: 'reset',
  passive: 'reset',
  password: 'nothing',
  holdTimeSec: 'reset', // agreed in OPEN, as graceful restart is
  keepaliveSec: 'reset',
  connectRetrySec: 'reset',
  gracefulRestart: 'reset',
  localPref: 'resend',
  nextHop: 'resend',
  transit: 'resend',
  transitWithin: 'resend',
  importPolicy: 'rejudge',
  exportPolicy: 'resend',
  localAs: 'rejudge',
  otherLocalAddress: 'resend',
  multihop: 'reset',
  families: 'reset',
  addPath: addPathCost,
  extendedMessages: 'reset',
  longLivedGracefulRestart: 'reset',
  client: 'rejudge',
  clusterId: 'resend',
  allowOwnAs: 'rejudge',
  removePrivateAs: 'resend',
  maxPrefixes: 'rejudge',
  thirdPartyNextHop: 'resend',
  extendedNextHop: 'reset',
  med: 'resend',
  withhold: 'resend',
  gracefulShutdown: 'resend',
  sendBlackhole: 'resend',
  role: 'reset',
  strictRole: 'reset',
  bfd: 'nothing',
};

/** Which way paths go is a capability of the OPEN (RFC 7911 4); of how many we send the peer knows nothing. */
function addPathCost(before: AddPathConfig | undefined, after: AddPathConfig | undefined): Cost {
  const [from, to] = [before ?? NEITHER, after ?? NEITHER];
  return from.receive !== to.receive || from.send !== to.send ? 'reset' : 'resend';
}
const NEITHER = { receive: false, send: false };

export interface ChangedPeer {
  readonly name: string;
  /** The settings that differ. */
  readonly fields: readonly string[];
  readonly cost: Cost;
  /** The session ends and comes back. */
  readonly needsReset: boolean;
  /** Those of `fields` for which it does. */
  readonly resetBy: readonly string[];
}

/** A configuration that cannot be followed beside the others. */
export interface RefusedPeer {
  readonly name: string;
  readonly reason: Reason;
}

export interface ApplyReport {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ChangedPeer[];
  readonly refused: readonly RefusedPeer[];
}

const KEYS = Object.keys(COST) as readonly (keyof PeerConfig)[];

export function compareConfigs(before: PeerConfig, after: PeerConfig): ChangedPeer | undefined {
  const fields = KEYS.filter((key) => !sameValue(before[key], after[key]));
  if (fields.length === 0) return undefined;
  const costs = fields.map((key) => costOf(key, before, after));
  const cost = DEAREST.find((c) => costs.includes(c)) ?? 'nothing';
  const resetBy = fields.filter((_, i) => costs[i] === 'reset');
  return { name: after.name, fields, cost, needsReset: cost === 'reset', resetBy };
}

function costOf<K extends keyof PeerConfig>(key: K, before: PeerConfig, after: PeerConfig): Cost {
  const cost: CostOf<PeerConfig[K]> = COST[key];
  return typeof cost === 'function' ? cost(before[key], after[key]) : cost;
}

/** Plain data: scalars, arrays, objects. Shared parts, as a policy is of a thousand peers, cost nothing. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [before, after] = [Object.entries(a), Object.entries(b)];
  const others = b as Readonly<Record<string, unknown>>;
  return before.length === after.length && before.every(([key, value]) => sameValue(value, others[key]));
}

/** The configurations to follow, and those that name a peer or an address a second time: the first one counts. */
export function admit(configs: readonly PeerConfig[]): { wanted: Map<string, PeerConfig>; refused: RefusedPeer[] } {
  const wanted = new Map<string, PeerConfig>();
  const byAddress = new Map<IpAddress | string, PeerConfig>();
  const refused: RefusedPeer[] = [];
  for (const config of configs) {
    const key = peerKey(config.address, config.interface);
    const first = wanted.get(config.name) ?? byAddress.get(key);
    if (first === undefined) {
      wanted.set(config.name, config);
      byAddress.set(key, config);
      continue;
    }
    const text = `${config.configuredBy} and ${first.configuredBy} have the same ${first.name === config.name ? 'name' : 'address'}; the latter is followed`;
    refused.push({ name: config.name, reason: { code: 'DUPLICATE_PEER', text } });
  }
  return { wanted, refused };
}
