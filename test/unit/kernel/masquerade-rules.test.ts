/** The nft text of natOutgoing. */
import { expect, test } from 'vitest';
import { type Prefix, parsePrefix } from '../../../src/base/prefix.ts';
import { masqueradeText, removalText } from '../../../src/kernel/packets/masquerade-rules.ts';

const prefixes = (...texts: string[]): Prefix[] => texts.map((t) => parsePrefix(t) as Prefix);

test('one transaction replaces the whole table: sources in a natOutgoing pool, destinations in no pool', () => {
  const spec = { natOutgoing: prefixes('10.244.0.0/16'), pools: prefixes('10.244.0.0/16', '10.48.0.0/16') };
  expect(masqueradeText('gingham', spec)).toBe(`table ip gingham
delete table ip gingham
table ip gingham {
\tset nat-outgoing {
\t\ttype ipv4_addr
\t\tflags interval
\t\tauto-merge
\t\telements = { 10.244.0.0/16 }
\t}
\tset pools {
\t\ttype ipv4_addr
\t\tflags interval
\t\tauto-merge
\t\telements = { 10.48.0.0/16, 10.244.0.0/16 }
\t}
\tchain postrouting {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip saddr @nat-outgoing ip daddr != @pools counter masquerade
\t}
}
`);
});

test('the order and repetition of pools do not change the text', () => {
  const a = masqueradeText('t', { natOutgoing: prefixes('10.1.0.0/16', '10.0.0.0/16'), pools: [] });
  const b = masqueradeText('t', { natOutgoing: prefixes('10.0.0.0/16', '10.1.0.0/16', '10.0.0.0/16'), pools: [] });
  expect(a).toBe(b);
});

test('no natOutgoing pool means no table', () => {
  expect(masqueradeText('t', { natOutgoing: [], pools: prefixes('10.0.0.0/16') })).toBe(removalText('t'));
});
