/** The condition `interface` in the words that the tables understand. Pure. The device a route goes out by is the one whose
 *  subnet its next hop is on, so the condition is one on next hops, and what is worked out for a set of attributes stays worked
 *  out. When addresses come or go the policy is another value, and what it judged is judged anew like after any change of it.
 *
 *    interface "eth?"      eth0 10.0.0.0/24, eth1 10.9.0.0/16, br0 10.9.3.0/24
 *    nextHops              10.0.0.0/24, and of 10.9.0.0/16 what is not in 10.9.3.0/24
 *
 *  A next hop that is on no link of ours has no device here: which way it takes may change with every route. Link-local ones
 *  are on the link of the session that they came by. */
import { addressBits, type IpAddress, type IpPrefix, ipPrefix, prefixHolds } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import type { Policy, Rule } from '../model/policy.ts';
import { readsInterface } from './evaluate.ts';
import { matchesName } from './name-pattern.ts';

export interface LinkSubnet extends IpPrefix {
  readonly device: string;
}

export class DeviceNextHops {
  private readonly subnets: readonly LinkSubnet[];
  /** One object for each policy and device of a session: peers that share a policy go on sharing it. */
  private readonly made = new Map<string, WeakMap<Policy, Policy>>();

  constructor(subnets: readonly LinkSubnet[]) {
    this.subnets = subnets.filter((s) => s.length < addressBits(s.address));
  }

  /** `session`: the device it runs over, where that is fixed. The same object where the policy asks for no device. */
  bind(policy: Policy, session: string | undefined): Policy {
    if (!readsInterface(policy)) return policy;
    const key = session ?? '';
    const made = this.made.get(key) ?? new WeakMap<Policy, Policy>();
    this.made.set(key, made);
    const bound = made.get(policy) ?? { ...policy, rules: policy.rules.map((rule) => this.bindRule(rule, session)) };
    made.set(policy, bound);
    return bound;
  }

  private bindRule(rule: Rule, session: string | undefined): Rule {
    const { interface: pattern, ...match } = rule.match;
    if (pattern === undefined) return rule;
    const on = this.reachedBy(pattern);
    if (session !== undefined && matchesName(pattern, session)) on.push(LINK_LOCAL);
    const { nextHops } = match;
    return { ...rule, match: { ...match, nextHops: nextHops === undefined ? on : common(nextHops, on) } };
  }

  /** By the longest subnet, as the kernel has it. */
  private reachedBy(pattern: string): IpPrefix[] {
    const others = this.subnets.filter((s) => !matchesName(pattern, s.device));
    return this.subnets
      .filter((s) => matchesName(pattern, s.device))
      .flatMap(({ address, length }) =>
        others
          .filter((o) => o.length > length)
          .reduce<IpPrefix[]>((left, other) => left.flatMap((p) => without(p, other)), [{ address, length }]),
      );
  }
}

/** fe80::/10 */
const LINK_LOCAL = ipPrefix(ipv6(0xfe80n << 112n), 10);

const isSameFamily = (a: IpAddress, b: IpAddress): boolean => typeof a === typeof b;
const contains = (outer: IpPrefix, inner: IpPrefix): boolean =>
  isSameFamily(outer.address, inner.address) && inner.length >= outer.length && prefixHolds(outer, inner.address);

/** What is in `p` and not in `hole`: one prefix per bit between the two. */
function without(p: IpPrefix, hole: IpPrefix): IpPrefix[] {
  if (contains(hole, p)) return [];
  if (!contains(p, hole)) return [p];
  const left: IpPrefix[] = [];
  for (let length = p.length + 1; length <= hole.length; length++) left.push(sibling(ipPrefix(hole.address, length)));
  return left;
}

/** The other half. */
function sibling({ address, length }: IpPrefix): IpPrefix {
  return typeof address === 'bigint'
    ? ipPrefix(ipv6(address ^ (1n << BigInt(128 - length))), length)
    : ipPrefix(ipv4(address ^ (1 << (32 - length))), length);
}

/** Of two lists what both hold. */
const common = (a: readonly IpPrefix[], b: readonly IpPrefix[]): readonly IpPrefix[] =>
  a.flatMap((p) => b.flatMap((q) => (contains(p, q) ? [q] : contains(q, p) ? [p] : [])));
