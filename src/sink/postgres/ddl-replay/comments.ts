import { quoteLiteral } from '../../../postgres/identifier.ts';
import { execute, type ReplayPlace } from './place.ts';

/** Gives an object its comment, where it has another one now. `object` is its kind and its name, qualified and quoted: `domain "a"."b"`. */
export async function replayComment(
  place: ReplayPlace,
  object: string,
  before: string | null | undefined,
  after: string | null | undefined,
): Promise<void> {
  if ((before ?? null) === (after ?? null) || !place.settings.ddlReplay.includes('comments')) return;
  const text = after === null || after === undefined ? 'null' : quoteLiteral(after);
  await execute(place, object, /* sql */ `comment on ${object} is ${text}`);
}
