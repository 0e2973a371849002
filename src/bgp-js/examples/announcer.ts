/** Announces prefixes until Ctrl-C: node announcer.ts OUR-ADDRESS PEER-ADDRESS PORT PREFIX... AS 64513 dials AS 64512. */
import * as bgp from 'gingham/bgp-js';

const [ours = '', theirs = '', port = '179', ...prefixes] = process.argv.slice(2);
const [us, peer] = [bgp.parseIpv4(ours), bgp.parseIpv4(theirs)];
if (us === undefined || peer === undefined)
  throw new Error('node announcer.ts OUR-ADDRESS PEER-ADDRESS PORT PREFIX...');
const announced = prefixes.flatMap((text) => bgp.parseIpPrefix(text) ?? []).map((prefix) => bgp.nlriOf(prefix));
const ases = { localAsn: 64513, peerAsn: 64512, bgpIdentifier: us, families: [bgp.IPV4_UNICAST, bgp.IPV6_UNICAST] };
const addresses = { localAddress: us, peerAddress: peer, peerPort: Number(port) };
const config = { ...ases, ...addresses, passive: false, holdTimeSec: 90, connectRetrySec: 5 };
const nextHop = bgp.ipv4(0xc0000201); // 192.0.2.1
const mpNextHop = { address: bgp.ipv6(0x20010db8n << 96n) }; // 2001:db8::, for IPv6 routes
const asPath: bgp.AsSegment[] = [{ type: 'sequence', asns: [64513] }];
const attributes: bgp.PathAttributes = { origin: 'igp', asPath, nextHop, mpNextHop };
const onEstablished = (agreed: bgp.Agreed): void => {
  session.send(bgp.encodeUpdate({ withdrawn: [], announced, attributes }, bgp.updateContext(agreed, 'send')));
  for (const family of agreed.families) session.send(bgp.endOfRib(family));
};
const onDown = (down: bgp.SessionDown): void => console.log(down.code, down.text);
const session = new bgp.BgpSession(config, bgp.nodePorts, bgp.sessionListener({ onEstablished, onDown }));
session.start();
process.once('SIGINT', () => session.stop({ kind: 'leave', text: 'that was the example' }));
