/** The command as a process: what only a process has. It is bundled as the build does it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fakeDaemon } from './fake-daemon.ts';

let dir: string;
let metafile: Metafile;
const root = new URL('../../..', import.meta.url).pathname;
const running: ChildProcess[] = [];

beforeAll(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-cli-'));
  const built = await build({
    absWorkingDir: root,
    entryPoints: { gingham: 'src/cli/main.ts' },
    outdir: dir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    loader: { '.proto': 'text' },
    external: ['koffi', 'lmdb'],
    outExtension: { '.js': '.mjs' },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    metafile: true,
  });
  metafile = built.metafile;
}, 60_000);
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  fs.rmSync(dir, { recursive: true, force: true });
});

function start(...argv: string[]): ChildProcess {
  const child = spawn(process.execPath, [path.join(dir, 'gingham.mjs'), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  return child;
}

test('what starts at once holds no gRPC, no YAML, no zod, no FFI, no logger: --help waits for none of them', () => {
  const seen = new Set<string>();
  const walk = (output: string): void => {
    if (seen.has(output)) return;
    seen.add(output);
    for (const i of metafile.outputs[output]?.imports ?? [])
      if (i.kind === 'import-statement' && !i.external) walk(i.path);
  };
  walk(Object.keys(metafile.outputs).find((o) => metafile.outputs[o]?.entryPoint === 'src/cli/main.ts') ?? '');
  const inputs = [...seen].flatMap((o) => Object.entries(metafile.outputs[o]?.inputs ?? {}));
  const packages = new Set(
    inputs
      .filter(([, i]) => i.bytesInOutput > 0)
      .flatMap(([file]) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []),
  );
  expect([...packages]).toEqual(['commander']);
});

test("the exit code is the process's", async () => {
  const [code] = await once(start('peerz'), 'exit');
  expect(code).toBe(2);
});

test('Ctrl-C while a daemon does not answer: 130', async () => {
  let called = (): void => {};
  const asked = new Promise<void>((done) => {
    called = done;
  });
  const daemon = await fakeDaemon({
    pods: () => {
      called();
      return new Promise(() => {});
    },
  });
  const child = start('pods', '--socket', daemon.socket, '--timeout', '60s');
  await asked;
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  expect(code).toBe(130);
  await daemon.close();
});

test.each([[[]], [['-']]])('decode %j reads standard input, gzipped or not', async (args) => {
  for (const packed of [false, true]) {
    const child = spawn(process.execPath, [path.join(dir, 'gingham.mjs'), 'decode', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    running.push(child);
    let out = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      out += bytes.toString();
    });
    const message = Buffer.from(`${'ff'.repeat(16)}001304`, 'hex');
    child.stdin?.end(packed ? gzipSync(message) : message);
    const [code] = await once(child, 'close');
    expect({ code, out }).toEqual({ code: 0, out: 'KEEPALIVE\n' });
  }
});

test('a reader that has seen enough ends the command quietly', async () => {
  const child = start('--help');
  child.stdout?.destroy();
  let err = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(err).toBe('');
});

test('a faulty configuration ends the daemon with 2 before it touches anything', async () => {
  const file = path.join(dir, 'faulty.yaml');
  fs.writeFileSync(file, 'asn: 0\nholdTime: 1\n');
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(dir, 'node_modules'));
  const child = start('node', '--config', file);
  let err = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  const [code] = await once(child, 'close');
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(/asn.*holdTime/s) });
});
