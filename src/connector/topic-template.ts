import { OperatorError } from '../errors.ts';

/** A part of a name that is made of what an expression has matched: a text, or a group of it by number or name. */
export type TemplatePart = { readonly text: string } | { readonly group: string | number };

/** A backslash takes the next character as it is; `${name}` and `$1` are groups, as in Java's replacements. */
const TOKEN = /\\(.)|\$\{(\w+)\}|\$(\d)|([$\\])|[^$\\]+/gsu;

/**
 * Reads a replacement of Java's kind for an expression. Throws OperatorError, whose message continues the name of the setting that it is of,
 * for what would fail with the first event otherwise: a group that the expression has not, a dollar sign that begins none.
 */
export function parseTemplate(template: string, expression: string): readonly TemplatePart[] {
  const none = new RegExp(`(?:${expression})|`, 'u').exec('') as RegExpExecArray;
  return [...template.matchAll(TOKEN)].map(([all, escaped, name, digit, lone]) => {
    if (lone !== undefined) throw new OperatorError('has a $ or \\ that begins nothing; write \\$ for the sign itself');
    if (name !== undefined) {
      if (Object.hasOwn(none.groups ?? {}, name)) return { group: name };
      throw new OperatorError(`refers to the group ${name}, which route.topic.regex does not have`);
    }
    if (digit !== undefined) {
      if (Number(digit) < none.length) return { group: Number(digit) };
      throw new OperatorError(`refers to group ${digit}, and route.topic.regex has ${none.length - 1}`);
    }
    return { text: escaped ?? all };
  });
}
