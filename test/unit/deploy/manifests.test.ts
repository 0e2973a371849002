/** What the manifests may never lose: the privileges that were decided on, and settings that the daemon understands. */
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseNodeConfig } from '../../../src/config/parse.ts';
import { KINDS } from '../../../src/store/kinds.ts';

const TOP = new URL('../../..', import.meta.url).pathname;
const read = (file: string): string => fs.readFileSync(`${TOP}deploy/${file}`, 'utf8');

interface Container {
  readonly name: string;
  readonly securityContext: {
    readonly privileged: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
}
interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
const documents = (file: string): readonly Record<string, never>[] =>
  parseAllDocuments(read(file)).map((d) => d.toJS());

test('no container is privileged or may become so, and only the daemon has capabilities', () => {
  const [daemonSet] = documents('base/daemonset.yaml') as unknown as {
    spec: { template: { spec: { initContainers: Container[]; containers: Container[] } } };
  }[];
  const { initContainers = [], containers = [] } = daemonSet?.spec.template.spec ?? {};
  for (const { securityContext: s } of [...initContainers, ...containers]) {
    expect(s).toMatchObject({ privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
    expect(s.capabilities.drop).toEqual(['ALL']);
  }
  expect(initContainers.flatMap((c) => c.securityContext.capabilities.add ?? [])).toEqual([]);
  expect(containers.flatMap((c) => c.securityContext.capabilities.add ?? [])).toEqual([
    'NET_ADMIN',
    'NET_RAW',
    'NET_BIND_SERVICE',
    'SYS_ADMIN',
  ]);
});

test('cluster-wide roles hold no Secret, no wildcard, and let every kind we know be watched', () => {
  const roles = (documents('base/rbac.yaml') as unknown as { kind: string; rules: Rule[] }[]).filter(
    ({ kind }) => kind === 'ClusterRole',
  );
  const rules = roles.flatMap((r) => r.rules);
  const named = rules.flatMap((r) => [...r.resources, ...r.verbs, ...r.apiGroups]);
  expect(named).not.toContain('secrets');
  expect(named).not.toContain('*');
  const watched = rules.filter((r) => r.verbs.includes('watch')).flatMap((r) => r.resources);
  const calicos = Object.values(KINDS).filter((k) => k.group === 'crd.projectcalico.org');
  expect(calicos.map((k) => k.plural).filter((p) => !watched.includes(p))).toEqual([]);
});

test("the settings of base and of every overlay are the daemon's", () => {
  const overlays = fs.readdirSync(`${TOP}deploy/overlays`).map((name) => `overlays/${name}`);
  for (const folder of ['base', ...overlays]) {
    const parsed = parseNodeConfig(read(`${folder}/node.yaml`), `${folder}/node.yaml`, { NODE_NAME: 'node-1' });
    expect(parsed.ok ? [] : parsed.error, folder).toEqual([]);
  }
});

test('the image is named by the version of package.json everywhere', () => {
  const { version } = JSON.parse(fs.readFileSync(`${TOP}package.json`, 'utf8')) as { version: string };
  for (const file of ['base/kustomization.yaml', 'uninstall/kustomization.yaml'])
    expect(read(file)).toContain(`newTag: ${version}`);
});
