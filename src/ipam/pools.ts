/** IPPool resources -> Pool values, and which pools serve a node. Pure. A pool that cannot be used is a Reason, not a log line. */
import { parseIpv4 } from '../base/ipv4.ts';
import { containsPrefix, formatPrefix, parsePrefix, prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { EncapMode, Pool } from '../model/pool.ts';
import type { Json, JsonObject, Resource } from '../store/port.ts';
import { isObject, listOf, textOf, wholeOf } from './fields.ts';
import { matchesSelector } from './selector.ts';

type Use = Pool['allowedUses'][number];

const MODES = ['Never', 'Always', 'CrossSubnet'] as const;
const USES = ['Workload', 'Tunnel', 'LoadBalancer'] as const;
const ASSIGNMENTS = ['Automatic', 'Manual'] as const;
const DEFAULT_BLOCK_SIZE = 26;
const SMALLEST_BLOCK = 32;
const LARGEST_BLOCK = 20;
const LINK_LOCAL = prefix(parseIpv4('169.254.0.0') ?? 0, 16);

/** Defaults filled in. The fault's code is that of the first, its text names every faulty field, value and remedy;
 *  NOT_IPV4 marks a pool of the other family, which is no fault. */
export function parsePool(resource: Resource): Result<Pool, Reason> {
  const { spec = {}, metadata } = resource;
  const faults: Reason[] = [];
  const fault = (code: string, text: string): void => void faults.push({ code, text });
  const choice = <T extends string>(field: string, choices: readonly T[], fallback: T): T => {
    const value = textOf(spec[field]) || fallback;
    const found = choices.find((c) => c === value);
    if (found === undefined) fault('POOL_FIELD_UNKNOWN', `${field} is "${value}"; use ${choices.join(', ')}`);
    return found ?? fallback;
  };

  const cidrText = textOf(spec.cidr) ?? '';
  if (cidrText.includes(':')) return err({ code: 'NOT_IPV4', text: `ippools "${metadata.name}" is not an IPv4 pool` });
  const cidr = parsePrefix(cidrText);
  if (cidr === undefined)
    fault('POOL_CIDR_INVALID', `cidr is "${cidrText}"; use an IPv4 CIDR without host bits, such as 10.244.0.0/16`);
  else if (containsPrefix(LINK_LOCAL, cidr))
    fault('POOL_CIDR_INVALID', `cidr ${cidrText} is link-local; use a range outside ${formatPrefix(LINK_LOCAL)}`);

  const blockSize = spec.blockSize === undefined || spec.blockSize === 0 ? DEFAULT_BLOCK_SIZE : wholeOf(spec.blockSize);
  if (blockSize === undefined || blockSize < LARGEST_BLOCK || blockSize > SMALLEST_BLOCK)
    fault('POOL_BLOCK_SIZE_INVALID', `blockSize is ${show(spec.blockSize)}; use ${LARGEST_BLOCK} to ${SMALLEST_BLOCK}`);
  else if (cidr !== undefined && cidr.length > blockSize)
    fault(
      'POOL_SMALLER_THAN_BLOCK',
      `cidr ${cidrText} is smaller than one block of /${blockSize}; raise blockSize or widen cidr`,
    );

  const ipipMode: EncapMode = choice('ipipMode', MODES, 'Never');
  const vxlanMode: EncapMode = choice('vxlanMode', MODES, 'Never');
  if (ipipMode !== 'Never' && vxlanMode !== 'Never')
    fault(
      'POOL_BOTH_ENCAPSULATIONS',
      `ipipMode is ${ipipMode} and vxlanMode is ${vxlanMode}; set one of them to Never`,
    );

  const uses = usesOf(spec.allowedUses);
  if (uses === undefined)
    fault('POOL_FIELD_UNKNOWN', `allowedUses is ${show(spec.allowedUses)}; use ${USES.join(', ')}`);
  const assignmentMode = choice('assignmentMode', ASSIGNMENTS, 'Automatic');

  const [first] = faults;
  if (first !== undefined || cidr === undefined || blockSize === undefined)
    return err({
      code: first?.code ?? 'POOL_CIDR_INVALID',
      text: `ippools "${metadata.name}": ${faults.map((f) => f.text).join('; ')}`,
    });
  return ok({
    name: metadata.name,
    cidr,
    blockSize,
    ipipMode,
    vxlanMode,
    natOutgoing: spec.natOutgoing === true,
    disabled: spec.disabled === true,
    disableBGPExport: spec.disableBGPExport === true,
    nodeSelector: textOf(spec.nodeSelector) || 'all()',
    allowedUses: uses ?? [],
    assignmentMode,
  });
}

function usesOf(raw: Json | undefined): readonly Use[] | undefined {
  const given = listOf(raw) ?? [];
  if (given.length === 0) return raw === undefined || Array.isArray(raw) ? ['Workload', 'Tunnel'] : undefined;
  const uses = given.map((g) => USES.find((u) => u === g));
  return uses.every((u) => u !== undefined) ? uses : undefined;
}

const show = (value: unknown): string =>
  (typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'missing')).slice(0, 80);

export interface PoolChoice {
  /** By name: the order of the API's LIST. */
  readonly pools: readonly Pool[];
  /** Why the others do not serve, for the message when none does. */
  readonly refused: readonly Reason[];
}

/** Pools from which addresses for `use` may be given on a node with these labels. */
export function choosePools(
  resources: readonly Resource[],
  nodeLabels: Readonly<Record<string, string>>,
  use: Use,
): PoolChoice {
  const pools: Pool[] = [];
  const refused: Reason[] = [];
  for (const resource of [...resources].sort((a, b) => compare(a.metadata.name, b.metadata.name))) {
    const parsed = parsePool(resource);
    const why = parsed.ok ? refusal(resource, parsed.value, nodeLabels, use) : parsed.error;
    if (why !== undefined) refused.push(why);
    else if (parsed.ok) pools.push(parsed.value);
  }
  return { pools, refused };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function refusal(
  resource: Resource,
  pool: Pool,
  labels: Readonly<Record<string, string>>,
  use: Use,
): Reason | undefined {
  const no = (code: string, text: string): Reason => ({ code, text: `ippools "${pool.name}" ${text}` });
  if (resource.metadata.deletionTimestamp !== undefined) return no('POOL_TERMINATING', 'is being deleted');
  if (pool.disabled) return no('POOL_DISABLED', 'has disabled: true');
  if (notAllocatable(resource.status)) return no('POOL_NOT_ALLOCATABLE', 'has the condition Allocatable=False');
  if (pool.assignmentMode !== 'Automatic') return no('POOL_MANUAL', 'has assignmentMode Manual');
  if (!pool.allowedUses.includes(use)) return no('POOL_USE', `allows ${pool.allowedUses.join(', ')}, not ${use}`);
  const matched = matchesSelector(pool.nodeSelector, labels);
  if (!matched.ok) return no('POOL_SELECTOR_INVALID', `has nodeSelector "${pool.nodeSelector}": ${matched.error}`);
  if (!matched.value)
    return no('POOL_NODE_SELECTOR', `has nodeSelector "${pool.nodeSelector}", which this node's labels do not match`);
  return undefined;
}

function notAllocatable(status: JsonObject | undefined): boolean {
  return (listOf(status?.conditions) ?? []).some(
    (c) => isObject(c) && c.type === 'Allocatable' && c.status === 'False',
  );
}
