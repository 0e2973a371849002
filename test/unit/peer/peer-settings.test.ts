import { describe, expect, test } from 'vitest';
import { formatIp, formatIpPrefix, type IpAddress, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import type { Reason } from '../../../src/base/reason.ts';
import type { BfdPort, BfdView, BfdWatch, OnWatchState, WatchSpec } from '../../../src/bfd/bfd-types.ts';
import type { DynamicRange, MaxPrefixes } from '../../../src/model/peer.ts';
import { REJECT_ALL } from '../../../src/model/policy.ts';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import { address, announcement, attributes, PLAIN } from '../../support/rib.ts';
import { MemoryNetwork, type MemorySpeaker, peerConfig } from '../../support/speakers.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';
const C = '10.9.0.3';
const ONE = '10.244.1.0/26';
const TWO = '10.244.2.0/26';
const THREE = '10.244.3.0/26';

const ip = (text: string): IpAddress => parseIp(text) as IpAddress;
const prefix = (text: string) => {
  const parsed = parseIpPrefix(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const best = (rib: LocRib): string[] =>
  [...rib.routes()].flatMap((route) =>
    route.paths.filter((p) => p.best).map((p) => `${formatIpPrefix(route.prefix)} from ${p.source.name}`),
  );

/** `a` announces ONE, TWO and THREE to `b`, which has these settings for it. */
function announced(more: Parameters<typeof peerConfig>[1]): { net: MemoryNetwork; a: MemorySpeaker; b: MemorySpeaker } {
  const net = new MemoryNetwork();
  const [a, b] = [net.speaker(A), net.speaker(B)];
  a.originate(ONE, TWO, THREE);
  a.peers.apply([peerConfig(B)]);
  b.peers.apply([peerConfig(A, more)]);
  net.time.pass(5000);
  return { net, a, b };
}
const limit = (action: MaxPrefixes['action'], more: Partial<MaxPrefixes> = {}): { maxPrefixes: MaxPrefixes } => ({
  maxPrefixes: { limit: 2, action, warnPercent: 75, idleRestartSec: 60, ...more },
});

describe('maxPrefixes (RFC 4271 6.7, RFC 4486)', () => {
  test('idle: the session ends with Cease/1, stays down for its time and says how long, and comes back', () => {
    const { net, a, b } = announced(limit('idle'));
    expect(b.peers.peer(A)).toMatchObject({ state: 'Idle', flaps: 1, reason: { code: 'MAX_PREFIXES' } });
    expect(b.peers.peer(A)?.reason?.text).toMatch(/stays down for 5\d s more/);
    expect(b.peers.peer(A)?.heldUntil).toBeGreaterThan(net.time.wall());
    expect(a.peers.peer(B)?.lastSessionEnd?.text).toContain('Maximum Number of Prefixes');
    expect(b.routes()).toEqual([]);
    net.time.pass(40_000);
    expect(b.peers.peer(A)?.state).toBe('Idle');

    a.rib.withdrawLocal(prefix(THREE) as never);
    net.time.pass(60_000);
    expect(b.peers.peer(A)).toMatchObject({ state: 'Established', flaps: 1 });
    expect(b.peers.peer(A)?.heldUntil).toBeUndefined();
    expect(b.routes()).toEqual([`${ONE} from ${A}`, `${TWO} from ${A}`]);
  });

  test('idle for good: until its configuration changes', () => {
    const { net, b } = announced(limit('idle', { idleRestartSec: 0 }));
    net.time.pass(3_600_000);
    expect(b.peers.peer(A)?.reason?.text).toContain('until its configuration changes');
    b.peers.apply([peerConfig(A, limit('idle', { limit: 3 }))]);
    net.time.pass(60_000);
    expect(b.peers.peer(A)?.state).toBe('Established');
    expect(b.routes()).toHaveLength(3);
  });

  test('drop: what is above is left out, told in log and view, and asked for again when the limit is raised', () => {
    const { net, b } = announced(limit('drop'));
    expect(b.routes()).toHaveLength(2);
    expect(b.peers.peer(A)).toMatchObject({ state: 'Established', warning: { code: 'MAX_PREFIXES_REACHED' } });
    expect(b.log.filter((line) => line.startsWith('warn'))).toEqual([`warn ${A} MAX_PREFIXES_REACHED`]);
    b.peers.apply([peerConfig(A, limit('drop', { limit: 10 }))]);
    net.time.pass(1000);
    expect(b.routes()).toHaveLength(3);
    expect(b.peers.peer(A)).toMatchObject({ state: 'Established', flaps: 0 });
    expect(b.peers.peer(A)?.warning).toBeUndefined();
  });

  test('warn: everything is taken, and it is said', () => {
    const { b } = announced(limit('warn'));
    expect(b.routes()).toHaveLength(3);
    expect(b.peers.peer(A)).toMatchObject({ state: 'Established', warning: { code: 'MAX_PREFIXES_REACHED' } });
  });
});

describe('dynamic neighbours', () => {
  const { name: _n, address: _a, asn: _as, ...settings } = peerConfig(A, { passive: true, kind: 'dynamic' });
  const range = (more: Partial<DynamicRange> = {}, asn = 64512): DynamicRange => ({
    prefix: prefix('10.9.0.0/29'),
    asns: [{ from: asn, to: asn + 1 }],
    limit: 2,
    settings,
    ...more,
  });
  const { gracefulRestart: _gr, ...plain } = peerConfig(C);

  function served(r: DynamicRange): { net: MemoryNetwork; server: MemorySpeaker } {
    const net = new MemoryNetwork();
    const server = net.speaker(C);
    server.originate(THREE);
    server.peers.apply([], [r]);
    return { net, server };
  }

  test('whoever comes from the range is a peer, named by its address, and gone when it goes', async () => {
    const { net, server } = served(range());
    const a = net.speaker(A);
    a.originate(ONE);
    a.peers.apply([plain]);
    net.time.pass(10_000);
    expect(server.peers.views().map((p) => `${p.name} ${p.config.kind} ${p.state}`)).toEqual([
      `${A} dynamic Established`,
    ]);
    expect(server.routes()).toEqual([`${ONE} from ${A}`, `${THREE} from local`]);
    expect(a.routes()).toEqual([`${ONE} from local`, `${THREE} from ${C}`]);
    await a.crash();
    net.time.pass(1000);
    expect(server.peers.views()).toEqual([]);
    expect(server.routes()).toEqual([`${THREE} from local`]);
  });

  test('whoever guards the kernel’s routes hears of all addresses: of configured peers, of those who come and go', async () => {
    const net = new MemoryNetwork();
    const told: string[] = [];
    const onAddresses = (peers: readonly IpAddress[]) => void told.push(peers.map(formatIp).join(' '));
    const server = net.speaker(C, {}, { onAddresses });
    const [a, b] = [net.speaker(A), net.speaker(B)];
    const configured = peerConfig('10.9.0.7', { passive: true });
    server.peers.apply([configured], [range()]);
    expect(told.splice(0)).toEqual(['10.9.0.7']);
    for (const stranger of [a, b]) stranger.peers.apply([plain]);
    net.time.pass(10_000);
    expect(told.splice(0)).toEqual([`${A} ${B} 10.9.0.7`]); // both at once
    await a.crash();
    net.time.pass(1000);
    expect(told.splice(0)).toEqual([`${B} 10.9.0.7`]);
    server.peers.apply([configured, peerConfig('10.9.0.8')], [range()]);
    server.peers.apply([peerConfig('10.9.0.8')], []);
    expect(told).toEqual([`${B} 10.9.0.7 10.9.0.8`, '10.9.0.8']);
  });

  test('with graceful restart it stays as long as its routes do', async () => {
    const { net, server } = served(range());
    const a = net.speaker(A);
    a.originate(ONE);
    a.peers.apply([peerConfig(C)]);
    net.time.pass(10_000);
    await a.crash();
    net.time.pass(100_000);
    expect(server.peers.views()).toHaveLength(1);
    expect(server.routes()).toContain(`${ONE} from ${A} stale`);
    net.time.pass(30_000);
    expect(server.peers.views()).toEqual([]);
    expect(server.routes()).toEqual([`${THREE} from local`]);
  });

  test('more than its limit are not let in, which is said once; strangers elsewhere never are', () => {
    const { net, server } = served(range({ limit: 1 }));
    for (const at of [A, B, '10.9.0.9']) net.speaker(at).peers.apply([plain]);
    net.time.pass(60_000);
    expect(server.peers.views().map((p) => p.state)).toEqual(['Established']);
    expect(server.log.filter((line) => line.startsWith('full'))).toHaveLength(1);
    expect(server.peers.admits(ip('10.9.0.9'), undefined)).toBe(false);
  });

  test('its AS is one of the range: iBGP or eBGP by what its OPEN says; another is refused', () => {
    const { net, server } = served(range());
    const [a, b] = [net.speaker(A), net.speaker(B)];
    a.peers.apply([{ ...plain, localAsn: 64513 }]);
    b.peers.apply([{ ...plain, localAsn: 64999 }]);
    net.time.pass(10_000);
    expect(server.peers.peer(A)).toMatchObject({ state: 'Established', ibgp: false, config: { asn: 64513 } });
    expect(b.peers.peer(C)?.lastReason?.text).toContain('Bad Peer AS');
    expect(server.peers.peer(B)).toBeUndefined();
  });

  test('a range that is gone takes its peers with it; a neighbour that is configured at the address takes over', () => {
    const { net, server } = served(range());
    const [a, b] = [net.speaker(A), net.speaker(B)];
    for (const s of [a, b]) s.peers.apply([plain]);
    net.time.pass(10_000);
    expect(server.peers.apply([], [range()])).toEqual({ added: [], removed: [], changed: [], refused: [] });
    expect(server.peers.apply([peerConfig(A, { name: 'rack1', kind: 'file' })], [range()])).toMatchObject({
      added: ['rack1'],
      removed: [A],
    });
    net.time.pass(30_000);
    expect(server.peers.views().map((p) => p.name)).toEqual([B, 'rack1']);
    expect(server.peers.apply([peerConfig(A, { name: 'rack1', kind: 'file' })], [])).toMatchObject({ removed: [B] });
  });
});

describe('both families in one session', () => {
  const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
  function dual(): { net: MemoryNetwork; a: MemorySpeaker; b: MemorySpeaker } {
    const net = new MemoryNetwork();
    const [a, b] = [net.speaker(A), net.speaker(B)];
    a.originate(ONE);
    a.rib6.originate(prefix('fd00:1::/64'));
    a.peers.apply([peerConfig(B, { families, otherLocalAddress: ip('2001:db8::1') })]);
    b.peers.apply([peerConfig(A, { families, otherLocalAddress: ip('2001:db8::2') })]);
    net.time.pass(5000);
    return { net, a, b };
  }

  test('each has its table, its counts and its End-of-RIB', () => {
    const { b } = dual();
    expect(best(b.rib)).toEqual([`${ONE} from ${A}`]);
    expect(best(b.rib6)).toEqual([`fd00:1::/64 from ${A}`]);
    expect(b.completed).toMatch(/^all-peers/);
    const view = b.peers.peer(A);
    expect(view?.routes).toMatchObject({ received: 2, used: 2 });
    expect(view?.families.map((f) => [f.family, f.negotiated, f.routes.received, f.sent])).toEqual([
      ['ipv4-unicast', true, 1, 0],
      ['ipv6-unicast', true, 1, 0],
    ]);
  });

  test('a restart keeps both; a peer that comes back without one has its routes of it no more', async () => {
    const { net, a, b } = dual();
    await a.crash();
    net.time.pass(1000);
    expect(b.peers.peer(A)?.families.map((f) => f.routes.stale)).toEqual([1, 1]);
    const again = net.speaker(A, { forwarding: true });
    again.originate(ONE);
    again.peers.apply([peerConfig(B)]);
    net.time.pass(20_000);
    expect(best(b.rib)).toEqual([`${ONE} from ${A}`]);
    expect(best(b.rib6)).toEqual([]);
  });
});

describe('long-lived graceful restart (RFC 9494)', () => {
  const settings = { longLivedGracefulRestart: { staleTimeSec: 3600 } };

  test('after the restart time the routes stay as a last resort, and go after the long time', async () => {
    const net = new MemoryNetwork();
    const [a, b] = [net.speaker(A), net.speaker(B)];
    a.originate(ONE);
    a.peers.apply([peerConfig(B, settings)]);
    b.peers.apply([peerConfig(A, settings)]);
    net.time.pass(5000);
    await a.crash();
    net.time.pass(119_000);
    expect(b.peers.peer(A)?.families[0]).not.toMatchObject({ longLived: true });
    net.time.pass(2000);
    expect(b.routes()).toEqual([`${ONE} from ${A} stale`]);
    expect(b.peers.peer(A)?.families[0]).toMatchObject({ longLived: true });
    net.time.pass(3_590_000);
    expect(b.routes()).toHaveLength(1);
    net.time.pass(10_000);
    expect(b.routes()).toEqual([]);
  });

  test('a silent peer’s routes are a last resort at once, where that is agreed', () => {
    const net = new MemoryNetwork();
    const [a, b] = [net.speaker(A), net.speaker(B)];
    a.originate(ONE);
    a.peers.apply([peerConfig(B, settings)]);
    b.peers.apply([peerConfig(A, settings)]);
    net.time.pass(5000);
    net.cutEverything();
    net.time.pass(92_000);
    expect(b.log.find((line) => line.startsWith('down'))).toMatch(/HOLD_TIMER_EXPIRED .* 1 stale$/);
  });
});

test('an import policy is another one without a reset, and what came before it is judged by it', () => {
  const { net, b } = announced({});
  expect(b.routes()).toHaveLength(3);
  const report = b.peers.apply([peerConfig(A, { importPolicy: REJECT_ALL })]);
  expect(report.changed).toMatchObject([{ cost: 'rejudge', needsReset: false, fields: ['importPolicy'] }]);
  net.time.pass(1000);
  expect(b.routes()).toEqual([]);
  b.peers.apply([peerConfig(A)]);
  net.time.pass(1000);
  expect(b.routes()).toHaveLength(3);
  expect(b.peers.peer(A)).toMatchObject({ state: 'Established', flaps: 0 });
});

test('reflection: what one client announces the other hears, and a non-client hears it too (RFC 4456)', () => {
  const net = new MemoryNetwork();
  const [a, b, rr] = [net.speaker(A), net.speaker(B), net.speaker(C)];
  a.originate(ONE);
  const settings = { client: true, transit: true };
  rr.peers.apply([peerConfig(A, settings), peerConfig(B, settings)]);
  for (const s of [a, b]) s.peers.apply([peerConfig(C)]);
  net.time.pass(10_000);
  expect(b.routes()).toEqual([`${ONE} from ${C}`]);
  expect(a.routes()).toEqual([`${ONE} from local`]);
  rr.peers.apply([peerConfig(A, { transit: true }), peerConfig(B, { transit: true })]);
  net.time.pass(1000);
  expect(b.routes()).toEqual([]);
  expect(b.peers.peer(C)).toMatchObject({ state: 'Established', flaps: 0 });
});

test('ADD-PATH: how many paths are sent changes under the session, which way they go resets it (RFC 7911 4)', () => {
  const net = new MemoryNetwork();
  const [a, b, rr] = [net.speaker(A), net.speaker(B), net.speaker(C)];
  const D = '10.9.0.4';
  const d = net.speaker(D);
  const addPath = (max: number, send = true) => ({ addPath: { receive: false, send, max } });
  const client = { client: true, transit: true };
  for (const from of [a, d]) {
    from.originate(ONE);
    from.peers.apply([peerConfig(C)]);
  }
  const settings = (max: number, send = true) => [
    peerConfig(A, client),
    peerConfig(D, client),
    peerConfig(B, { ...client, ...addPath(max, send) }),
  ];
  rr.peers.apply(settings(8));
  b.peers.apply([peerConfig(C, { addPath: { receive: true, send: false, max: 1 } })]);
  net.time.pass(10_000);
  const paths = (): number => [...b.rib.routes()].flatMap((route) => route.paths).length;
  expect(paths()).toBe(2);
  for (const [max, expected] of [
    [1, 1],
    [2, 2],
  ] as const) {
    expect(rr.peers.apply(settings(max)).changed).toMatchObject([{ cost: 'resend', needsReset: false, resetBy: [] }]);
    net.time.pass(1000);
    expect(paths()).toBe(expected);
  }
  expect(b.peers.peer(C)).toMatchObject({ state: 'Established', flaps: 0 });
  const { changed } = rr.peers.apply(settings(2, false));
  expect(changed).toMatchObject([{ cost: 'reset', needsReset: true, resetBy: ['addPath'] }]);
  net.time.pass(10_000);
  expect(b.peers.peer(C)).toMatchObject({ state: 'Established', flaps: 1 });
  expect(b.peers.peer(C)?.lastSessionEnd?.text).toContain('Other Configuration Change');
  expect(paths()).toBe(1);
});

/** `b`'s best path to ONE, which C reflects from A. */
const reflectedTo = (b: MemorySpeaker) =>
  [...b.rib.routes()].flatMap((route) => route.paths).find((path) => path.best && path.source.name === C)?.attributes;

test('reflection: an originator that comes back by another identifier is told of anew (RFC 4456 8)', () => {
  const net = new MemoryNetwork();
  const [a, b, rr] = [net.speaker(A), net.speaker(B), net.speaker(C)];
  a.originate(ONE);
  const settings = { client: true, transit: true };
  const addPath = { addPath: { receive: true, send: true, max: 4 } };
  for (const [forA, forB] of [
    [{}, {}],
    [{}, addPath],
  ] as const) {
    rr.peers.apply([peerConfig(A, { ...settings, ...forA }), peerConfig(B, { ...settings, ...forB })]);
    a.peers.apply([peerConfig(C)]);
    b.peers.apply([peerConfig(C, forB)]);
    net.time.pass(10_000);
    const source = rr.peers.partOf(A, 'ipv4-unicast')?.source;
    if (source === undefined) throw new Error('no source');
    for (const identifier of ['10.0.0.77', A]) {
      // It restarted gracefully, and what it announces is what it announced before.
      rr.rib.identify(source, address(identifier));
      net.time.pass(1000);
      expect(reflectedTo(b)?.originatorId).toBe(address(identifier));
    }
  }
});

test('reflection: a cluster identifier that one session has is looked for on all, as soon as it has it (RFC 4456 8)', () => {
  const net = new MemoryNetwork();
  const rr = net.speaker(C);
  const clusterId = address('10.0.0.8');
  const outside = rr.rib.addSource({
    name: 'd',
    kind: 'ibgp',
    address: ip('10.9.0.9'),
    localAsn: 64512,
    peerAsn: 64512,
  });
  const path = attributes('10.9.0.9', { originatorId: address('10.9.0.5'), clusterList: [clusterId] });
  rr.rib.receive(outside, announcement(path, ONE), PLAIN);
  const rejected = (): string | undefined => {
    rr.rib.settle();
    return [...rr.rib.routes()][0]?.paths[0]?.rejected?.code;
  };
  expect(rejected()).toBeUndefined();
  rr.peers.apply([peerConfig(A, { client: true, clusterId })]);
  expect(rejected()).toBe('CLUSTER_LOOP');
  rr.peers.apply([peerConfig(A)]);
  expect(rejected()).toBeUndefined();
});

describe('BFD beside a session (RFC 5882, RFC 9384)', () => {
  class FakeBfd implements BfdPort {
    readonly specs: WatchSpec[] = [];
    tell: OnWatchState = () => {};
    stops = 0;
    watch(spec: WatchSpec, onState: OnWatchState): BfdWatch {
      this.specs.push(spec);
      this.tell = onState;
      const reason: Reason = { code: 'BFD_DOWN', text: 'not yet' };
      return {
        state: 'down',
        reason,
        view: () => ({ ...spec, state: 'Down', reason }) as unknown as BfdView,
        change: () => {},
        stop: () => void this.stops++,
      };
    }
  }

  test('down ends the session with Cease/10 and takes the routes at once; without a session it does nothing', () => {
    const net = new MemoryNetwork();
    const bfd = new FakeBfd();
    const [a, b] = [net.speaker(A), net.speaker(B, {}, { bfd })];
    a.originate(ONE);
    a.peers.apply([peerConfig(B)]);
    b.peers.apply([peerConfig(A, { bfd: { intervalMs: 100, multiplier: 3 } })]);
    net.time.pass(5000);
    expect(bfd.specs).toMatchObject([{ intervalMs: 100, multiplier: 3, localAddress: ip(B) }]);
    bfd.tell('up', { code: 'BFD_UP', text: 'up' });
    bfd.tell('down', { code: 'BFD_TIME_EXPIRED', text: 'nothing was heard for 300 ms' });
    net.time.pass(10);
    expect(b.routes()).toEqual([]);
    expect(a.peers.peer(B)?.lastSessionEnd?.text).toContain('BFD Down');
    bfd.tell('down', { code: 'BFD_TIME_EXPIRED', text: 'again' });
    net.time.pass(30_000);
    expect(b.routes()).toEqual([`${ONE} from ${A}`]);
    b.peers.apply([peerConfig(A)]);
    expect(bfd.stops).toBe(1);
    expect(b.peers.peer(A)).toMatchObject({ state: 'Established', flaps: 1 });
  });
});
