/** The only read-modify-write of Gingham: compare-and-swap by resourceVersion. Pure but for the store, timers and chance
 *  it is given. `mutate` may run several times and must depend on its argument alone. */
import type { Random, Timers } from '../base/ports.ts';
import { objectText } from './kinds.ts';
import { type Kind, type Resource, type Store, StoreError } from './port.ts';

export interface CasOptions {
  readonly timers: Timers;
  readonly random: Random;
  /** How often to try before Conflict is the answer; 100 is what Calico's clients use, so that a crowd of writers converges. */
  readonly attempts?: number;
  /** An object from a reflector's map: saves the first GET. If it is old, the first PUT says so;
   *  but a `mutate` that finds nothing to do in it is believed, so give it only where a later look is certain. */
  readonly cached?: Resource;
}

export interface CasOutcome {
  readonly object: Resource;
  /** False: mutate had nothing to do, and nothing was written. */
  readonly changed: boolean;
}

const DEFAULT_ATTEMPTS = 100;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;

/** GET (or `cached`), mutate, PUT; on Conflict GET anew and try again after a jittered pause. `mutate` answers undefined
 *  for "nothing to do". Throws StoreError NotFound when the object is gone, Conflict when all attempts were lost. */
export async function compareAndSwap(
  store: Store,
  kind: Kind,
  name: string,
  mutate: (current: Resource) => Resource | undefined,
  options: CasOptions,
): Promise<CasOutcome> {
  const attempts = options.attempts ?? DEFAULT_ATTEMPTS;
  let current = options.cached ?? (await store.get(kind, name));
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const wanted = mutate(current);
    if (wanted === undefined) return { object: current, changed: false };
    try {
      return { object: await store.replace(kind, wanted), changed: true };
    } catch (error) {
      if (!(error instanceof StoreError && error.reason === 'Conflict')) throw error;
    }
    await pause(attempt, options);
    current = await store.get(kind, name);
  }
  throw new StoreError(
    'Conflict',
    `${objectText(kind, name)} was changed by others between read and write ${attempts} times in a row; try again, or find the writer that never rests`,
    409,
  );
}

/** CREATE, or what is there already. `created` tells which. */
export async function createOrGet(
  store: Store,
  kind: Kind,
  name: string,
  object: Resource,
): Promise<{ readonly object: Resource; readonly created: boolean }> {
  try {
    return { object: await store.create(kind, object), created: true };
  } catch (error) {
    if (!(error instanceof StoreError && error.reason === 'AlreadyExists')) throw error;
    return { object: await store.get(kind, name), created: false };
  }
}

/** Full jitter under a doubling ceiling: writers that collided once do not collide again in step. */
function pause(attempt: number, { timers, random }: CasOptions): Promise<void> {
  const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  return new Promise((resolve) => timers.after(random() * ceiling, resolve));
}
