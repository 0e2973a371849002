import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { EXIT_TEXT } from '../../../src/cli/exit-codes.ts';
import { wantsColour } from '../../../src/cli/terminal.ts';
import { type FakeDaemon, fakeDaemon, gingham } from './fake-daemon.ts';

let daemon: FakeDaemon;
beforeAll(async () => {
  daemon = await fakeDaemon();
});
afterAll(() => daemon.close());
const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;

test('help begins with three examples and ends with the exit codes', async () => {
  const { out } = await gingham(['--help']);
  expect(out.split('\n').slice(0, 5)).toEqual([
    'Examples:',
    expect.stringMatching(/^ {2}\$ gingham /),
    expect.stringMatching(/^ {2}\$ gingham /),
    expect.stringMatching(/^ {2}\$ gingham /),
    '',
  ]);
  for (const [code, text] of EXIT_TEXT) expect(out).toMatch(new RegExp(`^ {2}${code} +${text}$`, 'm'));
  await expect(out).toMatchFileSnapshot(golden('help.txt'));
});

test.each(COMMANDS.map((c) => [c.path.join(' '), c] as const))(
  'help of %s begins with its examples, which are of that command',
  async (_name, row) => {
    const { out, code } = await gingham([...row.path, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/^Examples:\n {2}\$ gingham /);
    expect(row.examples.some((e) => e.startsWith(`gingham ${row.path.join(' ')}`))).toBe(true);
  },
);

test('-o json is one envelope for every list, with the node and the time', async () => {
  for (const [verb, kind] of [
    ['peers', 'PeerList'],
    ['routes', 'RouteList'],
    ['blocks', 'BlockList'],
    ['pods', 'PodList'],
  ] as const) {
    const { out } = await gingham([verb, '-o', 'json', '--socket', daemon.socket]);
    const parsed = JSON.parse(out);
    expect(parsed).toMatchObject({
      apiVersion: 'gingham.dev/v1',
      kind,
      metadata: { generatedAt: '2026-11-21T01:20:00.000Z', node: 'tower' },
    });
    expect(Array.isArray(parsed.items)).toBe(true);
  }
});

test('-o json of one peer is a list of one', async () => {
  const { out } = await gingham(['peers', 'node2', '-o', 'json', '--socket', daemon.socket]);
  expect(JSON.parse(out).items.map((p: { name: string }) => p.name)).toEqual(['node2']);
});

test('--no-headers leaves only rows', async () => {
  const { out } = await gingham(['pods', '--no-headers', '--socket', daemon.socket]);
  expect(out.split('\n')[0]).toMatch(/^default /);
});

test('an address shows what it is in, then the longest match first', async () => {
  const { out } = await gingham(['routes', '10.244.1.7', '--socket', daemon.socket]);
  expect(out).toMatch(/^10\.244\.1\.7 is in /);
});

test('one peer is shown in full', async () => {
  const { out } = await gingham(['peers', 'tor-a', '--socket', daemon.socket]);
  expect(out).toMatch(/^tor-a \(192\.168\.34\.254, AS 65000\)/);
  expect(out).toContain('why now');
});

test('an alias works and teaches the short form on standard error', async () => {
  const ran = await gingham(['show', 'ip', 'bgp', 'summary', '--socket', daemon.socket]);
  expect(ran).toMatchObject({ code: 0, err: 'gingham: "show ip bgp summary" is "gingham peers" here\n' });
  expect(ran.out).toMatch(/^PEER /);
});

test('no colour when piped; colour on a terminal; NO_COLOR and TERM=dumb win over it', async () => {
  const bytes = async (env: Record<string, string>, tty: boolean): Promise<boolean> =>
    (await gingham(['peers', '--socket', daemon.socket], env, tty)).out.includes('\u001b[');
  expect(await bytes({ TERM: 'xterm' }, false)).toBe(false);
  expect(await bytes({ TERM: 'xterm' }, true)).toBe(true);
  expect(await bytes({ TERM: 'xterm', NO_COLOR: '1' }, true)).toBe(false);
  expect(await bytes({ TERM: 'dumb' }, true)).toBe(false);
});

test.each([
  [{ NO_COLOR: '' }, true, true],
  [{ NO_COLOR: '1', CLICOLOR_FORCE: '1' }, true, false],
  [{ CLICOLOR_FORCE: '1', TERM: 'dumb' }, false, true],
  [{ CLICOLOR_FORCE: '0' }, false, false],
])('environment %j, terminal %s: colour %s (no-color.org)', (env, outIsTty, expected) => {
  expect(wantsColour({ env, outIsTty })).toBe(expected);
});

test('config settings lists every setting with what a change of it needs', async () => {
  const { out, code } = await gingham(['config', 'settings']);
  expect(code).toBe(0);
  await expect(out).toMatchFileSnapshot(golden('settings.txt'));
});
