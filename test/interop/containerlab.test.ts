// needs: namespaces bird ip ping
/** The topologies of containerlab/ without containerlab: by the namespace runner, with a real BIRD 2. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { findLab } from '../../src/lab/machine/registry.ts';
import { eventually, GINGHAM, gingham, makeLabsDir, openLab } from '../support/lab.ts';

const top = new URL('../..', import.meta.url).pathname;
const MESH = path.join(top, 'containerlab/mesh-bird/mesh-bird.clab.yml');
const labsDir = makeLabsDir();
afterEach(() => {
  for (const name of ['mesh-bird', 'small']) if (findLab(name)) gingham('lab', 'down', name);
});
afterAll(() => fs.rmSync(labsDir, { recursive: true, force: true }));

const processes = (): string[] =>
  fs.readdirSync('/proc').filter((entry) => {
    try {
      return Number(entry) !== process.pid && fs.readFileSync(`/proc/${entry}/cmdline`, 'latin1').includes(labsDir);
    } catch {
      return false;
    }
  });
/** What there is of labs of this file: others may be at work on this machine. */
const traces = (): readonly string[] => [
  ...spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => /^\d+: (?:gingham[12]|bird3|br0|br9|p[12])[@:]/.test(line)),
  ...(fs.existsSync('/run/netns') ? fs.readdirSync('/run/netns') : []).filter((n) =>
    /^(?:gingham[12]|bird3|sw|a|b)$/.test(n),
  ),
  ...fs
    .readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('gingham ') || line.includes(labsDir)),
  ...(fs.existsSync(path.join(labsDir, 'l')) ? [path.join(labsDir, 'l')] : []),
  ...processes(),
];
const nothingLeft = () => eventually('nothing is left', () => traces().length === 0 || traces().join('\n'), 15_000);

/** containerlab/run in the repository, or in a copy of it. */
const runTopology = (root: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(path.join(root, 'containerlab/run'), [...args, '--with', 'namespaces'], {
    encoding: 'utf8',
    timeout: 150_000,
  });
  return { status, out: stdout + stderr };
};
const up = (file: string, ...flags: string[]) => gingham('lab', 'up', '--detach', '--topology', file, ...flags);
const lab = (name: string) => {
  const record = findLab(name);
  if (!record) throw new Error(`no lab ${name}`);
  return openLab(record);
};

describe('mesh-bird', () => {
  test('comes to what expected.json says, and leaves nothing', async () => {
    const run = runTopology(top, 'mesh-bird');
    expect(run.out).toContain('6 session ends, 6 routes, 6 pings are as expected');
    expect(run.status).toBe(0);
    await nothingLeft();
  });

  test('what is not as expected is shown beside what was found, with the exit code 1', () => {
    const copy = fs.mkdtempSync(path.join(labsDir, 'copy-'));
    fs.cpSync(path.join(top, 'containerlab'), path.join(copy, 'containerlab'), { recursive: true });
    fs.symlinkSync(path.join(top, 'dist'), path.join(copy, 'dist'));
    const file = path.join(copy, 'containerlab/mesh-bird/expected.json');
    const expected = JSON.parse(fs.readFileSync(file, 'utf8'));
    const routes = [{ node: 'gingham1', prefix: '10.244.3.0/26', via: '10.10.0.9' }];
    fs.writeFileSync(file, JSON.stringify({ ...expected, deadlineSec: 1, routes }));
    const run = runTopology(copy, 'mesh-bird');
    expect(run.out).toContain('route gingham1 10.244.3.0/26 10.10.0.9: found via 10.10.0.3 dev eth1 proto bgp');
    expect(run.out).toContain('10.244.2.0/26 via 10.10.0.2 dev eth1 proto bgp');
    expect(run.status).toBe(1);
    expect(findLab('mesh-bird')).toBeUndefined();
  });

  test('the commands of a lab work on it: ls, exec, peers by node, down', async () => {
    const made = up(MESH);
    expect(made.out).toContain('sessions, each end counted: 6 of 6 are up');
    expect(made.status).toBe(0);
    expect(gingham('lab', 'ls').out).toMatch(/^mesh-bird +ready +none +4/m);
    expect(gingham('lab', 'exec', 'bird3', 'birdc', 'show', 'route').out).toContain('10.244.1.0/26');
    expect(gingham('lab', 'exec', 'gingham1', 'gingham', 'peers').out).toMatch(/bird3 .*Established/);
    expect(gingham('peers', '--node', 'gingham2', '--lab', 'mesh-bird').out).toMatch(/bird3 .*Established/);
    expect(gingham('peers', '--node', 'sw', '--lab', 'mesh-bird').out).toContain('runs no Gingham');
    expect((await lab('mesh-bird').established('gingham1')).sort()).toEqual(['bird3', 'gingham2']);
    expect(gingham('lab', 'exec', 'gingham1', 'sh', '-c', 'exit 7').status).toBe(7);
    expect(gingham('lab', 'exec', 'gingham9', 'true')).toMatchObject({ status: 4 });
    expect(gingham('lab', 'down').out).toContain('nothing is left of it');
  });

  test('after a kill -9 of everything nothing is left, and it comes up again', async () => {
    const front = spawn(process.execPath, [GINGHAM, 'lab', 'up', '--topology', MESH], { stdio: 'ignore' });
    const ended = new Promise((resolve) => front.once('close', resolve));
    await eventually('the lab is ready', () => findLab('mesh-bird')?.ready === true, 60_000);
    const record = findLab('mesh-bird');
    front.kill('SIGKILL');
    if (record) process.kill(record.pid, 'SIGKILL');
    await ended;
    await eventually('its processes are gone', () => processes().length === 0 || processes().join());
    expect(up(MESH).status).toBe(0);
    expect(gingham('lab', 'down', 'mesh-bird').status).toBe(0);
    await nothingLeft();
  });

  test.runIf(process.getuid?.() === 0)('an ordinary user has the same, in a user namespace', () => {
    const nobody = 65534;
    const dir = path.join(labsDir, 'user');
    fs.chmodSync(labsDir, 0o755);
    fs.mkdirSync(dir, { recursive: true });
    fs.chownSync(dir, nobody, nobody);
    // The clone may be in a folder that only root can pass through: a bind mount stands beside such folders.
    const there = path.join(labsDir, 'clone');
    fs.mkdirSync(there, { recursive: true });
    const modules = fs.realpathSync(path.join(top, 'node_modules'));
    const line =
      `mount --rbind ${top} ${there} && cd ${there} && { [ ! -L node_modules ] || mount --bind ${modules} $(readlink -m node_modules); } && ` +
      `exec setpriv --reuid=${nobody} --regid=${nobody} --clear-groups env HOME=/tmp GINGHAM_LAB_DIR=${dir}/l ` +
      `PATH="${path.dirname(process.execPath)}:$PATH" containerlab/run mesh-bird --with namespaces`;
    const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', line], {
      encoding: 'utf8',
      timeout: 150_000,
    });
    expect(stdout + stderr).toContain('6 session ends, 6 routes, 6 pings are as expected');
    expect(status).toBe(0);
    expect(fs.existsSync(`${dir}/l`)).toBe(false);
  });
});

describe('a topology of one’s own', () => {
  const write = (text: string): string => {
    const file = path.join(labsDir, 'small.clab.yml');
    fs.writeFileSync(file, text);
    return file;
  };

  test('binds, sysctls, env, a shared namespace, a bridge, MTU; and what a node writes stays in it', () => {
    fs.writeFileSync(path.join(labsDir, 'greeting'), 'hello\n');
    const made = up(
      write(`
name: small
topology:
  defaults: { kind: linux, image: x, entrypoint: sleep infinity, env: { WHO: __clabNodeName__ } }
  nodes:
    a:
      binds: ["greeting:/etc/deep/er/greeting:ro", "greeting:/srv/copy"]
      sysctls: { net.ipv4.ip_forward: 0 }
      exec: ["sh -c 'echo $WHO > /etc/who'", ip addr add 10.1.0.1/24 dev eth1]
    beside-a: { network-mode: "container:a" }
    b: { exec: [ip addr add 10.1.0.2/24 dev eth1] }
    br9: { kind: bridge }
  links:
    - { endpoints: ["a:eth1", "br9:p1"], mtu: 1400 }
    - { endpoints: ["b:eth1", "br9:p2"], mtu: 1400 }
`),
    );
    expect(made.out).toContain('exec: 3 of 3 lines succeeded');
    expect(made.status).toBe(0);
    const small = lab('small');
    expect(small.sh('a', 'cat /etc/who /etc/deep/er/greeting /srv/copy; hostname')).toBe('a\nhello\nhello\na\n');
    expect(small.try('a', 'echo x > /etc/deep/er/greeting').status).not.toBe(0);
    expect(small.sh('a', 'cat /proc/sys/net/ipv4/ip_forward /sys/class/net/eth1/mtu')).toBe('0\n1400\n');
    expect(small.sh('b', 'cat /proc/sys/net/ipv4/ip_forward')).toBe('1\n');
    expect(small.sh('beside-a', 'ip -4 -o addr show dev eth1')).toContain('10.1.0.1/24');
    expect(small.sh('b', 'ping -c 1 -W 2 10.1.0.1')).toContain('1 received');
    expect(small.sh('fabric', 'ip -o link show master br9').split('\n')).toHaveLength(3);
    expect(small.try('b', 'cat /etc/who').status).not.toBe(0);
    expect(fs.existsSync('/etc/who')).toBe(false);
    expect(small.sh('a', 'cat /proc/1/comm')).toBe('sleep\n');
    small.down();
  });

  test('a line of exec that fails is told and the lab stands, with exit code 3', () => {
    const made = up(
      write(
        'name: small\ntopology: { nodes: { a: { kind: linux, image: x, cmd: sleep infinity, exec: [ip nonsense, "true"] } } }',
      ),
    );
    expect(made.out).toContain('a: "ip nonsense" failed with exit code 1: Object "nonsense" is unknown');
    expect(made.out).toContain('exec: 1 of 2 lines succeeded');
    expect(made.status).toBe(3);
  });

  test('a program that ends stays ended, is told with its last words, and cannot be entered', async () => {
    const made = up(
      write(`
name: small
topology:
  nodes:
    a: { kind: linux, image: x, cmd: "sh -c 'while [ ! -e /tmp/go ]; do sleep 0.1; done; echo farewell; exit 9'" }
    b: { kind: linux, image: x, cmd: sleep infinity }
`),
    );
    expect(made.status).toBe(0);
    const { record, sh } = lab('small');
    const log = (): string => fs.readFileSync(path.join(record.dir, 'lab.log'), 'utf8');
    sh('a', 'touch /tmp/go');
    await eventually('it is told', () => log().includes('a ended (exit code 9) and stays so') || log());
    expect(log()).toContain('farewell');
    expect(gingham('lab', 'exec', 'a', 'true').status).not.toBe(0);
    expect(gingham('lab', 'exec', 'b', 'true').status).toBe(0);
  });

  test('a faulty file brings nothing up, names every fault, and is a usage error', () => {
    const made = up(write('name: small\ntopology: { nodes: { a: { kind: linux, image: x, comand: y } } }'));
    expect(made.status).toBe(2);
    expect(made.out).toContain('small.clab.yml: topology.nodes.a.comand: no such field here');
    expect(made.out).toContain('has neither entrypoint nor cmd');
    expect(findLab('small')).toBeUndefined();
  });

  test('a sysctl that the kernel lacks ends it, as under Docker, and leaves nothing', async () => {
    const made = up(
      write(
        'name: small\ntopology: { nodes: { a: { kind: linux, image: x, cmd: sleep 9, sysctls: { net.ipv4.no_such: 1 } } } }',
      ),
    );
    expect(made.status).toBe(1);
    expect(made.out).toContain('topology.nodes.a.sysctls: net.ipv4.no_such cannot be set to 1');
    await nothingLeft();
  });
});
