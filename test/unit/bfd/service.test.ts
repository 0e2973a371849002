/** What clients hear: up, down, admin-down; sharing, timing, and an engine that dies. */
import { expect, test } from 'vitest';
import { parseIpv4 } from '../../../src/base/ipv4.ts';
import type { WatchSpec } from '../../../src/bfd/bfd-types.ts';
import type { BfdCommand, BfdEngineEvent } from '../../../src/bfd/engine-types.ts';
import { BfdService, MOST_SESSIONS } from '../../../src/bfd/service.ts';
import type { SessionSnapshot, StateChange } from '../../../src/bfd/session.ts';
import { FakeTime } from '../../support/fake-time.ts';

const DOWN: SessionSnapshot = {
  state: 'Down',
  localDiscriminator: 1,
  receiveIntervalMs: 100,
  detectionTimeMs: 300,
  multiplier: 3,
  diagnostic: 0,
};
const UP: SessionSnapshot = { ...DOWN, state: 'Up', remoteState: 'Up', remoteDiscriminator: 2, sendIntervalMs: 100 };
const CAME_UP: StateChange = { from: 'Init', to: 'Up', cause: 'ReceivedUp', detectionTimeMs: 300 };
const leftUp = (cause: StateChange['cause']): StateChange => ({ from: 'Up', to: 'Down', cause, detectionTimeMs: 300 });

function service() {
  const time = new FakeTime();
  const commands: BfdCommand[] = [];
  let engines = 0;
  let emit: (event: BfdEngineEvent) => void = () => {};
  const bfd = new BfdService({
    clock: time,
    timers: time,
    startEngine: (onEvent) => {
      engines += 1;
      emit = onEvent;
      return { tell: (command) => void commands.push(command) };
    },
  });
  const heard: string[] = [];
  const spec = (difference: Partial<WatchSpec> = {}): WatchSpec => ({
    address: parseIpv4('10.9.0.2') as WatchSpec['address'],
    intervalMs: 100,
    multiplier: 3,
    ...difference,
  });
  return {
    time,
    bfd,
    commands,
    heard,
    spec,
    engines: () => engines,
    emit: (event: BfdEngineEvent) => emit(event),
    watch: (difference: Partial<WatchSpec> = {}, name = 'a') =>
      bfd.watch(spec(difference), (state, { code }) => void heard.push(`${name} ${state} ${code}`)),
    change: (change: StateChange, snapshot: SessionSnapshot, id = 1) => emit({ kind: 'session', id, snapshot, change }),
  };
}

test('the engine starts with the first watch, and a watch begins as down without a word', () => {
  const s = service();
  expect(s.engines()).toBe(0);
  const watch = s.watch();
  expect([s.engines(), watch.state, watch.reason.code, s.heard]).toEqual([1, 'down', 'BFD_NOTHING_HEARD', []]);
});

test('up, and down for silence: the reason says for how long; flaps and the last end are kept', () => {
  const s = service();
  const watch = s.watch();
  s.change(CAME_UP, UP);
  expect([watch.state, watch.reason.code]).toEqual(['up', 'BFD_UP']);
  s.change(leftUp('DetectionExpired'), { ...DOWN, diagnostic: 1 });
  expect(s.heard).toEqual(['a up BFD_UP', 'a down BFD_DETECTION_TIME_EXPIRED']);
  expect(watch.reason.text).toBe('nothing was heard from 10.9.0.2 for 300 ms');
  expect(watch.view()).toMatchObject({ flaps: 1, lastDown: { code: 'BFD_DETECTION_TIME_EXPIRED' }, state: 'Down' });
  // Time goes on, and the reason is of today.
  s.emit({ kind: 'session', id: 1, snapshot: { ...DOWN, state: 'Init', remoteState: 'Down' } });
  expect(watch.reason.code).toBe('BFD_NOT_HEARD');
  expect(watch.view().lastDown?.code).toBe('BFD_DETECTION_TIME_EXPIRED');
});

test('a peer that signals down says why; one that switches BFD off is no failure (RFC 5882 3.2)', () => {
  const s = service();
  const watch = s.watch();
  s.change(CAME_UP, UP);
  s.change(leftUp('ReceivedDown'), { ...DOWN, remoteState: 'Down', remoteDiagnostic: 1 });
  expect(watch.reason.text).toContain('control detection time expired');
  s.change(CAME_UP, UP);
  s.change(leftUp('ReceivedAdminDown'), { ...DOWN, remoteState: 'AdminDown' });
  expect(s.heard.slice(2)).toEqual(['a up BFD_UP', 'a admin-down BFD_PEER_ADMIN_DOWN']);
  // Its coming back step by step is no failure either.
  s.emit({ kind: 'session', id: 1, snapshot: { ...DOWN, state: 'Init', remoteState: 'Down' } });
  expect([watch.state, s.heard.length]).toEqual(['admin-down', 4]);
});

test('two watches of one path share a session with the stricter timing, until the last one stops', () => {
  const s = service();
  const a = s.watch({ intervalMs: 300 });
  const b = s.watch({ intervalMs: 50, multiplier: 5 }, 'b');
  expect(s.commands.map((c) => c.kind)).toEqual(['open', 'change']);
  expect(s.commands.at(-1)).toMatchObject({ timing: { intervalMs: 50, multiplier: 5 } });
  s.change(CAME_UP, UP);
  expect(s.heard).toEqual(['a up BFD_UP', 'b up BFD_UP']);
  b.stop();
  b.stop();
  expect(s.commands.at(-1)).toMatchObject({ kind: 'change', timing: { intervalMs: 300 } });
  a.change({ intervalMs: 200, multiplier: 3 });
  expect(s.commands.at(-1)).toMatchObject({ kind: 'change', timing: { intervalMs: 200 } });
  a.stop();
  expect(s.commands.at(-1)).toEqual({ kind: 'stop', id: 1 });
});

test('who watches again while the stop goes on has the session back, as not yet up', () => {
  const s = service();
  s.watch().stop();
  const again = s.watch();
  expect(s.commands.map((c) => c.kind)).toEqual(['open', 'stop', 'resume', 'change']);
  expect(again.state).toBe('down');
  // The word that it is gone was under way already.
  s.emit({ kind: 'gone', id: 1 });
  expect(s.commands.at(-1)).toMatchObject({ kind: 'open', id: 2 });
  s.change(CAME_UP, UP, 1);
  expect(again.state).toBe('down');
  s.change(CAME_UP, UP, 2);
  expect(again.state).toBe('up');
});

test('a stopped path is forgotten, and watching it later is a new session', () => {
  const s = service();
  s.watch().stop();
  s.emit({ kind: 'gone', id: 1 });
  s.watch();
  expect(s.commands.at(-1)).toMatchObject({ kind: 'open', id: 2 });
});

test('an engine that dies takes no BGP session down: admin-down, and a second later all is watched again', () => {
  const s = service();
  const watch = s.watch();
  s.change(CAME_UP, UP);
  s.emit({ kind: 'broken', reason: { code: 'BFD_ENGINE_FAILED', text: 'the BFD thread ended' } });
  expect(s.heard.at(-1)).toBe('a admin-down BFD_ENGINE_FAILED');
  expect(watch.reason.code).toBe('BFD_ENGINE_FAILED');
  s.time.pass(1000);
  expect([s.engines(), s.commands.at(-1)?.kind]).toEqual([2, 'open']);
});

test('why packets do not leave is the reason while it is so', () => {
  const s = service();
  const watch = s.watch();
  const fault = { code: 'BFD_PORT_IN_USE', text: 'another program has the port' };
  s.emit({ kind: 'session', id: 1, snapshot: DOWN, fault });
  expect(watch.reason).toEqual(fault);
  s.emit({ kind: 'session', id: 1, snapshot: DOWN });
  expect(watch.reason.code).toBe('BFD_NOTHING_HEARD');
});

test('sessions are bounded, and one too many says so', () => {
  const s = service();
  for (let i = 0; i < MOST_SESSIONS; i++) s.watch({ address: (i + 1) as WatchSpec['address'] });
  const more = s.watch({ address: 0x7f000001 as WatchSpec['address'] });
  expect([more.state, more.reason.code]).toEqual(['admin-down', 'BFD_TOO_MANY_SESSIONS']);
  expect(more.view().reason.code).toBe('BFD_TOO_MANY_SESSIONS');
});

test.each([
  [9, 3],
  [60_001, 3],
  [100, 0],
  [100, 256],
  [100, 1.5],
  [Number.NaN, 3],
])('an interval of %d ms with multiplier %d is refused', (intervalMs, multiplier) => {
  const s = service();
  expect(() => s.watch({ intervalMs, multiplier })).toThrow(RangeError);
  expect(s.engines()).toBe(0);
});

test('closing waits for the last words, though not for ever', async () => {
  const s = service();
  s.watch();
  const closed = s.bfd.close();
  expect(s.commands.at(-1)).toEqual({ kind: 'close' });
  s.emit({ kind: 'closed' });
  await closed;
  const t = service();
  t.watch();
  const late = t.bfd.close();
  t.time.pass(250);
  await late;
});
