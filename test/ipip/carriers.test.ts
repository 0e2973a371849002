/** The kernel's own tunl0 with each of our two carriers, in User-Mode Linux, whose kernel has ipip, clsact and BPF as well. The
 *  sentences are in guest/carriers.ts. */
// needs: uml ip ping
import { beforeAll, expect, test } from 'vitest';
import { bundle } from '../support/bundle.ts';
import { runInUml, type UmlOutcome } from '../support/uml.ts';

let guest: UmlOutcome;
beforeAll(async () => {
  const child = await bundle('test/support/tunnel-child.ts');
  guest = await runInUml(`${process.execPath} ${await bundle('test/ipip/guest/carriers.ts')} ${child}`, 300_000);
});

const OURS = ['tc-bpf', 'user space'];
test.each([
  'one kernel carries tunl0 in all three ways at once',
  ...OURS.flatMap((name) => [
    `the kernel's tunl0 and ${name} exchange pings, TTL 62`,
    `the kernel's tunl0 and ${name} exchange packets of exactly the MTU, and refuse one byte more`,
    `10 MB of TCP from the kernel's tunl0 to ${name} arrive with equal checksums`,
    `10 MB of TCP from ${name} to the kernel's tunl0 arrive with equal checksums`,
  ]),
  "when its daemon is dead tc-bpf goes on with the kernel's tunl0",
])('%s', (sentence) => {
  expect(guest.out.split('\n'), `${guest.out}\n${guest.console}`).toContain(`ok ${sentence}`);
});
