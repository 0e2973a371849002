/** The embedded store as a server: one process of the lab or of a small fleet. I/O. Past one machine the engine is
 *  Kubernetes with etcd, never this. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseCrds } from './crd-file.ts';
import { Engine } from './engine.ts';
import { attachStore } from './http-server.ts';
import type { KeyValue } from './key-value.ts';
import { openLmdb } from './lmdb-key-value.ts';
import { CORE_KINDS, type ServedKind } from './served-kind.ts';
import { StatusError } from './status.ts';

export interface StoreServerOptions {
  /** Port 0 lets the kernel choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Folder of the key-value files; made if absent. */
  readonly dataDir: string;
  /** Texts of the CRD files (deploy/crds/*.yaml): kinds, scope, validation, pruning, printer columns. */
  readonly crds: readonly string[];
  /** Changes kept for watches to resume from. */
  readonly window?: number;
  readonly bookmarkMs?: number;
  /** A fault of ours: the answer was 500. */
  readonly onError?: (error: Error) => void;
}

export interface StoreServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Resolves when it answers. Throws CrdError, the listen error (EADDRINUSE and so on), or what lmdb says of the files. */
export async function startStoreServer(options: StoreServerOptions): Promise<StoreServer> {
  const kinds = [...CORE_KINDS, ...options.crds.flatMap(parseCrds)];
  const server = http.createServer();
  // The port comes before the files: opening them shuts out a store that runs on them already (engine.ts, the fence), and
  // a second start by mistake should fail at the port and leave the first alone.
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  const end = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections(); // watches would keep it open for half an hour
    await closed;
  };
  let keyValue: KeyValue;
  try {
    keyValue = openFiles(options.dataDir);
    serve(server, keyValue, kinds, options);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await end();
      await keyValue.close();
    },
  };
}

function openFiles(folder: string): KeyValue {
  fs.mkdirSync(folder, { recursive: true });
  return openLmdb(folder);
}

function serve(
  server: http.Server,
  keyValue: KeyValue,
  kinds: readonly ServedKind[],
  options: StoreServerOptions,
): void {
  const { window, bookmarkMs, onError } = options;
  const engine = new Engine({
    keyValue,
    kinds,
    wall: Date.now,
    uid: randomUUID,
    ...(window === undefined ? {} : { window }),
  });
  makeDefaultNamespace(engine);
  attachStore(server, engine, {
    wall: Date.now,
    ...(bookmarkMs === undefined ? {} : { bookmarkMs }),
    ...(onError === undefined ? {} : { onError }),
  });
}

/** kubectl looks for it. */
function makeDefaultNamespace(engine: Engine): void {
  const kind = engine.kind('', 'v1', 'namespaces');
  if (kind === undefined) return;
  try {
    engine.create(kind, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  } catch (error) {
    if (!(error instanceof StatusError && error.apiReason === 'AlreadyExists')) throw error;
  }
}
