/** One route as every speaker of the matrix shows it, so that what one side sent can be compared with what the other side's
 *  own output says. Text throughout: a difference is then readable in a failed test. Pure. */

export interface RouteView {
  readonly prefix: string;
  readonly pathId?: number;
  readonly origin: 'igp' | 'egp' | 'incomplete';
  /** "65001 65002 {65003 65004}": a set's members in ascending order. */
  readonly asPath: string;
  readonly nextHop: string;
  readonly med?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: true;
  /** "65001 10.0.0.1" */
  readonly aggregator?: string;
  /** "65001:7", ascending */
  readonly communities?: readonly string[];
  /** "rt:65001:1", ascending */
  readonly extendedCommunities?: readonly string[];
  /** "65001:1:2", ascending */
  readonly largeCommunities?: readonly string[];
  readonly originatorId?: string;
  readonly clusterList?: readonly string[];
  readonly aigp?: number;
  readonly onlyToCustomer?: number;
  /** "99 01020304": type and value; flags are not shown by every daemon. */
  readonly unknown?: readonly string[];
}

export type RouteAttribute = Exclude<keyof RouteView, 'prefix'>;

/** `{ name: value }`, or nothing when there is no value. */
export const optional = <K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]: V });

/** Brackets as `{…}`, members of a set sorted: daemons print commas, spaces and orders of their own. */
export const asPathText = (raw: string): string =>
  raw
    .replace(/\{([^}]*)\}/g, (_all, set: string) => {
      const asns = set.split(/[\s,]+/).filter((asn) => asn !== '');
      return `{${asns.sort((a, b) => Number(a) - Number(b)).join(' ')}}`;
    })
    .replace(/\s+/g, ' ')
    .trim();

/** Without what is undefined, empty or among `hidden`, lists sorted: two views are then equal when their JSON is. */
export function comparable(view: RouteView, hidden: ReadonlySet<RouteAttribute> = new Set()): RouteView {
  const entries = Object.entries(view)
    .filter(([name, value]) => {
      const empty = value === undefined || (Array.isArray(value) && value.length === 0);
      return !empty && !hidden.has(name as RouteAttribute);
    })
    .map(([name, value]) => [name, Array.isArray(value) && name !== 'clusterList' ? [...value].sort() : value]);
  return Object.fromEntries(entries) as RouteView;
}

/** The prefixes of the matrix, one set per family. */
export interface TestPrefixes {
  /** Announced by us. */
  readonly ours: {
    readonly plain: string;
    readonly rich: string;
    readonly twoPaths: string;
    readonly many: readonly string[];
  };
  /** Announced by the daemon. */
  readonly theirs: {
    readonly plain: string;
    readonly rich: string;
    readonly late: string;
    /** Two paths of its own, from a daemon that relays none. */
    readonly twoPaths: string;
    readonly many: readonly string[];
  };
}

const numbered = (count: number, text: (n: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, n) => text(n));

/** So many, that one attribute set's routes do not fit into 4096 octets. */
const MANY = 1500;

const IPV4_PREFIXES: TestPrefixes = {
  ours: {
    plain: '192.0.2.0/26',
    rich: '192.0.2.64/26',
    twoPaths: '192.0.2.128/26',
    many: numbered(MANY, (n) => `100.${64 + (n >> 8)}.${n & 255}.0/24`),
  },
  theirs: {
    plain: '198.51.100.0/25',
    rich: '198.51.100.128/25',
    late: '203.0.113.0/26',
    twoPaths: '203.0.113.64/26',
    many: numbered(MANY, (n) => `100.${96 + (n >> 8)}.${n & 255}.0/24`),
  },
};
const IPV6_PREFIXES: TestPrefixes = {
  ours: {
    plain: '2001:db8:a::/64',
    rich: '2001:db8:a:1::/64',
    twoPaths: '2001:db8:a:2::/64',
    many: numbered(MANY, (n) => `2001:db8:a000:${(n + 1).toString(16)}::/64`),
  },
  theirs: {
    plain: '2001:db8:b::/64',
    rich: '2001:db8:b:1::/64',
    late: '2001:db8:b:2::/64',
    twoPaths: '2001:db8:b:3::/64',
    many: numbered(MANY, (n) => `2001:db8:b000:${(n + 1).toString(16)}::/64`),
  },
};
export const prefixesOf = (ipv6: boolean): TestPrefixes => (ipv6 ? IPV6_PREFIXES : IPV4_PREFIXES);
