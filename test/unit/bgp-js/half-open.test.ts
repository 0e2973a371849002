import { expect, test } from 'vitest';
import { HalfOpen } from '../../../src/bgp-js/transport/half-open.ts';
import { address } from './two-speakers.ts';

const A = address('192.0.2.1');
const B = address('192.0.2.2');
const C = address('192.0.2.3');

test('connections without a message are limited by source and in total, and leaving makes room', () => {
  const halfOpen = new HalfOpen({ perSource: 2, total: 3 });
  expect([halfOpen.enter(A), halfOpen.enter(A), halfOpen.enter(A)]).toEqual([undefined, undefined, 'perSource']);
  expect([halfOpen.enter(B), halfOpen.enter(C)]).toEqual([undefined, 'total']);
  expect(halfOpen.total).toBe(3);
  halfOpen.leave(A);
  expect([halfOpen.enter(C), halfOpen.enter(A)]).toEqual([undefined, 'total']);
  for (const source of [A, B, C, C]) halfOpen.leave(source);
  expect(halfOpen.total).toBe(0);
});
