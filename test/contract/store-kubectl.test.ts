// needs: kubectl
/** The real kubectl against the embedded store, as a user would. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type StoreServer, startStoreServer } from '../../src/store/embedded/server.ts';
import { CRDS } from './store-crds.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-kubectl-'));
let server: StoreServer;

const flags = (): string[] => [
  '--server',
  `http://127.0.0.1:${server.port}`,
  '--kubeconfig',
  '/dev/null',
  '--cache-dir',
  path.join(folder, 'cache'),
];
const run = promisify(execFile);
const kubectl = async (...args: string[]): Promise<string> => (await run('kubectl', [...flags(), ...args])).stdout;
/** What kubectl says when it fails. */
const refusal = (...args: string[]): Promise<string> =>
  kubectl(...args).then(
    (out) => `no refusal: ${out}`,
    (error: { stderr: string }) => error.stderr,
  );
const file = (name: string, text: string): string => {
  const at = path.join(folder, name);
  fs.writeFileSync(at, text);
  return at;
};
const POOL = (mode: string): string => `apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata:
  name: lab-pool
spec:
  cidr: 10.244.0.0/16
  ipipMode: ${mode}
  natOutgoing: true
`;
const BLOCK = `apiVersion: crd.projectcalico.org/v1
kind: IPAMBlock
metadata:
  name: 10-244-104-0-26
spec:
  cidr: 10.244.104.0/26
  affinity: host:node-1
  allocations: [0, null, null]
  attributes: [{handle_id: h}]
  unallocated: [1, 2]
  strictAffinity: false
  sequenceNumber: 1795272333123456789
`;

describe('kubectl --server', () => {
  beforeAll(async () => {
    server = await startStoreServer({
      listen: { host: '127.0.0.1', port: 0 },
      dataDir: path.join(folder, 'data'),
      crds: CRDS,
    });
  });
  afterAll(async () => {
    await server?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('api-resources lists the kinds with their groups and scope', async () => {
    const lines = (await kubectl('api-resources')).split('\n');
    expect(lines.find((l) => l.startsWith('ippools'))).toMatch(/^ippools +crd\.projectcalico\.org\/v1 +false +IPPool$/);
    expect(lines.find((l) => l.startsWith('ipamblocks'))).toMatch(/ false +IPAMBlock$/);
    expect(lines.find((l) => l.startsWith('pods'))).toMatch(/^pods +po +v1 +true +Pod$/);
  });

  test('apply -f creates, changes, and finds nothing to change; get prints the columns of the CRD', async () => {
    expect(await kubectl('apply', '-f', file('pool.yaml', POOL('Always')))).toContain('lab-pool created');
    expect(await kubectl('apply', '-f', file('pool.yaml', POOL('CrossSubnet')))).toContain('lab-pool configured');
    expect(await kubectl('apply', '-f', file('pool.yaml', POOL('CrossSubnet')))).toContain('lab-pool unchanged');
    const [head, row] = (await kubectl('get', 'ippools')).split('\n');
    expect(head).toMatch(/^NAME +CIDR +IPIP +VXLAN +NAT +DISABLED +AGE$/);
    expect(row).toMatch(/^lab-pool +10\.244\.0\.0\/16 +CrossSubnet +true +\d+s$/);
  });

  test('an unknown field and a wrong value are refused with their names, and nothing is changed', async () => {
    expect(await refusal('apply', '-f', file('odd.yaml', `${POOL('Never')}colour: red\n`))).toContain(
      'unknown field "colour"',
    );
    expect(await refusal('apply', '-f', file('wrong.yaml', POOL('Sometimes')))).toContain(
      'spec.ipipMode: Unsupported value: "Sometimes": supported values: "Never", "Always", "CrossSubnet"',
    );
    expect(await kubectl('get', 'ippool', 'lab-pool', '-o', 'jsonpath={.spec.ipipMode}')).toBe('CrossSubnet');
  });

  test('get -o yaml shows the block with every digit of its sequence number', async () => {
    await kubectl('apply', '-f', file('block.yaml', BLOCK));
    expect(await kubectl('get', 'ipamblock', '10-244-104-0-26', '-o', 'yaml')).toContain(
      '  sequenceNumber: 1795272333123456789\n',
    );
    expect(await kubectl('get', 'ipamblocks')).toMatch(/10-244-104-0-26 +10\.244\.104\.0\/26 +host:node-1/);
  });

  test('patch --type merge and --type json change it, strategic is refused with the remedy', async () => {
    await kubectl(
      'patch',
      'ipamblock',
      '10-244-104-0-26',
      '--type',
      'merge',
      '-p',
      '{"spec":{"affinity":"host:node-2"}}',
    );
    await kubectl(
      'patch',
      'ipamblock',
      '10-244-104-0-26',
      '--type',
      'json',
      '-p',
      '[{"op":"replace","path":"/spec/allocations/1","value":0}]',
    );
    const paths = '{.spec.affinity} {.spec.allocations} {.spec.sequenceNumber}';
    expect(await kubectl('get', 'ipamblock', '10-244-104-0-26', '-o', `jsonpath=${paths}`)).toBe(
      'host:node-2 [0,0,null] 1795272333123456789',
    );
    expect(await refusal('patch', 'ippool', 'lab-pool', '--type', 'strategic', '-p', '{}')).toMatch(/strategic/i);
    expect(await refusal('apply', '--server-side', '-f', path.join(folder, 'pool.yaml'))).toContain(
      'run kubectl apply without --server-side',
    );
  });

  test('get -w prints an event for each change', async () => {
    const child: ChildProcess = spawn('kubectl', [
      ...flags(),
      'get',
      'ippools',
      '-w',
      '--no-headers',
      '--output-watch-events',
    ]);
    const lines: string[] = [];
    if (child.stdout !== null) readline.createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    const seen = (pattern: RegExp): Promise<void> =>
      vi.waitFor(() => expect(lines.join('\n')).toMatch(pattern), { timeout: 20_000, interval: 50 });
    try {
      await seen(/^ADDED +lab-pool/m);
      await kubectl('patch', 'ippool', 'lab-pool', '--type', 'merge', '-p', '{"spec":{"disabled":true}}');
      await seen(/^MODIFIED +lab-pool +10\.244\.0\.0\/16 +CrossSubnet +true +true/m);
      await kubectl('apply', '-f', file('second.yaml', POOL('Never').replace('lab-pool', 'second')));
      await seen(/^ADDED +second/m);
      await kubectl('delete', 'ippool', 'second');
      await seen(/^DELETED +second/m);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('diff, explain, dry run and label selectors work as on a cluster', async () => {
    const diff = await kubectl('diff', '-f', path.join(folder, 'pool.yaml')).catch(
      (e: { code: number; stdout: string }) => `${e.code} ${e.stdout}`,
    );
    expect(diff).toBe('');
    expect(await kubectl('explain', 'ippool.spec.ipipMode')).toContain('CrossSubnet');
    expect(await kubectl('apply', '--dry-run=server', '-f', file('dry.yaml', POOL('Never')))).toContain(
      '(server dry run)',
    );
    expect(await kubectl('get', 'ippool', 'lab-pool', '-o', 'jsonpath={.spec.ipipMode}')).toBe('CrossSubnet');
    await kubectl('label', 'ippool', 'lab-pool', 'tier=a');
    expect(await kubectl('get', 'ippools', '-l', 'tier=a', '-o', 'name')).toBe(
      'ippool.crd.projectcalico.org/lab-pool\n',
    );
    expect(await kubectl('get', 'ippools', '-l', 'tier!=a', '-o', 'name')).toBe('');
  });

  test('delete removes, and a second delete says NotFound', async () => {
    expect(await kubectl('delete', 'ippool', 'lab-pool')).toContain('deleted');
    expect(await refusal('delete', 'ippool', 'lab-pool')).toContain(
      'Error from server (NotFound): ippools.crd.projectcalico.org "lab-pool" not found',
    );
    expect(await kubectl('delete', '-f', path.join(folder, 'block.yaml'))).toContain('deleted');
  });
});
