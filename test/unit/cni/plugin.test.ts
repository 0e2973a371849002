/** The executable as a real process, bundled as it ships, against the daemon's server on a real socket. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { CniServer } from '../../../src/cni/server.ts';
import { systemClock, systemTimers } from '../../../src/sys/time.ts';
import { World } from '../../support/fake-cni-ports.ts';

let directory: string;
let plugin: string;
let world: World;
let server: CniServer | undefined;
let socketPath: string;

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cni-plugin-'));
  plugin = path.join(directory, 'plugin.cjs');
  const entry = new URL('../../../src/cni/plugin.ts', import.meta.url).pathname;
  await build({ entryPoints: [entry], outfile: plugin, bundle: true, platform: 'node', format: 'cjs' });
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));
beforeEach(() => {
  world = new World();
  socketPath = path.join(fs.mkdtempSync(path.join(directory, 'run-')), 'cni.sock');
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const start = async (deadlineMs?: number): Promise<CniServer> => {
  server = new CniServer({
    socketPath,
    stateDirectory: path.join(path.dirname(socketPath), 'state'),
    nodeName: 'n1',
    ports: world.ports,
    clock: systemClock,
    timers: systemTimers,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  await server.start();
  return server;
};
interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly json: Readonly<Record<string, unknown>>;
}
const run = (
  command: string,
  change: Readonly<Record<string, string>> = {},
  conf: object | string = {},
): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: 'c1',
      CNI_NETNS: '/run/netns/a',
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=nginx',
      ...change,
    };
    const child = spawn(process.execPath, [plugin], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.on('error', reject);
    child.on('close', (exit) => resolve({ exit, stdout, json: stdout === '' ? {} : JSON.parse(stdout) }));
    child.stdin.on('error', () => {}); // VERSION does not read it
    child.stdin.end(
      typeof conf === 'string'
        ? conf
        : JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'gingham', socket: socketPath, ...conf }),
    );
  });

test('VERSION answers without daemon, stdin or other variables', async () => {
  const { exit, json } = await run('VERSION', { CNI_CONTAINERID: '', CNI_NETNS: '' }, 'not read');
  expect(exit).toBe(0);
  expect(json).toEqual({ cniVersion: '1.1.0', supportedVersions: ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] });
});

test.each(['ADD', 'CHECK', 'GC', 'DEL'])(
  '%s without the daemon is an error with code 11, never a silent success',
  async (verb) => {
    const { exit, json } = await run(verb);
    expect(exit).toBe(1);
    expect(json).toMatchObject({ cniVersion: '1.1.0', code: 11 });
    expect(json.msg).toContain(socketPath);
  },
);

test('STATUS without the daemon is code 50: no ADD can be served', async () => {
  expect((await run('STATUS')).json.code).toBe(50);
});

test('bad JSON and a missing command have the specification’s codes', async () => {
  expect((await run('ADD', {}, '{')).json.code).toBe(6);
  expect((await run('')).json.code).toBe(4);
});

test('a daemon that dies over a request is code 11', async () => {
  const dying = net.createServer((socket) => socket.on('data', () => socket.destroy()));
  await new Promise<void>((done) => dying.listen(socketPath, done));
  expect((await run('DEL')).json.code).toBe(11);
  await new Promise((done) => dying.close(done));
});

test('a pod’s life: ADD, the same ADD, CHECK, STATUS, DEL, DEL', async () => {
  const daemon = await start();
  const added = await run('ADD');
  expect(added).toMatchObject({
    exit: 0,
    json: { cniVersion: '1.1.0', ips: [{ address: '10.244.0.1/32', interface: 1 }] },
  });
  expect(daemon.workloads()).toHaveLength(1);
  expect((await run('ADD')).stdout).toBe(added.stdout);
  expect(await run('CHECK', {}, { prevResult: added.json })).toMatchObject({ exit: 0, stdout: '' });
  expect(await run('STATUS')).toMatchObject({ exit: 0, stdout: '' });
  expect(await run('DEL')).toMatchObject({ exit: 0, stdout: '' });
  expect(await run('DEL', { CNI_NETNS: '' })).toMatchObject({ exit: 0, stdout: '' });
  expect(world.isEmpty).toBe(true);
});

test.each(['0.3.1', '0.4.0', '1.0.0', '1.1.0'])(
  'answers and errors are in the caller’s version %s',
  async (cniVersion) => {
    await start();
    expect((await run('ADD', {}, { cniVersion })).json.cniVersion).toBe(cniVersion);
    expect(await run('ADD', { CNI_IFNAME: 'a/b' }, { cniVersion })).toMatchObject({
      exit: 1,
      json: { cniVersion, code: 4 },
    });
  },
);

test('an unsupported version is code 1, and the error is in the latest version', async () => {
  await start();
  expect((await run('ADD', {}, { cniVersion: '9.9.9' })).json).toMatchObject({ cniVersion: '1.1.0', code: 1 });
});

test('GC through the executable deletes what is not valid', async () => {
  await start();
  await run('ADD');
  expect(await run('GC', {}, { 'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'eth0' }] })).toMatchObject({
    exit: 0,
    stdout: '',
  });
  expect(world.links.size).toBe(1);
  await run('GC', {}, { 'cni.dev/valid-attachments': [] });
  expect(world.isEmpty).toBe(true);
});

test('a restarted daemon knows its pods, and asks for their routes before it listens', async () => {
  await start();
  await run('ADD');
  await server?.stop();
  world.routes.clear();
  const again = await start();
  expect(world.routes.size).toBe(1);
  expect(again.workloads()).toMatchObject([{ pod: 'nginx' }]);
});

test('requests for one container run one after the other', async () => {
  await start();
  let inside = 0;
  let most = 0;
  world.before = async (effect) => {
    if (effect !== 'wire') return;
    most = Math.max(most, ++inside);
    await new Promise((done) => setTimeout(done, 100));
    inside--;
  };
  await Promise.all([run('ADD'), run('ADD')]);
  expect(most).toBe(1);
});

test('different containers are worked on at the same time', async () => {
  await start();
  let inside = 0;
  let bothAreIn: () => void = () => {};
  const both = new Promise<void>((met) => {
    bothAreIn = met;
  });
  world.before = async (effect) => {
    if (effect !== 'wire') return;
    if (++inside === 2) bothAreIn();
    await both; // who comes alone waits for the test to time out
  };
  const outcomes = await Promise.all(['x', 'y'].map((id) => run('ADD', { CNI_CONTAINERID: id, CNI_ARGS: '' })));
  expect(outcomes.map((o) => o.exit)).toEqual([0, 0]);
});

test('past the deadline the answer is code 11; the work goes on, and the next request finds it done', async () => {
  await start(300);
  let release: () => void = () => {};
  world.before = (effect) =>
    effect === 'wire'
      ? new Promise((done) => {
          release = done;
        })
      : Promise.resolve();
  const late = await run('ADD');
  expect(late).toMatchObject({ exit: 1, json: { code: 11 } });
  const waiting = await run('ADD');
  expect(waiting.json.msg).toContain('others are at work');
  world.before = async () => {};
  release();
  expect((await run('ADD')).exit).toBe(0);
  expect(world.effects.filter((e) => e === 'wire')).toHaveLength(1);
});

test('a request that is too long, or not JSON, does not harm the daemon', async () => {
  await start();
  const send = (text: string): Promise<string> =>
    new Promise((done) => {
      const socket = net.connect({ path: socketPath, allowHalfOpen: true });
      let reply = '';
      socket.on('data', (chunk) => {
        reply += chunk;
      });
      socket.on('close', () => done(reply));
      socket.on('error', () => {});
      socket.on('end', () => socket.destroy());
      socket.end(text);
    });
  expect(await send('x'.repeat(2_000_000))).toBe('');
  expect(JSON.parse(await send('{'))).toMatchObject({ exit: 1, stdout: { code: 6 } });
  expect(JSON.parse(await send('7'))).toMatchObject({ exit: 1, stdout: { code: 6 } });
  expect((await run('STATUS')).exit).toBe(0);
});
