/** The lab over the kernel's own ipip, in User-Mode Linux. The sentences are in guest/lab.ts. */
// needs: uml ip ping tcpdump
import { beforeAll, expect, test } from 'vitest';
import { bundle } from '../support/bundle.ts';
import { runInUml, type UmlOutcome } from '../support/uml.ts';

let guest: UmlOutcome;
beforeAll(async () => {
  guest = await runInUml(`${process.execPath} ${await bundle('test/ipip/guest/lab.ts')}`, 540_000);
});

test.each([
  'a lab with ipip comes up: every session Established, every ping answered',
  'status says that the kernel carries tunl0, and that no better carrier was passed over',
  'every route has the form of a Calico node',
  'a packet of exactly the MTU passes between pods of two nodes, and one byte more is refused',
  'the wire carries IP protocol 4 between the node addresses',
  'a daemon killed with SIGKILL comes back while its pods are pinged throughout, none lost',
  'lab down leaves nothing behind',
])('%s', (sentence) => {
  expect(guest.out.split('\n'), `${guest.out}\n${guest.console}`).toContain(`ok ${sentence}`);
});
