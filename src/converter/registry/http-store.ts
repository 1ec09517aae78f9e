import { OperatorError, TransientError } from '../../errors.ts';
import { type OnIncompatible, SchemaRefused, type SchemaStore } from '../converter.ts';
import { isJsonObject } from '../../json.ts';
import { exchangeError, type Question, type RegistryPlace, statusError } from './http-errors.ts';
import { exchange, type HttpAnswer, type HttpLimits, type HttpRequest, type RegistryTls } from './http-exchange.ts';
import { compact } from './schema-text.ts';

/** An external schema registry. `urls` are tried in turn; one may hold `user:password@`, which is never printed. */
export interface RegistryClientSettings {
  readonly urls: readonly string[];
  /** `user:password`; goes before that of a URL. */
  readonly basicAuth: string | undefined;
  readonly tls: RegistryTls | undefined;
}

/** What may differ from the defaults. */
export interface HttpSchemaStoreOptions {
  /** What the names of the settings begin with, for messages: `schema.registry.` */
  readonly prefix?: string;
  readonly limits?: HttpLimits;
  /** With `force` a subject is without a level while a schema is registered that it forbids ('fail'). */
  readonly onIncompatible?: OnIncompatible;
}

/** Nobody reads more. */
const DIFFERENCES_TOLD = 5;
const DIFFERENCE_LENGTH = 300;

const LIMITS: HttpLimits = { timeoutMs: 10_000, maxBytes: 16 * 1024 * 1024 };

/**
 * A schema store that asks a registry with Confluent's REST API (Confluent's own, Karapace, Apicurio's ccompat, our built-in one). What it was
 * told once it does not ask again. Nothing is tried twice at one URL: a TransientError is the supervisor's to repeat.
 * @see https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
export function createHttpSchemaStore(
  settings: RegistryClientSettings,
  { prefix = 'schema.registry.', limits = LIMITS, onIncompatible = 'fail' }: HttpSchemaStoreOptions = {},
): SchemaStore {
  return new HttpSchemaStore(settings, prefix, limits, onIncompatible);
}

interface Target extends RegistryPlace {
  readonly credentials: string | undefined;
}

class HttpSchemaStore implements SchemaStore {
  readonly #targets: readonly Target[];
  readonly #tls: RegistryTls | undefined;
  readonly #limits: HttpLimits;
  readonly #onIncompatible: OnIncompatible;
  readonly #ids: Map<string, number> = new Map();
  readonly #schemas: Map<number, string> = new Map();
  /** The URL that answered last goes first. */
  #first = 0;

  constructor(
    { urls, basicAuth, tls }: RegistryClientSettings,
    prefix: string,
    limits: HttpLimits,
    onIncompatible: OnIncompatible,
  ) {
    this.#onIncompatible = onIncompatible;
    this.#targets = urls.map((url) => target(url, basicAuth, prefix));
    this.#tls = tls;
    this.#limits = limits;
  }

  async register(subject: string, schema: string, signal: AbortSignal): Promise<number> {
    const text = compact(schema, `Schema for subject ${subject}`);
    const key = JSON.stringify([subject, text]);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    let id: number;
    try {
      id = await this.#register(subject, text, signal);
    } catch (error) {
      // The registry itself compares first, and registers nothing that the subject's level forbids.
      if (!(error instanceof SchemaRefused)) throw error;
      if (this.#onIncompatible === 'fail') throw await this.#explained(error, subject, text, signal);
      id = await this.#withoutLevel(subject, signal, () => this.#register(subject, text, signal));
    }
    this.#ids.set(key, id);
    return id;
  }

  async #register(subject: string, schema: string, signal: AbortSignal): Promise<number> {
    const question = { action: `register a schema for subject "${subject}"`, subject };
    // Without schemaType: older registries know none and refuse it.
    const body = JSON.stringify({ schema });
    const { id } = await this.#ask(question, `/subjects/${encodeURIComponent(subject)}/versions`, body, signal);
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > 0xffffffff) {
      throw this.#unexpected(question, 'no id');
    }
    return id as number;
  }

  /** With what differs, as far as the registry tells it. */
  async #explained(refused: SchemaRefused, subject: string, schema: string, signal: AbortSignal): Promise<Error> {
    const question = { action: `compare schemas of subject "${subject}"`, subject };
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`;
    try {
      const { messages } = await this.#ask(question, path, JSON.stringify({ schema }), signal);
      if (!Array.isArray(messages) || messages.length === 0) return refused;
      const told = messages.slice(0, DIFFERENCES_TOLD).map((each) => String(each).slice(0, DIFFERENCE_LENGTH));
      return new SchemaRefused(`${refused.message}: ${told.join('; ')}`, { advice: refused.advice ?? '' });
    } catch (error) {
      if (!(error instanceof OperatorError || error instanceof TransientError)) throw error;
      return refused; // what it said when it refused has to do
    }
  }

  /** Lets a subject have no level meanwhile; afterwards it has its own again, or none of its own. */
  async #withoutLevel<T>(subject: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const path = `/config/${encodeURIComponent(subject)}`;
    const question = { action: `set the compatibility of subject "${subject}"`, subject };
    const own = await this.#levelOf(subject, path, signal);
    const set = async (level: string | undefined): Promise<unknown> =>
      await (level === undefined
        ? this.#ask(question, path, undefined, signal, 'DELETE')
        : this.#ask(question, path, JSON.stringify({ compatibility: level }), signal, 'PUT'));
    await set('NONE');
    try {
      return await work();
    } finally {
      await set(own);
    }
  }

  async #levelOf(subject: string, path: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const question = { action: `look up the compatibility of subject "${subject}"`, subject };
      const { compatibilityLevel: level } = await this.#ask(question, path, undefined, signal);
      return typeof level === 'string' ? level : undefined;
    } catch (error) {
      if (error instanceof OperatorError) return undefined; // it has none of its own
      throw error;
    }
  }

  async byId(id: number, signal: AbortSignal): Promise<string> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return known;
    const question = { action: `look up schema ${id}`, subject: undefined };
    const { schema, schemaType, references } = await this.#ask(question, `/schemas/ids/${id}`, undefined, signal);
    if (schemaType !== undefined && schemaType !== null && schemaType !== 'AVRO') {
      throw new OperatorError(`Schema ${id} is not an Avro schema`, {
        advice: 'Its topic is not one that Rowcast can read.',
      });
    }
    if (Array.isArray(references) && references.length > 0) {
      const advice = 'Write the topic with schemas that refer to no others.';
      throw new OperatorError(`Schema ${id} refers to other schemas, which is not supported`, { advice });
    }
    if (typeof schema !== 'string') throw this.#unexpected(question, 'no schema');
    const text = compact(schema, `Schema ${id}`);
    this.#schemas.set(id, text);
    return text;
  }

  /** Asks one URL after the other until one answers; an answer that blames the question ends it. */
  async #ask(
    question: Question,
    path: string,
    body: string | undefined,
    signal: AbortSignal,
    method?: HttpRequest['method'],
  ): Promise<Readonly<Record<string, unknown>>> {
    const failures: (OperatorError | TransientError)[] = [];
    for (let step = 0; step < this.#targets.length; step++) {
      const index = (this.#first + step) % this.#targets.length;
      const place = this.#targets[index] as Target;
      const answer = await this.#exchange(place, path, body, signal, method);
      if (answer instanceof Error) {
        failures.push(answer);
      } else if (answer.status === 200) {
        this.#first = index;
        // What is said of a level that is gone differs from registry to registry.
        return objectOf(answer.body) ?? (method && {}) ?? fail(this.#unexpected(question, 'no JSON object'));
      } else {
        const error = statusError(answer.status, answer.body, place, question);
        if (error instanceof OperatorError) throw error;
        failures.push(error);
      }
    }
    throw allFailed(failures);
  }

  async #exchange(
    place: Target,
    path: string,
    body: string | undefined,
    signal: AbortSignal,
    method: HttpRequest['method'],
  ): Promise<HttpAnswer | OperatorError | TransientError> {
    const { url, credentials } = place;
    try {
      const request = { url: new URL(`${url}${path}`), body, credentials, tls: this.#tls, ...(method && { method }) };
      return await exchange(request, this.#limits, signal);
    } catch (error) {
      signal.throwIfAborted();
      return exchangeError(error, place);
    }
  }

  #unexpected({ action }: Question, what: string): OperatorError {
    const { url, prefix } = this.#targets[this.#first] as Target;
    return new OperatorError(`Schema registry ${url} was to ${action} and answers with ${what}`, {
      advice: `Set ${prefix}url to where its Confluent API begins.`,
    });
  }
}

/** Time may mend what some of the URLs have; what all of them have needs a person. */
function allFailed(failures: readonly (OperatorError | TransientError)[]): Error {
  const passing = failures.find((failure) => failure instanceof TransientError);
  return passing ?? failures[0] ?? new OperatorError('No URL of a schema registry is set');
}

function target(text: string, basicAuth: string | undefined, prefix: string): Target {
  if (!URL.canParse(text)) throw new OperatorError(`Setting ${prefix}url holds something that is not a URL`);
  const { protocol, host, pathname, username, password } = new URL(text);
  const inUrl = username === '' ? undefined : `${decoded(username)}:${decoded(password)}`;
  return { url: `${protocol}//${host}${pathname.replace(/\/+$/, '')}`, prefix, credentials: basicAuth ?? inUrl };
}

/** A password may hold a `%` that encodes nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function objectOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function fail(error: Error): never {
  throw error;
}
