/** What an ADD answers, in the caller's version of the specification. Pure. */
import type { Workload } from '../model/workload.ts';

/** The gateway every pod sees; nobody has this address, the host side answers ARP for it. */
const POD_GATEWAY = '169.254.1.1';

/** 0.3.x and 0.4.0 want the IP version beside an address; `mtu` of an interface came with 1.1.0. */
export function formatAddResult(workload: Workload, version: string, dns?: object): object {
  const old = version.startsWith('0.');
  return {
    cniVersion: version,
    interfaces: [
      { name: workload.hostInterface },
      {
        name: workload.ifName,
        mac: workload.mac,
        ...(version === '1.1.0' ? { mtu: workload.mtu } : {}),
        sandbox: workload.netns,
      },
    ],
    ips: [{ ...(old ? { version: '4' } : {}), address: `${workload.address}/32`, interface: 1 }],
    routes: [{ dst: '0.0.0.0/0', gw: POD_GATEWAY }],
    ...(dns === undefined ? {} : { dns }),
  };
}

/** Addresses of a previous result, any version; undefined when it cannot be read. */
export function addressesOfResult(result: unknown): readonly string[] | undefined {
  if (typeof result !== 'object' || result === null || !('ips' in result) || !Array.isArray(result.ips))
    return undefined;
  return (result.ips as readonly unknown[]).flatMap((ip) =>
    typeof ip === 'object' && ip !== null && 'address' in ip && typeof ip.address === 'string' ? [ip.address] : [],
  );
}
