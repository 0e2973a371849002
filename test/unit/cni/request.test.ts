import { expect, test } from 'vitest';
import { hostInterfaceName, podMac } from '../../../src/cni/names.ts';
import { parseCniRequest } from '../../../src/cni/request.ts';

const env = (change: Readonly<Record<string, string | undefined>> = {}) => ({
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/pod',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=nginx;K8S_POD_INFRA_CONTAINER_ID=c1',
  ...change,
});
const conf = (change: object = {}) => ({ cniVersion: '1.0.0', name: 'net', type: 'gingham', ...change });
const faultOf = (wire: unknown) => {
  const parsed = parseCniRequest(wire);
  return parsed.ok ? undefined : parsed.error;
};

test('the interface of a pod on the node has Calico’s name', () => {
  expect(hostInterfaceName({ namespace: 'default', name: 'nginx' }, 'c1')).toBe('calic440f455693');
  expect(hostInterfaceName(undefined, '0123456789abcdef')).toBe('cali0123456789a');
});

test('a pod’s MAC is unicast, locally administered, and the same every time', () => {
  expect(podMac('c1', 'eth0')).toMatch(/^[0-9a-f][26ae](?::[0-9a-f]{2}){5}$/);
  expect(podMac('c1', 'eth0')).toBe(podMac('c1', 'eth0'));
  expect(podMac('c1', 'eth0')).not.toBe(podMac('c1', 'net1'));
});

test('an ADD of kubelet becomes a request', () => {
  expect(parseCniRequest({ env: env(), conf: conf({ mtu: 1400, dns: { nameservers: ['10.96.0.10'] } }) })).toEqual({
    ok: true,
    value: {
      verb: 'ADD',
      conf: { version: '1.0.0', network: 'net', mtu: 1400, dns: { nameservers: ['10.96.0.10'] } },
      attachment: {
        containerId: 'c1',
        ifName: 'eth0',
        pod: { namespace: 'default', name: 'nginx' },
        handleId: 'net.c1',
        hostInterface: 'calic440f455693',
      },
      netns: '/run/netns/pod',
    },
  });
});

test('a DEL needs no namespace', () => {
  const parsed = parseCniRequest({ env: env({ CNI_COMMAND: 'DEL', CNI_NETNS: '', CNI_ARGS: '' }), conf: conf() });
  expect(parsed).toMatchObject({ ok: true, value: { verb: 'DEL', attachment: { hostInterface: 'calic1' } } });
});

test('GC carries the valid attachments, and none at all means that nothing is valid', () => {
  const gc = { CNI_COMMAND: 'GC' };
  const valid = [{ containerID: 'c1', ifname: 'eth0' }];
  expect(
    parseCniRequest({ env: gc, conf: conf({ cniVersion: '1.1.0', 'cni.dev/valid-attachments': valid }) }),
  ).toMatchObject({
    value: { valid: [{ containerId: 'c1', ifName: 'eth0' }] },
  });
  expect(parseCniRequest({ env: gc, conf: conf({ cniVersion: '1.1.0' }) })).toMatchObject({ value: { valid: [] } });
});

test('all missing variables are named at once', () => {
  expect(faultOf({ env: { CNI_COMMAND: 'ADD' }, conf: conf() })).toEqual({
    code: 4,
    msg: 'required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME] missing',
  });
});

test.each([
  ['an unknown verb', env({ CNI_COMMAND: 'PUT' }), conf(), 4],
  ['a bad container id', env({ CNI_CONTAINERID: '../etc' }), conf(), 4],
  ['a container id too long for a file name', env({ CNI_CONTAINERID: 'c'.repeat(201) }), conf(), 4],
  ['an interface name with a slash', env({ CNI_IFNAME: 'a/b' }), conf(), 4],
  ['an interface name of 16 characters', env({ CNI_IFNAME: 'e'.repeat(16) }), conf(), 4],
  ['an interface called ..', env({ CNI_IFNAME: '..' }), conf(), 4],
  ['arguments that are not pairs', env({ CNI_ARGS: 'a=b;c' }), conf(), 4],
  ['no version, which means 0.1.0', env(), conf({ cniVersion: undefined }), 1],
  ['an unknown version', env(), conf({ cniVersion: '2.0.0' }), 1],
  ['a version that is no text', env(), conf({ cniVersion: 1 }), 6],
  ['no network name', env(), conf({ name: '' }), 7],
  ['a network name with a slash', env(), conf({ name: 'a/b' }), 7],
  ['an impossible MTU', env(), conf({ mtu: 12 }), 7],
  ['CHECK before 0.4.0', env({ CNI_COMMAND: 'CHECK' }), conf({ cniVersion: '0.3.1' }), 1],
  ['GC before 1.1.0', env({ CNI_COMMAND: 'GC' }), conf(), 1],
  ['STATUS before 1.1.0', env({ CNI_COMMAND: 'STATUS' }), conf(), 1],
  ['a configuration that is a list', env(), [], 6],
  [
    'a bad list of attachments',
    env({ CNI_COMMAND: 'GC' }),
    conf({ cniVersion: '1.1.0', 'cni.dev/valid-attachments': [1] }),
    6,
  ],
])('%s is refused with the specification’s code', (_, e, c, code) => {
  expect(faultOf({ env: e, conf: c })?.code).toBe(code);
});

test('an unsupported version says which are supported', () => {
  expect(faultOf({ env: env(), conf: conf({ cniVersion: '0.2.0' }) })?.details).toBe(
    'config is "0.2.0", plugin supports ["0.3.1" "0.4.0" "1.0.0" "1.1.0"]',
  );
});
