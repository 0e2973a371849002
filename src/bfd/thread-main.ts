/** What runs on the BFD thread. Not pure; an entry of its own in the build. */
import { parentPort } from 'node:worker_threads';
import { directEngine } from './engine.ts';
import type { BfdCommand } from './engine-types.ts';

const engine = directEngine((event) => parentPort?.postMessage(event));
parentPort?.on('message', (command: BfdCommand) => engine.tell(command));
