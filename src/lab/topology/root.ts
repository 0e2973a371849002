/** How a node of a topology gets its own file system: a shell script that runs in the node's fresh mount, PID and UTS
 *  namespaces, builds a root of tmpfs and overlays, makes it the root, and becomes the node's program. Pure: text.
 *
 *      /usr /etc /bin /lib…   overlays over this machine's own: what a node writes there, nobody else sees
 *      /proc /sys /dev        the node's own, the machine's
 *      /run/gingham /run/bird folders of the lab, so that control sockets can be reached from outside
 *      /opt/gingham           this gingham and its Node.js, read-only
 *      all else               empty and the node's own; binds where they belong
 *
 *  A shell and no foreign calls: a process with threads cannot enter a mount namespace, and this one has. As root and in a
 *  user namespace alike: a file's folder is made in the overlay's upper layer first, because a user namespace may not
 *  write into folders of the machine's root, not even in an overlay. */

/** `/bin` and its like are links into /usr on most systems: then they are copied as links. */
const OVERLAID = ['usr', 'etc', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const EMPTY = ['proc', 'sys', 'dev', 'run/gingham', 'run/bird', 'run/frr', 'run/lock', 'tmp', 'root', 'home', 'mnt'];
const EMPTY_VAR = ['var/lib', 'var/log', 'var/cache', 'var/tmp', 'opt/gingham/bin', 'opt/gingham/dist'];

export const NODE_PATH = '/opt/gingham/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Written by the script when the node's program is about to run: the PID of it in the lab's PID namespace. */
export const READY_FILE = 'init';

export interface RootBind {
  /** Absolute, outside. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly isFolder: boolean;
}

export interface RootSpec {
  readonly hostname: string;
  /** The node's folder in the lab's: its log, its sockets, and mount points that nobody else sees mounted. */
  readonly dir: string;
  readonly binds: readonly RootBind[];
  /** The folder of the bundle, its node_modules, and the Node.js that runs it. */
  readonly dist: string;
  readonly nodeModules: string;
  readonly nodeProgram: string;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** `sh SCRIPT COMMAND…` */
export function rootScript({ hostname, dir, binds, dist, nodeModules, nodeProgram }: RootSpec): string {
  const own: RootBind[] = [
    { source: `${dir}/gingham`, target: '/run/gingham', readOnly: false, isFolder: true },
    { source: `${dir}/bird`, target: '/run/bird', readOnly: false, isFolder: true },
    { source: dist, target: '/opt/gingham/dist', readOnly: true, isFolder: true },
    { source: nodeModules, target: '/opt/gingham/node_modules', readOnly: true, isFolder: true },
    { source: nodeProgram, target: '/opt/gingham/bin/node', readOnly: true, isFolder: false },
  ];
  // A bind on a folder hides what was bound below it before: short paths first.
  const all = [...own, ...binds].sort((a, b) => a.target.length - b.target.length);
  return `set -eu
umask 022
cd ${quote(dir)}
exec 3>${READY_FILE}.new
mkdir -p root up
mount -t tmpfs -o mode=0755 gingham root
mount -t tmpfs -o mode=0755 gingham up
mkdir -p ${EMPTY.map((d) => `root/${d}`).join(' ')}
mkdir -p ${EMPTY_VAR.map((d) => `root/${d}`).join(' ')}
ln -s ../run root/var/run
chmod 1777 root/tmp root/var/tmp
${all.map(upperOf).filter(Boolean).join('\n')}
mkdir -p up/etc
echo ${quote(hostname)} >up/etc/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n' ${quote(hostname)} >up/etc/hosts
for d in ${OVERLAID.join(' ')}; do
  if [ -L /$d ]; then
    cp -P /$d root/$d
  elif [ -d /$d ]; then
    mkdir -p root/$d up/$d up/.$d
    mount -t overlay overlay -o lowerdir=/$d,upperdir=up/$d,workdir=up/.$d root/$d
  fi
done
mount --rbind /dev root/dev
mount -t sysfs sysfs root/sys 2>/dev/null || mount --rbind /sys root/sys
${all.map(bindLines).join('\n')}
printf '#!/bin/sh\\nexec /opt/gingham/bin/node /opt/gingham/dist/gingham.js "$@"\\n' >root/opt/gingham/bin/gingham
chmod 755 root/opt/gingham/bin/gingham
hostname ${quote(hostname)} 2>/dev/null || true
read -r pid rest </proc/self/stat
mount -t proc proc root/proc
mv ${READY_FILE}.new ${READY_FILE}
cd root
pivot_root . .
umount -l .
cd /
echo "$pid" >&3
exec 3>&- "$@"
`;
}

/** Inside an overlay the mount point has to be there before the overlay is. */
function upperOf({ target, isFolder }: RootBind): string {
  if (!OVERLAID.some((dir) => target.startsWith(`/${dir}/`))) return '';
  return makePoint(`up${target}`, isFolder);
}

const makePoint = (at: string, isFolder: boolean): string =>
  isFolder ? `mkdir -p ${quote(at)}` : `mkdir -p ${quote(parentOf(at))}; [ -e ${quote(at)} ] || : >${quote(at)}`;

function bindLines({ source, target, readOnly, isFolder }: RootBind): string {
  const at = `root${target}`;
  const lines = [makePoint(at, isFolder), `mount --bind ${quote(source)} ${quote(at)}`];
  if (readOnly) lines.push(readOnlyLine(at));
  return lines.join('\n');
}

/** A bind keeps its source's flags, and a user namespace may not drop nosuid or nodev by not naming them: asked without
 *  them first, then with. */
const readOnlyLine = (at: string): string =>
  `mount -o remount,bind,ro ${quote(at)} 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev ${quote(at)}`;
