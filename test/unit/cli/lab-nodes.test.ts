/** Several nodes of a lab are asked at once; the lab is a record on disk whose process is this one. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { labsDirs, processStart, writeLab } from '../../../src/lab/machine/registry.ts';
import { BROKEN, CLUSTER } from '../control/fake-views.ts';
import { type FakeDaemon, fakeDaemon, gingham } from './fake-daemon.ts';

let dir: string;
const daemons: FakeDaemon[] = [];
const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;

function lab(name: string, sockets: Readonly<Record<string, string>>): void {
  const at = path.join(labsDirs()[0] ?? dir, name);
  fs.mkdirSync(at, { recursive: true });
  writeLab(at, {
    name,
    dir: at,
    pid: process.pid,
    startTime: processStart(process.pid) ?? '',
    user: process.getuid?.() ?? 0,
    userNamespace: false,
    ready: true,
    encap: 'ipip',
    startedAt: '2026-11-21T01:00:00.000Z',
    nodes: Object.entries(sockets).map(([node, socket]) => ({
      name: node,
      kind: 'gingham',
      address: '192.168.34.1',
      socket,
      netns: '',
    })),
    pods: [],
  });
}

beforeAll(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-labs-'));
  vi.stubEnv('GINGHAM_LAB_DIR', dir);
  daemons.push(
    await fakeDaemon({ status: () => CLUSTER }),
    await fakeDaemon({ status: () => ({ ...BROKEN, node: 'node2', address: '192.168.34.102' }), pods: () => [] }),
  );
  lab('whole', { node1: daemons[0]?.socket ?? '', node2: daemons[1]?.socket ?? '' });
  lab('torn', { node1: daemons[0]?.socket ?? '', node2: path.join(dir, 'gone.sock') });
  lab('dead', { node1: path.join(dir, 'gone.sock') });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  for (const d of daemons) await d.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

test('rows of several nodes carry the name of the node that told them', async () => {
  const { code, out } = await gingham(['pods', '--lab', 'whole']);
  expect(code).toBe(0);
  expect(out).toMatch(/^NODE +NAMESPACE/);
  expect(
    out
      .trim()
      .split('\n')
      .slice(1)
      .every((l) => l.startsWith('node1 ')),
  ).toBe(true);
});

test('status of several nodes: a line that can be grepped, a row each, and why a better carrier is not used', async () => {
  const { code, out } = await gingham(['status', '--lab', 'whole']);
  expect(code).toBe(3);
  await expect(out).toMatchFileSnapshot(golden('status-of-two-nodes.txt'));
});

test('JSON of several nodes says who reported each item', async () => {
  const { out } = await gingham(['routes', '--lab', 'whole', '-o', 'json']);
  const list = JSON.parse(out);
  expect(list.metadata.node).toBeUndefined();
  expect(new Set(list.items.map((i: { reportedBy: string }) => i.reportedBy))).toEqual(new Set(['node1', 'node2']));
});

test('one node by its name is shown as a daemon alone is', async () => {
  expect((await gingham(['pods', '--lab', 'whole', '--node', 'node1'])).out).toMatch(/^NAMESPACE/);
  expect(await gingham(['pods', '--lab', 'whole', '--node', 'node9'])).toMatchObject({
    code: 4,
    err: expect.stringContaining('Did you mean node'),
  });
});

test('3: what came back is shown, and who did not answer is named', async () => {
  const ran = await gingham(['peers', '--lab', 'torn']);
  expect(ran).toMatchObject({
    code: 3,
    err: expect.stringContaining('node node2 did not answer: no daemon answers on'),
  });
  expect(ran.out).toMatch(/^NODE +PEER/);
});

test('5: nobody of the lab answers', async () => {
  expect(await gingham(['peers', '--lab', 'dead'])).toMatchObject({ code: 5, out: '' });
});

test('2: a change is made on one node at a time', async () => {
  for (const argv of [
    ['node', 'drain'],
    ['node', 'undrain'],
    ['config', 'reload'],
  ])
    expect(await gingham([...argv, '--lab', 'whole'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--node: node1, node2'),
    });
});
