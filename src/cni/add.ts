/** ADD: address, cable, route, record; acknowledged by the kernel before the answer. Not pure: effects through ports.
 *  A repeated ADD gives the same answer, and mends what is missing. A failure takes everything back. */

import { invariant } from '../base/invariant.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../base/ipv4.ts';
import type { Workload } from '../model/workload.ts';
import type { CniContext } from './context.ts';
import { del, subjectOf, undoSteps } from './del.ts';
import { CniError, toFault } from './fault.ts';
import { podMac } from './names.ts';
import { ADD_STEPS, runWithUndo } from './plan.ts';
import type { PodInterface } from './ports.ts';
import { CNI_CODE } from './protocol.ts';
import type { CniRequest } from './request.ts';
import { formatAddResult } from './result.ts';

type AddRequest = Extract<CniRequest, { verb: 'ADD' | 'CHECK' }>;

export async function add(context: CniContext, request: AddRequest): Promise<object> {
  const readiness = context.ports.readiness();
  if (readiness.kind === 'notReady')
    throw new CniError(
      CNI_CODE.tryAgainLater,
      `node "${context.nodeName}" is not ready: ${readiness.reason.text}`,
      readiness.reason.code,
    );
  const workload = (await recall(context, request)) ?? (await addNew(context, request));
  return formatAddResult(workload, request.conf.version, request.conf.dns);
}

/** The answer of an earlier ADD of this container and interface, when the namespace is still the same one. */
async function recall(context: CniContext, request: AddRequest): Promise<Workload | undefined> {
  const record = context.workloads.get(request.attachment);
  if (record === undefined) return undefined;
  if (record.netns !== request.netns) {
    await del(context, request.attachment); // the container started anew under its old id
    return undefined;
  }
  const pod = podInterface(record);
  const faults = await context.ports.wiring.check(pod);
  if (faults.length > 0) await wire(context, pod);
  await route(context, pod.address, record.hostInterface);
  return record;
}

async function addNew(context: CniContext, request: AddRequest): Promise<Workload> {
  const { attachment, netns, conf } = request;
  const { ports, workloads } = context;
  refuseClash(context, request);
  await context.releases.settle(attachment.handleId);

  const addedAt = new Date(context.clock.wall());
  let address: Ipv4 | undefined;
  const workload = (): Workload => {
    invariant(address !== undefined, 'the address step comes first');
    return {
      containerId: attachment.containerId,
      ifName: attachment.ifName,
      netns,
      namespace: attachment.pod?.namespace ?? '',
      pod: attachment.pod?.name ?? '',
      address: formatIpv4(address),
      hostInterface: attachment.hostInterface,
      mac: podMac(attachment.containerId, attachment.ifName),
      handleId: attachment.handleId,
      mtu: conf.mtu ?? ports.mtu(),
      addedAt: addedAt.toISOString(),
    };
  };
  const undo = undoSteps(context, subjectOf(attachment, undefined), []);
  await runWithUndo(
    ADD_STEPS,
    {
      address: async () => {
        address = await addressFor(context, request, addedAt);
      },
      wire: () => wire(context, podInterface(workload())),
      route: () => route(context, podInterface(workload()).address, attachment.hostInterface),
      record: () => workloads.put(workload()),
    },
    { ...undo, unroute: async () => (address === undefined ? undefined : ports.routes.unwant(address)) },
    (step, error) =>
      context.log({
        level: 'error',
        message: 'an ADD failed, and a part of it cannot be taken back; the DEL of the container will try again',
        fields: { container: attachment.containerId, step, why: toFault(error).msg },
      }),
  );
  return workload();
}

/** An interface of ours that another container has by the same name. A pod's next sandbox replaces the last one's. */
function refuseClash(context: CniContext, { attachment }: AddRequest): void {
  const [other] = context.workloads.othersOn(attachment.hostInterface, attachment);
  if (other === undefined) return;
  const samePod = attachment.pod !== undefined && other.containerId !== attachment.containerId;
  if (samePod) return;
  throw new CniError(
    CNI_CODE.interfaceTaken,
    `container "${attachment.containerId}": interface ${attachment.hostInterface} on the node belongs to interface "${other.ifName}" of container "${other.containerId}"; a pod has one interface of this network. Delete the other first.`,
  );
}

/** The one an interrupted ADD of this container got, else a new one. */
async function addressFor(context: CniContext, request: AddRequest, addedAt: Date): Promise<Ipv4> {
  const { attachment } = request;
  const { ipam } = context.ports;
  try {
    const [held] = await ipam.assignmentsOf(attachment.handleId);
    if (held !== undefined) return held;
    return await ipam.assign({
      handleId: attachment.handleId,
      use: 'Workload',
      attributes: {
        ...(attachment.pod === undefined ? {} : { namespace: attachment.pod.namespace, pod: attachment.pod.name }),
        node: context.nodeName,
        timestamp: timestamp(addedAt),
      },
    });
  } catch (error) {
    const { code, msg, details } = toFault(error, CNI_CODE.noAddress);
    throw new CniError(code, `no address for ${describe(request)}: ${msg}`, details);
  }
}

/** Go's time.Time.String() in UTC, which is what stands in Calico's attributes. */
const timestamp = (at: Date): string => at.toISOString().replace('T', ' ').replace('Z', ' +0000 UTC');

async function wire(context: CniContext, pod: PodInterface): Promise<void> {
  try {
    await context.ports.wiring.wire(pod);
  } catch (error) {
    const { msg, details } = toFault(error);
    throw new CniError(
      CNI_CODE.wiring,
      `${pod.hostInterface} cannot be wired to ${pod.ifName} in ${pod.netns}: ${msg}`,
      details,
    );
  }
}

async function route(context: CniContext, address: Ipv4, hostInterface: string): Promise<void> {
  const why = await context.ports.routes.want(address, hostInterface).catch((error: unknown) => {
    const { msg, details } = toFault(error);
    return { text: msg, code: details };
  });
  if (why === undefined) return;
  throw new CniError(
    CNI_CODE.wiring,
    `the route to ${formatIpv4(address)} by ${hostInterface} was not installed: ${why.text}`,
    why.code,
  );
}

export function podInterface(workload: Workload): PodInterface {
  const address = parseIpv4(workload.address);
  invariant(address !== undefined, 'records are checked when they are read');
  const { netns, ifName, hostInterface, mac, mtu } = workload;
  return { netns, ifName, hostInterface, address, mac, mtu };
}

const describe = ({ attachment }: AddRequest): string =>
  attachment.pod === undefined
    ? `container "${attachment.containerId}"`
    : `pod ${attachment.pod.namespace}/${attachment.pod.name}`;
