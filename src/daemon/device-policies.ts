/** Policies of peers that ask for a device, bound to the links that there are now. Pure. What that means is
 *  policy/device-next-hops.ts. */
import type { PeerSettings } from '../model/peer.ts';
import type { DeviceNextHops } from '../policy/device-next-hops.ts';
import { readsInterface } from '../policy/evaluate.ts';

export const asksForDevice = ({ importPolicy, exportPolicy }: PeerSettings): boolean =>
  [importPolicy, exportPolicy].some((policy) => policy !== undefined && readsInterface(policy));

export function withDevices<T extends PeerSettings>(settings: T, links: DeviceNextHops): T {
  if (!asksForDevice(settings)) return settings;
  const { importPolicy, exportPolicy, interface: device } = settings;
  return {
    ...settings,
    ...(importPolicy && { importPolicy: links.bind(importPolicy, device) }),
    // What goes out came in by some other session.
    ...(exportPolicy && { exportPolicy: links.bind(exportPolicy, undefined) }),
  };
}
