/** A monitoring station told of this daemon's peers and its Loc-RIB, wired. RFC 7854, RFC 9069 */
import os from 'node:os';
import { formatIp, ipPrefix } from '../base/ip.ts';
import { type Ipv4, ipv4 } from '../base/ipv4.ts';
import { VERSION } from '../base/version.ts';
import { updateContext } from '../bgp-js/session/update-context.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../bgp-js/update/update-context.ts';
import { IPV4_UNICAST, IPV6_UNICAST } from '../bgp-js/wire/family.ts';
import { encodeNotification } from '../bgp-js/wire/notification.ts';
import { AS_TRANS, encodeOpen } from '../bgp-js/wire/open.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { dialStation } from '../monitoring/bmp-connection.ts';
import { BmpExporter, type BmpState, type Monitored } from '../monitoring/bmp-exporter.ts';
import type { MonitoredPeer, PeerDownReason } from '../monitoring/bmp-messages.ts';
import { bestUpdate, bestUpdates, receivedUpdates, withdrawnUpdate } from '../monitoring/bmp-updates.ts';
import type { LocRibs } from '../peer/peer-family.ts';
import type { PeerState } from '../peer/peer-state.ts';
import type { Opens, PeerTap } from '../peer/peer-tap.ts';
import type { LocRib } from '../rib/ribs/loc-rib.ts';
import type { PathSource } from '../rib/terms/feed.ts';
import type { PrefixPath } from '../rib/terms/views.ts';
import { systemClock, systemTimers } from '../sys/time.ts';
import type { Log } from './log.ts';
import { inPages } from './route-views.ts';
import type { Speaker } from './speaker.ts';

export interface Monitoring {
  readonly tap: PeerTap;
  /** The speaker is open: the station may be dialled. */
  start(speaker: Speaker): void;
  readonly state: () => BmpState;
  stop(): void;
}

/** Of withdrawn routes lengths stand in front, and the header: the frame names only what follows. */
const BEFORE_WITHDRAWN = 21;
const RECONNECT_SEC = 10;
const LOC_RIB_CONTEXT: UpdateContext = { ...PLAIN_CONTEXT, fourOctetAs: true };

export function openMonitoring(config: NodeConfig, bgpIdentifier: Ipv4, log: Log): Monitoring | undefined {
  const { bmp } = config;
  if (bmp === undefined) return undefined;
  /** Sessions that are up, by peer. */
  const up = new Map<string, { readonly peer: PeerState; readonly opens: Opens }>();
  let speaker: Speaker | undefined;
  const exporter = new BmpExporter({
    sysName: config.cluster?.nodeName ?? os.hostname(),
    sysDescr: `Gingham ${VERSION}`,
    statisticsSec: bmp.statisticsSec,
    reconnectSec: RECONNECT_SEC,
    dial: (owner) => dialStation(bmp.address, bmp.port, owner),
    monitored: () => (speaker === undefined ? [] : everything(speaker)),
    clock: systemClock,
    timers: systemTimers,
    schedule: (run) => void setImmediate(run),
    onState: ({ connected, reason }) =>
      log.info(
        { station: formatIp(bmp.address), port: bmp.port, ...(reason && { code: reason.code }) },
        connected ? 'monitoring station connected' : `monitoring station lost: ${reason?.text}`,
      ),
  });
  const locRib: MonitoredPeer = { table: 'loc-rib', address: ipv4(0), asn: config.asn, bgpIdentifier };

  function* everything({ ribs, peers }: Speaker): Generator<Monitored> {
    for (const { peer, opens } of up.values()) {
      const state = peers.peer(peer.name);
      if (state?.agreed !== undefined) yield monitoredPeer(state, opens, speaker as Speaker);
    }
    yield locRibAsPeer(locRib, config, ribs);
  }

  return {
    tap: {
      up(peer, opens) {
        up.set(peer.name, { peer, opens });
        if (speaker !== undefined && peer.agreed !== undefined) exporter.up(monitoredPeer(peer, opens, speaker));
      },
      update(name, { slab, withdrawnStart, nlriEnd }) {
        const session = up.get(name);
        if (session !== undefined && exporter.state.connected)
          exporter.update(headerOf(session.peer), slab.subarray(withdrawnStart - BEFORE_WITHDRAWN, nlriEnd));
      },
      down(peer, how) {
        const was = up.get(peer.name);
        up.delete(peer.name);
        if (was !== undefined) exporter.down(headerOf(was.peer), reasonOf(how));
      },
    },
    start(opened) {
      speaker = opened;
      for (const rib of [opened.ribs.ipv4, opened.ribs.ipv6]) followBest(rib, locRib, exporter);
      exporter.start();
    },
    state: () => exporter.state,
    stop: () => exporter.stop(),
  };
}

const headerOf = ({ address, config, agreed }: PeerState): MonitoredPeer => ({
  table: 'peer',
  address,
  asn: config.asn,
  bgpIdentifier: agreed?.peerBgpIdentifier ?? ipv4(0),
  ...(agreed?.fourOctetAs === false && { twoOctetAs: true }),
});

function monitoredPeer(peer: PeerState, opens: Opens, { ribs, peers }: Speaker): Monitored {
  const { agreed } = peer;
  return {
    peer: headerOf(peer),
    upAt: peer.since,
    up: {
      localAddress: agreed?.localAddress ?? ipv4(0),
      localPort: agreed?.localPort ?? 0,
      remotePort: agreed?.peerPort ?? 0,
      sentOpen: opens.sent,
      receivedOpen: opens.received,
    },
    *updates() {
      if (agreed === undefined) return;
      const context = updateContext(agreed, 'receive');
      for (const name of ['ipv4-unicast', 'ipv6-unicast'] as const) {
        const part = peers.partOf(peer.name, name);
        const rib = name === 'ipv6-unicast' ? ribs.ipv6 : ribs.ipv4;
        if (part !== undefined) yield* receivedUpdates(pathsOf(rib, part.source), context, [part.family]);
      }
    },
    statistics: () => {
      const { received = 0, rejected = 0 } = peers.peer(peer.name)?.routes ?? {};
      return { adjRibIn: received, rejected };
    },
  };
}

function* pathsOf(rib: LocRib, source: PathSource): Generator<PrefixPath | undefined> {
  for (const route of inPages(rib, { source })) {
    if (route === undefined) yield undefined;
    else for (const path of route.paths) if (path.source === source) yield { prefix: route.prefix, path };
  }
}

/** RFC 9069 5.1 wants OPENs that say what the messages hold: made up, because there is no session. */
function locRibAsPeer(peer: MonitoredPeer, config: NodeConfig, ribs: LocRibs): Monitored {
  const open = encodeOpen({
    myAs: config.asn > 0xffff ? AS_TRANS : config.asn,
    holdTimeSec: 0,
    bgpIdentifier: peer.bgpIdentifier,
    capabilities: { multiprotocol: [IPV4_UNICAST, IPV6_UNICAST], fourOctetAsn: config.asn },
  });
  return {
    peer,
    upAt: systemClock.wall(),
    up: { localAddress: ipv4(0), localPort: 0, remotePort: 0, sentOpen: open, receivedOpen: open, tableName: 'global' },
    *updates() {
      yield* bestUpdates(inPages(ribs.ipv4), LOC_RIB_CONTEXT, IPV4_UNICAST);
      yield* bestUpdates(inPages(ribs.ipv6), LOC_RIB_CONTEXT, IPV6_UNICAST);
    },
    statistics: () => ({ adjRibIn: 0, rejected: 0, locRib: ribs.ipv4.counts.best + ribs.ipv6.counts.best }),
  };
}

function followBest(rib: LocRib, peer: MonitoredPeer, exporter: BmpExporter): void {
  let dumped = false;
  const say = (octets: () => Uint8Array): void => {
    if (dumped && exporter.state.connected) exporter.update(peer, octets());
  };
  rib.subscribe(
    {
      onBest: ({ address, length, attributes }) =>
        say(() => bestUpdate(ipPrefix(address, length), attributes, LOC_RIB_CONTEXT)),
      onWithdraw: (address, length) => say(() => withdrawnUpdate(ipPrefix(address, length), LOC_RIB_CONTEXT)),
      onEndOfFeed: () => {
        dumped = true;
      },
    },
    'watcher',
  );
}

function reasonOf({ sent, received, code }: Parameters<PeerTap['down']>[1]): PeerDownReason {
  if (sent !== undefined) return { kind: 'local-notification', notification: encodeNotification(sent) };
  if (received !== undefined) return { kind: 'remote-notification', notification: encodeNotification(received) };
  return code.startsWith('TCP_') ? { kind: 'remote' } : { kind: 'local', fsmEvent: 0 };
}
