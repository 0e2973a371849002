/** What ConfigMaps of kube-system tell about addresses of pods. Pure. They are others' files: whatever cannot be read there
 *  is as if it were not there. */
import { parse } from 'yaml';
import { type Prefix, parsePrefix } from '../base/prefix.ts';
import type { Resource } from '../store/port.ts';

/** kube-system/kubeadm-config: networking.podSubnet, IPv4 parts only. */
export const podSubnets = (configMap: Resource | undefined): readonly Prefix[] =>
  prefixes(textAt(configMap, 'ClusterConfiguration', ['networking', 'podSubnet']));

/** kube-system/kube-proxy: clusterCIDR. */
export const clusterCidrs = (configMap: Resource | undefined): readonly Prefix[] =>
  prefixes(textAt(configMap, 'config.conf', ['clusterCIDR']));

const prefixes = (text: string): readonly Prefix[] => text.split(',').flatMap((part) => parsePrefix(part.trim()) ?? []);

/** More is no configuration of these. */
const LONGEST_CHARS = 256 * 1024;

function textAt(configMap: Resource | undefined, file: string, path: readonly string[]): string {
  const text = fieldOf(configMap?.['data'], file);
  if (typeof text !== 'string' || text.length > LONGEST_CHARS) return '';
  try {
    const value = path.reduce(fieldOf, parse(text, { logLevel: 'silent', maxAliasCount: 10 }) as unknown);
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
