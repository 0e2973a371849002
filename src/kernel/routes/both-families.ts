/** The route programmer: a loop for each family (route-sync.ts), told apart by the prefix. */
import { type IpPrefix, isIpv6 } from '../../base/ip.ts';
import type {
  ForeignRoutes,
  RouteProgrammer,
  RouteProgrammerOptions,
  RouteProgrammerStatus,
} from './route-programmer.ts';
import { type FamilyStatus, RouteSync } from './route-sync.ts';

export function createRouteProgrammer(options: RouteProgrammerOptions): RouteProgrammer {
  const ipv4 = new RouteSync(options, 'ipv4');
  const ipv6 = new RouteSync(options, 'ipv6');
  const both = [ipv4, ipv6] as const;
  const of = (p: IpPrefix): RouteSync => (isIpv6(p.address) ? ipv6 : ipv4);
  return {
    async start() {
      const byFamily = { ipv4: await ipv4.start(), ipv6: await ipv6.start() };
      return { found: byFamily.ipv4 + byFamily.ipv6, byFamily };
    },
    want: (owner, prefix, target) => of(prefix).wishes.want(owner, prefix, target),
    unwant: (owner, prefix) => of(prefix).wishes.unwant(owner, prefix),
    hold: (owner, prefix, reason) => of(prefix).wishes.hold(owner, prefix, reason),
    wishesOf: (owner, family) => (family === 'ipv4' ? ipv4 : ipv6).wishes.wishesOf(owner),
    flush: () => {
      ipv4.flush();
      ipv6.flush();
    },
    clear: (owner) => {
      for (const one of both) one.wishes.clear(owner);
    },
    inSync: (owner, family) => {
      if (family !== 'ipv6') ipv4.wishes.inSync(owner);
      if (family !== 'ipv4') ipv6.wishes.inSync(owner);
    },
    settled: (prefix) => of(prefix).settled(prefix),
    idle: async () => void (await Promise.all(both.map((one) => one.idle()))),
    state: (prefix) => of(prefix).states.state(prefix),
    each: (on) => {
      for (const one of both) one.states.each(on);
    },
    status: () => merged(ipv4.status(), ipv6.status()),
    resync: async () => void (await Promise.all(both.map((one) => one.resync()))),
    stop: () => {
      for (const one of both) one.stop();
    },
  };
}

function merged(a: FamilyStatus, b: FamilyStatus): RouteProgrammerStatus {
  const lastDrift =
    a.lastDrift === undefined || (b.lastDrift !== undefined && b.lastDrift.at > a.lastDrift.at)
      ? b.lastDrift
      : a.lastDrift;
  return {
    wanted: a.wanted + b.wanted,
    installed: a.installed + b.installed,
    failed: a.failed + b.failed,
    held: a.held + b.held,
    found: a.found + b.found,
    foundByFamily: { ipv4: a.found, ipv6: b.found },
    leftover: a.leftover + b.leftover,
    foreign: mergedForeign(a.foreign, b.foreign),
    driftRepaired: a.driftRepaired + b.driftRepaired,
    ...(lastDrift === undefined ? {} : { lastDrift }),
    overflows: a.overflows + b.overflows,
    inSync: a.inSync.filter((owner) => b.inSync.includes(owner)),
  };
}

/** What one family shows of a list at most. */
const SHOWN = 20;

function mergedForeign(a: ForeignRoutes, b: ForeignRoutes): ForeignRoutes {
  const byProtocol: Record<number, number> = { ...a.byProtocol };
  for (const [protocol, count] of Object.entries(b.byProtocol))
    byProtocol[Number(protocol)] = (byProtocol[Number(protocol)] ?? 0) + count;
  return {
    total: a.total + b.total,
    byProtocol,
    inTheWay: [...a.inTheWay, ...b.inTheWay].slice(0, SHOWN),
    unclaimed: [...a.unclaimed, ...b.unclaimed].slice(0, SHOWN),
    unclaimedTotal: a.unclaimedTotal + b.unclaimedTotal,
  };
}
