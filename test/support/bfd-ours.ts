/** BFD of ours in a namespace, as a test asks it: test/support/bfd-child.ts. */
import type { BfdView } from '../../src/bfd/bfd-types.ts';
import type { ChildCommand, ChildEvent } from './bfd-child.ts';
import { bundle } from './bundle.ts';
import { type JsonChild, startJsonChild } from './child-process.ts';
import type { Namespaces } from './namespaces.ts';

export interface BfdFiles {
  readonly child: string;
  readonly thread: string;
}
export const buildBfd = async (): Promise<BfdFiles> => ({
  child: await bundle('test/support/bfd-child.ts'),
  thread: await bundle('src/bfd/thread-main.ts'),
});

export interface ChildView extends Omit<BfdView, 'address' | 'localAddress'> {
  readonly watch: string;
}

const ROUNDS = 800;
const PAUSE_MS = 25;

export class BfdChild {
  private readonly child: JsonChild;

  /** With `thread` as the daemon has it, else all on its main thread. */
  constructor(files: BfdFiles, namespaces: Namespaces, namespace: string, thread = true) {
    const inside = ['netns', 'exec', namespaces.name(namespace), process.execPath, files.child];
    this.child = startJsonChild('ip', ...inside, ...(thread ? [files.thread] : []));
  }
  ask<T>(command: ChildCommand): Promise<T> {
    return this.child.ask<T>(command);
  }
  kill(): Promise<void> {
    return this.child.kill();
  }
  view(name: string): Promise<ChildView> {
    return this.ask<ChildView>({ do: 'view', name });
  }
  events(): Promise<ChildEvent[]> {
    return this.ask<ChildEvent[]>({ do: 'events' });
  }
  async viewWhen(name: string, holds: (view: ChildView) => boolean): Promise<ChildView> {
    for (let round = 0; round < ROUNDS; round++) {
      const view = await this.view(name);
      if (holds(view)) return view;
      await new Promise((next) => setTimeout(next, PAUSE_MS));
    }
    throw new Error(`not so: ${JSON.stringify(await this.view(name))}`);
  }
  /** Awaits that the last event of each of these is that state. */
  async all(names: readonly string[], state: string): Promise<ChildEvent[]> {
    for (let round = 0; round < ROUNDS; round++) {
      const events = await this.events();
      const last = names.map((name) => events.findLast((e) => e.name === name));
      if (last.every((e) => e?.state === state)) return last as ChildEvent[];
      await new Promise((next) => setTimeout(next, PAUSE_MS));
    }
    throw new Error(`not all are ${state}: ${JSON.stringify(await this.events())}`);
  }
}
