import { expect, test } from 'vitest';
import { DEFAULT_LAB } from '../../../src/lab/mesh/options.ts';
import { preflight, whyUnshareFailed } from '../../../src/lab/mesh/preflight.ts';

const having =
  (...names: string[]) =>
  (name: string): string | undefined =>
    names.includes(name) ? `/usr/bin/${name}` : undefined;

test('all programs that are missing are named at once, with the package that has them', () => {
  const { faults } = preflight({ ...DEFAULT_LAB, bird: 1 }, having('nft'), 'linux');
  expect(faults).toHaveLength(2);
  expect(faults.join('\n')).toMatch(/util-linux[\s\S]*apt install bird2/);
});

test('bird is asked for only when a BIRD node is', () => {
  expect(preflight(DEFAULT_LAB, having('unshare', 'nft'), 'linux').faults).toEqual([]);
});

test('without nft a lab runs, and says what is off', () => {
  const { faults, warnings } = preflight(DEFAULT_LAB, having('unshare'), 'linux');
  expect(faults).toEqual([]);
  expect(warnings.join()).toContain('natOutgoing');
});

test('on another system than Linux that is the one thing that is said', () => {
  expect(preflight(DEFAULT_LAB, having(), 'darwin').faults).toHaveLength(1);
});

const settings =
  (found: Record<string, string>) =>
  (file: string): string | undefined =>
    found[file];
const SAID = 'unshare: unshare failed: Operation not permitted';

test('a refused user namespace is blamed on the setting that is on, with the line that mends it', () => {
  const apparmor = settings({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' });
  expect(whyUnshareFailed(SAID, false, apparmor).join()).toContain(
    'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  );
  const none = settings({ '/proc/sys/user/max_user_namespaces': '0' });
  expect(whyUnshareFailed(SAID, false, none).join()).toContain('sysctl -w user.max_user_namespaces=15000');
});

test("settings about ordinary users are not blamed for root's failure", () => {
  const apparmor = settings({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' });
  expect(whyUnshareFailed(SAID, true, apparmor).join()).toContain('CAP_SYS_ADMIN');
});

test("a container's seccomp filter is named when nothing else explains it", () => {
  const filtered = settings({ '/proc/self/status': 'Name:\tnode\nSeccomp:\t2\n' });
  expect(whyUnshareFailed(SAID, false, filtered).join()).toContain('seccomp=unconfined');
});

test('when nothing is found, what unshare said is passed on', () => {
  expect(whyUnshareFailed(SAID, false, settings({})).join()).toContain(SAID);
});
