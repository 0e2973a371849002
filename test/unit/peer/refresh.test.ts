/** Enhanced route refresh between a PeerSet and a peer by hand: what a refresh does not repeat goes. RFC 7313 4 */
import { expect, test } from 'vitest';
import { prefixKey } from '../../../src/base/prefix.ts';
import { encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import { BgpSession } from '../../../src/bgp-js/session/session.ts';
import { END_OF_RIB, packAnnouncements } from '../../../src/bgp-js/update/packer.ts';
import { address, attributes, cidr } from '../../support/rib.ts';
import { MemoryNetwork, type MemorySpeaker, peerConfig } from '../../support/speakers.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';
const BLOCKS = ['10.244.2.0/26', '10.244.3.0/26', '10.244.4.0/26'] as const;
const from = (block: string, stale = ''): string => `${block} from ${B}${stale}`;

interface Bench {
  readonly net: MemoryNetwork;
  readonly a: MemorySpeaker;
  readonly b: BgpSession;
  /** What B's session heard. */
  readonly heard: string[];
  readonly announce: (...blocks: string[]) => void;
}

/** A daemon's PeerSet at A, and a session at B, up, with three blocks announced by B. */
function bench(): Bench {
  const net = new MemoryNetwork();
  const a = net.speaker(A);
  a.originate('10.244.1.0/26');
  a.peers.apply([peerConfig(B, { passive: true })]);
  const heard: string[] = [];
  const b = new BgpSession(
    {
      localAsn: 64512,
      peerAsn: 64512,
      bgpIdentifier: address(B),
      peerAddress: address(A),
      peerPort: 179,
      passive: false,
      holdTimeSec: 90,
      connectRetrySec: 5,
      enhancedRouteRefresh: true,
      gracefulRestart: { restartTimeSec: 120, bits: () => ({ restarting: false, forwarding: true }) },
    },
    { clock: net.time, timers: net.time, random: () => 0.5, transport: net.tcp.transport(address(B)) },
    {
      onState: () => {},
      onEstablished: () => {},
      onUpdate: () => heard.push('update'),
      onEndOfRib: () => heard.push('end of RIB'),
      onRouteRefresh: (_family, kind) => heard.push(kind),
      onDrain: () => {},
      onDown: () => {},
    },
  );
  b.start();
  net.time.pass(4_000);
  const bytes = encodeAttributes(attributes(B), { fourOctetAs: true });
  const announce = (...blocks: string[]): void => {
    const keys = blocks.map((block) => prefixKey(cidr(block).address, cidr(block).length));
    b.send(packAnnouncements(bytes, keys));
    net.time.pass(10);
  };
  announce(...BLOCKS);
  b.send(END_OF_RIB);
  net.time.pass(10);
  return { net, a, b, heard, announce };
}
const learned = (a: MemorySpeaker): string[] => a.routes().filter((route) => !route.includes('local'));

test('between BoRR and EoRR what is not repeated is stale, and then goes; what is, stays', () => {
  const { net, a, b, announce } = bench();
  expect(learned(a)).toEqual(BLOCKS.map((block) => from(block)));
  expect(b.beginRefresh()).toBe(true);
  net.time.pass(10);
  expect(learned(a)).toEqual(BLOCKS.map((block) => from(block, ' stale')));
  announce(BLOCKS[0], BLOCKS[2]);
  expect(learned(a)).toEqual([from(BLOCKS[0]), from(BLOCKS[1], ' stale'), from(BLOCKS[2])]);
  b.endRefresh();
  net.time.pass(10);
  expect(learned(a)).toEqual([from(BLOCKS[0]), from(BLOCKS[2])]);
});

test('a second BoRR begins anew: nothing goes before the EoRR, and what only the first run had goes then', () => {
  const { net, a, b, announce } = bench();
  b.beginRefresh();
  announce(BLOCKS[0]);
  b.beginRefresh();
  net.time.pass(10);
  expect(learned(a).length).toBe(3);
  announce(BLOCKS[1]);
  b.endRefresh();
  net.time.pass(10);
  expect(learned(a)).toEqual([from(BLOCKS[1])]);
});

test('a session that is lost between them keeps all its routes for the restart time (RFC 4724 4.2)', () => {
  const { net, a, b, announce } = bench();
  b.beginRefresh();
  announce(BLOCKS[0]);
  b.stop({ kind: 'restart' });
  net.time.pass(10);
  expect(learned(a)).toEqual(BLOCKS.map((block) => from(block, ' stale')));
  net.time.pass(130_000);
  expect(learned(a)).toEqual([]);
});

test('an EoRR that never comes is waited for six minutes', () => {
  const { net, a, b } = bench();
  b.beginRefresh();
  net.time.pass(350_000);
  expect(learned(a).length).toBe(3);
  net.time.pass(20_000);
  expect(learned(a)).toEqual([]);
});

test('a request is answered with BoRR, all routes and EoRR', () => {
  const { net, b, heard } = bench();
  expect(heard.filter((what) => what === 'end of RIB').length).toBe(1);
  heard.length = 0;
  expect(b.requestRefresh()).toBe(true);
  net.time.pass(10);
  expect(heard).toEqual(['begin', 'update', 'end']);
});
