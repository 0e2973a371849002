/** The contract on the REST client against the embedded server, whose engine is on disk; and what only HTTP shows. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type StoreServer, startStoreServer } from '../../src/store/embedded/server.ts';
import { openRestStore, type RestStore } from '../../src/store/rest-client.ts';
import { CRDS } from './store-crds.ts';
import { storeSuite, WINDOW } from './store-suite.ts';

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
