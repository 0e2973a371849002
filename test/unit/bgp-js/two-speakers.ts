/** Two sessions on memory TCP, and what each told its listener. */
import { type Ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { BgpSession } from '../../../src/bgp-js/session/session.ts';
import type {
  Connection,
  SessionConfig,
  SessionDown,
  SessionListener,
} from '../../../src/bgp-js/session/session-types.ts';
import { familyName } from '../../../src/bgp-js/wire/family.ts';
import { FakeTime } from '../../support/fake-time.ts';
import { MemoryTcp } from '../../support/memory-tcp.ts';

export const address = (text: string): Ipv4 => {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`"${text}" is no IPv4 address`);
  return parsed;
};
export const A = address('192.0.2.1');
export const B = address('192.0.2.2');

export const configOf = (from: Ipv4, to: Ipv4, overrides: Partial<SessionConfig> = {}): SessionConfig => ({
  localAsn: 64512,
  peerAsn: 64512,
  bgpIdentifier: from,
  peerAddress: to,
  peerPort: 179,
  localAddress: from,
  passive: false,
  holdTimeSec: 90,
  connectRetrySec: 5,
  gracefulRestart: { restartTimeSec: 120, bits: () => ({ restarting: false, forwarding: false }) },
  ...overrides,
});

export interface Speaker {
  readonly session: BgpSession;
  readonly log: string[];
  readonly downs: SessionDown[];
}

export class World {
  readonly time = new FakeTime();
  readonly tcp = new MemoryTcp(this.time);
  /** Chance, for those who want another. */
  random: () => number = () => 0.5;

  /** A session of `from` with `to`; it listens unless told otherwise. */
  speaker(from: Ipv4, to: Ipv4, overrides: Partial<SessionConfig> = {}, listens = true): Speaker {
    const log: string[] = [];
    const downs: SessionDown[] = [];
    const listener: SessionListener = {
      onState: (state) => log.push(state),
      onEstablished: (agreed) => log.push(`up ${agreed.outgoing ? 'dialled' : 'accepted'}`),
      onUpdate: (u) => log.push(`update ${u.withdrawnEnd - u.withdrawnStart}/${u.nlriEnd - u.nlriStart}`),
      onEndOfRib: (family) => log.push(`end of RIB ${familyName(family)}`),
      onRouteRefresh: (family, kind) => log.push(`refresh ${kind} ${familyName(family)}`),
      onDrain: () => log.push('drain'),
      onDown: (down) => {
        downs.push(down);
        log.push(`down ${down.code}${down.keepRoutes ? ' keep' : ''}`);
      },
    };
    const ports = {
      clock: this.time,
      timers: this.time,
      random: () => this.random(),
      transport: this.tcp.transport(from),
    };
    const session = new BgpSession(configOf(from, to, overrides), ports, listener);
    if (listens) this.listen(from, session);
    return { session, log, downs };
  }
  listen(at: Ipv4, session: BgpSession): void {
    this.tcp.listen(at, (c: Connection) => session.accept(c));
  }
}

/** A dials B; both are up, unless what is asked for keeps them from it. */
export function pairUp(world: World, a = {}, b = {}): [Speaker, Speaker] {
  const one = world.speaker(A, B, a);
  const two = world.speaker(B, A, { passive: true, ...b });
  two.session.start();
  one.session.start();
  world.time.pass(50);
  return [one, two];
}
