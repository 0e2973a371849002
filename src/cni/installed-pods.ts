/** The pods that live on our network on this node, from the daemon's records: they answer without the daemon and without
 *  the API. Not pure: reads files. A record nobody can read counts as a pod: better to ask than to cut one off. */
import fs from 'node:fs';
import path from 'node:path';

/** "default/web-1 10.244.1.7", sorted. */
export function installedPods(stateDir: string): readonly string[] {
  const folder = path.join(stateDir, 'cni', 'workloads');
  let names: readonly string[];
  try {
    names = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return []; // there never was a pod
  }
  return names.map((name) => describe(path.join(folder, name))).sort();
}

function describe(file: string): string {
  try {
    const raw: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    const fields = new Map<string, unknown>(Object.entries(raw ?? {}));
    const [namespace, pod, address] = ['namespace', 'pod', 'address'].map((name) => fields.get(name));
    if (typeof pod === 'string' && typeof address === 'string') return `${String(namespace)}/${pod} ${address}`;
  } catch {
    // Falls through: the file's name says at least which container it was.
  }
  return `container ${path.basename(file, '.json')}`;
}
