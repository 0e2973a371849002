/** Communities that go out with prefixes: `prefixAdvertisements` and `communities` of a BGPConfiguration, as a policy. Pure.
 *  As Calico has it: what lies in the cidr, itself included, leaves with the communities, by every entry that it lies in; a name
 *  stands for the value that `communities` of the same object gives it; the object of this node (node.NAME) comes before the
 *  one named "default" as a whole. It stands behind a peer's filters and before Calico's own rules: who accepts earlier sends
 *  the route as it is. An entry that cannot be used is told, and the others are followed. */
import { addressBits, formatIpPrefix } from '../base/ip.ts';
import type { LargeCommunity } from '../bgp-js/attributes/attribute-types.ts';
import { parseCommunity, parseLargeCommunity } from '../bgp-js/attributes/communities.ts';
import type { Policy, Rule } from '../model/policy.ts';
import { KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import { parseCidr } from './cidr.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { ObjectFault } from './object-fault.ts';

export interface PrefixAdvertisements {
  /** Absent: nothing is to be added. */
  readonly policy?: Policy;
  readonly problems: readonly ClusterReason[];
}

interface Communities {
  readonly standard: readonly number[];
  readonly large: readonly LargeCommunity[];
}

/** `ofNode` is the BGPConfiguration of this node alone. */
export function prefixAdvertisements(common: Resource | undefined, ofNode: Resource | undefined): PrefixAdvertisements {
  const object = ofNode?.spec?.['prefixAdvertisements'] === undefined ? common : ofNode;
  const value = object?.spec?.['prefixAdvertisements'];
  if (object === undefined || value === undefined || value === null) return { problems: [] };
  const { name } = object.metadata;
  const problems: ClusterReason[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (fault) {
      if (!(fault instanceof ObjectFault)) throw fault;
      const text = `bgpconfigurations "${name}": ${fault.text}`;
      problems.push({ code: 'BGP_CONFIGURATION_INVALID', text, about: { kind: KINDS.bgpConfiguration, name } });
      return undefined;
    }
  };
  const names = attempt(() => namesOf(object.spec?.['communities'])) ?? new Map<string, string>();
  const items = attempt(() => listOf(value, 'prefixAdvertisements')) ?? [];
  const rules = items.flatMap((item, i) => attempt(() => ruleOf(item, `prefixAdvertisements[${i}]`, names)) ?? []);
  return {
    ...(rules.length > 0 && { policy: { name: 'prefix-advertisements', rules, otherwise: 'next' } }),
    problems,
  };
}

function ruleOf(item: unknown, at: string, names: ReadonlyMap<string, string>): Rule {
  const { cidr, communities } = isObject(item) ? item : {};
  const prefix = parseCidr(cidr);
  if (prefix === undefined) throw new ObjectFault(`${at}.cidr`, cidr, 'Write a prefix, as 10.244.0.0/16.');
  const { standard, large } = communitiesOf(communities, `${at}.communities`, names);
  return {
    name: formatIpPrefix(prefix),
    match: { prefixes: [{ ...prefix, le: addressBits(prefix.address) }] },
    operations: [
      { do: 'addCommunities', ...(standard.length > 0 && { standard }), ...(large.length > 0 && { large }) },
    ],
    action: 'next',
  };
}

function communitiesOf(value: unknown, at: string, names: ReadonlyMap<string, string>): Communities {
  const standard: number[] = [];
  const large: LargeCommunity[] = [];
  const items = listOf(value, at);
  if (items.length === 0) throw new ObjectFault(at, value, 'Write at least one.');
  for (const [i, item] of items.entries()) {
    const text = typeof item === 'string' ? (names.get(item) ?? item) : '';
    const [one, three] = isValue(text) ? [parseCommunity(text), parseLargeCommunity(text)] : [];
    if (one !== undefined) standard.push(one);
    else if (three !== undefined) large.push(three);
    else
      throw new ObjectFault(
        `${at}[${i}]`,
        item,
        'Write 65001:7, 65001:1:2, or a name that communities of the same object has.',
      );
  }
  return { standard, large };
}

/** Those that cannot be used are told where they are used. */
function namesOf(value: unknown): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  if (value === undefined || value === null) return names;
  for (const [i, item] of listOf(value, 'communities').entries()) {
    const { name, value: text } = isObject(item) ? item : {};
    if (typeof name !== 'string' || typeof text !== 'string' || !isValue(text))
      throw new ObjectFault(`communities[${i}]`, item, 'Write name and value: { name: rack, value: "65001:7" }.');
    names.set(name, text);
  }
  return names;
}

/** Numbers alone: names of well-known communities are not Calico's. */
const isValue = (text: string): boolean => /^\d+:\d+(?::\d+)?$/.test(text);

function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ObjectFault(at, value, 'Write a list.');
  return value;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
