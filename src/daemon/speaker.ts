/** The BGP half of the daemon: tables, peers, and the listening socket, wired. It knows no cluster and no kernel. */
import { delta } from '../base/delta.ts';
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix, isIpv6 } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import { BfdService } from '../bfd/service.ts';
import { threadEngine } from '../bfd/thread.ts';
import type { StopHow } from '../bgp-js/session/session-types.ts';
import { type BgpListener, ListenError, type ListenOptions, listenBgp } from '../bgp-js/transport/listen.ts';
import type { ListenerCounters, Refusal } from '../bgp-js/transport/reception.ts';
import { type DirectSend, tcpTransportWith } from '../bgp-js/transport/transport.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { DynamicRange, PeerConfig, PeerSettings } from '../model/peer.ts';
import type { OwnAddresses } from '../peer/peer-family.ts';
import { type ApplyReport, type ChangedPeer, type LocRibs, PeerSet, type RestartOptions } from '../peer/peer-set.ts';
import type { PeerTap } from '../peer/peer-tap.ts';
import { DeviceNextHops, type LinkSubnet } from '../policy/device-next-hops.ts';
import { LocRib } from '../rib/ribs/loc-rib.ts';
import type { NextHopResolver } from '../rib/terms/next-hops.ts';
import type { TableConfig } from '../rib/terms/rib-config.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../sys/constants.ts';
import { ffiFault, send } from '../sys/ffi.ts';
import { systemClock, systemRandom, systemTimers } from '../sys/time.ts';
import { asksForDevice, withDevices } from './device-policies.ts';
import type { Log } from './log.ts';
import { peerLog } from './peer-log.ts';

export interface SpeakerOptions {
  readonly listen: NodeConfig['listen'];
  readonly bgpIdentifier: Ipv4;
  readonly isOurAddress: (address: IpAddress, link?: string) => boolean;
  /** Absent: every next hop is reachable at cost 0. */
  readonly nextHops?: NextHopResolver;
  /** Our other addresses on the interface that has this one. */
  readonly addressesBeside?: (local: IpAddress) => OwnAddresses;
  readonly maxPaths: NodeConfig['maxPaths'];
  readonly preferOlder: boolean;
  readonly clusterId?: Ipv4;
  /** What IPAM says of a route. */
  readonly originOf?: TableConfig['originOf'] | undefined;
  /** Of our links, for policies that ask which device a route goes out by. */
  readonly subnets?: () => readonly LinkSubnet[];
  /** See PeerSetPorts. */
  readonly onPeerAddresses?: (peers: readonly IpAddress[]) => void;
  readonly restart: RestartOptions;
  /** Who listens to what passes, and ends with us. */
  readonly monitoring?: { readonly tap: PeerTap; stop(): void } | undefined;
  readonly log: Log;
}

export interface Speaker {
  readonly bgpIdentifier: Ipv4;
  readonly ribs: LocRibs;
  readonly peers: PeerSet;
  /** Makes the sessions what `configs` says, and the listener's TCP MD5 keys with them; whoever comes from `ranges` is let in. */
  setPeers(configs: readonly PeerConfig[], ranges: readonly DynamicRange[]): ApplyReport;
  /** Says to all peers, now and until it is taken back, that our routes are about to go: the least preferred of all, by their own
   *  rules (GRACEFUL_SHUTDOWN) and within our AS by LOCAL_PREF 0. No session notices. RFC 8326 */
  setGoing(going: boolean): void;
  /** Decides everything that waits now. */
  settle(): void;
  /** This node's addresses changed, or `address` alone came or went: next hops are judged anew. */
  reevaluate(address?: IpAddress): void;
  /** Subnets came or went: policies that ask for a device are bound anew. */
  linksChanged(): void;
  /** IPAM says something else of these prefixes: policies that ask for it judge the routes there anew. */
  reevaluateWithin(prefixes: readonly IpPrefix[]): void;
  /** Makes our own routes what `prefixes` says. */
  setOriginated(prefixes: readonly IpPrefix[]): void;
  /** Listens there instead, without touching a session that is up. False, and the old port stays, when it cannot be had. */
  moveTo(port: number): Promise<boolean>;
  readonly listenPort: () => number;
  /** Who knocked, since the port is the one it is. */
  readonly listenCounters: () => ListenerCounters;
  close(how: StopHow): Promise<void>;
}

/** Listens and is ready for peers. Throws when the port cannot be had, naming it and the remedy. */
export async function openSpeaker(options: SpeakerOptions): Promise<Speaker> {
  const { log, listen } = options;
  const ribs: LocRibs = { ipv4: locRib('ipv4', options), ipv6: locRib('ipv6', options) };
  const bfd = new BfdService({ clock: systemClock, timers: systemTimers, startEngine: threadEngine() });
  const direct = directSend();
  /** Each refusal of a peer is said once per configuration: it comes again with every attempt. */
  const told = new Set<string>();
  const callbacks: Callbacks = {
    ...(direct && { directSend: direct }),
    accepts: (remote, device) => peers.admits(remote, device),
    onConnection: (connection) => peers.accept(connection),
    onRefused: (why, remote) => {
      const about = `${formatIp(remote)} ${why}`;
      if (told.has(about)) return;
      told.add(about);
      log.warn({ peer: formatIp(remote), code: why }, REFUSED[why]);
    },
  };
  let listener = await listenOrExplain(listen, callbacks);
  /** What the listener's socket knows, for the next one. */
  const passwords = new Map<string, { readonly peers: IpAddress | IpPrefix; readonly password: string }>();
  const peers = new PeerSet({
    ribs,
    bfd,
    ...(options.monitoring && { tap: options.monitoring.tap }),
    transport: tcpTransportWith(direct),
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    bgpIdentifier: options.bgpIdentifier,
    ...(options.addressesBeside && { addressesBeside: options.addressesBeside }),
    ...(options.onPeerAddresses && { onAddresses: options.onPeerAddresses }),
    restart: options.restart,
    log: peerLog(log),
    onRangeFull: ({ prefix, limit }, refused) =>
      log.warn(
        { prefix: formatIpPrefix(prefix), limit, refused: formatIp(refused), code: 'DYNAMIC_LIMIT' },
        'a neighbor was refused: its range has as many as its limit allows',
      ),
    setPassword: (peer, password) => {
      const key = typeof peer === 'object' ? formatIpPrefix(peer) : formatIp(peer);
      if (password === undefined && !passwords.delete(key)) return; // the kernel has none: a thousand peers, a thousand errors
      if (password !== undefined) passwords.set(key, { peers: peer, password });
      setPassword(listener, peer, password, log);
    },
  });

  const moveTo = async (port: number): Promise<boolean> => {
    if (port === listener.port) return true;
    try {
      const next = await listenOrExplain({ ...listen, port }, callbacks);
      for (const { peers: whom, password } of passwords.values()) setPassword(next, whom, password, log);
      listener.close();
      log.info({ from: listener.port, to: port }, 'listening on another port');
      listener = next;
      return true;
    } catch (error) {
      log.error({ port, error: String(error) }, 'the port cannot be had; listening where we did');
      return false;
    }
  };

  let asked: { readonly configs: readonly PeerConfig[]; readonly ranges: readonly DynamicRange[] } = {
    configs: [],
    ranges: [],
  };
  let links = new DeviceNextHops(options.subnets?.() ?? []);
  let linksText = '';
  let isGoing = false;
  const inForce = <T extends PeerSettings>(settings: T): T => {
    const bound = withDevices(settings, links);
    return isGoing && bound.gracefulShutdown !== true ? { ...bound, gracefulShutdown: true } : bound;
  };
  const apply = (): ApplyReport => {
    const configs = asked.configs.map(inForce);
    const ranges = asked.ranges.map((range) => ({ ...range, settings: inForce(range.settings) }));
    const report = peers.apply(configs, ranges);
    told.clear();
    logReport(log, report);
    return report;
  };

  return {
    bgpIdentifier: options.bgpIdentifier,
    ribs,
    peers,
    settle() {
      ribs.ipv4.settle();
      ribs.ipv6.settle();
    },
    reevaluate(address) {
      ribs.ipv4.reevaluate(address);
      ribs.ipv6.reevaluate(address);
    },
    reevaluateWithin(prefixes) {
      for (const [rib, isOfFamily] of [[ribs.ipv4, false] as const, [ribs.ipv6, true] as const]) {
        const within = prefixes.filter((p) => isIpv6(p.address) === isOfFamily);
        if (within.length > 0) rib.reevaluateWithin(within);
      }
    },
    setPeers(configs, ranges) {
      asked = { configs, ranges };
      return apply();
    },
    setGoing(going) {
      if (going === isGoing) return;
      isGoing = going;
      apply();
    },
    linksChanged() {
      const { configs, ranges } = asked;
      const subnets = options.subnets?.() ?? [];
      const text = subnets.map((s) => `${s.device} ${formatIpPrefix(s)}`).join();
      if (text === linksText) return;
      linksText = text;
      links = new DeviceNextHops(subnets);
      if ([...configs, ...ranges.map((r) => r.settings)].some(asksForDevice)) apply();
    },
    setOriginated: originated(ribs, log),
    moveTo,
    listenPort: () => listener.port,
    listenCounters: () => listener.counters,
    async close(how) {
      listener.close();
      await peers.stopAll(how);
      options.monitoring?.stop();
      await bfd.close();
    },
  };
}

type Callbacks = Pick<ListenOptions, 'accepts' | 'onConnection' | 'onRefused' | 'directSend'>;

/** A change is one small write to each of hundreds of peers, and node:net's own share of it is as large as the kernel's. */
const directSend = (): DirectSend | undefined =>
  ffiFault() === undefined ? (fd, bytes) => send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) : undefined;

const REFUSED: { readonly [R in Refusal]: string } = {
  tooFar: 'a connection of this peer was reset: it came from farther away than its ttlSecurity allows',
  optionRefused: 'a connection of this peer was reset: its password, ttlSecurity or interface cannot be had here',
  halfOpenOfSource: 'a connection of this peer was reset: it has as many as may be that say nothing',
  halfOpenInTotal: 'a connection of this peer was reset: all peers together have as many as may be that say nothing',
};

const ANY_IPV6 = ipv6(0n);

async function listenOrExplain(
  { address, port, also }: SpeakerOptions['listen'],
  callbacks: Callbacks,
): Promise<BgpListener> {
  const addresses = also ?? (address === 0 ? [ANY_IPV6] : []);
  try {
    return await listenBgp({ address, port, also: addresses.map((a) => ({ address: a })), ...callbacks });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    // A machine without IPv6 was not asked for any.
    if (also === undefined && error.address === ANY_IPV6 && error.code === 'EAFNOSUPPORT')
      return listenOrExplain({ address, port, also: [] }, callbacks);
    const where = isIpv6(error.address) ? `[${formatIp(error.address)}]` : formatIp(error.address);
    throw new Error(
      `cannot listen for BGP on ${where}:${port}: ${error.message}. Another BGP speaker may hold the port (ss -ltnp 'sport = :${port}'): stop it, or set listen.port.`,
    );
  }
}

/** A key the kernel refuses leaves that one peer down, with the reason in the log, and the others alone. */
function setPassword(listener: BgpListener, peer: IpAddress | IpPrefix, password: string | undefined, log: Log): void {
  try {
    listener.setPassword(peer, password);
  } catch (error) {
    const whom = typeof peer === 'object' ? formatIpPrefix(peer) : formatIp(peer);
    log.error({ peer: whom, error: String(error) }, 'TCP MD5 key refused by the kernel');
  }
}

const locRib = (family: 'ipv4' | 'ipv6', options: SpeakerOptions): LocRib => {
  const { bgpIdentifier, isOurAddress, nextHops, maxPaths, preferOlder, clusterId, originOf } = options;
  return new LocRib({
    family,
    schedule: (run) => void setImmediate(run),
    atOnce: queueMicrotask,
    clock: systemClock,
    bgpIdentifier,
    isOurAddress,
    maxPaths,
    preferOlder,
    ...(nextHops && { nextHops }),
    ...(clusterId !== undefined && { clusterId }),
    ...(originOf !== undefined && { originOf }),
  });
};

const ribOf = (ribs: LocRibs, { address }: IpPrefix): LocRib => (isIpv6(address) ? ribs.ipv6 : ribs.ipv4);

/** Makes our own routes in the table what it is given, by difference. */
function originated(ribs: LocRibs, log: Log): (prefixes: readonly IpPrefix[]) => void {
  const present = new Map<string, IpPrefix>();
  return (prefixes) => {
    const wanted = new Map(prefixes.map((p) => [formatIpPrefix(p), p]));
    const { add, remove } = delta(wanted, present, () => true);
    for (const [key, prefix] of remove) {
      present.delete(key);
      ribOf(ribs, prefix).withdrawLocal(prefix);
      log.info({ prefix: formatIpPrefix(prefix) }, 'no longer advertised');
    }
    for (const [key, prefix] of add) {
      present.set(key, prefix);
      ribOf(ribs, prefix).originate(prefix);
      log.info({ prefix: formatIpPrefix(prefix) }, 'advertised');
    }
  };
}

/** Only fields that the OPEN or the connection is made of reset a session: the others change beside it, and are not the cause. */
const changeText = ({ needsReset, fields, resetBy }: ChangedPeer): string =>
  needsReset ? `session reset: ${resetBy.join(', ')} changed` : `${fields.join(', ')} changed, the session goes on`;

function logReport(log: Log, report: ApplyReport): void {
  if (report.added.length > 0) log.info({ peers: report.added }, 'peers added');
  if (report.removed.length > 0) log.info({ peers: report.removed }, 'peers removed');
  for (const peer of report.changed)
    log.info({ peer: peer.name, fields: peer.fields, reset: peer.needsReset }, changeText(peer));
  for (const { name, reason } of report.refused) log.error({ peer: name, code: reason.code }, reason.text);
}
