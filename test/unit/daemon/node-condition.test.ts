import { expect, test } from 'vitest';
import { networkAvailablePatch } from '../../../src/daemon/node-condition.ts';
import { podPatch } from '../../../src/daemon/pod-annotations.ts';
import type { JsonObject, Resource } from '../../../src/store/port.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const node = (...conditions: JsonObject[]): Resource => ({
  metadata: { name: 'n1', resourceVersion: '7' },
  status: { conditions },
});
const READY = { type: 'Ready', status: 'True' };
const OURS = {
  type: 'NetworkUnavailable',
  status: 'False',
  reason: 'GinghamIsUp',
  message: 'Gingham is running on this node',
  lastHeartbeatTime: '2026-01-02T03:04:05Z',
  lastTransitionTime: '2026-01-02T03:04:05Z',
};

test('the condition is added beside the others, guarded by the version that was read', () => {
  expect(networkAvailablePatch(node(READY), NOW)).toEqual({
    metadata: { resourceVersion: '7' },
    status: { conditions: [READY, OURS] },
  });
});

test('one that is true, as a cloud sets it, is replaced; one that is false is left alone', () => {
  const unavailable = { type: 'NetworkUnavailable', status: 'True', reason: 'NoRouteCreated' };
  expect(networkAvailablePatch(node(unavailable, READY), NOW)).toMatchObject({ status: { conditions: [READY, OURS] } });
  expect(networkAvailablePatch(node({ type: 'NetworkUnavailable', status: 'False' }, READY), NOW)).toBeUndefined();
});

test('a pod’s annotations have Calico’s names and form; a disconnected one keeps its container and has no address', () => {
  expect(podPatch('abc', '10.244.1.2/32')).toEqual({
    metadata: {
      annotations: {
        'cni.projectcalico.org/podIP': '10.244.1.2/32',
        'cni.projectcalico.org/podIPs': '10.244.1.2/32',
        'cni.projectcalico.org/containerID': 'abc',
      },
    },
  });
  expect(podPatch('abc', '', '9')).toEqual({
    metadata: {
      resourceVersion: '9',
      annotations: { 'cni.projectcalico.org/podIP': '', 'cni.projectcalico.org/podIPs': '' },
    },
  });
});
