/** CHECK: everything that ADD made is there and right; all that is not is named at once. Not pure: effects through ports. */
import { formatIpv4 } from '../base/ipv4.ts';
import { podInterface } from './add.ts';
import type { CniContext } from './context.ts';
import { CniError } from './fault.ts';
import { CNI_CODE } from './protocol.ts';
import type { CniRequest } from './request.ts';
import { addressesOfResult } from './result.ts';

export async function check(
  context: CniContext,
  { attachment, netns, conf }: Extract<CniRequest, { verb: 'ADD' | 'CHECK' }>,
): Promise<void> {
  const record = context.workloads.get(attachment);
  if (record === undefined)
    throw new CniError(
      CNI_CODE.notAsAdded,
      `interface "${attachment.ifName}" of container "${attachment.containerId}" was not added here. Delete the pod, so that it is added anew.`,
    );
  const faults: string[] = [];
  if (record.netns !== netns) faults.push(`it was added to ${record.netns}, not to ${netns}`);
  const earlier = conf.prevResult === undefined ? undefined : addressesOfResult(conf.prevResult);
  if (earlier !== undefined && !earlier.some((a) => a.split('/')[0] === record.address))
    faults.push(`prevResult has the addresses ${earlier.join(', ') || 'none'}, but it was given ${record.address}`);

  const pod = podInterface(record);
  for (const reason of await context.ports.wiring.check(pod)) faults.push(reason.text);
  const route = await context.ports.routes.want(pod.address, pod.hostInterface);
  if (route !== undefined) faults.push(route.text);
  // Without the datastore the address cannot be looked up; that is not the pod's fault.
  const held = await context.ports.ipam.assignmentsOf(record.handleId).catch(() => undefined);
  if (held !== undefined && !held.includes(pod.address))
    faults.push(`handle "${record.handleId}" does not hold ${formatIpv4(pod.address)} any more`);

  if (faults.length > 0)
    throw new CniError(
      CNI_CODE.notAsAdded,
      `interface "${attachment.ifName}" of container "${attachment.containerId}" is not as it was added: ${faults.join('; ')}`,
    );
}
