/** The contract on the REST client against the embedded server, whose engine is on disk; and what only HTTP shows. */
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type StoreServer, startStoreServer } from '../../src/store/embedded/server.ts';
import { formatJson } from '../../src/store/json.ts';
import { KINDS } from '../../src/store/kinds.ts';
import { reflect } from '../../src/store/reflector.ts';
import { openRestStore, type RestStore } from '../../src/store/rest-client.ts';
import { systemClock, systemTimers } from '../../src/sys/time.ts';
import { CRDS } from './store-crds.ts';
import { block, pool, storeSuite, WINDOW } from './store-suite.ts';

const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-store-'));
let server: StoreServer;
let store: RestStore;

beforeAll(async () => {
  server = await startStoreServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir,
    crds: CRDS,
    window: WINDOW,
    bookmarkMs: 100,
  });
  store = openRestStore({ server: `http://127.0.0.1:${server.port}` });
});
afterAll(async () => {
  store?.close();
  await server?.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

describe('REST client and embedded server', () => {
  storeSuite(() => store);
});

const base = (): string => `http://127.0.0.1:${server.port}`;
const POOLS = '/apis/crd.projectcalico.org/v1/ippools';
const BLOCKS = '/apis/crd.projectcalico.org/v1/ipamblocks';
interface Status {
  readonly kind: string;
  readonly reason: string;
  readonly code: number;
  readonly message: string;
  readonly details: { readonly name?: string; readonly causes?: readonly object[] };
}
const call = async (
  method: string,
  path: string,
  body?: string,
  type = 'application/json',
): Promise<{ status: number; text: string; body: Status }> => {
  const response = await fetch(base() + path, {
    method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': type } }),
  });
  const text = await response.text();
  return { status: response.status, text, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Status };
};

describe('what the wire shows', () => {
  test('a sequence number crosses the wire with the very bytes it was sent with', async () => {
    const text = `{"apiVersion":"crd.projectcalico.org/v1","kind":"IPAMBlock","metadata":{"name":"raw-1"},"spec":${formatJson(block('raw-1').spec)}}`;
    expect(text).toContain('"sequenceNumber":1795272333123456789,');
    expect((await call('POST', BLOCKS, text)).status).toBe(201);
    const spec = (t: string): string | undefined => /"spec":\{.*\}(?=\})/.exec(t)?.[0];
    expect(spec((await call('GET', `${BLOCKS}/raw-1`)).text)).toBe(spec(text));
    const patched = await call(
      'PATCH',
      `${BLOCKS}/raw-1`,
      '{"spec":{"sequenceNumber":1795272333123456790}}',
      'application/merge-patch+json',
    );
    expect(patched.text).toContain(
      '"sequenceNumber":1795272333123456790,"sequenceNumberForAllocation":{"0":1795272333123456789}',
    );
  });

  test('a fault is a Status with reason, code and details', async () => {
    const missing = await call('GET', `${POOLS}/nowhere`);
    expect(missing).toMatchObject({
      status: 404,
      body: {
        kind: 'Status',
        reason: 'NotFound',
        code: 404,
        details: { name: 'nowhere', group: 'crd.projectcalico.org', kind: 'ippools' },
      },
    });
    const invalid = await call(
      'POST',
      POOLS,
      '{"apiVersion":"crd.projectcalico.org/v1","kind":"IPPool","metadata":{"name":"bad"},"spec":{"ipipMode":"Sometimes"}}',
    );
    expect(invalid.status).toBe(422);
    expect(invalid.body.message).toBe(
      'IPPool.crd.projectcalico.org "bad" is invalid: [spec.cidr: Required value, spec.ipipMode: Unsupported value: "Sometimes": supported values: "Never", "Always", "CrossSubnet", ""]',
    );
    expect(invalid.body.details.causes).toHaveLength(2);
  });

  test('what is not offered is refused by name, with what to do instead', async () => {
    await store.create(KINDS.ipPool, pool('refuse-1'));
    const at = `${POOLS}/refuse-1`;
    const refusals: [Awaited<ReturnType<typeof call>>, number, RegExp][] = [
      [await call('PATCH', at, '{}', 'application/strategic-merge-patch+json'), 415, /--type=merge/],
      [
        await call('PATCH', at, '{}', 'application/apply-patch+yaml'),
        415,
        /server-side apply is not offered; run kubectl apply without/,
      ],
      [await call('PUT', at, 'a: 1', 'application/yaml'), 415, /send application\/json/],
      [await call('DELETE', POOLS), 405, /DELETE is not offered/],
      [await call('POST', at, '{}'), 405, /collections take GET and POST/],
      [await call('GET', '/apis/crd.projectcalico.org/v1/bogus'), 404, /GET \/api\/v1 and \/apis show/],
      [await call('GET', `${at}/status`), 404, /not served/],
      [await call('PUT', at, '{'), 400, /not JSON/],
      [
        await call(
          'PATCH',
          at,
          `{"spec":{"deep":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`,
          'application/merge-patch+json',
        ),
        400,
        /nested too deeply/,
      ],
      [await call('GET', `${POOLS}?limit=x`), 400, /limit is "x"; give a whole number/],
      [await call('GET', `${POOLS}?labelSelector=%3D%3D`), 400, /label selector; write KEY=VALUE/],
      [await call('GET', '/api/v1/nodes/%zz'), 400, /broken %-escape/],
      [await call('POST', POOLS, `{"x":"${'x'.repeat(3 * 1024 * 1024)}"}`), 413, /longer than 3145728 bytes/],
    ];
    for (const [{ status, body }, code, message] of refusals) {
      expect(body.message).toMatch(message);
      expect([status, body.code, body.kind]).toEqual([code, code, 'Status']);
    }
  });

  test('limit and continue give a list in pages', async () => {
    for (const i of [1, 2, 3, 4, 5]) await store.create(KINDS.bgpPeer, { metadata: { name: `page-${i}` }, spec: {} });
    const names: string[] = [];
    let more = '';
    for (let page = 0; page < 3; page++) {
      const { text } = await call(
        'GET',
        `/apis/crd.projectcalico.org/v1/bgppeers?limit=2${more === '' ? '' : `&continue=${more}`}`,
      );
      const list = JSON.parse(text) as { metadata: { continue?: string }; items: { metadata: { name: string } }[] };
      names.push(...list.items.map((o) => o.metadata.name));
      more = list.metadata.continue ?? '';
    }
    expect(names).toEqual(['page-1', 'page-2', 'page-3', 'page-4', 'page-5']);
    expect(more).toBe('');
  });

  test('a quiet watch gets bookmarks, and a watch from a bookmark gets only what is newer', async () => {
    const { resourceVersion } = await store.list(KINDS.ipReservation);
    const abort = new AbortController();
    let mark = '';
    const made = await store.create(KINDS.ipPool, pool('elsewhere'));
    for await (const event of store.watch(KINDS.ipReservation, resourceVersion, abort.signal)) {
      expect(event.type).toBe('BOOKMARK');
      if (event.type === 'BOOKMARK') mark = event.resourceVersion;
      abort.abort();
    }
    expect(Number(mark)).toBeGreaterThanOrEqual(Number(made.metadata.resourceVersion));
  });

  test('timeoutSeconds ends a watch cleanly, sendInitialEvents begins it with what there is', async () => {
    await store.create(KINDS.ipReservation, {
      metadata: { name: 'initial-1' },
      spec: { reservedCIDRs: ['10.0.0.1/32'] },
    });
    const query =
      '?watch=1&allowWatchBookmarks=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1';
    const response = await fetch(`${base()}/apis/crd.projectcalico.org/v1/ipreservations${query}`);
    const lines = (await response.text()).trim().split('\n');
    const events = lines.map(
      (l) => JSON.parse(l) as { type: string; object: { metadata: { name?: string; annotations?: object } } },
    );
    expect(events[0]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'initial-1' } } });
    expect(events[1]).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });

  test('a server that is not there is Unreachable, and what answers without JSON is named', async () => {
    const nowhere = openRestStore({ server: 'http://127.0.0.1:1' });
    await expect(nowhere.get(KINDS.ipPool, 'x')).rejects.toMatchObject({
      reason: 'Unreachable',
      message: expect.stringMatching(/127.0.0.1:1 cannot be reached for get ippools "x": ECONNREFUSED/),
    });
    const page = http.createServer((_, response) => response.end('<html>'));
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
    const other = openRestStore({ server: `http://127.0.0.1:${(page.address() as AddressInfo).port}` });
    await expect(other.list(KINDS.ipPool)).rejects.toThrow(/what is not JSON.*is it a Kubernetes API/);
    other.close();
    page.close();
  });

  test('a watch that hears nothing for the stall time is cut and reported', async () => {
    const silent = http.createServer((_, response) => response.writeHead(200).flushHeaders());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const client = openRestStore({
      server: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      stallMs: 100,
    });
    const watch = client.watch(KINDS.ipPool, '1', AbortSignal.timeout(10_000))[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('was silent for 0.1 s'),
    });
    client.close();
    silent.closeAllConnections();
    silent.close();
  });

  test('health, version and discovery answer', async () => {
    for (const health of ['/healthz', '/readyz', '/livez']) expect((await call('GET', health)).text).toBe('ok');
    expect(JSON.parse((await call('GET', '/apis')).text)).toMatchObject({
      kind: 'APIGroupList',
      groups: [{ name: 'crd.projectcalico.org' }],
    });
    expect((await call('GET', '/version')).text).toContain('gingham');
  });
});

test('a second server on a port that is taken fails, and the first goes on writing to its files', async () => {
  const listen = { host: '127.0.0.1', port: server.port };
  await expect(startStoreServer({ listen, dataDir, crds: CRDS })).rejects.toThrow(/EADDRINUSE/);
  await store.create(KINDS.ipPool, pool('still-1'));
});

test('a reflector lives through dropped connections and a killed and restarted server, and ends with the same objects', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-store-'));
  const start = (port: number): Promise<StoreServer> =>
    startStoreServer({ listen: { host: '127.0.0.1', port }, dataDir: folder, crds: CRDS, window: 20 });
  let own = await start(0);
  const { port } = own;
  // A proxy between, whose connections can be cut without either end closing.
  const sockets = new Set<net.Socket>();
  const proxy = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const s of [near, far]) {
      sockets.add(s);
      s.on('error', () => {});
      s.on('close', () => sockets.delete(s));
    }
    near.pipe(far);
    far.pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const s of sockets) s.destroy();
  };
  const direct = openRestStore({ server: `http://127.0.0.1:${port}` });
  const client = openRestStore({ server: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
  const abort = new AbortController();
  const reflector = reflect({
    store: client,
    kind: KINDS.ipPool,
    clock: systemClock,
    timers: systemTimers,
    random: () => 0,
    signal: abort.signal,
  });
  const same = async (): Promise<void> => {
    const wanted = (await direct.list(KINDS.ipPool)).items;
    await vi.waitFor(
      () =>
        expect([...reflector.objects.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))).toEqual(
          wanted,
        ),
      { timeout: 15_000, interval: 20 },
    );
  };
  try {
    await reflector.synced;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) await direct.create(KINDS.ipPool, pool(`r${round}-${i}`));
      cut();
      await direct.delete(KINDS.ipPool, `r${round}-0`);
      await direct.mergePatch(KINDS.ipPool, `r${round}-1`, { spec: { disabled: true } });
      await same();
    }
    const listed = reflector.status().lists;
    expect(listed, 'resumed, not listed anew').toBe(1);
    cut();
    await own.close();
    await vi.waitFor(() => expect(reflector.status().failures).toBeGreaterThan(1), { timeout: 15_000 });
    own = await start(port);
    await direct.delete(KINDS.ipPool, 'r0-1');
    await same();
    expect(reflector.status().lists).toBe(2);
  } finally {
    abort.abort();
    client.close();
    direct.close();
    proxy.close();
    cut();
    await own.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
