/** The speaker of a running daemon: opened once the kernel has been read, its best paths led there, its next hops judged
 *  anew when this node's addresses change. The same alone and in a cluster. */
import { type IpAddress, type IpPrefix, ipPrefix, isIpv6 } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import { isLinkLocal6 } from '../base/ipv6.ts';
import { AFI_IPV6 } from '../bgp-js/wire/family.ts';
import type { Address } from '../netlink/address.ts';
import type { OwnAddresses } from '../peer/peer-family.ts';
import type { TableConfig } from '../rib/terms/rib-config.ts';
import type { Dataplane } from './dataplane.ts';
import { drainAgain } from './drain.ts';
import { openMonitoring } from './monitoring.ts';
import type { Running } from './running.ts';
import { openSpeaker, type Speaker } from './speaker.ts';

export async function startSpeaker(
  running: Running,
  dataplane: Dataplane,
  options: {
    readonly address: Ipv4;
    readonly waitForLocalRoutes: boolean;
    /** What IPAM says of a route, in a cluster. */
    readonly originOf?: TableConfig['originOf'];
  },
): Promise<Speaker> {
  const { config, log } = running;
  const { byFamily: found } = await dataplane.start();
  const bgpIdentifier = config.routerId ?? options.address;
  const monitoring = openMonitoring(config, bgpIdentifier, log);
  const speaker = await openSpeaker({
    listen: config.listen,
    bgpIdentifier,
    monitoring,
    isOurAddress: (a, link) => dataplane.interfaces.isLocal(a, link),
    nextHops: dataplane.nextHops,
    addressesBeside: (local) => addressesBeside(dataplane, local),
    maxPaths: config.maxPaths,
    preferOlder: config.preferOlder,
    originOf: options.originOf,
    subnets: () =>
      [...dataplane.interfaces.connected(), ...dataplane.interfaces.connectedIpv6()].map(({ prefix, device }) => ({
        ...prefix,
        device,
      })),
    onPeerAddresses: (peers) => dataplane.setGuard({ peers }),
    ...(config.clusterId === undefined ? {} : { clusterId: config.clusterId }),
    restart: {
      forwarding: ({ afi }) => (afi === AFI_IPV6 ? found.ipv6 : found.ipv4) > 0,
      waitForLocalRoutes: options.waitForLocalRoutes,
      onComplete: (why) => {
        log.info({ why }, 'initial routes are in');
        speaker.settle();
      },
      onAllHeard: (why) => {
        log.info({ why }, 'peers that restarted with us have spoken: routes that nobody announced leave the kernel');
        // Their last words are in the table, and the kernel hears of them, before it may sweep.
        speaker.settle();
        dataplane.bestPathsInSync();
      },
    },
    log,
  });
  running.speaker = speaker;
  drainAgain(running, speaker);
  monitoring?.start(speaker);
  dataplane.setLinks(({ address }) => dataplane.interfaces.deviceOf(address)?.device);
  if (config.kernel.install) {
    speaker.ribs.ipv4.subscribe(dataplane.bestPaths.ipv4, 'kernel');
    speaker.ribs.ipv6.subscribe(dataplane.bestPaths.ipv6, 'kernel');
  }
  dataplane.interfaces.onChange((change) => {
    if (change.kind === 'address') speaker.reevaluate(change.address);
    else if (change.kind === 'reread') speaker.reevaluate();
    speaker.linksChanged();
  });
  return speaker;
}

/** What else the interface has that has this address: next hops of the other family, and on the link. RFC 2545 3 */
function addressesBeside({ interfaces }: Dataplane, local: IpAddress): OwnAddresses {
  const link = interfaces.linkWithAddress(local);
  const addresses = link === undefined ? [] : interfaces.addressesOf(link.name);
  const all = addresses.map(({ address }) => address);
  const ipv4 = all.find((a) => !isIpv6(a));
  const ipv6 = all.find((a) => isIpv6(a) && !isLinkLocal6(a));
  const linkLocal = all.find((a) => isIpv6(a) && isLinkLocal6(a));
  return {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(linkLocal === undefined ? {} : { linkLocal }),
    subnets: subnetsOf(addresses),
  };
}

/** Whoever is in one of these is on the link. A point-to-point address has its subnet at the other end. */
const subnetsOf = (addresses: readonly Address<IpAddress>[]): readonly IpPrefix[] =>
  addresses
    .filter(({ address }) => !isIpv6(address) || !isLinkLocal6(address))
    .map(({ peer, length }) => ipPrefix(peer, length));
