// needs: namespaces bird ip ping
/** A BIRD 2 node in the lab's mesh: routes and pings both ways, whatever the pods' encapsulation. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { birdConf } from '../../src/lab/mesh/bird-conf.ts';
import { DEFAULT_LAB } from '../../src/lab/mesh/options.ts';
import { labPlan } from '../../src/lab/mesh/plan.ts';
import { findProgram } from '../../src/lab/mesh/preflight.ts';
import { eventually, gingham, type Lab, makeLabsDir, startLab } from '../support/lab.ts';

const labsDir = makeLabsDir();
afterAll(() => fs.rmSync(labsDir, { recursive: true, force: true }));

test("BIRD's own parser takes the configuration we render, with every option", () => {
  const bird = findProgram('bird') ?? 'bird';
  for (const options of [{}, { holdTimeSec: 9, gracefulRestart: false }, { nodes: 18, bird: 2 }]) {
    const plan = labPlan({ ...DEFAULT_LAB, bird: 1, ...options }, '/run/x', '/run/netns');
    const node = plan.nodes.find((n) => n.kind === 'bird');
    if (!node) throw new Error('no BIRD node in the plan');
    const file = path.join(labsDir, 'bird.conf');
    fs.writeFileSync(file, birdConf(plan, node, '10.245.1.64/26'));
    const parsed = spawnSync(bird, ['-p', '-c', file], { encoding: 'utf8' });
    expect(parsed).toMatchObject({ status: 0, stderr: '' });
  }
});

describe.each(['ipip', 'vxlan'])('a lab with encapsulation %s and one BIRD node', (encap) => {
  let lab: Lab;
  let block = '';
  let behind = '';
  beforeAll(() => {
    lab = startLab(`b-${encap}`, '--nodes', '2', '--bird', '1', '--encap', encap);
    block = lab.block('bird1');
    behind = /bird1 runs BIRD: block \S+, (\S+) behind it/.exec(lab.output)?.[1] ?? '';
  });
  afterAll(() => lab?.down());

  const birdc = (command: string): string => {
    const { status, out } = gingham('lab', 'exec', 'bird1', 'birdc', ...command.split(' '));
    if (status !== 0) throw new Error(`birdc ${command}: exit code ${status}\n${out}`);
    return out;
  };

  test('has all sessions Established, and pods ping the address behind BIRD', () => {
    expect(lab.output).toContain('mesh: 3 of 3 sessions are up');
    expect(lab.output).toContain('pings: 20 of 20 answered');
    expect(birdc('show protocols').match(/BGP .*Established/g)).toHaveLength(2);
  });

  test("BIRD's block is of the pool without encapsulation, claimed in the store for it", () => {
    expect(block).toMatch(/^10\.245\.\d+\.\d+\/26$/);
    expect(behind).toMatch(/^10\.245\./);
  });

  test("ours route BIRD's block plainly to the node, by what BIRD announced", async () => {
    expect(lab.routes('node1')).toContain(`${block} via 192.168.34.103 dev eth0 proto bird`);
    const [route] = await lab.ask('node1', (client) => client.routes({ prefix: block }));
    expect(route).toMatchObject({ from: 'bird1', source: 'ibgp', localPref: 2147482623, nextHop: '192.168.34.103' });
  });

  test('BIRD routes our blocks to our nodes, as it learned them', () => {
    for (const [node, address] of [
      ['node1', '192.168.34.101'],
      ['node2', '192.168.34.102'],
    ] as const) {
      const [route] = lab.routes('bird1').filter((line) => line.startsWith(`${lab.block(node)} `));
      expect(route).toMatch(new RegExp(`via ${address} dev eth0 proto bird`));
      expect(birdc(`show route for ${lab.block(node)} all`)).toContain('BGP.local_pref: 2147482623');
    }
  });

  test('from an address behind BIRD to each pod', () => {
    for (const [name, address] of Object.entries(lab.pods)) {
      expect(lab.try('bird1', `ping -c 1 -W 2 -I ${behind} ${address}`), name).toMatchObject({ status: 0 });
    }
  });

  test('BIRD keeps our routes through a restart of ours, and drops them when we leave (RFC 4724)', async () => {
    const ours = lab.block('node2');
    const has = (): boolean => lab.routes('bird1').some((line) => line.startsWith(`${ours} `));
    await lab.kill('node2', 'KILL', { hold: true });
    await eventually('BIRD saw the session go', () => !/node2 .*Established/.test(birdc('show protocols')));
    expect(has()).toBe(true);
    lab.release('node2');
    await eventually('the session is back', () => /node2 .*Established/.test(birdc('show protocols')), 30_000);
    expect(has()).toBe(true);
    lab.hold('node2');
    await lab.ask('node2', (client) => client.drain({ waitMs: 0 }));
    await eventually('BIRD dropped the block', () => !has());
    lab.release('node2');
    await eventually('the block is back', has, 30_000);
  });

  test("ours keep BIRD's routes through its restart, and the address behind it answers again", async () => {
    const has = (): boolean => lab.routes('node1').some((line) => line.startsWith(`${block} `));
    lab.sh('fabric', `kill -KILL $(pgrep -x bird)`);
    expect(has()).toBe(true);
    await eventually('the session is back', async () => (await lab.established('node1')).includes('bird1'), 30_000);
    expect(has()).toBe(true);
    // What BIRD itself had learned went with it, and comes back with the first UPDATE behind the OPEN.
    const answers = (): boolean => lab.try('web-1-1', `ping -c 1 -W 1 ${behind}`).status === 0;
    await eventually('the address behind BIRD answers', answers, 10_000);
  });
});
