/** STATUS: would an ADD work now? Code 50 says no, 51 that pods there are cut off as well. Pure. */
import { CniError } from './fault.ts';
import type { Readiness } from './ports.ts';
import { CNI_CODE } from './protocol.ts';

export function status(readiness: Readiness, nodeName: string): void {
  if (readiness.kind === 'ready') return;
  const code = readiness.kind === 'limited' ? CNI_CODE.limitedConnectivity : CNI_CODE.pluginNotAvailable;
  throw new CniError(code, `node "${nodeName}": ${readiness.reason.text}`, readiness.reason.code);
}
