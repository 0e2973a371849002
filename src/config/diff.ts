/** What changed between two configurations, and what each change costs. Pure. */
import type { ConfigChange, NodeConfig } from './node-config.ts';

/** Empty when nothing changed. A changed neighbor names that neighbor only. */
export declare function diffConfig(from: NodeConfig, to: NodeConfig): readonly ConfigChange[];
