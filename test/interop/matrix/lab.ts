/** One session of the matrix, ready to be tried: a daemon configured for one kind of life, our speaker beside it. */

import { formatIp } from '../../../src/base/ip.ts';
import type { SessionConfig } from '../../../src/bgp-js/session/session-types.ts';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../src/bgp-js/wire/family.ts';
import { addressFrom, ipv4From, OurSpeaker } from './our-speaker.ts';
import type { PeerDaemon, PeerPlan, RunningDaemon } from './peer-daemon.ts';
import { addressOf, eventually, makePair, type Pair } from './place.ts';
import { prefixesOf, type RouteView, type TestPrefixes } from './route-view.ts';

/** What the two are to each other. */
export interface PairKind {
  readonly ibgp: boolean;
  readonly ipv6: boolean;
}
export const kindText = (k: PairKind): string => `${k.ibgp ? 'iBGP' : 'eBGP'} IPv${k.ipv6 ? 6 : 4}`;

/** Sessions that cannot be one: `full` has all that goes together, `old` is a speaker without capabilities beyond families. */
export type Life = 'full' | 'guarded' | 'old' | 'hop6';

const THEIR_ASN = 65002;
/** Of four octets, where it can be. */
const OUR_ASN = 4200000001;
/** Where the daemon plays an old speaker: its configuration names our AS. */
const OUR_SHORT_ASN = 65001;
const OBSERVER_ASN = 65003;
const PASSWORD = 'gingham-and-tartan';

export const planOf = (kind: PairKind, life: Life): PeerPlan => ({
  ipv6: kind.ipv6,
  theirAsn: THEIR_ASN,
  ourAsn: kind.ibgp ? THEIR_ASN : life === 'old' ? OUR_SHORT_ASN : OUR_ASN,
  ourAddress: addressOf(1, kind.ipv6),
  theirAddress: addressOf(2, kind.ipv6),
  observer: { asn: OBSERVER_ASN, address: addressOf(3, kind.ipv6) },
  ...(life === 'full'
    ? {
        password: PASSWORD,
        addPath: true,
        gracefulRestartSec: 60,
        extendedMessages: true,
        enhancedRefresh: true,
        many: true,
      }
    : {}),
  ...(life === 'guarded'
    ? {
        ttlSecurity: true,
        gracefulRestartSec: 1,
        longLivedSec: 120,
        ...(kind.ibgp ? { aigp: true } : { role: 'provider' as const }),
      }
    : {}),
  ...(life === 'old' ? { fourOctetAs: false } : {}),
  ...(life === 'hop6' ? { extendedNextHop: true } : {}),
});

function ourConfig(plan: PeerPlan, kind: PairKind): SessionConfig {
  const family = plan.ipv6 && plan.extendedNextHop !== true ? IPV6_UNICAST : IPV4_UNICAST;
  const addPath = plan.addPath === true ? { addPath: { receive: [family], send: [family] } } : {};
  return {
    localAsn: plan.ourAsn,
    peerAsn: plan.theirAsn,
    bgpIdentifier: ipv4From('10.98.0.1'),
    peerAddress: addressFrom(plan.theirAddress),
    peerPort: 179,
    localAddress: addressFrom(plan.ourAddress),
    // Where we are in one AS, the daemon dials; between two, both do, and the connections collide.
    passive: kind.ibgp,
    ...(plan.password === undefined ? {} : { password: plan.password }),
    ...(plan.ttlSecurity === true ? { ttlSecurity: 1 } : {}),
    holdTimeSec: 90,
    connectRetrySec: 1,
    families: [family],
    ...(plan.gracefulRestartSec === undefined
      ? {}
      : {
          gracefulRestart: {
            restartTimeSec: plan.gracefulRestartSec,
            bits: () => ({ restarting: false, forwarding: true }),
          },
        }),
    ...(plan.longLivedSec === undefined
      ? {}
      : { longLivedGracefulRestart: [{ family, staleTimeSec: plan.longLivedSec }] }),
    ...addPath,
    ...(plan.extendedNextHop === true ? { extendedNextHop: [family] } : {}),
    ...(plan.extendedMessages === true ? { extendedMessages: true } : {}),
    ...(plan.enhancedRefresh === true ? { enhancedRouteRefresh: true } : {}),
    ...(plan.role === 'provider' ? { role: 'customer' as const } : {}),
  };
}

export interface Lab {
  readonly life: Life;
  readonly kind: PairKind;
  readonly plan: PeerPlan;
  readonly pair: Pair;
  readonly daemon: RunningDaemon;
  readonly driver: PeerDaemon;
  readonly ours: OurSpeaker;
  readonly prefixes: TestPrefixes;
  /** Our second session, eBGP: made and up when first asked for. */
  observer(): Promise<OurSpeaker>;
  /** What we announce, as the daemon should show it. */
  readonly plain: RouteView;
  readonly rich: RouteView;
  up(): Promise<void>;
  /** What our sessions lived through and the daemon's last words: for a failure. */
  story(): string;
  remove(): Promise<void>;
}

/** Everything a route can have; what only iBGP may carry, only there. RFC 4271 5.1.5, RFC 4456 8 */
function richRoute(plan: PeerPlan, prefix: string, kind: PairKind): RouteView {
  const first = kind.ibgp ? '' : `${plan.ourAsn} `;
  return {
    prefix,
    origin: 'egp',
    asPath: `${first}65101 4200000005 {65102 65103}`,
    nextHop: plan.ourAddress,
    med: 50,
    atomicAggregate: true,
    aggregator: '4200000009 10.98.0.9',
    communities: ['65001:7', '65001:8'],
    extendedCommunities: ['rt:65001:1'],
    largeCommunities: ['4200000001:1:2', '4200000001:3:4'],
    unknown: ['99 01020304'],
    ...(kind.ibgp ? { localPref: 200, originatorId: '10.98.0.7', clusterList: ['10.98.0.8', '10.98.0.9'] } : {}),
    ...(plan.aigp === true ? { aigp: 1000 } : {}),
  };
}

let labs = 0;

export async function makeLab(driver: PeerDaemon, kind: PairKind, life: Life): Promise<Lab> {
  const plan = planOf(kind, life);
  const pair = makePair(`m${(labs++).toString(36)}`);
  const prefixes = prefixesOf(plan.ipv6 && plan.extendedNextHop !== true);
  const speakers: OurSpeaker[] = [];
  const remove = async (): Promise<void> => {
    for (const speaker of speakers) speaker.close();
    await pair.remove();
  };
  const speaker = (config: SessionConfig): OurSpeaker => {
    const made = new OurSpeaker(pair.namespaces.path('ours'), config);
    speakers.push(made);
    return made;
  };
  try {
    const config = ourConfig(plan, kind);
    const ours = speaker(config);
    // First: a daemon whose first dial is refused may think for minutes before the next.
    await ours.start();
    const daemon = await driver.start(pair.place, plan);
    const pathId = plan.addPath === true ? { pathId: 5 } : {};
    const plain: RouteView = {
      prefix: prefixes.ours.plain,
      origin: 'igp',
      asPath: kind.ibgp ? '' : String(plan.ourAsn),
      nextHop: plan.ourAddress,
      ...(kind.ibgp ? { localPref: 100 } : {}),
      ...pathId,
    };
    let observing: Promise<OurSpeaker> | undefined;
    return {
      life,
      kind,
      plan,
      pair,
      daemon,
      driver,
      ours,
      prefixes,
      plain,
      rich: { ...richRoute(plan, prefixes.ours.rich, kind), ...pathId },
      up: async () => {
        await ours.start();
        if (ours.downs.some((d) => d.wasEstablished)) await daemon.reconnect?.();
        await eventually(`Established with ${driver.name}`, () => ours.session.state === 'Established');
        await eventually(`${driver.name} says Established`, () => daemon.established());
      },
      observer: () => {
        observing ??= (async () => {
          const {
            password: _password,
            ttlSecurity: _hops,
            role: _role,
            gracefulRestart: _gr,
            longLivedGracefulRestart: _ll,
            ...rest
          } = config;
          const observer = speaker({
            ...rest,
            localAsn: plan.observer.asn,
            bgpIdentifier: ipv4From('10.98.0.3'),
            localAddress: addressFrom(plan.observer.address),
            passive: false,
          });
          await observer.start();
          await eventually('the observer is up', () => observer.session.state === 'Established');
          return observer;
        })();
        return observing;
      },
      story: () =>
        speakers
          .map((s) => {
            const events = s.events.filter((e) => !e.startsWith('route')).slice(-15);
            return `${formatIp(s.config.localAddress ?? s.config.peerAddress)}: ${events.join(', ')}; ${s.downs
              .map((d) => d.text)
              .slice(-5)
              .join('; ')}`;
          })
          .join('\n'),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
