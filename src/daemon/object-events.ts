/** Tells what is wrong with an object of the cluster where people look: once in the log, once as an Event on the object.
 *  What went away and comes back is told again. All nodes see the same objects: the Event's name follows from what it says,
 *  so that a thousand daemons make one Event of it, not a thousand. */
import { createHash } from 'node:crypto';
import type { ClusterReason } from '../cluster/cluster-reason.ts';
import { recordEvent } from '../store/events.ts';
import type { Kind, Resource, Store } from '../store/port.ts';
import type { Log } from './log.ts';

export interface ObjectEvents {
  /** All that is wrong now. Returns at once; an Event that cannot be written is written at a later call. */
  tell(problems: readonly ClusterReason[], notices: readonly ClusterReason[]): void;
}

export interface ObjectEventsOptions {
  readonly store: Store;
  readonly nodeName: string;
  /** The object as it is known; undefined: it is gone, and nothing is said about it. */
  readonly find: (kind: Kind, name: string) => Resource | undefined;
  readonly log: Log;
}

export function objectEvents({ store, nodeName, find, log }: ObjectEventsOptions): ObjectEvents {
  const said = new Set<string>();
  const written = new Set<string>();

  const write = async (reason: ClusterReason, type: 'Warning' | 'Normal', key: string): Promise<void> => {
    const { about } = reason;
    const object = about && find(about.kind, about.name);
    if (about === undefined || object === undefined) return;
    const event = {
      object,
      kind: about.kind,
      reason: camelCase(reason.code),
      message: reason.text,
      type,
      name: eventName(reason, object),
    };
    if (!(await recordEvent(store, event, { host: nodeName }))) written.delete(key);
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
          if (reason.about === undefined || written.has(key)) continue;
          written.add(key);
          void write(reason, type, key);
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

/** Of an object that was deleted and made anew, another one: `kubectl describe` looks for the uid. */
export function eventName({ code, text }: ClusterReason, { metadata }: Resource): string {
  const digest = createHash('sha256')
    .update(`${metadata.uid ?? ''} ${code} ${text}`)
    .digest('hex');
  return `${metadata.name.slice(0, 200)}.${digest.slice(0, 16)}`;
}

/** "SECRET_MISSING" is SecretMissing where Events are read. */
const camelCase = (code: string): string =>
  code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
