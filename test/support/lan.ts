/** A bridge in the namespace `hub`, and a cable from it to eth0 of each place, which has that address of a /24. */
import type { Namespaces } from './namespaces.ts';

export function lan(namespaces: Namespaces, hub: string, places: Readonly<Record<string, string>>): void {
  namespaces.ip(hub, 'link add br0 type bridge');
  namespaces.ip(hub, 'link set br0 up');
  for (const [place, address] of Object.entries(places)) {
    namespaces.ip(place, `link add eth0 type veth peer name ${place} netns ${namespaces.name(hub)}`);
    namespaces.ip(hub, `link set ${place} master br0 up`);
    namespaces.ip(place, `addr add ${address}/24 dev eth0`);
    namespaces.ip(place, 'link set eth0 up');
  }
}
