/** Other settings of a peer judge what it has announced as if it had announced it under them: after any changes the tables are
 *  those of a process that started with the last ones. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpPrefix } from '../../../src/base/ip.ts';
import type { Policy } from '../../../src/model/policy.ts';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import type { PathSource } from '../../../src/rib/terms/feed.ts';
import type { SourceSpec } from '../../../src/rib/terms/source.ts';
import { HeardFeed, PLAIN, ribOf } from '../../support/rib.ts';
import { announce, ip, ipCidr, withdraw } from '../../support/rib-updates.ts';

const PREFIXES = ['10.244.1.0/26', '10.244.2.0/26', '10.0.0.0/8'] as const;
const PEERS = 3;
const OUR_AS = 64512;

const POLICIES: readonly (Policy | undefined)[] = [
  undefined,
  { name: 'none', rules: [], otherwise: 'reject' },
  {
    name: 'pods',
    rules: [{ name: '1', match: { prefixes: [{ ...ipCidr('10.244.0.0/16'), le: 32 }] }, action: 'accept' }],
    otherwise: 'reject',
  },
  {
    name: 'prefer',
    rules: [
      {
        name: '1',
        match: { neighbourAs: [65001] },
        operations: [{ do: 'setLocalPref', value: 300 }],
        action: 'accept',
      },
    ],
    otherwise: 'accept',
  },
];

const aSetting = fc.record({
  peer: fc.nat(PEERS - 1),
  policy: fc.nat(POLICIES.length - 1),
  allowOwnAs: fc.constantFrom(0, 1),
});
const aWord = fc.record({
  peer: fc.nat(PEERS - 1),
  prefix: fc.constantFrom(...PREFIXES),
  asns: fc.constantFrom<number[]>([65001], [65002, 7], [65002, OUR_AS]),
  med: fc.constantFrom(0, 5),
  gone: fc.constantFrom(false, false, false, true),
});
type Setting = { peer: number; policy: number; allowOwnAs: number };
type Word = { peer: number; prefix: (typeof PREFIXES)[number]; asns: number[]; med: number; gone: boolean };

function specOf({ peer, policy, allowOwnAs }: Setting): SourceSpec {
  const importPolicy = POLICIES[policy];
  return {
    name: `p${peer}`,
    kind: 'ebgp',
    address: ip(`10.9.0.${peer + 2}`),
    localAsn: OUR_AS,
    peerAsn: 65001,
    allowOwnAs,
    ...(importPolicy && { importPolicy }),
  };
}

function start(settings: readonly Setting[]): {
  rib: LocRib;
  peers: PathSource[];
  feed: HeardFeed;
  turn: () => boolean;
} {
  const { rib, turn } = ribOf({ sliceRoutes: 1 });
  const feed = new HeardFeed();
  rib.subscribe(feed, 'kernel');
  const peers = settings.map((setting, i) => {
    const source = rib.addSource(specOf(setting));
    rib.identify(source, i + 1);
    return source;
  });
  return { rib, peers, feed, turn };
}

function hear(rib: LocRib, peers: readonly PathSource[], { peer, prefix, asns, med, gone }: Word): void {
  const update = gone
    ? withdraw(prefix)
    : announce(prefix, `10.9.0.${peer + 2}`, { asPath: [{ type: 'sequence', asns }], med });
  rib.receive(peers[peer] as PathSource, update, PLAIN);
}

const tables = (rib: LocRib): unknown =>
  [...rib.routes()].map((r) => [
    formatIpPrefix(r.prefix),
    r.paths.map((p) => [p.source.name, p.best, p.rejected?.code, p.attributes?.localPref, p.attributes?.med]).sort(),
  ]);

test('changed settings, at any time and in any order with announcements, end as a restart with the last ones', () => {
  const initial: readonly Setting[] = Array.from({ length: PEERS }, (_, peer) => ({ peer, policy: 0, allowOwnAs: 0 }));
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 3, arbitrary: aWord }, aSetting), { maxLength: 25 }),
      fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
      (events, turns) => {
        const live = start(initial);
        const last = [...initial];
        for (const [i, event] of events.entries()) {
          if ('prefix' in event) hear(live.rib, live.peers, event);
          else {
            live.rib.changeSource(live.peers[event.peer] as PathSource, specOf(event));
            last[event.peer] = event;
          }
          for (let n = turns[i % turns.length] as number; n > 0; n--) live.turn();
        }
        while (live.turn());
        const fresh = start(last);
        for (const event of events) if ('prefix' in event) hear(fresh.rib, fresh.peers, event);
        while (fresh.turn());
        expect(tables(live.rib)).toEqual(tables(fresh.rib));
        expect([...live.feed.believes].sort()).toEqual([...fresh.feed.believes].sort());
        expect(live.peers.map((p) => live.rib.countsOf(p))).toEqual(fresh.peers.map((p) => fresh.rib.countsOf(p)));
      },
    ),
    { numRuns: 500 },
  );
});
