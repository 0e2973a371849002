/** The library as others get it: one file, found by the package's export, in a folder where nothing else is installed. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = new URL('../../..', import.meta.url).pathname;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-bundle-'));

beforeAll(() => {
  // Built as for release, which other tests of this run may be reading: into a folder of our own.
  const built = spawnSync(process.execPath, ['.build.mjs', 'bgp-js', path.join(folder, 'node_modules/gingham/dist')], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(built.stderr).toBe('');
  fs.copyFileSync(path.join(root, 'package.json'), path.join(folder, 'node_modules/gingham/package.json'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
}, 60_000);
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function run(program: string): { readonly out: string; readonly said: string } {
  fs.writeFileSync(path.join(folder, 'program.mjs'), program);
  const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { out: stdout.trim(), said: stderr.trim() };
}

test('it is one file, and asks for nothing but Node.js itself until a socket option is wanted', () => {
  expect(fs.readdirSync(path.join(folder, 'node_modules/gingham/dist'))).toEqual(['bgp-js.js']);
  const text = fs.readFileSync(path.join(folder, 'node_modules/gingham/dist/bgp-js.js'), 'utf8');
  const imports = [...text.matchAll(/^import .* from "([^"]+)";$|\bimport\("([^"]+)"\)/gm)].map((m) => m[1] ?? m[2]);
  expect(imports.filter((name) => !name?.startsWith('node:'))).toEqual([]);
  expect(text).not.toMatch(/grpc|client-node|lmdb/);
});

test('another package imports it by name and decodes', () => {
  const { out, said } = run(`
    import { decodeMessage, KEEPALIVE_MESSAGE } from 'gingham/bgp-js';
    console.log(JSON.stringify(decodeMessage(KEEPALIVE_MESSAGE, 0, KEEPALIVE_MESSAGE.length)));
  `);
  expect(said).toBe('');
  expect(out).toBe('{"ok":true,"value":{"type":"keepalive"}}');
});

test('two sessions come up without koffi, and one with a password says by name that it cannot', () => {
  const { out, said } = run(`
    import { BgpSession, listenBgp, nodePorts, parseIpv4, sessionListener } from 'gingham/bgp-js';
    const [us, them] = [parseIpv4('127.0.0.85'), parseIpv4('127.0.0.86')];
    const common = { localAsn: 64512, peerAsn: 64512, holdTimeSec: 90, connectRetrySec: 1 };
    const server = new BgpSession({ ...common, bgpIdentifier: us, peerAddress: them, peerPort: 179, passive: true }, nodePorts, sessionListener({}));
    server.start();
    const listener = await listenBgp({ address: us, port: 0, accepts: (a) => a === them, onConnection: (c) => server.accept(c) });
    const dialled = { ...common, bgpIdentifier: them, localAddress: them, peerAddress: us, peerPort: listener.port, passive: false };
    const client = new BgpSession(dialled, nodePorts, sessionListener({ onEstablished: () => {
      console.log('up');
      new BgpSession({ ...dialled, password: 'secret' }, nodePorts, sessionListener({ onDown: (down) => {
        console.log(down.code);
        process.exit(0);
      } })).start();
    } }));
    client.start();
  `);
  expect(said).toBe('');
  expect(out).toBe('up\nTCP_MD5_UNAVAILABLE');
});

test('its types hold for the compiler of a package that knows nothing of ours', () => {
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const types = path.join(folder, 'node_modules/gingham/dist/types');
  const compile = (...args: string[]): string =>
    spawnSync(process.execPath, [tsc, ...args], { cwd: folder, encoding: 'utf8' }).stdout;
  expect(compile('-p', path.join(root, 'src/bgp-js/tsconfig.types.json'), '--outDir', types)).toBe('');
  fs.copyFileSync(path.join(root, 'src/bgp-js/examples/listener.ts'), path.join(folder, 'listener.ts'));
  fs.symlinkSync(path.join(root, 'node_modules/@types'), path.join(folder, 'node_modules/@types'));
  const flags = ['--noEmit', '--strict', '--module', 'NodeNext', '--target', 'ES2023', '--types', 'node'];
  expect(compile(...flags, 'listener.ts')).toBe('');
}, 120_000);
