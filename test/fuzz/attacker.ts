/** Who attacks a live session: opens it from a bare socket, throws a burst of mutants, is thrown out, and comes again. */
import net from 'node:net';
import { type Ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import { decodeMessage, encodeMessage } from '../../src/bgp-js/message.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../src/bgp-js/update/update-context.ts';
import { type Family, IPV6_UNICAST, keyOfFamily } from '../../src/bgp-js/wire/family.ts';
import { KEEPALIVE_MESSAGE } from '../../src/bgp-js/wire/message.ts';
import { Chance } from './chance.ts';
import { Mutator } from './mutator.ts';
import { SEED_MESSAGES } from './seeds.ts';

/** Messages of one life of a session. */
export const BURST = 60;
/** The other side answers within this, whatever it has just been sent. */
const PATIENCE_MS = 10_000;

export interface Target {
  /** Where it listens, and where we come from. */
  readonly address: string;
  readonly port: number;
  readonly from: string;
  /** Ours. */
  readonly asn: number;
  readonly families: readonly Family[];
  /** Both sides have ADD-PATH for IPv6, and extended messages. */
  readonly everything: boolean;
}

export class Attacker {
  lives = 0;
  /** Lives that ended with a NOTIFICATION. */
  thrown = 0;
  private readonly target: Target;
  private readonly hello: Uint8Array;
  private readonly agreed: UpdateContext;
  private readonly chance: Chance;
  private readonly mutator: Mutator;

  constructor(target: Target, seed: number) {
    this.target = target;
    this.chance = new Chance(seed);
    this.mutator = new Mutator(this.chance);
    const { asn, families, everything } = target;
    this.agreed = {
      ...PLAIN_CONTEXT,
      families: new Set(families.map(keyOfFamily)),
      addPath: new Set(everything ? [keyOfFamily(IPV6_UNICAST)] : []),
      maxMessageLength: everything ? 65535 : 4096,
    };
    const open = encodeMessage({
      type: 'open',
      open: {
        myAs: asn,
        holdTimeSec: 90,
        bgpIdentifier: parseIpv4(target.from) as Ipv4,
        capabilities: {
          multiprotocol: families,
          fourOctetAsn: asn,
          routeRefresh: true,
          ...(everything
            ? {
                extendedMessages: true,
                addPath: [{ ...IPV6_UNICAST, receive: false, send: true }],
                gracefulRestart: { restartTimeSec: 1, restarting: false, notification: true, families: [] },
              }
            : {}),
        },
      },
    });
    this.hello = Buffer.concat([open, KEEPALIVE_MESSAGE]);
  }

  /** So many mutants, in bursts. Every other burst has none that ends a session, or none would get far. */
  async attack(messages: number): Promise<void> {
    for (let sent = 0; sent < messages; sent += BURST) await this.life(this.burst(this.lives % 2 === 0));
  }

  private burst(gentle: boolean): Uint8Array {
    const { chance, mutator } = this;
    const updates = SEED_MESSAGES.filter((message) => message[18] === 2);
    const parts: Uint8Array[] = [];
    while (parts.length < BURST) {
      mutator.mutate(chance.pick(gentle ? updates : SEED_MESSAGES), chance.pick(SEED_MESSAGES));
      const bytes = mutator.bytes.slice(0, mutator.length);
      if (!gentle || this.survives(bytes)) parts.push(bytes);
    }
    return Buffer.concat(parts);
  }

  private survives(bytes: Uint8Array): boolean {
    const decoded = decodeMessage(bytes, 0, bytes.length, this.agreed);
    return decoded.ok && decoded.value.type === 'update' && decoded.value.update.disposition !== 'reset';
  }

  /** Opens a session, writes the burst as soon as the other side has said KEEPALIVE, and waits for the end, which is ours if
   *  all of it was taken. Answers whether we were thrown out; rejects when nothing happens. */
  life(burst: Uint8Array): Promise<boolean> {
    const { address, port, from } = this.target;
    this.lives++;
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: address, port, localAddress: from });
      let heard = Buffer.alloc(0);
      let opened = false;
      let thrown = false;
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new Error(`the speaker neither closed nor answered within ${PATIENCE_MS} ms`));
      }, PATIENCE_MS);
      socket.on('connect', () => socket.write(this.hello));
      socket.on('data', (data) => {
        heard = Buffer.concat([heard, data]);
        while (heard.length >= 19 && heard.length >= heard.readUInt16BE(16)) {
          if (heard[18] === 3) thrown = true;
          else if (heard[18] === 4 && !opened) {
            opened = true;
            socket.write(burst, () => socket.end());
          }
          heard = heard.subarray(heard.readUInt16BE(16));
        }
      });
      socket.on('error', () => {}); // a reset is an end like others
      socket.on('close', () => {
        clearTimeout(timer);
        if (thrown) this.thrown++;
        resolve(thrown);
      });
    });
  }
}
