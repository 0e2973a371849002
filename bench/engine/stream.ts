/** Streams of UPDATEs: the same octets for every daemon. Tables are made up in the shape of the Internet's, as
 *  bench/table.ts, but every prefix is another one, and none that a speaker refuses. The same at every run. */
import fs from 'node:fs';
import path from 'node:path';
import { type Ipv4, ipv4 } from '../../src/base/ipv4.ts';
import { encodeAttributes } from '../../src/bgp-js/attributes/attributes.ts';
import { lengthAt } from '../prefix-lengths.ts';

const HEADER = 19;
const LARGEST = 4096;
const UPDATE = 2;

export type Random = () => number;
export function xorshift(seed: number): Random {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}

export interface Routes {
  readonly addresses: Uint32Array;
  readonly lengths: Uint8Array;
  /** Which attribute set each has. */
  readonly set: Int32Array;
}

/** 10/8 is where the peers live; the others hold ranges that are special, and so do the ends. */
const usable = (first: number): boolean =>
  first >= 1 && first <= 223 && ![10, 100, 127, 169, 172, 192, 198].includes(first);

export function internetRoutes(count: number, sets: number): Routes {
  const random = xorshift(0x9e3779b9);
  const routes = { addresses: new Uint32Array(count), lengths: new Uint8Array(count), set: new Int32Array(count) };
  const taken = new Set<number>();
  for (let i = 0; i < count; i++) {
    let length = 24;
    let address = 0;
    do {
      length = lengthAt(random());
      address = (Math.floor(random() * 0x1_0000_0000) & (-1 << (32 - length))) >>> 0;
    } while (!usable(address >>> 24) || taken.has(address * 64 + length));
    taken.add(address * 64 + length);
    routes.addresses[i] = address;
    routes.lengths[i] = length;
    // A power makes a few sets large; the first routes see to it that each is used.
    routes.set[i] = i < sets ? i : Math.floor(random() ** 3 * sets);
  }
  return routes;
}

export interface SetOptions {
  readonly asn: number;
  readonly nextHop: Ipv4;
  /** How often the sender's AS number stands there once more: its place in the order. */
  readonly detour?: number;
  readonly seed?: number;
}

/** Encoded attribute sets as an eBGP speaker sends them. */
export function attributeSets(count: number, options: SetOptions): Uint8Array[] {
  const { asn, nextHop, detour = 0, seed = 0x51ed270b } = options;
  const random = xorshift(seed);
  const below = (n: number): number => Math.floor(random() * n);
  return Array.from({ length: count }, () => {
    const asns = Array.from({ length: 2 + below(5) }, () => 100_000 + below(300_000));
    return encodeAttributes(
      {
        origin: random() < 0.9 ? 'igp' : 'incomplete',
        asPath: [{ type: 'sequence', asns: [asn, ...new Array<number>(detour).fill(asn), ...asns] }],
        nextHop,
        ...(random() < 0.3 ? { med: below(1000) } : {}),
        ...(random() < 0.5 ? { communities: Array.from({ length: 1 + below(6) }, () => below(0xffff_0000)) } : {}),
      },
      { fourOctetAs: true },
    );
  });
}

/** Messages one behind the other. */
export class Messages {
  private bytes = Buffer.alloc(1 << 20);
  private at = 0;

  /** An UPDATE of these routes (indexes into `routes`); as many messages as they need. */
  announce(routes: Routes, indexes: ArrayLike<number>, attributes: Uint8Array): void {
    let i = 0;
    while (i < indexes.length) {
      const start = this.begin();
      this.at = this.bytes.writeUInt16BE(0, this.at);
      this.at = this.bytes.writeUInt16BE(attributes.length, this.at);
      this.bytes.set(attributes, this.at);
      this.at += attributes.length;
      while (i < indexes.length && this.at - start <= LARGEST - 5) this.prefix(routes, indexes[i++] as number);
      this.end(start);
    }
  }

  withdraw(routes: Routes, indexes: ArrayLike<number>): void {
    let i = 0;
    while (i < indexes.length) {
      const start = this.begin();
      this.at += 2;
      while (i < indexes.length && this.at - start <= LARGEST - 7) this.prefix(routes, indexes[i++] as number);
      this.bytes.writeUInt16BE(this.at - start - HEADER - 2, start + HEADER);
      this.at = this.bytes.writeUInt16BE(0, this.at);
      this.end(start);
    }
  }

  octets(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  private begin(): number {
    if (this.bytes.length - this.at < 2 * LARGEST) {
      const larger = Buffer.alloc(this.bytes.length * 2);
      larger.set(this.bytes.subarray(0, this.at));
      this.bytes = larger;
    }
    const start = this.at;
    this.bytes.fill(0xff, start, start + 16);
    this.at += HEADER;
    return start;
  }
  private prefix(routes: Routes, i: number): void {
    const length = routes.lengths[i] as number;
    const address = routes.addresses[i] as number;
    this.bytes[this.at++] = length;
    for (let shift = 24; shift > 24 - length; shift -= 8) this.bytes[this.at++] = (address >>> shift) & 0xff;
  }
  private end(start: number): void {
    this.bytes.writeUInt16BE(this.at - start, start + 16);
    this.bytes[start + 18] = UPDATE;
  }
}

/** The routes of each set, in the order of their sets. */
export function bySet(routes: Routes, sets: number): Int32Array[] {
  const sizes = new Int32Array(sets);
  for (const set of routes.set) sizes[set]!++;
  const groups = Array.from(sizes, (n) => new Int32Array(n));
  sizes.fill(0);
  for (const [i, set] of routes.set.entries()) (groups[set] as Int32Array)[sizes[set]!++] = i;
  return groups;
}

export function announcements(routes: Routes, attributes: readonly Uint8Array[]): Uint8Array {
  const messages = new Messages();
  for (const [set, indexes] of bySet(routes, attributes.length).entries())
    messages.announce(routes, indexes, attributes[set] as Uint8Array);
  return messages.octets();
}

/** In the order of the table, which is none of the sets'. */
export function withdrawals(routes: Routes): Uint8Array {
  const messages = new Messages();
  messages.withdraw(routes, Int32Array.from(routes.set.keys()));
  return messages.octets();
}

/** Files are kept between runs: raise this when their making changes. */
const EDITION = 1;

/** The file of this name, made when it is not there yet. */
export function streamFile(folder: string, name: string, make: () => Uint8Array): string {
  const file = path.join(folder, `${name}-${EDITION}.bgp`);
  if (!fs.existsSync(file)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(`${file}.${process.pid}`, make());
    fs.renameSync(`${file}.${process.pid}`, file);
  }
  return file;
}

/** Address of the peer with this number, as the load gives them out. */
export const peerAddress = (index: number): Ipv4 => ipv4(0x0a000001 + index);
