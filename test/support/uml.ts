/** Runs a command in another kernel: Debian's user-mode-linux, which has the ipip that many hosts lack.
 *  The guest sees the host's files (hostfs), has one CPU, no network but its own namespaces, and runs Node about ten times
 *  slower: so it is given built JavaScript, not a test runner. Its exit status comes back by a file on the host.
 *  Hard deadline: the whole process group is killed. */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const UML = '/usr/bin/linux.uml';
const UML_MODULES = '/usr/lib/uml/modules';
const root = new URL('../..', import.meta.url).pathname;
const cache = path.join(root, 'node_modules/.cache/gingham-uml/');

export interface UmlOutcome {
  /** Of the command; undefined when the guest died, hung or never reached it. */
  readonly status: number | undefined;
  /** stdout and stderr of the command. */
  readonly out: string;
  /** The kernel's console: what to read when status is undefined. */
  readonly console: string;
  readonly seconds: number;
}

const modprobe = (): string | undefined => ['/usr/sbin/modprobe', '/sbin/modprobe'].find((file) => fs.existsSync(file));

/** The host kernel then asks for more vector registers than UML knows of: see uml-xstate.c. */
const hasAmx = (): boolean => /^flags.* amx_tile/m.test(fs.readFileSync('/proc/cpuinfo', 'latin1'));

function environment(folder: string): NodeJS.ProcessEnv {
  if (!hasAmx()) return process.env;
  const source = new URL('uml-xstate.c', import.meta.url).pathname;
  const shim = path.join(folder, 'xstate.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-nostdlib', source, '-o', shim]);
  return { ...process.env, LD_PRELOAD: shim };
}

/** ipip is not among them: it is to come by itself when a link of its kind is asked for. */
const MODULES = ['veth', 'bridge', 'vxlan'];

/** The modules are where no modprobe looks, /lib/modules often does not even exist, and the host's files stay as they are: so
 *  modprobe gets another root, also when the kernel itself calls it. A clone below /tmp must not disappear under a /tmp of the
 *  guest's own. */
function initScript(folder: string, command: string): string {
  fs.mkdirSync(path.join(folder, 'lib'));
  fs.symlinkSync(UML_MODULES, path.join(folder, 'lib/modules'));
  fs.writeFileSync(path.join(folder, 'modprobe'), `#!/bin/sh\nexec ${modprobe()} -d ${folder} "$@"\n`, { mode: 0o755 });
  return `#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 GINGHAM_UML=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
${root.startsWith('/tmp/') ? 'export TMPDIR=/run' : 'mount -t tmpfs tmpfs /tmp'}
echo ${folder}/modprobe > /proc/sys/kernel/modprobe
ln -sfn /proc/self/fd /dev/fd
ip link set lo up
for module in ${MODULES.join(' ')}; do ${folder}/modprobe -q $module || echo "module $module is not there"; done
cd ${root}
( ${command}
) > ${folder}/out 2>&1 < /dev/null
echo $? > ${folder}/status.new
mv ${folder}/status.new ${folder}/status
sync
halt -d -f
`;
}

/** `command` is a line for sh, run as root of the guest in the repository's root. */
export async function runInUml(command: string, timeoutMs: number): Promise<UmlOutcome> {
  fs.mkdirSync(cache, { recursive: true });
  const folder = fs.mkdtempSync(cache);
  const started = Date.now();
  try {
    const init = path.join(folder, 'init');
    fs.writeFileSync(path.join(folder, 'out'), '');
    fs.writeFileSync(init, initScript(folder, command), { mode: 0o755 });
    const text = await boot(folder, init, timeoutMs);
    const status = path.join(folder, 'status');
    return {
      status: fs.existsSync(status) ? Number(fs.readFileSync(status, 'latin1')) : undefined,
      out: fs.readFileSync(path.join(folder, 'out'), 'utf8'),
      console: text,
      seconds: Math.round((Date.now() - started) / 100) / 10,
    };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function boot(folder: string, init: string, timeoutMs: number): Promise<string> {
  const kernel = ['mem=1G', 'root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'rw', `init=${init}`];
  const console = ['con=null', 'con0=fd:0,fd:1', 'quiet', `uml_dir=${folder}`, 'umid=gingham'];
  // A group of its own: the guest's processes are host processes, and a hanging guest is killed with all of them.
  const child = spawn(UML, [...kernel, ...console], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: environment(folder),
  });
  let text = '';
  const take = (part: string): void => {
    if (text.length < 100_000) text += part;
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  child.stdin.on('error', () => {});
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // gone already
    }
  };
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      text += `\nkilled after ${timeoutMs} ms`;
      kill();
    }, timeoutMs);
    process.once('exit', kill);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(deadline);
      process.removeListener('exit', kill);
      kill();
      resolve(text);
    });
  });
}
