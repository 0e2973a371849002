// needs: root ip nft bird frr
/** BFD of ours with BIRD's and FRR's, both families: up, intervals, cuts of both and of one direction, switching off, restarts
 *  of either side, strangers' packets, and a main thread that stands still. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChildEvent } from '../support/bfd-child.ts';
import { BfdChild, type BfdFiles, buildBfd } from '../support/bfd-ours.ts';
import { type BfdPeer, birdBfd, frrBfd, OURS, THEIRS } from '../support/bfd-peers.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type Switched, switched } from '../support/switched.ts';

let files: BfdFiles;
beforeAll(async () => {
  files = await buildBfd();
});

class Ours extends BfdChild {
  constructor(namespaces: Namespaces) {
    super(files, namespaces, 'g');
  }
  async watch(intervalMs: number, multiplier: number): Promise<void> {
    for (const address of THEIRS) await this.ask({ do: 'watch', name: address, address, intervalMs, multiplier });
  }
  every(state: string): Promise<ChildEvent[]> {
    return this.all(THEIRS, state);
  }
}

describe.each([
  ['BIRD', birdBfd],
  ['FRR', frrBfd],
] as const)('%s', (_name, makePeer) => {
  let namespaces: Namespaces;
  let link: Switched;
  let peer: BfdPeer;
  let ours: Ours;
  const start = async (timing = { intervalMs: 100, multiplier: 3 }): Promise<void> => {
    peer = makePeer(namespaces, 'b', timing);
    await peer.start();
  };
  const peerAll = (up: boolean): Promise<boolean> =>
    until(`the peer's sessions are ${up ? 'up' : 'down'}`, () => OURS.every((a) => peer.isUp(a) === up));

  beforeEach(() => {
    namespaces = makeNamespaces('bf');
    link = switched(namespaces, 'g', 'b');
    ours = new Ours(namespaces);
  });
  afterEach(async () => {
    await ours.kill();
    await peer.remove();
    namespaces.remove();
  });

  test('both families come up, and the slower of two wishes is the interval in each direction', async () => {
    await start({ intervalMs: 150, multiplier: 4 });
    await ours.watch(100, 3);
    await ours.every('up');
    await peerAll(true);
    for (const [i, name] of THEIRS.entries()) {
      await until('the peer sends as agreed', () => peer.intervalMs(OURS[i] ?? OURS[0]) === 150);
      // A Poll Sequence may still be under way.
      const view = await ours.viewWhen(name, (v) => v.detectionTimeMs === 600);
      expect(view).toMatchObject({
        state: 'Up',
        remoteState: 'Up',
        sendIntervalMs: 150,
        receiveIntervalMs: 150,
        remoteMultiplier: 4,
        discarded: 0,
      });
      // Other timing changes nothing but the timing.
      await ours.ask({ do: 'change', name, intervalMs: 300, multiplier: 5 });
      await until('the peer follows', () => peer.intervalMs(OURS[i] ?? OURS[0]) === 300);
    }
    expect((await ours.events()).map((e) => e.state)).toEqual(['up', 'up']);
  });

  test('a link cut without loss of carrier: both sides detect it, and come up again when it is mended', async () => {
    await start();
    await ours.watch(100, 3);
    await ours.every('up');
    await peerAll(true);
    link.cut('left', 'right');
    const cutAt = Date.now();
    const downs = await ours.every('down');
    await peerAll(false);
    for (const { code, text } of downs) {
      expect(code).toBe('BFD_DETECTION_TIME_EXPIRED');
      expect(text).toContain('300 ms');
    }
    console.info(`cut to down: ${downs.map((e) => e.at - cutAt).join(' and ')} ms at 100 ms x 3`);
    link.mend();
    await ours.every('up');
    await peerAll(true);
  });

  test.each(['left', 'right'] as const)('one direction cut (%s): neither side stays up', async (side) => {
    await start();
    await ours.watch(100, 3);
    await ours.every('up');
    await peerAll(true);
    link.cut(side);
    const downs = await ours.every('down');
    await peerAll(false);
    // Who still hears is told; who hears nothing finds out.
    const code = side === 'left' ? 'BFD_NEIGHBOR_SIGNALED_DOWN' : 'BFD_DETECTION_TIME_EXPIRED';
    expect(downs.map((e) => e.code)).toEqual([code, code]);
    link.mend();
    await ours.every('up');
    await peerAll(true);
  });

  test('switching BFD off is no failure, on either side (RFC 5882 3.2)', async () => {
    await start();
    await ours.watch(100, 3);
    await ours.every('up');
    await peer.shut(true);
    const [state, code] = peer.saysAdminDown
      ? ['admin-down', 'BFD_PEER_ADMIN_DOWN']
      : ['down', 'BFD_DETECTION_TIME_EXPIRED'];
    for (const event of await ours.every(state)) expect(event.code).toBe(code);
    await peer.shut(false);
    await ours.every('up');
    for (const name of THEIRS) await ours.ask({ do: 'stop', name });
    await peerAll(false);
    await ours.watch(100, 3);
    await ours.every('up');
    await peerAll(true);
  });

  test('either side killed is down within the detection time, and back when it is started again', async () => {
    await start();
    await ours.watch(100, 3);
    await ours.every('up');
    await peer.kill('SIGKILL');
    await ours.every('down');
    await peer.start();
    await ours.every('up');
    await ours.kill();
    await peerAll(false);
    ours = new Ours(namespaces);
    await ours.watch(100, 3);
    await ours.every('up');
    await peerAll(true);
  });

  test('a restart too quick to be missed is noticed by the discriminators', async () => {
    await start({ intervalMs: 1000, multiplier: 10 });
    await ours.watch(1000, 10);
    await ours.every('up');
    await peerAll(true);
    await ours.kill();
    ours = new Ours(namespaces);
    await ours.watch(1000, 10);
    await ours.every('up');
    await peerAll(true);
  });

  test('a packet that came through a router is ignored (TTL below 255), and so is a stranger’s (RFC 5881 5)', async () => {
    await start();
    await ours.watch(100, 3);
    await ours.every('up');
    for (const [i, name] of THEIRS.entries()) {
      const { localDiscriminator, remoteDiscriminator } = await ours.view(name);
      const adminDown = Buffer.alloc(24);
      adminDown.writeUInt32BE(0x2000_0318, 0);
      adminDown.writeUInt32BE(remoteDiscriminator ?? 1, 4);
      adminDown.writeUInt32BE(localDiscriminator, 8);
      const forge = (ttl: number, discriminator: number): void => {
        adminDown.writeUInt32BE(discriminator, 8);
        forgeFrom(namespaces, OURS[i] ?? OURS[0], ttl, adminDown);
      };
      forge(254, localDiscriminator);
      forge(64, 0);
      forge(255, (localDiscriminator ^ 1) >>> 0);
      const before = (await ours.view(name)).packetsIn;
      const view = await ours.viewWhen(name, (v) => v.packetsIn >= before + 5);
      expect(view).toMatchObject({ state: 'Up', flaps: 0 });
      // The forgery itself is a good one.
      forge(255, localDiscriminator);
      await ours.viewWhen(name, (v) => v.flaps === 1);
    }
  });
});

/** One datagram to our port 3784 from the peer's side. */
function forgeFrom(namespaces: Namespaces, to: string, ttl: number, bytes: Buffer): void {
  const type = to.includes(':') ? 'udp6' : 'udp4';
  const script = `const s = require('dgram').createSocket('${type}');
s.bind(0, () => { s.setTTL(${ttl}); s.send(Buffer.from('${bytes.toString('hex')}', 'hex'), 3784, '${to}', () => s.close()); });`;
  namespaces.sh('b', `${process.execPath} -e "${script.replaceAll('\n', ' ')}"`);
}

describe('a busy main thread', () => {
  let namespaces: Namespaces;
  let peer: BfdPeer;
  beforeAll(async () => {
    namespaces = makeNamespaces('bs');
    switched(namespaces, 'g', 'b');
    peer = birdBfd(namespaces, 'b', { intervalMs: 100, multiplier: 3 });
    await peer.start();
  });
  afterAll(async () => {
    await peer.remove();
    namespaces.remove();
  });

  test('standing still for 250 ms twenty times costs no session at 100 ms x 3, because a thread of its own runs them', async () => {
    const ours = new Ours(namespaces);
    try {
      await ours.watch(100, 3);
      await ours.every('up');
      await until('BIRD is up', () => OURS.every((a) => peer.isUp(a) === true));
      await ours.ask({ do: 'stall', ms: 250, times: 20 });
      expect((await ours.events()).map((e) => e.state)).toEqual(['up', 'up']);
      expect(OURS.map((a) => peer.isUp(a))).toEqual([true, true]);
    } finally {
      await ours.kill();
    }
  });
});
