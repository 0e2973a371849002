/** The rest of the daemon as CNI sees it, in memory: what ought to be in kernel and datastore after each request. A fault or
 *  a death can be set for the n-th effect. */
import type { Ipv4 } from '../../src/base/ipv4.ts';
import { ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import type { Reason } from '../../src/base/reason.ts';
import type { CniPorts, PodInterface, Readiness } from '../../src/cni/ports.ts';

export class World {
  /** By name on the node. */
  readonly links = new Map<string, PodInterface>();
  readonly routes = new Map<Ipv4, string>();
  readonly handles = new Map<string, { address: Ipv4; attributes: Readonly<Record<string, string>> }>();
  readonly effects: string[] = [];
  readiness: Readiness = { kind: 'ready' };
  mtu = 1480;
  storeAway = false;
  /** Throws from the effect of this name, once each. */
  readonly failing = new Set<string>();
  /** Runs inside each effect; for delays and deaths. */
  before: (effect: string) => Promise<void> = async () => {};
  after: (effect: string) => Promise<void> = async () => {};
  private next = parseIpv4('10.244.0.1') ?? 0;

  private async effect<T>(name: string, work: () => T): Promise<T> {
    this.effects.push(name);
    await this.before(name);
    if (this.failing.delete(name)) throw new Error(`${name} failed, as the test wished`);
    const result = work();
    await this.after(name);
    return result;
  }
  private stored<T>(name: string, work: () => T): Promise<T> {
    return this.effect(name, () => {
      if (this.storeAway)
        throw Object.assign(new Error('the datastore is away'), {
          reason: { code: 'IPAM_STORE_UNREACHABLE', text: 'the datastore is away' },
          transient: true,
        });
      return work();
    });
  }

  readonly ports: CniPorts = {
    ipam: {
      assign: ({ handleId, attributes }) =>
        this.stored('assign', () => {
          const address = ipv4(this.next++);
          this.handles.set(handleId, { address, attributes });
          return address;
        }),
      assignmentsOf: (handleId) =>
        this.stored('assignmentsOf', () => {
          const held = this.handles.get(handleId);
          return held === undefined ? [] : [held.address];
        }),
      release: (handleId) => this.stored('release', () => (this.handles.delete(handleId) ? 1 : 0)),
    },
    wiring: {
      wire: (pod) => this.effect('wire', () => void this.links.set(pod.hostInterface, pod)),
      unwire: (hostInterface) => this.effect('unwire', () => void this.links.delete(hostInterface)),
      check: (pod) =>
        this.effect('check', (): Reason[] =>
          this.links.get(pod.hostInterface)?.netns === pod.netns
            ? []
            : [{ code: 'INTERFACE_MISSING', text: `${pod.hostInterface} is missing` }],
        ),
    },
    routes: {
      want: (address, hostInterface) =>
        this.effect('want', () => {
          this.routes.set(address, hostInterface);
          return undefined;
        }),
      unwant: (address) => this.effect('unwant', () => void this.routes.delete(address)),
    },
    mtu: () => this.mtu,
    readiness: () => this.readiness,
  };

  /** Nothing of any pod is left. */
  get isEmpty(): boolean {
    return this.links.size === 0 && this.routes.size === 0 && this.handles.size === 0;
  }
}
