/** A BgpSession of ours inside a network namespace, which announces a list of UPDATEs when it comes up and remembers the octets. */
import { type IpPrefix, parseIpPrefix } from '../../src/base/ip.ts';
import { BgpSession } from '../../src/bgp-js/session/session.ts';
import type { SessionConfig, SessionDown, Transport } from '../../src/bgp-js/session/session-types.ts';
import { updateContext } from '../../src/bgp-js/session/update-context.ts';
import { type BgpListener, listenBgp, tcpTransport } from '../../src/bgp-js/transport/transport.ts';
import { encodeUpdate } from '../../src/bgp-js/update/encode-update.ts';
import { nlriOf } from '../../src/bgp-js/update/nlri-value.ts';
import type { UpdateContext } from '../../src/bgp-js/update/update-context.ts';
import type { Nlri, Update } from '../../src/bgp-js/update/update-types.ts';
import type { Family } from '../../src/bgp-js/wire/family.ts';
import { inNetns } from '../../src/sys/netns.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/sys/time.ts';

export interface NetnsSession {
  readonly session: BgpSession;
  /** UPDATEs as they were sent, one entry per Update, and how they are to be read. */
  readonly sent: Uint8Array[];
  context(): UpdateContext | undefined;
  readonly endsOfRib: Family[];
  readonly downs: SessionDown[];
  /** Starts listening where it is passive, else dials. */
  start(): Promise<void>;
  stop(): void;
}

export function netnsSession(netns: string, config: SessionConfig, updates: readonly Update[]): NetnsSession {
  const transport: Transport = { dial: (c, done) => inNetns(netns, () => tcpTransport.dial(c, done)) };
  const sent: Uint8Array[] = [];
  const endsOfRib: Family[] = [];
  const downs: SessionDown[] = [];
  let context: UpdateContext | undefined;
  let listener: BgpListener | undefined;
  const session: BgpSession = new BgpSession(
    config,
    { clock: systemClock, timers: systemTimers, random: systemRandom, transport },
    {
      onState: () => {},
      onEstablished: (agreed) => {
        const sending = updateContext(agreed, 'send');
        context = sending;
        for (const update of updates) {
          const bytes = encodeUpdate(update, sending);
          sent.push(bytes);
          session.send(bytes);
        }
      },
      onUpdate: () => {},
      onEndOfRib: (family) => void endsOfRib.push(family),
      onRouteRefresh: () => {},
      onDrain: () => {},
      onDown: (down) => void downs.push(down),
    },
  );
  return {
    session,
    sent,
    endsOfRib,
    downs,
    context: () => context,
    async start() {
      const { localAddress } = config;
      if (config.passive && localAddress !== undefined) {
        let opening: Promise<BgpListener> | undefined;
        inNetns(netns, () => {
          opening = listenBgp({
            address: localAddress,
            port: 179,
            onConnection: (c) => session.accept(c),
            accepts: () => true,
          });
        });
        listener = await opening;
      }
      session.start();
    },
    stop() {
      session.stop({ kind: 'restart' });
      listener?.close();
    },
  };
}

export function prefixOf(text: string): IpPrefix {
  const prefix = parseIpPrefix(text);
  if (prefix === undefined) throw new Error(`"${text}" is no prefix`);
  return prefix;
}
export const nlri = (text: string, pathId?: number): Nlri => nlriOf(prefixOf(text), pathId);
