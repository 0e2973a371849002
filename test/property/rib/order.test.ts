import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addPeer, announcement, attributes, cidr, HeardFeed, PLAIN, ribOf, withdrawal } from '../../support/rib.ts';

const PREFIXES = ['10.244.1.0/26', '10.244.2.0/26', '10.0.0.0/8'] as const;
const PEERS = 5;

/** Few values, so that ties reach the last steps. */
const someAttributes = fc.record({
  origin: fc.constantFrom('igp' as const, 'incomplete' as const),
  localPref: fc.constantFrom(100, 200),
  med: fc.constantFrom(0, 5, 10),
  asPath: fc
    .constantFrom([65001], [65002], [65001, 7], [65002, 7])
    .map((asns) => [{ type: 'sequence' as const, asns }]),
});
const announcements = fc.array(
  fc.record({ peer: fc.nat(PEERS - 1), prefix: fc.constantFrom(...PREFIXES), attributes: someAttributes }),
  { maxLength: 15 },
);

type Announcement = { peer: number; prefix: (typeof PREFIXES)[number]; attributes: Parameters<typeof attributes>[1] };

/** Gives the table the announcements, deciding in between where `turns` says so, and answers what a feed believes. */
function played(order: readonly Announcement[], turns: readonly boolean[], noise: readonly Announcement[]) {
  const { rib, turn } = ribOf({ sliceRoutes: 2 });
  const feed = new HeardFeed();
  rib.subscribe(feed, 'kernel');
  const peers = Array.from({ length: PEERS }, (_, i) =>
    addPeer(rib, `10.9.0.${i + 2}`, { kind: i % 2 ? 'ebgp' : 'ibgp' }),
  );
  for (const n of noise) {
    const peer = peers[n.peer];
    if (peer) rib.receive(peer, announcement(attributes('10.9.1.1', n.attributes), n.prefix), PLAIN);
    if (turns[0]) turn();
  }
  for (const n of noise) {
    const peer = peers[n.peer];
    if (peer) rib.receive(peer, withdrawal(n.prefix), PLAIN);
  }
  order.forEach((a, i) => {
    const peer = peers[a.peer];
    if (peer) rib.receive(peer, announcement(attributes(`10.9.2.${a.peer + 1}`, a.attributes), a.prefix), PLAIN);
    if (turns[i % turns.length]) turn();
  });
  while (turn());
  const views = PREFIXES.map((p) => rib.pathsOf(cidr(p))?.paths.find((path) => path.best)?.source.name);
  expect(PREFIXES.map((p) => feed.believes.get(p))).toEqual(views);
  const counted = peers.map((p) => rib.countsOf(p).used).reduce((a, b) => a + b, 0);
  expect(counted).toBe(feed.believes.size);
  for (const peer of peers) rib.removeSource(peer);
  rib.settle();
  expect(rib.counts).toMatchObject({ routes: 0, best: 0, paths: 0, attributes: 0, waiting: 0 });
  return views;
}

/** The last word of each peer on each prefix, in any order, is the same input. */
const lastWords = (all: readonly Announcement[]): Announcement[] => [
  ...new Map(all.map((a) => [`${a.peer} ${a.prefix}`, a])).values(),
];

test('the best paths depend on what peers say, not on the order, the turns, or what they said before', () => {
  fc.assert(
    fc.property(
      announcements,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      announcements,
      fc.infiniteStream(fc.nat()),
      (all, turns, noise, chance) => {
        const words = lastWords(all);
        const scrambled = words
          .map((word) => ({ word, at: chance.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ word }) => word);
        expect(played(scrambled, turns, noise)).toEqual(played(words, [true], []));
      },
    ),
  );
});
