/** Reads what `iptables -S FORWARD` says, and decides which rules of ours are to come or go. Pure. Running it is
 *  forward-accept.ts.
 *
 *  A host with Docker, and many a firewall, has policy DROP there, and no accept in another table overrides a drop. So two
 *  rules are put into that very chain: at its end, after kube-proxy's, which drops what conntrack calls invalid, and before
 *  a rule that drops everything that is left. */

/** Marks a rule as ours for a process with no memory. */
export const FORWARD_MARK = 'gingham: pods forward';

/** As `iptables -S` words them, so that text is compared with text. */
const OURS: readonly (readonly string[])[] = [
  ['-i', 'cali+', '-m', 'comment', '--comment', FORWARD_MARK, '-j', 'ACCEPT'],
  ['-o', 'cali+', '-m', 'comment', '--comment', FORWARD_MARK, '-j', 'ACCEPT'],
];

export interface ForwardChain {
  readonly drops: boolean;
  /** Rules in order, each as arguments without "-A FORWARD". */
  readonly rules: readonly (readonly string[])[];
}

/** Undefined: there is no such chain. */
export function parseForwardChain(text: string): ForwardChain | undefined {
  const lines = text.split('\n');
  const policy = lines.find((l) => l.startsWith('-P FORWARD '))?.split(' ')[2];
  if (policy === undefined) return undefined;
  const rules = lines.filter((l) => l.startsWith('-A FORWARD ')).map((l) => argumentsOf(l).slice(2));
  return { drops: policy === 'DROP' || rules.some(dropsAll), rules };
}

/** Of everything, whatever it is: what a firewall ends its chain with when its policy does not. */
const dropsAll = ([flag, target]: readonly string[]): boolean =>
  flag === '-j' && (target === 'DROP' || target === 'REJECT');

export const isOurs = (rule: readonly string[]): boolean => rule.includes(FORWARD_MARK);

/** What to run, in order: each the arguments of one iptables call. `wanted` false: all of ours go. */
export function planForward(chain: ForwardChain, wanted: boolean): readonly (readonly string[])[] {
  const removals = (keep: readonly (readonly string[])[]): string[][] =>
    chain.rules.filter((r) => isOurs(r) && !keep.includes(r)).map((r) => ['-D', 'FORWARD', ...r]);
  if (!wanted || !chain.drops) return removals([]);
  const end = chain.rules.findIndex(dropsAll);
  const reached = (end < 0 ? chain.rules : chain.rules.slice(0, end)).filter(isOurs);
  const keep: (readonly string[])[] = [];
  const additions: string[][] = [];
  let place = end + 1;
  for (const ours of OURS) {
    const there = reached.find((r) => sameRule(r, ours));
    if (there !== undefined) keep.push(there);
    else additions.push(end < 0 ? ['-A', 'FORWARD', ...ours] : ['-I', 'FORWARD', String(place++), ...ours]);
  }
  // Added before the old ones go: a pod's packets always find one.
  return [...additions, ...removals(keep)];
}

const sameRule = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((word, i) => word === b[i]);

/** Words, where quotes hold one with spaces together. */
const argumentsOf = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1'),
  );
