/** Two namespaces with a switch between, so that a cut is silence and no loss of carrier: 10.9.0.1 and 2001:db8:9::1 in `left`,
 *  .2 and ::2 in `right`, on eth0. */
import type { Namespaces } from './namespaces.ts';

export interface Switched {
  /** What the side sends is lost from now on. */
  cut(...sides: ('left' | 'right')[]): void;
  mend(): void;
}

export function switched(namespaces: Namespaces, left: string, right: string): Switched {
  namespaces.ip('switch', 'link add br0 type bridge');
  namespaces.ip('switch', 'link set br0 up');
  for (const [port, side, n] of [
    ['left', left, 1],
    ['right', right, 2],
  ] as const) {
    namespaces.ip('switch', `link add ${port} type veth peer name eth0 netns ${namespaces.name(side)}`);
    namespaces.ip('switch', `link set ${port} master br0 up`);
    namespaces.sh(side, 'echo 0 | tee /proc/sys/net/ipv6/conf/*/accept_dad >/dev/null');
    namespaces.ip(side, `addr add 10.9.0.${n}/24 dev eth0`);
    namespaces.ip(side, `addr add 2001:db8:9::${n}/64 dev eth0 nodad`);
    namespaces.ip(side, 'link set eth0 up');
  }
  const mend = (): void => void namespaces.try('switch', 'nft delete table netdev cut');
  return {
    cut(...sides) {
      const chains = sides.map(
        (side) => `chain ${side} { type filter hook ingress device ${side} priority 0; policy drop; };`,
      );
      namespaces.sh('switch', `nft 'table netdev cut { ${chains.join(' ')} }'`);
    },
    mend,
  };
}
