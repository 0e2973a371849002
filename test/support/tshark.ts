/** BGP messages read by tshark: each goes as a TCP connection of its own into a capture, and comes back as tshark's tree. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A dissected protocol or field: tshark's names, each with a text, a tree, or several of them; NAME_raw holds octets. */
export interface Tree {
  readonly [name: string]: Value | readonly Value[];
}
type Value = string | number | Tree;

const FIRST_PORT = 20_000;
/** What one IPv4 packet holds beside its headers, and less. */
const SEGMENT = 60_000;

/** One tree for each message, undefined where tshark saw none of the protocol. `asn`: how long AS numbers are, which it cannot
 *  know. */
export function dissect(
  messages: readonly Uint8Array[],
  asn: 2 | 4,
  protocol: 'bgp' | 'bmp' = 'bgp',
): (Tree | undefined)[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-tshark-'));
  try {
    const file = path.join(folder, 'messages.pcap');
    fs.writeFileSync(file, capture(messages));
    const preferences = ['-o', `bgp.asn_len:${asn} octet`, '-o', 'tcp.desegment_tcp_streams:TRUE'];
    const shape = ['-T', 'json', '-x', '-J', `${protocol} bgp tcp`, '--no-duplicate-keys'];
    const as = ['-d', `tcp.port==179,${protocol}`];
    const said = execFileSync('tshark', ['-n', '-r', file, ...as, ...preferences, ...shape], {
      maxBuffer: 512 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    const frames = JSON.parse(said) as { readonly _source: { readonly layers: Tree } }[];
    const trees: (Tree | undefined)[] = messages.map(() => undefined);
    for (const { _source } of frames) {
      const [found] = subtrees(_source.layers, protocol);
      const [tcp] = subtrees(_source.layers, 'tcp');
      if (found !== undefined) trees[Number(text(tcp ?? {}, 'tcp.dstport')) - FIRST_PORT] = found;
    }
    return trees;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const listOf = (tree: Tree, name: string): readonly Value[] => {
  const value = tree[name];
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly Value[]) : [value as Value];
};
export const subtrees = (tree: Tree, name: string): Tree[] =>
  listOf(tree, name).filter((value): value is Tree => typeof value === 'object');

/** The texts of a field that stands in this tree, in order. */
export const texts = (tree: Tree, name: string): string[] =>
  listOf(tree, name).flatMap((value) => (typeof value === 'string' ? [value] : []));
export const text = (tree: Tree, name: string): string | undefined => texts(tree, name)[0];

/** The octets of a field and where they are: each is [hex, position, length, mask, type], alone or in a list. */
export function placed(tree: Tree, name: string): { readonly hex: string; readonly at: number }[] {
  const raw = listOf(tree, `${name}_raw`);
  const all: readonly unknown[] = typeof raw[0] === 'string' ? [raw] : raw;
  return all.flatMap((value) => {
    const [hex, at] = Array.isArray(value) ? (value as readonly unknown[]) : [];
    return typeof hex === 'string' && typeof at === 'number' ? [{ hex, at }] : [];
  });
}
export const octets = (tree: Tree, name: string): string[] => placed(tree, name).map(({ hex }) => hex);

/** All trees below, however deep, that have a field of this name. */
export function holding(tree: Tree, name: string): Tree[] {
  const below = Object.keys(tree).flatMap((key) => subtrees(tree, key).flatMap((sub) => holding(sub, name)));
  return name in tree ? [tree, ...below] : below;
}

function capture(messages: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262_144, 16);
  head.writeUInt32LE(101, 20); // IP without a link layer
  const parts: Uint8Array[] = [head];
  messages.forEach((message, index) => {
    for (let at = 0; at < message.length; at += SEGMENT)
      parts.push(...packet(FIRST_PORT + index, 1 + at, message.subarray(at, at + SEGMENT)));
  });
  return Buffer.concat(parts);
}

/** One record of the file: IPv4 and TCP from port 179, no checksums, which tshark does not ask for. */
function packet(port: number, sequence: number, payload: Uint8Array): Uint8Array[] {
  const bytes = Buffer.alloc(40);
  bytes[0] = 0x45;
  bytes.writeUInt16BE(40 + payload.length, 2);
  bytes.set([64, 6], 8);
  bytes.writeUInt32BE(0x0a000001, 12);
  bytes.writeUInt32BE(0x0a000002, 16);
  bytes.writeUInt16BE(179, 20);
  bytes.writeUInt16BE(port, 22);
  bytes.writeUInt32BE(sequence, 24);
  bytes.writeUInt32BE(1, 28);
  bytes.set([0x50, 0x18, 0xff, 0xff], 32);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(bytes.length + payload.length, 8);
  record.writeUInt32LE(bytes.length + payload.length, 12);
  return [record, bytes, payload];
}
