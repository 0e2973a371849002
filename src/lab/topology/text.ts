/** Text of a topology: variables of the environment, and lines to words. Pure. */
import { err, ok, type Result } from '../../base/result.ts';

/** $NAME, ${NAME}, ${NAME:-otherwise} by the environment, $$ for a dollar sign. A variable that is not set stays as it
 *  stands, as in containerlab: a line of exec may mean one of the node's shell. */
export function expandVariables(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(
    /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?-([^}]*))?\})/g,
    (whole, dollar?: string, bare?: string, braced?: string, otherwise?: string) => {
      if (dollar !== undefined) return '$';
      const value = env[bare ?? braced ?? ''];
      if (otherwise !== undefined) return value || otherwise;
      return value ?? whole;
    },
  );
}

/** What containerlab puts in the place of its own name for a node. */
export const expandNodeName = (text: string, node: string): string => text.replaceAll('__clabNodeName__', node);

/** A line as words: blanks separate, quotes of both kinds and backslash keep together. No shell: nothing else has a
 *  meaning. The error says what is wrong. */
export function splitWords(line: string): Result<readonly string[], string> {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const letter = line.charAt(i);
    if (quote === "'" && letter !== "'") word += letter;
    else if (letter === '\\' && i + 1 < line.length) {
      const next = line.charAt(++i);
      // Inside double quotes a backslash hides only a quote or itself.
      word = (word ?? '') + (quote === '"' && next !== '"' && next !== '\\' ? `\\${next}` : next);
    } else if (quote !== '' && letter === quote) quote = '';
    else if (quote !== '') word += letter;
    else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  if (quote !== '') return err(`a ${quote} is opened and not closed`);
  if (word !== undefined) words.push(word);
  return ok(words);
}
