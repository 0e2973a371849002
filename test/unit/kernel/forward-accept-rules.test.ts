import { expect, test } from 'vitest';
import { parseForwardChain, planForward } from '../../../src/kernel/packets/forward-accept-rules.ts';

const IN = '-A FORWARD -i cali+ -m comment --comment "gingham: pods forward" -j ACCEPT';
const OUT = '-A FORWARD -o cali+ -m comment --comment "gingham: pods forward" -j ACCEPT';
const plan = (lines: readonly string[], wanted = true): string[] => {
  const chain = parseForwardChain(`${lines.join('\n')}\n`);
  if (chain === undefined) throw new Error('no chain');
  return planForward(chain, wanted).map((call) => call.join(' '));
};
const bare = (rule: string): string => rule.replaceAll('"', '').replace('-A FORWARD ', '');

test('a chain that accepts is left alone', () => {
  expect(plan(['-P FORWARD ACCEPT', '-A FORWARD -j KUBE-FORWARD'])).toEqual([]);
});

test('with policy DROP both rules come to the end, after kube-proxy, which drops invalid packets first', () => {
  expect(plan(['-P FORWARD DROP', '-A FORWARD -j DOCKER-USER', '-A FORWARD -j KUBE-FORWARD'])).toEqual([
    `-A FORWARD ${bare(IN)}`,
    `-A FORWARD ${bare(OUT)}`,
  ]);
});

test('before a last rule that rejects everything, ours stand where they are reached', () => {
  expect(
    plan(['-P FORWARD ACCEPT', '-A FORWARD -j X', '-A FORWARD -j REJECT --reject-with icmp-host-prohibited']),
  ).toEqual([`-I FORWARD 2 ${bare(IN)}`, `-I FORWARD 3 ${bare(OUT)}`]);
});

test('what is there is not added again; one of two that is missing is', () => {
  expect(plan(['-P FORWARD DROP', IN, OUT, '-A FORWARD -j X'])).toEqual([]);
  expect(plan(['-P FORWARD DROP', OUT])).toEqual([`-A FORWARD ${bare(IN)}`]);
});

test('a rule of ours behind a reject is added before it, then the unreached one goes', () => {
  expect(plan(['-P FORWARD ACCEPT', IN, '-A FORWARD -j REJECT', OUT])).toEqual([
    `-I FORWARD 2 ${bare(OUT)}`,
    `-D FORWARD ${bare(OUT)}`,
  ]);
});

test('when the chain accepts again, or on uninstall, ours go and nobody else’s', () => {
  const removal = [`-D FORWARD ${bare(IN)}`, `-D FORWARD ${bare(OUT)}`];
  const others = ['-A FORWARD -i cali+ -j ACCEPT', '-A FORWARD -i cali+ -m comment --comment "cali:x" -j ACCEPT'];
  expect(plan(['-P FORWARD ACCEPT', ...others, IN, OUT])).toEqual(removal);
  expect(plan(['-P FORWARD DROP', IN, ...others, OUT], false)).toEqual(removal);
});

test('a drop of some packets only is no dropping chain, and a missing chain is nothing to do', () => {
  expect(plan(['-P FORWARD ACCEPT', '-A FORWARD -i docker0 -j DROP'])).toEqual([]);
  expect(parseForwardChain('')).toBeUndefined();
});
