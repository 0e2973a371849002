/** Which labs run here, by files of this user: DIR/NAME/lab.json. Not pure: it reads, writes and removes that folder.
 *  A lab lives exactly as long as its supervisor, so a record whose process is gone (or whose number another process has
 *  by now) is a leftover of a kill -9 and is swept by whoever comes next. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const node = z.object({
  name: z.string(),
  kind: z.enum(['gingham', 'bird', 'linux']),
  address: z.string(),
  /** Control socket; a BIRD node's is birdc's. */
  socket: z.string(),
  /** Network namespace, as a path inside the lab's mount namespace. */
  netns: z.string(),
  /** Of a topology: its first process as the lab's PID namespace counts, whose mount and PID namespaces are the node's own. */
  init: z.number().int().optional(),
});
const pod = z.object({ name: z.string(), node: z.string(), address: z.string(), netns: z.string() });
const record = z.object({
  name: z.string(),
  dir: z.string(),
  /** The supervisor, as the host sees it. */
  pid: z.number().int(),
  /** Its start in clock ticks since boot: tells it from a later process of the same number. */
  startTime: z.string(),
  user: z.number().int(),
  /** Made in a user namespace: entering it needs that one too. */
  userNamespace: z.boolean(),
  ready: z.boolean(),
  encap: z.enum(['ipip', 'vxlan', 'none']),
  startedAt: z.string(),
  nodes: z.array(node),
  pods: z.array(pod),
});

export type LabRecord = z.infer<typeof record>;
export type LabNodeRecord = z.infer<typeof node>;
export type LabPodRecord = z.infer<typeof pod>;

const uid = (): number => process.getuid?.() ?? 0;

/** Where this user's labs may be: new ones in the first, and read from all, because XDG_RUNTIME_DIR is set in a login's
 *  shells and not in those of su or cron. Root's have one fixed place: sudo may pass on another user's variable. */
export function labsDirs(env = process.env, user = uid()): string[] {
  const fixed = env['GINGHAM_LAB_DIR'];
  if (fixed) return [fixed];
  if (user === 0) return ['/run/gingham-lab'];
  const runtime = env['XDG_RUNTIME_DIR'];
  const dirs = [
    ...(runtime ? [path.join(runtime, 'gingham')] : []),
    `/tmp/gingham-${user}`,
    `/run/user/${user}/gingham`,
  ];
  return [...new Set(dirs)];
}

/** Makes the folder of all labs, private to the user: the first that can be had, because XDG_RUNTIME_DIR may name a login
 *  that is over. /tmp is everybody's: a folder of another owner is refused. */
function makeLabsDir(): string {
  const refused: string[] = [];
  for (const dir of labsDirs()) {
    try {
      fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
      const found = fs.lstatSync(dir);
      if (found.isDirectory() && found.uid === uid()) return dir;
      refused.push(`${dir} belongs to user ${found.uid}`);
    } catch (error) {
      refused.push(error instanceof Error ? error.message : dir);
    }
  }
  throw new Error(
    `No folder for labs can be had: ${refused.join('; ')}. Set GINGHAM_LAB_DIR to a folder of yours, of at most 50 characters.`,
  );
}

/** Clock ticks since boot at which the process started, or undefined when there is none or it is a zombie. proc(5) */
export function processStart(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name is in parentheses and may hold both blanks and parentheses: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export const isAlive = (lab: LabRecord): boolean => processStart(lab.pid) === lab.startTime;

/** The record in a lab's folder, whatever became of its process; undefined when there is none that can be read. */
function readLab(dir: string): LabRecord | undefined {
  try {
    return record.parse(JSON.parse(fs.readFileSync(path.join(dir, 'lab.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Readers see the old record or the new one, never half of it. */
export function writeLab(dir: string, lab: LabRecord): void {
  const file = path.join(dir, 'lab.json');
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(lab, null, 2)}\n`);
  fs.renameSync(`${file}.new`, file);
}

/** Removes a lab's folder, and the folder of all labs when it was the last. */
export function removeLab(dir: string): void {
  fs.rmSync(dir, { recursive: true, force: true });
  try {
    fs.rmdirSync(path.dirname(dir));
  } catch {
    // Another lab is in it.
  }
}

/** Takes a name: makes its folder, or says who has it. The taker counts as the lab until its supervisor is on record. */
export function claimLab(name: string): { readonly dir: string } | { readonly clash: string } {
  sweepLabs();
  const clash = labFolders().find((dir) => path.basename(dir) === name);
  const dir = path.join(makeLabsDir(), name);
  try {
    if (clash === undefined) {
      fs.mkdirSync(dir, { mode: 0o700 });
      fs.writeFileSync(path.join(dir, 'owner'), `${process.pid} ${processStart(process.pid)}`);
      return { dir };
    }
  } catch (error) {
    // Somebody took the name between our look and our mkdir.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return {
    clash: `A lab called "${name}" runs already (${clash ?? dir}). End it with: gingham lab down ${name}; or take another --name.`,
  };
}

/** Removes what a kill -9 of everything left: folders without a living owner. */
export function sweepLabs(): void {
  for (const dir of labFolders()) if (!isTaken(dir)) removeLab(dir);
}

function isTaken(dir: string): boolean {
  const lab = readLab(dir);
  if (lab && isAlive(lab)) return true;
  try {
    const [pid, start] = fs.readFileSync(path.join(dir, 'owner'), 'utf8').split(' ');
    return processStart(Number(pid)) === start;
  } catch {
    return false;
  }
}

function labFolders(): string[] {
  return labsDirs().flatMap((dir) => {
    try {
      return fs
        .readdirSync(dir)
        .sort()
        .map((name) => path.join(dir, name));
    } catch {
      return [];
    }
  });
}

/** The running labs of this user, by name. */
export function listLabs(): LabRecord[] {
  return labFolders()
    .map(readLab)
    .filter((lab) => lab !== undefined)
    .filter(isAlive);
}

/** The control socket of a node. Without a lab's name: the only one running, or the one called "gingham"; without a
 *  node's: its first. Undefined when that names nothing. */
export function findLabNode(
  lab: string | undefined,
  node: string | undefined,
): { name: string; socket: string } | undefined {
  const found = findLab(lab);
  const hit = found?.nodes.find((n) => n.kind === 'gingham' && (node === undefined || n.name === node));
  return hit && { name: hit.name, socket: hit.socket };
}

export function findLab(name: string | undefined): LabRecord | undefined {
  const running = listLabs();
  if (name !== undefined) return running.find((lab) => lab.name === name);
  return running.length === 1 ? running[0] : running.find((lab) => lab.name === 'gingham');
}
