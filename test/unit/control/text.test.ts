import { expect, test } from 'vitest';
import { toStatusView } from '../../../src/control/health.ts';
import { listJsonPieces, toListJson, toObjectJson } from '../../../src/control/json.ts';
import { formatMetrics } from '../../../src/control/metrics.ts';
import { formatPeer } from '../../../src/control/peer-text.ts';
import { formatStatus } from '../../../src/control/status-text.ts';
import { noPaint, type Paint, plain } from '../../../src/control/table.ts';
import {
  formatAdvertised,
  formatBlocks,
  formatMatch,
  formatPeers,
  formatPods,
  formatReceived,
  formatRoutes,
  type Told,
} from '../../../src/control/text.ts';
import { formatAge, formatLocalPref } from '../../../src/control/units.ts';
import { formatWhy } from '../../../src/control/why-text.ts';
import { ALONE, BLOCKS, BROKEN, CLUSTER, NOW, PEERS, PODS, ROUTES, WHY } from './fake-views.ts';

const options = { paint: noPaint, headers: true, now: NOW };
const alone = <T>(views: readonly T[]): Told<T>[] => views.map((view) => ({ view }));
const file = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;

const TABLES: readonly (readonly [string, readonly string[]])[] = [
  ['peers', formatPeers(alone(PEERS), options)],
  [
    'peers-of-two-nodes',
    formatPeers(
      [
        { node: 'node1', view: PEERS[0]! },
        { node: 'node2', view: PEERS[2]! },
      ],
      options,
    ),
  ],
  ['peer-up', formatPeer(PEERS[1]!, NOW, noPaint)],
  ['peer-down', formatPeer(PEERS[3]!, NOW, noPaint)],
  ['peer-stale', formatPeer(PEERS[2]!, NOW, noPaint)],
  ['routes', formatRoutes(alone(ROUTES), options)],
  [
    'routes-of-address',
    [
      formatMatch('10.244.166.130', [ROUTES[2]!, ROUTES[0]!]),
      ...formatRoutes(alone([ROUTES[2]!, ROUTES[0]!]), options),
    ],
  ],
  ['routes-received', formatReceived(alone(ROUTES), options)],
  [
    'routes-advertised',
    formatAdvertised(
      alone([
        { ...ROUTES[0]!, action: 'sent' },
        { ...ROUTES[2]!, action: 'kept back', reason: { code: 'NO_TRANSIT', text: 'this peer is sent only our own' } },
      ]),
      options,
    ),
  ],
  ['why', formatWhy(WHY, noPaint)],
  ['blocks', formatBlocks(alone(BLOCKS), options)],
  ['pods', formatPods(alone(PODS), options)],
  ['status-alone', formatStatus(toStatusView(ALONE), noPaint)],
  ['status-cluster', formatStatus(toStatusView(CLUSTER), noPaint)],
  ['status-broken', formatStatus(toStatusView(BROKEN), noPaint)],
];

test('metrics: names, labels and values', async () => {
  const blockOrigins = { valid: 3, invalid: 1, unknown: 0 };
  const text = formatMetrics({ status: CLUSTER, peers: PEERS, blockOrigins });
  await expect(text).toMatchFileSnapshot(file('metrics.txt'));
});

test.each(TABLES)('%s as people see it', async (name, lines) => {
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(file(`${name}.txt`));
});

const JSONS: readonly (readonly [string, string])[] = [
  ['peers', toListJson('PeerList', alone(PEERS), NOW, 'node1')],
  ['routes', toListJson('RouteList', alone(ROUTES), NOW, 'node1')],
  [
    'blocks',
    toListJson(
      'BlockList',
      BLOCKS.map((view) => ({ node: 'node1', view })),
      NOW,
    ),
  ],
  ['pods', toListJson('PodList', alone(PODS), NOW, 'node1')],
  ['status', toObjectJson('Status', toStatusView(BROKEN), NOW, 'node1')],
  ['empty', toListJson('PodList', [], NOW, 'node1')],
];

test.each(JSONS)('%s as programs see it', async (name, json) => {
  await expect(`${json}\n`).toMatchFileSnapshot(file(`${name}.json.txt`));
});

test('status is at most 12 lines, and its first line can be grepped', () => {
  for (const facts of [ALONE, CLUSTER, BROKEN]) {
    const lines = formatStatus(toStatusView(facts), noPaint);
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines[0]).toMatch(/^mesh: (OK|DEGRADED) {2}/);
  }
});

test('a peer that is not Established has a reason on its line, and no counts', () => {
  const lines = formatPeers(alone(PEERS), { ...options, headers: false });
  expect(lines.filter((l) => /Connect|Active/.test(l)).every((l) => /[A-Z_]{5,}: /.test(l))).toBe(true);
  for (const line of lines.slice(2)) expect(line).toMatch(/ - {2,}- {2,}- /);
});

test('every row has as many columns as the header, so awk can count them', () => {
  const [head, ...rows] = formatBlocks(alone(BLOCKS.slice(0, 1)), options);
  expect(rows[0]?.trim().split(/ {2,}/)).toHaveLength((head?.trim().split(/ {2,}/).length ?? 0) - 1); // REASON is empty
  expect(rows.join('')).not.toMatch(/ $/);
});

test('colour marks words and changes nothing else', () => {
  const bracket: Paint = (kind, text) => `<${kind}>${text}</>`;
  const painted = formatPeers(alone(PEERS), { ...options, paint: bracket });
  expect(painted.map((l) => l.replace(/<[^>]*>/g, ''))).toEqual(formatPeers(alone(PEERS), options));
  expect(painted[1]).toContain('<good>Established</>');
});

test('what a stranger wrote cannot drive the terminal', () => {
  expect(plain('a\u001b[2J\u009b\u202e\u2028b\nc')).toBe('a·[2J···b·c');
  expect(formatPeers(alone(PEERS), options).join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});

test.each([
  [0, '0s'],
  [59.9, '59s'],
  [134, '2m14s'],
  [3600, '1h'],
  [15120, '4h12m'],
  [273660, '3d4h'],
])('%d seconds are %s', (seconds, text) => expect(formatAge(seconds)).toBe(text));

test.each([
  [2147482623, 'p1024'],
  [2147483647, 'p0'],
  [100, '100'],
  [4294967295, '4294967295'],
])('LOCAL_PREF %d is shown as %s', (value, text) => expect(formatLocalPref(value)).toBe(text));

test('a node alone with all its sessions is OK; every part of a broken one is named', () => {
  expect(toStatusView(ALONE)).toMatchObject({ health: 'OK', problems: [] });
  expect(toStatusView(BROKEN).problems.map((p) => p.code)).toEqual([
    'STARTING',
    'SESSIONS_DOWN',
    'KERNEL_ROUTES_FAILED',
    'FOREIGN_ROUTE_IN_THE_WAY',
    'ENETUNREACH',
    'STORE_UNREACHABLE',
    'NO_POOL',
    'TUNNEL_DOWN',
    'NO_BLOCK',
    'CONFIG_REFUSED',
  ]);
});

test('a list in pieces is the list, whatever the pages are', () => {
  const rows = alone(ROUTES);
  for (const size of [1, 2, rows.length]) {
    const pieces = listJsonPieces('RouteList', NOW, 'node1');
    let text = '';
    for (let at = 0; at < rows.length; at += size) text += pieces.items(rows.slice(at, at + size));
    expect(text + pieces.end()).toBe(toListJson('RouteList', rows, NOW, 'node1'));
  }
  expect(listJsonPieces('PodList', NOW).end()).toBe(toListJson('PodList', [], NOW));
});
