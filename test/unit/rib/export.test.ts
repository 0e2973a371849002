import { describe, expect, test } from 'vitest';
import { type Exported, type ExportTarget, exportTo, mayPass, prepend } from '../../../src/rib/export.ts';
import { address, attributes, cidr } from '../../support/rib.ts';

const US = address('10.9.0.1');
const PEER = address('10.9.0.4');
const target = (more: Partial<ExportTarget> = {}): ExportTarget => ({
  kind: 'ibgp',
  address: PEER,
  localAddress: US,
  localAsn: 64512,
  localPref: 2147482623,
  nextHop: 'keep',
  peerAsn: 65001,
  transit: true,
  ...more,
});
const ebgp = (more: Partial<ExportTarget> = {}): ExportTarget => target({ kind: 'ebgp', ...more });
const sent = (e: Exported) => ('send' in e ? e.send : e.not.code);
const ours = { origin: 'igp', asPath: [], nextHop: address('0.0.0.0') } as const;

describe('exportTo', () => {
  test('our own route to iBGP: our end as next hop, the configured LOCAL_PREF (RFC 4271 5.1.3, 5.1.5)', () => {
    expect(sent(exportTo(ours, 'local', target()))).toEqual({ ...ours, nextHop: US, localPref: 2147482623 });
  });

  test('our own route to eBGP: our AS, our end as next hop, MED kept, no LOCAL_PREF', () => {
    expect(sent(exportTo({ ...ours, med: 5, localPref: 7 }, 'local', ebgp()))).toEqual({
      origin: 'igp',
      asPath: [{ type: 'sequence', asns: [64512] }],
      nextHop: US,
      med: 5,
    });
  });

  test('a learned route to eBGP: MED, ORIGINATOR_ID and CLUSTER_LIST stay behind (5.1.4, RFC 4456 8)', () => {
    const learned = attributes('10.9.0.2', { med: 5, originatorId: PEER, clusterList: [PEER] });
    expect(sent(exportTo(learned, 'ibgp', ebgp()))).toEqual({
      origin: 'igp',
      asPath: [{ type: 'sequence', asns: [64512] }],
      nextHop: address('10.9.0.2'),
    });
    expect(sent(exportTo(learned, 'ibgp', ebgp({ nextHop: 'self' })))).toMatchObject({ nextHop: US });
  });

  test('from eBGP to iBGP nothing changes but a missing LOCAL_PREF', () => {
    const { localPref: _, ...learned } = attributes('10.9.0.2', {
      med: 5,
      asPath: [{ type: 'sequence', asns: [65001] }],
    });
    expect(sent(exportTo(learned, 'ebgp', target()))).toEqual({ ...learned, localPref: 100 });
  });

  test('what is not sent says why', () => {
    const a = attributes('10.9.0.2');
    expect(sent(exportTo(a, 'ibgp', target()))).toBe('IBGP_SPLIT_HORIZON');
    expect(sent(exportTo(a, 'ebgp', target({ transit: false })))).toBe('NO_TRANSIT');
    expect(sent(exportTo(a, 'ibgp', ebgp({ transit: false })))).toBe('NO_TRANSIT');
    expect(sent(exportTo({ ...a, communities: [0xffffff02] }, 'ebgp', target()))).toBe('NO_ADVERTISE');
    expect(sent(exportTo({ ...a, communities: [0xffffff01] }, 'ebgp', ebgp()))).toBe('NO_EXPORT');
    expect(sent(exportTo({ ...a, communities: [0xffffff01] }, 'ebgp', target()))).toMatchObject({ localPref: 100 });
    expect(sent(exportTo(attributes('10.9.0.4'), 'ebgp', target()))).toBe('NEXT_HOP_IS_THE_PEER');
  });

  test('our AS goes into a leading sequence with room, else before it (5.1.2)', () => {
    const full = { type: 'sequence', asns: Array.from({ length: 255 }, () => 1) } as const;
    expect(prepend([full], 9)).toEqual([{ type: 'sequence', asns: [9] }, full]);
    expect(prepend([{ type: 'set', asns: [1] }], 9)).toEqual([
      { type: 'sequence', asns: [9] },
      { type: 'set', asns: [1] },
    ]);
    expect(prepend([{ type: 'sequence', asns: [1] }], 9)).toEqual([{ type: 'sequence', asns: [9, 1] }]);
  });
});

describe('mayPass', () => {
  const asks = (to: ExportTarget, from: 'local' | 'ibgp' | 'ebgp', text: string): boolean =>
    mayPass(to, from, cidr(text).address, cidr(text).length);

  test('with transitWithin the fabric hears of pods and of nothing else that the mesh knows', () => {
    const to = ebgp({ transitWithin: [cidr('10.244.0.0/16'), cidr('10.245.0.0/24')] });
    expect(asks(to, 'ibgp', '10.244.1.0/26')).toBe(true);
    expect(asks(to, 'ibgp', '10.245.0.64/26')).toBe(true);
    expect(asks(to, 'ibgp', '10.244.0.0/15')).toBe(false);
    expect(asks(to, 'ibgp', '10.245.1.0/26')).toBe(false);
    expect(asks(to, 'ebgp', '0.0.0.0/0')).toBe(false);
    expect(asks(to, 'local', '192.0.2.0/24')).toBe(true);
    expect(asks(ebgp({ transitWithin: [] }), 'ibgp', '10.244.1.0/26')).toBe(false);
    expect(asks(ebgp(), 'ibgp', '0.0.0.0/0')).toBe(true);
  });
});
