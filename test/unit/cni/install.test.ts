/** What the init container does to a node, in folders of the test's own. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { confListText, isOurConfList } from '../../../src/cni/conf-list.ts';
import { readElfNeeds } from '../../../src/cni/elf.ts';
import { missingOnHost } from '../../../src/cni/host-libraries.ts';
import { CONF_LIST, installCni, removeConfList, removeExecutable } from '../../../src/cni/install.ts';
import { installedPods } from '../../../src/cni/installed-pods.ts';

const PLUGIN = '#!/bin/sh\necho \'{"cniVersion":"1.1.0","supportedVersions":["1.0.0"]}\'\n';
let top: string;
let log: string[];

beforeEach(() => {
  top = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-install-'));
  log = [];
  for (const dir of ['bin', 'conf', 'usr/lib']) fs.mkdirSync(path.join(top, dir), { recursive: true });
});
afterEach(() => fs.rmSync(top, { recursive: true, force: true }));

const at = (...parts: string[]): string => path.join(top, ...parts);
const options = (executable: string) => ({
  executable,
  binDir: at('bin'),
  confDir: at('conf'),
  socket: '/run/gingham/cni.sock',
  log: (text: string) => void log.push(text),
});
function plugin(text = PLUGIN): string {
  fs.writeFileSync(at('plugin'), text, { mode: 0o644 });
  return at('plugin');
}

test('the executable comes whole under its name, and the configuration names its socket', async () => {
  expect(await installCni(options(plugin()))).toEqual([]);
  expect(fs.readdirSync(at('bin'))).toEqual(['gingham']);
  expect(fs.statSync(at('bin/gingham')).mode & 0o777).toBe(0o755);
  const list = JSON.parse(fs.readFileSync(at('conf', CONF_LIST), 'utf8'));
  expect(list).toEqual({
    cniVersion: '1.0.0',
    name: 'k8s-pod-network',
    plugins: [{ type: 'gingham', socket: '/run/gingham/cni.sock' }],
  });
});

test('portmap is chained when the node has it', async () => {
  fs.writeFileSync(at('bin/portmap'), '');
  await installCni(options(plugin()));
  const list = JSON.parse(fs.readFileSync(at('conf', CONF_LIST), 'utf8'));
  expect(list.plugins[1]).toEqual({ type: 'portmap', snat: true, capabilities: { portMappings: true } });
});

test('a second install changes no file', async () => {
  await installCni(options(plugin()));
  const before = ['bin/gingham', `conf/${CONF_LIST}`].map((f) => fs.statSync(at(f)).ino);
  await installCni(options(plugin()));
  expect(['bin/gingham', `conf/${CONF_LIST}`].map((f) => fs.statSync(at(f)).ino)).toEqual(before);
});

test('an executable that does not answer VERSION gets neither its name nor a configuration', async () => {
  const problems = await installCni(options(plugin('#!/bin/sh\nexit 3\n')));
  expect(problems.map((p) => p.code)).toEqual(['CNI_EXECUTABLE_FAILS']);
  expect(fs.readdirSync(at('bin'))).toEqual([]);
  expect(fs.readdirSync(at('conf'))).toEqual([]);
});

test("another network's configuration that comes first is named", async () => {
  fs.writeFileSync(at('conf/00-other.conflist'), '{}');
  await installCni(options(plugin()));
  expect(log.join('\n')).toContain('00-other.conflist comes first by name');
});

test("Node.js's own needs are read from its ELF headers", () => {
  const needs = readElfNeeds(fs.readFileSync(process.execPath));
  expect(needs?.loader).toContain('ld-');
  const libc = needs?.libraries.find((l) => l.name === 'libc.so.6');
  expect(libc?.versions.some((v) => v.startsWith('GLIBC_2.'))).toBe(true);
  expect(missingOnHost(needs ?? { machine: 0, libraries: [] }, '/usr')).toEqual([]);
});

test('a host without the loader and the libraries is told what to install, before anything is written', async () => {
  const problems = await installCni({ ...options(process.execPath), hostUsrDir: at('usr') });
  expect(problems[0]?.code).toBe('CNI_LOADER_MISSING');
  expect(problems.map((p) => p.text).join('\n')).toContain('apt install libstdc++6');
  expect(fs.readdirSync(at('bin'))).toEqual([]);
});

test('a host whose library is too old is told which version it lacks', () => {
  fs.writeFileSync(at('usr/lib/libc.so.6'), '\0GLIBC_2.17\0');
  const problems = missingOnHost(
    { machine: 62, libraries: [{ name: 'libc.so.6', versions: ['GLIBC_2.17', 'GLIBC_2.28'] }] },
    at('usr'),
  );
  expect(problems.map((p) => p.code)).toEqual(['CNI_LIBRARY_TOO_OLD']);
  expect(problems[0]?.text).toContain('lacks GLIBC_2.28');
});

test('damaged ELF bytes are no ELF file, and never an exception', () => {
  const whole = fs.readFileSync(process.execPath).subarray(0, 1 << 16);
  for (const cut of [0, 3, 16, 63, 64, 200, 4096]) expect(() => readElfNeeds(whole.subarray(0, cut))).not.toThrow();
  const wild = Buffer.from(whole);
  wild.fill(0xff, 32, 64);
  expect(() => readElfNeeds(wild)).not.toThrow();
});

test('the way back: only what is ours by name and content', async () => {
  await installCni(options(plugin()));
  fs.writeFileSync(at('bin/.gingham.77.tmp'), 'half');
  fs.writeFileSync(at('bin/bridge'), '');
  expect(removeConfList({ confDir: at('conf') })).toBe('removed');
  expect(removeConfList({ confDir: at('conf') })).toBe('absent');
  removeExecutable({ binDir: at('bin') });
  expect(fs.readdirSync(at('bin'))).toEqual(['bridge']);
  fs.writeFileSync(at('conf', CONF_LIST), '{"plugins":[{"type":"bridge"}]}');
  expect(removeConfList({ confDir: at('conf') })).toBe('foreign');
  expect(isOurConfList(confListText({ socket: '/s', portmap: false }))).toBe(true);
});

test('pods are known from the records alone, a damaged record too', () => {
  expect(installedPods(at('none'))).toEqual([]);
  fs.mkdirSync(at('cni/workloads'), { recursive: true });
  fs.writeFileSync(at('cni/workloads/a@eth0.json'), '{"namespace":"web","pod":"front","address":"10.244.1.7"}');
  fs.writeFileSync(at('cni/workloads/b@eth0.json'), '{');
  expect(installedPods(top)).toEqual(['container b@eth0', 'web/front 10.244.1.7']);
});
