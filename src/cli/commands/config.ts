/** `gingham config`: check a file without a daemon, reload a running one, and the table of settings. */
import fs from 'node:fs';
import { formatIpv4 } from '../../base/ipv4.ts';
import { toListJson, toObjectJson } from '../../control/json.ts';
import { formatTable } from '../../control/table.ts';
import { count } from '../../control/units.ts';
import type { ReloadReport } from '../../control/views.ts';
import { OUTPUT_OPTION, TARGET_OPTIONS, targetsOf, textOptions, wantsJson, withClient } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Target } from '../targets.ts';
import { print, type Terminal } from '../terminal.ts';

export const configReload: CommandRow = {
  path: ['config', 'reload'],
  summary: 'apply what changed in the configuration file; a faulty file is refused whole',
  options: [
    OUTPUT_OPTION,
    ...TARGET_OPTIONS,
    { flags: '--dry-run', description: 'only say what would change and which sessions it resets' },
  ],
  examples: ['gingham config reload --dry-run', 'gingham config reload', 'gingham config reload --node node1'],
  run: reload,
};

export const configCheck: CommandRow = {
  path: ['config', 'check'],
  summary: 'every fault of a configuration file at once, without a daemon',
  args: [['<file>', 'YAML or JSON']],
  options: [OUTPUT_OPTION],
  examples: ['gingham config check /etc/gingham.yaml', 'gingham config check node.json -o json'],
  run: check,
};

export const configSettings: CommandRow = {
  path: ['config', 'settings'],
  summary: 'every setting, its default, and what a change of it costs',
  options: [OUTPUT_OPTION, { flags: '--no-headers', description: 'leave the line of headers out' }],
  examples: ['gingham config settings', 'gingham config settings -o json'],
  run: settings,
};

/** A change is made on one daemon at a time. */
export async function oneTarget(call: Call): Promise<Target> {
  const { many, targets } = await targetsOf(call);
  const [only] = targets;
  if (!many && only !== undefined) return only;
  throw new CommandError(EXIT.usage, `which node? Name one with --node: ${targets.map((t) => t.node).join(', ')}.`);
}

/** Asked twice: what a session pays is said before it pays. */
async function reload(call: Call): Promise<number> {
  const target = await oneTarget(call);
  const { terminal } = call;
  return withClient(call, target, async (client) => {
    const planned = await client.reload(true);
    const applies = planned.faults.length === 0 && planned.changes.length > 0 && !call.flag('dryRun');
    if (!wantsJson(call)) await printPlan(terminal, planned);
    // A refused file is refused by the real reload too, so that the daemon's status says so.
    const done = applies || (planned.faults.length > 0 && !call.flag('dryRun')) ? await client.reload(false) : planned;
    if (wantsJson(call)) print(terminal, [toObjectJson('ReloadReport', done, terminal.now())]);
    else if (done.applied) print(terminal, [`${done.configPath}: applied`]);
    return done.faults.length > 0 ? EXIT.problem : EXIT.ok;
  });
}

async function printPlan(terminal: Terminal, report: ReloadReport): Promise<void> {
  const { formatChange, formatFaults } = await import('../../config/format.ts');
  if (report.faults.length > 0) terminal.err(`${formatFaults(report.faults, report.configPath)}\n`);
  else if (report.changes.length === 0) print(terminal, [`${report.configPath}: nothing changed`]);
  else print(terminal, report.changes.map(formatChange));
}

async function check(call: Call): Promise<number> {
  const [file = ''] = call.args;
  const [{ parseNodeConfig }, { formatFaults }] = await Promise.all([
    import('../../config/parse.ts'),
    import('../../config/format.ts'),
  ]);
  const parsed = parseNodeConfig(read(file), file, process.env);
  const { terminal } = call;
  if (wantsJson(call))
    print(terminal, [
      toObjectJson('ConfigCheck', { file, valid: parsed.ok, faults: parsed.ok ? [] : parsed.error }, terminal.now()),
    ]);
  else if (!parsed.ok) print(terminal, [formatFaults(parsed.error, file).replace(', nothing was applied', '')]);
  else {
    const { asn, routerId, neighbors, originate, cluster } = parsed.value;
    const id = routerId === undefined ? '' : `, router ID ${formatIpv4(routerId)}`;
    const where = cluster === undefined ? '' : `, node ${cluster.nodeName} of a cluster`;
    print(terminal, [
      `${file}: OK  AS ${asn}${id}${where}, ${count(neighbors.length, 'neighbor')}, ${count(originate.length, 'prefix', 'prefixes')} announced`,
    ]);
  }
  return parsed.ok ? EXIT.ok : EXIT.problem;
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const cause = error instanceof Error && 'code' in error ? error.code : String(error);
    throw new CommandError(cause === 'ENOENT' ? EXIT.notFound : EXIT.failed, `${file} cannot be read: ${cause}.`);
  }
}

async function settings(call: Call): Promise<number> {
  const { DYNAMIC_SETTINGS, NEIGHBOR_SETTINGS, NODE_SETTINGS } = await import('../../config/settings.ts');
  const rows = [
    ...Object.entries(NODE_SETTINGS).map(([path, s]) => ({ path, s })),
    ...Object.entries(NEIGHBOR_SETTINGS).map(([path, s]) => ({ path: `neighbors[].${path}`, s })),
    // The rest of them are those of neighbors.
    ...Object.entries(DYNAMIC_SETTINGS)
      .filter(([path]) => !Object.hasOwn(NEIGHBOR_SETTINGS, path) || path === 'asn')
      .map(([path, s]) => ({ path: `dynamicNeighbors[].${path}`, s })),
  ].map(({ path, s }) => ({
    path,
    type: 'many' in s ? `list of ${s.type.name}` : s.type.name,
    default:
      'defaultText' in s ? s.defaultText : 'default' in s ? String(s.default) : 'required' in s ? 'required' : 'none',
    ...('unit' in s && { unit: s.unit }),
    needs: s.needs,
    description: s.description,
  }));
  if (wantsJson(call))
    print(call.terminal, [
      toListJson(
        'SettingList',
        rows.map((view) => ({ view })),
        call.terminal.now(),
      ),
    ]);
  else {
    const columns = [
      { header: 'SETTING', cell: (r: (typeof rows)[number]) => r.path },
      {
        header: 'DEFAULT',
        cell: (r: (typeof rows)[number]) => `${r.default}${'unit' in r && /^\d+$/.test(r.default) ? ` ${r.unit}` : ''}`,
      },
      { header: 'CHANGE-NEEDS', cell: (r: (typeof rows)[number]) => r.needs },
      { header: 'TYPE', cell: (r: (typeof rows)[number]) => r.type },
      { header: 'DESCRIPTION', cell: (r: (typeof rows)[number]) => r.description },
    ];
    print(call.terminal, formatTable(columns, rows, textOptions(call)));
  }
  return EXIT.ok;
}
