/** Mutated messages through a live session: a process of its own with our BgpSession on the real transport, over loopback, and a
 *  bare socket that opens a session, throws a burst, is thrown out, and comes again. */
import net from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { decodeMessage, encodeMessage } from '../../../src/bgp-js/message.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import { IPV4_UNICAST, IPV6_UNICAST, keyOfFamily, L2VPN_EVPN, L3VPN_IPV4 } from '../../../src/bgp-js/wire/family.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import { Chance } from '../../fuzz/chance.ts';
import { Mutator } from '../../fuzz/mutator.ts';
import { SEED_MESSAGES } from '../../fuzz/seeds.ts';
import { bundle } from '../../support/bundle.ts';
import { type JsonChild, startJsonChild } from '../../support/child-process.ts';

const US = '127.0.0.71';
const PEER = '127.0.0.72';
const MESSAGES = 30_000;
const BURST = 60;
/** What the process may grow by between the first fifth of the messages and the last. */
const GROWTH_BYTES = 24 * 1024 * 1024;
/** It answers within this, whatever it has just been sent. */
const PATIENCE_MS = 10_000;

interface Figures {
  readonly port: number;
  readonly state: string;
  readonly received: { readonly update: number; readonly notification: number };
  readonly sent: { readonly notification: number };
  readonly establishedCount: number;
  readonly routes: number;
  readonly rss: number;
}

const HELLO = Buffer.concat([
  encodeMessage({
    type: 'open',
    open: {
      myAs: 64_513,
      holdTimeSec: 90,
      bgpIdentifier: ipv4(0x7f000048),
      capabilities: {
        multiprotocol: [IPV4_UNICAST, IPV6_UNICAST, L3VPN_IPV4, L2VPN_EVPN],
        fourOctetAsn: 64_513,
        routeRefresh: true,
        extendedMessages: true,
        addPath: [{ ...IPV6_UNICAST, receive: false, send: true }],
        gracefulRestart: { restartTimeSec: 1, restarting: false, notification: true, families: [] },
      },
    },
  }),
  KEEPALIVE_MESSAGE,
]);

/** What the OPENs agree on: with it the test knows which messages end a session. */
const AGREED = {
  ...PLAIN_CONTEXT,
  families: new Set([IPV4_UNICAST, IPV6_UNICAST, L3VPN_IPV4, L2VPN_EVPN].map(keyOfFamily)),
  addPath: new Set([keyOfFamily(IPV6_UNICAST)]),
  maxMessageLength: 65535 as const,
};

let child: JsonChild | undefined;
afterAll(async () => child?.kill());

/** One life of a session: opens it, writes the burst as soon as the other side has said KEEPALIVE, and waits until that is
 *  closed or, if it took all of it, ends it. Answers whether it was thrown out. */
function life(port: number, burst: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: US, port, localAddress: PEER });
    let heard = Buffer.alloc(0);
    let opened = false;
    let thrown = false;
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the speaker neither closed nor answered within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
    socket.on('connect', () => socket.write(HELLO));
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
      resolve(thrown);
    });
  });
}

test(`${MESSAGES} mutated messages through live sessions: the process answers all along, stays as small, and still takes routes`, async () => {
  const program = await bundle('test/support/fuzzed-speaker-child.ts');
  const speaker = startJsonChild(process.execPath, '--expose-gc', program, `${parseIpv4(US)}`, `${parseIpv4(PEER)}`);
  child = speaker;
  const { port } = await speaker.ask<Figures>({});
  const chance = new Chance(20_260_102);
  const mutator = new Mutator(chance);
  const seeds = SEED_MESSAGES.filter((m) => m[18] === 2);
  /** Half of the bursts are of messages that no session ends for, or none would get far. */
  const burst = (gentle: boolean): Uint8Array => {
    const parts: Uint8Array[] = [];
    while (parts.length < BURST) {
      mutator.mutate(gentle ? chance.pick(seeds) : chance.pick(SEED_MESSAGES), chance.pick(SEED_MESSAGES));
      const bytes = mutator.bytes.slice(0, mutator.length);
      const decoded = gentle ? decodeMessage(bytes, 0, bytes.length, AGREED) : undefined;
      const kept =
        decoded === undefined ||
        (decoded.ok && decoded.value.type === 'update' && decoded.value.update.disposition !== 'reset');
      if (kept) parts.push(bytes);
    }
    return Buffer.concat(parts);
  };
  let small = 0;
  let lives = 0;
  let thrown = 0;
  for (let sent = 0; sent < MESSAGES; sent += BURST) {
    if (await life(port, burst(lives % 2 === 0))) thrown++;
    lives++;
    if (small === 0 && sent >= MESSAGES / 5) small = (await speaker.ask<Figures>({ settle: true })).rss;
  }
  const after = await speaker.ask<Figures>({ settle: true });
  expect(after.establishedCount).toBe(lives);
  expect(thrown).toBeGreaterThan(lives / 4);
  expect(after.received.update).toBeGreaterThan(MESSAGES / 4);
  expect(after.rss - small).toBeLessThan(GROWTH_BYTES);

  // And a good one, as if nothing had been.
  const good = encodeMessage({
    type: 'update',
    update: {
      withdrawn: [],
      announced: [{ family: IPV4_UNICAST, bytes: Uint8Array.of(24, 203, 0, 113) }],
      attributes: { origin: 'igp', asPath: [{ type: 'sequence', asns: [64_513] }], nextHop: ipv4(0xc0000201) },
    },
  });
  expect(await life(port, good)).toBe(false);
  expect((await speaker.ask<Figures>({})).routes).toBe(after.routes + 1);
  expect(speaker.said()).toBe('');
}, 120_000);
