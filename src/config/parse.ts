/** Text of a configuration file to a NodeConfig, or every fault in it at once. Pure. */
import type { Result } from '../base/result.ts';
import type { ConfigFault, NodeConfig } from './node-config.ts';

/** YAML or JSON. `path` is only used in messages. */
export declare function parseNodeConfig(text: string, path: string): Result<NodeConfig, readonly ConfigFault[]>;
