/** DEL: everything an ADD made is taken away, step by step, each step idempotent. It needs no datastore: a release that
 *  fails is queued on disk. Not pure: effects through ports. */
import { type Ipv4, parseIpv4 } from '../base/ipv4.ts';
import type { Workload } from '../model/workload.ts';
import type { CniContext } from './context.ts';
import { CniError, toFault } from './fault.ts';
import { DEL_STEPS, type UndoStep } from './plan.ts';
import { CNI_CODE } from './protocol.ts';
import type { Attachment } from './request.ts';

/** A store that does not answer must not hold up a pod's end: after this the release is queued. */
const RELEASE_PATIENCE_MS = 5000;

export async function del(context: CniContext, attachment: Attachment): Promise<void> {
  const record = context.workloads.get(attachment);
  const subject = subjectOf(attachment, record);
  const undo = undoSteps(context, subject, await addressesOf(context, attachment, record));
  // The same pod's next sandbox has the same name on the node: its interface is not this container's to delete.
  const later = context.workloads
    .othersOn(subject.hostInterface, subject)
    .some((other) => record === undefined || other.addedAt > record.addedAt);
  for (const step of DEL_STEPS) if (step !== 'unwire' || !later) await undo[step]();
}

/** The record knows better than the request: a runtime may leave CNI_ARGS out of a DEL. */
export const subjectOf = (attachment: Attachment, record: Workload | undefined): Attachment =>
  record === undefined ? attachment : { ...attachment, hostInterface: record.hostInterface, handleId: record.handleId };

/** Without a record an ADD may still have got as far as a route. If the store cannot say for which address, the route goes
 *  with the interface. */
async function addressesOf(
  context: CniContext,
  attachment: Attachment,
  record: Workload | undefined,
): Promise<readonly Ipv4[]> {
  if (record !== undefined) {
    const address = parseIpv4(record.address);
    return address === undefined ? [] : [address];
  }
  return within(context, context.ports.ipam.assignmentsOf(attachment.handleId)).catch(() => []);
}

/** The undo of each step of ADD, for DEL, GC and an ADD that failed. */
export function undoSteps(
  context: CniContext,
  subject: Attachment,
  addresses: readonly Ipv4[],
): Readonly<Record<UndoStep, () => Promise<void>>> {
  const { ports, workloads, releases } = context;
  return {
    unroute: async () => {
      for (const address of addresses) await ports.routes.unwant(address);
    },
    unwire: async () => {
      try {
        await ports.wiring.unwire(subject.hostInterface);
      } catch (error) {
        const { msg, details } = toFault(error);
        throw new CniError(CNI_CODE.wiring, `interface ${subject.hostInterface} cannot be deleted: ${msg}`, details);
      }
    },
    release: async () => {
      try {
        await within(context, ports.ipam.release(subject.handleId));
      } catch (error) {
        await releases.add(subject.handleId);
        context.log({
          level: 'warn',
          message: 'the address cannot be given back now; its release is queued',
          fields: { handle: subject.handleId, why: toFault(error).msg },
        });
      }
    },
    forget: () => workloads.delete(subject),
  };
}

function within<T>(context: CniContext, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = context.timers.after(RELEASE_PATIENCE_MS, () =>
      reject(new Error(`the datastore gave no answer in ${RELEASE_PATIENCE_MS / 1000} s`)),
    );
    work.then(resolve, reject).finally(cancel);
  });
}
