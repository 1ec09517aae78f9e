import { endAfter } from '../../deadline.ts';
import { isNestedDeeper } from '../../converter/nesting.ts';
import type { Context } from 'hono';
import type { SubjectVersion } from '../../converter/registry/registry.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { RegistryCode, RegistryRefusal } from './registry-refusal.ts';

/** How long a request may wait for the log. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Ends what a request waits for after a time. A client that hangs up ends nothing: an append that has begun is to be read back. */
export function requestSignal(): AbortSignal {
  return endAfter(REQUEST_TIMEOUT_MS);
}

/** The subject in the path; `:.:name` is what Confluent's clients call a subject of the default context. */
export function subjectIn(c: Context): string {
  return unqualified(c.req.param('subject') ?? '');
}

/** A subject, or a prefix of some, without the default context (`:.:`, `:*:`); other contexts are refused. */
export function unqualified(name: string): string {
  const [, context, rest] = /^:([^:]*):(.*)$/s.exec(name) ?? [];
  if (context === undefined || rest === undefined) return name;
  if (context === '.' || context === '*') return rest;
  throw new RegistryRefusal(
    RegistryCode.invalidSubject,
    `Subject "${name}" names a context; this registry has only the default one`,
  );
}

/** True for `?name=true`. */
export function isAsked(c: Context, name: string): boolean {
  return c.req.query(name)?.toLowerCase() === 'true';
}

/** The version in the path: a number, or `latest` for `latest` and -1. */
export function versionIn(c: Context): number | 'latest' {
  const text = c.req.param('version') ?? '';
  if (text === 'latest' || text === '-1') return 'latest';
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new RegistryRefusal(
    RegistryCode.invalidVersion,
    `Version "${text}" is not valid: a version is a number from 1, -1 or "latest"`,
  );
}

/** The versions of a subject that a request sees; refused when there are none. */
export function versionsOf(
  all: readonly SubjectVersion[],
  subject: string,
  withDeleted: boolean,
): readonly SubjectVersion[] {
  const found = all.filter((each) => each.subject === subject && (withDeleted || !each.deleted));
  if (found.length > 0) return found;
  throw new RegistryRefusal(RegistryCode.subjectNotFound, `Subject "${subject}" not found`);
}

/** One of the versions of a subject; refused when it is not among them. */
export function pick(versions: readonly SubjectVersion[], version: number | 'latest'): SubjectVersion {
  const found = version === 'latest' ? versions.at(-1) : versions.find((each) => each.version === version);
  if (found !== undefined) return found;
  throw new RegistryRefusal(RegistryCode.versionNotFound, `Version ${version} not found`);
}

/** The part of a list that `?offset` and `?limit` ask for. */
export function page<T>(c: Context, list: readonly T[]): readonly T[] {
  const whole = (name: string, absent: number): number => {
    const text = c.req.query(name);
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : absent;
  };
  const offset = whole('offset', 0);
  return list.slice(offset, offset + whole('limit', list.length));
}

/** A request's body, a JSON object. */
export async function bodyOf(c: Context): Promise<JsonObject> {
  const type = c.req.header('content-type');
  if (type !== undefined && !/^application\/(vnd\.schemaregistry(\.v1)?\+json|json|octet-stream)\s*(;|$)/i.test(type)) {
    throw new RegistryRefusal(
      RegistryCode.wrongMediaType,
      'Content-Type is not application/vnd.schemaregistry.v1+json or application/json',
    );
  }
  const body = parsed(await c.req.text());
  if (isJsonObject(body)) return body;
  throw new RegistryRefusal(RegistryCode.badRequest, 'The body is not a JSON object');
}

/** The Avro schema that a body carries; what this registry does not keep is refused, not forgotten. */
export async function schemaIn(c: Context): Promise<string> {
  return schemaOf(await bodyOf(c));
}

/** The schema to register. An id or a version that is to be kept with it is refused, as Confluent's registry does outside of its mode IMPORT. */
export async function newSchemaIn(c: Context): Promise<string> {
  const body = await bodyOf(c);
  const isGiven = (name: string, first: number): boolean => {
    const number = body[name] ?? -1;
    if (typeof number === 'number' && Number.isInteger(number)) return number >= first; // Java clients send 0 or -1 for none
    throw new RegistryRefusal(RegistryCode.badRequest, `"${name}" is not a whole number`);
  };
  if (isGiven('id', 0) || isGiven('version', 1)) {
    throw new RegistryRefusal(
      RegistryCode.notPermitted,
      `Subject ${subjectIn(c)} is not in import mode, which this registry does not have: leave "id" and "version" out`,
    );
  }
  return schemaOf(body);
}

function schemaOf(body: Readonly<Record<string, unknown>>): string {
  const { schema, schemaType, references, metadata, ruleSet, schemaTagsToAdd } = body;
  const invalid = (message: string): RegistryRefusal => new RegistryRefusal(RegistryCode.invalidSchema, message);
  if (schemaType !== undefined && schemaType !== null && schemaType !== 'AVRO') {
    throw invalid(`"schemaType" ${JSON.stringify(schemaType)} is not supported: this registry keeps AVRO`);
  }
  if (Array.isArray(references) && references.length > 0) {
    throw invalid('References are not supported: put the schemas that it refers to into the schema');
  }
  for (const [name, value] of Object.entries({ metadata, ruleSet, schemaTagsToAdd })) {
    if (value !== undefined && value !== null) throw invalid(`"${name}" is not supported by this registry`);
  }
  if (typeof schema !== 'string') throw invalid('"schema" is not a string that holds an Avro schema as JSON');
  return schema;
}

/** The schema in it is a string, and is looked at for itself. */
const MAX_DEPTH = 100;

function parsed(text: string): unknown {
  if (isNestedDeeper(text, MAX_DEPTH))
    throw new RegistryRefusal(RegistryCode.badRequest, `The body is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return JSON.parse(text);
  } catch {
    // V8's message quotes the text, which may be anything (Invariant 11).
    throw new RegistryRefusal(RegistryCode.badRequest, 'The body is not JSON');
  }
}
