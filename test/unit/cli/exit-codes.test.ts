/** One test per exit code of every verb: scripts live by them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConfigChangeView, ConfigFaultView } from '../../../src/control/views.ts';
import { BROKEN, CLUSTER } from '../control/fake-views.ts';
import { type FakeDaemon, fakeDaemon, gingham } from './fake-daemon.ts';

let daemon: FakeDaemon;
let dir: string;
beforeAll(async () => {
  daemon = await fakeDaemon();
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-cli-'));
});
afterAll(async () => {
  await daemon.close();
  fs.rmSync(dir, { recursive: true, force: true });
});
const at = (...argv: string[]) => gingham([...argv, '--socket', daemon.socket]);
const file = (name: string, text: string): string => {
  fs.writeFileSync(path.join(dir, name), text);
  return path.join(dir, name);
};

test('0: a healthy status, and peers whatever their state', async () => {
  expect(await at('status')).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^mesh: OK /) });
  expect(await at('peers')).toMatchObject({ code: 0, out: expect.stringContaining('TCP_TIMEOUT') });
  for (const verb of ['routes', 'blocks', 'pods']) expect((await at(verb)).code, verb).toBe(0);
});

test('0: help that was asked for, and version', async () => {
  for (const argv of [['--help'], ['help'], ['peers', '-h'], ['help', 'lab', 'up'], ['--version'], ['version']])
    expect((await gingham(argv)).code, argv.join(' ')).toBe(0);
});

test('3: a degraded status, which is still printed', async () => {
  const broken = await fakeDaemon({ status: () => BROKEN });
  const ran = await gingham(['status', '--socket', broken.socket]);
  expect(ran).toMatchObject({ code: 3, out: expect.stringMatching(/^mesh: DEGRADED /) });
  expect((await gingham(['status', '-o', 'json', '--socket', broken.socket])).code).toBe(3);
  await broken.close();
});

test('1: the daemon answers with an error', async () => {
  const failing = await fakeDaemon({
    blocks: () => {
      throw new Error('the table is on fire');
    },
  });
  expect(await gingham(['blocks', '--socket', failing.socket])).toEqual({
    code: 1,
    out: '',
    err: 'gingham: the table is on fire\n',
  });
  await failing.close();
});

test.each([
  [['peerz'], 'Did you mean peers?'],
  [['routse'], 'Did you mean routes?'],
  [['frobnicate'], 'Commands: status, peers, routes'],
  [['lab', 'upp'], 'Did you mean up?'],
  [['peers', '--wide'], 'unknown option'],
  [['peers', '-o', 'yaml'], 'Allowed choices are table, json'],
  [['peers', '--timeout', 'soon'], '--timeout: "soon" is not a duration'],
  [['routes', '10.1.0.5/24', '--socket', 'x'], 'Write 10.1.0.0/24.'],
  [['routes', 'node2', '--socket', 'x'], '"node2" is not an IP address'],
  [['routes', '2001:db8::1/64', '--socket', 'x'], 'Write 2001:db8::/64.'],
  [['routes', '--rejected', '--socket', 'x'], '--rejected wants --received --from PEER'],
  [['routes', '--received', '--socket', 'x'], '--received wants --from PEER'],
  [['routes', '--from', 'a', '--to', 'b', '--socket', 'x'], 'not with both'],
  [['why'], "missing required argument 'ip|cidr'"],
  [['why', 'web-0', '--socket', 'x'], '"web-0" is not an IP address'],
  [['peers', 'a', 'b'], 'too many arguments'],
  [['peers', '--socket', 'x', '--node', 'y'], 'leave --node and --lab out'],
  [['node'], 'Write gingham node --config FILE'],
  [['store'], 'Write gingham store --data DIR'],
  [['store', '--data', '/nowhere', '--listen', 'here'], 'it takes HOST:PORT'],
  [['config', 'check'], "missing required argument 'file'"],
  [['lab', 'up', '--nodes', 'three'], '--nodes: "three" is not a whole number'],
  [['lab', 'up', '--nodes', '21'], 'a lab has 1 to 20'],
  [['lab', 'up', '--encap', 'gre'], 'Allowed choices are ipip, vxlan, none'],
  [[], 'Usage: gingham'],
  [['lab'], 'Usage: gingham lab'],
])('2: usage of %j says what to write', async (argv, text) => {
  const ran = await gingham(argv);
  expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringContaining(text) });
  expect(ran.err).not.toMatch(/\n\s+at /);
});

test('2: `node` with a faulty file names every fault', async () => {
  const stderr: string[] = [];
  const write = process.stderr.write;
  process.stderr.write = (text: string | Uint8Array): boolean => stderr.push(String(text)) > 0;
  try {
    const ran = await gingham(['node', '--config', file('two.yaml', 'holdTime: 2\nasn: 0\n')]);
    expect(ran.code).toBe(2);
    expect(stderr.join('') + ran.err).toMatch(/holdTime.*asn/s);
  } finally {
    process.stderr.write = write;
  }
});

test('4: no such peer, with the one that was meant', async () => {
  expect(await at('peers', 'node5')).toMatchObject({
    code: 4,
    out: '',
    err: expect.stringMatching(/no peer "node5". Did you mean node\d\?/),
  });
  expect(await at('peers', '192.168.34.102')).toMatchObject({ code: 0, out: expect.stringMatching(/^node2 /) });
});

test('4: no route to exactly that prefix, or that covers the address', async () => {
  const empty = await fakeDaemon({ routes: () => [] });
  expect(await gingham(['routes', '--socket', empty.socket])).toMatchObject({ code: 0 });
  expect(await gingham(['routes', '10.9.0.0/24', '--socket', empty.socket])).toMatchObject({
    code: 4,
    err: expect.stringContaining('no route to exactly 10.9.0.0/24'),
  });
  expect(await gingham(['routes', '10.9.0.1', '-o', 'json', '--socket', empty.socket])).toMatchObject({
    code: 4,
    out: '',
  });
  await empty.close();
});

test('4: a file that is not there', async () => {
  expect(await gingham(['config', 'check', path.join(dir, 'nope.yaml')])).toMatchObject({
    code: 4,
    err: expect.stringContaining('ENOENT'),
  });
});

test('5: nobody on the socket, or nobody answers in time', async () => {
  for (const argv of [
    ['status'],
    ['peers'],
    ['routes'],
    ['routes', '10.1.1.1'],
    ['blocks'],
    ['pods'],
    ['config', 'reload'],
    ['node', 'drain'],
    ['node', 'undrain'],
  ])
    expect(await gingham([...argv, '--socket', path.join(dir, 'none.sock')]), argv.join(' ')).toMatchObject({
      code: 5,
      err: expect.stringContaining('no such socket'),
    });
  const deaf = await fakeDaemon({ pods: () => new Promise(() => {}) });
  expect(await gingham(['pods', '--timeout', '50ms', '--socket', deaf.socket])).toMatchObject({ code: 5 });
  await deaf.close();
});

test('config check: 0 for a good file, 3 for a faulty one, as text and as JSON', async () => {
  const good = file('good.yaml', 'asn: 65001\nrouterId: 10.9.0.1\n');
  const bad = file('bad.yaml', 'holdTime: 2\n');
  expect(await gingham(['config', 'check', good])).toEqual({
    code: 0,
    out: `${good}: OK  AS 65001, router ID 10.9.0.1, 0 neighbors, 0 prefixes announced\n`,
    err: '',
  });
  expect(await gingham(['config', 'check', bad])).toMatchObject({
    code: 3,
    out: expect.stringContaining(`${bad}:1: holdTime: 2 is not allowed`),
  });
  const json = await gingham(['config', 'check', bad, '-o', 'json']);
  expect(JSON.parse(json.out)).toMatchObject({
    kind: 'ConfigCheck',
    valid: false,
    faults: [{ path: 'holdTime', line: 1 }],
  });
});

const CHANGE: ConfigChangeView = { path: 'holdTime', text: 'holdTime 90 -> 30', needs: 'peer-reset', peers: ['rack1'] };
const FAULT: ConfigFaultView = { path: 'holdTime', line: 4, value: '2', text: 'is not allowed', remedy: 'Use 90' };

test('config reload says what it costs before it asks for it; a dry run asks for nothing', async () => {
  const asked: boolean[] = [];
  const d = await fakeDaemon({
    reload: async ({ dryRun }) => {
      asked.push(dryRun);
      return { configPath: 'node.yaml', applied: !dryRun, faults: [], changes: [CHANGE] };
    },
  });
  const dry = await gingham(['config', 'reload', '--dry-run', '--socket', d.socket]);
  expect(dry).toMatchObject({ code: 0, out: 'holdTime 90 -> 30  [resets the session]: rack1\n' });
  expect(asked).toEqual([true]);
  const real = await gingham(['config', 'reload', '--socket', d.socket]);
  expect(real).toMatchObject({ code: 0, out: 'holdTime 90 -> 30  [resets the session]: rack1\nnode.yaml: applied\n' });
  expect(asked).toEqual([true, true, false]);
  await d.close();
});

test('config reload: 3 when the daemon refuses the file, and 0 when nothing changed', async () => {
  const d = await fakeDaemon({
    reload: async () => ({ configPath: 'node.yaml', applied: false, faults: [FAULT], changes: [] }),
  });
  expect(await gingham(['config', 'reload', '--socket', d.socket])).toMatchObject({
    code: 3,
    err: expect.stringContaining('node.yaml:4: holdTime: 2 is not allowed. Use 90'),
  });
  await d.close();
  expect(await at('config', 'reload')).toMatchObject({ code: 0, out: 'node.yaml: nothing changed\n' });
});

test('node drain says whom it told, and when it leaves', async () => {
  const told = 'draining: 3 sessions told to prefer other ways for 1 route (GRACEFUL_SHUTDOWN); ';
  for (const [more, out] of [
    [[], `${told}the daemon leaves in 5s`],
    [['--wait', '1m'], `${told}the daemon leaves in 60s`],
    [['--stay'], `${told}until gingham node undrain`],
    [['--now'], 'drained: 3 sessions closed, 1 route withdrawn'],
  ] as const)
    expect(await at('node', 'drain', ...more)).toMatchObject({ code: 0, out: `${out}\n` });
  expect(await at('node', 'drain', '--now', '--stay')).toMatchObject({
    code: 2,
    err: expect.stringContaining('exclude each other'),
  });
  expect(await at('node', 'undrain')).toMatchObject({ code: 0, out: 'undrained: 3 sessions told\n' });
  const idle = await fakeDaemon({ undrain: async () => ({ wasDraining: false, sessionsTold: 0 }) });
  expect(await gingham(['node', 'undrain', '--socket', idle.socket])).toMatchObject({
    code: 0,
    out: 'nothing to take back: not draining\n',
  });
  await idle.close();
});

test('GINGHAM_SOCKET names the daemon where no option does', async () => {
  const healthy = await fakeDaemon({ status: () => CLUSTER });
  expect(await gingham(['status'], { GINGHAM_SOCKET: healthy.socket })).toMatchObject({ code: 0 });
  await healthy.close();
});
