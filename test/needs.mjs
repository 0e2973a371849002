/** What a test file may ask of the machine, in a line `// needs: root bird` near its top: how to tell, and what mends it.
 *  A file whose needs are not met is skipped with the reason in the closing table; under CI that is a failure. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const inPath = (tool) =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((dir) => fs.existsSync(path.join(dir, tool)));
const tool = (name, debian) => ({ met: () => inPath(name), mend: `apt-get install ${debian}` });

export const NEEDS = {
  root: { met: () => process.getuid?.() === 0, mend: 'run as root' },
  /** A user and network namespace of one's own: what the lab needs of an ordinary user. */
  namespaces: {
    met: () =>
      process.getuid?.() === 0 ||
      spawnSync('unshare', ['-Urnm', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' }).status === 0,
    mend: 'run as root, or sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  },
  /** ::1 on the loopback, which some containers take away. */
  ipv6: {
    met: () => Object.values(os.networkInterfaces()).some((list) => list?.some((a) => a.address === '::1')),
    mend: 'sysctl net.ipv6.conf.lo.disable_ipv6=0',
  },
  bird: tool('bird', 'bird2'),
  frr: tool('vtysh', 'frr'),
  gobgpd: tool('gobgpd', 'gobgpd'),
  openbgpd: tool('bgpctl', 'openbgpd'),
  exabgp: tool('exabgp', 'exabgp'),
  tcpdump: tool('tcpdump', 'tcpdump'),
  tshark: tool('tshark', 'tshark'),
  arping: tool('arping', 'iputils-arping'),
  nft: tool('nft', 'nftables'),
  iptables: tool('iptables-nft', 'iptables'),
  ip: tool('ip', 'iproute2'),
  tc: tool('tc', 'iproute2'),
  ping: tool('ping', 'iputils-ping'),
  kubectl: tool('kubectl', 'kubernetes-client'),
  openssl: tool('openssl', 'openssl'),
  curl: tool('curl', 'curl'),
  /** kube-apiserver and etcd: test/support/kube-binaries.ts builds what is not there. */
  'kube-apiserver': {
    met: () => Boolean(process.env.KUBEBUILDER_ASSETS) || inPath('go'),
    mend: 'install Go, or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd',
  },
  /** An engine that answers us, whoever runs it. */
  docker: {
    met: () => spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0,
    mend: 'install Docker (Debian: docker.io) and start it',
  },
  kind: {
    met: () => inPath('kind') || process.env.GINGHAM_KIND_RIG !== undefined,
    mend: 'install kind, or name a rig by GINGHAM_KIND_RIG (deploy/kind/env.sh)',
  },
  /** Where the processor has AMX, user-mode-linux needs a shim that the test builds: test/support/uml-xstate.c. */
  uml: {
    met: () =>
      ['linux.uml', 'modprobe'].every(inPath) &&
      (inPath('cc') || !/ amx_tile/.test(fs.readFileSync('/proc/cpuinfo', 'latin1'))),
    mend: 'apt-get install user-mode-linux kmod gcc',
  },
};

/** The needs a file states, and those this machine does not meet. */
export function needsOf(file) {
  const head = fs.readFileSync(file, 'utf8').split('\n', 30).join('\n');
  const stated = [...head.matchAll(/^\/\/ needs: (.+)$/gm)].flatMap((m) => m[1].trim().split(/[\s,]+/));
  const unknown = stated.filter((n) => !(n in NEEDS));
  if (unknown.length > 0)
    throw new Error(`${file}: unknown need ${unknown.join(', ')}; NEEDS in test/needs.mjs has them all`);
  return { stated, unmet: stated.filter((n) => !NEEDS[n].met()) };
}
