/** A stream is what TCP makes of it: however it is cut, a session hears and answers the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { encodeMessage } from '../../../src/bgp-js/message.ts';
import { BgpSession } from '../../../src/bgp-js/session/session.ts';
import type { Connection, SessionConfig } from '../../../src/bgp-js/session/session-types.ts';
import { Reassembly } from '../../../src/bgp-js/transport/reassembly.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import { FakeTime } from '../../support/fake-time.ts';
import { toHex } from '../../support/hex.ts';
import { MemoryConnection } from '../../support/memory-tcp.ts';
import { ALL_FAMILIES, context, plainMessage, updateIn } from './arbitraries.ts';

const US = ipv4(0x0a000001);
const PEER = ipv4(0x0a000002);
const CONFIG: SessionConfig = {
  localAsn: 64_512,
  peerAsn: 64_513,
  bgpIdentifier: US,
  peerAddress: PEER,
  peerPort: 179,
  passive: true,
  holdTimeSec: 90,
  connectRetrySec: 5,
  families: [...ALL_FAMILIES].map((key) => ({ afi: Math.floor(key / 256), safi: key % 256 })),
};
const HELLO = encodeMessage({
  type: 'open',
  open: {
    myAs: 64_513,
    holdTimeSec: 90,
    bgpIdentifier: PEER,
    capabilities: { multiprotocol: CONFIG.families ?? [], fourOctetAsn: 64_513, routeRefresh: true },
  },
});

/** Octets of a slab that were given away already. */
const BEFORE = 3;

/** Everything that a session says and writes when `stream` comes in reads of these lengths; the last one takes the rest. Each
 *  read lies in the same array, which is spoilt afterwards, as the transport's slab is. */
function heard(stream: Uint8Array, reads: readonly number[]): string[] {
  const log: string[] = [];
  const time = new FakeTime();
  const [near] = pair(time);
  const session = new BgpSession(
    CONFIG,
    { clock: time, timers: time, random: () => 0.5, transport: { dial: () => () => {} } },
    {
      onState: (state) => log.push(state),
      onEstablished: () => {},
      onUpdate: (u) => log.push(`update ${toHex(u.slab.slice(u.withdrawnStart - 2, u.nlriEnd))}`),
      onEndOfRib: (family) => log.push(`end of ${JSON.stringify(family)}`),
      onRouteRefresh: (family, kind) => log.push(`refresh ${JSON.stringify(family)} ${kind}`),
      onDrain: () => {},
      onDown: (down) => log.push(`${down.code} ${down.text}`),
    },
  );
  session.start();
  session.accept(near);
  const reassembly = new Reassembly();
  for (let at = 0, i = 0; at < stream.length; i++) {
    const length = Math.min(reads[i] ?? stream.length, stream.length - at);
    const slab = new Uint8Array(BEFORE + length);
    slab.set(stream.subarray(at, at + length), BEFORE);
    reassembly.take(slab, BEFORE, BEFORE + length, near as Pick<Connection, 'onData'>);
    slab.fill(0xee);
    at += length;
  }
  log.push(...near.written.map((bytes) => `wrote ${toHex(bytes)}`));
  return log;
}
const pair = (time: FakeTime): [MemoryConnection] => [new MemoryConnection(time, US, 179, PEER, 40_000)];

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const update = context
  .filter((c) => c.fourOctetAs && !c.ibgp && c.addPath.size === 0 && c.confederation === false)
  .chain((agreed) =>
    updateIn(agreed).map((u) => encodeMessage({ type: 'update', update: u }, { ...agreed, maxMessageLength: 4096 })),
  );
/** Mostly good messages, now and then one that ends the session, or noise. */
const part = fc.oneof(
  { weight: 8, arbitrary: update },
  { weight: 4, arbitrary: fc.constant(KEEPALIVE_MESSAGE) },
  { weight: 1, arbitrary: plainMessage.map((m) => encodeMessage(m)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
);
const stream = fc.array(part, { maxLength: 8 }).map((parts) => joined([HELLO, KEEPALIVE_MESSAGE, ...parts]));

test('however a stream is cut, a session hears the same UPDATEs and answers the same (RFC 4271 4.1)', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 400 }), (bytes, reads) => {
      const whole = heard(bytes, []);
      expect(whole).toContain('Established');
      expect(heard(bytes, reads)).toEqual(whole);
    }),
    { numRuns: 200 },
  );
});

test('and octet by octet', () => {
  fc.assert(
    fc.property(stream, (bytes) => {
      expect(
        heard(
          bytes,
          Array.from(bytes, () => 1),
        ),
      ).toEqual(heard(bytes, []));
    }),
    { numRuns: 30 },
  );
});
