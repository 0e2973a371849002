import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  claimLab,
  findLab,
  findLabNode,
  type LabRecord,
  labsDirs,
  listLabs,
  processStart,
  removeLab,
  sweepLabs,
  writeLab,
} from '../../../src/lab/machine/registry.ts';

let dir = '';
beforeEach(() => {
  dir = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-test-')), 'labs');
  process.env['GINGHAM_LAB_DIR'] = dir;
});
afterEach(() => {
  delete process.env['GINGHAM_LAB_DIR'];
  fs.rmSync(path.dirname(dir), { recursive: true, force: true });
});

function claimed(name: string): string {
  const claim = claimLab(name);
  if ('clash' in claim) throw new Error(claim.clash);
  return claim.dir;
}
function running(name: string, change: Partial<LabRecord> = {}): string {
  const folder = claimed(name);
  writeLab(folder, {
    name,
    dir: folder,
    pid: process.pid,
    startTime: processStart(process.pid) ?? '',
    user: 0,
    userNamespace: false,
    ready: true,
    encap: 'ipip',
    startedAt: '',
    nodes: ['node1', 'node2'].map((n) => ({
      name: n,
      kind: 'gingham',
      address: '',
      socket: path.join(folder, n, 'control.sock'),
      netns: '',
    })),
    pods: [],
    ...change,
  });
  return folder;
}

test('a node is found by name, and without a name the first is meant', () => {
  const folder = running('blue');
  expect(findLabNode('blue', 'node2')).toEqual({ name: 'node2', socket: `${folder}/node2/control.sock` });
  expect(findLabNode(undefined, undefined)?.name).toBe('node1');
  expect(findLabNode('blue', 'node9')).toBeUndefined();
  expect(findLabNode('red', undefined)).toBeUndefined();
});

test('without a lab\'s name the only one is meant, and among several the one called "gingham"', () => {
  running('blue');
  expect(findLab(undefined)?.name).toBe('blue');
  running('red');
  expect(findLab(undefined)).toBeUndefined();
  running('gingham');
  expect(findLab(undefined)?.name).toBe('gingham');
});

test('a name that is taken is refused with the line that frees it', () => {
  running('blue');
  const claim = claimLab('blue');
  expect('clash' in claim && claim.clash).toContain('gingham lab down blue');
});

test('a name counts as taken as soon as somebody starts with it', () => {
  claimed('blue');
  expect('clash' in claimLab('blue')).toBe(true);
});

test('a lab whose supervisor is gone is not listed, and its name is free again', () => {
  const folder = running('blue', { pid: 2 ** 22 + 1 });
  fs.writeFileSync(path.join(folder, 'owner'), `${2 ** 22 + 1} 1`);
  expect(listLabs()).toEqual([]);
  expect(claimed('blue')).toBe(folder);
});

test('another process with the number of a dead supervisor is not taken for it', () => {
  const folder = running('blue', { startTime: '12345' });
  fs.writeFileSync(path.join(folder, 'owner'), `${process.pid} 12345`);
  sweepLabs();
  expect(fs.existsSync(folder)).toBe(false);
});

test('the last lab takes the folder of labs with it', () => {
  const blue = running('blue');
  const red = running('red');
  removeLab(blue);
  expect(fs.existsSync(dir)).toBe(true);
  removeLab(red);
  expect(fs.existsSync(dir)).toBe(false);
});

test('when no folder can be had, all that were tried are named, with the variable that helps', () => {
  fs.writeFileSync(dir, 'a file where the folder should be');
  expect(() => claimLab('blue')).toThrow(/GINGHAM_LAB_DIR/);
});

test("root's labs are in one place, a user's in the runtime folder or in /tmp", () => {
  expect(labsDirs({ XDG_RUNTIME_DIR: '/run/user/1000' }, 0)).toEqual(['/run/gingham-lab']);
  expect(labsDirs({ XDG_RUNTIME_DIR: '/run/user/1000' }, 1000)[0]).toBe('/run/user/1000/gingham');
  expect(labsDirs({}, 1000)).toEqual(['/tmp/gingham-1000', '/run/user/1000/gingham']);
});
