/** The contract on the engine in memory, without HTTP. */
import { describe } from 'vitest';
import { engineStore } from '../../src/store/embedded/engine-store.ts';
import { memoryEngine } from '../../src/store/embedded/memory.ts';
import { CRDS } from './store-crds.ts';
import { storeSuite, WINDOW } from './store-suite.ts';

describe('embedded store in memory', () => {
  const store = engineStore(memoryEngine(CRDS, WINDOW));
  storeSuite(() => store);
});
