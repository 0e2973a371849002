// needs: root ip
/** Mutated messages at `gingham node` itself, with its tables and the kernel behind the session. */
import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IPV4_UNICAST } from '../../src/bgp-js/wire/family.ts';
import { bundle } from '../support/bundle.ts';
import { type JsonChild, startJsonChild } from '../support/child-process.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { cable, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

const MESSAGES = 12_000;
/** Nobody collects garbage for it: what it may have grown by when all is over, a collection or not. */
const GROWTH_KB = 64 * 1024;

let namespaces: Namespaces;
let speakers: Speakers;
let attacker: JsonChild | undefined;
beforeEach(() => {
  namespaces = makeNamespaces('bf');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'l', 'r');
});
afterEach(async () => {
  await attacker?.kill();
  await speakers.remove();
  namespaces.remove();
});

const rssKb = (node: GinghamNode): number =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.pid()}/status`, 'latin1'))?.[1]);

interface Peers {
  readonly items: readonly { readonly state: string }[];
}

test(`${MESSAGES} mutated messages at the daemon: it neither crashes nor hangs nor grows, and ends when asked`, async () => {
  const node = speakers.gingham(
    'l',
    `asn: 65001\nrouterId: 10.9.0.1\nneighbors: [{ name: foe, address: 10.9.0.2, asn: 65002, passive: true }]`,
  );
  await node.start();
  const program = await bundle('test/support/fuzz-attacker-child.ts');
  const foe = startJsonChild('ip', 'netns', 'exec', namespaces.name('r'), process.execPath, program);
  attacker = foe;
  const target = {
    address: '10.9.0.1',
    port: 179,
    from: '10.9.0.2',
    asn: 65_002,
    families: [IPV4_UNICAST],
    everything: false,
  };
  const attack = (messages: number, seed: number): Promise<{ lives: number; thrown: number }> =>
    foe.ask({ target, messages, seed });
  await attack(MESSAGES / 4, 1);
  const before = rssKb(node);
  const { lives, thrown } = await attack((3 * MESSAGES) / 4, 2);
  expect(thrown).toBeGreaterThan(lives / 4);
  expect(node.running()).toBe(true);
  expect(rssKb(node) - before).toBeLessThan(GROWTH_KB);
  await until('the session is over', () => node.json<Peers>('peers').items.every((p) => p.state !== 'Established'));
  expect(await node.stop('SIGTERM')).toBe(0);
});
