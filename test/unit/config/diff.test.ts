import { expect, test } from 'vitest';
import { diffConfig } from '../../../src/config/diff.ts';
import { formatChange } from '../../../src/config/format.ts';
import { parseNodeConfig } from '../../../src/config/parse.ts';
import { NEIGHBOR_SETTINGS, type NeighborPath } from '../../../src/config/settings.ts';
import type { PeerConfig } from '../../../src/model/peer.ts';
import { compareConfigs } from '../../../src/peer/config-change.ts';

function diff(from: string, to: string): string[] {
  const [a, b] = [parseNodeConfig(from, 'a'), parseNodeConfig(to, 'a')];
  if (!a.ok || !b.ok) throw new Error(JSON.stringify([a, b]));
  return diffConfig(a.value, b.value).map((c) => formatChange(c));
}
const TWO = `neighbors:
  - { name: rack1, address: 10.9.0.2, asn: 65002 }
  - { name: rack2, address: 10.9.0.3, asn: 65002, holdTime: 90 }
`;

test('the same settings in another order are no change', () => {
  expect(diff(`asn: 1\nholdTime: 90\n${TWO}`, `${TWO}asn: 1\n`)).toEqual([]);
});

test('a changed neighbor names only itself, and what it costs', () => {
  expect(diff(TWO, TWO.replace('10.9.0.2', '10.9.0.7'))).toEqual([
    'neighbor rack1: address 10.9.0.2 -> 10.9.0.7  [resets the session]: rack1',
  ]);
});

test('the hold time of the node concerns the neighbors without one of their own, once', () => {
  expect(diff(TWO, `holdTime: 30\n${TWO}`)).toEqual(
    ['holdTime 90 -> 30  [resets the session]: rack1, rack2'].map((s) => s.replace(', rack2', '')),
  );
});

test('a neighbor above another can be removed without touching the other', () => {
  expect(diff(TWO, 'neighbors: [{ name: rack2, address: 10.9.0.3, asn: 65002 }]')).toEqual([
    'neighbor rack1 (10.9.0.2, AS 65002) removed: its session ends  [resets the session]: rack1',
  ]);
  expect(diff('', TWO.split('\n').slice(0, 2).join('\n'))).toEqual(['neighbor rack1 (10.9.0.2, AS 65002) added']);
});

test('prefixes and log level change while everything goes on', () => {
  expect(
    diff('originate: [10.1.0.0/24, 10.2.0.0/24]', 'originate: [10.2.0.0/24, 10.3.0.0/24]\nlogLevel: debug'),
  ).toEqual(['logLevel info -> debug', 'originate +10.3.0.0/24 -10.1.0.0/24']);
});

test('a password is compared and never shown', () => {
  const of = (p: string) => `neighbors: [{ name: r, address: 10.9.0.2, asn: 1${p && `, password: "${p}"`} }]`;
  expect(diff(of('one'), of('two'))).toEqual(['neighbor r: password changed']);
  expect(diff(of(''), of('two'))).toEqual(['neighbor r: password set']);
});

test('what is fixed for the life of the daemon says so', () => {
  expect(diff('asn: 1', 'asn: 2\ngracefulRestart: false')).toEqual([
    'asn 1 -> 2  [takes effect after a restart of the daemon]',
    'gracefulRestart 120s -> off  [resets the session]',
  ]);
});

test('what a neighbor setting needs is what the peers do when it changes', () => {
  const other: { readonly [P in NeighborPath]?: string } = {
    address: '10.9.0.9',
    asn: '65009',
    port: '1179',
    passive: 'true',
    localAddress: '10.9.0.1',
    interface: 'eth0',
    ttlSecurity: '1',
    ttl: '2',
    password: 'secret',
    holdTime: '30',
    connectRetry: '9',
    gracefulRestart: 'false',
    'gracefulRestart.restartTime': '60',
    longLivedGracefulRestart: '3600',
    families: '[ipv6-unicast]',
    multihop: '5',
    'addPath.receive': 'true',
    'addPath.send': 'true',
    extendedMessages: 'true',
    localAs: '65010',
    'localAs.asn': '65010',
    allowOwnAs: '1',
    removePrivateAs: 'all',
    routeReflectorClient: 'true',
    maxPrefixes: '100',
    'maxPrefixes.limit': '100',
    'maxPrefixes.warnPercent': '50',
    'maxPrefixes.action': 'warn',
    'maxPrefixes.restart': '60',
    role: 'customer',
    bfd: 'true',
    'bfd.interval': '100',
    'bfd.multiplier': '5',
    localPref: '200',
    nextHop: 'keep',
    thirdPartyNextHop: 'true',
    extendedNextHop: 'true',
    med: 'keep',
    withhold: '[large]',
    gracefulShutdown: 'true',
    sendBlackhole: 'true',
    import: 'none',
    export: 'none',
    transit: 'true',
  };
  const peerOf = (more: string, asn = 65002): PeerConfig => {
    const parsed = parseNodeConfig(`neighbors:\n  - name: r\n    address: 10.9.0.2\n    asn: ${asn}\n${more}`, 'a');
    const peer = parsed.ok ? parsed.value.neighbors[0] : undefined;
    if (peer === undefined) throw new Error(JSON.stringify(parsed));
    return peer;
  };
  const lineOf = (path: string, value: string): string => {
    const [section, key] = path.split('.');
    return key === undefined ? `    ${path}: ${value}` : `    ${section}: { ${key}: ${value} }`;
  };
  const cases: Record<string, readonly [before: string, after: string]> = {
    strictRole: ['    role: customer', '    role: customer\n    strictRole: true'],
    'addPath.max': ['    addPath: { send: true }', '    addPath: { send: true, max: 3 }'],
    'localAs.noPrepend': ['    localAs: 65010', '    localAs: { asn: 65010, noPrepend: true }'],
    'localAs.replaceAs': ['    localAs: 65010', '    localAs: { asn: 65010, replaceAs: true }'],
    routeReflectorClient: ['', '    routeReflectorClient: true'],
  };
  for (const [path, value] of Object.entries(other)) cases[path] ??= ['', lineOf(path, value)];
  for (const [path, [from, to]] of Object.entries(cases)) {
    const asn = path === 'routeReflectorClient' ? 64512 : 65002;
    const before = peerOf(from, asn);
    const after =
      path === 'address' || path === 'asn'
        ? { ...before, [path]: path === 'asn' ? 65009 : 0x0a090009 }
        : peerOf(to, asn);
    const needs = NEIGHBOR_SETTINGS[path as NeighborPath].needs;
    const change = compareConfigs(before, after as PeerConfig);
    expect({ path, changed: change !== undefined, reset: change?.needsReset }).toEqual({
      path,
      changed: true,
      reset: needs === 'peer-reset',
    });
  }
  expect(Object.keys(NEIGHBOR_SETTINGS).filter((p) => !(p in cases))).toEqual(['name']);
});

test('a range of neighbors is compared by its prefix, and what of it changed is named', () => {
  const of = (settings: string) => `dynamicNeighbors: [{ prefix: 10.9.0.0/16, ${settings} }]`;
  expect(diff(of('asn: 1, limit: 5'), of('asns: [1-3], limit: 9, holdTime: 30, password: secret'))).toEqual([
    'dynamic neighbors 10.9.0.0/16: asns 1 -> 1-3',
    'dynamic neighbors 10.9.0.0/16: limit 5 -> 9',
    'dynamic neighbors 10.9.0.0/16: password set',
    'dynamic neighbors 10.9.0.0/16: holdTime 90 -> 30  [resets the session]',
  ]);
  expect(diff(of('asn: 1'), '')).toEqual([
    'dynamic neighbors 10.9.0.0/16 removed: their sessions end  [resets the session]',
  ]);
  expect(diff('', of('asn: 1'))).toEqual(['dynamic neighbors 10.9.0.0/16 (AS 1) added']);
});
