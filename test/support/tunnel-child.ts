/** A process that is nothing but kernel/tunnels/tunnel.ts: one JSON request per line in, one JSON answer per line out. */
import readline from 'node:readline';
import { type CarrierSetting, createTunnels, type TunnelSpec } from '../../src/kernel/tunnels/tunnel.ts';
import { openNetlink } from '../../src/netlink/client.ts';

export type TunnelRequest =
  | { readonly ensure: TunnelSpec }
  | { readonly status: true }
  | { readonly resume: true }
  | { readonly remove: 'ipip' | 'vxlan' };

const netlink = await openNetlink();
const carrierSetting = (process.argv[2] ?? 'auto') as CarrierSetting;
const tunnels = createTunnels({ netlink, carrierSetting, log: (text) => process.stderr.write(`${text}\n`) });

async function answer(request: TunnelRequest): Promise<unknown> {
  try {
    if ('ensure' in request) return await tunnels.ensure(request.ensure);
    if ('resume' in request) return await tunnels.resume();
    if ('remove' in request) return (await tunnels.remove(request.remove)) ?? {};
    return tunnels.status();
  } catch (error) {
    return { error: String(error), reasons: (error as { reasons?: unknown }).reasons };
  }
}

for await (const line of readline.createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as TunnelRequest))}\n`);
process.exit(0);
