import { describe, expect, test } from 'vitest';
import { formatIp, formatIpPrefix, type IpAddress } from '../../../src/base/ip.ts';
import type { LocRib, LocRibConfig } from '../../../src/rib/ribs/loc-rib.ts';
import { CoveredAddresses } from '../../../src/rib/tables/covered-addresses.ts';
import type { BestPath, PathSource, RouteFeed } from '../../../src/rib/terms/feed.ts';
import { NextHopTable } from '../../../src/rib/terms/next-hops.ts';
import { addPeer, PLAIN, ribOf } from '../../support/rib.ts';
import { announce, ip, ipCidr, SaidResolver, withdraw } from '../../support/rib-updates.ts';

/** "10.244.1.0/26 via 10.9.0.2, 10.9.0.3 (for 10.1.1.1)": what the kernel would be asked for. */
class Ways implements RouteFeed {
  readonly now = new Map<string, string>();
  told = 0;
  onBest({ address, length, nextHops }: BestPath): void {
    this.told++;
    const ways = nextHops.map(
      (n) =>
        formatIp(n.gateway) +
        (n.link === undefined ? '' : `%${n.link}`) +
        (n.gateway === n.address ? '' : ` (for ${formatIp(n.address)})`),
    );
    this.now.set(formatIpPrefix({ address, length }), ways.join(', '));
  }
  onWithdraw(address: IpAddress, length: number): void {
    this.told++;
    this.now.delete(formatIpPrefix({ address, length }));
  }
  onEndOfFeed(): void {}
  take(): Record<string, string> {
    return Object.fromEntries(this.now);
  }
}

function tables(more: Partial<LocRibConfig> = {}): { rib: LocRib; ways: Ways; resolver: SaidResolver } {
  const resolver = new SaidResolver();
  const { rib } = ribOf({ nextHops: resolver, ...more });
  const ways = new Ways();
  rib.subscribe(ways, 'kernel');
  return { rib, ways, resolver };
}

const A = '10.244.1.0/26';
const B = '10.244.2.0/26';
const rejection = (rib: LocRib, prefix: string): string | undefined => {
  const path = rib.pathsOf(ipCidr(prefix))?.paths[0];
  return path?.rejected && `${path.rejected.code} ${path.nextHop?.reason?.code}`;
};

describe('next hops by the resolver (RFC 4271 9.1.2.1)', () => {
  test('an unreachable next hop keeps the path out, with the reason, until it is reachable', () => {
    const { rib, ways, resolver } = tables();
    const peer = addPeer(rib, '10.9.0.2');
    rib.receive(peer, announce(A, '10.9.0.2'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({});
    expect(rejection(rib, A)).toBe('NEXT_HOP_UNREACHABLE NO_ROUTE');
    expect(rib.counts).toMatchObject({ best: 0, nextHops: 1, unreachableNextHops: 1 });
    expect([...rib.routesOf(peer, { rejected: true })].map((r) => formatIpPrefix(r.prefix))).toEqual([A]);
    resolver.connect('10.9.0.2');
    rib.settle();
    expect(ways.take()).toEqual({ [A]: '10.9.0.2' });
    expect(rib.counts).toMatchObject({ best: 1, unreachableNextHops: 0 });
    resolver.cut('10.9.0.2');
    rib.settle();
    expect(ways.take()).toEqual({});
  });

  test('the nearer next hop wins (9.1.2.2 e), and a change of cost turns the route to the other', () => {
    const { rib, ways, resolver } = tables();
    resolver.route('10.9.0.2', 10);
    resolver.route('10.9.0.3', 20);
    for (const at of ['10.9.0.2', '10.9.0.3']) rib.receive(addPeer(rib, at), announce(A, at), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ [A]: '10.9.0.2' });
    resolver.route('10.9.0.2', 30);
    rib.settle();
    expect(ways.take()).toEqual({ [A]: '10.9.0.3' });
    expect(rib.pathsOf(ipCidr(A))?.paths[1]?.lostAt).toEqual({ step: 'interior cost', best: '20', this: '30' });
  });

  test('only the routes of a next hop that changed are told again', () => {
    const { rib, ways, resolver } = tables();
    resolver.connect('10.9.0.2', '10.9.0.3');
    const peer = addPeer(rib, '10.9.0.2');
    rib.receive(peer, announce(A, '10.9.0.2'), PLAIN);
    rib.receive(peer, announce(B, '10.9.0.3'), PLAIN);
    rib.settle();
    ways.told = 0;
    const { walks } = rib.counts;
    resolver.cut('10.9.0.3');
    rib.settle();
    expect([ways.told, rib.counts.walks - walks]).toEqual([1, 1]);
  });

  test('each next hop is asked for once, however many routes it has', () => {
    const { rib, resolver } = tables();
    resolver.connect('10.9.0.2');
    const peer = addPeer(rib, '10.9.0.2');
    for (let i = 0; i < 50; i++) rib.receive(peer, announce(`10.244.${i}.0/26`, '10.9.0.2'), PLAIN);
    rib.settle();
    expect(resolver.asked).toBe(1);
  });
});

describe('next hops by other routes', () => {
  test('a next hop inside a BGP route is handed to that route’s gateway, and follows it', () => {
    const { rib, ways, resolver } = tables();
    resolver.connect('10.9.0.2', '10.9.0.3');
    const near = addPeer(rib, '10.9.0.2');
    rib.receive(addPeer(rib, '10.9.0.9'), announce(A, '10.1.1.1'), PLAIN);
    rib.settle();
    expect(rejection(rib, A)).toBe('NEXT_HOP_UNREACHABLE NO_ROUTE');
    rib.receive(near, announce('10.1.0.0/16', '10.9.0.2'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ '10.1.0.0/16': '10.9.0.2', [A]: '10.9.0.2 (for 10.1.1.1)' });
    expect(rib.pathsOf(ipCidr(A))?.paths[0]?.nextHop).toEqual({
      address: ip('10.1.1.1'),
      reachable: true,
      gateway: ip('10.9.0.2'),
      metric: 0,
      through: [ipCidr('10.1.0.0/16')],
    });
    // A more specific route takes over, and gives back.
    rib.receive(near, announce('10.1.1.0/24', '10.9.0.3'), PLAIN);
    rib.settle();
    expect(ways.take()).toMatchObject({ [A]: '10.9.0.3 (for 10.1.1.1)' });
    rib.receive(near, withdraw('10.1.1.0/24'), PLAIN);
    rib.settle();
    expect(ways.take()).toMatchObject({ [A]: '10.9.0.2 (for 10.1.1.1)' });
    rib.dropSource(near);
    rib.settle();
    expect(ways.take()).toEqual({});
  });

  test('through several routes, one behind the other, at the cost of the last', () => {
    const { rib, ways, resolver } = tables();
    resolver.route('10.9.0.2', 7);
    const peer = addPeer(rib, '10.9.0.9');
    rib.receive(peer, announce(A, '10.1.1.1'), PLAIN);
    rib.receive(peer, announce('10.1.0.0/16', '10.2.1.1'), PLAIN);
    rib.receive(peer, announce('10.2.0.0/16', '10.9.0.2'), PLAIN);
    rib.settle();
    expect(ways.take()[A]).toBe('10.9.0.2 (for 10.1.1.1)');
    expect(rib.pathsOf(ipCidr(A))?.paths[0]?.nextHop).toMatchObject({
      metric: 7,
      through: [ipCidr('10.1.0.0/16'), ipCidr('10.2.0.0/16')],
    });
  });

  test('a route does not lead to its own next hop, nor two to each other’s', () => {
    const { rib, ways } = tables();
    const peer = addPeer(rib, '10.9.0.9');
    rib.receive(peer, announce('10.1.0.0/16', '10.1.1.1'), PLAIN);
    rib.receive(peer, announce('10.2.0.0/16', '10.3.1.1'), PLAIN);
    rib.receive(peer, announce('10.3.0.0/16', '10.2.1.1'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({});
    for (const p of ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16'])
      expect(rejection(rib, p)).toMatch(/^NEXT_HOP_UNREACHABLE/);
  });

  test('where a loop would be, a less specific route or the default route leads on', () => {
    const { rib, ways, resolver } = tables();
    resolver.byDefault('10.1.1.1');
    rib.receive(addPeer(rib, '10.9.0.9'), announce('10.1.0.0/16', '10.1.1.1'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ '10.1.0.0/16': '10.1.1.1' });
    resolver.connect('10.9.0.2');
    rib.receive(addPeer(rib, '10.9.0.2'), announce('10.0.0.0/8', '10.9.0.2'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ '10.0.0.0/8': '10.9.0.2', '10.1.0.0/16': '10.9.0.2 (for 10.1.1.1)' });
  });

  test('a next hop that lost, and that nobody asked for, is in a circle only as long as the kernel has no way to it', () => {
    const { rib, ways, resolver } = tables();
    const [a, b] = [addPeer(rib, '10.9.0.2'), addPeer(rib, '10.9.0.3')];
    resolver.connect('10.9.0.2');
    // The losing default route leads through 10.2.0.0/16 to 10.1.1.1, whose only way is the default route.
    rib.receive(a, announce('0.0.0.0/0', '10.9.0.2', { localPref: 200 }), PLAIN);
    rib.receive(b, announce('0.0.0.0/0', '10.2.3.1'), PLAIN);
    rib.receive(a, announce('10.2.0.0/16', '10.1.1.1'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ '0.0.0.0/0': '10.9.0.2' });
    resolver.route('10.2.3.1', 5);
    rib.settle();
    expect(ways.take()).toEqual({ '0.0.0.0/0': '10.9.0.2', '10.2.0.0/16': '10.9.0.2 (for 10.1.1.1)' });
  });

  test('a way that becomes the default route’s makes a circle of what was none', () => {
    const { rib, ways, resolver } = tables();
    resolver.connect('10.9.0.2');
    const peer = addPeer(rib, '10.9.0.9');
    rib.receive(peer, announce('10.1.0.0/16', '10.9.0.2'), PLAIN);
    rib.receive(peer, announce('0.0.0.0/0', '10.1.1.1'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ '10.1.0.0/16': '10.9.0.2', '0.0.0.0/0': '10.9.0.2 (for 10.1.1.1)' });
    // Now 10.9.0.2 is inside 0.0.0.0/0, whose next hop is inside 10.1.0.0/16, whose next hop it is.
    resolver.byDefault('10.9.0.2');
    rib.settle();
    expect(ways.take()).toEqual({ '10.1.0.0/16': '10.9.0.2' });
    expect(rejection(rib, '0.0.0.0/0')).toBe('NEXT_HOP_UNREACHABLE NEXT_HOP_LOOP');
  });

  test('more than eight routes behind each other are refused', () => {
    const { rib, ways, resolver } = tables();
    resolver.connect('10.9.0.2');
    const peer = addPeer(rib, '10.9.0.9');
    rib.receive(peer, announce('20.0.0.0/16', '10.9.0.2'), PLAIN);
    for (let i = 1; i <= 12; i++) rib.receive(peer, announce(`20.${i}.0.0/16`, `20.${i - 1}.0.1`), PLAIN);
    rib.settle();
    expect(ways.take()['20.8.0.0/16']).toBe('10.9.0.2 (for 20.7.0.1)');
    expect(rejection(rib, '20.9.0.0/16')).toBe('NEXT_HOP_UNREACHABLE NEXT_HOP_TOO_DEEP');
    expect(ways.now.size).toBe(9);
  });

  test('IPv6 too', () => {
    const { rib, ways, resolver } = tables({ family: 'ipv6' });
    resolver.connect('2001:db8::2');
    const peer = addPeer(rib, '10.9.0.9');
    rib.receive(peer, announce('fd00:1::/64', 'fd00:9::1'), PLAIN);
    rib.receive(peer, announce('fd00:9::/48', '2001:db8::2'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ 'fd00:1::/64': '2001:db8::2 (for fd00:9::1)', 'fd00:9::/48': '2001:db8::2' });
  });

  test('our own route is a way: what is inside it is here', () => {
    const { rib, ways } = tables();
    rib.originate(ipCidr('10.244.9.0/26'));
    rib.receive(addPeer(rib, '10.9.0.9'), announce(A, '10.244.9.7'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ '10.244.9.0/26': '', [A]: '10.244.9.7' });
  });
});

describe('several next hops (ECMP)', () => {
  const maxPaths = { ebgp: 2, ibgp: 3 };

  test('paths that tie through the interior cost are used together, in order of address, up to the limit', () => {
    const { rib, ways, resolver } = tables({ maxPaths });
    resolver.connect('10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.5');
    for (const at of ['10.9.0.5', '10.9.0.3', '10.9.0.4', '10.9.0.2'])
      rib.receive(addPeer(rib, at), announce(A, at), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ [A]: '10.9.0.2, 10.9.0.3, 10.9.0.4' });
    expect(rib.pathsOf(ipCidr(A))?.paths.map((p) => [p.best, p.multipath])).toEqual([
      [true, true],
      [false, true],
      [false, true],
      [false, false],
    ]);
    resolver.route('10.9.0.3', 5);
    rib.settle();
    expect(ways.take()).toEqual({ [A]: '10.9.0.2, 10.9.0.4, 10.9.0.5' });
  });

  test('the limit is that of the best path’s kind', () => {
    const { rib, ways, resolver } = tables({ maxPaths });
    resolver.connect('10.9.0.2', '10.9.0.3', '10.9.0.4');
    for (const at of ['10.9.0.2', '10.9.0.3', '10.9.0.4'])
      rib.receive(addPeer(rib, at, { kind: 'ebgp' }), announce(A, at), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ [A]: '10.9.0.2, 10.9.0.3' });
  });

  test('one gateway is one next hop, whatever leads to it', () => {
    const { rib, ways, resolver } = tables({ maxPaths });
    resolver.connect('10.9.0.2');
    const peer = addPeer(rib, '10.9.0.2');
    rib.receive(peer, announce('10.1.0.0/16', '10.9.0.2'), PLAIN);
    rib.receive(peer, announce(A, '10.1.1.1'), PLAIN);
    rib.receive(addPeer(rib, '10.9.0.3'), announce(A, '10.1.1.2'), PLAIN);
    rib.settle();
    expect(ways.take()[A]).toBe('10.9.0.2 (for 10.1.1.1)');
  });

  test('a path that comes or goes beside the best is told, and nothing else is', () => {
    const { rib, ways, resolver } = tables({ maxPaths });
    resolver.connect('10.9.0.2', '10.9.0.3');
    const other = addPeer(rib, '10.9.0.3');
    rib.receive(addPeer(rib, '10.9.0.2'), announce(A, '10.9.0.2'), PLAIN);
    rib.settle();
    rib.receive(other, announce(A, '10.9.0.3'), PLAIN);
    rib.settle();
    expect([ways.told, ways.take()]).toEqual([2, { [A]: '10.9.0.2, 10.9.0.3' }]);
    rib.receive(other, announce(A, '10.9.0.3', { localPref: 50 }), PLAIN);
    rib.settle();
    expect([ways.told, ways.take()]).toEqual([3, { [A]: '10.9.0.2' }]);
    rib.receive(other, withdraw(A), PLAIN);
    rib.settle();
    expect(ways.told).toBe(3);
  });
});

test('next hop numbers are counted, and given out again', () => {
  const table = new NextHopTable();
  const freed: number[] = [];
  table.onFree = (id) => freed.push(id);
  const a = table.intern(ip('10.9.0.2'));
  expect(table.intern(ip('10.9.0.2'))).toBe(a);
  expect(table.intern(ip('2001:db8::1'))).not.toBe(a);
  table.release(a);
  expect([table.size, freed]).toEqual([2, []]);
  table.release(a);
  expect([table.size, freed, table.has(a)]).toEqual([1, [a], false]);
  expect(table.intern(ip('10.9.0.9'))).toBe(a);
});

test('a link-local address is a next hop of its own on each link; others are one, whatever the link', () => {
  const table = new NextHopTable();
  const a = table.intern(ip('fe80::1'), 'eth1');
  const b = table.intern(ip('fe80::1'), 'eth2');
  const c = table.intern(ip('fe80::1'));
  expect(new Set([a, b, c]).size).toBe(3);
  expect(table.intern(ip('fe80::1'), 'eth1')).toBe(a);
  expect([a, b, c].map((id) => table.linkOf(id))).toEqual(['eth1', 'eth2', undefined]);
  expect(table.intern(ip('10.9.0.2'), 'eth1')).toBe(table.intern(ip('10.9.0.2'), 'eth2'));
  expect(table.intern(ip('2001:db8::1'), 'eth1')).toBe(table.intern(ip('2001:db8::1')));
  expect(table.size).toBe(5);
  table.release(b);
  expect([table.size, table.has(a), table.has(b)]).toEqual([4, true, false]);
  // The number is used again, for another link.
  expect(table.intern(ip('fe80::1'), 'eth3')).toBe(b);
  expect(table.linkOf(b)).toBe('eth3');
});

describe('one link-local address on two links (RFC 4007 6)', () => {
  const P = '2001:db8:1::/64';
  const EBGP = { kind: 'ebgp', localAsn: 65001, peerAsn: 65000, address: ip('fe80::1') } as const;
  const update = announce(P, 'fe80::1', { asPath: [{ type: 'sequence', asns: [65000] }] });
  const fabric = (): ReturnType<typeof tables> & { from: (link: string, id: string) => PathSource } => {
    const t = tables({ family: 'ipv6', maxPaths: { ebgp: 4, ibgp: 1 } });
    return { ...t, from: (link, id) => addPeer(t.rib, id, { ...EBGP, name: link, link }) };
  };

  test('is two ways for a route, in the order of the links whatever came first', () => {
    for (const links of [
      ['eth1', 'eth2'],
      ['eth2', 'eth1'],
    ]) {
      const { rib, ways, resolver, from } = fabric();
      resolver.connect('fe80::1%eth1', 'fe80::1%eth2');
      for (const link of links) rib.receive(from(link, `10.0.0.${link.slice(3)}`), update, PLAIN);
      rib.settle();
      expect(ways.take()).toEqual({ [P]: 'fe80::1%eth1, fe80::1%eth2' });
      expect(rib.pathsOf(ipCidr(P))?.paths.map((p) => p.nextHop?.link)).toEqual(['eth1', 'eth2']);
    }
  });

  test('and a link that is cut takes its own way with it, also while the session is still up', () => {
    const { rib, ways, resolver, from } = fabric();
    resolver.connect('fe80::1%eth1', 'fe80::1%eth2');
    for (const link of ['eth1', 'eth2']) rib.receive(from(link, `10.0.0.${link.slice(3)}`), update, PLAIN);
    rib.settle();
    resolver.cut('fe80::1%eth1');
    rib.settle();
    expect(ways.take()).toEqual({ [P]: 'fe80::1%eth2' });
    resolver.connect('fe80::1%eth1');
    rib.settle();
    expect(ways.take()).toEqual({ [P]: 'fe80::1%eth1, fe80::1%eth2' });
  });

  test('a next hop behind a route of such a way is handed to the link of that way, not of its own session', () => {
    const { rib, ways, resolver, from } = fabric();
    resolver.connect('fe80::1%eth1', 'fe80::1%eth2');
    rib.receive(from('eth2', '10.0.0.2'), update, PLAIN);
    const far = addPeer(rib, '10.0.0.9', { link: 'eth1', address: ip('2001:db8:9::9') });
    rib.receive(far, announce('2001:db8:2::/64', '2001:db8:1::7'), PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({
      [P]: 'fe80::1%eth2',
      '2001:db8:2::/64': 'fe80::1%eth2 (for 2001:db8:1::7)',
    });
  });

  test('no route leads to a link-local next hop whose link is down', () => {
    const { rib, ways, resolver, from } = fabric();
    resolver.connect('fe80::1%eth2');
    rib.receive(from('eth2', '10.0.0.2'), announce('fe80::/10', 'fe80::1'), PLAIN);
    rib.receive(from('eth1', '10.0.0.1'), update, PLAIN);
    rib.settle();
    expect(ways.now.has(P)).toBe(false);
    expect(rejection(rib, P)).toBe('NEXT_HOP_UNREACHABLE NO_ROUTE');
  });

  test('our own address on one link is somebody else’s on another', () => {
    const isOurAddress = (a: IpAddress, link?: string): boolean => a === ip('fe80::1') && link === 'eth1';
    const { rib, ways, resolver } = tables({ family: 'ipv6', isOurAddress });
    resolver.connect('fe80::1%eth1', 'fe80::1%eth2');
    for (const link of ['eth1', 'eth2'])
      rib.receive(addPeer(rib, `10.0.0.${link.slice(3)}`, { ...EBGP, name: link, link }), update, PLAIN);
    rib.settle();
    expect(ways.take()).toEqual({ [P]: 'fe80::1%eth2' });
    const out = rib.pathsOf(ipCidr(P))?.paths.find((p) => p.rejected);
    expect([out?.source.name, out?.rejected?.code]).toEqual(['eth1', 'NEXT_HOP_IS_OURS']);
  });
});

test('a set of addresses knows whether one is inside a prefix, through comings and goings', () => {
  const set = new CoveredAddresses('ipv4');
  for (let i = 0; i < 500; i++) set.add(ip(`10.${i >> 8}.${i & 255}.7`));
  set.add(ip('2001:db8::1'));
  const some = (text: string): boolean => set.some(ipCidr(text).address, ipCidr(text).length);
  expect(['10.1.2.0/24', '10.0.0.0/8', '10.1.2.0/29', '10.1.2.8/29', '0.0.0.0/0', '11.0.0.0/8'].map(some)).toEqual([
    true,
    true,
    true,
    false,
    true,
    false,
  ]);
  for (let i = 0; i < 499; i++) set.delete(ip(`10.${i >> 8}.${i & 255}.7`));
  expect(['10.0.0.0/16', '10.1.0.0/16', '10.1.243.7/32'].map(some)).toEqual([false, true, true]);
});
