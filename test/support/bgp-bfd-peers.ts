/** BGP peers that have BFD with us: BIRD, and FRR (zebra, bgpd, bfdd), at 10.9.0.2 of test/support/switched.ts. Each announces
 *  ROUTE and hears what 10.9.0.1 announces. */
import fs from 'node:fs';
import { type BfdPeerTiming, daemonsIn } from './bfd-peers.ts';
import { attempt, type Namespaces, until } from './namespaces.ts';

export const ROUTE = '198.51.100.0/24';

export interface BgpBfdPeer {
  start(): Promise<void>;
  established(): boolean;
  bfdIsUp(): boolean;
  /** What it says about the last end of its session with us. */
  lastEnd(): string;
  remove(): Promise<void>;
}

export function birdWithBfd(namespaces: Namespaces, namespace: string, timing: BfdPeerTiming): BgpBfdPeer {
  const d = daemonsIn(namespaces, namespace);
  const conf = d.write(
    'bird.conf',
    `log stderr all;
router id 10.9.0.2;
protocol device { scan time 2; }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
protocol bfd { interface "*" { interval ${timing.intervalMs} ms; multiplier ${timing.multiplier}; }; }
protocol static { ipv4; route ${ROUTE} unreachable; }
protocol bgp gingham {
  local 10.9.0.2 as 65002;
  neighbor 10.9.0.1 as 65001;
  bfd on;
  hold time 90; connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export where source = RTS_STATIC; next hop self; };
}`,
  );
  const birdc = (...words: string[]): string => attempt('birdc', '-s', `${d.folder}/bird.ctl`, ...words).out;
  return {
    async start() {
      d.spawn('bird', '-f', '-c', conf, '-s', `${d.folder}/bird.ctl`);
      await until('bird answers', () => birdc('show', 'status').includes('up and running'));
    },
    established: () => birdc('show', 'protocols', 'gingham').includes('Established'),
    bfdIsUp: () => /10\.9\.0\.1\s+\S+\s+Up/.test(birdc('show', 'bfd', 'sessions')),
    lastEnd: () => birdc('show', 'protocols', 'all', 'gingham').match(/Last error:\s*(.*)/)?.[1] ?? '',
    remove: d.remove,
  };
}

export function frrWithBfd(namespaces: Namespaces, namespace: string, timing: BfdPeerTiming): BgpBfdPeer {
  const d = daemonsIn(namespaces, namespace);
  const zebra = d.write('zebra.conf', 'hostname zebra\n');
  const bfdd = d.write('bfdd.conf', 'hostname bfdd\n');
  const { intervalMs, multiplier } = timing;
  const bgpd = d.write(
    'bgpd.conf',
    `hostname peer
router bgp 65002
 bgp router-id 10.9.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 bgp log-neighbor-changes
 neighbor 10.9.0.1 remote-as 65001
 neighbor 10.9.0.1 timers connect 1
 neighbor 10.9.0.1 advertisement-interval 0
 neighbor 10.9.0.1 bfd ${multiplier} ${intervalMs} ${intervalMs}
 address-family ipv4 unicast
  network ${ROUTE}
 exit-address-family
`,
  );
  const common = ['--vty_socket', d.folder, '-A', '127.0.0.1', '-P', '0', '-z', `${d.folder}/zserv.api`];
  const vtysh = (of: string, command: string): string =>
    attempt('vtysh', '--vty_socket', d.folder, '-d', of, '-c', command).out;
  const neighbor = (): Record<string, unknown> => {
    try {
      const all = JSON.parse(vtysh('bgpd', 'show bgp neighbor 10.9.0.1 json')) as Record<string, object>;
      return (all['10.9.0.1'] ?? {}) as Record<string, unknown>;
    } catch {
      return {};
    }
  };
  return {
    async start() {
      d.spawn('/usr/lib/frr/zebra', '-f', zebra, '-i', `${d.folder}/zebra.pid`, ...common);
      await until('zebra serves', () => fs.existsSync(`${d.folder}/zserv.api`));
      const socket = `${d.folder}/bfdd.sock`;
      d.spawn('/usr/lib/frr/bfdd', '-f', bfdd, '-i', `${d.folder}/bfdd.pid`, '--bfdctl', socket, ...common);
      await until('bfdd answers', () => vtysh('bfdd', 'show bfd peers json').includes('['));
      d.spawn('/usr/lib/frr/bgpd', '-S', '-f', bgpd, '-i', `${d.folder}/bgpd.pid`, ...common);
      await until('bgpd answers', () => neighbor()['remoteAs']);
    },
    established: () => neighbor()['bgpState'] === 'Established',
    bfdIsUp: () => /"status":\s*"up"/.test(vtysh('bfdd', 'show bfd peers json')),
    lastEnd: () => String(neighbor()['lastResetDueTo'] ?? ''),
    remove: d.remove,
  };
}
