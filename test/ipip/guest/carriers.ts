/** Runs in the guest: nodes 1 (the kernel's tunl0), 2 (tc-bpf) and 3 (user space) on one bridge, each with a pod.
 *  argv: the bundle of test/support/tunnel-child.ts. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import type { TunnelStatus } from '../../../src/kernel/tunnels/tunnel.ts';
import { type JsonChild, startJsonChild } from '../../support/child-process.ts';
import { makeNamespaces } from '../../support/namespaces.ts';
import { buildFabric, podAddress, routeTo, specOf, transfer } from '../../support/tunnel-fabric.ts';
import { say } from './say.ts';

const ns = makeNamespaces('c');
const program = process.argv[2] as string;
const children: JsonChild[] = [];
const CARRIERS = { 1: 'kernel', 2: 'tc-bpf', 3: 'user-space' } as const;
const TEN_MEGABYTES = 10 << 20;

const ping = (from: number, to: number, options = ''): string =>
  ns.try(`p${from}`, `ping -c 3 -i 0.2 -W 5 ${options} ${podAddress(to)}`).out;

// Or every namespace would be born with a tunl0 of the kernel, once the module is loaded by the first.
fs.writeFileSync('/proc/sys/net/core/fb_tunnels_only_for_init_net', '1');
buildFabric(ns);

await say('one kernel carries tunl0 in all three ways at once', async () => {
  for (const n of [1, 2, 3] as const) {
    const child = startJsonChild('ip', 'netns', 'exec', ns.name(`n${n}`), process.execPath, program, CARRIERS[n]);
    children.push(child);
    const others = [1, 2, 3].filter((other) => other !== n);
    const status = await child.ask<TunnelStatus>({ ensure: specOf('ipip', n, ...others) });
    assert.equal(status.carrier, CARRIERS[n], JSON.stringify(status));
    assert.deepEqual(status.problems, []);
    for (const other of others) ns.ip(`n${n}`, routeTo('ipip', other));
  }
  for (const n of [1, 2, 3]) {
    ns.ip(`p${n}`, 'link set eth0 mtu 1481');
    ns.ip(`n${n}`, `link set cali${n} mtu 1481`);
  }
});

for (const [other, name] of [
  [2, 'tc-bpf'],
  [3, 'user space'],
] as const) {
  await say(`the kernel's tunl0 and ${name} exchange pings, TTL 62`, () => {
    for (const said of [ping(1, other), ping(other, 1)]) assert.match(said, /ttl=62[\s\S]* 0% packet loss/);
  });
  await say(`the kernel's tunl0 and ${name} exchange packets of exactly the MTU, and refuse one byte more`, () => {
    for (const [from, to] of [
      [1, other],
      [other, 1],
    ] as const) {
      assert.match(ping(from, to, '-M do -s 1452'), / 0% packet loss/);
      assert.match(ping(from, to, '-M do -s 1453'), /mtu = 1480[\s\S]* 100% packet loss/);
    }
  });
  for (const [from, to, words] of [
    [1, other, `the kernel's tunl0 to ${name}`],
    [other, 1, `${name} to the kernel's tunl0`],
  ] as const) {
    await say(`10 MB of TCP from ${words} arrive with equal checksums`, async () => {
      const [sent, got] = await transfer(ns, from, to, TEN_MEGABYTES);
      assert.match(sent, /^[0-9a-f]{32}$/);
      assert.equal(got, sent);
    });
  }
}

await say("when its daemon is dead tc-bpf goes on with the kernel's tunl0", async () => {
  await children[1]?.kill();
  assert.match(ping(1, 2), / 0% packet loss/);
});
process.exit(0);
