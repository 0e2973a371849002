import { describe, expect, test } from 'vitest';
import { AdjRibOut } from '../../../src/rib/out/adj-rib-out.ts';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import { addPeer, address, announcement, attributes, PLAIN, ribOf } from '../../support/rib.ts';

const BLOCK = '10.244.1.0/26';

/** An eBGP peer that keeps what it is sent. */
function listener(rib: LocRib, n: number, at = `10.9.${1 + (n >> 8)}.${n & 255}`) {
  const source = addPeer(rib, at, { kind: 'ebgp' });
  const got: Uint8Array[] = [];
  const out = new AdjRibOut(rib, {
    target: {
      kind: 'ebgp',
      address: address(at),
      peerAsn: 65001,
      localAddress: address('10.9.0.1'),
      localAsn: 64512,
      localPref: 100,
      nextHop: 'self',
      transit: true,
    },
    fourOctetAs: true,
    source,
    send: (messages) => {
      got.push(messages);
      return true;
    },
    holdLearned: false,
  });
  out.pump();
  return { source, out, got };
}

describe('peers that are sent the same', () => {
  test('one route to 200 of them is packed once, and the one it came from is sent nothing', () => {
    const { rib, turn } = ribOf();
    const peers = Array.from({ length: 200 }, (_, n) => listener(rib, n));
    while (turn());
    for (const { got } of peers) expect(got.splice(0)).toHaveLength(1); // End-of-RIB
    const [from, ...others] = peers;
    if (from === undefined) throw new Error('no peers');
    rib.receive(from.source, announcement(attributes('10.9.0.9'), BLOCK), PLAIN);
    while (turn());
    const packed = new Set(others.flatMap(({ got }) => got));
    expect(packed.size).toBe(1);
    for (const { got } of others) expect(got).toHaveLength(1);
    expect(from.got).toEqual([]);
    expect(others.every(({ out }) => out.sent === 1)).toBe(true);
  });

  test('a few routes are decided in the turn they come in, once; the next ones in a later turn, and many', () => {
    let now = 0;
    const soon: (() => void)[] = [];
    const clock = { now: () => now, wall: () => 0 };
    const { rib, turn } = ribOf({ clock, atOnce: (run) => soon.push(run) });
    const atOnce = (): void => {
      for (const run of soon.splice(0)) run();
    };
    const source = addPeer(rib, '10.9.0.2', { kind: 'ebgp' });
    const tell = (...blocks: string[]): void =>
      void rib.receive(source, announcement(attributes('10.9.0.9'), ...blocks), PLAIN);
    tell(BLOCK);
    atOnce();
    expect(rib.counts.best).toBe(1);
    while (turn());
    tell('10.244.2.0/26');
    atOnce();
    expect(rib.counts.best).toBe(1);
    while (turn());
    expect(rib.counts.best).toBe(2);
    now += 5;
    tell(...Array.from({ length: 33 }, (_, n) => `10.245.${n}.0/24`));
    atOnce();
    expect(rib.counts.best).toBe(2);
    while (turn());
    expect(rib.counts.best).toBe(35);
  });

  test('a walk over a large table ends its turn in time, and goes on in later ones', () => {
    let now = 0;
    const clock = { now: () => (now += 0.5), wall: () => 0 };
    const { rib, turn } = ribOf({ clock });
    const source = addPeer(rib, '10.9.0.2', { kind: 'ebgp' });
    const blocks = Array.from({ length: 700 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
    for (let pass = 0; pass < 40; pass++)
      rib.receive(
        source,
        announcement(attributes('10.9.0.9'), ...blocks.map((b) => b.replace(/^10/, String(20 + pass)))),
        PLAIN,
      );
    while (turn());
    const { out } = listener(rib, 7);
    const turns: number[] = [out.sent];
    while (turn()) turns.push(out.sent);
    expect(turns.length).toBeGreaterThan(1);
    expect(turns[0]).toBeLessThan(28_000);
    expect(out.sent).toBe(28_000);
  });

  test('who joins while another of its kind is fed goes along, and is fed what it missed behind that', () => {
    const { rib, turn } = ribOf({
      clock: {
        now: (() => {
          let t = 0;
          return () => (t += 0.5);
        })(),
        wall: () => 0,
      },
    });
    const source = addPeer(rib, '10.9.0.2', { kind: 'ebgp' });
    for (let pass = 0; pass < 40; pass++)
      rib.receive(
        source,
        announcement(
          attributes('10.9.0.9'),
          ...Array.from({ length: 700 }, (_, n) => `${20 + pass}.${n >> 8}.${n & 255}.0/24`),
        ),
        PLAIN,
      );
    while (turn());
    const first = listener(rib, 7);
    const second = listener(rib, 8);
    while (turn());
    expect([first.out.sent, second.out.sent]).toEqual([28_000, 28_000]);
    const shared = second.got.filter((piece) => first.got.includes(piece));
    expect(shared.length).toBeGreaterThan(0);
  });
});
