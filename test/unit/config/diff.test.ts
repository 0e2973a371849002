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
    localPref: '200',
    nextHopSelf: 'false',
    import: 'none',
    export: 'none',
    transit: 'true',
  };
  const peerOf = (more: string): PeerConfig => {
    const parsed = parseNodeConfig(`neighbors:\n  - name: r\n    address: 10.9.0.2\n    asn: 65002\n${more}`, 'a');
    const peer = parsed.ok ? parsed.value.neighbors[0] : undefined;
    if (peer === undefined) throw new Error(JSON.stringify(parsed));
    return peer;
  };
  for (const [path, value] of Object.entries(other)) {
    const line = path.includes('.') ? `    gracefulRestart: { restartTime: ${value} }` : `    ${path}: ${value}`;
    const before = peerOf('');
    const after =
      path === 'address' || path === 'asn' ? { ...before, [path]: path === 'asn' ? 65009 : 0x0a090009 } : peerOf(line);
    const needs = NEIGHBOR_SETTINGS[path as NeighborPath].needs;
    expect({ path, reset: compareConfigs(before, after as PeerConfig)?.needsReset }).toEqual({
      path,
      reset: needs === 'peer-reset',
    });
  }
  expect(Object.keys(NEIGHBOR_SETTINGS).filter((p) => !(p in other))).toEqual(['name']);
});
