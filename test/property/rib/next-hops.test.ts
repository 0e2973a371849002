/** Next hops that resolve through each other's routes, in circles too: where everything leads is a function of what is announced and
 *  of the kernel's ways, and of nothing that was there before. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIp, formatIpPrefix, type IpAddress } from '../../../src/base/ip.ts';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import type { BestPath, PathSource, RouteFeed } from '../../../src/rib/terms/feed.ts';
import { addPeer, PLAIN, ribOf } from '../../support/rib.ts';
import { announce, SaidResolver, withdraw } from '../../support/rib-updates.ts';

const PREFIXES = ['10.1.0.0/16', '10.1.1.0/24', '10.2.0.0/16', '10.2.2.0/24', '10.0.0.0/8', '0.0.0.0/0'] as const;
/** Inside the prefixes, and two on links. */
const HOPS = ['10.1.1.1', '10.1.2.1', '10.2.2.1', '10.2.3.1', '10.9.0.2', '10.9.0.3'] as const;
const PEERS = 3;

class Believer implements RouteFeed {
  readonly routes = new Map<string, string>();
  onBest({ address, length, source, nextHops }: BestPath): void {
    const ways = nextHops.map((n) => `${formatIp(n.address)}>${formatIp(n.gateway)}`).join(' ');
    this.routes.set(formatIpPrefix({ address, length }), `${source.name} ${ways}`);
  }
  onWithdraw(address: IpAddress, length: number): void {
    this.routes.delete(formatIpPrefix({ address, length }));
  }
  onEndOfFeed(): void {}
}

const aWord = fc.record({
  peer: fc.nat(PEERS - 1),
  prefix: fc.constantFrom(...PREFIXES),
  hop: fc.constantFrom(...HOPS),
  localPref: fc.constantFrom(100, 100, 200),
});
const aWay = fc.record({ hop: fc.constantFrom(...HOPS), how: fc.constantFrom('cut', 'cost 5', 'cost 9', 'default') });
type Word = { peer: number; prefix: (typeof PREFIXES)[number]; hop: string; localPref: number };
type Way = { hop: string; how: string };

function say(resolver: SaidResolver, { hop, how }: Way): void {
  if (how === 'cut') resolver.cut(hop);
  else if (how === 'default') resolver.byDefault(hop);
  else resolver.route(hop, Number(how.slice(5)));
}

class Run {
  readonly resolver = new SaidResolver();
  readonly feed = new Believer();
  readonly peers: readonly PathSource[];
  readonly rib: LocRib;
  readonly turn: () => boolean;

  constructor() {
    const { rib, turn } = ribOf({ nextHops: this.resolver, sliceRoutes: 1, maxPaths: { ebgp: 1, ibgp: 2 } });
    this.rib = rib;
    this.turn = turn;
    rib.subscribe(this.feed, 'kernel');
    this.resolver.connect('10.9.0.2', '10.9.0.3');
    this.peers = Array.from({ length: PEERS }, (_, i) => addPeer(rib, `10.9.0.${i + 2}`));
  }
  hear({ peer, prefix, hop, localPref }: Word): void {
    this.rib.receive(this.peers[peer] as PathSource, announce(prefix, hop, { localPref }), PLAIN);
  }
  forget({ peer, prefix }: Word): void {
    this.rib.receive(this.peers[peer] as PathSource, withdraw(prefix), PLAIN);
  }
  end(): Record<string, string> {
    for (let n = 0; this.turn(); n++) if (n > 100_000) throw new Error('it never settles');
    return Object.fromEntries([...this.feed.routes].sort());
  }
}

const lastWords = (all: readonly Word[]): Word[] => [...new Map(all.map((w) => [`${w.peer} ${w.prefix}`, w])).values()];
const lastWays = (all: readonly Way[]): Way[] => [...new Map(all.map((w) => [w.hop, w])).values()];

test('where routes lead depends on what is said last, not on the order, the turns, or what was said before', () => {
  fc.assert(
    fc.property(
      fc.array(aWord, { maxLength: 10 }),
      fc.array(aWay, { maxLength: 4 }),
      fc.array(aWord, { maxLength: 8 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat()),
      (all, allWays, noise, turns, chance) => {
        const words = lastWords(all);
        const ways = lastWays(allWays);
        const straight = new Run();
        for (const way of ways) say(straight.resolver, way);
        for (const word of words) straight.hear(word);

        const scrambled = new Run();
        for (const word of noise) scrambled.hear(word);
        if (turns[0]) scrambled.end();
        const steps = [
          ...lastWords(noise).map((w) => ({ at: 0, run: () => scrambled.forget(w) })),
          ...words.map((w) => ({ at: 1 + (chance.next().value as number), run: () => scrambled.hear(w) })),
          ...ways.map((w) => ({ at: 1 + (chance.next().value as number), run: () => say(scrambled.resolver, w) })),
        ].sort((a, b) => a.at - b.at);
        for (const [i, step] of steps.entries()) {
          step.run();
          if (turns[i % turns.length]) scrambled.turn();
        }
        expect(scrambled.end()).toEqual(straight.end());
      },
    ),
    { numRuns: 500 },
  );
});

test('what is announced and withdrawn again leaves everything as it was', () => {
  fc.assert(
    fc.property(fc.array(aWord, { maxLength: 10 }), aWord, fc.boolean(), (words, word, turn) => {
      const run = new Run();
      const before = words.filter((w) => w.peer !== word.peer || w.prefix !== word.prefix);
      for (const w of before) run.hear(w);
      const was = run.end();
      run.hear(word);
      if (turn) run.end();
      run.forget(word);
      expect(run.end()).toEqual(was);
    }),
    { numRuns: 300 },
  );
});
