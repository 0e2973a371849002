/** ipip by two programs of ours in the kernel: the second choice, as fast as the kernel's vxlan. Not pure: netlink, bpf(2).
 *
 *      pods ─> tunl0 ═veth═ tunl0-x ─encapsulate─> underlay ~~~ underlay ─decapsulate─> tunl0-x ═veth═ tunl0 ─> pods
 *
 *  Both stand at the ingress of their device and go on when this process is dead. Pair, neighbours and routes are those of the
 *  user-space carrier. The underlay has to be Ethernet, and both ways of a node's packets to lead over it. What the kernel's
 *  ipip does and this does not: fragments of outer packets are dropped (and counted), and a smaller MTU somewhere on the way
 *  between two nodes is not learnt. */
import { formatIpv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';
import type { Link } from '../../netlink/link.ts';
import { type NetlinkMonitor, openMonitor } from '../../netlink/monitor.ts';
import { getLink } from '../../netlink/read.ts';
import { NetlinkError } from '../../netlink/request.ts';
import { BpfError } from '../../sys/bpf.ts';
import { SysError } from '../../sys/ffi.ts';
import { settleNeighbours } from '../devices/device-state.ts';
import { enableOffloads } from '../devices/offload.ts';
import { attachProgram, DECAPSULATE, ENCAPSULATE, isAttached, removePrograms } from './bpf/attachment.ts';
import { type LoadedTunnel, loadTunnel } from './bpf/loaded-tunnel.ts';
import type { CarrierContext, CarrierOutcome, IpipCarrier } from './ipip-carrier.ts';
import { pairNeighbours, settlePair } from './ipip-pair.ts';
import { TunnelError } from './tunnel-error.ts';
import { IPIP_COMPANION, IPIP_DEVICE } from './tunnel-names.ts';
import type { TunnelSpec } from './tunnel-types.ts';

/** Where our programs are, by ifindex. */
interface Places {
  readonly underlayName: string;
  readonly underlay: number;
  readonly companion: number;
}

export function tcBpfIpip(): IpipCarrier {
  let loaded: LoadedTunnel | undefined;
  let places: Places | undefined;
  let fault: Reason | undefined;
  let monitor: NetlinkMonitor | undefined;
  /** An earlier process, or we ourselves, may have left programs behind. */
  let mayBeAttached = true;

  const attach = async (context: CarrierContext, spec: TunnelSpec): Promise<CarrierOutcome> => {
    const { netlink } = context;
    const underlay = await getLink(netlink, spec.underlay);
    if (underlay === undefined) throw new TunnelError(IPIP_DEVICE, [noUnderlay(spec)]);
    if (!carriesEthernet(underlay)) return { kind: 'refused', reason: notEthernet(underlay) };
    loaded ??= loadTunnel();
    const pair = await settlePair(context, spec);
    if ('code' in pair) return { kind: 'refused', reason: pair };
    const { tunl0, companion } = pair;
    const neighbours = pairNeighbours(spec);
    loaded.setRemotes(new Set(neighbours.keys()));
    const constants = { local: spec.local, underlay: underlay.index, companion: companion.index };
    const { encapsulate, decapsulate } = loaded.programs(constants);
    restoreOffloads();
    mayBeAttached = true;
    // Receiving first: a node that sends before it can hear the answer loses more than one that waits.
    await attachProgram(netlink, DECAPSULATE, underlay.index, decapsulate);
    await attachProgram(netlink, ENCAPSULATE, companion.index, encapsulate);
    if (places?.underlay !== underlay.index) await removePrograms(netlink, new Set([underlay.index, companion.index])); // of an underlay before
    places = { underlayName: spec.underlay, underlay: underlay.index, companion: companion.index };
    watch(context);
    const problems = await settleNeighbours(netlink, tunl0.index, neighbours);
    return { kind: 'ready', device: tunl0, problems };
  };

  /** A device made anew has no programs, and anybody may delete a qdisc. */
  const watch = (context: CarrierContext): void => {
    monitor ??= openMonitor({
      groups: ['link', 'trafficControl'],
      ignorePortId: context.netlink.portId,
      receiveBufferBytes: 1 << 20,
      onOverflow: context.again,
      onEvent: (event) => {
        if (places === undefined) return;
        const { underlayName, underlay, companion } = places;
        const isOurs = (index: number): boolean => index === underlay || index === companion;
        if (event.kind === 'link') {
          const { name, index } = event.link;
          const remade =
            (name === underlayName && index !== underlay) || (name === IPIP_COMPANION && index !== companion);
          if (remade || (event.gone && isOurs(index))) context.again();
        } else if (event.kind === 'filter' && event.gone && isOurs(event.filter.index)) context.again();
        else if (event.kind === 'qdisc' && event.gone && isOurs(event.qdisc.index)) context.again();
      },
    });
  };

  const stop = (): void => {
    monitor?.close();
    monitor = undefined;
    loaded?.close();
    loaded = undefined;
    places = undefined;
    fault = undefined;
  };

  return {
    name: 'tc-bpf',
    forwardsWithoutDaemon: true,
    ensure: async (context, spec) => {
      try {
        const outcome = await attach(context, spec);
        fault = undefined;
        return outcome;
      } catch (error) {
        if (error instanceof TunnelError) {
          fault = error.reasons[0];
          throw error;
        }
        if (error instanceof BpfError) return { kind: 'refused', reason: refusedByBpf(error) };
        if (error instanceof NetlinkError && isAboutFilters(error))
          return { kind: 'refused', reason: notAttached(error) };
        throw error;
      }
    },
    resume: async ({ netlink }) => {
      const companion = await getLink(netlink, IPIP_COMPANION);
      return companion !== undefined && isAttached(netlink, ENCAPSULATE, companion.index);
    },
    withdraw: async ({ netlink }) => {
      if (!mayBeAttached) return;
      await removePrograms(netlink);
      mayBeAttached = false;
    },
    counters: () => loaded?.counters(),
    fault: () => fault,
    stop,
  };
}

/** The pair may have been the user-space carrier's, who needs them off. Without them it works as well, only slower. */
function restoreOffloads(): void {
  try {
    enableOffloads(IPIP_DEVICE);
    enableOffloads(IPIP_COMPANION);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

/** A dummy has an Ethernet address and no wire: nothing of the other nodes arrives there. */
const carriesEthernet = (link: Link): boolean =>
  link.kind !== 'dummy' && link.mac !== '' && link.mac !== '00:00:00:00:00:00';

const isAboutFilters = (error: NetlinkError): boolean => / (qdisc|filter) /.test(error.what);

const noUnderlay = (spec: TunnelSpec): Reason => ({
  code: 'TUNNEL_UNDERLAY_MISSING',
  text: `The underlay device "${spec.underlay}" is not there. It has to be the device with this node's address ${formatIpv4(spec.local)}; forwarding begins again when it is back.`,
});

const notEthernet = (link: Link): Reason => ({
  code: 'CARRIER_TC_BPF_UNDERLAY_NOT_ETHERNET',
  text: `The node's address is on ${link.name}${link.kind === '' ? '' : ` (${link.kind})`}, which receives no Ethernet frames, and the tc-bpf programs know no others.`,
});

function refusedByBpf(error: BpfError): Reason {
  if (error.code === 'EPERM')
    return {
      code: 'CARRIER_TC_BPF_NOT_PERMITTED',
      text: `BPF programs may not be loaded here (${error.message}). It takes CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN, not in a user namespace, and a seccomp profile that allows bpf(2).`,
    };
  if (error.code === 'ENOSYS')
    return {
      code: 'CARRIER_TC_BPF_NOT_IN_KERNEL',
      text: `The kernel has no bpf(2) (CONFIG_BPF_SYSCALL), or this processor's is not known to Gingham: ${process.arch}.`,
    };
  return {
    code: 'CARRIER_TC_BPF_REFUSED',
    text: `The kernel refused the tc-bpf programs, which need Linux 5.10: ${error.message.replaceAll('\n', ' | ')}`,
  };
}

function notAttached(error: NetlinkError): Reason {
  if (['ENOENT', 'EOPNOTSUPP', 'ENOTSUP'].includes(error.code))
    return {
      code: 'CARRIER_TC_BPF_NO_CLSACT',
      text: `The kernel has no clsact qdisc or no BPF filters (CONFIG_NET_SCH_INGRESS, CONFIG_NET_CLS_BPF): ${error.message}.`,
    };
  return {
    code: 'CARRIER_TC_BPF_NOT_ATTACHED',
    text: `The tc-bpf programs cannot be attached: ${error.message}. "tc filter show dev DEVICE ingress" lists what is there.`,
  };
}
