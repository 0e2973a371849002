import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FootprintRecord, readFootprint } from '../../../src/daemon/footprint.ts';
import { readSysctl } from '../../../src/kernel/devices/sysctl.ts';
import { applyForwarding } from '../../../src/kernel/packets/forwarding.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'footprint-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const change = (from: string, to = '1') => ({ key: 'net/ipv4/ip_forward', from, to });
const ROUTES = { protocol: 12, table: 254 };

test('what the first daemon found is what uninstall restores, whatever later ones find', () => {
  new FootprintRecord(folder, { ...ROUTES, settings: [change('0')] }).save([2, 1, 2]);
  new FootprintRecord(folder, { ...ROUTES, settings: [] }).save();
  expect(readFootprint(folder)).toEqual({ ...ROUTES, settings: [change('0')], nextHops: [1, 2] });
  new FootprintRecord(folder, { ...ROUTES, settings: [change('7')] }).save([3]);
  expect(readFootprint(folder)).toEqual({ ...ROUTES, settings: [change('0')], nextHops: [3] });
});

test.each([
  '',
  '{',
  '[]',
  '{"protocol":12,"table":254,"nextHops":[],"settings":[{"key":"net/../../etc/passwd","from":"0","to":"1"}]}',
  '{"protocol":12,"table":254,"nextHops":[],"settings":[{"key":"kernel/panic","from":"0","to":"1"}]}',
])('a record that cannot be believed is none: %s', (text) => {
  fs.writeFileSync(path.join(folder, 'footprint.json'), text);
  expect(readFootprint(folder)).toBeUndefined();
});

test('where a container has the host’s /proc/sys/net elsewhere, settings are read and written there', () => {
  const root = path.join(folder, 'proc-sys-net');
  fs.mkdirSync(path.join(root, 'ipv4/conf/default'), { recursive: true });
  fs.writeFileSync(path.join(root, 'ipv4/ip_forward'), '0\n');
  fs.writeFileSync(path.join(root, 'ipv4/conf/default/forwarding'), '1\n');
  expect(applyForwarding(root)).toEqual({ changed: [change('0')], problems: [] });
  expect(readSysctl('net/ipv4/ip_forward', root)).toBe('1');
});
