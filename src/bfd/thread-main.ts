/** What runs on the BFD thread. Not pure; an entry of its own in the build. */
import os from 'node:os';
import { parentPort } from 'node:worker_threads';
import { directEngine } from './engine.ts';
import type { BfdCommand } from './engine-types.ts';

/** As nice as a thread may be the other way: it needs little and needs it now. In Linux 0 is the calling thread alone. */
const URGENT = -15;

function hurry(): void {
  try {
    os.setPriority(0, URGENT);
  } catch {
    // Without CAP_SYS_NICE it runs like everybody: what is late under load is read before silence is believed.
  }
}

hurry();
const engine = directEngine((event) => parentPort?.postMessage(event));
parentPort?.on('message', (command: BfdCommand) => engine.tell(command));
