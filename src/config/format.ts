/** Faults and changes of a configuration as people read them. Pure. */
import type { ConfigChange, ConfigFault } from './node-config.ts';

/** What both need of a fault: control/ hands them over as views. */
type Fault = Pick<ConfigFault, 'path' | 'line' | 'value' | 'text' | 'remedy'>;

/** "gingham.yaml:4: holdTime: 2 is not allowed: RFC 4271 4.2 allows 0 or at least 3. Use 90, or 0 to run without keepalives." */
export function formatFault(fault: Fault, file: string): string {
  const place = fault.line === undefined ? file : `${file}:${fault.line}`;
  const subject = fault.path === '' ? '' : ` ${fault.path}:`;
  const value = fault.value === undefined ? '' : ` ${fault.value}`;
  return `${place}:${subject}${value} ${fault.text}. ${fault.remedy}`;
}

/** All of them, and how many: what `gingham node` prints before it leaves with exit code 2. */
export function formatFaults(faults: readonly Fault[], file: string): string {
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return [`${file}: ${count}, nothing was applied`, ...faults.map((f) => `  ${formatFault(f, file)}`)].join('\n');
}

const COST: { readonly [N in ConfigChange['needs']]: string } = {
  nothing: '',
  'peer-reset': '  [resets the session]',
  restart: '  [takes effect after a restart of the daemon]',
};

/** "holdTime 90 -> 30  [resets the session]: rack1, rack2" */
export function formatChange(change: {
  readonly text: string;
  readonly needs: string;
  readonly peers: readonly string[];
}): string {
  const cost = change.needs === 'peer-reset' || change.needs === 'restart' ? COST[change.needs] : '';
  const peers = change.needs === 'peer-reset' && change.peers.length > 0 ? `: ${change.peers.join(', ')}` : '';
  return `${change.text}${cost}${peers}`;
}
