/** What comes in, as the tables show it: path identifiers, IPv6, limits, our own AS, settings that change. */
import { describe, expect, test } from 'vitest';
import { formatIp, formatIpPrefix, type IpAddress, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import { readIpv6, writeIpv6 } from '../../../src/base/ipv6.ts';
import { writePrefix } from '../../../src/bgp-js/update/ipv4-nlri.ts';
import { ReusableUpdate } from '../../../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import { IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../../src/bgp-js/wire/family.ts';
import type { Policy } from '../../../src/model/policy.ts';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import type { SourceSpec } from '../../../src/rib/terms/source.ts';
import {
  addPeer,
  address,
  announcement,
  attributes,
  cidr,
  HeardFeed,
  PLAIN,
  ribOf,
  withdrawal,
} from '../../support/rib.ts';

const both = new Set([IPV4_UNICAST_KEY, IPV6_UNICAST_KEY]);
const plain: UpdateContext = { ...PLAIN_CONTEXT, families: both, extendedNextHop: both };
const withPaths: UpdateContext = { ...plain, addPath: both };

/** An UPDATE of these sections, read. */
function updateOf(withdrawn: number[], block: number[], nlri: number[], context: UpdateContext): ReusableUpdate {
  const body = [withdrawn.length >> 8, withdrawn.length & 255, ...withdrawn, block.length >> 8, block.length & 255];
  const length = 19 + body.length + block.length + nlri.length;
  const head = [...new Array<number>(16).fill(0xff), length >> 8, length & 255, 2];
  const bytes = Uint8Array.from([...head, ...body, ...block, ...nlri]);
  const update = new ReusableUpdate();
  const error = update.read(bytes, 0, bytes.length, context);
  if (error !== undefined) throw new Error(error.text);
  return update;
}

const octetsOf = (text: string): number[] => {
  const a = parseIp(text) as IpAddress;
  const bytes = new Uint8Array(16);
  if (typeof a === 'bigint') writeIpv6(bytes, 0, a);
  else return [a >>> 24, (a >>> 16) & 255, (a >>> 8) & 255, a & 255];
  return [...bytes];
};
const nlri = (text: string, pathId?: number): number[] => {
  const { address: a, length } = parseIpPrefix(text) ?? { address: 0 as IpAddress, length: 0 };
  const id = pathId === undefined ? [] : [pathId >>> 24, (pathId >>> 16) & 255, (pathId >>> 8) & 255, pathId & 255];
  if (typeof a === 'bigint') return [...id, length, ...octetsOf(formatIp(a)).slice(0, (length + 7) >> 3)];
  const bytes = new Uint8Array(5);
  return [...id, ...bytes.slice(0, writePrefix(bytes, 0, a, length))];
};
/** ORIGIN igp, AS_PATH of these, and LOCAL_PREF 100. */
const basics = (...asns: number[]): number[] => {
  const path = asns.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  const segment = asns.length === 0 ? [] : [2, asns.length, ...path];
  return [0x40, 1, 1, 0, 0x40, 2, segment.length, ...segment, 0x40, 5, 4, 0, 0, 0, 100];
};
const NEXT_HOP = [0x40, 3, 4, 10, 9, 0, 2];
const reach = (afi: number, hops: string, ...routes: number[][]): number[] => {
  const hop = hops.split(' ').flatMap(octetsOf);
  const value = [0, afi, 1, hop.length, ...hop, 0, ...routes.flat()];
  return [0x80, 14, value.length, ...value];
};
const unreach = (afi: number, ...routes: number[][]): number[] => {
  const value = [0, afi, 1, ...routes.flat()];
  return [0x80, 15, value.length, ...value];
};
const pathsAt = (rib: LocRib, prefix: string) => {
  rib.settle();
  return rib.pathsOf(parseIpPrefix(prefix) as ReturnType<typeof cidr>)?.paths ?? [];
};

describe('path identifiers (RFC 7911)', () => {
  test('a prefix has a path for each, and a withdrawal takes the one it names', () => {
    const { rib } = ribOf();
    const peer = addPeer(rib, '10.9.0.2');
    const say = (w: number[], block: number[], n: number[]) =>
      rib.receive(peer, updateOf(w, block, n, withPaths), PLAIN);
    say(
      [],
      [...basics(7), ...NEXT_HOP],
      [...nlri('10.1.0.0/16', 1), ...nlri('10.1.0.0/16', 2), ...nlri('10.2.0.0/16', 1)],
    );
    say([], [...basics(), ...NEXT_HOP], nlri('10.1.0.0/16', 0xffffffff));
    expect(pathsAt(rib, '10.1.0.0/16')).toHaveLength(3);
    expect(rib.countsOf(peer).received).toBe(4);
    expect(pathsAt(rib, '10.1.0.0/16').find((p) => p.best)?.attributes?.asPath).toEqual([]);
    say(nlri('10.1.0.0/16', 0xffffffff), [], []);
    expect(pathsAt(rib, '10.1.0.0/16').map((p) => p.best)).toEqual([true, false]);
    say([...nlri('10.1.0.0/16', 3), ...nlri('10.2.0.0/16', 1)], [], []);
    expect(rib.countsOf(peer).received).toBe(2);
    rib.dropSource(peer);
    rib.settle();
    expect(rib.counts).toMatchObject({ routes: 0, paths: 0, attributes: 0 });
  });
});

describe('IPv6', () => {
  const v6 = () => {
    const made = ribOf({ family: 'ipv6' });
    return { ...made, peer: addPeer(made.rib, '10.9.0.2') };
  };

  test('routes come in MP_REACH_NLRI with their next hops and go in MP_UNREACH_NLRI; those of IPv4 are not taken', () => {
    const { rib, peer } = v6();
    const feed = new HeardFeed();
    rib.subscribe(feed, 'kernel');
    const say = (block: number[], n: number[] = []) => rib.receive(peer, updateOf([], block, n, plain), PLAIN);
    say(
      [
        ...reach(2, '2001:db8::2 fe80::2', nlri('fd00:1::/64'), nlri('::/0'), nlri('ff02::/16')),
        ...basics(),
        ...NEXT_HOP,
      ],
      nlri('10.1.0.0/16'),
    );
    const [path] = pathsAt(rib, 'fd00:1::/64');
    expect(path?.attributes?.mpNextHop?.address).toBe(parseIp('2001:db8::2'));
    expect(path?.attributes?.mpNextHop?.linkLocal).toBe(parseIp('fe80::2'));
    expect(path?.attributes?.nextHop).toBe(undefined);
    expect([...feed.believes.keys()].sort()).toEqual(['::/0', 'fd00:1::/64']);
    expect(pathsAt(rib, 'ff02::/16')[0]?.rejected?.code).toBe('MULTICAST_PREFIX');
    expect([...rib.routes()].map((r) => formatIpPrefix(r.prefix))).toEqual(['::/0', 'fd00:1::/64', 'ff02::/16']);
    say(unreach(2, nlri('fd00:1::/64'), nlri('::/0'), nlri('ff02::/16')));
    rib.settle();
    expect(rib.counts).toMatchObject({ routes: 0, paths: 0, attributes: 0 });
    expect(feed.believes.size).toBe(0);
  });

  test('routes that come with others next to them share one set, whatever these are', () => {
    const { rib, peer } = v6();
    const say = (...routes: number[][]) =>
      rib.receive(peer, updateOf([], [...reach(2, '2001:db8::2', ...routes), ...basics(7)], [], plain), PLAIN);
    say(nlri('fd00:1::/64'));
    say(nlri('fd00:2::/64'), nlri('fd00:3::/64'));
    expect(rib.counts).toMatchObject({ routes: 3, attributes: 1 });
  });

  test('a next hop that no host can have rejects the routes, and a path with identifiers is one of several', () => {
    const { rib, peer } = v6();
    const say = (block: number[]) => rib.receive(peer, updateOf([], block, [], withPaths), PLAIN);
    say([...reach(2, '::1', nlri('fd00:1::/64', 5)), ...basics()]);
    expect(pathsAt(rib, 'fd00:1::/64')[0]?.rejected?.code).toBe('MALFORMED_MP_REACH_NLRI');
    say([...reach(2, '2001:db8::2', nlri('fd00:1::/64', 6)), ...basics()]);
    expect(pathsAt(rib, 'fd00:1::/64').map((p) => p.best)).toEqual([true, false]);
    say(unreach(2, nlri('fd00:1::/64', 5)));
    expect(pathsAt(rib, 'fd00:1::/64')).toHaveLength(1);
  });

  test('IPv4 routes may have an IPv6 next hop (RFC 8950)', () => {
    const { rib } = ribOf();
    const peer = addPeer(rib, '10.9.0.2');
    const block = [...reach(1, 'fe80::2', nlri('10.1.0.0/16')), ...basics()];
    rib.receive(peer, updateOf([], block, [], plain), PLAIN);
    const [path] = pathsAt(rib, '10.1.0.0/16');
    expect(path).toMatchObject({ best: true, attributes: { mpNextHop: { address: parseIp('fe80::2') } } });
    expect(path?.nextHop?.address).toBe(readIpv6(Uint8Array.from(octetsOf('fe80::2')), 0));
  });
});

describe('more prefixes than allowed (RFC 4271 6.7)', () => {
  const spec = (action: 'warn' | 'drop' | 'idle') => ({ maxPrefixes: { limit: 4, action } });
  const say = (rib: LocRib, peer: ReturnType<typeof addPeer>, ...p: string[]) =>
    rib.receive(peer, announcement(attributes('10.9.0.2'), ...p), PLAIN);

  test('warn: told when three quarters are reached and when there are too many, each once; all are taken', () => {
    const { rib } = ribOf();
    const peer = addPeer(rib, '10.9.0.2', spec('warn'));
    expect(say(rib, peer, '10.1.0.0/16', '10.2.0.0/16').kind).toBe('taken');
    expect(say(rib, peer, '10.3.0.0/16')).toMatchObject({
      kind: 'limit',
      notice: { reason: { code: 'MAX_PREFIXES_NEAR' } },
    });
    expect(say(rib, peer, '10.4.0.0/16').kind).toBe('taken');
    expect(say(rib, peer, '10.5.0.0/16')).toMatchObject({
      notice: { limit: 4, reason: { code: 'MAX_PREFIXES_REACHED' } },
    });
    expect(say(rib, peer, '10.6.0.0/16').kind).toBe('taken');
    expect(rib.countsOf(peer).received).toBe(6);
  });

  test('drop: what is above is left out, what is there may change, and room is used again', () => {
    const { rib } = ribOf();
    const peer = addPeer(rib, '10.9.0.2', spec('drop'));
    say(rib, peer, '10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16');
    expect(say(rib, peer, '10.4.0.0/16', '10.5.0.0/16', '10.1.0.0/16')).toMatchObject({ kind: 'limit' });
    expect(pathsAt(rib, '10.5.0.0/16')).toEqual([]);
    expect(rib.countsOf(peer).received).toBe(4);
    rib.receive(peer, withdrawal('10.1.0.0/16'), PLAIN);
    say(rib, peer, '10.5.0.0/16');
    expect(pathsAt(rib, '10.5.0.0/16')).toHaveLength(1);
  });

  test('what comes again before the tables have let it go counts as what comes', () => {
    const { rib } = ribOf();
    const peer = addPeer(rib, '10.9.0.2', spec('drop'));
    const four = ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16', '10.4.0.0/16'] as const;
    say(rib, peer, ...four);
    rib.dropSource(peer);
    say(rib, peer, '10.5.0.0/16');
    say(rib, peer, ...four);
    expect(rib.countsOf(peer)).toMatchObject({ received: 4, leftOut: 1 });
  });

  test.each(['drop', 'idle'] as const)(
    '%s: what is left out leaves nothing in the table, also where it is said twice',
    (action) => {
      const { rib } = ribOf();
      const peer = addPeer(rib, '10.9.0.2', spec(action));
      const there = ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16', '10.4.0.0/16'];
      say(rib, peer, ...there, '10.5.0.0/16', '10.6.0.0/16', '10.5.0.0/16', '10.1.0.0/16');
      rib.settle();
      expect(rib.counts).toMatchObject({ routes: 4, paths: 4, best: 4 });
      expect([...rib.routes()].map(({ prefix }) => formatIpPrefix(prefix))).toEqual(there);
      rib.dropSource(peer);
      rib.settle();
      expect(rib.counts).toMatchObject({ routes: 0, paths: 0, best: 0, attributes: 0 });
    },
  );

  test('idle: Cease/1 with family and limit, in the table of either family', () => {
    const { rib } = ribOf({ family: 'ipv6' });
    const peer = addPeer(rib, '10.9.0.2', { maxPrefixes: { limit: 1, action: 'idle' } });
    const block = [...reach(2, '2001:db8::2', nlri('fd00:1::/64'), nlri('fd00:2::/64')), ...basics()];
    const received = rib.receive(peer, updateOf([], block, [], plain), PLAIN);
    expect(received).toMatchObject({ kind: 'reset', error: { code: 6, subcode: 1 } });
    if (received.kind === 'reset') expect([...(received.error.data ?? [])]).toEqual([0, 2, 1, 0, 0, 0, 1]);
  });
});

test('our own AS may stand in a path as often as allowed; where we are another AS to the peer, both count', () => {
  const path = (asns: number[]) => attributes('10.9.0.9', { asPath: [{ type: 'sequence', asns }] });
  const codeFor = (asns: number[], more: Partial<SourceSpec>): string | undefined => {
    const { rib } = ribOf();
    const peer = addPeer(rib, '10.9.0.2', more);
    rib.receive(peer, announcement(path(asns), '10.1.0.0/16'), PLAIN);
    return pathsAt(rib, '10.1.0.0/16')[0]?.rejected?.code;
  };
  expect(codeFor([7, 64512], {})).toBe('AS_LOOP');
  expect(codeFor([7, 64512], { allowOwnAs: 1 })).toBe(undefined);
  expect(codeFor([64512, 7, 64512], { allowOwnAs: 1 })).toBe('AS_LOOP');
  const localAs = { nodeAsn: 64512, noPrepend: false };
  expect(codeFor([7, 64512], { localAsn: 65000, localAs })).toBe('AS_LOOP');
  expect(codeFor([7, 65000], { localAsn: 65000, localAs })).toBe('AS_LOOP');
});

describe('settings that change', () => {
  const spec: SourceSpec = {
    name: 'a',
    kind: 'ibgp',
    address: address('10.9.0.2'),
    localAsn: 64512,
    peerAsn: 64512,
  };
  const only = (prefix: string): Policy => ({
    name: 'only',
    rules: [
      {
        name: '1',
        match: { prefixes: [cidr(prefix)] },
        action: 'accept',
        operations: [{ do: 'setLocalPref', value: 7 }],
      },
    ],
    otherwise: 'reject',
  });
  const many = Array.from({ length: 200 }, (_, i) => `10.1.${i}.0/24`);

  test('what was announced is judged by the new ones, in slices, and is as if it had come under them', () => {
    const { rib, turn } = ribOf({ sliceRoutes: 16 });
    const peer = addPeer(rib, '10.9.0.2');
    rib.receive(peer, announcement(attributes('10.9.0.2'), ...many), PLAIN);
    while (turn());
    const since = pathsAt(rib, '10.1.7.0/24')[0]?.since;
    rib.changeSource(peer, { ...spec, importPolicy: only('10.1.7.0/24') });
    // What comes meanwhile is judged by them at once.
    rib.receive(peer, announcement(attributes('10.9.0.2'), '10.1.8.0/24'), PLAIN);
    while (turn());
    expect(rib.countsOf(peer)).toMatchObject({ received: 200, rejected: 199, used: 1 });
    expect(pathsAt(rib, '10.1.7.0/24')[0]).toMatchObject({ best: true, since, attributes: { localPref: 7 } });
    expect(pathsAt(rib, '10.1.8.0/24')[0]?.rejected?.code).toBe('POLICY_REJECTED');
    rib.changeSource(peer, spec);
    while (turn());
    expect(rib.countsOf(peer)).toMatchObject({ received: 200, rejected: 0, used: 200 });
    expect(rib.counts.attributes).toBe(1);
  });

  test('what is judged anew and stale stays stale', () => {
    const { rib } = ribOf();
    const peer = addPeer(rib, '10.9.0.2');
    rib.receive(peer, announcement(attributes('10.9.0.2'), '10.1.7.0/24'), PLAIN);
    rib.markStale(peer);
    rib.changeSource(peer, { ...spec, importPolicy: only('10.1.7.0/24') });
    expect(pathsAt(rib, '10.1.7.0/24')[0]).toMatchObject({ stale: true, attributes: { localPref: 7 } });
    expect(rib.sweepStale(peer)).toBe(1);
  });
});
