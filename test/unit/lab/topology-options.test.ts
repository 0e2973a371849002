/** `gingham lab up --topology FILE`: what can stand beside it, and what this machine must have for it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { nsenterArgs } from '../../../src/lab/enter.ts';
import { checkLabOptions, DEFAULT_LAB } from '../../../src/lab/mesh/options.ts';
import { preflight } from '../../../src/lab/mesh/preflight.ts';
import { loadTopology } from '../../../src/lab/topology/load.ts';

let dir = '';
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-test-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));
const write = (text: string): string => {
  const file = path.join(dir, 't.clab.yml');
  fs.writeFileSync(file, text);
  return file;
};

test('a file has its own nodes: flags that number them are refused beside it', () => {
  expect(checkLabOptions({ topology: 'x', name: 'blue', detach: true }).ok).toBe(true);
  expect(checkLabOptions({ topology: 'x', nodes: 5, encap: 'vxlan' })).toEqual({
    ok: false,
    error: ['--topology x has nodes and settings of its own: leave --nodes, --encap out.'],
  });
});

test('a file that is not there is a sentence', () => {
  const loaded = loadTopology(path.join(dir, 'none.yml'));
  expect(!loaded.ok && loaded.error.join()).toMatch(/--topology .*none\.yml: ENOENT/);
});

test('binds that are not there and programs that are not installed are named with the file', () => {
  const file = write(`
name: t
topology:
  defaults: { kind: linux, image: x }
  nodes:
    a: { cmd: no-such-program, binds: ["missing:/x"] }
    b: { cmd: gingham node, binds: ["t.clab.yml:/x"] }
    c: { cmd: /tools/run, binds: ["../:/tools"] }
`);
  const loaded = loadTopology(file);
  expect(!loaded.ok && loaded.error).toEqual([
    `t.clab.yml: topology.nodes.a.binds: there is no ${dir}/missing.`,
    't.clab.yml: topology.nodes.a runs no-such-program, which this machine does not have. Debian, Ubuntu: apt install no-such-program.',
  ]);
});

test('a topology needs what enters and turns mount namespaces, and no nft', () => {
  const having = (name: string): string | undefined => (name === 'unshare' ? '/usr/bin/unshare' : undefined);
  const { faults, warnings } = preflight({ ...DEFAULT_LAB, topology: 'x' }, having, 'linux');
  expect(faults).toEqual(['nsenter and pivot_root are needed for a topology. Debian, Ubuntu: apt install util-linux.']);
  expect(warnings).toEqual([]);
});

test('a command goes into a node by way of the lab: the node is known there only', () => {
  const node = { name: 'r1', kind: 'linux' as const, address: '', socket: '', netns: '/run/netns/r1', init: 7 };
  const lab = {
    ...{ name: 't', dir, pid: 99, startTime: '', user: 1000, userNamespace: true, ready: true, encap: 'none' as const },
    ...{ startedAt: '', nodes: [node], pods: [] },
  };
  const args = nsenterArgs(lab, 'r1', '/home', ['ip', 'addr'])?.join(' ');
  expect(args).toMatch(
    /^--target=99 --user --preserve-credentials --mount --pid -- nsenter --target=7 --mount .* ip addr$/,
  );
  expect(nsenterArgs(lab, 'r2', '/home', ['true'])).toBeUndefined();
});

test('every expected.json is as its schema says, and names nodes of its topology', () => {
  const containerlab = new URL('../../../containerlab/', import.meta.url).pathname;
  const schema: object = JSON.parse(fs.readFileSync(path.join(containerlab, 'expected.schema.json'), 'utf8'));
  const validate = new Ajv({ strict: false }).compile(schema);
  const names = fs.readdirSync(containerlab).filter((d) => fs.existsSync(path.join(containerlab, d, 'expected.json')));
  expect(names).toContain('mesh-bird');
  for (const name of names) {
    const expected: unknown = JSON.parse(fs.readFileSync(path.join(containerlab, name, 'expected.json'), 'utf8'));
    expect(validate(expected), JSON.stringify(validate.errors)).toBe(true);
    const topology = fs.readFileSync(path.join(containerlab, name, `${name}.clab.yml`), 'utf8');
    for (const [, node] of JSON.stringify(expected).matchAll(/"node":"([^"]+)"/g))
      expect(topology).toContain(`${node}:`);
  }
});

test('the image that mesh-bird asks for is the one that images/build.sh makes of this version', () => {
  const file = new URL('../../../containerlab/mesh-bird/mesh-bird.clab.yml', import.meta.url);
  expect(fs.readFileSync(file, 'utf8')).toContain(`gingham-lab:${packageJson.version}}`);
});
