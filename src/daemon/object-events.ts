/** Tells what is wrong with an object of the cluster where people look: once in the log, once as an Event on the object.
 *  What went away and comes back is told again. All nodes see the same objects: the Event's name follows from what it says,
 *  so that a thousand daemons make one Event of it, not a thousand. */
import { createHash } from 'node:crypto';
import type { ClusterReason } from '../cluster/cluster-reason.ts';
import { apiVersion, KINDS } from '../store/kinds.ts';
import { type Resource, type Store, StoreError } from '../store/port.ts';
import type { Log } from './log.ts';

export interface ObjectEvents {
  /** All that is wrong now. Returns at once; an Event that cannot be written is written at a later call. */
  tell(problems: readonly ClusterReason[], notices: readonly ClusterReason[]): void;
}

const SOURCE = 'gingham';
/** Events of cluster-wide objects are kept there. */
const NAMESPACE = 'default';
const MOST_EVENTS = 200;
const LONGEST_MESSAGE = 1024;

export function objectEvents(store: Store, nodeName: string, log: Log): ObjectEvents {
  const said = new Set<string>();
  const written = new Set<string>();
  let last: Promise<void> = Promise.resolve();

  const write = async (reason: ClusterReason, type: 'Warning' | 'Normal', key: string): Promise<void> => {
    try {
      await store.create(KINDS.event, eventObject(reason, type, nodeName, new Date()));
    } catch (error) {
      if (error instanceof StoreError && error.reason === 'AlreadyExists') return;
      written.delete(key);
      log.debug({ error: String(error), code: reason.code }, 'an Event cannot be written now');
    }
  };

  return {
    tell(problems, notices) {
      const present = new Set<string>();
      const each = (reasons: readonly ClusterReason[], type: 'Warning' | 'Normal'): void => {
        for (const reason of reasons) {
          const key = `${reason.code} ${reason.text}`;
          present.add(key);
          if (!said.has(key)) {
            said.add(key);
            log.warn({ code: reason.code, ...aboutOf(reason) }, reason.text);
          }
          if (reason.about === undefined || written.has(key) || written.size >= MOST_EVENTS) continue;
          written.add(key);
          last = last.then(() => write(reason, type, key));
        }
      };
      each(problems, 'Warning');
      each(notices, 'Normal');
      for (const set of [said, written]) for (const key of set) if (!present.has(key)) set.delete(key);
    },
  };
}

const aboutOf = ({ about }: ClusterReason): object =>
  about === undefined ? {} : { object: `${about.kind.kind}/${about.name}` };

/** As `kubectl describe` and `kubectl get events` show it. */
export function eventObject(reason: ClusterReason, type: 'Warning' | 'Normal', node: string, now: Date): Resource {
  const { about, code, text } = reason;
  const digest = createHash('sha256').update(`${about?.kind.plural}/${about?.name} ${code} ${text}`).digest('hex');
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    metadata: { namespace: NAMESPACE, name: `${(about?.name ?? 'cluster').slice(0, 200)}.${digest.slice(0, 16)}` },
    involvedObject: {
      apiVersion: about === undefined ? 'v1' : apiVersion(about.kind),
      kind: about?.kind.kind ?? '',
      name: about?.name ?? '',
    },
    reason: camelCase(code),
    message: text.slice(0, LONGEST_MESSAGE),
    type,
    source: { component: SOURCE, host: node },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** "SECRET_MISSING" is SecretMissing where Events are read. */
const camelCase = (code: string): string =>
  code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
