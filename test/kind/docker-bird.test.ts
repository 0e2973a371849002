// needs: root docker bird ip ping
/** The image of deploy/Dockerfile as a container beside a BIRD container, on a network of their own without masquerading.
 *  Not privileged: the capabilities that containerlab/mesh-bird asks for are enough. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { attempt, run, until } from '../support/namespaces.ts';

const here = new URL('.', import.meta.url).pathname;
const IMAGE = process.env['GINGHAM_IMAGE'] ?? `gingham:${packageJson.version}`;
const BIRD_IMAGE = 'gingham-test-bird:2';
const TAG = `gtest${process.pid.toString(36)}`;
const SUBNET = '172.31.79';
const NAMES = { gingham: `${TAG}-gingham`, bird: `${TAG}-bird` } as const;
type Side = keyof typeof NAMES;

const GINGHAM_YAML = `
asn: 64512
routerId: ${SUBNET}.11
originate: [10.246.1.0/26]
connectRetry: 1
neighbors: [{ name: bird, address: ${SUBNET}.12, asn: 64512 }]
`;
const BIRD_CONF = `
log stderr all;
router id ${SUBNET}.12;
protocol device { scan time 1; }
protocol direct { ipv4; interface "eth0"; }
protocol static own_block { ipv4; route 10.246.2.0/26 blackhole; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol bgp gingham {
  local as 64512; neighbor ${SUBNET}.11 as 64512;
  connect delay time 1; connect retry time 2; error wait time 1, 5; graceful restart on;
  ipv4 { import all; export where proto = "own_block"; next hop self; };
}
`;

const docker = (...args: string[]): string => run('docker', ...args).trim();
const inNamespaceOf = (side: Side, ...command: string[]) => {
  const pid = docker('inspect', '-f', '{{.State.Pid}}', NAMES[side]);
  return attempt('nsenter', `--net=/proc/${pid}/ns/net`, ...command);
};
interface Route {
  readonly dst: string;
  readonly gateway?: string;
  readonly protocol?: string;
}
const route = (side: Side, prefix: string): Route | undefined => {
  const { status, out } = inNamespaceOf(side, 'ip', '-j', 'route');
  const routes: Route[] = status === 0 ? JSON.parse(out) : [];
  return routes.find((r) => r.dst === prefix);
};
const isUp = (): boolean => {
  const peers = attempt('docker', 'exec', NAMES.gingham, 'gingham', 'peers', '-o', 'json');
  return peers.status === 0 && JSON.parse(peers.out).items[0]?.state === 'Established';
};
const logs = (side: Side): string => attempt('docker', 'logs', '--tail', '20', NAMES[side]).out;

let dir = '';
beforeAll(async () => {
  if (attempt('docker', 'image', 'inspect', IMAGE).status !== 0) run(path.join(here, 'image.sh'), IMAGE);
  run(path.join(here, 'bird-image.sh'), BIRD_IMAGE);
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-test-'));
  fs.writeFileSync(path.join(dir, 'node.yaml'), GINGHAM_YAML);
  fs.writeFileSync(path.join(dir, 'bird.conf'), BIRD_CONF);
  const noMasquerade = 'com.docker.network.bridge.enable_ip_masquerade=false';
  docker('network', 'create', '--subnet', `${SUBNET}.0/24`, '-o', noMasquerade, TAG);
  const start = (side: Side, host: number, file: string, target: string, image: string): string =>
    docker(
      ...['run', '-d', '--name', NAMES[side], '--network', TAG, '--ip', `${SUBNET}.${host}`],
      ...['--cap-drop', 'ALL', '--cap-add', 'NET_ADMIN', '--cap-add', 'NET_RAW', '--cap-add', 'NET_BIND_SERVICE'],
      ...['-v', `${path.join(dir, file)}:${target}:ro`, image],
    );
  start('bird', 12, 'bird.conf', '/etc/bird/bird.conf', BIRD_IMAGE);
  start('gingham', 11, 'node.yaml', '/etc/gingham/node.yaml', IMAGE);
  inNamespaceOf('gingham', 'ip', 'addr', 'add', '10.246.1.1/32', 'dev', 'lo');
  inNamespaceOf('bird', 'ip', 'addr', 'add', '10.246.2.1/32', 'dev', 'lo');
}, 600_000);
afterAll(() => {
  attempt('docker', 'rm', '-f', ...Object.values(NAMES));
  attempt('docker', 'network', 'rm', TAG);
  fs.rmSync(dir, { recursive: true, force: true });
});

test('the session is up, and each kernel has the other’s block', async () => {
  await until(`the session is up; ${logs('gingham')}`, isUp, 60_000);
  const ours = await until('our kernel has its block', () => route('gingham', '10.246.2.0/26'));
  expect(ours).toMatchObject({ gateway: `${SUBNET}.12`, protocol: 'bgp' });
  const theirs = await until('its kernel has our block', () => route('bird', '10.246.1.0/26'));
  expect(theirs).toMatchObject({ gateway: `${SUBNET}.11`, protocol: 'bird' });
});

test('addresses behind the containers ping each other', () => {
  expect(inNamespaceOf('gingham', 'ping', '-c', '2', '-W', '2', '-I', '10.246.1.1', '10.246.2.1').out).toContain(
    ' 0% ',
  );
  expect(inNamespaceOf('bird', 'ping', '-c', '2', '-W', '2', '-I', '10.246.2.1', '10.246.1.1').out).toContain(' 0% ');
});

test('docker kill and start: BIRD keeps our route meanwhile, and the session is back (RFC 4724)', async () => {
  docker('kill', NAMES.gingham);
  await until(
    'BIRD saw it go',
    () => !/Established/.test(attempt('docker', 'exec', NAMES.bird, 'birdc', 'show', 'protocols', 'gingham').out),
  );
  expect(route('bird', '10.246.1.0/26')).toBeDefined();
  docker('start', NAMES.gingham);
  await until(`the session is back; ${logs('gingham')}`, isUp, 60_000);
  expect(route('bird', '10.246.1.0/26')).toBeDefined();
  await until('our kernel has its block again', () => route('gingham', '10.246.2.0/26'));
});

test('docker stop ends it in time, with exit code 0', () => {
  docker('stop', '-t', '20', NAMES.gingham);
  expect(docker('inspect', '-f', '{{.State.ExitCode}}', NAMES.gingham)).toBe('0');
});
