/** GC: what this network's valid attachments do not name goes. It goes on over failures and names them all at the end.
 *  Not pure: effects through ports. */
import type { CniContext } from './context.ts';
import { CniError, toFault } from './fault.ts';
import { podHandle } from './names.ts';
import { CNI_CODE } from './protocol.ts';
import type { Attachment, CniRequest } from './request.ts';
import { workloadKey } from './workloads.ts';

/** `remove` takes the same locks as a DEL. */
export async function gc(
  context: CniContext,
  request: Extract<CniRequest, { verb: 'GC' }>,
  remove: (attachment: Attachment) => Promise<void>,
): Promise<void> {
  const valid = new Set(request.valid.map(workloadKey));
  const failures: string[] = [];
  for (const record of context.workloads.all()) {
    // Other networks have their own GC, and their own list.
    if (record.handleId !== podHandle(request.conf.network, record.containerId) || valid.has(workloadKey(record)))
      continue;
    try {
      const { containerId, ifName, handleId, hostInterface } = record;
      await remove({ containerId, ifName, handleId, hostInterface });
    } catch (error) {
      failures.push(`${workloadKey(record)}: ${toFault(error).msg}`);
    }
  }
  await context.releases.drain();
  if (failures.length > 0)
    throw new CniError(
      CNI_CODE.internal,
      `${failures.length} attachments could not be deleted: ${failures.join('; ')}`,
    );
}
