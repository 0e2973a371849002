/** AS-path and community patterns: what they mean, and what is said of those that mean nothing. */
import { describe, expect, test } from 'vitest';
import type { AsSegment, PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { parseExtendedCommunity, parseLargeCommunity } from '../../../src/bgp-js/attributes/communities.ts';
import { parseAsPathPattern } from '../../../src/model/as-path-text.ts';
import { parseCommunityPattern } from '../../../src/model/community-text.ts';
import type { CommunityMatch } from '../../../src/model/policy.ts';
import { matchesAsPath } from '../../../src/policy/as-path-automaton.ts';
import { matchesCommunities } from '../../../src/policy/community-match.ts';
import { matchesName } from '../../../src/policy/name-pattern.ts';

/** "65001 {65002,65003} 65004" */
function path(text: string): readonly AsSegment[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) =>
      word.startsWith('{')
        ? { type: 'set' as const, asns: word.slice(1, -1).split(',').map(Number) }
        : { type: 'sequence' as const, asns: [Number(word)] },
    );
}
function holds(pattern: string, text: string): boolean {
  const parsed = parseAsPathPattern(pattern);
  if (!parsed.ok) throw new Error(`${pattern} ${parsed.error.text}`);
  return matchesAsPath(parsed.value, path(text));
}

describe('AS-path patterns', () => {
  test.each([
    ['^$', '', true],
    ['^$', '65001', false],
    ['', '65001 65002', true],
    ['_65001_', '65000 65001 65002', true],
    ['65001', '165001', false],
    ['_65001_', '65000', false],
    ['^65000 .* 64512$', '65000 64512', true],
    ['^65000 .* 64512$', '65000 1 2 3 64512', true],
    ['^65000 .* 64512$', '65000', false],
    ['^65000.*64512$', '65000 7 64512', true],
    ['^65000_', '65000 1', true],
    ['^65000', '1 65000', false],
    ['_64512$', '1 64512', true],
    ['^(65001|65002)+$', '65001 65001 65002', true],
    ['^(65001|65002)+$', '65001 3', false],
    ['^(65001 65002)*$', '65001 65002 65001 65002', true],
    ['^(65001 65002)*$', '65001 65002 65001', false],
    ['^65001{2,3}$', '65001', false],
    ['^65001{2,3}$', '65001 65001', true],
    ['^65001{2,3}$', '65001 65001 65001', true],
    ['^65001{2,3}$', '65001 65001 65001 65001', false],
    ['^65001{2,}$', '65001 65001 65001 65001', true],
    ['^65001{2}$', '65001 65001 65001', false],
    ['^65001?$', '', true],
    ['^[64512-65534]$', '65000', true],
    ['^[64512-65534]$', '3', false],
    ['^64512-65534$', '64512', true],
    ['^[^65001 65003]$', '65002', true],
    ['^[^65001 65003]$', '65003', false],
    ['[1 2,3-4]', '9 4', true],
    ['^65001$|^65002$', '65002', true],
    ['^65001$|^65002$', '65002 1', false],
    ['^65001|65002$', '9 65002', true],
    // A set is one position, and matches by any of its members, as BIRD has it.
    ['^65001 65003$', '65001 {65002,65003}', true],
    ['^. .$', '65001 {65002,65003}', true],
    ['^65001 [^65002]$', '65001 {65002,65003}', true],
  ])('%j on %j: %j', (pattern, text, expected) => {
    expect(holds(pattern, text)).toBe(expected);
  });

  test.each([
    ['*', 'has "*" with nothing to repeat before it'],
    ['^ *', 'has "*" with nothing to repeat before it'],
    ['65001**', 'repeats a repetition'],
    ['[0-9]+', 'has [0-9], which is AS numbers 0 to 9 here, not a digit'],
    ['1.10', 'has 1.10'],
    ['[65001', 'has a [ without its ]'],
    ['(65001', 'has a ( without its )'],
    ['65001)', 'has ")" where nothing can stand'],
    ['(^65001)', 'has "^65001)" inside parentheses'],
    ['4294967296', 'has "4294967296", which is no AS number'],
    ['65002-65001', 'has the range 65002-65001'],
    ['65001{3,1}', 'has "{3,1}", which is no count'],
    ['(.{16}){17}', 'stands for 274 positions'],
    ['a', 'has "a", which is no part of a pattern'],
    ['[]', 'has an empty []'],
  ])('%j: %s', (pattern, text) => {
    const parsed = parseAsPathPattern(pattern);
    expect(parsed.ok ? 'no fault' : parsed.error.text).toBe(text);
    expect(parsed.ok || /\.$/.test(parsed.error.remedy)).toBe(true);
  });

  test('a pattern that would cost a backtracking matcher forever is one walk over the path', () => {
    expect(holds('^(1*)*(1*)*(1*)*2$', new Array(2000).fill('1').join(' '))).toBe(false);
  });
});

const pattern = (text: string) => {
  const parsed = parseCommunityPattern(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const attributes: PathAttributes = {
  origin: 'igp',
  asPath: [],
  communities: [65001 * 65536 + 7, 0xffffff01],
  extendedCommunities: [parseExtendedCommunity('rt:65001:100') ?? 0n, parseExtendedCommunity('soo:192.0.2.1:7') ?? 0n],
  largeCommunities: [parseLargeCommunity('64512:1:2') ?? { global: 0, local1: 0, local2: 0 }],
};

describe('community patterns', () => {
  test.each([
    ['any', '65001:7', true],
    ['any', '65001:8', false],
    ['any', '65001:*', true],
    ['any', '*:7', true],
    ['any', 'no-export', true],
    ['any', 'NO_EXPORT', true],
    ['any', '64512:1:2', true],
    ['any', '64512:*:*', true],
    ['any', '64512:*:3', false],
    ['any', 'rt:65001:100', true],
    ['any', 'rt:65001:*', true],
    ['any', 'rt:65001L:*', false],
    ['any', 'rt:*:100', true],
    ['any', 'rt:*', true],
    ['any', 'soo:192.0.2.1:*', true],
    ['any', 'soo:*:7', true],
    ['any', 'soo:*:8', false],
    ['any', 'soo:4200000000:*', false],
    ['all', '65001:7 no-export', true],
    ['all', '65001:7 65001:8', false],
    ['all', '65001:7 rt:65001:100 64512:1:2', true],
    ['exact', '65001:7 no-export', true],
    ['exact', '65001:7', false],
    ['exact', '*:*', true],
    ['exact', '64512:1:2', true],
    ['none', '65001:8 65001:9', true],
    ['none', '65001:8 65001:7', false],
  ] as const)('%s of %s: %j', (mode, texts, expected) => {
    const wanted: CommunityMatch = { mode, patterns: texts.split(' ').map(pattern) };
    expect(matchesCommunities(wanted, attributes)).toBe(expected);
  });

  test.each(['65536:1', '1', 'a:b', '1:2:3:4', 'rt:1:2:3', 'rt:65001:4294967296', '', '-1:1', '01:1'])(
    '%j is none',
    (text) => expect(parseCommunityPattern(text)).toBeUndefined(),
  );
});

test.each([
  ['eth*', 'eth0', true],
  ['*', '', true],
  ['eth?', 'eth', false],
  ['*.cali', 'wireguard.cali', true],
  ['*.cali', 'cali', false],
  ['a*b*c', 'aXbYbZc', true],
  ['eth0', 'eth0.1', false],
])('the device pattern %j on %j: %j', (wanted, name, expected) => expect(matchesName(wanted, name)).toBe(expected));
