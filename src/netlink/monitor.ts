/** Events of the kernel: links, addresses, routes, neighbours, filters, without the echoes of our own changes.
 *  A lost event cannot be counted: after an overflow the socket is opened anew and the caller dumps again. */
import type { IpAddress } from '../base/ip.ts';
import { type Address, decodeAddress } from './address.ts';
import * as k from './constants.ts';
import { decodeLink, type Link } from './link.ts';
import { MessageView } from './message-view.ts';
import { decodeNeighbour, type Neighbour } from './neighbour.ts';
import { decodeRoute, type Route } from './route.ts';
import { type NetlinkSocket, openNetlinkSocket } from './socket.ts';
import { decodeFilter, decodeQdisc, type Filter, type Qdisc } from './traffic-control.ts';

export type NetlinkEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: Address<IpAddress> }
  | {
      readonly kind: 'route';
      readonly gone: boolean;
      readonly route: Route;
      /** The change replaced the first route of (prefix, tos, metric). */
      readonly replaced: boolean;
      readonly appended: boolean;
      /** Port id of the socket that asked for it, a process id as a rule; 0: the kernel by itself. */
      readonly portId: number;
    }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: Neighbour }
  | { readonly kind: 'qdisc'; readonly gone: boolean; readonly qdisc: Qdisc }
  | { readonly kind: 'filter'; readonly gone: boolean; readonly filter: Filter };

export interface MonitorOptions {
  readonly groups: readonly (keyof typeof GROUPS)[];
  readonly onEvent: (event: NetlinkEvent) => void;
  /** Events were lost, or the socket was: read everything again. A new socket is already listening. */
  readonly onOverflow: (code: string) => void;
  /** Our client's port id: its changes are dropped in the kernel. */
  readonly ignorePortId?: number;
  readonly netns?: string;
  readonly receiveBufferBytes?: number;
}

export interface NetlinkMonitor {
  close(): void;
}

const GROUPS = {
  link: k.RTNLGRP_LINK,
  address: k.RTNLGRP_IPV4_IFADDR,
  address6: k.RTNLGRP_IPV6_IFADDR,
  route: k.RTNLGRP_IPV4_ROUTE,
  route6: k.RTNLGRP_IPV6_ROUTE,
  neighbour: k.RTNLGRP_NEIGH,
  /** qdiscs and filters */
  trafficControl: k.RTNLGRP_TC,
};

/** One event as a value; undefined for what we do not follow. Pure. */
export function decodeEvent(m: MessageView): NetlinkEvent | undefined {
  switch (m.type) {
    case k.RTM_NEWLINK:
    case k.RTM_DELLINK:
      // A bridge port's departure from its bridge is an AF_BRIDGE message, not the end of the link.
      if (m.byte(m.at + 16) !== k.AF_UNSPEC) return undefined;
      return { kind: 'link', gone: m.type === k.RTM_DELLINK, link: decodeLink(m) };
    case k.RTM_NEWADDR:
    case k.RTM_DELADDR:
      return { kind: 'address', gone: m.type === k.RTM_DELADDR, address: decodeAddress(m) };
    case k.RTM_NEWROUTE:
    case k.RTM_DELROUTE: {
      const route = decodeRoute(m);
      const replaced = (m.flags & k.NLM_F_REPLACE) !== 0;
      const appended = (m.flags & k.NLM_F_APPEND) !== 0;
      return route && { kind: 'route', gone: m.type === k.RTM_DELROUTE, route, replaced, appended, portId: m.portId };
    }
    case k.RTM_NEWNEIGH:
    case k.RTM_DELNEIGH:
      return { kind: 'neighbour', gone: m.type === k.RTM_DELNEIGH, neighbour: decodeNeighbour(m) };
    case k.RTM_NEWQDISC:
    case k.RTM_DELQDISC:
      return { kind: 'qdisc', gone: m.type === k.RTM_DELQDISC, qdisc: decodeQdisc(m) };
    case k.RTM_NEWTFILTER:
    case k.RTM_DELTFILTER:
      return { kind: 'filter', gone: m.type === k.RTM_DELTFILTER, filter: decodeFilter(m) };
    default:
      return undefined;
  }
}

export function openMonitor(options: MonitorOptions): NetlinkMonitor {
  let socket: NetlinkSocket | undefined;
  let closed = false;
  const { netns, ignorePortId } = options;
  const open = (): NetlinkSocket =>
    openNetlinkSocket(
      {
        groups: options.groups.map((g) => GROUPS[g]),
        receiveBufferBytes: options.receiveBufferBytes ?? 64 << 20,
        ...(netns === undefined ? {} : { netns }),
        ...(ignorePortId === undefined ? {} : { ignorePortId }),
      },
      (bytes, length) => {
        const m = new MessageView(bytes, length);
        while (!closed && m.advance()) {
          const event = decodeEvent(m);
          if (event !== undefined) options.onEvent(event);
        }
      },
      (error) => {
        socket?.close();
        if (closed) return;
        socket = open();
        options.onOverflow(error.code ?? 'EIO');
      },
    );
  socket = open();
  return {
    close: () => {
      closed = true;
      socket?.close();
    },
  };
}
