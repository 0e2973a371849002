import { expect, test } from 'vitest';
import { annotationPatch } from '../../../src/daemon/node-annotations.ts';

const node = (annotations: Record<string, string>) => ({ metadata: { name: 'node1', annotations } });

test('only what differs is patched, and what is not known is left alone', () => {
  const stored = node({ 'projectcalico.org/IPv4Address': '192.168.34.101/24', 'example.org/other': 'x' });
  expect(annotationPatch(stored, { ipv4Address: '192.168.34.101/24' })).toBeUndefined();
  expect(annotationPatch(stored, { ipv4Address: '192.168.34.101/24', ipipTunnelAddress: '10.244.0.0' })).toEqual({
    metadata: { annotations: { 'projectcalico.org/IPv4IPIPTunnelAddr': '10.244.0.0' } },
  });
  expect(annotationPatch({ metadata: { name: 'node1' } }, {})).toBeUndefined();
});
