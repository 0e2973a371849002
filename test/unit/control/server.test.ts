import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatIpPrefix } from '../../../src/base/ip.ts';
import { type ControlClient, openControlClient } from '../../../src/control/client.ts';
import { type ControlSocket, openControlSocket } from '../../../src/control/control-socket.ts';
import { toStatusView } from '../../../src/control/health.ts';
import { startControlServer } from '../../../src/control/server.ts';
import type { ControlSource, RouteQuery } from '../../../src/control/source.ts';
import type { ReloadReport, RouteView } from '../../../src/control/views.ts';
import { ALONE, BLOCKS, BROKEN, PEERS, PODS, ROUTES, WHY } from './fake-views.ts';

let dir: string;
let socketPath: string;
let server: ControlSocket | undefined;
let client: ControlClient | undefined;
const warnings: unknown[] = [];
const log = { warn: (fields: unknown): void => void warnings.push(fields) };

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-control-'));
  socketPath = path.join(dir, 'run', 'control.sock');
  warnings.length = 0;
});
afterEach(async () => {
  client?.close();
  await server?.close();
  client = server = undefined;
  fs.rmSync(dir, { recursive: true, force: true });
});

const REPORT: ReloadReport = {
  configPath: '/etc/gingham.yaml',
  applied: false,
  faults: [{ path: 'holdTime', line: 4, value: '2', text: 'is not allowed', remedy: 'Use 90.' }],
  changes: [],
};
const fake = (over: Partial<ControlSource> = {}): ControlSource => ({
  status: () => BROKEN,
  peers: () => PEERS,
  routes: () => ROUTES,
  explain: () => WHY,
  dumpTables: () => [new Uint8Array(12), new Uint8Array(3)],
  blocks: () => BLOCKS,
  pods: async () => PODS,
  reload: async ({ dryRun }) => ({ ...REPORT, applied: !dryRun }),
  drain: async ({ waitMs, stay }) => ({ sessionsClosed: 3, routesWithdrawn: 1, ...(!stay && { leavesInMs: waitMs }) }),
  undrain: async () => ({ wasDraining: true, sessionsTold: 3 }),
  ...over,
});
async function serve(over: Partial<ControlSource> = {}): Promise<ControlClient> {
  server = await openControlSocket({ socketPath, source: fake(over), log });
  client = openControlClient(socketPath, 5000);
  return client;
}

test('every view crosses the wire unchanged, absent fields included', async () => {
  const c = await serve();
  expect(await c.status()).toEqual(toStatusView(BROKEN));
  expect(await c.peers()).toEqual(PEERS);
  expect(await c.routes({})).toEqual(ROUTES);
  expect(await c.explain('10.244.0.7')).toEqual(WHY);
  let octets = 0;
  await c.dumpTables((records) => {
    octets += records.length;
  });
  expect(octets).toBe(15);
  expect(await c.blocks()).toEqual(BLOCKS);
  expect(await c.pods()).toEqual(PODS);
  expect(await c.reload(true)).toEqual(REPORT);
  expect(await c.reload(false)).toEqual({ ...REPORT, applied: true });
  expect(await c.drain()).toEqual({ sessionsClosed: 3, routesWithdrawn: 1, leavesInMs: 5000 });
  expect(await c.drain({ waitMs: 0 })).toEqual({ sessionsClosed: 3, routesWithdrawn: 1, leavesInMs: 0 });
  expect(await c.drain({ stay: true })).toEqual({ sessionsClosed: 3, routesWithdrawn: 1 });
  await expect(c.drain({ waitMs: 3_600_001 })).rejects.toThrow('ask for an hour at most');
  expect(await c.undrain()).toEqual({ wasDraining: true, sessionsTold: 3 });
});

test('what a node alone does not have stays absent', async () => {
  const c = await serve({ status: () => ALONE });
  const status = await c.status();
  expect(status).toEqual(toStatusView(ALONE));
  expect(Object.keys(status)).not.toContain('tunnel');
});

test('the socket is readable and writable for owner and group only', async () => {
  await serve();
  expect(fs.statSync(socketPath).mode & 0o777).toBe(0o660);
});

test('routes come in pages of at most 1000, in order, and the event loop runs between them', async () => {
  let turns = 0;
  const ticking = setInterval(() => turns++, 0);
  const row = ROUTES[2] as RouteView;
  function* many(): Iterable<RouteView> {
    for (let i = 0; i < 25_000; i++) yield { ...row, ageSeconds: i };
  }
  const c = await serve({ routes: many });
  const got = await c.routes({});
  clearInterval(ticking);
  expect(got.map((r) => r.ageSeconds)).toEqual(Array.from({ length: 25_000 }, (_, i) => i));
  expect(turns).toBeGreaterThan(5);
});

test('a prefix and an address arrive as values; text that is neither is refused by name', async () => {
  const asked: RouteQuery[] = [];
  const c = await serve({
    routes: (query) => {
      asked.push(query);
      return [];
    },
  });
  await c.routes({ prefix: '10.244.1.0/26' });
  await c.routes({ address: '10.244.1.7' });
  await c.routes({ receivedFrom: 'tor-a', rejectedOnly: true, family: 'ipv6', prefix: '2001:db8::/48' });
  expect(asked[0]?.prefix && formatIpPrefix(asked[0].prefix)).toBe('10.244.1.0/26');
  expect(asked[1]).toEqual({ address: 0x0af40107, allPaths: false, rejectedOnly: false });
  expect(asked[2]?.prefix && formatIpPrefix(asked[2].prefix)).toBe('2001:db8::/48');
  expect(asked[2]).toMatchObject({ receivedFrom: 'tor-a', rejectedOnly: true, family: 'ipv6' });
  await expect(c.routes({ receivedFrom: 'a', advertisedTo: 'b' })).rejects.toThrow('not both');
  await expect(c.routes({ prefix: '10.244.1.7/26' })).rejects.toThrow('"10.244.1.7/26" is not a prefix');
  await expect(c.routes({ address: 'x' })).rejects.toMatchObject({ kind: 'failed' });
  await expect(c.routes({ prefix: '10.0.0.0/8', address: '10.0.0.1' })).rejects.toThrow('not both');
  expect(warnings).toEqual([]);
});

test('a source that throws fails its own call, is logged, and the next call works', async () => {
  const boom = (): never => {
    throw new Error('table is on fire');
  };
  const c = await serve({ peers: boom, routes: boom });
  await expect(c.peers()).rejects.toMatchObject({ kind: 'failed', message: 'table is on fire' });
  await expect(c.routes({})).rejects.toMatchObject({ kind: 'failed', message: 'table is on fire' });
  expect(warnings).toHaveLength(2);
  expect(await c.blocks()).toEqual(BLOCKS);
});

test('a daemon that gives no answer is unreachable after the timeout', async () => {
  await serve({ pods: () => new Promise(() => {}) });
  const hasty = openControlClient(socketPath, 50);
  await expect(hasty.pods()).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('--timeout'),
  });
  hasty.close();
});

test('no socket, and a socket nobody listens on, are both unreachable, each with its cause', async () => {
  client = openControlClient(socketPath, 5000);
  await expect(client.status()).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('no such socket'),
  });
  client.close();
  await leaveStaleSocket();
  client = openControlClient(socketPath, 5000);
  await expect(client.status()).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('left over'),
  });
});

/** What kill -9 leaves: a bound name without a listener. A hard link outlives the unlink of an orderly close. */
async function leaveStaleSocket(): Promise<void> {
  fs.mkdirSync(path.dirname(socketPath), { recursive: true });
  const other = path.join(dir, 'other.sock');
  const listener = net.createServer();
  await new Promise<void>((done) => listener.listen(other, done));
  fs.linkSync(other, socketPath);
  await new Promise((done) => listener.close(done));
}

test('where the service cannot be loaded, who asks is turned away and the log says why; the next one is served', async () => {
  let tries = 0;
  server = await openControlSocket({
    socketPath,
    source: fake(),
    log,
    load: async (options) => {
      if (tries++ === 0) throw new Error('Cannot find module server-ABC.js');
      return startControlServer(options);
    },
  });
  const first = openControlClient(socketPath, 1000);
  await expect(first.peers()).rejects.toThrow();
  first.close();
  expect(warnings).toContainEqual({ error: 'Cannot find module server-ABC.js' });
  client = openControlClient(socketPath, 5000);
  expect(await client.peers()).toHaveLength(PEERS.length);
});

test('a stale socket is replaced', async () => {
  await leaveStaleSocket();
  const c = await serve();
  expect(await c.peers()).toHaveLength(PEERS.length);
});

test('a socket on which a daemon answers is left alone, and so is a file that is no socket', async () => {
  const c = await serve();
  await expect(openControlSocket({ socketPath, source: fake(), log })).rejects.toThrow('another daemon answers on it');
  expect(await c.peers()).toHaveLength(PEERS.length);
  const file = path.join(dir, 'file');
  fs.writeFileSync(file, 'precious');
  await expect(openControlSocket({ socketPath: file, source: fake(), log })).rejects.toThrow(
    'a file that is no socket',
  );
  expect(fs.readFileSync(file, 'utf8')).toBe('precious');
});

test('a path longer than a unix socket can have is named with its length', async () => {
  const long = path.join(dir, 'x'.repeat(110));
  await expect(openControlSocket({ socketPath: long, source: fake(), log })).rejects.toThrow(
    /has \d+ bytes, but .* at most 107/,
  );
});

test('closing removes the socket, also while a call hangs', async () => {
  const c = await serve({ pods: () => new Promise(() => {}) });
  const hanging = c.pods().catch((e: unknown) => e);
  await c.peers();
  await server?.close();
  server = undefined;
  expect(fs.existsSync(socketPath)).toBe(false);
  await expect(hanging).resolves.toBeInstanceOf(Error);
});
