/** Prints what a peer announces: node listener.ts OUR-ADDRESS PEER-ADDRESS [PORT]. AS 64512 listens, AS 64513 dials. */
import * as bgp from 'gingham/bgp-js';

const [ours = '', theirs = '', port = '179'] = process.argv.slice(2);
const [us, peer] = [bgp.parseIpv4(ours), bgp.parseIpv4(theirs)];
if (us === undefined || peer === undefined) throw new Error('node listener.ts OUR-ADDRESS PEER-ADDRESS [PORT]');
const routes = (sign: string, list: readonly bgp.Nlri[], path = ''): void => {
  for (const { prefix } of list) if (prefix) console.log(sign, bgp.formatIpPrefix(prefix), path);
};
const ases = { localAsn: 64512, peerAsn: 64513, bgpIdentifier: us, families: [bgp.IPV4_UNICAST, bgp.IPV6_UNICAST] };
const config = { ...ases, peerAddress: peer, peerPort: 179, passive: true, holdTimeSec: 90, connectRetrySec: 5 };
const onState = (state: bgp.SessionState): void => console.log(state);
const onDown = (down: bgp.SessionDown): void => console.log(down.code, down.text);
const onUpdate = (frame: bgp.UpdateFrame): void => {
  if (session.agreed === undefined) return;
  const update = bgp.readUpdate(frame, bgp.updateContext(session.agreed, 'receive'));
  routes('-', update.withdrawn);
  routes('+', update.announced, bgp.formatAsPath(update.attributes?.asPath ?? []));
};
const session = new bgp.BgpSession(config, bgp.nodePorts, bgp.sessionListener({ onState, onDown, onUpdate }));
session.start();
const accepts = (remote: bgp.IpAddress): boolean => remote === peer;
await bgp.listenBgp({ address: us, port: Number(port), accepts, onConnection: (c) => session.accept(c) });
