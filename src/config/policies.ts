/** `prefixLists:` and `policies:` of a file -> policies by name. Pure. Settings are policy-settings.ts's, types policy-types.ts's;
 *  what a policy means is policy/evaluate.ts. */
import type { Node } from 'yaml';
import { BUILT_IN_POLICIES } from '../model/built-in-policies.ts';
import {
  ACCEPT_ALL,
  type CommunityMatch,
  type Match,
  type Operation,
  type Policy,
  type PrefixMatch,
  REJECT_ALL,
  type Rule,
} from '../model/policy.ts';
import { chain } from '../model/policy-chain.ts';
import { type DocumentReader, Values } from './document.ts';
import { POLICY_SETTINGS, PREFIX_LIST_SETTINGS, RULE_SETTINGS } from './policy-settings.ts';
import type { CommunityValue } from './policy-types.ts';
import { suggest } from './suggest.ts';

type RuleValues = Values<typeof RULE_SETTINGS>;
type PrefixLists = ReadonlyMap<string, readonly PrefixMatch[]>;

export interface FilePolicies {
  /** What a neighbor names, in its order, as one policy; undefined accepts all. */
  readonly inOrder: (names: readonly string[]) => Policy | undefined;
  /** Also of faulty ones, and of those that are always there: what a neighbor may write. */
  readonly names: ReadonlySet<string>;
}

/** What has a name, read by either table. */
interface Named {
  get(path: 'name'): string | undefined;
  mentions(path: string): boolean;
  line(path: string): number | undefined;
}

/** Names that mean something already. */
const TAKEN: readonly string[] = ['all', 'none', ...BUILT_IN_POLICIES.keys()];

export function readPolicies(
  reader: DocumentReader,
  listNodes: readonly Node[],
  policyNodes: readonly Node[],
): FilePolicies {
  const lists = readLists(reader, listNodes);
  const policies = new Map([...BUILT_IN_POLICIES, ['all', ACCEPT_ALL] as const, ['none', REJECT_ALL] as const]);
  const names = new Map<string, string>();
  for (const [i, node] of policyNodes.entries()) {
    const at = `policies[${i}]`;
    const values = new Values<typeof POLICY_SETTINGS>(`${at}.`);
    const rules = reader.read(node, POLICY_SETTINGS, values, ['rules']).get('rules') ?? [];
    const name = nameOf(reader, node, values, at, names, 'from-rack');
    const policy: Policy = {
      name: name ?? '',
      rules: rules.map((rule, n) => readRule(reader, rule, `${at}.rules[${n}]`, `${n + 1}`, lists)),
      otherwise: values.get('otherwise') ?? POLICY_SETTINGS.otherwise.default,
    };
    sameRuleTwice(reader, node, at, policy);
    if (name !== undefined) policies.set(name, policy);
  }
  // Neighbors that name the same ones have the same object: they share what is worked out for it.
  const made = new Map<string, Policy | undefined>([['all', undefined]]);
  const inOrder = (wanted: readonly string[]): Policy | undefined => {
    const key = wanted.join(' ');
    if (!made.has(key)) made.set(key, chain(wanted.flatMap((name) => policies.get(name) ?? [])));
    return made.get(key);
  };
  return { inOrder, names: new Set([...TAKEN, ...names.keys()]) };
}

function readLists(reader: DocumentReader, nodes: readonly Node[]): PrefixLists {
  const lists = new Map<string, readonly PrefixMatch[]>();
  const names = new Map<string, string>();
  for (const [i, node] of nodes.entries()) {
    const at = `prefixLists[${i}]`;
    const values = new Values<typeof PREFIX_LIST_SETTINGS>(`${at}.`);
    reader.read(node, PREFIX_LIST_SETTINGS, values);
    const name = nameOf(reader, node, values, at, names, 'pods');
    if (!values.mentions('prefixes'))
      reader.faultAt(
        `${at}.prefixes`,
        reader.lineOf(node),
        undefined,
        'is missing',
        'Add it: prefixes: [10.244.0.0/16].',
      );
    if (name !== undefined) lists.set(name, values.get('prefixes') ?? []);
  }
  return lists;
}

function nameOf(
  reader: DocumentReader,
  node: Node,
  values: Named,
  at: string,
  known: Map<string, string>,
  example: string,
): string | undefined {
  const name = values.get('name');
  const tell = (text: string, remedy: string): void =>
    reader.faultAt(`${at}.name`, values.line('name') ?? reader.lineOf(node), name, text, remedy);
  if (name === undefined) {
    if (!values.mentions('name')) tell('is missing', `Add it: name: ${example}.`);
    return undefined;
  }
  const other = known.get(name);
  if (TAKEN.includes(name)) tell('has a meaning already', `Choose another name than ${TAKEN.join(', ')}.`);
  else if (other !== undefined) tell(`is the name of ${other} too`, 'Choose another name for one of them.');
  else known.set(name, at);
  return name;
}

function sameRuleTwice(reader: DocumentReader, node: Node, at: string, { rules }: Policy): void {
  const seen = new Map<string, number>();
  for (const [i, { name }] of rules.entries()) {
    const other = seen.get(name);
    if (other !== undefined)
      reader.faultAt(
        `${at}.rules[${i}].name`,
        reader.lineOf(node),
        name,
        `is the name of rules[${other}] too`,
        'Choose another: a verdict names one rule.',
      );
    else seen.set(name, i);
  }
}

function readRule(reader: DocumentReader, node: Node, at: string, number: string, lists: PrefixLists): Rule {
  const values: RuleValues = new Values(`${at}.`);
  reader.read(node, RULE_SETTINGS, values);
  if (!values.mentions('action'))
    reader.faultAt(`${at}.action`, reader.lineOf(node), undefined, 'is missing', 'Write accept, reject or next.');
  const prefixes = (own: 'match.prefixes' | 'match.notPrefixes', named: 'match.prefixLists' | 'match.notPrefixLists') =>
    prefixesOf(reader, values, own, named, lists);
  const operations = operationsOf(values);
  if (operations.length > 0 && values.get('action') === 'reject')
    reader.faultAt(`${at}.set`, values.line('set'), undefined, 'has no meaning with action reject', 'Remove it.');
  return {
    name: values.get('name') ?? number,
    match: matchOf(
      values,
      prefixes('match.prefixes', 'match.prefixLists'),
      prefixes('match.notPrefixes', 'match.notPrefixLists'),
    ),
    ...(operations.length > 0 && { operations }),
    action: values.get('action') ?? 'reject',
  };
}

/** A list alone stays the same object, so that rules that name it are judged by it once. */
function prefixesOf(
  reader: DocumentReader,
  values: RuleValues,
  own: 'match.prefixes' | 'match.notPrefixes',
  named: 'match.prefixLists' | 'match.notPrefixLists',
  lists: PrefixLists,
): readonly PrefixMatch[] | undefined {
  const parts: (readonly PrefixMatch[])[] = [];
  const here = values.get(own);
  if (here !== undefined) parts.push(here);
  for (const [i, name] of values.each(named)) {
    const list = lists.get(name);
    if (list !== undefined) parts.push(list);
    else {
      const meant = suggest(name, [...lists.keys()]);
      const remedy = lists.size === 0 ? 'Add it to prefixLists.' : `The lists are: ${[...lists.keys()].join(', ')}.`;
      reader.faultAt(
        `${values.prefix}${named}[${i}]`,
        values.line(`${named}[${i}]`) ?? values.line(named),
        name,
        'is no prefix list of this file',
        meant === undefined ? remedy : `Did you mean ${meant}?`,
      );
    }
  }
  if (parts.length === 0) return values.mentions(named) ? [] : undefined;
  return parts.length === 1 ? parts[0] : parts.flat();
}

const MODES = ['any', 'all', 'exact', 'none'] as const;

function matchOf(
  v: RuleValues,
  prefixes: readonly PrefixMatch[] | undefined,
  notPrefixes: readonly PrefixMatch[] | undefined,
): Match {
  const communities = MODES.flatMap((mode): CommunityMatch[] => {
    const patterns = v.get(`match.communities.${mode}`);
    return patterns === undefined ? [] : [{ mode, patterns }];
  });
  return present<Match>({
    prefixes,
    notPrefixes,
    family: v.get('match.family'),
    sources: v.get('match.source'),
    interface: v.get('match.interface'),
    communities: communities.length > 0 ? communities : undefined,
    asPaths: v.get('match.asPath'),
    neighbourAs: v.get('match.neighborAs'),
    asPathLength: v.get('match.asPathLength'),
    nextHops: v.get('match.nextHop'),
    localPref: v.get('match.localPref'),
    med: v.get('match.med'),
    origins: v.get('match.origin'),
    blockOrigins: v.get('match.blockOrigin'),
  });
}

/** In the order of the table of settings, whatever the file's: what goes goes before what comes. */
function operationsOf(v: RuleValues): readonly Operation[] {
  const [localPref, med, addMed] = [v.get('set.localPref'), v.get('set.med'), v.get('set.addMed')];
  const [patterns, added] = [v.get('set.removeCommunities'), v.get('set.addCommunities')];
  const [nextHop, origin] = [v.get('set.nextHop'), v.get('set.origin')];
  const asns = prependOf(v);
  return [
    ...(localPref === undefined ? [] : [{ do: 'setLocalPref', value: localPref } as const]),
    ...(v.get('set.removeMed') ? [{ do: 'removeMed' } as const] : []),
    ...(med === undefined ? [] : [{ do: 'setMed', value: med } as const]),
    ...(addMed === undefined ? [] : [{ do: 'addMed', value: addMed } as const]),
    ...(patterns === undefined ? [] : [{ do: 'removeCommunities', patterns } as const]),
    ...(added === undefined ? [] : [{ do: 'addCommunities', ...byKind(added) } as const]),
    ...(asns.length === 0 ? [] : [{ do: 'prepend', asns } as const]),
    ...(nextHop === undefined ? [] : [{ do: 'setNextHop', to: nextHop } as const]),
    ...(origin === undefined ? [] : [{ do: 'setOrigin', value: origin } as const]),
  ];
}

function prependOf(v: RuleValues): readonly number[] {
  const asn = v.get('set.prepend.asn');
  if (asn === undefined) return v.get('set.prepend') ?? [];
  return new Array<number>(v.get('set.prepend.times') ?? RULE_SETTINGS['set.prepend.times'].default).fill(asn);
}

const byKind = (values: readonly CommunityValue[]) => ({
  standard: values.flatMap((c) => (c.kind === 'standard' ? [c.value] : [])),
  extended: values.flatMap((c) => (c.kind === 'extended' ? [c.value] : [])),
  large: values.flatMap((c) => (c.kind === 'large' ? [c.value] : [])),
});

/** Without the fields that are undefined. */
const present = <T extends object>(fields: { readonly [K in keyof T]?: T[K] | undefined }): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
