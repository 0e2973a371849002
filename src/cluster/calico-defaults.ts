/** What Calico's nodes tell each other, a reflector and the fabric, as a policy. Pure: data out of pools and blocks. In Calico's
 *  order (its BIRD templates): what a pool withholds, what a block stands for, our own, what lies in a pool; nothing else.
 *
 *    disableBGPExport   10.50.0.0/16 le 32          reject    the pool says so
 *    own-block          10.244.1.0/26               accept    the block stands for its pods
 *    elevated           10.244.1.0/26 ge 27         accept    with a priority better than an ordinary route's (live migration)
 *    aggregated         10.244.1.0/26 ge 27         reject    a pod's address, which the block says already
 *    own                local routes                accept    services, and what the file originates
 *    pool               10.244.0.0/16 le 32         accept    learned: on to the fabric, by a reflector to its clients
 *    (otherwise)                                    reject
 *
 *  A /32 that this node borrowed from another's block is in no own block, and goes out by `pool`. Whom learned routes are told
 *  at all (never iBGP to iBGP without a reflector) is not policy's question. */
import type { IpPrefix } from '../base/ip.ts';
import { addressBits, formatIpPrefix } from '../base/ip.ts';
import type { Policy, PrefixMatch, Rule } from '../model/policy.ts';

export interface CalicoExport {
  /** With disableBGPExport, by name. */
  readonly silent: readonly { readonly name: string; readonly cidr: IpPrefix }[];
  /** All others. */
  readonly pools: readonly IpPrefix[];
  /** Of this node, confirmed. */
  readonly blocks: readonly IpPrefix[];
}

/** LOCAL_PREF of an ordinary route in a mesh, 2147483647 less 1024: what is above it is elevated. */
const NORMAL_LOCAL_PREF = 2147482623;

const orLonger = (p: IpPrefix): PrefixMatch => ({ ...p, le: addressBits(p.address) });
const longer = (p: IpPrefix): PrefixMatch => ({ ...p, ge: p.length + 1, le: addressBits(p.address) });
const isHost = (p: IpPrefix): boolean => p.length === addressBits(p.address);

export function calicoExport({ silent, pools, blocks }: CalicoExport): Policy {
  const inside = blocks.filter((block) => !isHost(block)).map(longer);
  const rules: Rule[] = silent.map(({ name, cidr }) => ({
    name: `disableBGPExport ${name}`,
    match: { prefixes: [orLonger(cidr)] },
    action: 'reject',
    because: { code: 'BGP_EXPORT_DISABLED', text: `ippools "${name}" has disableBGPExport` },
  }));
  if (blocks.length > 0) rules.push({ name: 'own-block', match: { prefixes: blocks }, action: 'accept' });
  if (inside.length > 0)
    rules.push(
      { name: 'elevated', match: { prefixes: inside, localPref: { from: NORMAL_LOCAL_PREF + 1 } }, action: 'accept' },
      {
        name: 'aggregated',
        match: { prefixes: inside },
        action: 'reject',
        because: { code: 'AGGREGATED', text: 'the block of this node that it lies in is announced in its place' },
      },
    );
  rules.push({ name: 'own', match: { sources: ['local'] }, action: 'accept' });
  if (pools.length > 0) rules.push({ name: 'pool', match: { prefixes: pools.map(orLonger) }, action: 'accept' });
  return {
    name: 'calico-defaults',
    rules,
    otherwise: 'reject',
    because: {
      code: 'OUTSIDE_POOLS',
      text: `not ours, and in no pool that is announced (${pools.map(formatIpPrefix).join(', ') || 'there is none'})`,
    },
  };
}
