/** The embedded store in this process's memory: for unit tests of everything that stands on a Store. */
import type { Store } from '../port.ts';

/** A fresh store. `crds`: texts of CRD files; without them every kind of KINDS is served, unvalidated. */
export declare function memoryStore(crds?: readonly string[]): Store;
