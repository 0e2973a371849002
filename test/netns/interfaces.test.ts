// needs: root ip
/** What is connected and what leads where, on a real kernel, while `ip` changes it. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatIp, type IpAddress, isIpv6, parseIp } from '../../src/base/ip.ts';
import { type Ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import { formatPrefix } from '../../src/base/prefix.ts';
import { type InterfaceChange, type Interfaces, watchInterfaces } from '../../src/kernel/devices/interfaces.ts';
import { type NetlinkClient, openNetlink } from '../../src/netlink/client.ts';

const NS = `gif${process.pid}`;
const ip = (t: string): Ipv4 => parseIpv4(t) as Ipv4;
const sh = (...args: string[]): void => {
  const r = spawnSync('ip', ['-n', NS, ...args], { encoding: 'utf8' });
  if (r.status !== 0) throw new Error(`ip ${args.join(' ')}: ${r.stderr}`);
};
async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !what(); i++) await new Promise((next) => setTimeout(next, 10));
  expect(what()).toBe(true);
}

describe('interfaces', () => {
  let nl: NetlinkClient;
  let table: Interfaces;
  const changes: InterfaceChange[] = [];
  beforeAll(async () => {
    spawnSync('ip', ['netns', 'add', NS]);
    sh('link', 'add', 'eth0', 'mtu', '1400', 'type', 'veth', 'peer', 'name', 'far0');
    sh('link', 'set', 'eth0', 'up');
    sh('address', 'add', '192.168.34.100/24', 'dev', 'eth0');
    nl = await openNetlink({ netns: `/run/netns/${NS}` });
    table = await watchInterfaces({ client: nl, netns: `/run/netns/${NS}` });
    table.onChange((c) => changes.push(c));
  });
  afterAll(() => {
    table?.close();
    nl?.close();
    spawnSync('ip', ['netns', 'del', NS]);
  });

  test('a subnet leads to its device, with the MTU that a tunnel is sized by', () => {
    expect(table.deviceOf(ip('192.168.34.7'))).toMatchObject({
      device: 'eth0',
      mtu: 1400,
      prefixLength: 24,
      local: ip('192.168.34.100'),
    });
    expect(table.deviceOf(ip('192.168.35.7'))).toBeUndefined();
    expect(table.isLocal(ip('192.168.34.100'))).toBe(true);
    expect(table.linkWithAddress(ip('192.168.34.100'))?.name).toBe('eth0');
  });

  test('a link-local address is ours on the link that has it, and on another somebody else’s', async () => {
    sh('address', 'add', 'fe80::7/64', 'dev', 'eth0', 'nodad');
    const address = parseIp('fe80::7') as IpAddress;
    await until(() => table.isLocal(address));
    expect(['eth0', 'far0'].map((link) => table.isLocal(address, link))).toEqual([true, false]);
    expect(table.isLocal(ip('192.168.34.100'), 'far0')).toBe(true);
  });

  test('a longer subnet wins, a /32 of our own leads nowhere, that of a peer does', async () => {
    sh('link', 'set', 'far0', 'up');
    sh('address', 'add', '192.168.34.129/25', 'dev', 'far0');
    sh('address', 'add', '10.244.104.0/32', 'dev', 'far0');
    sh('address', 'add', '10.1.0.1', 'peer', '10.1.0.2', 'dev', 'far0');
    await until(() => table.connected().length === 4);
    expect(table.deviceOf(ip('192.168.34.200'))?.device).toBe('far0');
    expect(table.deviceOf(ip('192.168.34.2'))?.device).toBe('eth0');
    expect(table.deviceOf(ip('10.244.104.0'))).toBeUndefined();
    expect(table.deviceOf(ip('10.1.0.2'))).toMatchObject({ device: 'far0', local: ip('10.1.0.1') });
    expect(table.connected().map((c) => formatPrefix(c.prefix))).toContain('10.1.0.2/32');
  });

  test('an address that is told of again, as with each Router Advertisement, is no change', async () => {
    changes.length = 0;
    sh('address', 'change', '192.168.34.100/24', 'dev', 'eth0', 'valid_lft', '1000', 'preferred_lft', '900');
    sh('address', 'add', '10.2.0.1/24', 'dev', 'eth0');
    await until(() => changes.some((c) => c.kind === 'address'));
    const told = changes.flatMap((c) => (c.kind === 'address' && !isIpv6(c.address) ? [formatIp(c.address)] : []));
    expect(told).toEqual(['10.2.0.1']);
    sh('address', 'del', '10.2.0.1/24', 'dev', 'eth0');
    await until(() => changes.some((c) => c.kind === 'address' && c.gone));
  });

  test('a link that is down connects nothing; one that is renamed or deleted is gone by its old name', async () => {
    sh('link', 'set', 'far0', 'down');
    await until(() => table.deviceOf(ip('192.168.34.200'))?.device === 'eth0');
    sh('link', 'set', 'far0', 'name', 'far1');
    await until(() => table.byName('far1') !== undefined && table.byName('far0') === undefined);
    expect(changes).toContainEqual(expect.objectContaining({ kind: 'link', name: 'far0', gone: true }));
    sh('link', 'del', 'far1');
    await until(() => table.byName('eth0') === undefined && table.byName('far1') === undefined);
    expect(table.connected()).toEqual([]);
    expect(table.isLocal(ip('192.168.34.100'))).toBe(false);
  });

  test('a link made a moment ago is known when it is asked for', async () => {
    sh('link', 'add', 'cali7', 'type', 'veth', 'peer', 'name', 'far7');
    expect((await table.refresh('cali7'))?.name).toBe('cali7');
    expect(table.byName('cali7')?.kind).toBe('veth');
    expect(await table.refresh('cali8')).toBeUndefined();
  });
});
