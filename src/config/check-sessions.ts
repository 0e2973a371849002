/** What contradicts itself within one neighbor or range of neighbors: what the session of both is made of. Pure. A new check
 *  is a row of SESSION_CHECKS and looks only at what was read without a fault. */
import { formatIpPrefix, prefixHolds } from '../base/ip.ts';
import type { AsnRange } from '../model/peer.ts';
import { type Checked, type DynamicValues, MULTICAST, type NeighborValues } from './checked.ts';
import { NODE_SETTINGS } from './settings.ts';

type SessionValues = NeighborValues | DynamicValues;
interface SessionChecked extends Checked {
  readonly values: SessionValues;
  /** Settings of both kinds, which the union of their tables cannot be asked for. */
  readonly n: Pick<NeighborValues, 'get' | 'mentions' | 'each'>;
  /** Ours towards it. */
  readonly localAsn: number;
  /** Empty: not known. */
  readonly asns: readonly AsnRange[];
}
type SessionCheck = (c: SessionChecked) => void;

const hops: SessionCheck = ({ n, values, fault }) => {
  if (n.mentions('ttl') && n.mentions('ttlSecurity'))
    fault(values, 'ttl', undefined, 'is 255 with ttlSecurity (RFC 5082 3)', 'Remove one of the two.');
  for (const other of ['ttl', 'ttlSecurity'] as const)
    if (n.mentions('multihop') && n.mentions(other))
      fault(
        values,
        'multihop',
        undefined,
        `says how far the neighbor is, and so does ${other}`,
        'Keep one of the two.',
      );
  if (n.mentions('multihop') && n.mentions('bfd') && n.get('bfd') !== false)
    fault(
      values,
      'bfd',
      undefined,
      'watches a link (RFC 5881), and with multihop the neighbor is on none of ours',
      'Remove bfd or multihop.',
    );
};

const families: SessionCheck = ({ n, values, fault }) => {
  if (n.get('families')?.length === 0)
    fault(values, 'families', '[]', 'is empty', "Write [ipv4-unicast], or leave the line out for the node's.");
};

const localAs: SessionCheck = ({ n, values, fault }) => {
  if (
    n.mentions('localAs') &&
    !n.mentions('localAs.asn') &&
    (n.mentions('localAs.noPrepend') || n.mentions('localAs.replaceAs'))
  )
    fault(values, 'localAs.asn', undefined, 'is missing', 'Write the AS number that this neighbor is to see.');
};

/** What has a meaning on one side of the border only. */
const border: SessionCheck = ({ n, values, localAsn, asns, fault }) => {
  if (asns.length === 0) return;
  const external = asns.every(({ from, to }) => localAsn < from || localAsn > to);
  const internal = asns.every(({ from, to }) => from === localAsn && to === localAsn);
  if (n.get('routeReflectorClient') === true && external)
    fault(
      values,
      'routeReflectorClient',
      'true',
      'is for iBGP (RFC 4456), and this is another AS than ours',
      'Remove it, or correct asn.',
    );
  for (const path of ['removePrivateAs', 'role', 'localAs'] as const)
    if (internal && n.mentions(path) && n.get(path) !== 'off')
      fault(values, path, undefined, 'is for eBGP, and this is our own AS', 'Remove it, or correct asn.');
  for (const path of ['thirdPartyNextHop', 'sendBlackhole'] as const)
    if (internal && n.get(path) === true)
      fault(values, path, 'true', 'is for eBGP, and this is our own AS', 'Remove it, or correct asn.');
  if (n.get('strictRole') === true && !n.mentions('role'))
    fault(values, 'strictRole', 'true', 'has no meaning without role', 'Add role: what we are to the neighbor.');
};

const withoutUse: SessionCheck = ({ n, values, fault }) => {
  if (n.mentions('addPath.max') && n.get('addPath.send') !== true)
    fault(values, 'addPath.max', undefined, 'has no meaning without addPath.send', 'Add send: true, or remove it.');
  if (n.get('extendedNextHop') === true && n.get('families')?.includes('ipv4-unicast') === false)
    fault(
      values,
      'extendedNextHop',
      'true',
      'is about IPv4 routes (RFC 8950), and families has none',
      'Add ipv4-unicast to families, or remove it.',
    );
  const mode = n.get('nextHop') ?? 'auto';
  if (n.get('thirdPartyNextHop') === true && mode !== 'auto')
    fault(
      values,
      'thirdPartyNextHop',
      'true',
      `has no meaning with nextHop ${mode}, which says it for all routes`,
      'Keep one of the two.',
    );
  const action = n.get('maxPrefixes.action');
  if (n.mentions('maxPrefixes.restart') && action !== undefined && action !== 'idle')
    fault(
      values,
      'maxPrefixes.restart',
      undefined,
      `has no meaning with action ${action}, which leaves the session up`,
      'Remove it, or write action: idle.',
    );
  if (n.mentions('longLivedGracefulRestart') && n.get('gracefulRestart') === false)
    fault(
      values,
      'longLivedGracefulRestart',
      undefined,
      'needs gracefulRestart (RFC 9494 3.1)',
      'Remove gracefulRestart: false, or this line.',
    );
};

const noPolicy = ({ policyNames }: Pick<Checked, 'policyNames'>): readonly [text: string, remedy: string] => [
  'is no policy of this file',
  `Write one of: ${[...policyNames].join(', ')}.`,
];

/** The policies are read by name, once. */
const policies: SessionCheck = ({ n, values, policyNames, fault }) => {
  for (const path of ['import', 'export'] as const) {
    for (const [, name] of n.each(path))
      if (!policyNames.has(name)) fault(values, path, name, ...noPolicy({ policyNames }));
  }
};

const SESSION_CHECKS: readonly SessionCheck[] = [hops, families, localAs, border, withoutUse, policies];

export const sessions = (checked: Checked): void => {
  for (const path of ['cluster.meshImport', 'cluster.meshExport'] as const)
    for (const [, name] of checked.node.each(path))
      if (!checked.policyNames.has(name)) checked.fault(checked.node, path, name, ...noPolicy(checked));
  const { node, neighbors, dynamic } = checked;
  const ours = node.get('asn') ?? NODE_SETTINGS.asn.default;
  const check = (values: SessionValues, asns: readonly AsnRange[]): void => {
    const n = values as SessionChecked['n'];
    const localAsn = n.get('localAs') ?? n.get('localAs.asn') ?? ours;
    const about = { ...checked, values, n, localAsn, asns };
    for (const one of SESSION_CHECKS) one(about);
  };
  for (const n of neighbors) check(n, asnsOf(n.get('asn')));
  for (const d of dynamic) check(d, d.get('asns') ?? asnsOf(d.get('asn')));
};
const asnsOf = (asn: number | undefined): readonly AsnRange[] => (asn === undefined ? [] : [{ from: asn, to: asn }]);

const MOST_RANGES = 256;

export const ranges = ({ dynamic, fault }: Checked): void => {
  const first = new Map<string, string>();
  for (const [i, d] of dynamic.entries()) {
    if (i === MOST_RANGES)
      fault(d, '', undefined, `is one of more than ${MOST_RANGES} ranges`, 'Write shorter prefixes.');
    const prefix = d.get('prefix');
    if (!d.mentions('prefix'))
      fault(d, 'prefix', undefined, 'is missing', 'Write the addresses that neighbors may come from, as 10.9.0.0/24.');
    if (!d.mentions('asn') && !d.mentions('asns'))
      fault(d, 'asn', undefined, 'is missing', "Write the neighbors' AS number, or asns: [64512-64999].");
    if (d.mentions('asn') && d.mentions('asns'))
      fault(d, 'asns', undefined, 'says what asn says too', 'Keep one of the two.');
    if (d.mentions('asns') && d.each('asns').length === 0 && d.get('asns')?.length === 0)
      fault(d, 'asns', '[]', 'is empty', 'Write AS numbers, as [64512-64999].');
    if (prefix === undefined) continue;
    const text = formatIpPrefix(prefix);
    if (MULTICAST.some((m) => prefix.length >= m.length && prefixHolds(m, prefix.address)))
      fault(d, 'prefix', text, 'holds no unicast address', 'Write the prefix of hosts.');
    const other = first.get(text);
    if (other !== undefined) fault(d, 'prefix', text, `is ${other}'s prefix too`, 'Remove one of the two.');
    else first.set(text, d.prefix.slice(0, -1));
  }
};
