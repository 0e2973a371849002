/** The examples of the library, run as they stand: the listener prints what the announcer says. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = new URL('../../..', import.meta.url).pathname;
const folder = path.join(root, 'node_modules/.cache/gingham-test', `examples-${process.pid}`);
const LISTENER = '127.0.0.81';
const ANNOUNCER = '127.0.0.82';
const children: ChildProcess[] = [];

beforeAll(async () => {
  await build({
    entryPoints: ['listener', 'announcer'].map((name) => path.join(root, `src/bgp-js/examples/${name}.ts`)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    alias: { 'gingham/bgp-js': path.join(root, 'src/bgp-js/index.ts') },
    external: ['koffi'],
    logLevel: 'warning',
  });
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, LISTENER, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** Starts an example; `line` resolves when it has printed one like that. */
function run(name: string, ...args: string[]): { process: ChildProcess; line: (like: RegExp) => Promise<string> } {
  const child = spawn(process.execPath, [path.join(folder, `${name}.mjs`), ...args], { stdio: 'pipe' });
  children.push(child);
  let said = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      said += part;
      for (const look of waiting) look();
    });
  const line = (like: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = said.split('\n').find((text) => like.test(text));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      child.once('close', () => reject(new Error(`${name} ended before ${like}: ${said}`)));
      look();
    });
  return { process: child, line };
}

test('the listener prints the announcer’s routes of both families, and its last words', async () => {
  const port = `${await freePort()}`;
  const listener = run('listener', LISTENER, ANNOUNCER, port);
  const announcer = run('announcer', ANNOUNCER, LISTENER, port, '203.0.113.0/24', '2001:db8:7::/48');
  await listener.line(/^Established$/);
  expect(await listener.line(/203\.0\.113/)).toBe('+ 203.0.113.0/24 64513');
  expect(await listener.line(/2001:db8/)).toBe('+ 2001:db8:7::/48 64513');
  announcer.process.kill('SIGINT');
  expect(await listener.line(/NOTIFICATION/)).toContain('that was the example');
});

test('each example is about 20 lines, and stands in the README as it is', () => {
  const readme = fs.readFileSync(path.join(root, 'src/bgp-js/README.md'), 'utf8');
  for (const name of ['listener', 'announcer']) {
    const text = fs.readFileSync(path.join(root, `src/bgp-js/examples/${name}.ts`), 'utf8').trim();
    expect(text.split('\n').length).toBeLessThanOrEqual(25);
    expect(readme).toContain(text);
  }
});
