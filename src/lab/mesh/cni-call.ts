/** Calls the CNI executable exactly as a container runtime does: variables, configuration on stdin, JSON on stdout, in the
 *  node's namespace. https://www.cni.dev/docs/spec/ section 2 */
import path from 'node:path';
import { z } from 'zod';
import { spawnIn } from '../machine/process.ts';
import type { LabPod } from './plan.ts';

const answer = z.object({ ips: z.array(z.object({ address: z.string() })).min(1) });
const fault = z.object({ code: z.number(), msg: z.string(), details: z.string().optional() });

/** Try again later. CNI spec section 5 */
const TRY_AGAIN = 11;

export type CniAnswer =
  | { readonly kind: 'added'; readonly address: string }
  | { readonly kind: 'notYet'; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string };

/** ADD of a pod's eth0. `plugin` is the path of the executable. */
export async function cniAdd(plugin: string, pod: LabPod): Promise<CniAnswer> {
  const variables = {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: pod.containerId,
    CNI_NETNS: pod.netns,
    CNI_IFNAME: 'eth0',
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod.name};K8S_POD_INFRA_CONTAINER_ID=${pod.containerId}`,
    CNI_PATH: path.dirname(plugin),
  };
  const configuration = {
    cniVersion: '1.0.0',
    name: 'k8s-pod-network',
    type: 'gingham',
    socket: pod.node.cniSocket,
  };
  const { code, stdout, stderr } = await run(pod.node.netns, plugin, variables, JSON.stringify(configuration));
  return judge(code, stdout, stderr);
}

/** Pure. */
export function judge(code: number | null, stdout: string, stderr: string): CniAnswer {
  const said = parseJson(stdout);
  const added = answer.safeParse(said);
  if (code === 0 && added.success) return { kind: 'added', address: added.data.ips[0]?.address.split('/')[0] ?? '' };
  const failed = fault.safeParse(said);
  if (!failed.success) return { kind: 'failed', text: `exit code ${code}: ${(stdout + stderr).trim().slice(0, 400)}` };
  const { msg, details, code: cniCode } = failed.data;
  const text = `CNI error ${cniCode}: ${msg}${details ? ` (${details})` : ''}`;
  return { kind: cniCode === TRY_AGAIN ? 'notYet' : 'failed', text };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function run(
  netns: string,
  plugin: string,
  env: Readonly<Record<string, string>>,
  stdin: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawnIn(netns, process.execPath, [plugin], { stdio: ['pipe', 'pipe', 'pipe'], env });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (bytes) => {
      stdout += bytes;
    });
    child.stderr?.on('data', (bytes) => {
      stderr += bytes;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    // The plugin may refuse before it reads: its answer says why, our broken pipe does not.
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin);
  });
}
