/** FRR's zebra and bgpd in a namespace of a test. */
import fs from 'node:fs';
import { daemonsIn } from './bfd-peers.ts';
import { attempt, type Namespaces, until } from './namespaces.ts';

export interface FrrSpeaker {
  /** zebra where it does not run yet, and bgpd. */
  start(): Promise<void>;
  /** bgpd alone, without a word: zebra keeps its routes for it. */
  killBgpd(): Promise<void>;
  established(neighbor: string): boolean;
  vtysh(command: string): string;
  remove(): Promise<void>;
}

/** `bgpd`: its configuration file. */
export function frrSpeaker(namespaces: Namespaces, namespace: string, bgpd: string): FrrSpeaker {
  const d = daemonsIn(namespaces, namespace);
  const conf = d.write('bgpd.conf', bgpd);
  const zebraConf = d.write('zebra.conf', 'hostname zebra\n');
  const common = ['--vty_socket', d.folder, '-A', '127.0.0.1', '-P', '0', '-z', `${d.folder}/zserv.api`];
  const vtysh = (command: string): string =>
    attempt('vtysh', '--vty_socket', d.folder, '-d', 'bgpd', '-c', command).out;
  let zebra: ReturnType<typeof d.spawn> | undefined;
  let running: ReturnType<typeof d.spawn> | undefined;
  return {
    vtysh,
    async start() {
      if (zebra === undefined) {
        zebra = d.spawn('/usr/lib/frr/zebra', '-f', zebraConf, '-i', `${d.folder}/zebra.pid`, '-K', '120', ...common);
        await until('zebra serves', () => fs.existsSync(`${d.folder}/zserv.api`));
      }
      running = d.spawn('/usr/lib/frr/bgpd', '-S', '-f', conf, '-i', `${d.folder}/bgpd.pid`, ...common);
      await until('bgpd answers', () => vtysh('show version').includes('FRRouting'));
    },
    killBgpd: async () => {
      if (running !== undefined) await d.kill(running, 'SIGKILL');
    },
    established: (neighbor) => vtysh(`show bgp neighbor ${neighbor} json`).includes('"bgpState":"Established"'),
    remove: d.remove,
  };
}
