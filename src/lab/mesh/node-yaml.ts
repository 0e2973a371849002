/** The configuration file of one node's daemon, as a person would write it. Pure. */
import { stringify } from 'yaml';
import { type LabNode, type LabPlan, MESH_ASN } from './plan.ts';

export function nodeYaml(plan: LabPlan, node: LabNode): string {
  const { holdTimeSec, restartTimeSec, gracefulRestart, name } = plan.options;
  const settings = {
    asn: MESH_ASN,
    // In a cluster the mesh may dial any address of the node; the lab's has one.
    listen: { address: node.address, port: 179 },
    ...(holdTimeSec === undefined ? {} : { holdTime: holdTimeSec }),
    gracefulRestart:
      gracefulRestart && restartTimeSec !== undefined ? { restartTime: restartTimeSec } : gracefulRestart,
    control: { socket: node.controlSocket },
    stateDir: `${node.dir}/state`,
    cluster: { nodeName: node.name, address: node.address, store: { server: plan.storeUrl } },
    cni: { socket: node.cniSocket },
  };
  return `# ${node.name} of the lab "${name}", written by "gingham lab up".\n${stringify(settings)}`;
}
