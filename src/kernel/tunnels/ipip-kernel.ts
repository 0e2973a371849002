/** The kernel's own ipip: the first choice. Not pure: netlink.
 *  Asking for a link of kind ipip loads the module where there is one, and with the module comes tunl0 by itself into every
 *  namespace: so EEXIST is success. Only EOPNOTSUPP, "unknown device type", leads on to the next carrier. */
import type { Reason } from '../../base/reason.ts';
import { deleteLink, newIpip } from '../../netlink/link.ts';
import { getLink } from '../../netlink/read.ts';
import { isErrno } from '../../netlink/request.ts';
import { notOurs, settleForwarder, settleLink, tolerate } from '../devices/device-state.ts';
import type { CarrierContext, CarrierOutcome, IpipCarrier } from './ipip-carrier.ts';
import { isOurPair } from './ipip-pair.ts';
import { IPIP_DEVICE } from './tunnel-names.ts';
import type { TunnelSpec } from './tunnel-types.ts';

export function kernelIpip(): IpipCarrier {
  /** What the kernel said, as long as this process lives: once our own pair is there it is not asked again. */
  let refusal = pairInTheWay;
  return {
    name: 'kernel',
    forwardsWithoutDaemon: true,
    ensure: async (context, spec) => {
      const outcome = await ensureKernelIpip(context, spec, refusal);
      if (outcome.kind === 'refused') refusal = outcome.reason;
      return outcome;
    },
    counters: () => undefined,
    fault: () => undefined,
    stop: () => {},
  };
}

async function ensureKernelIpip(context: CarrierContext, spec: TunnelSpec, before: Reason): Promise<CarrierOutcome> {
  const { netlink } = context;
  let present = await getLink(netlink, IPIP_DEVICE);
  if (present !== undefined && (await isOurPair(netlink, present))) {
    if (!context.demanded) return { kind: 'refused', reason: before };
    await netlink.request(deleteLink({ index: present.index }));
    present = undefined;
  }
  if (present === undefined) {
    try {
      await tolerate(netlink, newIpip(IPIP_DEVICE), 'EEXIST');
    } catch (error) {
      if (isErrno(error, 'EOPNOTSUPP', 'ENOTSUP', 'ENODEV')) return { kind: 'refused', reason: noModule };
      throw error;
    }
    present = await getLink(netlink, IPIP_DEVICE);
  }
  if (present === undefined) return { kind: 'refused', reason: noModule };
  if (present.kind !== 'ipip') return { kind: 'refused', reason: notOurs(IPIP_DEVICE, present.kind, spec.address) };
  await settleForwarder(netlink, present, context.sysctlRoot);
  await settleLink(netlink, present, { mtu: spec.mtu });
  return { kind: 'ready', device: present, problems: [] };
}

const noModule: Reason = {
  code: 'CARRIER_KERNEL_HAS_NO_IPIP',
  text: 'The kernel cannot make a device of kind ipip (CONFIG_NET_IPIP is not set, or the module ipip is not there to be loaded).',
};

const pairInTheWay: Reason = {
  code: 'CARRIER_KERNEL_NAME_IS_TAKEN',
  text: 'tunl0 is the veth pair that Gingham made when the kernel had no ipip, and it is kept as it works. To try the kernel again set the tunnel carrier to "kernel", which takes the pair away first.',
};
