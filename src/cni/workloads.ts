/** What this node's pods have, recorded on disk: one file per interface, written whole by rename, read once at start. Not
 *  pure: files. With it a DEL needs no API server, and a repeated ADD gives the same answer after a restart of the daemon. */
import fs from 'node:fs';
import path from 'node:path';
import { parseIpv4 } from '../base/ipv4.ts';
import type { Workload } from '../model/workload.ts';
import { writeWhole } from './whole-file.ts';

export const workloadKey = (w: { readonly containerId: string; readonly ifName: string }): string =>
  `${w.containerId}/${w.ifName}`;

export class Workloads {
  private readonly directory: string;
  private readonly byKey = new Map<string, Workload>();

  /** Files that cannot be read are left where they are and told to `onFault`. */
  constructor(directory: string, onFault: (file: string, why: string) => void) {
    this.directory = directory;
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const file of fs.readdirSync(directory)) {
      if (!file.endsWith('.json')) continue;
      const full = path.join(directory, file);
      const workload = parseWorkload(fs.readFileSync(full, 'utf8'));
      if (workload === undefined) onFault(full, 'is not a workload record; delete it when the pod is gone');
      else this.byKey.set(workloadKey(workload), workload);
    }
  }

  get(key: { readonly containerId: string; readonly ifName: string }): Workload | undefined {
    return this.byKey.get(workloadKey(key));
  }

  /** Sorted, so that views do not jump. */
  all(): readonly Workload[] {
    return [...this.byKey.values()].sort((a, b) => (workloadKey(a) < workloadKey(b) ? -1 : 1));
  }

  /** Others that use the name on the node: the same pod's sandbox before or after, or a clash. */
  othersOn(hostInterface: string, key: { readonly containerId: string; readonly ifName: string }): readonly Workload[] {
    return this.all().filter((w) => w.hostInterface === hostInterface && workloadKey(w) !== workloadKey(key));
  }

  async put(workload: Workload): Promise<void> {
    await writeWhole(this.file(workload), JSON.stringify(workload));
    this.byKey.set(workloadKey(workload), workload);
  }

  async delete(key: { readonly containerId: string; readonly ifName: string }): Promise<void> {
    await fs.promises.rm(this.file(key), { force: true });
    this.byKey.delete(workloadKey(key));
  }

  /** request.ts lets neither part hold a slash, and a container id begins with a letter or digit. */
  private file(key: { readonly containerId: string; readonly ifName: string }): string {
    return path.join(this.directory, `${key.containerId}@${key.ifName}.json`);
  }
}

const TEXTS = [
  'containerId',
  'ifName',
  'netns',
  'namespace',
  'pod',
  'address',
  'hostInterface',
  'mac',
  'handleId',
  'addedAt',
] as const satisfies (keyof Workload)[];

function parseWorkload(text: string): Workload | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isWorkload(raw) ? raw : undefined;
}

function isWorkload(raw: unknown): raw is Workload {
  if (typeof raw !== 'object' || raw === null) return false;
  const fields = new Map<string, unknown>(Object.entries(raw));
  const address = fields.get('address');
  return (
    TEXTS.every((name) => typeof fields.get(name) === 'string') &&
    typeof fields.get('mtu') === 'number' &&
    typeof address === 'string' &&
    parseIpv4(address) !== undefined
  );
}
