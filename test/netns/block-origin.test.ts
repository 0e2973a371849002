// needs: root ip
/** Block origin validation in a running daemon: one node of a cluster beside two speakers that both claim a block, of which IPAM
 *  gives it to one. What warn, prefer and reject make of it, in the decision, in views, and in the log. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExplanationView, RouteView } from '../../src/control/views.ts';
import { lan } from '../support/lan.ts';
import { makeNamespaces, until } from '../support/namespaces.ts';
import { type EmbeddedStore, type GinghamNode, httpIn, speakersIn } from '../support/speaker.ts';

const ns = makeNamespaces('gbo');
const speakers = speakersIn(ns);
const CALICO = '/apis/crd.projectcalico.org/v1';
const BLOCK = '10.244.7.0/26';
let store: EmbeddedStore;
let node: GinghamNode;

const yaml = (mode: string): string => `cluster:
  nodeName: n1
  blockOrigin: ${mode}
  store: { server: http://10.9.0.1:6443 }
connectRetry: 1
health: { port: 9099 }
logLevel: info`;

const create = (at: string, kind: string, name: string, spec: object): void =>
  void store.api('POST', `${CALICO}/${at}`, {
    apiVersion: 'crd.projectcalico.org/v1',
    kind,
    metadata: { name },
    spec,
  });
const owner = (name: string, cidr: string) => ({
  affinity: `host:${name}`,
  cidr,
  allocations: Array.from({ length: 64 }, () => null),
  unallocated: Array.from({ length: 64 }, (_, i) => i),
  attributes: [],
  strictAffinity: false,
  deleted: false,
});

/** Everything on one bridge: n1 at .1 is the cluster's node, n2 and n3 are what its mesh dials. */
beforeAll(async () => {
  lan(ns, 'n1', { n2: '10.9.0.2', n3: '10.9.0.3' });
  ns.ip('n1', 'addr add 10.9.0.1/24 dev br0');
  store = speakers.store('n1', '10.9.0.1:6443');
  await store.start();
  create('ippools', 'IPPool', 'pool', { cidr: '10.244.0.0/16', blockSize: 26, ipipMode: 'Never', natOutgoing: false });
  create('ipamblocks', 'IPAMBlock', '10-244-7-0-26', owner('n3', BLOCK));
  for (const n of [1, 2, 3])
    store.api('POST', '/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `n${n}`, annotations: { 'projectcalico.org/IPv4Address': `10.9.0.${n}/24` } },
    });
  for (const n of [2, 3]) {
    const claims = speakers.gingham(
      `n${n}`,
      `asn: 64512
originate: [${BLOCK}]
kernel: { install: false }
neighbors: [{ name: n1, address: 10.9.0.1, asn: 64512, connectRetry: 1 }]`,
    );
    await claims.start();
  }
  node = speakers.gingham('n1', yaml('warn'));
  await node.start();
});
afterAll(async () => {
  await speakers.remove();
  ns.remove();
});

const why = (): ExplanationView => node.json<ExplanationView>('why', BLOCK);
const from = (name: string) => why().paths.find(({ route }) => route.from === name);
const setMode = (mode: string): void => {
  node.write(yaml(mode));
  expect(node.cli('config', 'reload')).toMatchObject({ status: 0 });
};
/** Lines of the log about the block. */
const said = (): string[] =>
  node
    .log()
    .split('\n')
    .filter((line) => line.includes('ORIGIN_INVALID') && line.includes(BLOCK));

test('warn: the wrong node’s route wins as it would, and why, routes --received and one line of the log say it', async () => {
  await until('both have claimed it', () => node.cli('why', BLOCK).status === 0 && why().paths.length === 2);
  expect(from('n2')).toMatchObject({
    outcome: 'wins',
    route: {
      blockOrigin: {
        origin: 'invalid',
        reason: { code: 'ORIGIN_INVALID', text: `IPAM says block ${BLOCK} belongs to n3, not to n2` },
      },
    },
  });
  expect(from('n3')).toMatchObject({ outcome: 'loses', route: { blockOrigin: { origin: 'valid' } } });
  expect(node.cli('why', BLOCK).out).toContain(`! ORIGIN_INVALID: IPAM says block ${BLOCK} belongs to n3, not to n2`);
  const received = node.cli('routes', '--received', '--from', 'n2').out;
  expect(received).toContain('best, ! ORIGIN_INVALID: IPAM says');
  expect(node.json<{ items: RouteView[] }>('routes', '--received', '--from', 'n3').items[0]?.blockOrigin?.origin).toBe(
    'valid',
  );
  expect(said()).toHaveLength(1);
  expect(said()[0]).toContain('used all the same');
  const { out: metrics } = httpIn(ns, 'n1', 'http://127.0.0.1:9099/metrics');
  expect(metrics).toMatch(/^gingham_block_origin_verdicts_total\{origin="invalid"\} [1-9]/m);
  expect(metrics).toContain('gingham_bgp_sessions{kind="mesh",state="Established"} 2');
});

test('prefer: after a reload the block’s owner wins, and why names the step; no session was reset', async () => {
  setMode('prefer');
  await until('the owner wins', () => from('n3')?.outcome === 'wins');
  expect(from('n2')).toMatchObject({
    outcome: 'loses',
    lostAt: { step: 'origin validation', best: 'valid', value: 'invalid' },
  });
  expect(node.cli('why', BLOCK).out).toMatch(/loses at step 3 origin validation: invalid, the best has valid/);
  const peers = node.json<{ items: { flaps: number; state: string }[] }>('peers').items;
  expect(peers.map(({ flaps, state }) => ({ flaps, state }))).toEqual([
    { flaps: 0, state: 'Established' },
    { flaps: 0, state: 'Established' },
  ]);
  await until('the log says what becomes of it now', () => said().length === 2);
});

test('reject: it is kept with its reason; and IPAM giving the block away turns both verdicts round', async () => {
  setMode('reject');
  await until('it is rejected', () => from('n2')?.outcome === 'rejected');
  expect(from('n2')?.route.reason?.code).toBe('ORIGIN_INVALID');
  expect(node.cli('routes', '--received', '--from', 'n2', '--rejected').out).toContain(BLOCK);
  store.api('PATCH', `${CALICO}/ipamblocks/10-244-7-0-26`, { spec: { affinity: 'host:n2' } });
  await until('the other one is', () => from('n3')?.outcome === 'rejected' && from('n2')?.outcome === 'wins');
});
