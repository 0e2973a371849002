// needs: namespaces ip
/** The life of a lab: what it leaves (nothing), who may have one, and several side by side. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findLab } from '../../src/lab/machine/registry.ts';
import { eventually, GINGHAM, gingham, makeLabsDir, openLab, startLab } from '../support/lab.ts';

const labsDir = makeLabsDir();
afterEach(() => {
  for (const name of ['gingham', 'blue', 'red']) if (findLab(name)) gingham('lab', 'down', name);
});
afterAll(() => fs.rmSync(labsDir, { recursive: true, force: true }));

/** A machine of its own for what is compared: whatever others do meanwhile, a lab or a test beside this one, does not happen in
 *  there. A process holds its namespaces; the names of network namespaces lie in a file system of its own. */
const holder = spawn(
  'unshare',
  [
    ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
    ...['--net', '--mount', '--propagation', 'private', 'sh', '-c'],
    'mkdir -p /run/netns 2>/dev/null; mount -t tmpfs tmpfs /run/netns 2>/dev/null; echo made; exec sleep infinity',
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
beforeAll(() => new Promise<void>((resolve) => holder.stdout.once('data', () => resolve())));
afterAll(() => void holder.kill('SIGKILL'));
const inside = (...command: string[]): [string, string[]] => [
  'nsenter',
  [
    ...(process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials']),
    ...['--net', '--mount', '-t', `${holder.pid}`, '--', ...command],
  ],
];
const say = (command: string): string =>
  spawnSync(...inside('sh', '-c', command), { encoding: 'utf8' })
    .stdout.split('\n')
    .map((line) => line.trim())
    .sort()
    .join('\n');
/** Processes that this test's folder of labs was named to, by argument or environment; numbers differ from run to run. */
const ours = (): string[] => {
  const read = (file: string): string => {
    try {
      return fs.readFileSync(file, 'latin1').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  };
  return fs
    .readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && entry !== `${holder.pid}`)
    .filter((pid) => ['cmdline', 'environ'].some((file) => read(`/proc/${pid}/${file}`).includes(labsDir)))
    .map((pid) => read(`/proc/${pid}/cmdline`))
    .filter((line) => line !== '');
};
const host = () => ({
  links: say('ip -o link | sed "s/^[0-9]*: //"'),
  routes: say('ip route show table all'),
  netns: say('ls /run/netns'),
  mounts: say('cat /proc/self/mounts'),
  labs: fs.existsSync(path.join(labsDir, 'l')),
  ours: ours(),
});

/** Only what differs is told. */
const nothingIsLeft = (before: ReturnType<typeof host>): Promise<void> =>
  eventually('nothing is left', () => {
    const now = host();
    // A mount point that others made before and remove now is gone in here too: what is new counts.
    const known = before.mounts.split('\n');
    const added = now.mounts.split('\n').filter((line) => !known.includes(line));
    const after = { ...now, mounts: added.length === 0 ? before.mounts : added.join('\n') };
    const keys = Object.keys(after) as (keyof typeof after)[];
    const differs = keys.filter((key) => JSON.stringify(after[key]) !== JSON.stringify(before[key]));
    return differs.length === 0 || JSON.stringify(differs.map((key) => [key, before[key], after[key]]));
  });

interface Foreground {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}
function foreground(...flags: string[]): Foreground {
  const child = spawn(...inside(process.execPath, GINGHAM, 'lab', 'up', ...flags), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes) => {
      output += bytes;
    });
  }
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) };
}
const isReady = (name: string) => () => findLab(name)?.ready === true;

test('Ctrl-C leaves nothing: no namespace, process, device, route, mount or file', async () => {
  const before = host();
  const lab = foreground();
  await eventually('the lab is ready', isReady('gingham'), 90_000);
  expect(lab.output()).toContain('pings: 36 of 36 answered');
  expect(say('ip -o link')).not.toContain('br0'); // nothing of it is in this namespace even while it runs
  lab.child.kill('SIGINT');
  expect(await lab.ended).toBe(0);
  expect(lab.output()).toContain('nothing is left of it');
  await nothingIsLeft(before);
});

test('Ctrl-C while it comes up leaves nothing either', async () => {
  const before = host();
  const lab = foreground();
  await eventually('it has begun', () => lab.output().includes('namespaces made'));
  lab.child.kill('SIGINT');
  await lab.ended;
  await nothingIsLeft(before);
});

test('after a kill -9 of the process in front the lab ends by itself', async () => {
  const before = host();
  const lab = foreground('--nodes', '1');
  await eventually('the lab is ready', isReady('gingham'), 90_000);
  lab.child.kill('SIGKILL');
  await lab.ended;
  await nothingIsLeft(before);
});

test('after a kill -9 of everything the same lab comes up again', async () => {
  const lab = foreground('--nodes', '2');
  await eventually('the lab is ready', isReady('gingham'), 90_000);
  const record = findLab('gingham');
  lab.child.kill('SIGKILL');
  if (record) process.kill(record.pid, 'SIGKILL');
  await lab.ended;
  await eventually('its processes are gone', () => ours().length === 0 || ours().join('\n'));
  const again = startLab('gingham', '--nodes', '2');
  expect(again.output).toContain('pings: 16 of 16 answered');
  again.down();
});

test('two labs run side by side, are listed, entered and taken down each by its name', async () => {
  const blue = startLab('blue', '--nodes', '2', '--pods', '1');
  const red = startLab('red', '--nodes', '2', '--pods', '1', '--encap', 'vxlan');
  const list = gingham('lab', 'ls');
  expect(list.status).toBe(0);
  expect(list.out).toMatch(/^blue +ready +ipip/m);
  expect(list.out).toMatch(/^red +ready +vxlan/m);
  expect(blue.sh('node1', 'ip route')).not.toContain('vxlan');
  expect(red.sh('node1', 'ip route')).toContain('vxlan.calico');
  blue.down();
  expect(findLab('blue')).toBeUndefined();
  expect((await red.established('node1')).length).toBe(1);
  red.down();
});

test('a second lab of the same name is refused, and the first goes on', async () => {
  const lab = startLab('blue', '--nodes', '1', '--pods', '1');
  const second = gingham('lab', 'up', '--name', 'blue');
  expect(second.status).toBe(1);
  expect(second.out).toContain('gingham lab down blue');
  expect(lab.sh('web-1-1', 'ip route')).toContain('169.254.1.1');
  lab.down();
});

test('exec passes the exit code on, and says what there is when a node is not', () => {
  const lab = startLab('blue', '--nodes', '1', '--pods', '1');
  expect(gingham('lab', 'exec', 'node1', 'sh', '-c', 'exit 7').status).toBe(7);
  expect(gingham('lab', 'exec', 'web-1-1', 'ip', '-br', 'addr').out).toContain('eth0');
  expect(gingham('lab', 'exec', 'fabric', 'ip', '-br', 'addr').out).toContain('br0');
  const nowhere = gingham('lab', 'exec', 'node7', 'true');
  expect(nowhere.status).toBe(4);
  expect(nowhere.out).toContain('web-1-1');
  lab.down();
});

test('wrong options are all named at once, with exit code 2', () => {
  const wrong = gingham('lab', 'up', '--nodes', '21', '--name', 'Blue');
  expect(wrong.status).toBe(2);
  expect(wrong.out).toMatch(/--name[\s\S]*--nodes|--nodes[\s\S]*--name/);
});

test('a daemon that is killed is started again, and the lab says so', async () => {
  const lab = startLab('blue', '--nodes', '2', '--pods', '1', '--encap', 'none');
  const before = (await lab.ask('node1', (client) => client.status())).process.pid;
  await lab.kill('node1', 'KILL');
  await eventually(
    'another process answers',
    async () => (await lab.ask('node1', (client) => client.status())).process.pid !== before,
    30_000,
  );
  const log = fs.readFileSync(path.join(lab.record.dir, 'lab.log'), 'utf8');
  expect(log).toMatch(/node1 ended \(SIGKILL\); started again in 100 ms/);
  lab.down();
});

describe.runIf(process.getuid?.() === 0)('an ordinary user', () => {
  const nobody = 65534;
  const dir = path.join(labsDir, 'user');
  const clone = path.dirname(path.dirname(GINGHAM));
  const there = path.join(labsDir, 'clone');
  const saved = process.env['GINGHAM_LAB_DIR'];
  beforeAll(() => {
    fs.chmodSync(labsDir, 0o755);
    for (const made of [dir, there]) fs.mkdirSync(made, { recursive: true });
    fs.chownSync(dir, nobody, nobody);
    process.env['GINGHAM_LAB_DIR'] = `${dir}/l`;
  });
  afterAll(() => {
    process.env['GINGHAM_LAB_DIR'] = saved;
  });

  /** The clone may be in a folder that only root can pass through: a bind mount stands beside such folders. */
  const user = (command: string) => {
    const line =
      `mount --bind ${clone} ${there} && cd ${there} && exec setpriv --reuid=${nobody} --regid=${nobody} --clear-groups ` +
      `env HOME=/tmp GINGHAM_LAB_DIR=${dir}/l ${command}`;
    return spawnSync('unshare', ['--mount', 'sh', '-c', line], { encoding: 'utf8', timeout: 90_000 });
  };
  const node = `${process.execPath} dist/gingham.js`;

  test('has the same lab, in a user namespace', async () => {
    try {
      const made = user(`${node} lab up --detach --name blue`);
      expect(made.stderr + made.stdout).toContain('pings: 36 of 36 answered');
      expect(made.status).toBe(0);
      const record = findLab('blue');
      expect(record?.userNamespace).toBe(true);
      if (record) {
        expect(fs.readFileSync(`/proc/${record.pid}/status`, 'utf8')).toMatch(/^Uid:\s+65534/m);
        expect((await openLab(record).established('node1')).sort()).toEqual(['node2', 'node3']);
      }
      expect(user(`${node} lab exec node1 sh -c "ip route; exit 5"`)).toMatchObject({
        status: 5,
        stdout: expect.stringContaining('proto bird'),
      });
      expect(user(`${node} lab ls`).stdout).toContain('blue');
      expect(user(`${node} lab down blue`).status).toBe(0);
      expect(fs.existsSync(`${dir}/l`)).toBe(false);
    } finally {
      user(`${node} lab down blue`);
    }
  });

  test('who may not make namespaces is told which setting forbids it, and the line that mends it', () => {
    for (const kind of ['user', 'net']) {
      // The limit is set in a user namespace of its own, which goes with the command.
      const limited = `echo 0 > /proc/sys/user/max_${kind}_namespaces; exec ${node} lab up`;
      const refused = user(`unshare --user --map-current-user --keep-caps sh -c '${limited}'`);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain(`sysctl -w user.max_${kind}_namespaces=15000`);
      expect(fs.existsSync(`${dir}/l`)).toBe(false);
    }
  });
});
