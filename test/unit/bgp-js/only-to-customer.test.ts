/** OTC on the way in and out, one line per cell of RFC 9234 5. The role is ours; the peer is AS 65001, we are 64512. */
import { expect, test } from 'vitest';
import { otcEgress, otcIngress } from '../../../src/bgp-js/attributes/only-to-customer.ts';
import type { BgpRole } from '../../../src/bgp-js/wire/role.ts';

const PEER = 65001;
const US = 64512;
const route = (otc: number | undefined) => ({
  origin: 'igp' as const,
  asPath: [],
  ...(otc !== undefined ? { onlyToCustomer: otc } : {}),
});

//   [our role, OTC as it comes, OTC afterwards or 'leak']
test.each<[BgpRole, number | undefined, number | undefined | 'leak']>([
  ['provider', undefined, undefined], // from a customer
  ['provider', PEER, 'leak'], // ingress 1
  ['rs', undefined, undefined], // from an RS-client
  ['rs', 7, 'leak'], // ingress 1
  ['peer', undefined, PEER], // ingress 3
  ['peer', PEER, PEER],
  ['peer', 7, 'leak'], // ingress 2
  ['customer', undefined, PEER], // ingress 3, from a provider
  ['customer', 7, 7],
  ['rs-client', undefined, PEER], // ingress 3, from a route server
  ['rs-client', 7, 7],
])('ingress as %s: OTC %s becomes %s', (role, otc, after) => {
  const verdict = otcIngress(route(otc), role, PEER);
  if (after === 'leak') expect(verdict).toMatchObject({ kind: 'leak', text: expect.stringContaining(`${otc}`) });
  else expect(verdict).toEqual({ kind: 'pass', attributes: route(after) });
});

test.each<[BgpRole, number | undefined, number | undefined | 'leak']>([
  ['provider', undefined, US], // egress 1, to a customer
  ['provider', 7, 7],
  ['peer', undefined, US], // egress 1
  ['peer', 7, 'leak'], // egress 2
  ['rs', undefined, US], // egress 1, to an RS-client
  ['rs', 7, 7],
  ['customer', undefined, undefined], // to a provider
  ['customer', 7, 'leak'], // egress 2
  ['rs-client', undefined, undefined], // to a route server
  ['rs-client', 7, 'leak'], // egress 2
])('egress as %s: OTC %s becomes %s', (role, otc, after) => {
  const verdict = otcEgress(route(otc), role, US);
  if (after === 'leak') expect(verdict).toMatchObject({ kind: 'leak', text: expect.stringContaining(`${otc}`) });
  else expect(verdict).toEqual({ kind: 'pass', attributes: route(after) });
});
