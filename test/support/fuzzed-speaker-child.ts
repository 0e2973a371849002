/** A speaker that takes what a test throws at it: one passive BgpSession on the real transport, everything negotiable offered.
 *  Answers one JSON line to each: {} its figures, {"settle":true} the same after a collection. Run with --expose-gc. */
import readline from 'node:readline';
import { ipv4 } from '../../src/base/ipv4.ts';
import { decodeMessage } from '../../src/bgp-js/message.ts';
import { BgpSession } from '../../src/bgp-js/session/session.ts';
import { updateContext } from '../../src/bgp-js/session/update-context.ts';
import { listenBgp, nodePorts } from '../../src/bgp-js/transport/transport.ts';
import { IPV4_UNICAST, IPV6_UNICAST, L2VPN_EVPN, L3VPN_IPV4 } from '../../src/bgp-js/wire/family.ts';

const [us = 0, peer = 0] = process.argv.slice(2).map(Number);
const families = [IPV4_UNICAST, IPV6_UNICAST, L3VPN_IPV4, L2VPN_EVPN];
let routes = 0;
let dispositions = 0;
const session = new BgpSession(
  {
    localAsn: 64_512,
    peerAsn: 64_513,
    bgpIdentifier: ipv4(us),
    peerAddress: ipv4(peer),
    peerPort: 179,
    passive: true,
    holdTimeSec: 90,
    connectRetrySec: 1,
    families,
    addPath: { receive: [IPV6_UNICAST] },
    extendedMessages: true,
    enhancedRouteRefresh: true,
    gracefulRestart: { restartTimeSec: 1, bits: () => ({ restarting: false, forwarding: false }) },
  },
  nodePorts,
  {
    onState: () => {},
    onEstablished: () => {},
    onUpdate: (u) => {
      // As a user of the object API would, though the session has read it already.
      const agreed = session.agreed;
      if (agreed === undefined) return;
      const start = u.withdrawnStart - 21;
      const message = decodeMessage(u.slab, start, u.nlriEnd, updateContext(agreed, 'receive'));
      if (!message.ok || message.value.type !== 'update') throw new Error('the session gave away what is no UPDATE');
      routes += message.value.update.announced.length;
      if (message.value.update.disposition !== 'accept') dispositions++;
    },
    onEndOfRib: () => {},
    onRouteRefresh: () => {},
    onDrain: () => {},
    onDown: () => {},
  },
);
session.start();
const listener = await listenBgp({
  address: ipv4(us),
  port: 0,
  accepts: (remote) => remote === peer,
  onConnection: (c) => session.accept(c),
});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.includes('settle')) (globalThis as { gc?: () => void }).gc?.();
  const { received, sent, establishedCount, lastDown } = session.counters;
  const figures = { port: listener.port, state: session.state, received, sent, establishedCount, routes, dispositions };
  const down = lastDown === undefined ? '' : lastDown.code;
  console.log(
    JSON.stringify({ ...figures, down, rss: process.memoryUsage().rss, heap: process.memoryUsage().heapUsed }),
  );
});
process.stdin.once('end', () => process.exit(0));
