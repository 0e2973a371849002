/** Reading: streams of a million routes with 1, 5 and about 1000 NLRI in an UPDATE, in four depths. */

import { ipv4 } from '../src/base/ipv4.ts';
import { prefixKey } from '../src/base/prefix.ts';
import { BgpSession } from '../src/bgp-js/session/session.ts';
import type { Connection, SessionConfig } from '../src/bgp-js/session/session-types.ts';
import { decodeUpdate } from '../src/bgp-js/update/decode-update.ts';
import { packAnnouncements } from '../src/bgp-js/update/packer.ts';
import { forEachPrefix, ReusableUpdate } from '../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT } from '../src/bgp-js/update/update-context.ts';
import { frameLength } from '../src/bgp-js/wire/framer.ts';
import { KEEPALIVE_MESSAGE } from '../src/bgp-js/wire/message.ts';
import { encodeOpen } from '../src/bgp-js/wire/open.ts';
import { AttributeTable } from '../src/rib/sets/attribute-table.ts';
import { ImportContexts } from '../src/rib/sets/import.ts';
import { quickest } from './quickest.ts';
import type { Table } from './table.ts';
import { PrefixTally } from './tally.ts';

/** As much as the transport reads at once. */
const READ = 256 * 1024;
const LONGEST = 4096;

export interface Stream {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly messages: number;
  readonly prefixes: number;
  readonly sets: number;
}

/** Messages of `perUpdate` routes of one set each, sets in the order of the table: like a peer that dumps its table. */
export function makeStream(table: Table, perUpdate: number): Stream {
  const { addresses, lengths, set, attributes } = table;
  const parts: Uint8Array[] = [];
  // With 1000 NLRI in each, as many sets as there are messages; else those that the routes have.
  let messages = 0;
  for (let at = 0; at < addresses.length; at += perUpdate) {
    const keys: number[] = [];
    for (let i = at; i < Math.min(at + perUpdate, addresses.length); i++)
      keys.push(prefixKey(addresses[i] as number, lengths[i] as number));
    const packed = packAnnouncements(attributes[set[at] as number] as Uint8Array, keys);
    for (let m = 0; m < packed.length; m += ((packed[m + 16] as number) << 8) | (packed[m + 17] as number)) messages++;
    parts.push(packed);
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  const used = new Set<number>();
  for (let at = 0; at < addresses.length; at += perUpdate) used.add(set[at] as number);
  return { name: `${perUpdate}`, bytes, messages, prefixes: addresses.length, sets: used.size };
}

/** Gives the stream to `take` in reads behind what the read before left over, as connection.ts does. */
function feed(stream: Uint8Array, take: (slab: Uint8Array, start: number, end: number) => number): void {
  const slab = new Uint8Array(LONGEST + READ);
  let left = 0;
  for (let at = 0; at < stream.length; at += READ) {
    const read = stream.subarray(at, Math.min(at + READ, stream.length));
    slab.set(read, LONGEST);
    const end = LONGEST + read.length;
    const from = take(slab, LONGEST - left, end);
    left = end - from;
    slab.copyWithin(LONGEST - left, from, end);
  }
}

const tally = new PrefixTally();

/** Frames, the sections of each, every prefix as two numbers. */
export function walk(stream: Stream): void {
  const update = new ReusableUpdate();
  feed(stream.bytes, (slab, start, end) => {
    let at = start;
    while (at < end) {
      const length = frameLength(slab, at, end);
      if (length <= 0) return at;
      if (update.read(slab, at, at + length, PLAIN_CONTEXT) !== undefined) throw new Error('a fault in the stream');
      forEachPrefix(slab, update.withdrawnStart, update.withdrawnEnd, tally.take);
      forEachPrefix(slab, update.nlriStart, update.nlriEnd, tally.take);
      at += length;
    }
    return at;
  });
}

/** And the attributes: the set they are, by their octets; what it means is decoded when it is new. As the daemon does. */
function walkWithSets(stream: Stream): void {
  const update = new ReusableUpdate();
  const us = { bgpIdentifier: 1, isOurAddress: () => false };
  const contexts = new ImportContexts(us);
  const sets = new AttributeTable(us, undefined, contexts);
  const context = contexts.of({ kind: 'ebgp', localAsn: 64_512 }, true);
  feed(stream.bytes, (slab, start, end) => {
    let at = start;
    while (at < end) {
      const length = frameLength(slab, at, end);
      if (length <= 0) return at;
      if (update.read(slab, at, at + length, PLAIN_CONTEXT) !== undefined) throw new Error('a fault in the stream');
      tally.set(sets.intern(slab, update.attributesStart, update.attributesEnd, context));
      forEachPrefix(slab, update.nlriStart, update.nlriEnd, tally.take);
      at += length;
    }
    return at;
  });
}

const CONFIG = {
  localAsn: 64_512,
  peerAsn: 64_513,
  bgpIdentifier: ipv4(0x0a000002),
  peerAddress: ipv4(0x0a000001),
  peerPort: 179,
  passive: true,
  holdTimeSec: 0,
  connectRetrySec: 5,
} satisfies SessionConfig;

/** Through a whole BgpSession, from the bytes of the connection to the listener. */
function session(stream: Stream): void {
  const connection: Connection = {
    remoteAddress: CONFIG.peerAddress,
    remotePort: 179,
    localAddress: CONFIG.bgpIdentifier,
    localPort: 179,
    write: () => true,
    unsent: 0,
    end: () => {},
    destroy: () => {},
    pause: () => {},
    resume: () => {},
    readPending: (done) => done(),
    onData: undefined,
    onClose: undefined,
    onDrain: undefined,
  };
  const peer = new BgpSession(
    CONFIG,
    {
      clock: { now: () => performance.now(), wall: () => Date.now() },
      timers: { after: () => () => {} },
      random: Math.random,
      transport: { dial: () => () => {} },
    },
    {
      onState: () => {},
      onEstablished: () => {},
      onUpdate: (u) => void forEachPrefix(u.slab, u.nlriStart, u.nlriEnd, tally.take),
      onEndOfRib: () => {},
      onRouteRefresh: () => {},
      onDrain: () => {},
      onDown: (down) => {
        throw new Error(down.text);
      },
    },
  );
  peer.start();
  peer.accept(connection);
  const hello = encodeOpen({
    myAs: 64_513,
    holdTimeSec: 0,
    bgpIdentifier: CONFIG.peerAddress,
    capabilities: { multiprotocol: [{ afi: 1, safi: 1 }], fourOctetAsn: 64_513 },
  });
  for (const bytes of [hello, KEEPALIVE_MESSAGE]) connection.onData?.(bytes, 0, bytes.length);
  if (peer.state !== 'Established') throw new Error(`the session is ${peer.state}`);
  feed(stream.bytes, (slab, start, end) => connection.onData?.(slab, start, end) ?? end);
}

/** An object for each message and for each route in it. */
function objects(stream: Stream): void {
  feed(stream.bytes, (slab, start, end) => {
    let at = start;
    while (at < end) {
      const length = frameLength(slab, at, end);
      if (length <= 0) return at;
      tally.objects(decodeUpdate(slab, at, at + length, PLAIN_CONTEXT).announced.length);
      at += length;
    }
    return at;
  });
}

export interface Depth {
  readonly name: string;
  readonly run: (stream: Stream) => void;
}

export const DEPTHS: readonly Depth[] = [
  { name: 'frame, sections, each prefix', run: walk },
  { name: 'and the attribute set by its octets', run: walkWithSets },
  { name: 'through BgpSession to onUpdate', run: session },
  { name: 'object API: decodeUpdate', run: objects },
];

/** Million prefixes a second, one for each stream. */
export const decodeFigure = ({ name, run }: Depth, streams: readonly Stream[]): readonly number[] =>
  streams.map((stream) => {
    const seconds = quickest(() => {
      tally.reset();
      run(stream);
      if (tally.prefixes !== stream.prefixes)
        throw new Error(`${name}: ${tally.prefixes} of ${stream.prefixes} prefixes`);
    });
    return stream.prefixes / seconds / 1e6;
  });
