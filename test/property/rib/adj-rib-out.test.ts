/** Peers of every pace and kind: what each ends up with, as a decoder reads its stream, is what export says of the table, and what
 *  a peer gets that comes last. Withdrawals name only what the peer has. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpPrefix, type IpAddress, type IpPrefix, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { NO_ADVERTISE, NO_EXPORT } from '../../../src/bgp-js/attributes/communities.ts';
import { decodeUpdate } from '../../../src/bgp-js/update/decode-update.ts';
import { encodeUpdate } from '../../../src/bgp-js/update/encode-update.ts';
import { nlriOf } from '../../../src/bgp-js/update/nlri-value.ts';
import { splitUpdate } from '../../../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import type { UpdateFrame } from '../../../src/bgp-js/update/update-frame.ts';
import { IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../../src/bgp-js/wire/family.ts';
import type { Policy } from '../../../src/model/policy.ts';
import { AdjRibOut } from '../../../src/rib/out/adj-rib-out.ts';
import { type ExportTarget, exportTo } from '../../../src/rib/out/export.ts';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import type { PathSource } from '../../../src/rib/terms/feed.ts';
import { addPeer, address, announcement, attributes, PLAIN, ribOf } from '../../support/rib.ts';

type Family = 'ipv4' | 'ipv6';
const PREFIXES: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['10.244.1.0/26', '10.244.2.0/26', '10.244.3.0/26', '10.0.0.0/8', '0.0.0.0/0'],
  ipv6: ['fd00:1::/64', 'fd00:2::/64', 'fd00:2::1/128', 'fd00::/8', '::/0'],
};
const US = address('10.9.0.1');
const ip = (text: string): IpAddress => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const prefixOf = (text: string): IpPrefix => {
  const parsed = parseIpPrefix(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const keyOf = (family: Family): number => (family === 'ipv4' ? IPV4_UNICAST_KEY : IPV6_UNICAST_KEY);
const contextOf = (family: Family, ibgp: boolean, addPath: boolean): UpdateContext => ({
  ...PLAIN_CONTEXT,
  ibgp,
  families: new Set([keyOf(family)]),
  addPath: new Set(addPath ? [keyOf(family)] : []),
});

const frame = (bytes: Uint8Array, context: UpdateContext): UpdateFrame => {
  const split = splitUpdate(bytes, 0, bytes.length, context);
  if (!split.ok) throw new Error(split.error.text);
  return split.value;
};

/** Next hops of the peers: one of the readers is among them. */
const HOPS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['10.9.0.20', '10.9.0.22'],
  ipv6: ['2001:db8::20', '2001:db8::22'],
};
const withHop = (family: Family, a: PathAttributes, hop: number): PathAttributes => {
  const { nextHop: _, ...rest } = a;
  const next = ip(HOPS[family][hop] as string);
  return typeof next === 'bigint' ? { ...rest, mpNextHop: { address: next } } : { ...rest, nextHop: next };
};

const ONLY_PODS: Policy = {
  name: 'only-pods',
  rules: [
    {
      name: '1',
      match: {
        prefixes: [
          { ...prefixOf('10.244.0.0/16'), le: 32 },
          { ...prefixOf('fd00::/16'), le: 128 },
        ],
      },
      operations: [{ do: 'addCommunities', standard: [77] }],
      action: 'accept',
    },
  ],
  otherwise: 'reject',
};
const MARKS_MED: Policy = {
  name: 'marks-med',
  rules: [{ name: '1', match: { med: { from: 1 } }, operations: [{ do: 'setMed', value: 9 }], action: 'accept' }],
  otherwise: 'accept',
};

/** By number; readers with the same number are of one group. */
const TARGETS: readonly Partial<ExportTarget>[] = [
  { kind: 'ebgp', nextHop: 'self' },
  { kind: 'ebgp', nextHop: 'keep', policy: ONLY_PODS },
  { kind: 'ibgp', nextHop: 'keep' },
  { kind: 'ibgp', nextHop: 'keep', client: true, clusterId: 7 },
  { kind: 'ebgp', nextHop: 'auto', policy: MARKS_MED },
  { kind: 'ebgp', nextHop: 'self', transit: false },
];
const targetOf = (family: Family, at: string, which: number): ExportTarget => ({
  kind: 'ebgp',
  nextHop: 'self',
  address: ip(at),
  peerAsn: 65001,
  localAddress: family === 'ipv4' ? US : ip('2001:db8::1'),
  localAsn: 64512,
  localPref: 100,
  transit: true,
  ...TARGETS[which],
});

interface ReaderOptions {
  readonly which: number;
  readonly at: string;
  readonly source: PathSource;
  readonly budget: number;
  readonly holdLearned?: boolean;
  /** 0: without ADD-PATH. */
  readonly paths?: number;
}

/** The far end of one session, whose connection takes `budget` sends before it is full. */
class Reader {
  /** "prefix#path identifier" -> attributes as text. */
  readonly has = new Map<string, string>();
  endOfRibs = 0;
  refreshed = 0;
  budget: number;
  readonly out: AdjRibOut;
  readonly options: ReaderOptions;
  readonly family: Family;
  target: ExportTarget;
  holds: boolean;
  private context: UpdateContext;

  constructor(rib: LocRib, family: Family, options: ReaderOptions) {
    const { which, at, source, paths = 0, holdLearned = false } = options;
    this.options = options;
    this.family = family;
    this.budget = options.budget;
    this.holds = holdLearned;
    this.target = targetOf(family, at, which);
    this.context = contextOf(family, this.target.kind === 'ibgp', paths > 0);
    this.out = new AdjRibOut(rib, {
      family,
      target: this.target,
      fourOctetAs: true,
      source,
      send: (messages) => this.take(messages),
      holdLearned,
      ...(paths > 0 && { addPath: { max: paths } }),
    });
    this.out.pump();
  }
  private take(messages: Uint8Array): boolean {
    expect(this.budget).toBeGreaterThan(0);
    for (let at = 0; at < messages.length; ) {
      const end = at + (((messages[at + 16] ?? 0) << 8) | (messages[at + 17] ?? 0));
      const update = decodeUpdate(messages, at, end, this.context);
      expect(update.faults).toEqual([]);
      at = end;
      if (update.endOfRib !== undefined) this.endOfRibs++;
      const name = (n: (typeof update.announced)[number]): string =>
        `${formatIpPrefix(n.prefix as IpPrefix)}#${n.pathId ?? ''}`;
      for (const nlri of update.withdrawn) expect(this.has.delete(name(nlri)), name(nlri)).toBe(true);
      for (const nlri of update.announced) this.has.set(name(nlri), textOf(update.attributes));
    }
    return --this.budget > 0;
  }
  drain(budget: number): void {
    this.budget = budget;
    this.out.resume();
  }
  /** To the other session kind it would be another session. */
  retarget(which: number): void {
    const target = targetOf(this.family, this.options.at, which);
    if (target.kind !== this.target.kind) return;
    this.target = target;
    this.out.retarget(target);
  }
}
const textOf = (a: PathAttributes | undefined): string =>
  JSON.stringify(a && Object.fromEntries(Object.entries(a).sort()), (_, v: unknown) =>
    typeof v === 'bigint' ? v.toString(16) : v,
  );

const small = fc.nat(4);
const anEvent = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('announce' as const, 'announce' as const, 'withdraw' as const),
      prefix: small,
      med: fc.nat(1),
      peer: fc.nat(3),
      hop: fc.nat(1),
      marks: fc.constantFrom(0, 0, 0, NO_EXPORT, NO_ADVERTISE),
    }),
  },
  fc.record({ what: fc.constantFrom('originate' as const, 'forget' as const), prefix: small }),
  { weight: 3, arbitrary: fc.record({ what: fc.constant('turn' as const) }) },
  fc.record({
    what: fc.constantFrom('drain' as const, 'refresh' as const, 'leave' as const, 'release' as const),
    reader: fc.nat(9),
  }),
  fc.record({ what: fc.constant('retarget' as const), reader: fc.nat(9), which: fc.nat(TARGETS.length - 1) }),
  fc.record({
    what: fc.constant('join' as const),
    which: fc.nat(TARGETS.length - 1),
    from: fc.nat(6),
    paths: fc.constantFrom(0, 0, 1, 2, 9),
    hold: fc.boolean(),
    pace: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ what: fc.constant('drop' as const), peer: fc.nat(3) }),
);

const PEERS = [
  { at: '10.9.0.20', kind: 'ebgp' },
  { at: '10.9.0.21', kind: 'ebgp' },
  { at: '10.9.0.22', kind: 'ibgp', client: true },
  { at: '10.9.0.23', kind: 'ibgp' },
] as const;
const addressIn = (family: Family, at: string): string => (family === 'ipv4' ? at : at.replace(/^.*\./, '2001:db8::'));

type AnEvent = typeof anEvent extends fc.Arbitrary<infer E> ? E : never;

/** One history. */
function live(family: Family, events: readonly AnEvent[], pace: number): void {
  let now = 0;
  const clock = { now: () => (now += 0.4), wall: () => 1_700_000_000_000 };
  const { rib, turn } = ribOf({ family, sliceRoutes: 2, clock });
  const sources = PEERS.map(({ at, ...more }) =>
    addPeer(rib, at, { ...more, address: ip(addressIn(family, at)), peerAsn: 65001 }),
  );
  let joined = 0;
  /** A reader that is one of the peers that announce, or one that only listens. */
  const join = (which: number, from: number, more: Partial<ReaderOptions>): Reader => {
    const { kind } = targetOf(family, addressIn(family, '10.9.0.1'), which);
    const peer = PEERS[from];
    const isPeer = peer !== undefined && peer.kind === kind;
    const at = isPeer ? peer.at : `10.9.1.${++joined}`;
    const source = isPeer
      ? (sources[from] as PathSource)
      : addPeer(rib, at, { kind, address: ip(addressIn(family, at)) });
    return new Reader(rib, family, { which, at: addressIn(family, at), source, budget: pace, ...more });
  };
  const readers = [
    join(0, 9, {}),
    join(0, 0, { budget: 1_000_000 }),
    join(0, 9, { holdLearned: true }),
    join(3, 2, {}),
  ];
  for (const event of events) {
    if (event.what === 'turn') turn();
    else if (event.what === 'join') {
      const { which, from, paths, hold } = event;
      readers.push(join(which, from, { paths, holdLearned: hold, budget: event.pace }));
    } else if (event.what === 'originate') {
      rib.originate(prefixOf(PREFIXES[family][event.prefix] as string));
    } else if (event.what === 'forget') {
      rib.withdrawLocal(prefixOf(PREFIXES[family][event.prefix] as string));
    } else if (event.what === 'drop') {
      rib.dropSource(sources[event.peer] as PathSource);
    } else if ('reader' in event) {
      const reader = readers[event.reader];
      if (reader === undefined) continue;
      if (event.what === 'drain') reader.drain(pace);
      else if (event.what === 'refresh') reader.out.refresh(() => reader.refreshed++);
      else if (event.what === 'retarget') reader.retarget(event.which);
      else if (event.what === 'leave') {
        reader.out.close();
        readers.splice(readers.indexOf(reader), 1);
      } else {
        reader.holds = false;
        reader.out.release();
      }
    } else if ('med' in event) {
      const { kind } = PEERS[event.peer] as (typeof PEERS)[number];
      const context = contextOf(family, kind === 'ibgp', false);
      const nlri = [nlriOf(prefixOf(PREFIXES[family][event.prefix] as string))];
      const value: PathAttributes = {
        origin: 'igp',
        asPath: kind === 'ebgp' ? [{ type: 'sequence', asns: [65001, 65002 + event.peer] }] : [],
        med: event.med,
        ...(kind === 'ibgp' && { localPref: 100 }),
        ...(event.marks !== 0 && { communities: [event.marks] }),
      };
      const update =
        event.what === 'announce'
          ? { withdrawn: [], announced: nlri, attributes: withHop(family, value, event.hop) }
          : { withdrawn: nlri, announced: [] };
      rib.receive(sources[event.peer] as PathSource, frame(encodeUpdate(update, context), context), PLAIN);
    }
  }
  const settle = (): void => {
    while (turn());
  };
  settle();
  for (const r of readers) {
    r.holds = false;
    r.out.release();
    r.drain(1_000_000);
  }
  settle();
  for (const r of readers) {
    const fresh = new Reader(rib, family, { ...r.options, budget: 1_000_000, holdLearned: false });
    fresh.out.retarget(r.target);
    settle();
    expect(sorted(r.has)).toEqual(sorted(fresh.has));
    expect(r.out.sent).toBe(r.has.size);
    expect(r.endOfRibs).toBe(1);
    fresh.out.close();
    expect(advertised(r)).toEqual(sorted(r.has));
    if ((r.options.paths ?? 0) === 0) expect(sorted(r.has)).toEqual(exported(rib, r));
  }
  for (const s of sources) rib.dropSource(s);
  for (const p of PREFIXES[family]) rib.withdrawLocal(prefixOf(p));
  settle();
  for (const r of readers) expect(r.has.size).toBe(0);
  expect(rib.counts).toMatchObject({ routes: 0, best: 0, paths: 0, attributes: 0 });
}

function check(family: Family, numRuns: number): void {
  const events = fc.array(anEvent, { maxLength: 70, size: 'max' });
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 3 }), (list, pace) => live(family, list, pace)),
    { numRuns },
  );
}
const sorted = (map: Map<string, string>): string[][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

/** What export says of every best path. */
function exported(rib: LocRib, r: Reader): string[][] {
  const wanted = new Map<string, string>();
  for (const { prefix, paths } of rib.routes()) {
    const [best] = paths;
    if (best?.best !== true || best.attributes === undefined || best.source === r.options.source) continue;
    const sent = exportTo({ ...prefix, attributes: best.attributes, source: best.source }, r.target, US);
    if ('send' in sent) wanted.set(`${formatIpPrefix(prefix)}#`, textOf(sent.send));
  }
  return sorted(wanted);
}

/** What the views say that the peer has. */
function advertised(r: Reader): string[][] {
  const said = [...r.out.advertised()].map(({ prefix, attributes: a, pathId }): [string, string] => [
    `${formatIpPrefix(prefix)}#${pathId ?? ''}`,
    textOf(a),
  ]);
  return sorted(new Map(said));
}

test('IPv4: every peer ends with what export says, whatever its pace, group, and number of paths', () => {
  check('ipv4', 60);
});
test('IPv6: every peer ends with what export says, whatever its pace, group, and number of paths', () => {
  check('ipv6', 40);
});

test('while we restart, learned routes and End-of-RIB wait, and our own do not (RFC 4724 4.1)', () => {
  const { rib } = ribOf();
  const [learned, own] = PREFIXES.ipv4 as readonly [string, string];
  const source = addPeer(rib, '10.9.0.2', { kind: 'ebgp' });
  rib.receive(source, announcement(attributes('10.9.0.9'), learned), PLAIN);
  rib.originate(prefixOf(own));
  rib.settle();
  const listener = addPeer(rib, '10.9.1.1', { kind: 'ebgp' });
  const reader = new Reader(rib, 'ipv4', {
    which: 0,
    at: '10.9.1.1',
    source: listener,
    budget: 1000,
    holdLearned: true,
  });
  expect([...reader.has.keys()]).toEqual([`${own}#`]);
  expect(reader.endOfRibs).toBe(0);
  reader.out.release();
  expect([...reader.has.keys()].sort()).toEqual([`${learned}#`, `${own}#`]);
  expect(reader.endOfRibs).toBe(1);
});
