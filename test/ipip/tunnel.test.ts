/** kernel/tunnels/tunnel.ts with the kernel's own ipip, in User-Mode Linux. The sentences are in guest/tunnel.ts. */
// needs: uml ip ping
import { beforeAll, expect, test } from 'vitest';
import { bundle } from '../support/bundle.ts';
import { runInUml, type UmlOutcome } from '../support/uml.ts';

let guest: UmlOutcome;
beforeAll(async () => {
  const child = await bundle('test/support/tunnel-child.ts');
  guest = await runInUml(`${process.execPath} ${await bundle('test/ipip/guest/tunnel.ts')} ${child}`, 240_000);
});

test.each([
  'asking for ipip loads the module, and the kernel carries tunl0',
  'a second node finds tunl0 that came with the module, and adopts it',
  'pods ping across the kernel tunnel, TTL 62, exactly the MTU and not one byte more',
  'a second ensure changes nothing, and a wrong address goes',
  'the user-space carrier does not take the name of the kernel device, and says so',
  'our own carrier and the kernel speak the same IPIP',
  'a tunnel of our own gives way to the kernel when the kernel is demanded',
  'the kernel goes on when the daemons are dead',
  'remove leaves the kernel device bare: it came with the module and cannot go',
])('%s', (sentence) => {
  expect(guest.out.split('\n'), `${guest.out}\n${guest.console}`).toContain(`ok ${sentence}`);
});
