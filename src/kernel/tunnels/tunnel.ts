/** Tunnels of a node: tunl0 and vxlan.calico, desired state in, devices out. Not pure: netlink, and sockets for user space.
 *  `ensure` is level-triggered: call it with the whole truth as often as you like; it changes what differs, and adopts what
 *  an earlier daemon left. The carriers of ipip are the table of ipip-carriers.ts; vxlan is vxlan.ts. */
import { formatIpv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import { systemTimers } from '../../sys/time.ts';
import { settleAddress } from '../devices/device-state.ts';
import { SYSCTL_ROOT } from '../devices/sysctl.ts';
import type { CarrierContext, IpipCarrier } from './ipip-carrier.ts';
import { createIpipCarriers } from './ipip-carriers.ts';
import { TunnelError } from './tunnel-error.ts';
import { IPIP_DEVICE, VXLAN_DEVICE } from './tunnel-names.ts';
import { removeTunnelDevice } from './tunnel-removal.ts';
import type { CarrierRefusal, CarrierSetting, TunnelSpec, TunnelStatus } from './tunnel-types.ts';
import { ensureVxlan } from './vxlan.ts';

export { TunnelError } from './tunnel-error.ts';
export type {
  Carrier,
  CarrierCounters,
  CarrierSetting,
  TunnelRemote,
  TunnelSpec,
  TunnelStatus,
} from './tunnel-types.ts';

export interface Tunnels {
  /** To be called as early as there is netlink. Where an earlier daemon forwarded by itself, forwarding goes on with what
   *  the kernel remembers of it, so the gap of a restart is that of a process start. True when it does. */
  resume(): Promise<boolean>;
  /** Makes it so. Calls run one after the other. Throws TunnelError when no device can be had; lesser faults (one
   *  neighbour refused) are `problems` of the status. */
  ensure(spec: TunnelSpec): Promise<TunnelStatus>;
  /** Of every tunnel ensured so far. */
  status(): TunnelStatus[];
  /** Ends user-space forwarding, lets programs in the kernel go on; devices, addresses and routes stay for the next daemon. */
  stop(): void;
  /** Takes the device away, if it is ours. */
  remove(encap: 'ipip' | 'vxlan'): Promise<void>;
}

export interface TunnelsOptions {
  readonly netlink: NetlinkClient;
  /** `auto`: the best that works. A named one is used, or its refusal thrown. */
  readonly carrierSetting: CarrierSetting;
  /** One line when a carrier is chosen or changes; never per packet. */
  readonly log: (text: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Where settings are written; absent: /proc/sys. */
  readonly sysctlRoot?: string;
}

interface Ensured {
  readonly status: TunnelStatus;
  readonly carrier?: IpipCarrier;
}

/** Between an event and the look at what it means: several come together, and nobody who undoes our work makes us spin. */
const AGAIN_MS = 50;

export function createTunnels(options: TunnelsOptions): Tunnels {
  const { netlink, carrierSetting, log } = options;
  const carriers = createIpipCarriers();
  const allowed = carriers.filter((c) => carrierSetting === 'auto' || c.name === carrierSetting);
  const ensured = new Map<'ipip' | 'vxlan', Ensured>();
  let last: Promise<unknown> = Promise.resolve();
  let stopped = false;
  let lastIpip: TunnelSpec | undefined;
  let cancelAgain: (() => void) | undefined;

  /** A second daemon call while one works would see half-made devices. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };

  const context: CarrierContext = {
    netlink,
    sysctlRoot: options.sysctlRoot ?? SYSCTL_ROOT,
    demanded: carrierSetting !== 'auto',
    again: () => {
      if (stopped) return;
      cancelAgain ??= systemTimers.after(AGAIN_MS, () => {
        cancelAgain = undefined;
        if (lastIpip !== undefined)
          ensure(lastIpip).catch((error: unknown) => log(String(error), { device: IPIP_DEVICE }));
      });
    },
  };

  const ensureIpip = async (spec: TunnelSpec): Promise<Ensured> => {
    const notUsed: CarrierRefusal[] = [];
    for (const carrier of allowed) {
      const outcome = await carrier.ensure(context, spec);
      if (outcome.kind === 'refused') {
        notUsed.push({ carrier: carrier.name, ...outcome.reason });
        continue;
      }
      await settleAddress(netlink, outcome.device.index, spec.address);
      // Two for a moment double a packet; none would lose it.
      for (const other of carriers) {
        if (other === carrier) continue;
        other.stop();
        await other.withdraw?.(context);
      }
      const { forwardsWithoutDaemon } = carrier;
      const { problems } = outcome;
      return {
        carrier,
        status: statusOf(spec, IPIP_DEVICE, carrier.name, { notUsed, forwardsWithoutDaemon, problems }),
      };
    }
    throw new TunnelError(IPIP_DEVICE, notUsed);
  };

  const ensureOf = async (spec: TunnelSpec): Promise<Ensured> => {
    if (spec.encap === 'ipip') return ensureIpip(spec);
    const { device, problems } = await ensureVxlan(netlink, spec, context.sysctlRoot);
    await settleAddress(netlink, device.index, spec.address);
    return { status: statusOf(spec, VXLAN_DEVICE, 'kernel', { notUsed: [], forwardsWithoutDaemon: true, problems }) };
  };

  const present = ({ status, carrier }: Ensured): TunnelStatus => {
    const counters = carrier?.counters();
    const fault = carrier?.fault();
    const problems = fault === undefined ? status.problems : [...status.problems, fault];
    return counters === undefined ? { ...status, problems } : { ...status, problems, counters };
  };

  const resume = async (): Promise<boolean> => {
    if (ensured.has('ipip') || stopped) return false;
    for (const carrier of carriers) {
      if ((await carrier.resume?.(context)) !== true) continue;
      if (stopped) carrier.stop();
      log(`${IPIP_DEVICE} is forwarded again, as the last daemon left it`, {
        device: IPIP_DEVICE,
        carrier: carrier.name,
      });
      return true;
    }
    return false;
  };

  const ensure = (spec: TunnelSpec): Promise<TunnelStatus> =>
    inTurn(async () => {
      if (stopped) throw new TunnelError(spec.encap, [shuttingDown]);
      if (spec.encap === 'ipip') lastIpip = spec;
      const before = ensured.get(spec.encap)?.status.carrier;
      const now = await ensureOf(spec);
      if (stopped) now.carrier?.stop(); // stop() came while we worked: it wins
      ensured.set(spec.encap, now);
      const { device, carrier, notUsed } = now.status;
      if (before !== carrier) log(`${device} is carried by: ${carrier}`, { device, carrier, notUsed });
      return present(now);
    });

  const stopAll = (): void => {
    cancelAgain?.();
    cancelAgain = undefined;
    for (const carrier of carriers) carrier.stop();
  };

  return {
    resume: () => inTurn(resume),
    ensure,
    status: () => [...ensured.values()].map(present),
    stop: () => {
      stopped = true;
      stopAll();
    },
    remove: (encap) =>
      inTurn(async () => {
        ensured.delete(encap);
        if (encap === 'ipip') {
          lastIpip = undefined;
          stopAll();
        }
        await removeTunnelDevice(netlink, encap);
      }),
  };
}

function statusOf(
  spec: TunnelSpec,
  device: string,
  carrier: TunnelStatus['carrier'],
  rest: Pick<TunnelStatus, 'notUsed' | 'forwardsWithoutDaemon' | 'problems'>,
): TunnelStatus {
  const { encap, mtu, remotes } = spec;
  return { encap, device, carrier, mtu, address: formatIpv4(spec.address), remotes: remotes.length, ...rest };
}

const shuttingDown: Reason = { code: 'SHUTTING_DOWN', text: 'The daemon is going down.' };
