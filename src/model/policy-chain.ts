/** Several policies in a row as one. Pure. Each is asked in order; what one leaves open (`otherwise: next`) the next decides, and
 *  a verdict goes on naming the policy it came from. */
import type { Policy, Rule } from './policy.ts';

/** The rule that a policy's `otherwise` becomes inside a chain; it has no name, so that the policy alone is named. */
const closing = ({ name, otherwise, because }: Policy): readonly Rule[] =>
  otherwise === 'next'
    ? []
    : [
        {
          name: '',
          of: name,
          match: {},
          action: otherwise,
          ...(otherwise === 'reject' && {
            because: because ?? { code: 'POLICY_REJECTED', text: `policy ${name}: no rule that accepts` },
          }),
        },
      ];

/** What the last leaves open is accepted. One policy alone stays the same object. */
export function chain(policies: readonly Policy[]): Policy | undefined {
  const [only, ...more] = policies;
  if (only === undefined) return undefined;
  if (more.length === 0) return only;
  return {
    name: policies.map((p) => p.name).join(', '),
    rules: policies.flatMap((policy) => [
      ...policy.rules.map((rule) => ({ ...rule, of: rule.of ?? policy.name })),
      ...closing(policy),
    ]),
    otherwise: 'accept',
  };
}
