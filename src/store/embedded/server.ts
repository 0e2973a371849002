/** The embedded store as a server: one process of the lab or of a small fleet. I/O. Past one machine the engine is
 *  Kubernetes with etcd, never this. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import type { AddressInfo } from 'node:net';
import { parseCrds } from './crd-file.ts';
import { Engine } from './engine.ts';
import { storeHttpServer } from './http-server.ts';
import { openLmdb } from './lmdb-key-value.ts';
import { CORE_KINDS } from './served-kind.ts';
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

/** Resolves when it answers. Throws CrdError, or the listen error (EADDRINUSE and so on). */
export async function startStoreServer(options: StoreServerOptions): Promise<StoreServer> {
  const kinds = [...CORE_KINDS, ...options.crds.flatMap(parseCrds)];
  fs.mkdirSync(options.dataDir, { recursive: true });
  const keyValue = openLmdb(options.dataDir);
  const { window, bookmarkMs, onError } = options;
  const engine = new Engine({
    keyValue,
    kinds,
    wall: Date.now,
    uid: randomUUID,
    ...(window === undefined ? {} : { window }),
  });
  makeDefaultNamespace(engine);
  const server = storeHttpServer(engine, {
    wall: Date.now,
    ...(bookmarkMs === undefined ? {} : { bookmarkMs }),
    ...(onError === undefined ? {} : { onError }),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.listen.port, options.listen.host, resolve);
    });
  } catch (error) {
    await keyValue.close();
    throw error;
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections(); // watches would keep it open for half an hour
      await closed;
      await keyValue.close();
    },
  };
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
