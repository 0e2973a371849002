/** BGPFilter objects -> policies. Pure. Fields are Calico's, and the same in projectcalico.org/v3 and crd.projectcalico.org/v1;
 *  what they mean is how Calico renders them for BIRD (`net ~ 10.0.0.0/8` is In, `bgp_path ~ [= a b * =]` is asPathPrefix).
 *
 *  An object with a rule that we cannot read is told, and what it said before stays in force, as with Calico: whoever runs the
 *  daemon keeps the last version that was whole (lastWhole), and hands it in. Where there is none, after a restart, that rule
 *  and all behind it let nothing pass: a rule left out would not mean less, it may be the one that rejects. The rules before
 *  it stand. A filter that is named and not there is left out, as Calico does, and told: two nodes of one cluster, one of each
 *  kind, must decide alike.
 *
 *  Unlike BIRD, Equal with prefixLength is the prefix itself where its length is allowed; BIRD compares a prefix with a set
 *  there, which is never equal. */
import { addressBits, type IpPrefix, isIpv6 } from '../base/ip.ts';
import { parseCommunity, parseLargeCommunity } from '../bgp-js/attributes/communities.ts';
import { parseAsPathPattern } from '../model/as-path-text.ts';
import { parseCommunityPattern } from '../model/community-text.ts';
import type { Match, Operation, Policy, PrefixMatch, Rule } from '../model/policy.ts';
import { KINDS } from '../store/kinds.ts';
import type { JsonObject, Resource } from '../store/port.ts';
import { parseCidr } from './cidr.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { parseAsn } from './node.ts';
import { ObjectFault } from './object-fault.ts';

type Family = 'ipv4' | 'ipv6';
export type Direction = 'import' | 'export';
export type PeerType = 'ibgp' | 'ebgp';

export interface BgpFilter {
  readonly name: string;
  /** Rules as an iBGP and as an eBGP peer has them: peerType is decided, the numbers stay. */
  readonly rules: Readonly<Record<Direction, Readonly<Record<PeerType, readonly Rule[]>>>>;
  readonly problems: readonly ClusterReason[];
}

const LISTS: readonly (readonly [field: string, direction: Direction, family: Family])[] = [
  ['importV4', 'import', 'ipv4'],
  ['importV6', 'import', 'ipv6'],
  ['exportV4', 'export', 'ipv4'],
  ['exportV6', 'export', 'ipv6'],
];
/** Calico's units: 2147483647 less LOCAL_PREF. */
const LARGEST_PRIORITY = 2147483647;

/** A rule, and the only kind of session that it is for. */
interface ReadRule {
  readonly rule: Rule;
  readonly peerType: PeerType | undefined;
}

/** `before`: the last version of the same object that was whole. */
export function readBgpFilter(object: Resource, before?: Resource): BgpFilter {
  const read = readWith(object, before === undefined ? 'Nothing passes that gets so far.' : STAYS);
  return before === undefined || read.problems.length === 0
    ? read
    : { ...readBgpFilter(before), problems: read.problems };
}

/** Of each object that is there now the last version that was whole; `before` is the answer of the last time. */
export function lastWhole(
  objects: readonly Resource[],
  before: ReadonlyMap<string, Resource>,
): ReadonlyMap<string, Resource> {
  const whole = new Map<string, Resource>();
  for (const object of objects) {
    const { name } = object.metadata;
    const found = readBgpFilter(object).problems.length === 0 ? object : before.get(name);
    if (found !== undefined) whole.set(name, found);
  }
  return whole;
}

const STAYS = 'What it said before stays in force.';

function readWith({ metadata: { name }, spec = {} }: Resource, consequence: string): BgpFilter {
  const problems: ClusterReason[] = [];
  const lists: Record<Direction, ReadRule[]> = { import: [], export: [] };
  for (const [field, direction, family] of LISTS) {
    const value = spec[field];
    if (value === undefined || value === null) continue;
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const [i, item] of items.entries()) {
      try {
        if (!Array.isArray(value)) throw new ObjectFault(field, value, 'Write a list of rules.');
        lists[direction].push(readRule(item, `${field}[${i}]`, `${i + 1}`, family));
      } catch (fault) {
        if (!(fault instanceof ObjectFault)) throw fault;
        const text = `bgpfilters "${name}": ${fault.text} ${consequence}`;
        problems.push({ code: 'BGP_FILTER_INVALID', text, about: { kind: KINDS.bgpFilter, name } });
        const because = { code: 'BGP_FILTER_INVALID', text };
        lists[direction].push({
          rule: { name: `${i + 1}`, match: { family }, action: 'reject', because },
          peerType: undefined,
        });
        break;
      }
    }
  }
  const of = (direction: Direction, peerType: PeerType): readonly Rule[] =>
    lists[direction].filter((r) => r.peerType === undefined || r.peerType === peerType).map((r) => r.rule);
  const both = (direction: Direction) => ({ ibgp: of(direction, 'ibgp'), ebgp: of(direction, 'ebgp') });
  return { name, rules: { import: both('import'), export: both('export') }, problems };
}

/** What no rule decides is left open: import then accepts, export goes on to Calico's own rules. */
export const filterPolicy = (filter: BgpFilter, direction: Direction, peerType: PeerType): Policy => ({
  name: `BGPFilter/${filter.name}`,
  rules: filter.rules[direction][peerType],
  otherwise: 'next',
});

/** A newer field that we do not know may be the condition that narrows the rule. */
const FIELDS: readonly string[] = [
  'cidr',
  'prefixLength',
  'source',
  'interface',
  'matchOperator',
  'peerType',
  'communities',
  'asPathPrefix',
  'priority',
  'action',
  'operations',
];

function readRule(item: unknown, at: string, number: string, family: Family): ReadRule {
  const rule = object(item, at, 'Write a rule with an action.');
  const unknown = Object.keys(rule).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    throw new ObjectFault(`${at}.${unknown}`, rule[unknown], 'This version of Gingham does not know it: remove it.');
  const action = oneOf(rule['action'], ['Accept', 'Reject'], `${at}.action`);
  const operations = operationsOf(rule['operations'], `${at}.operations`);
  if (operations.length > 0 && action === 'Reject')
    throw new ObjectFault(`${at}.operations`, rule['operations'], 'They are for action Accept: remove them.');
  const peerType = isAbsent(rule['peerType']) ? undefined : oneOf(rule['peerType'], ['eBGP', 'iBGP'], `${at}.peerType`);
  return {
    rule: {
      name: number,
      match: matchOf(rule, at, family),
      ...(operations.length > 0 && { operations }),
      action: action === 'Accept' ? 'accept' : 'reject',
    },
    peerType: peerType === undefined ? undefined : peerType === 'eBGP' ? 'ebgp' : 'ibgp',
  };
}

function matchOf(rule: JsonObject, at: string, family: Family): Match {
  const device = rule['interface'];
  if (!isAbsent(device) && (typeof device !== 'string' || !/^[^\s/"]{1,64}$/.test(device)))
    throw new ObjectFault(`${at}.interface`, device, 'Write a device, with * and ? for others: eth*.');
  const { priority } = rule;
  if (!isAbsent(priority) && !isPriority(priority))
    throw new ObjectFault(`${at}.priority`, priority, 'Write 1 to 2147483646.');
  if (!isAbsent(rule['source'])) oneOf(rule['source'], ['RemotePeers'], `${at}.source`);
  return {
    family,
    ...prefixesOf(rule, at, family),
    ...(!isAbsent(rule['source']) && { sources: ['ibgp', 'ebgp'] as const }),
    ...(typeof device === 'string' && device !== '' && { interface: device }),
    ...communitiesOf(rule['communities'], `${at}.communities`),
    ...asPathOf(rule['asPathPrefix'], `${at}.asPathPrefix`),
    ...(isPriority(priority) && { priority }),
  };
}

/** BIRD's `net = p`, `net != p`, `net ~ p`, `net !~ p`, the last two also with [ p{min,max} ]. */
function prefixesOf(rule: JsonObject, at: string, family: Family): Pick<Match, 'prefixes' | 'notPrefixes'> {
  const { cidr, matchOperator, prefixLength } = rule;
  if (isAbsent(cidr)) {
    if (!isAbsent(matchOperator))
      throw new ObjectFault(`${at}.cidr`, undefined, 'matchOperator needs it: add it, or remove both.');
    if (!isAbsent(prefixLength))
      throw new ObjectFault(`${at}.cidr`, undefined, 'prefixLength needs it: add it, or remove both.');
    return {};
  }
  const prefix = cidrOf(cidr, family);
  if (prefix === undefined)
    throw new ObjectFault(
      `${at}.cidr`,
      cidr,
      family === 'ipv4' ? 'Write an IPv4 prefix, as 10.244.0.0/16.' : 'Write an IPv6 prefix, as fd00:10:244::/48.',
    );
  const operator = oneOf(matchOperator, ['Equal', 'NotEqual', 'In', 'NotIn'], `${at}.matchOperator`);
  const bits = addressBits(prefix.address);
  const lengths = isAbsent(prefixLength) ? {} : object(prefixLength, `${at}.prefixLength`, 'Write min, max, or both.');
  const length = (key: 'min' | 'max'): number | undefined => {
    const value = lengths[key];
    if (isAbsent(value)) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > bits)
      throw new ObjectFault(`${at}.prefixLength.${key}`, value, `Write 0 to ${bits}.`);
    return value;
  };
  const [min, max] = [length('min'), length('max')];
  const exact = operator === 'Equal' || operator === 'NotEqual';
  const least = Math.max(prefix.length, min ?? 0);
  const most = Math.min(exact ? prefix.length : bits, max ?? bits);
  const lines: readonly PrefixMatch[] = least > most ? [] : [{ ...prefix, ge: least, le: most }];
  return operator === 'Equal' || operator === 'In' ? { prefixes: lines } : { notPrefixes: lines };
}

function cidrOf(value: unknown, family: Family): IpPrefix | undefined {
  const prefix = parseCidr(value);
  return prefix !== undefined && isIpv6(prefix.address) === (family === 'ipv6') ? prefix : undefined;
}

function communitiesOf(value: unknown, at: string): Pick<Match, 'communities'> {
  if (isAbsent(value)) return {};
  const { values } = object(value, at, 'Write values: [65001:7].');
  const texts: readonly unknown[] = Array.isArray(values) ? values : [];
  const patterns = texts.map((text, i) => {
    const pattern = isCommunity(text) ? parseCommunityPattern(text) : undefined;
    if (pattern === undefined) throw new ObjectFault(`${at}.values[${i}]`, text, 'Write 65001:7 or 65001:1:2.');
    return pattern;
  });
  if (patterns.length === 0) throw new ObjectFault(`${at}.values`, values, 'Write one, as [65001:7].');
  return { communities: [{ mode: 'any', patterns }] };
}

/** Without wildcards and names, which Calico does not have. */
const isCommunity = (text: unknown): text is string => typeof text === 'string' && /^\d+:\d+(?::\d+)?$/.test(text);

function asPathOf(value: unknown, at: string): Pick<Match, 'asPaths' | 'neighbourAs'> {
  if (isAbsent(value) || (Array.isArray(value) && value.length === 0)) return {};
  const asns = asnsOf(value, at);
  const [first] = asns;
  // BIRD: bgp_path.first = N, which an AS_SET in front has not.
  if (asns.length === 1 && first !== undefined) return { neighbourAs: [first] };
  const pattern = parseAsPathPattern(`^${asns.join(' ')}`);
  if (!pattern.ok) throw new ObjectFault(at, value, pattern.error.remedy);
  return { asPaths: [pattern.value] };
}

function asnsOf(value: unknown, at: string): readonly number[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  if (items.length === 0) throw new ObjectFault(at, value, 'Write a list of AS numbers.');
  return items.map((item, i) => {
    const asn = parseAsn(`${typeof item === 'number' || typeof item === 'string' ? item : ''}`);
    if (asn === undefined) throw new ObjectFault(`${at}[${i}]`, item, 'Write an AS number, 1 to 4294967295.');
    return asn;
  });
}

function operationsOf(value: unknown, at: string): readonly Operation[] {
  if (isAbsent(value)) return [];
  if (!Array.isArray(value)) throw new ObjectFault(at, value, 'Write a list of operations.');
  if (value.length > 10) throw new ObjectFault(at, `${value.length} operations`, 'Write at most 10.');
  return (value as readonly unknown[]).map((item, i) => operationOf(item, `${at}[${i}]`));
}

/** One row per operation. */
const OPERATIONS: Readonly<Record<string, (body: JsonObject, at: string) => Operation>> = {
  addCommunity: ({ value }, at) => {
    const text = isCommunity(value) ? value : '';
    const standard = parseCommunity(text);
    if (standard !== undefined) return { do: 'addCommunities', standard: [standard] };
    const large = parseLargeCommunity(text);
    if (large !== undefined) return { do: 'addCommunities', large: [large] };
    throw new ObjectFault(`${at}.value`, value, 'Write 65001:7 or 65001:1:2.');
  },
  prependASPath: ({ prefix }, at) => ({ do: 'prepend', asns: asnsOf(prefix, `${at}.prefix`) }),
  setPriority: ({ value }, at) => {
    if (!isPriority(value)) throw new ObjectFault(`${at}.value`, value, 'Write 1 to 2147483646.');
    return { do: 'setLocalPref', value: LARGEST_PRIORITY - value };
  },
};

function operationOf(item: unknown, at: string): Operation {
  const set = Object.entries(object(item, at, 'Write one operation.')).filter(([, body]) => !isAbsent(body));
  const [name = '', body] = set[0] ?? [];
  const row = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (set.length !== 1 || row === undefined)
    throw new ObjectFault(at, item, 'Write exactly one of addCommunity, prependASPath, setPriority.');
  return row(object(body, `${at}.${name}`, 'Write its fields.'), `${at}.${name}`);
}

/** As the API has it: an empty text is no text. */
const isAbsent = (value: unknown): value is undefined | null | '' =>
  value === undefined || value === null || value === '';
const isPriority = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value < LARGEST_PRIORITY;

function oneOf<T extends string>(value: unknown, words: readonly T[], at: string): T {
  const found = words.find((w) => w === value);
  if (found === undefined)
    throw new ObjectFault(
      at,
      value,
      `Use ${words.slice(0, -1).join(', ')}${words.length > 1 ? ' or ' : ''}${words.at(-1)}.`,
    );
  return found;
}

function object(value: unknown, at: string, remedy: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ObjectFault(at, value, remedy);
  return value as JsonObject;
}
