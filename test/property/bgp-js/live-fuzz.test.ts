/** Mutated messages through a live session: a process of its own with our BgpSession on the real transport, over loopback. */
import { afterAll, expect, test } from 'vitest';
import { ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { encodeMessage } from '../../../src/bgp-js/message.ts';
import { IPV4_UNICAST, IPV6_UNICAST, L2VPN_EVPN, L3VPN_IPV4 } from '../../../src/bgp-js/wire/family.ts';
import { Attacker } from '../../fuzz/attacker.ts';
import { bundle } from '../../support/bundle.ts';
import { type JsonChild, startJsonChild } from '../../support/child-process.ts';

const US = '127.0.0.71';
const PEER = '127.0.0.72';
const MESSAGES = 30_000;
/** What the process may grow by between the first fifth of the messages and the last. */
const GROWTH_BYTES = 24 * 1024 * 1024;

interface Figures {
  readonly port: number;
  readonly received: { readonly update: number };
  readonly establishedCount: number;
  readonly routes: number;
  readonly rss: number;
}

let child: JsonChild | undefined;
afterAll(async () => child?.kill());

test(`${MESSAGES} mutated messages through live sessions: the process answers all along, stays as small, and still takes routes`, async () => {
  const program = await bundle('test/support/fuzzed-speaker-child.ts');
  const speaker = startJsonChild(process.execPath, '--expose-gc', program, `${parseIpv4(US)}`, `${parseIpv4(PEER)}`);
  child = speaker;
  const { port } = await speaker.ask<Figures>({});
  const families = [IPV4_UNICAST, IPV6_UNICAST, L3VPN_IPV4, L2VPN_EVPN];
  const attacker = new Attacker({ address: US, port, from: PEER, asn: 64_513, families, everything: true }, 20_260_102);
  await attacker.attack(MESSAGES / 5);
  const small = await speaker.ask<Figures>({ settle: true });
  await attacker.attack((4 * MESSAGES) / 5);
  const after = await speaker.ask<Figures>({ settle: true });
  expect(after.establishedCount).toBe(attacker.lives);
  expect(attacker.thrown).toBeGreaterThan(attacker.lives / 4);
  expect(after.received.update).toBeGreaterThan(MESSAGES / 4);
  expect(after.rss - small.rss).toBeLessThan(GROWTH_BYTES);

  // And a good one, as if nothing had been.
  const good = encodeMessage({
    type: 'update',
    update: {
      withdrawn: [],
      announced: [{ family: IPV4_UNICAST, bytes: Uint8Array.of(24, 203, 0, 113) }],
      attributes: { origin: 'igp', asPath: [{ type: 'sequence', asns: [64_513] }], nextHop: ipv4(0xc0000201) },
    },
  });
  expect(await attacker.life(good)).toBe(false);
  expect((await speaker.ask<Figures>({})).routes).toBe(after.routes + 1);
  expect(speaker.said()).toBe('');
}, 120_000);
