/** The embedded store in this process's memory: for unit tests of everything that stands on a Store. */
import { randomUUID } from 'node:crypto';
import type { Store } from '../port.ts';
import { parseCrds } from './crd-file.ts';
import { Engine } from './engine.ts';
import { engineStore } from './engine-store.ts';
import { MemoryKeyValue } from './memory-key-value.ts';
import { CORE_KINDS, UNCHECKED_KINDS } from './served-kind.ts';

/** A fresh engine. `crds`: texts of CRD files; without them every kind of KINDS is served, unvalidated. */
export function memoryEngine(crds?: readonly string[], window?: number): Engine {
  const custom = crds === undefined ? UNCHECKED_KINDS : crds.flatMap(parseCrds);
  return new Engine({
    keyValue: new MemoryKeyValue(),
    kinds: [...CORE_KINDS, ...custom],
    wall: Date.now,
    uid: randomUUID,
    ...(window === undefined ? {} : { window }),
  });
}

/** A fresh store over it. */
export const memoryStore = (crds?: readonly string[]): Store => engineStore(memoryEngine(crds));
