/** natOutgoing on a real kernel: kernel/packets/masquerade.ts. */
// needs: root ip ping tcpdump nft

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Prefix, parsePrefix } from '../../src/base/prefix.ts';
import type { Reason } from '../../src/base/reason.ts';
import { bundle } from '../support/bundle.ts';
import { type JsonChild, startJsonChild } from '../support/child-process.ts';
import { makeNamespaces, until } from '../support/namespaces.ts';

const ns = makeNamespaces('gm');
const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-masq-'));
const calls = `${folder}/calls`;
let child: JsonChild;
let program: string;

/** pod 10.244.1.2 — node — 192.168.34.0/24 — outside 192.168.34.9, which also has 10.244.2.2 (another pool address). */
beforeAll(async () => {
  ns.ip('node', `link add cali1 type veth peer name eth0 netns ${ns.name('pod')}`);
  ns.ip('node', `link add eth0 type veth peer name eth0 netns ${ns.name('outside')}`);
  for (const [at, device] of [
    ['node', 'cali1'],
    ['node', 'eth0'],
    ['pod', 'eth0'],
    ['outside', 'eth0'],
  ] as const)
    ns.ip(at, `link set ${device} up`);
  ns.sh('node', 'sysctl -qw net.ipv4.ip_forward=1');
  ns.ip('node', 'addr add 10.244.1.1/24 dev cali1');
  ns.ip('pod', 'addr add 10.244.1.2/24 dev eth0');
  ns.ip('pod', 'route add default via 10.244.1.1');
  ns.ip('node', 'addr add 192.168.34.101/24 dev eth0');
  ns.ip('outside', 'addr add 192.168.34.9/24 dev eth0');
  ns.ip('outside', 'addr add 10.244.2.2/32 dev lo');
  ns.ip('outside', 'route add 10.244.1.0/24 via 192.168.34.101');
  ns.ip('node', 'route add 10.244.2.0/24 via 192.168.34.9');
  // A stand-in that counts: nothing may be started when nothing changed.
  fs.writeFileSync(`${folder}/nft`, `#!/bin/sh\necho x >> ${calls}\nexec nft "$@"\n`, { mode: 0o755 });
  program = await bundle('test/support/masquerade-child.ts');
  child = startJsonChild('ip', 'netns', 'exec', ns.name('node'), process.execPath, program, `${folder}/nft`);
});
afterAll(async () => {
  await child.kill();
  ns.remove();
  fs.rmSync(folder, { recursive: true });
});

/** The source address with which the pod's ping to `to` arrives. */
async function sourceSeen(to: string): Promise<string> {
  const dump = spawn('ip', [
    ...['netns', 'exec', ns.name('outside'), 'tcpdump', '-Z', 'root', '-lni', 'eth0', '--immediate-mode'],
    'icmp[icmptype] == icmp-echo',
  ]);
  let said = '';
  let seen = '';
  dump.stderr.on('data', (d) => {
    said += d;
  });
  dump.stdout.on('data', (d) => {
    seen += d;
  });
  try {
    await until('tcpdump listens', () => said.includes('listening on'));
    ns.try('pod', `ping -c 1 -W 1 ${to}`);
    return await until('the ping arrives', () => /IP (\S+) > /.exec(seen)?.[1]);
  } finally {
    dump.kill('SIGINT');
  }
}
const starts = (): number => (fs.existsSync(calls) ? fs.readFileSync(calls, 'latin1').split('\n').length - 1 : 0);
const apply = (natOutgoing: string[], pools: string[]): Promise<Reason[]> =>
  child.ask({ apply: { natOutgoing: natOutgoing.map(prefix), pools: pools.map(prefix) } });

test('without natOutgoing a pod leaves with its own address', async () => {
  expect(await apply([], ['10.244.0.0/16'])).toEqual([]);
  expect(await sourceSeen('192.168.34.9')).toBe('10.244.1.2');
});

test('with natOutgoing a pod leaves with the address of its node, and between pools with its own', async () => {
  expect(await apply(['10.244.0.0/16'], ['10.244.0.0/16'])).toEqual([]);
  expect(await sourceSeen('192.168.34.9')).toBe('192.168.34.101');
  expect(await sourceSeen('10.244.2.2')).toBe('10.244.1.2');
});

test('the same pools in another order start nothing, a new pool changes the table', async () => {
  await apply(['10.244.0.0/16'], ['10.244.0.0/16', '10.48.0.0/16']);
  const before = starts();
  await apply(['10.244.0.0/16'], ['10.48.0.0/16', '10.244.0.0/16']);
  expect(starts()).toBe(before);
  await apply(['10.48.0.0/16'], ['10.244.0.0/16', '10.48.0.0/16']);
  expect(starts()).toBe(before + 1);
  expect(ns.sh('node', 'nft list table ip gingham').match(/masquerade/g)).toHaveLength(1);
  expect(await sourceSeen('192.168.34.9')).toBe('10.244.1.2');
});

test('overlapping pools are one set, not an error', async () => {
  expect(await apply(['10.244.0.0/16', '10.244.1.0/24'], ['10.244.0.0/16'])).toEqual([]);
});

test('a daemon that starts anew replaces the table of the old one; remove takes it away, foreign tables stay', async () => {
  ns.sh('node', 'nft add table ip theirs');
  const next = startJsonChild('ip', 'netns', 'exec', ns.name('node'), process.execPath, program);
  try {
    expect(
      await next.ask({ apply: { natOutgoing: [prefix('10.244.0.0/16')], pools: [prefix('10.244.0.0/16')] } }),
    ).toEqual([]);
    expect(ns.sh('node', 'nft list table ip gingham').match(/masquerade/g)).toHaveLength(1);
    expect(await next.ask({ remove: true })).toEqual([]);
    expect(await next.ask({ remove: true })).toEqual([]);
    expect(ns.sh('node', 'nft list tables').trim()).toBe('table ip theirs');
  } finally {
    await next.kill();
  }
});

test('without nft the answer names the missing command and what does not work', async () => {
  const without = startJsonChild('ip', 'netns', 'exec', ns.name('node'), process.execPath, program, `${folder}/absent`);
  try {
    const [reason] = await without.ask<Reason[]>({
      apply: { natOutgoing: [prefix('10.244.0.0/16')], pools: [prefix('10.244.0.0/16')] },
    });
    expect(reason?.code).toBe('NFT_MISSING');
    expect(reason?.text).toContain('apt install nftables');
    expect(await without.ask({ apply: { natOutgoing: [], pools: [] } })).toEqual([]);
  } finally {
    await without.kill();
  }
});
