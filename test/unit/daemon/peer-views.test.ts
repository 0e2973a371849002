/** What a peer has beside its state: families, limits, what is kept of it, why it is left down. */
import { expect, test } from 'vitest';
import { toPeerView } from '../../../src/daemon/peer-views.ts';
import type { PeerConfig } from '../../../src/model/peer.ts';
import { MemoryNetwork, peerConfig } from '../../support/speakers.ts';

const [A, B] = ['10.9.0.1', '10.9.0.2'];
const PREFIXES = ['10.244.1.0/26', '10.244.2.0/26', '10.244.3.0/26'];

/** A announces three prefixes to B, which has these settings for it; the answer is B's view of A, now. */
function seen(more: Partial<PeerConfig>, ofA: Partial<PeerConfig> = {}) {
  const net = new MemoryNetwork();
  const [a, b] = [net.speaker(A), net.speaker(B)];
  a.originate(...PREFIXES);
  a.peers.apply([peerConfig(B, ofA)]);
  b.peers.apply([peerConfig(A, more)]);
  net.time.pass(5000);
  const view = () => {
    const peer = b.peers.peer(A);
    if (peer === undefined) throw new Error('no peer');
    return toPeerView(peer, net.time.wall());
  };
  return { net, a, view };
}
const maxPrefixes = (action: 'idle' | 'drop', idleRestartSec = 60): Partial<PeerConfig> => ({
  maxPrefixes: { limit: 2, action, warnPercent: 75, idleRestartSec },
});

test('a peer above its limit that is left down says for how long, and counts down', () => {
  const { net, view } = seen(maxPrefixes('idle'));
  const { state, heldForSeconds = 0, reason, families } = view();
  expect({ state, code: reason?.code }).toEqual({ state: 'Idle', code: 'MAX_PREFIXES' });
  expect(heldForSeconds).toBeGreaterThan(50);
  expect(families).toMatchObject([{ family: 'ipv4-unicast', negotiated: false, limit: 2, limitAction: 'idle' }]);
  net.time.pass(10_000);
  expect(view().heldForSeconds).toBe(heldForSeconds - 10);
  expect(seen(maxPrefixes('idle', 0)).view()).not.toHaveProperty('heldForSeconds');
});

test('a peer above its limit that stays up warns, and what was left out is counted', () => {
  const { view } = seen(maxPrefixes('drop'));
  expect(view()).toMatchObject({
    state: 'Established',
    warning: { code: 'MAX_PREFIXES_REACHED' },
    families: [{ received: 2, limit: 2, limitAction: 'drop' }],
  });
  // Announcements count, and one may come again.
  expect(view().families[0]?.leftOut).toBeGreaterThan(0);
});

test('what both sides agreed on is told by family, and stale routes with the time that is left to them', async () => {
  const addPath = { receive: true, send: false, max: 1 };
  const { net, a, view } = seen({ addPath }, { addPath: { receive: false, send: true, max: 4 } });
  expect(view().families).toMatchObject([
    { negotiated: true, addPathReceive: true, addPathSend: false, gracefulRestart: true, received: 3 },
  ]);
  expect(view().warning).toBeUndefined();
  await a.crash();
  net.time.pass(20_000);
  const [family] = view().families;
  expect(family).toMatchObject({ negotiated: false, stale: 3, addPathReceive: false, gracefulRestart: false });
  expect(family?.staleForSeconds).toBeGreaterThan(90);
  expect(family?.staleForSeconds).toBeLessThan(120);
});

test('a peer that does not answer says when it is tried again, and counts down; one that nothing dials does not', () => {
  const net = new MemoryNetwork();
  const b = net.speaker(B);
  b.peers.apply([peerConfig(A), peerConfig('10.9.0.3', { passive: true })]);
  const retry = (name: string) => {
    const peer = b.peers.peer(name);
    return peer && toPeerView(peer, net.time.wall()).retryInSeconds;
  };
  // The pauses grow, and in each the time falls to nothing.
  const seen: (number | undefined)[] = [];
  for (let second = 0; second < 60; second++) {
    net.time.pass(1000);
    seen.push(retry(A));
    expect(retry('10.9.0.3')).toBeUndefined();
  }
  const told = seen.filter((s) => s !== undefined);
  expect(Math.max(...told)).toBeGreaterThanOrEqual(2);
  expect(told).toContain(1);
  for (const [i, s] of seen.entries()) {
    const next = seen[i + 1];
    if (s !== undefined && s > 1 && next !== undefined) expect(next).toBe(s - 1);
  }
  // Somebody comes by himself: there is nothing to wait for any more.
  net.speaker(A).peers.apply([peerConfig(B)]);
  net.time.pass(10_000);
  expect(b.peers.peer(A)?.state).toBe('Established');
  expect(retry(A)).toBeUndefined();
});
