/** What is there: one link, and dumps of links, addresses, routes, neighbours, as values. */
import type { IpAddress } from '../base/ip.ts';
import { type Address, decodeAddress, dumpAddressesRequest, ifIpv4Address } from './address.ts';
import type { NetlinkClient } from './client.ts';
import { AF_UNSPEC, RT_TABLE_MAIN, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWROUTE } from './constants.ts';
import { decodeLink, dumpLinksRequest, getLinkRequest, type Link, type LinkSelector } from './link.ts';
import { decodeNeighbour, dumpNeighboursRequest, type Neighbour } from './neighbour.ts';
import { isErrno } from './request.ts';
import { decodeRoute, dumpRoutesRequest, type Route } from './route.ts';

/** By name or index, one message; undefined when there is none. */
export async function getLink(client: NetlinkClient, which: string | number): Promise<Link | undefined> {
  const selector: LinkSelector = typeof which === 'string' ? { name: which } : { index: which };
  try {
    return await client.query(getLinkRequest(selector), (m) => (m.type === RTM_NEWLINK ? decodeLink(m) : undefined));
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return undefined;
    throw error;
  }
}

export const dumpLinks = (client: NetlinkClient): Promise<Link[]> =>
  client.dump(dumpLinksRequest(), (m) => (m.type === RTM_NEWLINK ? decodeLink(m) : undefined));

/** IPv4 addresses, of one link or of all. */
export const dumpAddresses = (client: NetlinkClient, index = 0): Promise<Address[]> =>
  client.dump(dumpAddressesRequest(index), (m) =>
    m.type === RTM_NEWADDR ? ifIpv4Address(decodeAddress(m)) : undefined,
  );

/** Of both families and all links. */
export const dumpAllAddresses = (client: NetlinkClient): Promise<Address<IpAddress>[]> =>
  client.dump(dumpAddressesRequest(0, AF_UNSPEC), (m) => (m.type === RTM_NEWADDR ? decodeAddress(m) : undefined));

/** Routes of one table, of one protocol or of all; IPv4 where no family (AF_INET6 is 10) is named. A table that was never used does not exist: no routes. */
export async function dumpRoutes(
  client: NetlinkClient,
  options: { readonly table?: number; readonly protocol?: number; readonly family?: number } = {},
): Promise<Route[]> {
  try {
    return await client.dump(
      dumpRoutesRequest(options.table ?? RT_TABLE_MAIN, options.protocol, options.family),
      (m) => (m.type === RTM_NEWROUTE ? decodeRoute(m) : undefined),
    );
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Family AF_INET (2) by default; AF_BRIDGE (7) gives forwarding entries. */
export const dumpNeighbours = (
  client: NetlinkClient,
  options: { readonly family?: number; readonly index?: number; readonly proxy?: boolean } = {},
): Promise<Neighbour[]> =>
  client.dump(dumpNeighboursRequest(options), (m) => (m.type === RTM_NEWNEIGH ? decodeNeighbour(m) : undefined));
