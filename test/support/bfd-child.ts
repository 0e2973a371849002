/** BFD of ours as a process in a namespace: one JSON command a line in, one JSON answer a line out. `thread` names the file of
 *  the BFD thread; without it the engine runs on the main thread. */
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseIp } from '../../src/base/ip.ts';
import type { BfdWatch, WatchSpec } from '../../src/bfd/bfd-types.ts';
import { directEngine } from '../../src/bfd/engine.ts';
import { BfdService } from '../../src/bfd/service.ts';
import { threadEngine } from '../../src/bfd/thread.ts';
import { systemClock, systemTimers } from '../../src/sys/time.ts';

export interface ChildEvent {
  readonly name: string;
  readonly state: string;
  readonly code: string;
  readonly text: string;
  /** Wall clock, ms. */
  readonly at: number;
}
export type ChildCommand =
  | {
      readonly do: 'watch';
      readonly name: string;
      readonly address: string;
      readonly localAddress?: string;
      readonly interface?: string;
      readonly intervalMs: number;
      readonly multiplier: number;
    }
  | { readonly do: 'change'; readonly name: string; readonly intervalMs: number; readonly multiplier: number }
  | { readonly do: 'stop'; readonly name: string }
  | { readonly do: 'view'; readonly name: string }
  | { readonly do: 'events' }
  /** The main thread does nothing else for `ms`, `times` in a row with as long a pause between. */
  | { readonly do: 'stall'; readonly ms: number; readonly times: number }
  | { readonly do: 'close' };

const [thread] = process.argv.slice(2);
const service = new BfdService({
  clock: systemClock,
  timers: systemTimers,
  startEngine: thread === undefined ? directEngine : threadEngine(pathToFileURL(thread)),
});
const watches = new Map<string, BfdWatch>();
const events: ChildEvent[] = [];

function watch({ name, address, localAddress, ...rest }: ChildCommand & { do: 'watch' }): void {
  const [at, local] = [address, localAddress].map((text) => (text === undefined ? undefined : parseIp(text)));
  if (at === undefined) throw new Error(`"${address}" is no address`);
  const spec: WatchSpec = {
    address: at,
    ...(local !== undefined && { localAddress: local }),
    ...(rest.interface !== undefined && { interface: rest.interface }),
    intervalMs: rest.intervalMs,
    multiplier: rest.multiplier,
  };
  watches.set(
    name,
    service.watch(spec, (state, { code, text }) => void events.push({ name, state, code, text, at: Date.now() })),
  );
}

async function stall(ms: number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    await new Promise((next) => setTimeout(next, ms));
  }
}

async function answer(c: ChildCommand): Promise<unknown> {
  if (c.do === 'watch') watch(c);
  else if (c.do === 'change') watches.get(c.name)?.change(c);
  else if (c.do === 'stop') watches.get(c.name)?.stop();
  else if (c.do === 'stall') await stall(c.ms, c.times);
  else if (c.do === 'close') await service.close();
  else if (c.do === 'events') return events;
  else {
    const w = watches.get(c.name);
    return { watch: w?.state, ...w?.view(), address: undefined, localAddress: undefined };
  }
  return null;
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  process.stdout.write(`${JSON.stringify((await answer(JSON.parse(line) as ChildCommand)) ?? null)}\n`);
});
