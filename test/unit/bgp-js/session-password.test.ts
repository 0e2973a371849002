/** A TCP MD5 key that changes while a session lives. RFC 2385 */
import { expect, test } from 'vitest';
import type { SessionConfig, Transport } from '../../../src/bgp-js/session/session-types.ts';
import { A, B, World } from './two-speakers.ts';

/** Two sessions whose connections take keys as `answer` says, and what was asked of them and of dials. */
function signed(answer: boolean) {
  const world = new World();
  const keys: (string | undefined)[] = [];
  const dials: (string | undefined)[] = [];
  const { transport } = world.tcp;
  world.tcp.transport = (from): Transport => {
    const plain = transport.call(world.tcp, from);
    return {
      dial: (config: SessionConfig, done) => {
        dials.push(config.password);
        return plain.dial(config, (result) => {
          if (result.ok)
            Object.assign(result.value, {
              setPassword: (key: string | undefined) => {
                keys.push(key);
                return answer;
              },
            });
          done(result);
        });
      },
    };
  };
  const one = world.speaker(A, B, { password: 'old' });
  const two = world.speaker(B, A, { passive: true });
  two.session.start();
  one.session.start();
  world.time.pass(100);
  expect(one.session.state).toBe('Established');
  return { world, one, two, keys, dials };
}

test('a live connection gets the new key and goes on, and the next dial has it', () => {
  const { world, one, two, keys, dials } = signed(true);
  one.session.setPassword('new');
  one.session.setPassword(undefined);
  one.session.setPassword('newest');
  world.time.pass(1000);
  expect(keys).toEqual(['new', undefined, 'newest']);
  expect(one.session.counters.establishedCount).toBe(1);
  two.session.stop({ kind: 'restart' });
  two.session.start();
  world.time.pass(30_000);
  expect(one.session.state).toBe('Established');
  expect(dials).toEqual(['old', 'newest']);
});

test('a connection that cannot change its key ends with Cease/6, and comes back with the new one (RFC 4486 4)', () => {
  const { world, one, dials } = signed(false);
  one.session.setPassword('new');
  expect(one.downs.map((d) => `${d.sent?.code}/${d.sent?.subcode} ${d.text}`)).toEqual([
    '6/6 our password of this peer changed (RFC 4486 4)',
  ]);
  world.time.pass(30_000);
  expect(one.session.state).toBe('Established');
  expect(dials).toEqual(['old', 'new']);
});
