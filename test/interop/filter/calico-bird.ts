/** BGPFilters at random, and as Calico's nodes write them for BIRD (reference: its template functions; the dialect here is BIRD
 *  2's). Pure: chance in, objects and text out. */
import { formatIpPrefix, ipPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { ipv6 } from '../../../src/base/ipv6.ts';
import type { JsonObject } from '../../../src/store/port.ts';

type Chance = () => number;
export const oneOf = <T>(random: Chance, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

export const COMMUNITIES = ['65001:1', '65001:2', '64512:7'] as const;
export const LARGE = ['65001:1:1', '65001:1:2'] as const;
export const ASNS = [65001, 65002, 65003] as const;
/** Ordinary, elevated, the default of a path without one. */
export const LOCAL_PREFS = [2147482623, 2147483135, 100, 0] as const;
const LARGEST = 2147483647;

/** Few bits, so that prefixes hold each other. */
export function randomPrefix(random: Chance, isIpv6: boolean): string {
  const bits = Math.floor(random() * 16);
  const prefix = isIpv6
    ? ipPrefix(ipv6((0x20010db8n << 96n) | (BigInt(bits) << 92n)), 30 + Math.floor(random() * 20))
    : ipPrefix(ipv4((10 << 24) | (bits << 20)), 8 + Math.floor(random() * 25));
  return formatIpPrefix(prefix);
}

function randomRule(random: Chance, ipv6: boolean): JsonObject {
  const rule: Record<string, unknown> = {};
  const maybe = (share: number, set: () => void): void => void (random() < share && set());
  maybe(0.7, () => {
    rule['cidr'] = randomPrefix(random, ipv6);
    rule['matchOperator'] = oneOf(random, ['In', 'NotIn', 'In', 'Equal', 'NotEqual']);
    // Equal with lengths is where we differ on purpose: bgp-filter.ts.
    if (rule['matchOperator'] === 'In' || rule['matchOperator'] === 'NotIn')
      maybe(0.5, () => {
        const [low, high] = [Math.floor(random() * 32), Math.floor(random() * 32)].sort((a, b) => a - b);
        const offset = ipv6 ? 32 : 0;
        rule['prefixLength'] = {
          ...(random() < 0.7 ? { min: (low ?? 0) + offset } : {}),
          ...(random() < 0.7 ? { max: (high ?? 0) + offset } : {}),
        };
      });
  });
  maybe(0.15, () => {
    rule['source'] = 'RemotePeers';
  });
  maybe(0.15, () => {
    rule['interface'] = oneOf(random, ['v*', 'v0', 'eth*', 'v?x']);
  });
  maybe(0.25, () => {
    rule['peerType'] = oneOf(random, ['eBGP', 'iBGP']);
  });
  maybe(0.2, () => {
    rule['communities'] = { values: [oneOf(random, [...COMMUNITIES, ...LARGE])] };
  });
  maybe(0.25, () => {
    const count = 1 + Math.floor(random() * 3);
    rule['asPathPrefix'] = Array.from({ length: count }, () => oneOf(random, ASNS));
  });
  maybe(0.1, () => {
    rule['priority'] = LARGEST - oneOf(random, LOCAL_PREFS.slice(0, 3));
  });
  rule['action'] = oneOf(random, ['Accept', 'Accept', 'Reject']);
  if (rule['action'] === 'Accept')
    maybe(0.6, () => {
      rule['operations'] = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
        oneOf<JsonObject>(random, [
          { addCommunity: { value: oneOf(random, [...COMMUNITIES, ...LARGE]) } },
          { prependASPath: { prefix: [oneOf(random, ASNS), oneOf(random, ASNS)] } },
          { setPriority: { value: oneOf(random, [512, 1024, 2048]) } },
        ]),
      );
    });
  return rule as JsonObject;
}

export const randomRules = (random: Chance, ipv6: boolean): readonly JsonObject[] =>
  Array.from({ length: 1 + Math.floor(random() * 5) }, () => randomRule(random, ipv6));

const OPERATORS: Readonly<Record<string, string>> = { Equal: '=', NotEqual: '!=', In: '~', NotIn: '!~' };
const pair = (value: string): string => `(${value.split(':').join(', ')})`;
const isLarge = (value: string): boolean => value.split(':').length === 3;

/** A rule's fields as the tests above write them. */
interface RuleText {
  readonly cidr?: string;
  readonly matchOperator?: string;
  readonly prefixLength?: { readonly min?: number; readonly max?: number };
  readonly source?: string;
  readonly interface?: string;
  readonly peerType?: string;
  readonly communities?: { readonly values: readonly string[] };
  readonly asPathPrefix?: readonly number[];
  readonly priority?: number;
  readonly action: string;
  readonly operations?: readonly {
    readonly addCommunity?: { readonly value: string };
    readonly prependASPath?: { readonly prefix: readonly number[] };
    readonly setPriority?: { readonly value: number };
  }[];
}

function statement(rule: RuleText, ipv6: boolean): string {
  const conditions: string[] = [];
  if (rule.cidr !== undefined) {
    const own = Number(rule.cidr.split('/')[1]);
    const { min, max } = rule.prefixLength ?? {};
    const [least, most] = [Math.max(own, min ?? 0), Math.min(ipv6 ? 128 : 32, max ?? 128)];
    const set = rule.prefixLength === undefined ? rule.cidr : `[ ${rule.cidr}{${least},${most}} ]`;
    // BIRD 2 refuses {27,9}: no route is of such a length.
    const never = least > most;
    const negated = rule.matchOperator === 'NotIn';
    conditions.push(never ? (negated ? '(true)' : '(false)') : `(net ${OPERATORS[rule.matchOperator ?? '']} ${set})`);
  }
  if (rule.source !== undefined) conditions.push('((defined(source))&&(source ~ [ RTS_BGP ]))');
  if (rule.interface !== undefined) conditions.push(`((defined(ifname))&&(ifname ~ "${rule.interface}"))`);
  for (const value of rule.communities?.values ?? [])
    conditions.push(`(${pair(value)} ~ ${isLarge(value) ? 'bgp_large_community' : 'bgp_community'})`);
  const path = rule.asPathPrefix ?? [];
  if (path.length === 1) conditions.push(`(bgp_path.first = ${path[0]})`);
  if (path.length > 1) conditions.push(`(bgp_path ~ [= ${path.join(' ')} * =])`);
  if (rule.priority !== undefined) conditions.push(`(krt_metric = ${rule.priority})`);
  const body = [...(rule.operations ?? []).flatMap(operation), `${rule.action.toLowerCase()};`].join(' ');
  return conditions.length === 0 ? body : `if (${conditions.join('&&')}) then { ${body} }`;
}

function operation(op: NonNullable<RuleText['operations']>[number]): readonly string[] {
  if (op.addCommunity !== undefined) {
    const { value } = op.addCommunity;
    return [`${isLarge(value) ? 'bgp_large_community' : 'bgp_community'}.add(${pair(value)});`];
  }
  if (op.prependASPath !== undefined)
    return [...op.prependASPath.prefix].reverse().map((n) => `bgp_path.prepend(${n});`);
  const { value = 0 } = op.setPriority ?? {};
  return [`krt_metric = ${value}; bgp_local_pref = ${LARGEST - value};`];
}

/** One function, as Calico's: what no rule decides is the caller's. */
export function birdFunction(name: string, rules: readonly JsonObject[], ipv6: boolean): string {
  const lines = rules.map((raw) => {
    const rule = raw as unknown as RuleText;
    const inner = statement(rule, ipv6);
    if (rule.peerType === 'iBGP') return `if (is_same_as) then { ${inner} }`;
    if (rule.peerType === 'eBGP') return `if (!is_same_as) then { ${inner} }`;
    return inner;
  });
  return `function ${name}(bool is_same_as) {\n  ${lines.join('\n  ')}\n}`;
}

/** Calico's prologue since 3.32: a route's priority is what its LOCAL_PREF says, else an ordinary one's. */
export const PROLOGUE = `
  if (defined(source) && source = RTS_BGP && defined(bgp_local_pref)) then { krt_metric = ${LARGEST} - bgp_local_pref; }
  else { krt_metric = 1024; bgp_local_pref = ${LARGEST} - 1024; }`;
