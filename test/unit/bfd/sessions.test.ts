/** Whose packet is it: demultiplexing, discriminators, and what is told of it. RFC 5880 6.3 and 6.8.6, RFC 5881 3. */
import { expect, test } from 'vitest';
import { type IpAddress, parseIp } from '../../../src/base/ip.ts';
import type { Reason } from '../../../src/base/reason.ts';
import type { BfdTarget } from '../../../src/bfd/bfd-types.ts';
import { type BfdEngineEvent, COUNTERS, DISCARDED, PACKETS_IN } from '../../../src/bfd/engine-types.ts';
import { type ControlPacket, decodeControlPacket, encodeControlPacket } from '../../../src/bfd/packet.ts';
import { BfdSessions } from '../../../src/bfd/sessions.ts';
import type { OnDatagram } from '../../../src/bfd/wire.ts';
import { PACKET } from '../../support/bfd.ts';
import { FakeTime } from '../../support/fake-time.ts';

const ip = (text: string): IpAddress => {
  const address = parseIp(text);
  if (address === undefined) throw new Error(text);
  return address;
};

function engine() {
  const time = new FakeTime();
  const events: BfdEngineEvent[] = [];
  const sent: { to: BfdTarget; packet: ControlPacket }[] = [];
  const faults = new Map<BfdTarget, Reason>();
  let deliver: OnDatagram = () => {};
  let n = 0;
  const randoms: number[] = [];
  const sessions = new BfdSessions({
    clock: time,
    timers: time,
    random: () => randoms.shift() ?? (++n * 0.123) % 1,
    openWire: (onDatagram) => {
      deliver = onDatagram;
      return {
        open: (target) => ({
          send: (bytes) => {
            const decoded = decodeControlPacket(bytes);
            if (decoded.ok) sent.push({ to: target, packet: decoded.value });
            return faults.get(target);
          },
          close: () => {},
        }),
        readWaiting: () => {},
        close: () => {},
      };
    },
    onEvent: (event) => void events.push(event),
  });
  const counters = new Map<number, Float64Array>();
  return {
    time,
    events,
    sent,
    randoms,
    faults,
    sessions,
    open(id: number, target: BfdTarget): void {
      counters.set(id, new Float64Array(COUNTERS));
      sessions.tell({
        kind: 'open',
        id,
        target,
        timing: { intervalMs: 100, multiplier: 3 },
        counters: counters.get(id) as Float64Array,
      });
    },
    count: (id: number, column: number): number => counters.get(id)?.[column] ?? 0,
    hear: (from: string, packet: Partial<ControlPacket>, device?: string): void => {
      const bytes = encodeControlPacket({ ...PACKET, ...packet });
      deliver(bytes, bytes.length, ip(from), device);
    },
    raw: (from: string, bytes: Uint8Array): void => deliver(bytes, bytes.length, ip(from), undefined),
    discriminatorOf: (address: string, device?: string): number =>
      sent.findLast(({ to }) => to.address === ip(address) && to.interface === device)?.packet.myDiscriminator ?? 0,
  };
}

test('discriminators are unique and not 0, also when chance repeats itself', () => {
  const e = engine();
  e.randoms.push(0, 0.5, 0, 0.5, 0.25);
  e.open(1, { address: ip('10.0.0.1') });
  e.randoms.splice(0, 9, 0, 0, 0.25);
  e.open(2, { address: ip('10.0.0.2') });
  expect([e.discriminatorOf('10.0.0.1'), e.discriminatorOf('10.0.0.2')]).toEqual([
    1,
    1 + Math.floor(0.25 * 0xffffffff),
  ]);
});

test('without our discriminator the address decides, and for link-local ones the interface too', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.open(2, { address: ip('fe80::1'), interface: 'eth0' });
  e.open(3, { address: ip('fe80::1'), interface: 'eth1' });
  e.hear('10.0.0.1', { yourDiscriminator: 0 });
  e.hear('fe80::1', { yourDiscriminator: 0 }, 'eth1');
  e.hear('fe80::1', { yourDiscriminator: 0 }, 'eth2');
  expect([1, 2, 3].map((id) => e.count(id, PACKETS_IN))).toEqual([1, 0, 1]);
});

test('a session bound to an interface takes only what comes through it; one that is not takes all', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1'), interface: 'eth0' });
  e.open(2, { address: ip('10.0.0.2') });
  e.hear('10.0.0.1', { yourDiscriminator: 0 }, 'eth1');
  e.hear('10.0.0.1', { yourDiscriminator: 0 });
  e.hear('10.0.0.2', { yourDiscriminator: 0 }, 'eth1');
  expect([1, 2].map((id) => e.count(id, PACKETS_IN))).toEqual([0, 1]);
  e.hear('10.0.0.1', { yourDiscriminator: 0 }, 'eth0');
  expect(e.count(1, PACKETS_IN)).toBe(1);
});

test('our discriminator decides alone, wherever the packet comes from (RFC 5880 6.3)', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.hear('192.0.2.7', { state: 'Init', yourDiscriminator: e.discriminatorOf('10.0.0.1') });
  expect(e.count(1, PACKETS_IN)).toBe(1);
});

test('a discriminator that is not ours is discarded; strangers leave nothing behind but a count', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.hear('10.0.0.1', { yourDiscriminator: 0xdead });
  e.raw('10.0.0.1', new Uint8Array(3));
  expect([e.count(1, PACKETS_IN), e.count(1, DISCARDED)]).toEqual([0, 2]);
  const waiting = e.time.pending;
  for (let i = 0; i < 1000; i++) e.hear(`192.0.2.${i % 256}`, { yourDiscriminator: i });
  expect(e.sessions.unknown).toBe(1000);
  expect(e.time.pending).toBe(waiting);
  e.time.pass(200);
  expect(e.events.at(-1)).toMatchObject({ lastDiscard: { code: 'BFD_TOO_SHORT' } });
});

test('to and from Up is told at once, all else a little later and once', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.time.pass(1000);
  e.events.length = 0;
  const yourDiscriminator = e.discriminatorOf('10.0.0.1');
  e.hear('10.0.0.1', { yourDiscriminator: 0 });
  expect(e.events).toHaveLength(0);
  e.hear('10.0.0.1', { state: 'Init', yourDiscriminator });
  expect(e.events).toMatchObject([{ kind: 'session', id: 1, change: { to: 'Up' }, snapshot: { state: 'Up' } }]);
  e.hear('10.0.0.1', { state: 'Down', yourDiscriminator });
  expect(e.events).toMatchObject([{ change: { to: 'Up' } }, { change: { from: 'Up', cause: 'ReceivedDown' } }]);
});

test('a neighbour that flips between states below Up cannot flood us with tidings', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.time.pass(1000);
  e.events.length = 0;
  for (let i = 0; i < 1000; i++) {
    e.hear('10.0.0.1', { state: i % 2 === 0 ? 'Down' : 'AdminDown', yourDiscriminator: 0 });
    e.time.pass(1);
  }
  expect(e.events.length).toBeLessThanOrEqual(6);
});

test('a stop says AdminDown for the time in which the neighbour would miss us, and then the session is gone', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.sessions.tell({ kind: 'stop', id: 1 });
  expect(e.sent.at(-1)?.packet).toMatchObject({ state: 'AdminDown', diagnostic: 7 });
  e.time.pass(2999);
  expect(e.events.some((event) => event.kind === 'gone')).toBe(false);
  expect(e.sent.filter(({ packet }) => packet.state === 'AdminDown').length).toBeGreaterThan(2);
  e.time.pass(1);
  expect(e.events.at(-1)).toEqual({ kind: 'gone', id: 1 });
  expect(e.time.pending).toBe(0);
});

test('a stop can be taken back, and a session beside the one that is going is the one that hears', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.sessions.tell({ kind: 'stop', id: 1 });
  e.sessions.tell({ kind: 'resume', id: 1 });
  expect(e.sent.at(-1)?.packet).toMatchObject({ state: 'Down' });
  e.sessions.tell({ kind: 'stop', id: 1 });
  e.open(2, { address: ip('10.0.0.1'), localAddress: ip('10.0.0.9') });
  e.hear('10.0.0.1', { yourDiscriminator: 0 });
  expect([e.count(1, PACKETS_IN), e.count(2, PACKETS_IN)]).toEqual([0, 1]);
});

test('closing says AdminDown to all at once and leaves no timer', () => {
  const e = engine();
  e.open(1, { address: ip('10.0.0.1') });
  e.open(2, { address: ip('2001:db8::1') });
  e.sent.length = 0;
  e.sessions.tell({ kind: 'close' });
  expect(e.sent.map(({ packet }) => packet.state)).toEqual(['AdminDown', 'AdminDown']);
  expect(e.events.at(-1)).toEqual({ kind: 'closed' });
  expect(e.time.pending).toBe(0);
  e.open(3, { address: ip('10.0.0.3') });
  expect(e.sent).toHaveLength(2);
});

test('why a packet does not leave is told, and that it leaves again', () => {
  const e = engine();
  const target = { address: ip('10.0.0.1') };
  const reason = { code: 'BFD_SEND_FAILED', text: 'ENETUNREACH' };
  e.faults.set(target, reason);
  e.open(1, target);
  e.time.pass(200);
  expect(e.events.at(-1)).toMatchObject({ fault: reason });
  e.faults.delete(target);
  e.time.pass(1500);
  expect(e.events.at(-1)).not.toHaveProperty('fault');
});
