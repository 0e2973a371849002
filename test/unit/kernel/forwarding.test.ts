/** Settings that make a router, on a folder that stands for /proc/sys. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyForwarding } from '../../../src/kernel/packets/forwarding.ts';

let root: string;
const put = (key: string, value: string): void => {
  fs.mkdirSync(path.dirname(path.join(root, key)), { recursive: true });
  fs.writeFileSync(path.join(root, key), value);
};
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-sysctl-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

test('what is off is turned on and recorded, and a second run changes nothing', () => {
  put('net/ipv4/ip_forward', '0\n');
  put('net/ipv4/conf/default/forwarding', '1\n');
  const report = applyForwarding(root);
  expect(report).toEqual({ changed: [{ key: 'net/ipv4/ip_forward', from: '0', to: '1' }], problems: [] });
  expect(applyForwarding(root)).toEqual({ changed: [], problems: [] });
});

test('forwarding that cannot be turned on is a reason with the setting, the value and the remedy', () => {
  put('net/ipv4/conf/default/forwarding', '1\n');
  const [reason] = applyForwarding(root).problems;
  expect(reason?.code).toBe('FORWARDING_OFF');
  expect(reason?.text).toContain('net.ipv4.ip_forward is unreadable and could not be set to 1 (ENOENT)');
  expect(reason?.text).toContain('sysctl -w net.ipv4.ip_forward=1');
});
