/** Events of core/v1: what is wrong with an object, said where `kubectl describe` shows it. Pure but for the store and the
 *  clock it is given. Told once per object, reason and message, then again at most every ten minutes, as a count; a store
 *  that refuses or cannot be reached is no fault of the caller's, so nothing here throws. */
import type { Clock } from '../base/ports.ts';
import { systemClock } from '../sys/time.ts';
import { apiVersion, KINDS } from './kinds.ts';
import { type JsonObject, type Kind, type Resource, type Store, StoreError } from './port.ts';

export interface NewEvent {
  /** As it came from the store. Of a core kind give `kind` too: items of a list do not say theirs. */
  readonly object: Resource;
  readonly kind?: Kind;
  /** One CamelCase word, for people who filter: "BGPPeerInvalid". */
  readonly reason: string;
  readonly message: string;
  readonly type: 'Normal' | 'Warning';
  /** What every node would say alike gets one name everywhere: whoever comes first writes it, and that is enough. */
  readonly name?: string;
}

export interface EventOptions {
  readonly clock?: Clock;
  /** The node that says it. */
  readonly host?: string;
}

const COMPONENT = 'gingham';
const AGAIN_MS = 10 * 60_000;
const MOST_REMEMBERED = 1000;
/** New events in ten minutes: a thousand faulty objects are one fault of whoever wrote them. */
const MOST_NEW = 100;
/** The API refuses more than 1024 bytes. */
const MOST_MESSAGE_BYTES = 1000;

interface Told {
  readonly name: string;
  count: number;
  writtenAtMs: number;
}
interface Memory {
  readonly told: Map<string, Told>;
  windowFromMs: number;
  newInWindow: number;
  serial: number;
}
/** By store, so that two clusters in one process do not share what was said. */
const memories = new WeakMap<Store, Memory>();

/** True when the store has it; false when it was told lately, or the store did not take it. */
export async function recordEvent(store: Store, event: NewEvent, options: EventOptions = {}): Promise<boolean> {
  const clock = options.clock ?? systemClock;
  const memory = memoryOf(store);
  const subject = subjectOf(event);
  const key = JSON.stringify([
    subject['kind'],
    subject['namespace'],
    subject['name'],
    subject['uid'],
    event.reason,
    event.message,
  ]);
  const told = memory.told.get(key);
  const now = clock.now();
  if (told !== undefined) {
    told.count++;
    if (now - told.writtenAtMs < AGAIN_MS) return false;
  } else if (!admit(memory, now)) return false;
  const entry: Told = told ?? {
    name: event.name ?? `${event.object.metadata.name}.${nameSuffix(memory, clock)}`,
    count: 1,
    writtenAtMs: now,
  };
  entry.writtenAtMs = now; // before the answer: a store that is away is not asked again at once
  remember(memory, key, entry);
  try {
    await (told === undefined
      ? create(store, event, subject, entry, options, clock)
      : countUp(store, event, subject, entry, options, clock));
    return true;
  } catch (error) {
    if (event.name !== undefined && error instanceof StoreError && error.reason === 'AlreadyExists') return true;
    // An event that was never written is news again.
    if (told === undefined) memory.told.delete(key);
    return false;
  }
}

async function countUp(
  store: Store,
  event: NewEvent,
  subject: JsonObject,
  told: Told,
  options: EventOptions,
  clock: Clock,
): Promise<void> {
  const patch = { count: told.count, lastTimestamp: timeText(clock) };
  try {
    await store.mergePatch(KINDS.event, `${eventNamespace(event.object)}/${told.name}`, patch);
  } catch (error) {
    // The API server forgets events after an hour.
    if (!(error instanceof StoreError && error.reason === 'NotFound')) throw error;
    await create(store, event, subject, told, options, clock);
  }
}

async function create(
  store: Store,
  event: NewEvent,
  subject: JsonObject,
  told: Told,
  options: EventOptions,
  clock: Clock,
): Promise<void> {
  const now = timeText(clock);
  await store.create(KINDS.event, {
    metadata: { name: told.name, namespace: eventNamespace(event.object) },
    involvedObject: subject,
    reason: event.reason,
    message: shortened(event.message),
    type: event.type,
    source: { component: COMPONENT, ...(options.host === undefined ? {} : { host: options.host }) },
    reportingComponent: COMPONENT,
    reportingInstance: options.host ?? '',
    firstTimestamp: now,
    lastTimestamp: now,
    count: told.count,
  });
}

/** Events of an object without a namespace are in "default". */
const eventNamespace = (object: Resource): string => object.metadata.namespace ?? 'default';

function subjectOf({ object, kind }: NewEvent): JsonObject {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion ?? (kind === undefined ? '' : apiVersion(kind)),
    kind: object.kind ?? kind?.kind ?? '',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function memoryOf(store: Store): Memory {
  const known = memories.get(store);
  if (known !== undefined) return known;
  const made = { told: new Map<string, Told>(), windowFromMs: Number.NEGATIVE_INFINITY, newInWindow: 0, serial: 0 };
  memories.set(store, made);
  return made;
}

function admit(memory: Memory, now: number): boolean {
  if (now - memory.windowFromMs >= AGAIN_MS) {
    memory.windowFromMs = now;
    memory.newInWindow = 0;
  }
  return memory.newInWindow++ < MOST_NEW;
}

/** The one that was told longest ago goes first. */
function remember(memory: Memory, key: string, entry: Told): void {
  memory.told.delete(key);
  memory.told.set(key, entry);
  const oldest = memory.told.keys().next();
  if (memory.told.size > MOST_REMEMBERED && !oldest.done) memory.told.delete(oldest.value);
}

/** Unique among what this process tells, and by its time among processes: as client-go names events. */
const nameSuffix = (memory: Memory, clock: Clock): string =>
  `${clock.wall().toString(16)}${(memory.serial++ % 0x1000).toString(16).padStart(3, '0')}`;

const timeText = (clock: Clock): string => new Date(clock.wall()).toISOString().replace(/\.\d+Z$/, 'Z');

function shortened(message: string): string {
  if (Buffer.byteLength(message) <= MOST_MESSAGE_BYTES) return message;
  return `${Buffer.from(message)
    .subarray(0, MOST_MESSAGE_BYTES)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`;
}
