/** Policy and route -> verdict. Pure. Results are worth keeping per attribute set where readsPrefix() is false, and the
 *  tables do so: with 1,000,000 routes there are a few thousand sets. */
import { formatPrefix, prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { Ipv4Attributes } from '../bgp-js/attributes/attribute-types.ts';
import type { Changes, Match, Policy, PrefixMatch } from './policy.ts';

export interface PolicyInput {
  readonly address: number;
  readonly length: number;
  readonly attributes: Ipv4Attributes;
  readonly source: 'local' | 'ibgp' | 'ebgp';
}

/** Unchanged attributes are the same object. */
export type Verdict =
  | { readonly kind: 'accept'; readonly attributes: Ipv4Attributes }
  | { readonly kind: 'reject'; readonly reason: Reason };

type Wanted = Required<Match>;
/** One row per condition of a Match. */
const CONDITIONS: { readonly [K in keyof Wanted]: (wanted: Wanted[K], input: PolicyInput) => boolean } = {
  prefixes: (wanted, input) => wanted.some((p) => matchesPrefix(p, input.address, input.length)),
  sources: (wanted, input) => wanted.includes(input.source),
  community: (wanted, input) => input.attributes.communities?.includes(wanted) === true,
};

/** `ge` alone opens the range up to 32, as routers do. */
export function matchesPrefix(wanted: PrefixMatch, address: number, length: number): boolean {
  const least = wanted.ge ?? wanted.length;
  const most = wanted.le ?? (wanted.ge === undefined ? wanted.length : 32);
  if (length < least || length > most || length < wanted.length) return false;
  return prefix(address, wanted.length).address === wanted.address;
}

function holds<K extends keyof Wanted>(key: K, match: Partial<Wanted>, input: PolicyInput): boolean {
  const wanted = match[key];
  return wanted === undefined || CONDITIONS[key](wanted, input);
}

const matches = (match: Match, input: PolicyInput): boolean =>
  holds('prefixes', match, input) && holds('sources', match, input) && holds('community', match, input);

function change(attributes: Ipv4Attributes, changes: Changes | undefined): Ipv4Attributes {
  if (changes === undefined) return attributes;
  const localPref = changes.localPref ?? attributes.localPref;
  const med = changes.med ?? attributes.med;
  if (localPref === attributes.localPref && med === attributes.med) return attributes;
  return { ...attributes, ...(localPref !== undefined && { localPref }), ...(med !== undefined && { med }) };
}

export function evaluate(policy: Policy, input: PolicyInput): Verdict {
  for (const rule of policy.rules) {
    if (!matches(rule.match, input)) continue;
    if (rule.action === 'accept') return { kind: 'accept', attributes: change(input.attributes, rule.changes) };
    return reject(policy, `rule "${rule.name}"`, input);
  }
  if (policy.otherwise === 'accept') return { kind: 'accept', attributes: input.attributes };
  return policy.because === undefined
    ? reject(policy, 'no rule that accepts', input)
    : { kind: 'reject', reason: policy.because };
}

function reject(policy: Policy, by: string, input: PolicyInput): Verdict {
  const what = readsPrefix(policy) ? `${formatPrefix(prefix(input.address, input.length))} ` : '';
  return { kind: 'reject', reason: { code: 'POLICY_REJECTED', text: `${what}policy "${policy.name}": ${by}` } };
}

/** False: the verdict depends on attributes and source only, so that one serves all routes of the set. */
export const readsPrefix = (policy: Policy): boolean => policy.rules.some((rule) => rule.match.prefixes !== undefined);
