/** Nobody's schema is nested so deeply. */
export const MAX_SCHEMA_DEPTH = 400;

/**
 * Whether a JSON text is nested deeper than `limit`: whatever goes through its value calls itself for each level. Looks at brackets and
 * strings only, so that a text that is no JSON may be either.
 */
export function isNestedDeeper(json: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (char === '"') at = stringEnd(json, at + 1);
    else if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    if (depth > limit) return true;
  }
  return false;
}

/** Where the string ends that begins before `at`. */
function stringEnd(json: string, at: number): number {
  let end = at;
  while (end < json.length && json[end] !== '"') end += json[end] === '\\' ? 2 : 1;
  return end;
}
