import { expect, test } from 'vitest';
import { checkHealth, formatHealth } from '../../../src/control/health-check.ts';
import type { StatusFacts } from '../../../src/control/views.ts';

const facts = (change: Partial<StatusFacts> = {}): StatusFacts => ({
  node: 'n1',
  asn: 64512,
  routerId: '10.9.0.1',
  mode: 'cluster',
  phase: 'running',
  process: { pid: 1, version: '0', startedAt: '', uptimeSeconds: 1, residentBytes: 1, cpuSeconds: 1 },
  configPath: '/f',
  bgp: { sessionsTotal: 2, sessionsEstablished: 2, down: [] },
  routes: { prefixes: 1, paths: 1, rejected: 0, stale: 0 },
  kernel: { install: true, wanted: 1, installed: 1, held: 0, failed: 0, foreign: 0, problems: [] },
  store: { server: 's', inSync: true },
  cni: { ready: true, pods: 0, adds: 0, errors: 0 },
  ...change,
});
const ready = (change: Partial<StatusFacts>): boolean => checkHealth(facts(change)).ready;
const sessions = (up: number, total: number) => ({ sessionsTotal: total, sessionsEstablished: up, down: [] });

test('one dead node does not make this one unready; all of several do', () => {
  expect(ready({ bgp: sessions(1, 2) })).toBe(true);
  expect(ready({ bgp: sessions(0, 1) })).toBe(true);
  expect(ready({ bgp: sessions(0, 0) })).toBe(true);
  expect(ready({ bgp: sessions(0, 2) })).toBe(false);
});

test('a store that was followed and is away leaves the daemon ready, one that never answered does not', () => {
  const store = { server: 's', inSync: false, reason: { code: 'STORE_UNREACHABLE', text: 'gone' } };
  expect(ready({ store })).toBe(true);
  expect(ready({ store, phase: 'starting' })).toBe(false);
});

test('the text names which part and why', () => {
  const report = checkHealth(
    facts({
      bgp: sessions(1, 2),
      cni: { ready: false, pods: 0, adds: 0, errors: 0, reason: { code: 'NO_BLOCK_YET', text: 'no block' } },
    }),
  );
  expect(formatHealth(report)).toBe(`[+]daemon ok
[+]store ok
[+]bgp ok (SESSIONS_DOWN: 1 of 2 sessions are down)
[+]kernel ok
[-]cni NO_BLOCK_YET: no block
not ready
`);
});
