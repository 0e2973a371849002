// needs: root ip bird frr ping
/** A ping across two routers, ours and BIRD's or FRR's, while each is killed without a word and started again: graceful restart
 *  keeps every packet on its way, both as the one that restarts and as the one that helps. RFC 4724 4.1, 4.2 */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { daemonsIn } from '../support/bfd-peers.ts';
import { frrSpeaker } from '../support/frr.ts';
import { attempt, makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { steadyPing } from '../support/ping.ts';
import { cable, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
let others: { remove(): Promise<void> }[] = [];
beforeEach(() => {
  namespaces = makeNamespaces('gr');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'g', 'b');
  host('c', 'b', '10.1.0');
  host('s', 'g', '10.2.0');
});
afterEach(async () => {
  ping?.kill('SIGKILL');
  ping = undefined;
  for (const other of others) await other.remove();
  others = [];
  await speakers.remove();
  namespaces.remove();
});

/** A host behind a router: NET.2 there, NET.1 its gateway. */
function host(name: string, router: string, net: string): void {
  namespaces.ip(name, `link add eth0 type veth peer name to-${name} netns ${namespaces.name(router)}`);
  namespaces.ip(name, `addr add ${net}.2/24 dev eth0`);
  namespaces.ip(name, 'link set eth0 up');
  namespaces.ip(router, `addr add ${net}.1/24 dev to-${name}`);
  namespaces.ip(router, `link set to-${name} up`);
  namespaces.ip(name, `route add default via ${net}.1`);
  namespaces.sh(router, 'echo 1 > /proc/sys/net/ipv4/ip_forward');
}

interface Other {
  start(recover: boolean): Promise<void>;
  /** Without a word. */
  kill(): Promise<void>;
  established(): boolean;
}

function bird(): Other {
  const d = daemonsIn(namespaces, 'b');
  others.push(d);
  const conf = d.write(
    'bird.conf',
    `log stderr all;
router id 10.9.0.2;
graceful restart wait 60;
protocol device { scan time 2; }
protocol direct { ipv4; interface "to-c"; }
protocol kernel { persist; graceful restart on; ipv4 { export where source = RTS_BGP; }; }
protocol bgp gingham {
  local 10.9.0.2 as 65002; neighbor 10.9.0.1 as 65001;
  hold time 30; connect delay time 0; connect retry time 1; error wait time 1, 2;
  graceful restart on; graceful restart time 60;
  ipv4 { import all; export where source = RTS_DEVICE; next hop self; };
}`,
  );
  const birdc = (...words: string[]): string => attempt('birdc', '-s', `${d.folder}/bird.ctl`, ...words).out;
  let running: ReturnType<typeof d.spawn> | undefined;
  return {
    async start(recover) {
      running = d.spawn('bird', '-f', ...(recover ? ['-R'] : []), '-c', conf, '-s', `${d.folder}/bird.ctl`);
      await until('bird answers', () => birdc('show', 'status').includes('up and running'));
    },
    kill: async () => {
      if (running !== undefined) await d.kill(running, 'SIGKILL');
    },
    established: () => birdc('show', 'protocols', 'gingham').includes('Established'),
  };
}

function frr(): Other {
  const speaker = frrSpeaker(
    namespaces,
    'b',
    `hostname peer
router bgp 65002
 bgp router-id 10.9.0.2
 no bgp ebgp-requires-policy
 bgp graceful-restart
 bgp graceful-restart preserve-fw-state
 bgp graceful-restart restart-time 60
 neighbor 10.9.0.1 remote-as 65001
 neighbor 10.9.0.1 timers 10 30
 neighbor 10.9.0.1 timers connect 1
 neighbor 10.9.0.1 advertisement-interval 0
 address-family ipv4 unicast
  network 10.1.0.0/24
 exit-address-family
`,
  );
  others.push(speaker);
  return {
    start: () => speaker.start(),
    kill: () => speaker.killBgpd(),
    established: () => speaker.established('10.9.0.1'),
  };
}

const GINGHAM = `
asn: 65001
routerId: 10.9.0.1
holdTime: 30
gracefulRestart: { restartTime: 60 }
originate: [10.2.0.0/24]
neighbors: [{ name: other, address: 10.9.0.2, asn: 65002, connectRetry: 1 }]`;

let ping: ChildProcess | undefined;
function startPing(): ReturnType<typeof steadyPing> {
  const child = spawn('ip', ['netns', 'exec', namespaces.name('c'), 'ping', '-n', '-i', '0.05', '10.2.0.2']);
  ping = child;
  return steadyPing(child, () => child.kill('SIGINT'));
}

interface PeerList {
  items: { state: string; counts?: { used: number; stale: number; sent: number } }[];
}
const settled = (node: GinghamNode, other: Other): Promise<unknown> =>
  until(
    'the session is up on both sides, and nothing is stale',
    () => {
      const counts = node.json<PeerList>('peers').items[0]?.counts;
      return other.established() && counts?.used === 1 && counts.stale === 0 && counts.sent === 1;
    },
    60_000,
  );

test.each([
  ['BIRD', bird],
  ['FRR', frr],
])(
  'no packet is lost while we and %s are killed with SIGKILL, one after the other, and come back',
  async (_name, makeOther) => {
    const other = makeOther();
    await other.start(false);
    const node = speakers.gingham('g', GINGHAM);
    await node.start();
    await settled(node, other);
    await until('both kernels have the other’s route', () =>
      ['g', 'b'].every((side) => /10\.[12]\.0\.0\/24 (nhid \d+ )?via/.test(namespaces.ip(side, 'route'))),
    );
    await until('a ping crosses', () => namespaces.try('c', 'ping -n -c 1 -W 1 10.2.0.2').status === 0);
    const pinging = startPing();
    expect(await node.stop('SIGKILL')).toBe('SIGKILL');
    await node.start();
    await settled(node, other);
    await other.kill();
    await other.start(true);
    await settled(node, other);
    const { sent, lost } = await pinging.end(60);
    expect(sent).toBeGreaterThan(40);
    expect(lost).toBe(0);
  },
  180_000,
);
