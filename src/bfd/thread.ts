/** The engine on a thread of its own: BFD promises packets every few milliseconds, and the main thread may be busy with a full
 *  table for longer. Not pure. What it takes to run it on the caller's thread instead is in engine.ts. */
import { Worker } from 'node:worker_threads';
import type { BfdCommand, BfdEngineEvent, StartEngine } from './engine-types.ts';

/** Its heap holds some hundred sessions, and a small one is collected in no time. */
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 };

/** Beside the bundle that this file is part of. */
const beside = (): URL => new URL('./bfd-thread.js', import.meta.url);

export const threadEngine =
  (file: URL = beside()): StartEngine =>
  (onEvent) => {
    const worker = new Worker(file, { resourceLimits: HEAP });
    let over = false;
    const broken = (why: string): void => {
      if (over) return;
      over = true;
      onEvent({ kind: 'broken', reason: { code: 'BFD_ENGINE_FAILED', text: `the BFD thread ended: ${why}` } });
    };
    worker.unref();
    worker.on('error', (error) => broken(error instanceof Error ? error.message : String(error)));
    worker.on('exit', (code) => broken(`exit code ${code}`));
    worker.on('message', (event: BfdEngineEvent) => {
      if (event.kind === 'closed') {
        over = true;
        void worker.terminate();
      }
      onEvent(event);
    });
    return { tell: (command: BfdCommand) => worker.postMessage(command) };
  };
