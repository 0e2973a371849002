// needs: root ip nft bird frr tshark
/** BFD as the death of a BGP session: from a cut link to no route in the kernel, Cease/10, and no false alarm under load. The
 *  times it prints are for people: a test asserts none. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BgpBfdPeer, birdWithBfd, frrWithBfd, ROUTE } from '../support/bgp-bfd-peers.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';
import { type Switched, switched } from '../support/switched.ts';

/** More of them for a long run: CUTS=30. */
const CUTS = Number(process.env.CUTS ?? 5);

interface Peers {
  items: { state: string; flaps: number; lastDown?: { reason: { code: string } } }[];
}

describe.each([
  ['BIRD', birdWithBfd],
  ['FRR', frrWithBfd],
] as const)('%s', (name, makePeer) => {
  let namespaces: Namespaces;
  let speakers: Speakers;
  let link: Switched;
  let peer: BgpBfdPeer;
  let node: GinghamNode;
  let beside: ChildProcess[];

  beforeEach(() => {
    namespaces = makeNamespaces('bb');
    speakers = speakersIn(namespaces);
    link = switched(namespaces, 'g', 'b');
    beside = [];
  });
  afterEach(async () => {
    for (const child of beside) child.kill('SIGKILL');
    await speakers.remove();
    await peer.remove();
    namespaces.remove();
  });

  const inside = (side: string, ...command: string[]): ChildProcess => {
    const child = spawn('ip', ['netns', 'exec', namespaces.name(side), ...command], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    beside.push(child);
    return child;
  };
  const hasRoute = (): boolean => namespaces.ip('g', 'route').includes(`${ROUTE} via 10.9.0.2`);
  const state = () => node.json<Peers>('peers').items[0];

  /** Why sessions ended, as the log has it. */
  const downs = (): string[] =>
    [...node.log().matchAll(/"reason":"([^"]*)"[^}]*"msg":"session down"/g)].map((m) => m[1] ?? '');

  async function start(intervalMs: number, multiplier: number): Promise<void> {
    peer = makePeer(namespaces, 'b', { intervalMs, multiplier });
    await peer.start();
    node = speakers.gingham(
      'g',
      `
asn: 65001
routerId: 10.9.0.1
gracefulRestart: false
originate: [192.0.2.0/26]
neighbors: [{ name: peer, address: 10.9.0.2, asn: 65002, connectRetry: 1, bfd: { interval: ${intervalMs}, multiplier: ${multiplier} } }]`,
    );
    await node.start();
    await whole();
  }
  const whole = (): Promise<boolean> =>
    until('session, BFD and route', () => peer.established() && peer.bfdIsUp() && hasRoute());

  test.each([
    [50, 3],
    [100, 3],
  ])(
    'a link cut without loss of carrier takes the route out of the kernel, at %d ms x %d',
    async (interval, multiplier) => {
      await start(interval, multiplier);
      const gone: string[] = [];
      let wentAt: number | undefined;
      inside('g', 'ip', 'monitor', 'route').stdout?.on('data', (text: Buffer) => {
        if (String(text).includes(`Deleted ${ROUTE}`)) wentAt ??= performance.now();
      });
      for (let n = 0; n < CUTS; n++) {
        wentAt = undefined;
        const before = performance.now();
        link.cut('left', 'right');
        const after = performance.now();
        const went = await until('the route is gone', () => wentAt, 10_000);
        // The cut itself is somewhere between.
        gone.push(`${Math.round(went - after)}..${Math.round(went - before)}`);
        expect(hasRoute()).toBe(false);
        await until('the peer noticed', () => !peer.established());
        link.mend();
        await whole();
      }
      expect(downs(), `ends: ${downs().join('; ')}`).toHaveLength(CUTS);
      console.info(`${name}, ${interval} ms x ${multiplier}: cut to kernel ${gone.join(', ')} ms`);
    },
    60_000 + CUTS * 15_000,
  );

  test('the peer is told Cease/10 where it can still hear us (RFC 9384)', async () => {
    await start(100, 3);
    let said = '';
    const fields = ['bgp.notify.major_error', 'bgp.notify.minor_error_cease', 'ip.src'].flatMap((f) => ['-e', f]);
    const shark = inside('g', 'tshark', '-l', '-n', '-i', 'eth0', '-Y', 'bgp.type == 3', '-T', 'fields', ...fields);
    shark.stdout?.on('data', (text: Buffer) => {
      said += String(text);
    });
    // It tells by a line on stderr, which we do not have, and by reading: what it has seen of the session is enough.
    await until('tshark listens', () => fs.readFileSync(`/proc/net/packet`) && captures(namespaces));
    link.cut('right');
    await until('our NOTIFICATION', () => said.includes('6\t10\t10.9.0.1'));
    await until('we know why', () => node.log().includes('BFD_DETECTION_TIME_EXPIRED') || state()?.lastDown);
    expect(state()?.state).not.toBe('Established');
  });

  test('a healthy session does not flap while every processor is busy, ours and theirs', async () => {
    await start(100, 3);
    for (let n = 0; n < 4; n++) inside('g', process.execPath, '-e', 'for (;;) {}');
    await new Promise((next) => setTimeout(next, 10_000));
    for (const child of beside) child.kill('SIGKILL');
    expect(downs()).toEqual([]);
    expect(state()).toMatchObject({ state: 'Established', flaps: 0 });
    expect(peer.established()).toBe(true);
  });
});

/** A packet socket in that namespace is a capture that runs. */
const captures = (namespaces: Namespaces): boolean =>
  namespaces.sh('g', 'cat /proc/net/packet').trim().split('\n').length > 1;
