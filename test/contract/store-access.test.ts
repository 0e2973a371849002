/** What a store does with credentials that change while it runs, and with a server that asks for patience. The server is a stand-in; a real one: test/kube. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KINDS } from '../../src/store/kinds.ts';
import { type Access, type AccessSource, openRestStore, type RestStore } from '../../src/store/rest-client.ts';
import { reasonOf } from './store-suite.ts';

let server: http.Server;
let store: RestStore | undefined;
const seen: { readonly token: string | undefined; readonly socket: object }[] = [];
let accepted = 'one';
let busy: { times: number; readonly headers: Readonly<Record<string, string>> };

beforeEach(async () => {
  seen.length = 0;
  accepted = 'one';
  busy = { times: 0, headers: {} };
  server = http.createServer((request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '');
    seen.push({ token, socket: request.socket });
    if (busy.times-- > 0) {
      response.writeHead(429, busy.headers);
      response.end(JSON.stringify({ reason: 'TooManyRequests', message: 'storage is (re)initializing' }));
      return;
    }
    response.writeHead(token === accepted ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(token === accepted ? { metadata: {}, items: [] } : { reason: 'Unauthorized' }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterEach(async () => {
  store?.close();
  await new Promise((closed) => server.close(closed));
});

const open = (access: AccessSource): RestStore => {
  store = openRestStore({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, access });
  return store;
};
const TLS = {};
const bearer = (token: string, tls = TLS): Access => ({ headers: { authorization: `Bearer ${token}` }, tls });
const tokens = (): (string | undefined)[] => seen.map((s) => s.token);

test('a refused token is read anew and the request is sent once more, so a rotation costs nobody a failure', async () => {
  let token = 'stale';
  const opened = open({
    current: async () => bearer(token),
    refused: () => {
      token = 'one';
    },
  });
  expect(await reasonOf(opened.list(KINDS.node))).toBe('no fault');
  expect(tokens()).toEqual(['stale', 'one']);
});

test('a token that is refused twice is Forbidden, and not asked about a third time', async () => {
  const opened = open({ current: async () => bearer('wrong'), refused: () => {} });
  expect(await reasonOf(opened.list(KINDS.node))).toBe('Forbidden');
  expect(tokens()).toEqual(['wrong', 'wrong']);
});

test('a refused watch is Forbidden, and the next one has the new token', async () => {
  let token = 'stale';
  const opened = open({
    current: async () => bearer(token),
    refused: () => {
      token = 'one';
    },
  });
  const watch = async (): Promise<void> => {
    for await (const _ of opened.watch(KINDS.node, '1', new AbortController().signal)) return;
  };
  expect(await reasonOf(watch())).toBe('Forbidden');
  expect(await reasonOf(watch())).not.toBe('Forbidden');
  expect(tokens()).toEqual(['stale', 'one']);
});

test('a new token keeps the connection, new certificates begin another', async () => {
  let access = bearer('one');
  const opened = open({ current: async () => access, refused: () => {} });
  await opened.list(KINDS.node);
  accepted = 'two';
  access = bearer('two');
  await opened.list(KINDS.node);
  expect(seen[1]?.socket).toBe(seen[0]?.socket);
  access = bearer('two', { servername: 'other' } as typeof TLS);
  await opened.list(KINDS.node);
  expect(seen[2]?.socket).not.toBe(seen[0]?.socket);
});

test('credentials that cannot be read are the fault of that request alone', async () => {
  let broken = true;
  const opened = open({
    current: async () => {
      if (broken) throw new Error('ENOENT: token');
      return bearer('one');
    },
    refused: () => {},
  });
  await expect(opened.list(KINDS.node)).rejects.toThrow('ENOENT: token');
  broken = false;
  expect(await reasonOf(opened.list(KINDS.node))).toBe('no fault');
});

test('a server that says when to ask again is asked again, five times; one that does not is believed at once', async () => {
  const opened = open({ current: async () => bearer('one'), refused: () => {} });
  busy = { times: 2, headers: { 'retry-after': '0' } };
  expect(await reasonOf(opened.list(KINDS.node))).toBe('no fault');
  expect(seen).toHaveLength(3);
  busy = { times: 100, headers: { 'retry-after': '0' } };
  await expect(opened.list(KINDS.node)).rejects.toThrow(/re\)initializing/);
  expect(seen).toHaveLength(3 + 6);
  busy = { times: 100, headers: {} };
  expect(await reasonOf(opened.list(KINDS.node))).toBe('Server');
  expect(seen).toHaveLength(3 + 6 + 1);
});
