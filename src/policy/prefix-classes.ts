/** All prefix conditions of a policy asked at once: prefix -> class, and routes of a class get the same answers. Pure, hot.
 *
 *  The listed prefixes cut the address space into segments; inside one, the same listed prefixes cover every address, and which
 *  of them mean a route depends on its length only. So a route's class is found by one binary search and one look into a table:
 *
 *    segments  0.0.0.0   10.0.0.0   10.244.0.0   10.245.0.0   11.0.0.0     start addresses, sorted
 *    bands     0-15 | 16-25 | 26 | 27-32                                   lengths between which no ge or le lies
 *    classes   [segment x band] -> class, worked out when first asked      class -> bits, one per condition
 *
 *  A route's own address is enough: a listed prefix longer than the route has a `ge` above its length. */
import { addressBits, type IpAddress, ipPrefix } from '../base/ip.ts';
import type { PrefixMatch } from '../model/policy.ts';
import { leastLength, mostLength } from './prefix-match.ts';

export type PrefixCondition = readonly PrefixMatch[];

/** Which conditions hold, by class number; shared by both families. Few: only combinations that some prefix has. */
class ClassSets {
  private readonly ids = new Map<string, number>();
  private readonly members: Uint8Array[] = [];

  intern(holds: Uint8Array): number {
    const key = holds.join('');
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.members.push(holds) - 1;
      this.ids.set(key, id);
    }
    return id;
  }
  holds(id: number, condition: number): boolean {
    return (this.members[id] as Uint8Array)[condition] === 1;
  }
}

interface Line {
  readonly condition: number;
  readonly least: number;
  readonly most: number;
}
/** A listed prefix, with all lines that name it, inside the next larger listed one. */
interface Listed {
  readonly first: bigint;
  readonly last: bigint;
  readonly lines: Line[];
  parent: Listed | undefined;
}

/** Of one family. */
class Segments {
  /** Both the same, sorted; numbers where they fit. */
  private readonly starts: readonly bigint[];
  private readonly starts4: Float64Array;
  private readonly innermost: readonly (Listed | undefined)[];
  private readonly bandOf: Uint8Array;
  private readonly bands: number;
  private readonly classes: Int32Array;
  private readonly conditions: number;
  private readonly sets: ClassSets;

  constructor(conditions: readonly PrefixCondition[], bits: number, sets: ClassSets) {
    this.conditions = conditions.length;
    this.sets = sets;
    const { listed, cuts } = linesOf(conditions, bits);
    this.bandOf = new Uint8Array(bits + 1);
    let band = 0;
    for (let length = 1; length <= bits; length++) this.bandOf[length] = cuts.has(length) ? ++band : band;
    this.bands = band + 1;
    const { starts, innermost } = cut(listed);
    this.starts = starts;
    this.starts4 = Float64Array.from(bits === 32 ? starts : [], Number);
    this.innermost = innermost;
    this.classes = new Int32Array(starts.length * this.bands).fill(-1);
  }

  class4(address: number, length: number): number {
    const { starts4 } = this;
    let low = 0;
    let high = starts4.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((starts4[middle] as number) <= address) low = middle;
      else high = middle;
    }
    return this.classAt(low, length);
  }

  class6(address: bigint, length: number): number {
    const { starts } = this;
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as bigint) <= address) low = middle;
      else high = middle;
    }
    return this.classAt(low, length);
  }

  private classAt(segment: number, length: number): number {
    const at = segment * this.bands + (this.bandOf[length] as number);
    const known = this.classes[at] as number;
    return known >= 0 ? known : this.work(at, segment, length);
  }

  private work(at: number, segment: number, length: number): number {
    const holds = new Uint8Array(this.conditions);
    for (let prefix = this.innermost[segment]; prefix !== undefined; prefix = prefix.parent)
      for (const { condition, least, most } of prefix.lines)
        if (length >= least && length <= most) holds[condition] = 1;
    const id = this.sets.intern(holds);
    this.classes[at] = id;
    return id;
  }
}

/** The distinct prefixes of one family by address, shorter first, and the lengths at which an answer can change. */
function linesOf(
  conditions: readonly PrefixCondition[],
  bits: number,
): { readonly listed: readonly Listed[]; readonly cuts: ReadonlySet<number> } {
  const byKey = new Map<string, Listed>();
  const cuts = new Set<number>();
  for (const [condition, list] of conditions.entries())
    for (const line of list) {
      if (addressBits(line.address) !== bits) continue;
      const [least, most] = [leastLength(line), mostLength(line)];
      cuts.add(least).add(most + 1);
      const first = BigInt(ipPrefix(line.address, line.length).address);
      const key = `${first}/${line.length}`;
      const known = byKey.get(key);
      if (known) known.lines.push({ condition, least, most });
      else {
        const last = first + (1n << BigInt(bits - line.length)) - 1n;
        byKey.set(key, { first, last, lines: [{ condition, least, most }], parent: undefined });
      }
    }
  const listed = [...byKey.values()].sort((a, b) =>
    a.first !== b.first ? (a.first < b.first ? -1 : 1) : a.last > b.last ? -1 : 1,
  );
  return { listed, cuts };
}

/** One walk over the prefixes in order: a new segment begins where one begins, and behind where one ends. */
function cut(listed: readonly Listed[]): {
  readonly starts: readonly bigint[];
  readonly innermost: readonly (Listed | undefined)[];
} {
  const starts: bigint[] = [0n];
  const innermost: (Listed | undefined)[] = [undefined];
  const begin = (at: bigint, inside: Listed | undefined): void => {
    if (starts.at(-1) === at) innermost[innermost.length - 1] = inside;
    else {
      starts.push(at);
      innermost.push(inside);
    }
  };
  let open: Listed | undefined;
  const closeBefore = (at: bigint | undefined): void => {
    while (open !== undefined && (at === undefined || open.last < at)) {
      begin(open.last + 1n, open.parent);
      open = open.parent;
    }
  };
  for (const prefix of listed) {
    closeBefore(prefix.first);
    prefix.parent = open;
    open = prefix;
    begin(prefix.first, prefix);
  }
  closeBefore(undefined);
  return { starts, innermost };
}

export class PrefixClasses {
  private readonly sets = new ClassSets();
  private readonly ipv4: Segments;
  private readonly ipv6: Segments;

  /** `conditions` in any number; each a list of lines, of which one is enough. */
  constructor(conditions: readonly PrefixCondition[]) {
    this.ipv4 = new Segments(conditions, 32, this.sets);
    this.ipv6 = new Segments(conditions, 128, this.sets);
  }

  /** Small, from 0, and for good. */
  classOf(address: IpAddress, length: number): number {
    return typeof address === 'bigint' ? this.ipv6.class6(address, length) : this.ipv4.class4(address, length);
  }
  /** The same for the table's plain numbers. */
  classOfIpv4(address: number, length: number): number {
    return this.ipv4.class4(address, length);
  }
  classOfIpv6(address: bigint, length: number): number {
    return this.ipv6.class6(address, length);
  }
  holds(id: number, condition: number): boolean {
    return this.sets.holds(id, condition);
  }
}
