/** AS-path patterns as automata. Pure. Each AS number that a pattern names is one state (Glushkov's construction), and a path is
 *  walked once with the set of states that are alive: the cost is bounded by states times AS numbers, whatever the pattern, where
 *  a backtracking matcher over text could take exponential time on a path that a stranger chose.
 *
 *  A set in the path, {65001,65002}, is one position that matches when one of its members does, as BIRD has it. */
import { invariant } from '../base/invariant.ts';
import type { AsSegment } from '../bgp-js/attributes/attribute-types.ts';
import type { AsnSet, AsPathNode, AsPathPattern } from '../model/as-path-pattern.ts';

interface Automaton {
  /** By state. */
  readonly sets: readonly AsnSet[];
  readonly follow: readonly (readonly number[])[];
  readonly first: readonly number[];
  readonly last: readonly boolean[];
  readonly acceptsEmpty: boolean;
}

/** States of one part of the pattern: where it can begin and end, and whether it can be nothing. */
interface Part {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly empty: boolean;
}

const NOTHING: Part = { first: [], last: [], empty: true };
/** The parser keeps patterns far below it. */
const MOST_STATES = 4096;

class Builder {
  readonly sets: AsnSet[] = [];
  readonly follow: number[][] = [];

  build(node: AsPathNode): Part {
    switch (node.kind) {
      case 'asn':
        return this.state(node.set);
      case 'sequence':
        return node.of.reduce<Part>((before, part) => this.concat(before, this.build(part)), NOTHING);
      case 'either': {
        const parts = node.of.map((part) => this.build(part));
        return {
          first: parts.flatMap((p) => p.first),
          last: parts.flatMap((p) => p.last),
          empty: parts.some((p) => p.empty),
        };
      }
      case 'repeat':
        return this.repeat(node);
    }
  }

  private state(set: AsnSet): Part {
    const id = this.sets.push(set) - 1;
    invariant(id < MOST_STATES, 'an AS-path pattern of that size passed the parser');
    this.follow.push([]);
    return { first: [id], last: [id], empty: false };
  }

  private concat(a: Part, b: Part): Part {
    this.link(a.last, b.first);
    return {
      first: a.empty ? [...a.first, ...b.first] : a.first,
      last: b.empty ? [...a.last, ...b.last] : b.last,
      empty: a.empty && b.empty,
    };
  }

  /** x{2,4} is x x x? x?; x{2,} is x x*. */
  private repeat({ of, least, most }: Extract<AsPathNode, { kind: 'repeat' }>): Part {
    let whole = NOTHING;
    for (let i = 0; i < least; i++) {
      const part = this.build(of);
      if (most === undefined && i === least - 1) this.link(part.last, part.first);
      whole = this.concat(whole, part);
    }
    if (most === undefined) {
      if (least > 0) return whole;
      const part = this.build(of);
      this.link(part.last, part.first);
      return { ...part, empty: true };
    }
    // x?x?x? has the same paths as (x(x(x)?)?)?.
    for (let i = least; i < most; i++) whole = this.concat(whole, { ...this.build(of), empty: true });
    return whole;
  }

  private link(from: readonly number[], to: readonly number[]): void {
    for (const a of from) {
      const follow = this.follow[a] as number[];
      for (const b of to) if (!follow.includes(b)) follow.push(b);
    }
  }
}

const AUTOMATA = new WeakMap<AsPathPattern, Automaton>();

function automatonOf(pattern: AsPathPattern): Automaton {
  const known = AUTOMATA.get(pattern);
  if (known) return known;
  const builder = new Builder();
  const { first, last, empty } = builder.build(pattern.whole);
  const made = {
    sets: builder.sets,
    follow: builder.follow,
    first,
    last: builder.sets.map((_, state) => last.includes(state)),
    acceptsEmpty: empty,
  };
  AUTOMATA.set(pattern, made);
  return made;
}

function holdsAsn(set: AsnSet, asn: number): boolean {
  const inRange = set.ranges.some(([from, to]) => asn >= from && asn <= to);
  return inRange !== (set.not === true);
}

export function matchesAsPath(pattern: AsPathPattern, path: readonly AsSegment[]): boolean {
  const { sets, follow, first, last, acceptsEmpty } = automatonOf(pattern);
  let alive: number[] = [];
  let atStart = true;
  /** The state's number of the position it was last alive at: each is entered once per position. */
  const entered = new Int32Array(sets.length).fill(-1);
  let position = 0;
  const step = (holds: (set: AsnSet) => boolean): void => {
    const next: number[] = [];
    const enter = (state: number): void => {
      if (entered[state] === position) return;
      entered[state] = position;
      if (holds(sets[state] as AsnSet)) next.push(state);
    };
    if (atStart) for (const state of first) enter(state);
    for (const from of alive) for (const state of follow[from] as readonly number[]) enter(state);
    alive = next;
    atStart = false;
    position++;
  };
  for (const { type, asns } of path) {
    if (type === 'set' || type === 'confed-set') step((set) => asns.some((asn) => holdsAsn(set, asn)));
    else for (const asn of asns) step((set) => holdsAsn(set, asn));
    if (!atStart && alive.length === 0) return false;
  }
  return atStart ? acceptsEmpty : alive.some((state) => last[state] === true);
}
