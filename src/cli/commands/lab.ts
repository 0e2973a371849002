/** `gingham lab`: a cluster in network namespaces on this machine. The work is lab/'s; here are its words. */
import type { Call, CommandRow, OptionRow } from '../command.ts';
import { parseWhole } from '../durations.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

const whole = (flags: string, description: string, standard?: number): OptionRow => ({
  flags,
  description,
  parse: parseWhole,
  ...(standard !== undefined && { default: standard }),
});
const LAB: OptionRow = { flags: '--lab <name>', description: 'the lab, where several run' };

export const labUp: CommandRow = {
  path: ['lab', 'up'],
  summary: 'bring a cluster up, ping every pod from every pod, run until Ctrl-C',
  options: [
    { flags: '--name <name>', description: 'name of the lab', default: 'gingham' },
    whole('--nodes <n>', 'nodes that run Gingham', 3),
    whole('--bird <n>', 'nodes that run BIRD 2', 0),
    {
      flags: '--encap <mode>',
      description: 'encapsulation between nodes',
      choices: ['ipip', 'vxlan', 'none'],
      default: 'ipip',
    },
    whole('--pods <n>', 'pods per node', 2),
    {
      flags: '--topology <file>',
      description: 'a containerlab file (*.clab.yml) instead: its nodes in namespaces, no Docker, no images',
    },
    { flags: '--detach', description: 'return when the lab is ready; gingham lab down ends it' },
    whole('--hold-time <seconds>', 'hold time of every session (default: 90)'),
    whole('--restart-time <seconds>', "how long a restarting node's routes are kept (default: 120)"),
    { flags: '--no-graceful-restart', description: 'a lost session takes its routes at once' },
  ],
  examples: [
    'gingham lab up',
    'gingham lab up --nodes 5 --encap vxlan',
    'gingham lab up --bird 1 --detach',
    'gingham lab up --topology containerlab/mesh-bird/mesh-bird.clab.yml',
  ],
  longLived: true,
  run: up,
};

async function up(call: Call): Promise<number> {
  const [{ labUp: bringUp }, { checkLabOptions }] = await Promise.all([
    import('../../lab/command.ts'),
    import('../../lab/mesh/options.ts'),
  ]);
  const encap = call.text('encap');
  const checked = checkLabOptions({
    name: call.text('name') ?? 'gingham',
    nodes: call.number('nodes') ?? 3,
    bird: call.number('bird') ?? 0,
    encap: encap === 'vxlan' || encap === 'none' ? encap : 'ipip',
    pods: call.number('pods') ?? 2,
    detach: call.flag('detach'),
    gracefulRestart: call.flag('gracefulRestart'),
    ...(call.text('topology') !== undefined && { topology: call.text('topology') }),
    ...(call.number('holdTime') !== undefined && { holdTimeSec: call.number('holdTime') }),
    ...(call.number('restartTime') !== undefined && { restartTimeSec: call.number('restartTime') }),
  });
  if (!checked.ok) throw new CommandError(EXIT.usage, checked.error.join('\n'));
  return bringUp(checked.value);
}

export const labLs: CommandRow = {
  path: ['lab', 'ls'],
  summary: 'labs of this user',
  examples: ['gingham lab ls'],
  run: async () => (await import('../../lab/command.ts')).labLs(),
};

export const labExec: CommandRow = {
  path: ['lab', 'exec'],
  summary: 'run a command in a node; without one, a shell',
  args: [
    ['<node>', 'a node, "fabric", or a pod'],
    ['[command...]', 'the command and its arguments'],
  ],
  options: [LAB],
  examples: [
    'gingham lab exec node1 ip route',
    'gingham lab exec node1 tcpdump -ni eth0 proto 4',
    'gingham lab exec bird4 birdc show route',
  ],
  passThrough: true,
  longLived: true,
  run: async (call) => {
    const [name = '', ...command] = call.args;
    return (await import('../../lab/command.ts')).labExec(call.text('lab'), name, command);
  },
};

export const labDown: CommandRow = {
  path: ['lab', 'down'],
  summary: 'end a lab and wait until nothing of it is left',
  args: [['[name]', 'the lab, where several run']],
  options: [LAB, { flags: '--name <name>', description: 'the same as --lab' }],
  examples: ['gingham lab down', 'gingham lab down blue'],
  run: async (call) =>
    (await import('../../lab/command.ts')).labDown(call.args[0] ?? call.text('lab') ?? call.text('name')),
};
