import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/base/ip.ts';
import { ACCEPT_ALL, EBGP_WITHOUT_POLICY, REJECT_ALL } from '../../../src/model/policy.ts';
import type { PathView } from '../../../src/rib/terms/views.ts';
import { address, attributes, cidr } from '../../support/rib.ts';
import { MemoryNetwork, type MemorySpeaker, peerConfig } from '../../support/speakers.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';
const C = '10.9.0.3';
const BLOCK_A = '10.244.1.0/26';
const BLOCK_B = '10.244.2.0/26';

/** Why `peer` is told of the prefix's best path or not. */
function why(speaker: MemorySpeaker, peer: string, prefix: string, best: PathView | undefined) {
  if (best?.attributes === undefined) throw new Error(`no path of ${prefix}`);
  const { attributes, source } = best;
  return speaker.peers.partOf(peer, 'ipv4-unicast')?.explain({ ...cidr(prefix), attributes, source });
}

/** Two speakers of one mesh, up, each with a block. */
function pair(): { net: MemoryNetwork; a: MemorySpeaker; b: MemorySpeaker } {
  const net = new MemoryNetwork();
  const a = net.speaker(A);
  const b = net.speaker(B);
  a.originate(BLOCK_A);
  b.originate(BLOCK_B);
  a.peers.apply([peerConfig(B)]);
  b.peers.apply([peerConfig(A)]);
  net.time.pass(1000);
  return { net, a, b };
}

describe('PeerSet: routes from table to table', () => {
  test('each side has its own block and the other one', () => {
    const { a, b } = pair();
    expect(a.routes()).toEqual([`${BLOCK_A} from local`, `${BLOCK_B} from ${B}`]);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A}`, `${BLOCK_B} from local`]);
    const learned = b.rib.pathsOf(cidr(BLOCK_A))?.paths[0]?.attributes;
    expect(learned).toEqual(attributes(A, { localPref: 2147482623 }));
    expect(a.peers.views()[0]).toMatchObject({
      state: 'Established',
      ibgp: true,
      sent: 1,
      flaps: 0,
      routes: { received: 1, used: 1, rejected: 0, stale: 0 },
    });
    expect(a.peers.views()[0]?.reason).toBeUndefined();
    expect(a.log).toEqual([`up ${B}`]);
  });

  test('an eBGP peer without a policy, where one is required, is neither heard nor told anything, and why is kept (RFC 8212)', () => {
    const net = new MemoryNetwork();
    const [a, b] = [net.speaker(A), net.speaker(B)];
    a.originate(BLOCK_A);
    b.originate(BLOCK_B);
    const missing = { importPolicy: EBGP_WITHOUT_POLICY, exportPolicy: EBGP_WITHOUT_POLICY } as const;
    a.peers.apply([peerConfig(B, { asn: 65002, localAsn: 65001, ...missing })]);
    b.peers.apply([peerConfig(A, { asn: 65001, localAsn: 65002 })]);
    net.time.pass(4000);
    expect(a.routes()).toEqual([`${BLOCK_A} from local`]);
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
    expect(a.rib.pathsOf(cidr(BLOCK_B))?.paths[0]?.rejected?.code).toBe('NO_EBGP_POLICY');
    const ours = a.rib.pathsOf(cidr(BLOCK_A))?.paths[0];
    expect(why(a, B, BLOCK_A, ours)).toMatchObject({
      not: { code: 'NO_EBGP_POLICY' },
    });

    a.peers.apply([peerConfig(B, { asn: 65002, localAsn: 65001, importPolicy: ACCEPT_ALL, exportPolicy: REJECT_ALL })]);
    net.time.pass(20_000);
    expect(a.routes()).toEqual([`${BLOCK_A} from local`, `${BLOCK_B} from ${B}`]);
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
  });

  test('a withdrawal and a new route follow at once', () => {
    const { net, a, b } = pair();
    a.rib.withdrawLocal(cidr(BLOCK_A));
    a.originate('10.244.3.0/26');
    net.time.pass(10);
    expect(b.routes()).toEqual([`${BLOCK_B} from local`, `10.244.3.0/26 from ${A}`]);
    expect(a.peers.views()[0]?.sent).toBe(1);
  });

  test('what comes by iBGP is not sent on by iBGP (RFC 4271 9.2)', () => {
    const net = new MemoryNetwork();
    const [a, b, c] = [net.speaker(A), net.speaker(B), net.speaker(C)];
    a.originate(BLOCK_A);
    a.peers.apply([peerConfig(B)]);
    b.peers.apply([peerConfig(A), peerConfig(C, { transit: true })]);
    c.peers.apply([peerConfig(B)]);
    net.time.pass(4000);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A}`]);
    expect(c.routes()).toEqual([]);
  });

  test('eBGP: our AS in front, our address as next hop, no LOCAL_PREF; learned routes go on where transit is on', () => {
    const net = new MemoryNetwork();
    const [a, b, c] = [net.speaker(A), net.speaker(B), net.speaker(C)];
    a.originate(BLOCK_A);
    const file = { kind: 'file', configuredBy: 'neighbors[0]' } as const;
    a.peers.apply([peerConfig(B, { ...file, localAsn: 65001, asn: 65002 })]);
    b.peers.apply([
      peerConfig(A, { ...file, localAsn: 65002, asn: 65001 }),
      peerConfig(C, { ...file, localAsn: 65002, asn: 65003, transit: true, nextHop: 'self' }),
    ]);
    c.peers.apply([peerConfig(B, { ...file, localAsn: 65003, asn: 65002 })]);
    net.time.pass(4000);
    const path = (asns: number[]) => ({ asPath: [{ type: 'sequence', asns }] });
    const seenBy = (s: MemorySpeaker) => s.rib.pathsOf(cidr(BLOCK_A))?.paths[0]?.attributes;
    expect(seenBy(b)).toEqual({ origin: 'igp', ...path([65001]), nextHop: address(A) });
    expect(seenBy(c)).toEqual({ origin: 'igp', ...path([65002, 65001]), nextHop: address(B) });
    // Turned off while the session is up: the learned route is withdrawn, and nothing is reset.
    b.peers.apply([
      peerConfig(A, { ...file, localAsn: 65002, asn: 65001 }),
      peerConfig(C, { ...file, localAsn: 65002, asn: 65003, transit: false, nextHop: 'self' }),
    ]);
    net.time.pass(10);
    expect(c.routes()).toEqual([]);
    expect(c.log).toEqual([`up ${B}`]);
  });

  test('a refresh sends everything once more, and changes nothing (RFC 2918)', () => {
    const { net, a, b } = pair();
    const before = a.peers.peer(B)?.counters.sent.update ?? 0;
    expect(b.peers.requestRefresh(A)).toBe(true);
    net.time.pass(100);
    expect(a.peers.peer(B)?.counters.sent.update).toBe(before + 1);
    expect(b.kernel.take()).toHaveLength(3);
    expect(b.peers.requestRefresh('nobody')).toBe(false);
  });

  test('why a route is sent to a peer or not is answered by the rules that send it', () => {
    const { a } = pair();
    const best = a.rib.pathsOf(cidr(BLOCK_B))?.paths[0];
    expect(why(a, B, BLOCK_B, best)).toMatchObject({ not: { code: 'SPLIT_HORIZON' } });
  });

  test('thousands of routes arrive whole, and go when their source does', () => {
    const { net, a, b } = pair();
    for (let i = 0; i < 10_000; i++) {
      a.rib.originate(
        { address: (0x14000000 + i * 256) as ReturnType<typeof address>, length: 24 },
        attributes('0.0.0.0', { med: i % 50 }),
      );
    }
    net.time.pass(100);
    expect(b.peers.views()[0]?.routes.received).toBe(10_001);
    expect(a.peers.views()[0]?.sent).toBe(10_001);
    b.peers.apply([]);
    net.time.pass(100);
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
    expect(b.rib.counts).toMatchObject({ routes: 1, paths: 1, waiting: 0 });
  });
});

describe('PeerSet: configuration', () => {
  test('a plan says what apply() does, and has no effects', () => {
    const { net, a, b } = pair();
    const wanted = [peerConfig(B, { holdTimeSec: 30, configuredBy: 'elsewhere' }), peerConfig(C)];
    const report = {
      added: [C],
      removed: [],
      changed: [
        { name: B, fields: ['configuredBy', 'holdTimeSec'], cost: 'reset', needsReset: true, resetBy: ['holdTimeSec'] },
      ],
      refused: [],
    };
    expect(a.peers.plan(wanted)).toEqual(report);
    net.time.pass(100);
    expect(a.log).toEqual([`up ${B}`]);
    expect(a.peers.apply(wanted)).toEqual(report);
    net.time.pass(10_000);
    expect(a.log.slice(1)).toEqual([
      expect.stringMatching(`down ${B} NOTIFICATION_SENT up for .* 1 stale`),
      expect.stringMatching(`up ${B} after`),
    ]);
    // Neither side's kernel saw anything of it.
    expect(a.kernel.take()).toEqual(['end', `+${BLOCK_A} local`, `+${BLOCK_B} ${B}`]);
    expect(b.kernel.take()).toHaveLength(3);
    expect(a.peers.peer(B)).toMatchObject({ flaps: 1, agreed: { holdTimeSec: 30 } });
    expect(a.peers.peer(B)?.lastSessionEnd?.text).toMatch(/configuration/);
  });

  test('another AS is another speaker: what the old one said goes at once', () => {
    const { net, a } = pair();
    a.peers.apply([peerConfig(B, { asn: 65002 })]);
    net.time.pass(10);
    expect(a.routes()).toEqual([`${BLOCK_A} from local`]);
    net.time.pass(3000);
    expect(a.peers.peer(B)).toMatchObject({ ibgp: false, reason: { code: 'BAD_PEER_AS' } });
  });

  test('a peer that did not change is not touched when others come and go', () => {
    const { net, a } = pair();
    a.peers.apply([peerConfig(B), peerConfig(C)]);
    net.time.pass(1000);
    a.peers.apply([peerConfig(B)]);
    net.time.pass(1000);
    expect(a.log).toEqual([`up ${B}`]);
  });

  test('a new LOCAL_PREF is sent without a reset', () => {
    const { net, a, b } = pair();
    const report = a.peers.apply([peerConfig(B, { localPref: 300 })]);
    expect(report.changed).toEqual([
      { name: B, fields: ['localPref'], cost: 'resend', needsReset: false, resetBy: [] },
    ]);
    net.time.pass(10);
    expect(b.rib.pathsOf(cidr(BLOCK_A))?.paths[0]?.attributes?.localPref).toBe(300);
    expect(a.log).toEqual([`up ${B}`]);
  });

  test('the second configuration for one address is refused by name, the first is followed', () => {
    const { a } = pair();
    const report = a.peers.apply([
      peerConfig(B),
      peerConfig(B, { name: 'rack', kind: 'global', configuredBy: 'BGPPeer rack' }),
    ]);
    expect(report.refused).toEqual([
      {
        name: 'rack',
        reason: {
          code: 'DUPLICATE_PEER',
          text: 'BGPPeer rack and node-to-node mesh have the same address; the latter is followed',
        },
      },
    ]);
    expect(report.added).toEqual([]);
  });

  test('a removed peer is told Cease, its routes go at once, and its connections are no longer taken', () => {
    const { net, a, b } = pair();
    a.peers.apply([]);
    net.time.pass(10);
    expect(a.routes()).toEqual([`${BLOCK_A} from local`]);
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
    expect(a.peers.admits(address(B), undefined)).toBe(false);
    expect(b.peers.peer(A)?.lastReason?.code).toBe('NOTIFICATION_RECEIVED');
  });

  test('a peer that was never up says why, from the first moment', () => {
    const net = new MemoryNetwork();
    const a = net.speaker(A);
    a.peers.apply([peerConfig(B), peerConfig(C, { passive: true })]);
    expect(a.peers.views().map((p) => p.reason?.code)).toEqual(['CONNECTING', 'WAITING_FOR_PEER']);
    net.time.pass(1000);
    expect(a.peers.peer(B)?.reason?.code).toBe('TCP_REFUSED');
  });

  test('a new password goes to the listener and to the session, which stays up', () => {
    const net = new MemoryNetwork();
    const [a, b] = [net.speaker(A), net.speaker(B)];
    a.peers.apply([peerConfig(B, { password: 'old' })]);
    b.peers.apply([peerConfig(A)]);
    net.time.pass(10_000);
    for (const end of net.tcp.dialled.flatMap((c) => [c, c.other]))
      Object.assign(end ?? {}, { setPassword: (key: string | undefined) => a.keys.push(`live ${key}`) > 0 });
    const report = a.peers.apply([peerConfig(B, { password: 'new' })]);
    expect(report.changed).toEqual([
      { name: B, fields: ['password'], cost: 'nothing', needsReset: false, resetBy: [] },
    ]);
    expect([...new Set(a.keys)]).toEqual([`${B} old`, `${B} new`, 'live new']);
    expect(a.peers.peer(B)).toMatchObject({ state: 'Established', flaps: 0, config: { password: 'new' } });
  });

  test('only configured addresses are let in, with what their connections must show', () => {
    const net = new MemoryNetwork();
    const a = net.speaker(A);
    expect(a.peers.admits(address(B), undefined)).toBe(false);
    a.peers.apply([peerConfig(B)]);
    expect(a.peers.admits(address(B), undefined)).toEqual({ signed: false });
    a.peers.apply([peerConfig(B, { ttlSecurity: 1, interface: 'eth0', password: 'secret' })]);
    expect(a.peers.admits(address(B), undefined)).toEqual({ ttlSecurity: 1, interface: 'eth0', signed: true });
    const [near, far] = net.tcp.pair(address(C), address(A));
    a.peers.accept(far);
    net.time.pass(10);
    expect(near.gone).toBe(true);
  });

  test('one link-local address on two links is two peers (RFC 4007 6)', () => {
    const a = new MemoryNetwork().speaker(A);
    const linkLocal = parseIp('fe80::1') ?? expect.fail();
    const { refused } = a.peers.apply([
      peerConfig(B, { name: 'left', address: linkLocal, interface: 'eth0' }),
      peerConfig(C, { name: 'right', address: linkLocal, interface: 'eth1' }),
      peerConfig(C, { name: 'again', address: linkLocal, interface: 'eth1' }),
    ]);
    expect(refused.map((r) => r.name)).toEqual(['again']);
    expect(a.peers.admits(linkLocal, 'eth1')).toMatchObject({ interface: 'eth1' });
    expect(a.peers.admits(linkLocal, 'eth2')).toBe(false);
    expect(a.peers.admits(linkLocal, undefined)).toBe(false);
  });
});
